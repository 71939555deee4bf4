"""The table of `rights.py`, tried row by row; an operation or a command without a row fails."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from ordercast.api.application import openapi_document
from ordercast.commerce.services import DEMO_SERVICES
from ordercast.db import SqliteStore, accounts
from ordercast.hub import Server
from tests.commerce.orders import PRODUCTS, request_json
from tests.sockets.phone import Phone

from .bookings_at_work import CUSTOMER_INFO, ROUND_THE_CLOCK, at, book, hire_carers, offer
from .client import NOBODY, PASSWORD, STORE, Client, bearer, signed_in
from .drivers_at_work import given, hire, on_duty, ready
from .rights import COMMANDS, ROLES, ROUTES

REFUSED = {400, 401, 403, 404}
COUNTER = itertools.count()
STRANGER_ID = "cus_2"
OTHER_CARER_ID = "car_other"
PHRASE = "a long enough phrase"
# The keys are RFC 8291's example (appendix A).
SUBSCRIPTION: dict[str, Any] = {
    "endpoint": "https://push.example.com/abc",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}
MISMATCH = """
INSERT INTO payment_mismatches (id, payable_id, provider, kind, ours, theirs, sentence)
VALUES ('pmm_1', 'ord_1', 'sandbox', 'captured', '1', '2', 'They differ.')"""

WEBHOOK = """
INSERT INTO payment_webhooks (id, provider, event_id, kind, body, state)
VALUES ('pwh_1', 'sandbox', 'msg_1', 'invoice.paid', '{"type":"invoice.paid"}', 'ignored')"""
NOTE = """INSERT INTO notifications (recipient, kind, data) VALUES (:recipient, 'assigned', '{"number": 1}')"""


@dataclass
class Cast:
    """Somebody of one role, and what is theirs and others'."""

    client: Client
    role: str
    sub: str
    headers: Mapping[str, str]
    customer_id: str
    driver_id: str
    carer_id: str

    async def booking(self, *, own: bool) -> tuple[dict[str, Any], Mapping[str, str]]:
        """A booking that is theirs, or another's; and what they show."""
        carer_id = OTHER_CARER_ID if self.role == "carer" and not own else self.carer_id
        service = await offer(self.client, carer_id)
        starts_at = at(hour=next(COUNTER))
        if self.role == "guest":
            made = await book(self.client, service, starts_at, NOBODY)
            shown = made if own else await book(self.client, service, at(hour=next(COUNTER)), NOBODY)
            return made, bearer(shown["trackingToken"])
        whose = self.customer_id if self.role == "customer" and own else STRANGER_ID
        return await book(self.client, service, starts_at, signed_in("customer", whose)), self.headers

    async def order(self, *, own: bool, waits: bool = False) -> tuple[dict[str, Any], Mapping[str, str]]:
        """An order that is theirs, or another's; and what they show. For a driver it may be theirs to take."""
        if self.role == "driver" and own and waits:
            return await ready(self.client, signed_in("customer", self.customer_id)), self.headers
        if self.role == "driver":
            order = await ready(self.client, signed_in("customer", self.customer_id))
            return await given(self.client, order, self.sub if own else "drv_other"), self.headers
        if self.role == "guest":
            order, other = await self.client.place(), await self.client.place()
            return (order if own else other), bearer(order["trackingToken"])
        whose = self.customer_id if self.role == "customer" and own else STRANGER_ID
        return await self.client.place(signed_in("customer", whose)), self.headers


