"""Whatever is sent, the answer is a problem that names the field, and never a 500."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.db import SqliteStore
from tests.chance import examples
from tests.commerce.orders import ADDRESS, PRODUCTS, request_json

from .client import NOBODY, SERVICE, STORE, Client, bearer, problem, signed_in, token

ITEM = {"productId": PRODUCTS["samosa"].id, "quantity": 1}
INFO = {"name": "Asha", "email": "a@b.cd", "mobile": "+8801700000000"}
CARD = "4242 4242 4242 4242"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": 1}, "price"),
        ({"currency": "USD"}, "currency"),
        ({"discount": 1}, "discount"),
        ({"cartItems": [{**ITEM, "price": 1}]}, "cartItems[0].price"),
        ({"cartItems": [ITEM, {**ITEM, "unitPrice": 0}]}, "cartItems[1].unitPrice"),
        ({"cartItems": []}, "cartItems"),
        ({"cartItems": [ITEM] * 201}, "cartItems"),
        ({"cartItems": {}}, "cartItems"),
        ({"cartItems": [None]}, "cartItems[0]"),
        ({"cartItems": [{"productId": "prd_x"}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": 0}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": 1000}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": -1}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": 1.5}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": "1"}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": True}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "quantity": 10**30}]}, "cartItems[0].quantity"),
        ({"cartItems": [{**ITEM, "productId": 5}]}, "cartItems[0].productId"),
        ({"cartItems": [{**ITEM, "productId": ""}]}, "cartItems[0].productId"),
        ({"total": -1}, "total"),
        ({"total": 10**40}, "total"),
        ({"total": 112.5}, "total"),
        ({"fulfilment": "drone"}, "fulfilment"),
        ({"customerInfo": None}, "customerInfo"),
        ({"customerInfo": {**INFO, "name": ""}}, "customerInfo.name"),
        ({"customerInfo": {**INFO, "name": "x" * 201}}, "customerInfo.name"),
        ({"customerInfo": {**INFO, "name": "a\u0000b"}}, "customerInfo.name"),
        ({"customerInfo": {**INFO, "email": "nobody"}}, "customerInfo.email"),
        ({"customerInfo": {**INFO, "email": "a@b.cd\n"}}, "customerInfo.email"),
        ({"customerInfo": {**INFO, "mobile": "call me"}}, "customerInfo.mobile"),
        ({"customerInfo": {**INFO, "role": "admin"}}, "customerInfo.role"),
        ({"billingInfo": {**ADDRESS, "country": "Bangladesh"}}, "billingInfo.country"),
        ({"billingInfo": {**ADDRESS, "line1": CARD}}, "billingInfo.line1"),
        ({"shippingInfo": None}, "shippingInfo"),
        ({"shippingInfo": []}, "shippingInfo"),
        ({"paymentInfo": {}}, "paymentInfo.method"),
        ({"paymentInfo": {"method": "barter"}}, "paymentInfo.method"),
        ({"paymentInfo": {"method": "card"}}, "paymentInfo.token"),
        ({"paymentInfo": {"method": "card", "token": CARD}}, "paymentInfo.token"),
        ({"paymentInfo": {"method": "card", "token": "tok_4242424242424242"}}, "paymentInfo.token"),
        ({"paymentInfo": {"method": "card", "token": "tok_other"}}, "paymentInfo.token"),
        ({"paymentInfo": {"method": "card", "token": "tok_visa", "number": CARD}}, "paymentInfo.number"),
        ({"paymentInfo": {"method": "cash", "cvc": "123"}}, "paymentInfo.cvc"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, store: SqliteStore, changes: dict[str, Any], field: str) -> None:
    response = await client.post("/api/orders", request_json(**changes))
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"] == field
    assert CARD not in response.text
    assert store.last_seq == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("PUT", "/api/shop", {"version": 1, "taxRatesBp": {"__proto__": 1}}, ("taxRatesBp", "A tax class is wanted")),
        ("PUT", "/api/me/notification-preferences", {"topics": {"__proto__": []}}, ("topics", "Invalid enum value")),
        ("PUT", "/api/me/notification-preferences", {"topics": {"chat": ["fax"]}}, ("topics", "Invalid enum value")),
        ("POST", "/api/orders", {"customerInfo": {"email": "x"}}, ("customerInfo.email", "An address of mail")),
        ("GET", "/api/products/prd_1/history?cursor=x", None, ("cursor", "cursor: The nextCursor")),
    ],
    ids=["a name", "a word", "a member", "a field", "a query"],
)
async def test_what_is_wanted_is_said_in_words_and_by_its_field(
    client: Client, method: str, path: str, body: Any, told: tuple[str, str]
) -> None:
    response = await client.http.request(method, path, json=body, headers=signed_in("admin", "usr_9"))
    refused = problem(response, 422, "invalid-field", told[0])
    assert refused["detail"].startswith(told[1])
    assert "regex" not in response.text
    assert "`key`" not in response.text


@pytest.mark.parametrize("part", ["customerInfo", "billingInfo", "cartItems", "paymentInfo"])
async def test_a_missing_part_is_named(client: Client, part: str) -> None:
    body = request_json()
    del body[part]
    problem(await client.post("/api/orders", body), 422, "invalid-field", part)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null and void",
        b'{"total": NaN}',
        b'{"total": Infinity}',
        b"{'fulfilment': 'pickup'}",
        b'{"total": 01}',
        b'{"fulfilment": "\xff"}',
        b'{"fulfilment": "\x01"}',
        b'{"fulfilment": "pickup"} {}',
        b"\xef\xbb\xbf{}",
        b"\x00" * 100,
    ],
)
async def test_what_is_not_json_is_said_to_be_none(client: Client, content: bytes) -> None:
    for path, headers in (("/api/orders", NOBODY), ("/api/emit", SERVICE), ("/emit-booking", SERVICE)):
        response = await client.http.post(
            path, content=content, headers={"Content-Type": "application/json", **headers}
        )
        assert response.status_code in {400, 422}, (path, response.text)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"args":[', b'{"cartItems":['])
async def test_a_hundred_thousand_levels_are_refused(client: Client, opening: bytes) -> None:
    content = opening * (190_000 // len(opening))
    for path in ("/api/orders", "/api/emit", "/emit-booking", "/api/auth/login"):
        response = await client.http.post(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code in {400, 422}, (path, response.text)


async def test_a_body_past_the_bound_is_refused_without_being_read(client: Client) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 100_000_000:
            read += 10_000
            yield b" " * 10_000

    response = await client.http.post("/api/orders", content=endless(), headers={"Content-Type": "application/json"})
    problem(response, 413, "body-too-large")
    announced = await client.http.post("/api/orders", content=b" " * 200_001)
    refused = problem(announced, 413, "body-too-large")
    assert refused["detail"] == "A body has 200000 bytes at most."


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
async def test_another_media_type_is_refused(client: Client, media_type: str) -> None:
    response = await client.http.post("/api/orders", content=b"{}", headers={"Content-Type": media_type})
    problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", ["application/json", "application/JSON; charset=utf-8", "application/ld+json"])
async def test_json_by_any_of_its_names_is_read(client: Client, media_type: str) -> None:
    response = await client.http.post("/api/orders", content=b"{}", headers={"Content-Type": media_type})
    problem(response, 422, "invalid-field", "customerInfo")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=9999999999999999999", "cursor"),
        (f"status={'x' * 65}", "status"),
    ],
)
async def test_a_wrong_parameter_is_named(client: Client, query: str, field: str) -> None:
    problem(await client.get(f"/api/orders?{query}", STORE), 422, "invalid-field", field)


@pytest.mark.parametrize("order_id", ["ord_x", "%00", "%ff", "..%2f..", "a" * 5000, "' OR 1=1 --", "🛵"])
async def test_a_wrong_id_is_not_found(client: Client, order_id: str) -> None:
    for path in (f"/api/orders/{order_id}", f"/api/orders/{order_id}/history"):
        response = await client.get(path, STORE)
        assert response.status_code == 404, response.text
        assert response.headers["content-type"] == "application/problem+json"
    body = {"status": "processing", "version": 1}
    problem(await client.post(f"/api/orders/{order_id}/status", body, STORE), 404, "not-found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "processing"}, "version"),
        ({"status": "processing", "version": "1"}, "version"),
        ({"status": "processing", "version": 0}, "version"),
        ({"status": "processing", "version": 2**63}, "version"),
        ({"status": 5, "version": 1}, "status"),
        ({"status": "rejected", "version": 1, "reason": 5}, "reason"),
        ({"status": "rejected", "version": 1, "reason": "x" * 501}, "reason"),
        ({"status": "rejected", "version": 1, "reason": "a\u0000"}, "reason"),
        ({"status": "rejected", "version": 1, "reason": CARD}, "reason"),
        ({"status": "rejected", "version": 1, "force": True}, "force"),
    ],
)
async def test_a_wrong_move_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    order = await client.place()
    response = await client.post(f"/api/orders/{order['id']}/status", body, STORE)
    assert (response.status_code, response.json().get("field")) == (422, field), response.text


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (lambda: "Bearer ", "token_malformed"),
        (lambda: "Basic YTpi", "token_malformed"),
        (lambda: "Bearer x", "token_malformed"),
        (lambda: "Bearer a.b.c", "token_malformed"),
        (lambda: "Bearer " + "x" * 5000, "token_malformed"),
        (lambda: "Bearer trk_nothing", "token_invalid"),
        (lambda: "Bearer " + token("store", ttl_s=-1), "token_expired"),
        (lambda: "Bearer " + token("store")[:-2] + "AA", "token_invalid"),
    ],
)
async def test_a_wrong_token_is_refused_everywhere(client: Client, header: Callable[[], str], code: str) -> None:
    headers = {"Authorization": header()}
    responses = [
        await client.get("/api/orders", headers),
        await client.post("/api/orders", request_json(), headers),
        await client.post("/api/emit", {"event": "hi", "rooms": ["a"]}, headers),
    ]
    for response in responses:
        assert problem(response, 401, "token-refused")["code"] == code


async def test_a_persons_token_is_not_taken_from_the_address(client: Client) -> None:
    problem(await client.get(f"/api/orders?token={token('store')}"), 401, "sign-in-required")


async def test_unknown_paths_and_methods_are_problems_too(client: Client) -> None:
    problem(await client.get("/api/nothing"), 404, "not-found")
    response = await client.http.request("DELETE", "/api/orders")
    problem(response, 405, "method-not-allowed")
    assert "GET" in response.headers["allow"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@examples(150, one_fixture_for_all=True)
@given(part=st.sampled_from([*request_json(), "customerInfo.email", "shippingInfo.city", "total"]), value=json_values)
async def test_no_value_in_any_place_is_our_fault(client: Client, part: str, value: Any) -> None:
    body = request_json()
    parent, _, name = part.rpartition(".")
    (body[parent] if parent else body)[name] = value
    response: httpx.Response = await _send(client, body)
    assert response.status_code in {201, 400, 402, 409, 422}, response.text


async def _send(client: Client, body: Any) -> httpx.Response:
    import json

    # Python's own encoder also writes NaN and lone surrogates, which no good client does.
    content = json.dumps(body).encode()
    return await client.http.post("/api/orders", content=content, headers={"Content-Type": "application/json"})


async def test_a_token_of_an_order_orders_as_a_guest(client: Client) -> None:
    order = await client.place()
    again = await client.place(bearer(order["trackingToken"]))
    assert again["trackingToken"] != order["trackingToken"]
