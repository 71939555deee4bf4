"""Webhooks as providers send them, signed by the schemes' own libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.errors import WebhookRefused
from ordercast.commerce.webhook_signatures import TOLERANCE_S, check_standard, check_stripe
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.payments import providers_of
from tests.chance import examples
from tests.payments.signed import SANDBOX_PATH, STANDARD, STRIPE, STRIPE_PATH, standard_headers, stripe_headers

from .client import SECRET, STORE, Client, over, problem


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        payments="sandbox",
        sandbox_webhook_secret=STANDARD,
        stripe_secret_key="sk_test",
        stripe_webhook_secret=STRIPE,
    )


@pytest.fixture
async def client(store: SqliteStore, settings: Settings) -> AsyncIterator[Client]:
    """A shop whose payments are the sandbox's, though it knows Stripe."""
    providers = providers_of(settings, store)
    async with over(settings, store, providers) as http:
        yield Client(http)
    await providers.close()


async def tell(client: Client, kind: str, message_id: str = "msg_1", **data: Any) -> httpx.Response:
    body = json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()
    return await client.http.post(SANDBOX_PATH, content=body, headers=standard_headers(body, message_id))


async def paid(client: Client, store: SqliteStore, token: str = "tok_visa") -> tuple[dict[str, Any], str]:
    """An order paid by the sandbox, and the sandbox's name for the payment."""
    order = await client.place(paymentInfo={"method": "card", "token": token})
    ((reference,),) = await store.read(
        lambda transaction: transaction.all(
            "SELECT reference FROM payments WHERE payable_id = :id AND kind = 'authorized'", id=order["id"]
        )
    )
    return order, reference


async def look(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    return found


# --- What is taken in -------------------------------------------------------------------------------------------------


async def test_a_dispute_opens_and_closes(client: Client, store: SqliteStore) -> None:
    order, payment = await paid(client, store)
    assert (await tell(client, "dispute.opened", "a", payment=payment, id="dp_1")).json() == {"received": True}
    assert (await look(client, order))["paymentStatus"] == "disputed"
    await tell(client, "dispute.won", "b", payment=payment, id="dp_1")
    assert (await look(client, order))["paymentStatus"] == "paid"
    await tell(client, "dispute.opened", "c", payment=payment, id="dp_1")  # late: it has been decided
    assert (await look(client, order))["paymentStatus"] == "paid"
    await tell(client, "dispute.lost", "d", payment=payment, id="dp_2")
    lost = await look(client, order)
    assert (lost["paymentStatus"], lost["amountRefunded"]) == ("refunded", order["total"])


async def test_a_refund_is_given_back_when_its_provider_says_so_and_taken_back_when_it_fails(
    client: Client, store: SqliteStore
) -> None:
    order, payment = await paid(client, store)
    for kind, ends in (
        ("refund.pending", ("paid", 0, 400)),
        ("payment.refunded", ("partially_refunded", 400, 0)),
        ("refund.pending", ("partially_refunded", 400, 0)),
        ("refund.cancelled", ("paid", 0, 0)),
        ("payment.refunded", ("paid", 0, 0)),
    ):
        await tell(client, kind, f"{kind} {ends}", payment=payment, id="re_1", amount=400)
        now = await look(client, order)
        assert (now["paymentStatus"], now["amountRefunded"], now["amountRefunding"]) == ends


def stripe_refund(event_id: str, kind: str, payment: str, **refund: Any) -> bytes:
    about = {"id": "re_1", "object": "refund", "currency": "bdt", "payment_intent": payment} | refund
    return json.dumps({"id": event_id, "object": "event", "type": kind, "data": {"object": about}}).encode()


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (None, ("paid", 0, 400)),
        ("pending", ("paid", 0, 400)),
        ("requires_action", ("paid", 0, 400)),
        ("succeeded", ("partially_refunded", 400, 0)),
        ("failed", ("paid", 0, 0)),
        ("canceled", ("paid", 0, 0)),
    ],
)
async def test_each_status_of_a_refund_of_stripes_is_what_it_says(
    client: Client, store: SqliteStore, *, status: str | None, ends: tuple[str, int, int]
) -> None:
    order, _ = await paid(client, store)
    await store.write(
        lambda transaction: transaction.run(
            "INSERT INTO payments (payable_id, provider, reference, kind, amount, currency)"
            " VALUES (:id, 'stripe', 'pi_1', 'authorized', 1, 'BDT')",
            id=order["id"],
        )
    )
    for event_id, kind in (("a", "refund.created"), ("b", "refund.updated"), ("c", "charge.refund.updated")):
        body = stripe_refund(event_id, kind, "pi_1", status=status, amount=400, metadata=None, reason=None)
        assert (await client.http.post(STRIPE_PATH, content=body, headers=stripe_headers(body))).status_code == 200
    now = await look(client, order)
    assert (now["paymentStatus"], now["amountRefunded"], now["amountRefunding"]) == ends