async def cast_of(role: str, client: Client, store: SqliteStore) -> Cast:
    """Somebody of that role in a shop where there is something of each kind, theirs and others'."""
    people = {name: await account_id(store, name) for name in ("admin", "store", "customer", "driver", "carer")}
    await hire(store, "drv_other")
    await hire_carers(client, store, OTHER_CARER_ID)
    hours = {"version": 1, "hours": ROUND_THE_CLOCK}
    await client.patch(f"/api/carers/{people['carer']}", hours, STORE)
    for one in (people["driver"], "drv_other"):
        await on_duty(client, one)
    for whose in (people["customer"], STRANGER_ID):
        card = {"method": "card", "token": "tok_visa", "save": True}
        await client.move(await client.place(signed_in("customer", whose), paymentInfo=card), "processing")
    stranger = signed_in("customer", STRANGER_ID)
    given_up = await client.place(stranger)  # of which the shop is notified
    await client.post(f"/api/orders/{given_up['id']}/cancel", {"reason": "Not today"}, stranger)
    await client.post("/api/promotions", {"code": "WELCOME", "kind": "free_delivery"}, STORE)
    await store.write(lambda transaction: [transaction.run(each) for each in (MISMATCH, WEBHOOK)])
    await store.write(lambda transaction: transaction.run(NOTE, recipient=people["carer"]))
    sub = people.get(role, "backend")
    headers = signed_in(role, sub) if role not in {"guest", "nobody"} else NOBODY
    return Cast(client, role, sub, headers, people["customer"], people["driver"], people["carer"])


async def account_id(store: SqliteStore, name: str) -> str:
    found = await store.read(lambda transaction: accounts.find(transaction, f"{name}@example.com"))
    assert found is not None
    return found.id


def order_bodies(role: str, order: dict[str, Any], driver_id: str) -> dict[str, Any]:
    """What is sent to an order's addresses, by their ends."""
    move = {"driver": "picked_up", "customer": "cancelled", "guest": "cancelled"}.get(role, "processing")
    version = order["version"]
    return {
        "status": {"status": move, "version": version, "reason": "Not today"},
        "cancel": {"reason": "Not today", "version": version},
        "driver": {"driverId": driver_id, "version": version},
        "refund": {"reason": "Not today", "version": version},
        "pay": {"paymentInfo": {"method": "card", "token": "tok_visa"}},
        "notes": {"text": "Ring twice"},
        "promised-time": {"preparationMinutes": 20, "version": version, "reason": "Not today"},
    }


def booking_bodies(role: str, booking: dict[str, Any]) -> dict[str, Any]:
    """The same of a booking's."""
    move = "confirmed" if role in {"admin", "store", "carer"} else "cancelled"
    version = booking["version"]
    return {
        "status": {"status": move, "version": version, "reason": "Not today"},
        "cancel": {"reason": "Not today", "version": version},
        "reschedule": {"startsAt": at(hour=next(COUNTER)), "version": version},
        "refund": {"reason": "Not today", "version": version},
        "pay": {"paymentInfo": {"method": "card", "token": "tok_visa"}},
    }


