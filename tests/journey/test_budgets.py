"""A stranger's budget, as a running shop holds everybody to it: with stock clients, behind proxies, between nodes."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.valkey import running_valkey
from tests.waiting import eventually

from .listener import Listener
from .shop import Shop


@contextmanager
def counting(folder: Path, **environ: str) -> Iterator[Shop]:
    """A shop as a newcomer starts it: with its budgets on."""
    shop = Shop(folder, {"ORDERCAST_BUDGETS": "on", **environ})
    try:
        shop.start()
        yield shop
    finally:
        shop.kill()


def login(shop: Shop, email: str, *, at: str = "203.0.113.1") -> int:
    person = {"email": email, "password": "wrong"}
    return httpx.post(f"{shop.url}/api/auth/login", json=person, headers={"x-forwarded-for": at}).status_code


def test_a_flood_of_piped_handshakes_on_one_connection_keeps_nobody_else_out(
    tmp_path: Path, listen: Callable[..., Listener]
) -> None:
    with counting(tmp_path, ORDERCAST_TRUSTED_PROXIES="127.0.0.1", ORDERCAST_BUDGET_HANDSHAKES="200/10s") as shop:
        request = (
            b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", shop.port)) as flood:
            flood.settimeout(60)
            answers = b""
            for _ in range(100):
                flood.sendall(request * 16)
                due = answers.count(b"HTTP/1.1 ") + 16
                while answers.count(b"HTTP/1.1 ") < due:
                    part = flood.recv(1 << 20)
                    assert part
                    answers += part
            assert answers.count(b"HTTP/1.1 429") > 0
            assert answers.count(b"HTTP/1.1 200") < 1_600
            client = listen(shop.url, auth={"token": shop.token()}, extraHeaders={"x-forwarded-for": "203.0.113.1"})
            client.wait_for_connection()


def test_a_stock_client_that_is_over_its_budget_waits_longer_each_time_and_comes_in(
    tmp_path: Path, listen: Callable[..., Listener]
) -> None:
    with counting(tmp_path, ORDERCAST_BUDGET_HANDSHAKES="2/8s") as shop:
        handshake = partial(httpx.get, f"{shop.url}/socket.io/?EIO=4&transport=polling")
        assert handshake().status_code == 200
        spent = eventually(lambda: (answer := handshake()).status_code == 429 and answer)
        assert spent.headers["retry-after"] == "10"
        client = listen(shop.url, auth={"token": shop.token()}, reconnectionDelay=200, reconnectionDelayMax=2_000)
        while not client.of_kind("connect_error"):  # nothing comes back meanwhile that is not spent at once
            handshake()
        client.wait_for_connection()
        errors = client.of_kind("connect_error")
        assert 1 <= len(errors) < 20
        figures = httpx.get(f"{shop.url}/metrics").text
        assert 'ordercast_connections_refused_total{reason="too_many_handshakes"}' in figures


def test_bad_tokens_at_connect_are_told_when_it_is_enough(tmp_path: Path, listen: Callable[..., Listener]) -> None:
    with counting(tmp_path, ORDERCAST_BUDGET_REFUSED_TOKENS="2/1h") as shop:
        told: list[Any] = []
        for _ in range(3):
            client = listen(shop.url, auth={"token": "garbage"}, transports=["websocket"])
            told.append(client.wait_for(lambda heard: heard.of_kind("connect_error"))[0]["data"])
        assert [data["code"] for data in told] == ["token_malformed", "token_malformed", "too_many_attempts"]
        assert told[-1]["budget"] == "refused_tokens"
        assert told[-1]["retryAfter"] > 0
        good = listen(shop.url, auth={"token": shop.token()}, transports=["websocket"])
        good.wait_for_connection()


def test_one_person_has_so_many_sockets(tmp_path: Path, listen: Callable[..., Listener]) -> None:
    with counting(tmp_path, ORDERCAST_SOCKETS_PER_IDENTITY_MAX="1") as shop:
        auth = {"token": shop.token("customer", "cus_1")}
        listen(shop.url, auth=auth).wait_for_connection()
        (refused,) = listen(shop.url, auth=auth).wait_for(lambda heard: heard.of_kind("connect_error"))
        assert refused["data"]["code"] == "too_many_connections"
        listen(shop.url, auth={"token": shop.token("customer", "cus_2")}).wait_for_connection()


def test_nodes_count_together_while_redis_is_there_and_alone_while_it_is_away(tmp_path: Path) -> None:
    with running_valkey() as valkey:
        environ = {
            "ORDERCAST_REDIS_URL": valkey.url,
            "ORDERCAST_TRUSTED_PROXIES": "127.0.0.1",
            "ORDERCAST_BUDGET_ACCOUNT_GUESSES": "10/10h",  # none comes back while they are counted
        }
        with counting(tmp_path, **environ) as one, counting(tmp_path, **environ) as other:
            nodes = itertools.cycle([one, other])
            together = [login(next(nodes), "store@example.com") for _ in range(12)]
            assert together == [401] * 10 + [429] * 2
            valkey.kill()
            alone = [login(one, "admin@example.com") for _ in range(12)]
            assert alone == [401] * 10 + [429] * 2
            assert login(other, "admin@example.com") == 401
            assert "budgets are counted by this node alone" in one.output


def test_switched_off_nobody_is_bounded_and_the_start_says_so(tmp_path: Path) -> None:
    with counting(tmp_path, ORDERCAST_BUDGETS="off") as shop:
        assert {login(shop, "store@example.com") for _ in range(12)} == {401}
        assert "Budgets are off" in shop.output
        assert "ORDERCAST_BUDGETS=off" in shop.output
