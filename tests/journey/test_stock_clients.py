"""Promise 5: the stock client is enough. JavaScript's and Python's, over each way to connect."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import socketio

from tests.waiting import eventually

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]

WAYS = {
    "websocket only": ["websocket"],
    "polling only": ["polling"],
    "upgrade": ["polling", "websocket"],
}


def expected_new_order(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "new_order",
        "order": {
            "id": order["id"],
            "status": order["paymentStatus"],
            "total": order["total"],
            "customerName": "Asha Rahman",
            "createdAt": order["createdAt"],
            "mobile": "+8801700000000",
            "customer_email": "asha@example.com",
        },
    }


@pytest.mark.node
@pytest.mark.parametrize("way", WAYS)
def test_the_javascript_client_hears_exactly_the_new_order(shop: Shop, listen: Listen, way: str) -> None:
    admin = listen(shop.url, auth={"token": shop.login()}, transports=WAYS[way])
    admin.wait_for_connection()
    if way == "upgrade":
        admin.wait_for(lambda listener: listener.of_kind("upgrade"))

    order = shop.place()

    (event,) = admin.wait_for_event("new_order")
    payload, offset = event["args"]
    assert payload == expected_new_order(order)
    assert isinstance(offset, str)
    (whole,) = admin.wait_for_event("newOrder")
    assert {key: whole["args"][0][key] for key in order if key != "trackingToken"} == {
        key: value for key, value in order.items() if key != "trackingToken"
    }


@pytest.mark.parametrize("way", WAYS)
async def test_the_python_client_hears_exactly_the_new_order(shop: Shop, way: str) -> None:
    client, heard = socketio.AsyncClient(), asyncio.Queue[Any]()
    client.on("new_order", lambda *args: heard.put_nowait(args))
    token = await asyncio.to_thread(shop.login)
    await client.connect(shop.url, auth={"token": token}, transports=WAYS[way], wait_timeout=60)
    try:
        order = await asyncio.to_thread(shop.place)
        payload, _offset = await asyncio.wait_for(heard.get(), 60)
        assert payload == expected_new_order(order)
    finally:
        await client.shutdown()


@pytest.mark.node
def test_admin_only_events_reach_admins_only(shop: Shop, listen: Listen) -> None:
    admin = listen(shop.url, auth={"token": shop.login()})
    customer = listen(shop.url, auth={"token": shop.login("customer@example.com")})
    driver = listen(shop.url, auth={"token": shop.login("driver@example.com")})
    nobody = listen(shop.url)
    for listener in (admin, customer, driver, nobody):
        listener.wait_for_connection()

    order = shop.place()
    guest = listen(shop.url, auth={"token": order["trackingToken"]})
    guest.wait_for_connection()
    assert shop.move(order, "processing", shop.login()).status_code == 200
    admin.wait_for_event("orderStatusUpdated")
    update = guest.wait_for_event("customer_order_update")

    assert update[0]["args"][0]["status"] == "processing"
    for listener in (customer, driver, nobody):
        listener.emit("echo", "still there")
        listener.wait_for(lambda listener: listener.of_kind("ack"))
        assert {event["event"] for event in listener.of_kind("event")} <= {"ready"}
    assert {event["event"] for event in guest.of_kind("event")} == {"ready", "customer_order_update"}


@pytest.mark.node
def test_a_wrong_token_is_refused_with_a_reason(shop: Shop, listen: Listen) -> None:
    stranger = listen(shop.url, auth={"token": "not.a.token"})

    (error,) = stranger.wait_for(lambda listener: listener.of_kind("connect_error"))

    assert error["data"]["code"].startswith("token_")
    assert "token" in error["message"].lower()


@pytest.mark.node
def test_an_echo_answers_what_was_sent_as_it_came(shop: Shop, listen: Listen) -> None:
    tester = listen(shop.url)
    tester.wait_for_connection()

    tester.emit("echo", 1, "দুই", {"three": [True, None]}, 4.5)

    (ack,) = tester.wait_for(lambda listener: listener.of_kind("ack"))
    assert ack["args"] == [1, "দুই", {"three": [True, None]}, 4.5]


@pytest.mark.node
def test_a_row_changed_by_the_sqlite3_program_is_heard(shop: Shop, listen: Listen) -> None:
    order = shop.place()
    admin = listen(shop.url, auth={"token": shop.login()}, transports=["websocket"])
    admin.wait_for_connection()
    statement = f"UPDATE orders SET status = 'processing' WHERE id = '{order['id']}'"

    subprocess.run(["sqlite3", str(shop.database), statement], check=True)

    (event,) = admin.wait_for_event("orderStatusUpdated")
    assert event["args"][0]["actor"] == "db:external"
    assert event["args"][0]["newStatus"] == "processing"


@pytest.mark.node
def test_an_order_that_is_refused_is_never_heard_of(shop: Shop, listen: Listen) -> None:
    admin = listen(shop.url, auth={"token": shop.login()})
    admin.wait_for_connection()
    nameless = {**shop.order()["customerInfo"], "name": ""}
    for order in (shop.order(customerInfo=nameless), shop.order(cartItems=[]), shop.order(total=1)):
        answer = httpx.post(f"{shop.url}/api/orders", json=order)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"].startswith("application/problem+json")

    placed = shop.place()
    admin.wait_for_event("newOrder")

    assert [event["args"][0]["id"] for event in admin.events("newOrder")] == [placed["id"]]


@pytest.mark.node
def test_the_log_names_the_socket_that_comes_and_goes(shop: Shop, listen: Listen) -> None:
    listener = listen(shop.url)
    socket_id = listener.wait_for_connection()["id"]
    # Between two polls, amid the upgrade, nobody could tell that a client has gone before its pong is due.
    listener.wait_for(lambda listener: listener.of_kind("upgrade"))
    listener.close()

    eventually(lambda: f"socket disconnected: {socket_id}" in shop.output)
    eventually(lambda: f"socket connected: {socket_id}" in shop.output)
