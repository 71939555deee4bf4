"""Tampered, replayed, skewed, doubled and reordered webhooks, a row each.

What is not the provider's changes nothing and is not kept; what is has its effect once, whatever the order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from ordercast.commerce.webhook_signatures import TOLERANCE_S
from ordercast.db import Store
from tests.api.client import STORE, Client

from .all_providers import TOTAL, place, providers, settings
from .signed import (
    HTTP_PATH,
    SANDBOX_PATH,
    STANDARD,
    STRIPE_PATH,
    standard_body,
    standard_headers,
    stripe_body,
    stripe_headers,
)

__all__ = ["providers", "settings"]

SKEWED_S: Final = TOLERANCE_S + 60

Message = tuple[str, bytes, dict[str, str]]
"""Where it is posted, its body and its headers."""


def of_stripe(at: float | None = None, secret: str | None = None) -> Message:
    body = stripe_body("evt_1", "payment_intent.succeeded", id="pi_1", amount_received=TOTAL, currency="bdt")
    signed = stripe_headers(body, at) if secret is None else stripe_headers(body, at, secret)
    return STRIPE_PATH, body, signed


def of_standard(at: float | None = None, secret: str = STANDARD) -> Message:
    body = standard_body("payment.captured", payment="pi_1", amount=TOTAL, currency="BDT")
    return SANDBOX_PATH, body, standard_headers(body, "msg_1", at, secret)


def with_body(message: Message, change: Callable[[bytes], bytes]) -> Message:
    path, body, headers = message
    return path, change(body), headers


def with_header(message: Message, name: str, change: Callable[[str], str | None]) -> Message:
    path, body, headers = message
    value = change(headers[name])
    rest = {key: kept for key, kept in headers.items() if key != name}
    return path, body, rest if value is None else {**rest, name: value}


def now() -> int:
    return int(time.time())


SIGNATURE, STAMP, ID = "webhook-signature", "webhook-timestamp", "webhook-id"
OTHER = STANDARD[:-4] + "AAA="
# Each is refused.
NOT_THE_PROVIDERS: Final[dict[str, Callable[[], Message]]] = {
    # Tampered: the body is another one.
    "stripe, another sum": lambda: with_body(of_stripe(), lambda body: body.replace(b"11250", b"11251")),
    "stripe, another payment": lambda: with_body(of_stripe(), lambda body: body.replace(b"pi_1", b"pi_2")),
    "stripe, written anew": lambda: with_body(
        of_stripe(), lambda body: json.dumps(json.loads(body), indent=1).encode()
    ),
    "stripe, a space more": lambda: with_body(of_stripe(), lambda body: body + b" "),
    "stripe, nothing left": lambda: with_body(of_stripe(), lambda _: b""),
    "standard, another sum": lambda: with_body(of_standard(), lambda body: body.replace(b"11250", b"11251")),
    "standard, another payment": lambda: with_body(of_standard(), lambda body: body.replace(b"pi_1", b"pi_2")),
    "standard, a byte that is no text": lambda: with_body(of_standard(), lambda body: body + b"\xff"),
    # Tampered: the signature is none, or another's.
    "stripe, unsigned": lambda: with_header(of_stripe(), "stripe-signature", lambda _: None),
    "stripe, an empty signature": lambda: with_header(of_stripe(), "stripe-signature", lambda _: ""),
    "stripe, a shorter signature": lambda: with_header(of_stripe(), "stripe-signature", lambda value: value[:-1]),
    "stripe, an older scheme": lambda: with_header(of_stripe(), "stripe-signature", lambda v: v.replace("v1", "v0")),
    "stripe, another secret": lambda: of_stripe(secret="whsec_of_somebody"),
    "stripe, no time": lambda: with_header(of_stripe(), "stripe-signature", lambda v: v[v.index("v1") :]),
    "standard, unsigned": lambda: with_header(of_standard(), SIGNATURE, lambda _: None),
    "standard, no version": lambda: with_header(of_standard(), SIGNATURE, lambda value: value.removeprefix("v1,")),
    "standard, another secret": lambda: of_standard(secret=OTHER),
    "standard, without an id": lambda: with_header(of_standard(), ID, lambda _: None),
    "standard, to another provider": lambda: (HTTP_PATH, b'{"type":"x"}', of_standard()[2]),
    "stripe's to the sandbox": lambda: (SANDBOX_PATH, *of_stripe()[1:]),
    # Replayed: recorded on its way, and sent again later, under another id or with another time.
    "stripe, replayed": lambda: of_stripe(at=time.time() - SKEWED_S),
    "standard, replayed": lambda: of_standard(at=time.time() - SKEWED_S),
    "stripe, replayed with a new time": lambda: with_header(
        of_stripe(at=time.time() - SKEWED_S), "stripe-signature", lambda v: f"t={now()},{v.split(',')[1]}"
    ),
    "standard, replayed with a new time": lambda: with_header(
        of_standard(at=time.time() - SKEWED_S), STAMP, lambda _: str(now())
    ),
    "standard, replayed under another id": lambda: with_header(of_standard(), ID, lambda _: "msg_2"),
    # Skewed: the clock that signed it is wrong, or the time is none.
    "stripe, from the future": lambda: of_stripe(at=time.time() + SKEWED_S),
    "standard, from the future": lambda: of_standard(at=time.time() + SKEWED_S),
    "standard, a time of other digits": lambda: with_header(of_standard(), STAMP, lambda value: f"+{value}"),
    "standard, a time in Bengali": lambda: with_header(
        of_standard(), STAMP, lambda value: "".join(chr(0x9E6 + int(digit)) for digit in value)
    ),
}


async def test_what_the_provider_did_not_sign_now_changes_nothing_and_is_not_kept(client: Client, store: Store) -> None:
    order_id = await place(store, "pi_1")
    for name, made in NOT_THE_PROVIDERS.items():
        path, body, headers = made()
        encoded = [(key.encode(), value.encode()) for key, value in headers.items()]
        answer = await client.http.post(path, content=body, headers=encoded)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/webhook-refused"), (name, answer.text)
    order = (await client.get(f"/api/orders/{order_id}", STORE)).json()
    assert (order["paymentStatus"], order["amountPaid"]) == ("authorized", 0)
    assert (await client.get("/api/payments/webhooks", STORE)).json()["items"] == []


# --- What is the provider's -------------------------------------------------------------------------------------------

Told = tuple[str, str, dict[str, Any]]
"""An event's id, its type and what it says of its payment."""


