"""Proof of notice with stock clients: what was acknowledged survives a `kill -9`; what nobody opens is escalated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import socketio

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]


def notice(shop: Shop, order: dict[str, Any], token: str) -> dict[str, Any]:
    answer = httpx.get(f"{shop.url}/api/orders/{order['id']}/notice", headers={"authorization": f"Bearer {token}"})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def acknowledged(listener: Listener, event: str, body: dict[str, Any]) -> Any:
    """Send a command; gives the ack's data."""
    before = len(listener.of_kind("ack"))
    listener.emit(event, body)
    ack = listener.wait_for(lambda heard: heard.of_kind("ack")[before:])[0]
    assert ack["args"][0]["error"] is None, ack
    return ack["args"][0]["data"]


@pytest.mark.node
async def test_what_was_acknowledged_survives_a_kill_and_what_nobody_opens_is_escalated(
    shop: Shop, listen: Listen
) -> None:
    token = await asyncio.to_thread(shop.login)
    in_javascript, in_python = listen(shop.url, auth={"token": token}), socketio.AsyncClient(reconnection=False)
    in_javascript.wait_for_connection()
    await in_python.connect(
        shop.url, auth={"token": shop.token("store", "usr_py")}, transports=["websocket"], wait_timeout=60
    )
    opened, other = shop.place(), shop.place()
    in_javascript.wait_for_event("newOrder", 2)
    assert acknowledged(in_javascript, "notice_received", {"orderIds": [opened["id"]]}) == {"unknown": []}
    assert await in_python.call("notice_received", {"orderIds": [opened["id"]]}) == done({"unknown": []})
    assert await in_python.call("notice_opened", {"orderId": opened["id"]}) == done(
        {"orderId": opened["id"], "bookingId": None}
    )
    shop.kill()
    await in_python.shutdown()
    shop.change_settings(ORDERCAST_NOTICE_ESCALATION="on", ORDERCAST_NOTICE_BOARD_S="1")
    shop.start()

    found = notice(shop, opened, token)
    assert (found["received"]["screens"], found["received"]["name"]) == (2, "Demo Admin")
    assert (found["opened"]["by"], found["opened"]["how"]) == ("store:usr_py", "opened")
    heard = in_javascript.wait_for_event("order_unseen")
    assert [event["args"][0]["orderId"] for event in heard if event["args"][0]["step"] == "board"] == [other["id"]]
    escalated = notice(shop, other, token)
    assert escalated["opened"] is None
    assert escalated["escalations"][0]["step"] == "board"
    # It is older, and was looked at when the other was escalated.
    assert notice(shop, opened, token)["escalations"] == []


def done(data: dict[str, Any]) -> dict[str, Any]:
    return {"data": data, "error": None}