def other_bodies() -> dict[str, Any]:
    count = next(COUNTER)
    samosa = PRODUCTS["samosa"].id
    return {
        "POST /api/orders": request_json(),
        "POST /api/orders/lookup": {"number": 1001, "mobile": "01700000000"},
        "POST /api/drivers/{driver_id}/duty": {"onDuty": True},
        "POST /api/payment-mismatches/{mismatch_id}/resolve": {},
        "POST /api/payments/webhooks/{webhook_id}/retry": {},
        "POST /api/products": {"slug": f"tea-{count}", "name": "Tea", "price": 100, "stock": 1},
        "PATCH /api/products/{product_id}": {"version": 1, "name": "Tea"},
        "POST /api/products/{product_id}/sold-out": {"soldOut": False},
        "PUT /api/shop/hours": {"hours": None, "version": 0},
        "POST /api/shop/pause": {"minutes": 1},
        "POST /api/shop/resume": {},
        "POST /api/promotions": {"code": f"TEA{count}", "kind": "free_delivery"},
        "PATCH /api/promotions/{code}": {"version": 1, "active": True},
        "POST /api/checkout/quote": {"cartItems": [{"productId": samosa, "quantity": 1}]},
        "POST /api/bookings": {
            "serviceId": DEMO_SERVICES[0].id, "startsAt": at(hour=count), "customerInfo": CUSTOMER_INFO,
        },
        "POST /api/carers": {"email": f"car{count}@example.com", "name": "New", "password": PHRASE},
        "PATCH /api/carers/{carer_id}": {"version": 1},
        "POST /api/services": {"name": "Tea", "durationMinutes": 60, "price": 100},
        "PATCH /api/services/{service_id}": {"version": 1},
        "PUT /api/shop": {"version": 99},
        "POST /api/webhook-endpoints": {"url": "https://erp.example.com/hook"},
        "PATCH /api/webhook-endpoints/{endpoint_id}": {"version": 1, "description": "ERP"},
        "POST /api/webhook-endpoints/{endpoint_id}/replay": {"afterSeq": 0},
        "POST /api/webhook-endpoints/{endpoint_id}/rotate-secret": {},
        "PUT /api/me/notification-preferences": {},
        "POST /api/push/subscriptions": SUBSCRIPTION,
        "DELETE /api/push/subscriptions": {"endpoint": SUBSCRIPTION["endpoint"]},
        "POST /api/auth/login": {"email": "store@example.com", "password": PASSWORD},
        "POST /api/auth/register": {"email": f"new{count}@example.com", "name": "New", "password": PHRASE},
        "POST /api/auth/forgot-password": {"email": f"new{count}@example.com"},
        "POST /api/auth/resend-verification": {"email": f"new{count}@example.com"},
        "POST /api/auth/password": {"current": PASSWORD, "new": "short"},
        "POST /api/accounts": {
            "email": f"acc{count}@example.com", "name": "New", "password": PHRASE, "role": "driver",
        },
        "POST /api/accounts/{account_id}": {"name": "Somebody"},
        "POST /api/me/erase": {"password": PASSWORD},
        "POST /api/auth/revoke": {"name": f"usr_nobody{count}"},
        "POST /api/emit": {"event": "hello", "rooms": ["store-owners"], "args": []},
        "POST /emit-booking": {"bookingId": "b1", "userId": "u1"},
        "POST /api/conversations/{conversation_id}/messages": {"text": "Hello"},
        "PATCH /api/conversations/{conversation_id}/messages/{message_id}": {"text": "Good day"},
        "PUT /api/conversations/{conversation_id}/block": {"reason": "Threats"},
        "POST /api/conversations/{conversation_id}/seen": {"position": 1},
        "POST /api/conversations/{conversation_id}/delivered": {"position": 1},
        "POST /api/payments/webhook/{provider}": {},
    }  # fmt: skip


# These end what follows.
LAST = ("POST /api/auth/logout-all", "POST /api/me/erase")


def operations() -> list[str]:
    paths = msgspec.json.decode(openapi_document())["paths"]
    found = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    return sorted(found, key=lambda name: (LAST.index(name) if name in LAST else -1, name))


async def ask(cast: Cast, operation: str, *, own: bool) -> httpx.Response:
    method, path = operation.split()
    headers, body = cast.headers, other_bodies().get(operation)
    if "{order_id}" in path:
        order, headers = await cast.order(own=own, waits=path.endswith("/driver"))
        body = order_bodies(cast.role, order, cast.driver_id).get(path.rpartition("/")[2])
        path = path.replace("{order_id}", order["id"])
    elif "/api/conversations" in path:
        order, headers = await cast.order(own=own)
        body = {"orderId": order["id"]} if path.endswith("conversations") else body
        conversation = await conversation_of(cast.client, order)
        message = await message_of(cast.client, conversation, headers if own else STORE_HAND)
        path = path.replace("{conversation_id}", conversation).replace("{message_id}", message)
    elif "{booking_id}" in path:
        booking, headers = await cast.booking(own=own)
        body = booking_bodies(cast.role, booking).get(path.rpartition("/")[2])
        path = path.replace("{booking_id}", booking["id"])
    elif cast.role == "guest":
        headers = bearer((await cast.client.place())["trackingToken"])
    for name, value in (await names_of(cast, path, own=own)).items():
        path = path.replace(name, value)
    return await cast.client.http.request(method, path, json=body, headers=dict(headers))


