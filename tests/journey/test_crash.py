"""Promise 1 over a `kill -9`: what was confirmed is there, and whoever was entitled to it hears of it, once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]


@pytest.mark.node
def test_an_order_confirmed_just_before_the_kill_is_there_and_told_by_the_restarted_server(
    shop: Shop, listen: Listen
) -> None:
    token = shop.login()
    admin = listen(shop.url, auth={"token": token})
    first = admin.wait_for_connection()

    order = shop.place()
    shop.kill()
    shop.start()

    again = admin.wait_for_connection(count=2)
    events = admin.wait_for_event("newOrder")
    assert shop.get_order(order["id"], token)["status"] == "pending"
    assert again["recovered"]
    assert again["id"] == first["id"]
    assert [event["args"][0]["id"] for event in events] == [order["id"]]


@pytest.mark.node
def test_an_order_that_nobody_was_connected_to_hear_is_told_to_who_returns(shop: Shop, listen: Listen) -> None:
    """The server dies with no client on it, an outside program adds an order meanwhile, and the client comes back."""
    token = shop.login()
    admin = listen(shop.url, auth={"token": token}, reconnectionDelay=1500, reconnectionDelayMax=1500)
    admin.wait_for_connection()

    shop.kill()
    shop.start()
    order = shop.place()

    admin.wait_for_connection(count=2)
    events = admin.wait_for_event("newOrder")
    assert [event["args"][0]["id"] for event in events] == [order["id"]]


@pytest.mark.node
def test_five_kills_under_load_lose_nothing_and_repeat_nothing(shop: Shop, listen: Listen) -> None:
    token = shop.login()
    admins = [
        listen(shop.url, auth={"token": token}, transports=transports)
        for transports in (["websocket"], ["polling"], ["polling", "websocket"])
    ]
    for admin in admins:
        admin.wait_for_connection()
    buyers = Buyers(shop)

    for _ in range(5):
        buyers.wait_for_more(20)
        shop.kill()
        shop.start()
    buyers.wait_for_more(5)
    confirmed = buyers.stop()

    shown = httpx.get(f"{shop.url}/api/orders?limit=100", headers={"authorization": f"Bearer {token}"}).json()
    last = shop.place()
    for admin in admins:
        admin.wait_for(lambda listener: last["id"] in heard(listener), timeout_s=30)
        ids = heard(admin)
        assert len(ids) == len(set(ids)), "an order was told twice"
        assert confirmed <= set(ids), "a confirmed order was never told"
        assert {order["id"] for order in shown["items"]} <= set(ids), "a committed order was never told"
        numbers = [event["args"][0]["number"] for event in admin.events("newOrder")]
        assert numbers == sorted(numbers), "orders were told out of order"


def heard(listener: Listener) -> list[str]:
    return [event["args"][0]["id"] for event in listener.events("newOrder")]


class Buyers:
    """Four buyers that order as fast as they are answered, and note what was confirmed to them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._body: dict[str, Any] = shop.order()
        self._confirmed: set[str] = set()
        self._news = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._buy, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _buy(self) -> None:
        body = {**self._body, "cartItems": [{**self._body["cartItems"][0], "quantity": 1}]}
        while not self._stopping:
            try:
                answer = httpx.post(f"{self._shop.url}/api/orders", json=body, timeout=5)
            except httpx.HTTPError:
                continue  # killed; the buyer tries again
            if answer.status_code == 201:
                with self._news:
                    self._confirmed.add(answer.json()["id"])
                    self._news.notify_all()

    def wait_for_more(self, count: int) -> None:
        with self._news:
            wanted = len(self._confirmed) + count
            assert self._news.wait_for(lambda: len(self._confirmed) >= wanted, 30), "nothing is sold any more"

    def stop(self) -> set[str]:
        self._stopping = True
        for thread in self._threads:
            thread.join()
        return self._confirmed