async def test_an_event_that_comes_again_counts_once(client: Client, store: SqliteStore) -> None:
    order, payment = await paid(client, store)
    for message_id in ("a", "a", "b"):  # the same delivery again, and the same refund in another event
        response = await tell(client, "payment.refunded", message_id, payment=payment, id="re_1", amount=400)
        assert response.status_code == 200
    now = await look(client, order)
    assert (now["paymentStatus"], now["amountRefunded"]) == ("partially_refunded", 400)


async def test_what_concerns_no_payment_of_ours_is_answered_and_changes_nothing(
    client: Client, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    order, payment = await paid(client, store)
    before = store.last_seq
    for kind, data in (
        ("payment.captured", {"payment": "sbx_unknown", "amount": 5}),
        ("invoice.paid", {"payment": payment}),
    ):
        assert (await tell(client, kind, kind, **data)).status_code == 200
    assert store.last_seq == before
    assert "of an unknown payment" in caplog.text
    assert (await look(client, order))["paymentStatus"] == "paid"


async def test_money_that_cannot_be_is_a_card_on_the_board(client: Client, store: SqliteStore) -> None:
    order, payment = await paid(client, store)
    await tell(client, "payment.refunded", "a", payment=payment, id="re_1", amount=order["total"] + 1)
    assert (await look(client, order))["amountRefunded"] == order["total"]
    await tell(client, "payment.voided", "b", payment=payment)
    await tell(client, "refund.failed", "c", payment=payment, id="re_1")
    cards = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert {card["kind"] for card in cards} == {"refunded", "refund_failed"}


async def test_a_capture_told_after_the_release_is_a_card_on_the_board(client: Client, store: SqliteStore) -> None:
    order, payment = await paid(client, store, "tok_authorize_only")
    await tell(client, "payment.voided", "a", payment=payment)
    assert (await look(client, order))["paymentStatus"] == "voided"
    await tell(client, "payment.captured", "b", payment=payment, amount=order["total"])
    assert (await look(client, order))["paymentStatus"] == "voided"
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert card["kind"] == "impossible_move"


async def test_stripes_events_reach_the_order_of_their_payment(client: Client, store: SqliteStore) -> None:
    order, payment = await paid(client, store, "tok_authorize_only")
    intent = f"pi_{order['id']}"
    await store.write(
        lambda transaction: transaction.run(
            "INSERT INTO payments (payable_id, provider, reference, kind, currency)"
            " VALUES (:id, 'stripe', :intent, 'authorized', 'BDT')",
            id=order["id"],
            intent=intent,
        )
    )
    total = order["total"]

    async def send(event_id: str, kind: str, **thing: Any) -> None:
        event = {"id": event_id, "object": "event", "type": kind, "data": {"object": thing}}
        body = json.dumps(event).encode()
        response = await client.http.post(STRIPE_PATH, content=body, headers=stripe_headers(body))
        assert response.status_code == 200, response.text

    refund = {"id": "re_1", "amount": 300, "payment_intent": intent, "status": "succeeded", "metadata": {}}
    await send("evt_2", "refund.created", **refund)  # before the capture that it follows
    await send("evt_1", "payment_intent.succeeded", id=intent, amount_received=total, status="succeeded")
    await send("evt_3", "refund.updated", **refund)
    await send("evt_4", "charge.dispute.created", id="dp_1", payment_intent=intent, status="warning_needs_response")
    now = await look(client, order)
    assert (now["paymentStatus"], now["amountPaid"], now["amountRefunded"]) == ("partially_refunded", total, 300)
    await send("evt_5", "charge.dispute.created", id="dp_2", payment_intent=intent, status="needs_response")
    assert (await look(client, order))["paymentStatus"] == "disputed"
    await send("evt_6", "charge.dispute.closed", id="dp_2", payment_intent=intent, status="won")
    await send("evt_7", "customer.created", id="cus_1", email=None)
    assert (await look(client, order))["paymentStatus"] == "partially_refunded"
    assert payment.startswith("sbx_")


# --- What is not believed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _headers: {},
        lambda headers: {**headers, "webhook-signature": ""},
        lambda headers: {**headers, "webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()},
        lambda headers: {**headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")},
        lambda headers: {**headers, "webhook-id": "msg_2"},
        lambda headers: {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)},
        lambda headers: {**headers, "webhook-timestamp": "now"},
        lambda headers: {**headers, "webhook-timestamp": "9" * 400},
    ],
    ids=["none", "empty", "wrong", "other version", "other id", "other time", "no time", "long time"],
)
async def test_a_message_that_the_provider_did_not_sign_is_refused(
    client: Client, store: SqliteStore, spoil: Any
) -> None:
    order, payment = await paid(client, store)
    body = json.dumps({"type": "dispute.opened", "data": {"payment": payment, "id": "dp_1"}}).encode()
    response = await client.http.post(SANDBOX_PATH, content=body, headers=spoil(standard_headers(body)))
    problem(response, 400, "webhook-refused")
    assert (await look(client, order))["paymentStatus"] == "paid"


