"""Promise 1 over a `kill -9`: what was confirmed is there, and whoever was entitled to it hears of it, once."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from .buyers import Buyers
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
    buyers = Buyers(shop.url, shop.order())

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