async def conversation_of(client: Client, order: dict[str, Any]) -> str:
    """The conversation about an order, opened by the shop."""
    opened = (await client.post("/api/conversations", {"orderId": order["id"]}, STORE)).json()
    found: str = opened["id"]
    return found


STORE_HAND = signed_in("store", "usr_hand")


async def message_of(client: Client, conversation: str, headers: Mapping[str, str]) -> str:
    """A message in it, by whoever shows that; by somebody of the shop's, if they may not write."""
    path = f"/api/conversations/{conversation}/messages"
    written = await client.post(path, {"text": "Hello"}, headers)
    if written.status_code != 201:
        written = await client.post(path, {"text": "Hello"}, STORE_HAND)
    found: str = written.json()["id"]
    return found


async def names_of(cast: Cast, path: str, *, own: bool) -> dict[str, str]:
    names = {
        "{product_id}": PRODUCTS["samosa"].id,
        "{driver_id}": cast.driver_id if own else "drv_other",
        "{carer_id}": cast.carer_id if own else OTHER_CARER_ID,
        "{service_id}": DEMO_SERVICES[0].id,
        "{customer_id}": cast.customer_id if own else STRANGER_ID,
        "{account_id}": cast.sub if own and cast.role in ACCOUNTS else cast.customer_id,
        "{mismatch_id}": "pmm_1",
        "{webhook_id}": "pwh_1",
        "{code}": "WELCOME",
        "{provider}": "sandbox",
    }
    whose = cast.headers if own and cast.role in ACCOUNTS else signed_in("customer", STRANGER_ID)
    for name, where in (("{notification_id}", "/api/notifications"), ("{method_id}", "/api/payment-methods")):
        if name in path:
            found = (await cast.client.get(where, whose)).json().get("items")
            names[name] = found[0]["id"] if found else "none"
    if "{endpoint_id}" in path:
        names |= await webhook_names(cast.client)
    return names


ACCOUNTS = ("admin", "store", "customer", "driver", "carer")
PER_PERSON = (
    "/api/conversations",
    "{order_id}",
    "{booking_id}",
    "{driver_id}",
    "{carer_id}",
    "{customer_id}",
    "{method_id}",
    "{notification_id}",
)


async def webhook_names(client: Client) -> dict[str, str]:
    """An endpoint of its own for each operation, one of which deletes it, and something that it was to be sent."""
    admin = signed_in("admin", "usr_1")
    made = await client.post("/api/webhook-endpoints", {"url": "https://erp.example.com/hook"}, admin)
    address = f"/api/webhook-endpoints/{made.json()['id']}"
    tested = await client.http.post(f"{address}/test", headers=dict(admin))
    return {"{endpoint_id}": made.json()["id"], "{delivery_id}": tested.json()["id"]}


async def seen(cast: Cast, operation: str) -> str:
    is_let_in = {}
    for own in (True, False):
        answer = await ask(cast, operation, own=own)
        assert answer.status_code < 500, (operation, answer.text)
        is_let_in[own] = answer.status_code not in REFUSED
        if not any(name in operation for name in PER_PERSON):
            is_let_in[False] = is_let_in[True]
            break
    return {(True, True): "A", (True, False): "O", (False, False): "-"}.get((is_let_in[True], is_let_in[False]), "?")


def allowed(table: Mapping[str, str], role: str) -> dict[str, str]:
    return {name: row.split()[ROLES.index(role)] for name, row in table.items()}


