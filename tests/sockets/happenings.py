"""How to make each event of the AsyncAPI document happen: `HAPPENS`, by the event's name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ordercast.app import _today
from ordercast.commerce.notice import EscalationLimits, NoticeStep
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.timestamps import timestamp
from ordercast.db import access, mismatches
from ordercast.feed import EphemeralEvents, LiveStats
from ordercast.jobs import escalate_unseen
from tests.api.client import CUSTOMER, SERVICE, STORE, token
from tests.api.watched_table import tell

from .stage import SHOP_ROOMS, Stage


def now() -> Any:
    return timestamp(time.time_ns() // 1_000_000)


async def order_placed(stage: Stage) -> Any:
    guest = await stage.client.place()
    tracker = await stage.connect(guest["trackingToken"], "order_{id}")
    await stage.client.post(f"/api/orders/{guest['id']}/status", {"status": "processing", "version": 1}, STORE)
    await tracker.waits_for("customer_order_update")
    await stage.clerk.waits_for("new_order")
    return await stage.clerk.waits_for("newOrder")


async def order_moved(stage: Stage) -> Any:
    await stage.client.move(await stage.client.place(CUSTOMER), "processing")
    await stage.buyer.waits_for("customer_order_update")
    return await stage.buyer.waits_for("orderStatusUpdated")


async def order_edited(stage: Stage) -> Any:
    order = await stage.client.place(CUSTOMER)
    edit = "UPDATE orders SET customer_name = 'Asha R.', version = version + 1 WHERE id = :id"
    await stage.store.write(lambda transaction: transaction.run(edit, id=order["id"]))
    return await stage.clerk.waits_for("order_update")


async def order_paid(stage: Stage) -> Any:
    order = await stage.client.place(CUSTOMER)
    paid = await stage.client.post(
        f"/api/orders/{order['id']}/pay", {"paymentInfo": {"method": "card", "token": "tok_visa"}}, CUSTOMER
    )
    assert paid.status_code == 200, paid.text
    return await stage.buyer.waits_for("payment_update")


async def books_differ(stage: Stage) -> Any:
    order = await stage.client.place(CUSTOMER)
    await stage.store.write(
        lambda transaction: mismatches.raise_discrepancy(
            transaction,
            order["id"],
            MismatchKind.CAPTURED,
            "They differ.",
            provider="sandbox",
            reference=None,
            actor=Actor(Role.SERVICE, "worker"),
            now=now(),
            ours=1,
            theirs=2,
        )
    )
    return await stage.clerk.waits_for("payment_mismatch")


async def delivery_moved(stage: Stage) -> Any:
    await stage.carried()
    await stage.rider.ask("driver_location", {"lat": 23.7461, "lng": 90.3742, "accuracy": 8})
    await stage.buyer.waits_for("delivery_update", durable=False)
    await stage.rider.waits_for("delivery_update", durable=True)
    return await stage.clerk.waits_for("delivery_update", durable=True)


async def product_edited(stage: Stage) -> Any:
    product = (await stage.client.get("/api/products")).json()["items"][0]
    body = {"version": product["version"], "price": product["price"] + 100}
    answer = await stage.client.http.patch(f"/api/products/{product['id']}", json=body, headers=STORE)
    assert answer.status_code == 200, answer.text
    return await stage.clerk.waits_for("product_update")


async def shop_paused(stage: Stage) -> Any:
    answer = await stage.client.post("/api/shop/pause", {"minutes": 15, "reason": "Too many orders"}, STORE)
    assert answer.status_code == 200, answer.text
    told = await stage.clerk.waits_for("shop_update")
    await stage.client.post("/api/shop/resume", {}, STORE)
    return told


async def in_the_shop(stage: Stage) -> Any:
    stranger = await stage.connect()
    assert (await stranger.ask("watch_shop", {}))["data"]["opening"]["isOpen"]
    return stranger


async def sold_out(stage: Stage) -> Any:
    stranger = await in_the_shop(stage)
    await product_edited(stage)
    return await stranger.waits_for("availability_update")


async def closed(stage: Stage) -> Any:
    stranger = await in_the_shop(stage)
    await shop_paused(stage)
    return await stranger.waits_for("opening_update")


async def told_in_words(stage: Stage) -> Any:
    await stage.client.move(await stage.client.place(CUSTOMER), "processing")
    return await stage.buyer.waits_for("notification")


async def booked(stage: Stage) -> Any:
    answer = await stage.client.post("/emit-booking", {"bookingId": "b_1", "userId": "cus_1"}, SERVICE)
    assert answer.status_code == 202, answer.text
    return await stage.buyer.waits_for("new_booking")


async def booking_changed(stage: Stage) -> Any:
    body = {"event": "booking_update", "rooms": ["store-owners", "user_cus_1"], "args": [{"bookingId": "b_1"}]}
    answer = await stage.client.post("/api/emit", body, SERVICE)
    assert answer.status_code == 202, answer.text
    return await stage.buyer.waits_for("booking_update")


async def booking_made(stage: Stage) -> Any:
    booking = await stage.booked()
    carer = await stage.connect(token("carer", booking["carerId"]), "carer_{id}", "user_{id}")
    moved = await stage.client.post(
        f"/api/bookings/{booking['id']}/status", {"status": "confirmed", "version": 1}, STORE
    )
    assert moved.status_code == 200, moved.text
    await carer.waits_for("booking_update")
    return await stage.clerk.waits_for("booking_update")


async def unseen(stage: Stage) -> Any:
    await stage.client.place(CUSTOMER)
    await stage.booked()
    later_ms = time.time_ns() // 1_000_000 + 60_000
    await escalate_unseen(stage.store, EscalationLimits(dict.fromkeys(NoticeStep, 1)), later_ms, mailed_in=None)
    await stage.clerk.waits_for("booking_unseen")
    return await stage.clerk.waits_for("order_unseen")


async def counted(stage: Stage) -> Any:
    today = _today(stage.settings, NoRelay())  # type: ignore[arg-type]
    live = asyncio.create_task(LiveStats(stage.store, EphemeralEvents(stage.server.main), today, 0.0).run())
    try:
        await asyncio.sleep(0)  # it watches from now on
        await stage.client.place(CUSTOMER)
        return await stage.clerk.waits_for("stats")
    finally:
        live.cancel()


async def written(stage: Stage) -> Any:
    order = await stage.client.place(CUSTOMER)
    opened = await stage.client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    message = {"conversationId": opened.json()["id"], "text": "Is it on its way?"}
    assert (await stage.buyer.ask("send_message", message))["error"] is None
    return await stage.clerk.waits_for("message")


async def watched_conversation(stage: Stage) -> str:
    order = await stage.client.place(CUSTOMER)
    opened = await stage.client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    conversation: str = opened.json()["id"]
    await stage.clerk.ask("watch_conversation", {"conversationId": conversation})
    return conversation


async def somebody_came(stage: Stage) -> Any:
    await watched_conversation(stage)
    return await stage.clerk.waits_for("participants")


async def typed(stage: Stage) -> Any:
    await stage.buyer.ask("typing", {"conversationId": await watched_conversation(stage)})
    return await stage.clerk.waits_for("typing")


async def rewritten(stage: Stage) -> Any:
    message = await written(stage)
    edit = "UPDATE messages SET text = 'Is it?' WHERE id = :id"
    await stage.store.write(lambda transaction: transaction.run(edit, id=message["id"]))
    return await stage.buyer.waits_for("message_update")


async def read_further(stage: Stage) -> Any:
    message = await written(stage)
    at = {"conversationId": message["conversationId"], "position": message["position"]}
    assert (await stage.clerk.ask("mark_seen", at))["data"]["unread"] == 0
    return await stage.buyer.waits_for("seen")


class NoRelay:
    """Whose latency nobody has measured."""

    class latency:  # noqa: N801 - as the relay calls it
        @staticmethod
        def percentiles() -> None:
            return None


async def came_in(stage: Stage) -> Any:
    return await stage.clerk.waits_for("ready")


async def watched(stage: Stage) -> Any:
    order = await stage.client.place(CUSTOMER)
    await stage.clerk.ask("watch_order", {"orderId": order["id"]})
    return await stage.clerk.waits_for("watching")


async def lost_a_room(stage: Stage) -> Any:
    stage.rules.allowed.add("case_1")
    assert (await stage.buyer.ask("join_room", {"room": "case_1"}))["error"] is None
    stage.rules.allowed.clear()
    published = await stage.client.post("/api/emit", {"event": "rights", "rooms": ["rights"]}, SERVICE)
    assert published.status_code == 202, published.text
    return await stage.buyer.waits_for("room_left")


async def row_watched(stage: Stage) -> Any:
    assert (await stage.clerk.ask("watch", {"table": "Order", "where": {"status": "new"}}))["data"]["rows"] == []
    for was, now_ in ((None, "new"), ("new", "new"), ("new", "paid")):
        await tell(stage.store, 17, was, now_)
    await stage.clerk.waits_for("row_entered")
    await stage.clerk.waits_for("row_changed")
    return await stage.clerk.waits_for("row_left")


async def lost_its_place(stage: Stage) -> Any:
    returning = await stage.connect(token("store"), *SHOP_ROOMS, offset="nowhere")
    return await returning.waits_for("resync")


async def expired(stage: Stage) -> Any:
    visitor = await stage.connect(token("store", "usr_9"), *SHOP_ROOMS)
    socket = stage.server.main.sockets[visitor.sid]
    session = socket.data
    session.identity = replace(session.identity, expires_at=time.time() + 0.02)
    session.watch_expiry(socket)
    await visitor.waits_for("auth_expiring")
    return await visitor.waits_for("auth_expired")


async def showed_its_token_elsewhere(stage: Stage) -> Any:
    visitor = await stage.connect(query="?token=abc")
    return await visitor.waits_for("auth_ignored")


async def revoked(stage: Stage) -> Any:
    visitor = await stage.connect(token("store", "usr_8"), *SHOP_ROOMS)
    await stage.store.write(
        lambda transaction: access.revoke(transaction, "usr_8", since=now(), until=None, actor=None, reason="lost")
    )
    return await visitor.waits_for("auth_revoked")


MORE: tuple[Callable[[Stage], Awaitable[Any]], ...] = (booking_made,)
"""Other ways to make one of them happen."""

HAPPENS: dict[str, Callable[[Stage], Awaitable[Any]]] = {
    "new_order": order_placed,
    "newOrder": order_placed,
    "customer_order_update": order_placed,
    "orderStatusUpdated": order_moved,
    "order_update": order_edited,
    "payment_update": order_paid,
    "payment_mismatch": books_differ,
    "delivery_update": delivery_moved,
    "product_update": product_edited,
    "shop_update": shop_paused,
    "availability_update": sold_out,
    "opening_update": closed,
    "notification": told_in_words,
    "order_unseen": unseen,
    "booking_unseen": unseen,
    "new_booking": booked,
    "booking_update": booking_changed,
    "message": written,
    "message_update": rewritten,
    "seen": read_further,
    "participants": somebody_came,
    "typing": typed,
    "stats": counted,
    "ready": came_in,
    "watching": watched,
    "room_left": lost_a_room,
    "row_entered": row_watched,
    "row_changed": row_watched,
    "row_left": row_watched,
    "resync": lost_its_place,
    "auth_expiring": expired,
    "auth_expired": expired,
    "auth_ignored": showed_its_token_elsewhere,
    "auth_revoked": revoked,
}