def captured(event_id: str, amount: int = TOTAL) -> Told:
    return event_id, "payment.captured", {"amount": amount}


def refund(event_id: str, kind: str = "payment.refunded", id_: str = "re_1", amount: int = 400) -> Told:
    return event_id, kind, {"id": id_, "amount": amount}


def dispute(event_id: str, outcome: str, id_: str = "dp_1") -> Told:
    return event_id, f"dispute.{outcome}", {"id": id_}


def plain(event_id: str, kind: str) -> Told:
    return event_id, f"payment.{kind}", {}


PAID, PART, BACK = ("paid", TOTAL, 0, 0), ("partially_refunded", TOTAL, 400, 0), ("refunded", TOTAL, TOTAL, 0)
# What is told, in that order, and where the payment then stands.
SEQUENCES: Final[dict[str, tuple[list[Told], tuple[str, int, int, int]]]] = {
    "once": ([captured("a")], PAID),
    "doubled": ([captured("a")] * 3, PAID),
    "doubled in another event": ([captured("a"), captured("b")], PAID),
    "a refund, doubled": ([captured("a"), *[refund("b")] * 4], PART),
    "a refund, doubled in other events": ([captured("a"), refund("b"), refund("c"), refund("d")], PART),
    "two refunds of one sum": (
        [captured("a"), refund("b"), refund("c", id_="re_2")],
        ("partially_refunded", TOTAL, 800, 0),
    ),
    "the refund before the capture": ([refund("b"), captured("a")], PART),
    "the refund before, and all of it doubled": ([refund("b"), captured("a"), refund("b"), captured("a")], PART),
    "pending behind made": ([captured("a"), refund("b"), refund("c", "refund.pending")], PART),
    "pending, made, came back": (
        [captured("a"), refund("b", "refund.pending"), refund("c"), refund("d", "refund.failed")],
        PAID,
    ),
    "came back before it was made": ([captured("a"), refund("d", "refund.failed"), refund("c")], PAID),
    "authorized behind captured": ([captured("a"), plain("b", "authorized")], PAID),
    "failed behind captured": ([captured("a"), plain("b", "failed")], PAID),
    "a dispute, won": ([captured("a"), dispute("b", "opened"), dispute("c", "won")], PAID),
    "a dispute, won before it was opened": ([captured("a"), dispute("c", "won"), dispute("b", "opened")], PAID),
    "a dispute, lost, and lost again": ([captured("a"), dispute("b", "lost"), dispute("c", "lost")], BACK),
    "parts, growing": ([captured("a", 6_000), captured("b")], PAID),
    "parts, the smaller last": ([captured("b"), captured("a", 6_000)], PAID),
    "more than there is": ([captured("a", TOTAL * 2)], PAID),
    "released": ([plain("a", "voided"), plain("a", "voided"), plain("b", "failed")], ("voided", 0, 0, 0)),
}


async def test_what_it_did_sign_has_its_effect_once_in_whatever_order(client: Client, store: Store) -> None:
    for number, (name, (told, ends)) in enumerate(SEQUENCES.items()):
        order_id = await place(store, f"sbx_{number}", "sandbox")
        for event_id, kind, data in told:
            body = standard_body(kind, payment=f"sbx_{number}", **data)
            headers = standard_headers(body, f"{number}:{event_id}")
            assert (await client.http.post(SANDBOX_PATH, content=body, headers=headers)).status_code == 200, name
        order = (await client.get(f"/api/orders/{order_id}", STORE)).json()
        stands = order["paymentStatus"], order["amountPaid"], order["amountRefunded"], order["amountRefunding"]
        assert stands == ends, name
        kept = await store.read(
            lambda transaction, named=order_id: transaction.all(  # type: ignore[misc]
                "SELECT event_id, state FROM payment_webhooks WHERE payable_id = :id", id=named
            )
        )
        assert sorted(kept) == sorted({(f"{number}:{event_id}", "applied") for event_id, *_ in told}), name