async def test_a_message_recorded_on_its_way_is_worth_nothing_later(client: Client) -> None:
    body = b'{"type":"x","data":{"payment":"y"}}'
    for at in (time.time() - TOLERANCE_S - 60, time.time() + TOLERANCE_S + 60):
        response = await client.http.post(SANDBOX_PATH, content=body, headers=standard_headers(body, at=at))
        problem(response, 400, "webhook-refused")
        response = await client.http.post(STRIPE_PATH, content=body, headers=stripe_headers(body, at=at))
        problem(response, 400, "webhook-refused")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 20_000,
        b'{"type":1,"data":{}}',
        b'{"type":"payment.captured","data":{"payment":"x","amount":-5}}',
        b'{"type":"payment.captured","data":{"payment":"x","amount":1e400}}',
    ],
    ids=["empty", "null", "list", "object", "not UTF-8", "deep", "wrong types", "negative", "huge"],
)
async def test_a_signed_message_that_is_no_event_is_refused_and_breaks_nothing(client: Client, body: bytes) -> None:
    stamp = str(int(time.time()))
    digest = hmac.new(bytes(range(32)), b"m." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    headers = {"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": signature}
    problem(await client.http.post(SANDBOX_PATH, content=body, headers=headers), 400, "webhook-refused")
    digest_hex = hmac.new(STRIPE.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    signed = {"stripe-signature": f"t={stamp},v1={digest_hex}"}
    problem(await client.http.post(STRIPE_PATH, content=body, headers=signed), 400, "webhook-refused")


async def test_a_provider_that_the_shop_does_not_have_is_not_found(store: SqliteStore) -> None:
    plain = Settings(secret=SECRET)
    async with over(plain, store, providers_of(plain, store)) as http:
        problem(await http.post("/api/payments/webhook/paypal", content=b"{}"), 404, "not-found")
        problem(await http.post(STRIPE_PATH, content=b"{}"), 404, "not-found")
        # The sandbox is there, and believes nobody while it has no secret.
        body = b'{"type":"x","data":{"payment":"y"}}'
        problem(await http.post(SANDBOX_PATH, content=body, headers=standard_headers(body)), 400, "webhook-refused")


# --- The schemes ------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(0, 2_000_000_000))
def test_what_the_schemes_own_libraries_sign_is_believed_and_no_other_body(text: str, at: int) -> None:
    body = text.encode()
    headers, stripes = standard_headers(body, at=at), stripe_headers(body, at=at)
    assert check_standard((STANDARD,), body, headers, at + 1.0) == "msg_1"
    check_stripe(STRIPE, body, stripes["stripe-signature"], at + 1.0)
    for other in (body + b" ", body[:-1] if body else b"x"):
        with pytest.raises(WebhookRefused):
            check_standard((STANDARD,), other, headers, at)
        with pytest.raises(WebhookRefused):
            check_stripe(STRIPE, other, stripes["stripe-signature"], at)


def test_any_of_several_signatures_may_be_ours_while_a_secret_is_changed() -> None:
    body, at = b"{}", 1_700_000_000
    good = stripe_headers(body, at=at)["stripe-signature"]
    other = stripe_headers(body, at=at, secret="another")["stripe-signature"]
    both = other + "," + good.split(",")[1]
    check_stripe(STRIPE, body, both, at)
    headers = standard_headers(body, at=at)
    headers["webhook-signature"] = "v1,AAAA " + headers["webhook-signature"]
    check_standard((STANDARD,), body, headers, at)


@examples(200, one_fixture_for_all=True)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_no_header_breaks_the_check(first: str, second: str, third: str) -> None:
    with pytest.raises(WebhookRefused):
        check_stripe(STRIPE, b"{}", f"{first}{second}", 0.0)
    headers = {"webhook-id": first, "webhook-timestamp": second, "webhook-signature": third}
    with pytest.raises(WebhookRefused):
        check_standard((STANDARD,), b"{}", headers, 0.0)
