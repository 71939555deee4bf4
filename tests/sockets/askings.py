"""How to ask each command of the AsyncAPI document: `ASKED`, by the command's name."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from tests.api.client import CUSTOMER, token
from tests.api.drivers_at_work import ready

from .happenings import told_in_words, watched_conversation, written
from .stage import Stage


async def echo(stage: Stage) -> None:
    assert await stage.clerk.ask("echo", "a", {"b": [1]}) == ("a", {"b": [1]})


async def watch(stage: Stage) -> None:
    order = await stage.client.place(CUSTOMER)
    assert (await stage.clerk.ask("watch_order", {"orderId": order["id"]}))["data"]["order"]["id"] == order["id"]
    assert (await stage.clerk.ask("unwatch_order", {"orderId": order["id"]}))["error"] is None
    assert (await stage.buyer.ask("watch_order", {"orderId": "ord_nothing"}))["error"]["code"] == "not_found"


async def watch_shop(stage: Stage) -> None:
    for person in (stage.clerk, await stage.connect()):
        assert (await person.ask("watch_shop", {}))["data"]["opening"]["timezone"]
        assert (await person.ask("unwatch_shop"))["data"] == {}
        assert (await person.ask("watch_shop", {"shop": 1}))["error"]["code"] == "invalid_field"


async def watch_table(stage: Stage) -> None:
    data = (await stage.clerk.ask("watch", {"table": "Order"}))["data"]
    assert data["rows"] == []
    assert (await stage.clerk.ask("unwatch", {"watch": data["watch"]}))["data"] == {"watch": data["watch"]}
    assert (await stage.clerk.ask("watch", {"table": "Secret"}))["error"]["field"] == "table"


async def move(stage: Stage) -> None:
    order = await stage.client.place(CUSTOMER)
    wanted = {"orderId": order["id"], "status": "processing", "version": 1, "clientId": "c-1"}
    assert (await stage.clerk.ask("update_order_status", wanted))["data"]["status"] == "processing"
    for wrong, code in (
        ({"clientId": "c-2", "status": "rejected"}, "stale_version"),
        ({"status": "returned"}, "idempotency_key_reused"),
        ({"clientId": "c-3", "status": "returned", "version": 2}, "illegal_transition"),
        ({"clientId": "c-4", "status": "nowhere", "version": 2}, "unknown_status"),
        ({"clientId": "c-5", "orderId": "ord_nothing"}, "not_found"),
    ):
        assert (await stage.clerk.ask("update_order_status", {**wanted, **wrong}))["error"]["code"] == code


async def move_booking(stage: Stage) -> None:
    booking = await stage.booked()
    wanted = {"bookingId": booking["id"], "status": "confirmed", "version": 1, "clientId": "b-1"}
    assert (await stage.buyer.ask("update_booking_status", {**wanted, "clientId": "b-0"}))["error"] is not None
    assert (await stage.clerk.ask("update_booking_status", wanted))["data"]["status"] == "confirmed"
    for wrong, code in (
        ({"clientId": "b-2", "status": "in_progress"}, "stale_version"),
        ({"status": "completed"}, "idempotency_key_reused"),
        ({"clientId": "b-3", "status": "requested", "version": 2}, "illegal_transition"),
        ({"clientId": "b-4", "status": "cancelled", "version": 2}, "reason_required"),
        ({"clientId": "b-5", "status": "nowhere", "version": 2}, "unknown_status"),
        ({"clientId": "b-6", "bookingId": "bkg_nothing"}, "not_found"),
    ):
        assert (await stage.clerk.ask("update_booking_status", {**wanted, **wrong}))["error"]["code"] == code


async def assign(stage: Stage) -> None:
    order = await ready(stage.client)
    wanted = {"orderId": order["id"], "driverId": "drv_1", "version": order["version"]}
    assert (await stage.buyer.ask("assign_driver", wanted))["error"]["code"] == "not_permitted"
    assert (await stage.clerk.ask("assign_driver", wanted))["data"]["driverId"] == "drv_1"


async def see(stage: Stage) -> None:
    await told_in_words(stage)
    assert (await stage.buyer.ask("mark_seen", {"all": True}))["data"] == {"unread": 0}
    await receive(stage)


async def notice(stage: Stage) -> None:
    order = await stage.client.place(CUSTOMER)
    painted = {"orderIds": [order["id"], "ord_nothing"]}
    assert (await stage.clerk.ask("notice_received", painted))["data"] == {"unknown": ["ord_nothing"]}
    assert (await stage.clerk.ask("notice_opened", {"orderId": order["id"]}))["error"] is None
    assert (await stage.clerk.ask("notice_opened", {"orderId": "ord_nothing"}))["error"]["code"] == "not_found"
    for command, wanted in (("notice_received", painted), ("notice_opened", {"orderId": order["id"]})):
        assert (await stage.buyer.ask(command, wanted))["error"]["code"] == "not_permitted"


async def locate(stage: Stage) -> None:
    assert (await stage.rider.ask("driver_location", {"lat": 23.7, "lng": 90.4}))["data"] == {"taken": True}
    assert (await stage.clerk.ask("driver_location", {"lat": 23.7, "lng": 90.4}))["error"]["code"] == "not_permitted"


async def refresh(stage: Stage) -> None:
    assert (await stage.clerk.ask("auth_refresh", {"token": token("store")}))["data"]["expiresAt"] > time.time()
    assert (await stage.clerk.ask("auth_refresh", token("store")))["error"] is None


async def write(stage: Stage) -> None:
    await written(stage)
    message = {"conversationId": "cnv_nothing", "text": "Is it on its way?"}
    assert (await stage.buyer.ask("send_message", message))["error"]["code"] == "not_found"


async def change_message(stage: Stage) -> None:
    message = await written(stage)
    named = {"conversationId": message["conversationId"], "messageId": message["id"]}
    edited = await stage.buyer.ask("edit_message", {**named, "text": "Is it here?", "version": 1})
    assert (edited["data"]["version"], edited["data"]["text"]) == (2, "Is it here?")
    for sender, wrong, code in (
        (stage.buyer, {"version": 1}, "stale_version"),
        (stage.buyer, {"messageId": "msg_nothing"}, "not_found"),
        (stage.clerk, {}, "not_permitted"),
    ):
        answer = await sender.ask("edit_message", {**named, "text": "Is it?", **wrong})
        assert answer["error"]["code"] == code
    assert (await stage.clerk.ask("delete_message", named))["data"]["text"] == ""
    assert (await stage.buyer.ask("edit_message", {**named, "text": "Is it?"}))["error"]["code"] == "message_gone"
    assert (await stage.rider.ask("delete_message", named))["error"]["code"] == "not_found"


async def receive(stage: Stage) -> None:
    message = await written(stage)
    at = {"conversationId": message["conversationId"], "position": message["position"]}
    assert (await stage.clerk.ask("mark_delivered", at))["data"]["delivered"] == 1
    assert (await stage.clerk.ask("mark_seen", at))["data"]["seen"] == 1
    assert (await stage.clerk.ask("mark_seen", {**at, "position": 9}))["error"]["field"] == "position"


async def open_conversation(stage: Stage) -> None:
    conversation = {"conversationId": await watched_conversation(stage)}
    assert (await stage.buyer.ask("typing", conversation))["data"] == {"typing": True}
    assert (await stage.clerk.ask("watch_conversation", conversation))["data"]["conversation"]["you"] == "store"
    assert (await stage.clerk.ask("unwatch_conversation", conversation))["data"] == conversation
    for command in ("watch_conversation", "typing"):
        assert (await stage.rider.ask(command, conversation))["error"]["code"] == "not_found"


async def ask_for_a_room(stage: Stage) -> None:
    assert (await stage.buyer.ask("join_room", {"room": "case_2"}))["error"]["code"] == "not_permitted"
    stage.rules.allowed.add("case_2")
    assert (await stage.buyer.ask("join_room", {"room": "case_2"}))["data"]["room"] == "case_2"
    assert "case_2" in [each["room"] for each in (await stage.buyer.ask("whoami"))["data"]["rooms"]]
    assert (await stage.buyer.ask("leave_room", {"room": "case_2"}))["data"] == {"room": "case_2"}


PUBLIC = {"watch_shop", "unwatch_shop"}
"""Those that need no token."""

ASKED: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "echo": echo,
    "watch_order": watch,
    "unwatch_order": watch,
    "watch_shop": watch_shop,
    "unwatch_shop": watch_shop,
    "watch": watch_table,
    "unwatch": watch_table,
    "update_order_status": move,
    "update_booking_status": move_booking,
    "assign_driver": assign,
    "mark_seen": see,
    "notice_received": notice,
    "notice_opened": notice,
    "driver_location": locate,
    "send_message": write,
    "edit_message": change_message,
    "delete_message": change_message,
    "mark_delivered": receive,
    "watch_conversation": open_conversation,
    "unwatch_conversation": open_conversation,
    "typing": open_conversation,
    "auth_refresh": refresh,
    "join_room": ask_for_a_room,
    "leave_room": ask_for_a_room,
    "whoami": ask_for_a_room,
}
