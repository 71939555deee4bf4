"""Orders that nobody should send, over a real socket: each is refused, clearly and at once, and the next is taken."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .shop import Shop

CARD = "4242 4242 4242 4242"


def post(shop: Shop, body: bytes | dict[str, Any]) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return httpx.post(f"{shop.url}/api/orders", content=content, headers=headers, timeout=60)


def refused(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    return problem


def texts(value: Any, path: str = "") -> Iterator[str]:
    """The path of every text in an order."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{path}[{index}]")


def put(order: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed: Any = json.loads(json.dumps(order))
    *parents, last = path.replace("[", ".[").split(".")
    inner = changed
    for part in parents:
        inner = inner[int(part[1:-1])] if part.startswith("[") else inner[part]
    inner[last] = value
    return dict(changed)


def test_what_nobody_should_send_is_refused_and_the_next_order_is_taken(shop: Shop) -> None:
    order = shop.order()
    deep = b'{"customerInfo":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    refused(post(shop, deep), 422, "invalid-field")
    refused(post(shop, b"[" * 100_000), 422, "invalid-field")
    many = refused(post(shop, {**order, "cartItems": order["cartItems"] * 10_000}), 422, "invalid-field")
    assert many["field"] == "cartItems"
    priced = put(order, "cartItems[0].price", 1)
    assert refused(post(shop, priced), 422, "invalid-field")["field"] == "cartItems[0].price"
    assert refused(post(shop, {**order, "subtotal": 1}), 422, "invalid-field")["field"] == "subtotal"
    for word in ("NaN", "Infinity", "1e999", "2.5", "true", '"1"', str(10**30)):
        body = json.dumps(order).replace('"quantity": 2', f'"quantity": {word}').encode()
        assert post(shop, body).status_code in {400, 422}, word
    assert post(shop, order).status_code == 201


def holds_card(text: str) -> bool:
    """Whether two groups of four digits of it are there: one alone is in many a time or id by chance."""
    return re.search(r"4242\W?4242", text) is not None


def test_a_card_number_in_any_text_is_refused_and_never_repeated(shop: Shop) -> None:
    order = shop.order(promoCode="EID", paymentInfo={"method": "card", "token": "tok_visa"})
    paths = [path for path in texts(order) if path not in {"fulfilment", "paymentInfo.method"}]
    assert len(paths) > 12
    for path in paths:
        answer = post(shop, put(order, path, CARD))
        # Where a field has a shape of its own, it is that which a card number does not have.
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["field"] == path
        assert not holds_card(answer.text)
    refused(post(shop, put(order, "billingInfo.line1", f"12 Lake Road {CARD}")), 422, "card-number")
    assert not holds_card(shop.output)
    written = b"".join(file.read_bytes() for file in shop.database.parent.glob("shop.db*"))
    assert b"4242 4242" not in written


@pytest.mark.parametrize("size", [3_000_000, 30_000_000])
def test_a_body_that_says_its_size_is_refused_before_it_is_sent(shop: Shop, size: int) -> None:
    with socket.create_connection(("127.0.0.1", shop.port), timeout=60) as peer:
        peer.sendall(
            f"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        answer = peer.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 "), answer