def test_every_operation_has_its_row_and_no_row_is_of_nothing() -> None:
    assert set(ROUTES) == set(operations()), "a new operation says in tests/api/rights.py whose it is"
    assert {len(row.split()) for row in (*ROUTES.values(), *COMMANDS.values())} == {len(ROLES)}


@pytest.mark.parametrize("role", ROLES)
async def test_an_operation_is_whose_the_table_says(role: str, client: Client, store: SqliteStore) -> None:
    cast = await cast_of(role, client, store)
    assert {name: await seen(cast, name) for name in operations()} == allowed(ROUTES, role)


# --- Sockets ----------------------------------------------------------------------------------------------------------


def commands(server: Server) -> list[str]:
    """All that are registered, also those that nobody thought of here."""
    return sorted(set(server.main._shared.event_names()))


async def refused(cast: Cast, server: Server, command: str, *, own: bool) -> bool:
    """Whether somebody's command is refused for who they are."""
    order, headers = await cast.order(own=own, waits=command == "assign_driver")
    booking: dict[str, Any] = {}
    if "booking" in command:
        booking, headers = await cast.booking(own=own)
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    phone = await Phone.connected(server, token or None)
    of_order = order_bodies(cast.role, order, cast.driver_id)
    sent: dict[str, Any] = {
        "watch_order": {"orderId": order["id"]},
        "unwatch_order": {"orderId": order["id"]},
        "watch_shop": {},
        "unwatch_shop": {},
        "watch": {"table": "Order"},
        "unwatch": {"watch": "1f0c"},
        "update_order_status": {"orderId": order["id"], **of_order["status"]},
        "update_booking_status": {
            "bookingId": booking.get("id"),
            **booking_bodies(cast.role, {"version": 1, **booking})["status"],
        },
        "assign_driver": {"orderId": order["id"], **of_order["driver"]},
        "driver_location": {"lat": 23.78, "lng": 90.4},
        **await of_conversation(cast, order, headers if own else STORE_HAND),
        "notice_opened": {"orderId": order["id"]},
        "notice_received": {"orderIds": [order["id"]]},
        "auth_refresh": {"token": token},
        "join_room": {"room": "case_0"},
        "leave_room": {"room": "case_0"},
    }
    (ack,) = await phone.answered(phone.send(command, sent.get(command, {})))
    phone.lose()
    error = ack.get("error") if isinstance(ack, dict) else None
    return error is not None and error["code"] in REFUSED_CODES


async def of_conversation(cast: Cast, order: dict[str, Any], writer: Mapping[str, str]) -> dict[str, Any]:
    """What is sent with the commands of a conversation: about that order, with a message by `writer`."""
    conversation = await conversation_of(cast.client, order)
    named = {"conversationId": conversation}
    message = {**named, "messageId": await message_of(cast.client, conversation, writer)}
    return {
        "send_message": {**named, "text": "Hello"},
        "edit_message": {**message, "text": "Good day"},
        "delete_message": message,
        "mark_seen": {**named, "position": 1},
        "mark_delivered": {**named, "position": 1},
        "watch_conversation": named,
        "typing": named,
        "unwatch_conversation": named,
    }


REFUSED_CODES = {"sign_in_required", "not_permitted", "not_found", "token_malformed", "token_invalid"}


async def commanded(cast: Cast, server: Server, command: str) -> str:
    own = await refused(cast, server, command, own=True)
    other = await refused(cast, server, command, own=False)
    return {(False, False): "A", (False, True): "O", (True, True): "-"}.get((own, other), "?")


def test_every_command_has_its_row(server: Server) -> None:
    assert commands(server) == sorted(COMMANDS), "a new command says in tests/api/rights.py whose it is"


@pytest.mark.parametrize("role", ROLES)
async def test_a_command_is_whose_the_table_says(role: str, client: Client, store: SqliteStore, server: Server) -> None:
    cast = await cast_of(role, client, store)
    assert {name: await commanded(cast, server, name) for name in commands(server)} == allowed(COMMANDS, role)
