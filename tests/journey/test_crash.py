"""Promise 1 over a `kill -9`: what was confirmed is there, and whoever was entitled to it hears of it, once."""

from __future__ import annotations

from collections.abc import Callable

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
