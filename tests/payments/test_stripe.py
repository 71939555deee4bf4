"""Stripe, spoken to over HTTP: the stand-in answers as its documentation says."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest

from ordercast.commerce.errors import InvalidField, PaymentDeclined, ProviderRefused, ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Authorized, Captured, CardToken, Charge, ProviderPayment, Voided
from ordercast.commerce.timestamps import timestamp
from ordercast.config import Settings
from ordercast.db import SqliteStore, Transaction
from ordercast.payments import Providers, providers_of
from ordercast.payments.payment_worker import PaymentWorker
from ordercast.payments.providers.stripe import StripeProvider
from ordercast.payments.providers.stripe.events import read_event
from ordercast.payments.providers.stripe.units import to_stripe
from ordercast.payments.reconciler import Reconciler
from tests.api.client import CUSTOMER, STORE, Client, problem
from tests.api.conftest import Settle
from tests.commerce.orders import request_json

from .stripe_stand_in import SECRET_KEY, StripeStandIn

TOTAL = Money(11_250, "BDT")


@pytest.fixture
def stand_in() -> Iterator[StripeStandIn]:
    stand_in = StripeStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def settings(settings: Settings, stand_in: StripeStandIn) -> Settings:
    return msgspec.structs.replace(settings, stripe_secret_key=SECRET_KEY, stripe_api_url=stand_in.url)


@pytest.fixture
async def providers(store: SqliteStore, settings: Settings) -> AsyncIterator[Providers]:
    providers = providers_of(settings, store)
    yield providers
    await providers.close()


@pytest.fixture
def stripe(providers: Providers) -> StripeProvider:
    assert isinstance(providers.current, StripeProvider)
    return providers.current


def by(token: str, **more: Any) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token, **more}}


def charge(key: str, token: str = "tok_visa") -> Charge:
    return Charge(key, "ord_1", TOTAL, CardToken(token))


async def look(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    return found


# --- An order's whole way ---------------------------------------------------------------------------------------------


async def test_an_order_is_held_captured_and_refunded_in_part_and_whole(
    client: Client, stand_in: StripeStandIn, settle: Settle
) -> None:
    order = await client.place(**by("tok_visa"))
    assert (order["paymentStatus"], order["paymentInfo"]) == (
        "authorized", {"method": "card", "brand": "visa", "last4": "4242"},
    )  # fmt: skip
    (intent,) = stand_in.intents.values()
    assert (intent["amount"], intent["currency"], intent["status"]) == (11_250, "bdt", "requires_capture")
    assert intent["metadata"]["order_id"] == order["id"]

    await client.move(order, "processing")
    await settle()
    order = await look(client, order)
    assert (order["paymentStatus"], intent["amount_received"]) == ("paid", 11_250)

    for amount in (1_000, None):
        body = {"reason": "broken", "version": order["version"], "amount": amount}
        assert (await client.post(f"/api/orders/{order['id']}/refund", body, STORE)).status_code == 200
        await settle()
        order = await look(client, order)
    assert (order["paymentStatus"], order["amountRefunded"]) == ("refunded", 11_250)
    assert [refund["amount"] for refund in stand_in.refunds] == [1_000, 10_250]


@pytest.mark.parametrize("currency", ["JPY", "KWD", "CLF", "ISK", "UGX", "MGA"])  # of each number of digits there is
async def test_an_order_in_any_currency_is_captured_and_given_back_in_stripes_unit(
    client: Client, store: SqliteStore, stand_in: StripeStandIn, settle: Settle, currency: str
) -> None:
    own = f"currency = '{currency}'"
    for change in (f"UPDATE shop SET {own}", f"UPDATE products SET {own}, price = 5000"):
        await store.write(partial(Transaction.run, statement=change))
    order = await client.place(**by("tok_visa"), fulfilment="pickup")
    (intent,) = stand_in.intents.values()
    assert intent["amount"] == to_stripe(Money(order["total"], currency))
    await client.move(order, "processing")
    await settle()
    assert (await look(client, order))["amountPaid"] == order["total"]
    await client.move(await look(client, order), "cancelled", reason="sold out")
    await settle()
    back = await look(client, order)
    assert (back["currency"], back["paymentStatus"], back["amountRefunded"]) == (currency, "refunded", order["total"])
    assert [refund["amount"] for refund in stand_in.refunds] == [intent["amount"]]


async def test_a_cancelled_order_lets_go_of_what_was_held(
    client: Client, stand_in: StripeStandIn, settle: Settle
) -> None:
    order = await client.place(**by("pm_visa"))
    await client.move(order, "cancelled", reason="sold out")
    await settle()
    assert (await look(client, order))["paymentStatus"] == "voided"
    assert [intent["status"] for intent in stand_in.intents.values()] == ["canceled"]


async def test_a_card_is_kept_at_stripe_used_again_and_forgotten(
    client: Client, stand_in: StripeStandIn, settle: Settle
) -> None:
    await client.place(CUSTOMER, **by("tok_mastercard", save=True))
    (card,) = (await client.get("/api/payment-methods", CUSTOMER)).json()["items"]
    saved = {"paymentInfo": {"method": "saved_card", "savedMethodId": card["id"]}}
    order = await client.place(CUSTOMER, **saved)
    assert order["paymentInfo"] == {"method": "saved_card", "brand": "mastercard", "last4": "4444"}
    first, second = stand_in.intents.values()
    assert first["customer"] == second["customer"] is not None
    await client.http.delete(f"/api/payment-methods/{card['id']}", headers=CUSTOMER)
    await settle()
    assert stand_in.detached == ["pm_mastercard"]


@pytest.mark.parametrize(
    ("token", "status", "kind", "field"),
    [
        ("tok_chargeDeclined", 402, "payment-declined", None),
        ("tok_other", 422, "invalid-field", "paymentInfo.token"),
    ],
)
async def test_what_stripe_does_not_take_orders_nothing(
    client: Client, store: SqliteStore, *, token: str, status: int, kind: str, field: str | None
) -> None:
    problem(await client.post("/api/orders", request_json(**by(token))), status, kind, field)
    assert store.last_seq == 0
    assert await store.read(lambda transaction: transaction.all("SELECT * FROM payment_tasks")) == []


# --- Accidents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [500, 503, 429, 409, 401])
async def test_where_stripe_gives_no_answer_the_customer_may_try_again(
    client: Client, stand_in: StripeStandIn, failure: int
) -> None:
    stand_in.fail_next = [failure]
    problem(await client.post("/api/orders", request_json(**by("tok_visa"))), 503, "payment-provider-unavailable")
    assert stand_in.intents == {}
    assert (await client.place(**by("tok_visa")))["paymentStatus"] == "authorized"


async def test_a_payment_whose_answer_was_lost_is_found_and_let_go(
    client: Client, store: SqliteStore, stand_in: StripeStandIn, providers: Providers
) -> None:
    for _ in range(3):
        await client.place(**by("tok_visa"))
    stand_in.fail_next = ["lost"]
    problem(await client.post("/api/orders", request_json(**by("tok_visa"))), 503, "payment-provider-unavailable")
    await client.place(**by("tok_visa"))
    held = list(stand_in.intents.values())[3]
    assert held["status"] == "requires_capture"  # Stripe took it, and nobody here knows

    later_ms = time.time_ns() // 1_000_000 + 301_000
    assert await PaymentWorker(store, providers, lambda: later_ms).run_due() == 1

    states = [intent["status"] for intent in stand_in.intents.values()]
    assert states == ["requires_capture"] * 3 + ["canceled", "requires_capture"]


async def test_a_refund_whose_answer_was_lost_is_asked_for_again_and_made_once(
    client: Client, store: SqliteStore, stand_in: StripeStandIn, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_visa"))
    await client.move(order, "processing")
    await settle()
    await client.move(await look(client, order), "cancelled", reason="sold out")
    stand_in.fail_next = ["lost"]
    await settle()
    assert (await look(client, order))["amountRefunding"] == 11_250

    later_ms = time.time_ns() // 1_000_000 + 60_000
    await PaymentWorker(store, providers, lambda: later_ms).run_due()

    assert (await look(client, order))["paymentStatus"] == "refunded"
    assert len(stand_in.refunds) == 1
    assert len({key for _, path, key in stand_in.calls if path == "/v1/refunds"}) == 1


async def test_a_refund_made_in_stripes_own_pages_is_a_card_on_the_board(
    client: Client, store: SqliteStore, stand_in: StripeStandIn, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_visa"))
    await client.move(order, "processing")
    await settle()
    (intent,) = stand_in.intents.values()
    intent["latest_charge"]["amount_refunded"] = 500
    assert await Reconciler(store, providers).reconcile() == 1
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["kind"], card["ours"], card["theirs"]) == ("refunded", 0, 500)
    assert order["id"] == card["orderId"]


# --- The adapter alone ------------------------------------------------------------------------------------------------


async def test_the_same_key_takes_one_payment(stripe: StripeProvider, stand_in: StripeStandIn) -> None:
    first, again = await stripe.authorize(charge("k")), await stripe.authorize(charge("k"))
    assert first == again
    assert len(stand_in.intents) == 1


async def test_what_was_done_before_is_answered_as_it_is(stripe: StripeProvider) -> None:
    taken, other = await stripe.authorize(charge("a")), await stripe.authorize(charge("b"))
    assert taken.reference is not None
    assert other.reference is not None
    await stripe.capture(taken.reference, TOTAL, "c1")
    assert await stripe.capture(taken.reference, TOTAL, "c2") == Captured(11_250)
    assert await stripe.void(taken.reference, "v1") == Captured(11_250)
    await stripe.void(other.reference, "v2")
    assert await stripe.void(other.reference, "v3") == Voided()
    with pytest.raises(ProviderRefused):
        await stripe.capture(other.reference, TOTAL, "c3")
    with pytest.raises(ProviderRefused):
        await stripe.refund(taken.reference, Money(11_251, "BDT"), "r1")


async def test_the_books_tell_of_disputes_open_and_lost(stripe: StripeProvider, stand_in: StripeStandIn) -> None:
    taken = await stripe.authorize(charge("a"))
    reference = taken.reference or ""
    assert await stripe.lookup(reference) == ProviderPayment(reference, "BDT", 0, 0, is_held=True)
    await stripe.capture(reference, TOTAL, "c")
    stand_in.intents[reference]["latest_charge"]["disputed"] = True
    for status, refunded, is_disputed in (("needs_response", 0, True), ("won", 0, False), ("lost", 11_250, False)):
        stand_in.disputes = [{"id": "dp_1", "status": status}]
        assert await stripe.lookup(reference) == ProviderPayment(
            reference, "BDT", 11_250, refunded, is_disputed=is_disputed
        )
    assert await stripe.lookup("pi_nothing") is None


async def test_a_payment_is_found_by_our_key_among_many(stripe: StripeProvider) -> None:
    for number in range(5):
        await stripe.authorize(charge(f"k{number}"))
    now = timestamp(time.time_ns() // 1_000_000)
    found = await stripe.find("k0", now)
    assert found is not None
    assert await stripe.lookup(found.reference) == found
    assert await stripe.find("k9", now) is None


async def test_an_address_where_nobody_answers_is_no_answer() -> None:
    nobody = StripeProvider(SECRET_KEY, "", "http://127.0.0.1:9")
    with pytest.raises(ProviderUnavailable):
        await nobody.authorize(charge("k"))
    await nobody.close()


async def test_an_answer_that_is_not_stripes_leaves_it_unknown(stripe: StripeProvider, stand_in: StripeStandIn) -> None:
    for ask in (stripe.authorize(charge("k")), stripe.find("k", timestamp(1_795_241_719_608)), stripe.lookup("pi_1")):
        stand_in.fail_next = [200]
        with pytest.raises(ProviderUnavailable):
            await ask


async def test_a_declined_card_and_an_unknown_one_are_told_apart(stripe: StripeProvider) -> None:
    with pytest.raises(PaymentDeclined):
        await stripe.authorize(charge("a", "tok_chargeDeclined"))
    with pytest.raises(InvalidField):
        await stripe.authorize(charge("b", "tok_nothing"))


def test_the_secret_key_is_in_no_repr(stripe: StripeProvider, settings: Settings) -> None:
    assert SECRET_KEY not in repr(stripe) + repr(stripe._api)


# --- 3-D Secure -------------------------------------------------------------------------------------------------------


async def test_a_card_whose_bank_wants_to_see_the_customer_waits_for_that(
    client: Client, stand_in: StripeStandIn, settle: Settle
) -> None:
    order = await client.place(CUSTOMER, **by("tok_threeDSecure", returnUrl="https://shop.example.com/track/{orderId}"))
    (intent,) = stand_in.intents.values()
    assert order["paymentStatus"] == "unpaid"
    assert order["paymentAction"] == {
        "url": "https://hooks.stripe.com/3d_secure",
        "clientSecret": intent["client_secret"],
    }
    assert intent["next_action"]["redirect_to_url"]["return_url"] == f"https://shop.example.com/track/{order['id']}"
    check = f"/api/orders/{order['id']}/pay/check"
    assert (await client.post(check, {}, CUSTOMER)).json()["paymentStatus"] == "unpaid"

    intent.update(status="requires_capture", amount_capturable=intent["amount"])
    assert (await client.post(check, {}, CUSTOMER)).json()["paymentStatus"] == "authorized"

    await client.move(await look(client, order), "processing")
    await settle()
    assert (await look(client, order))["paymentStatus"] == "paid"


async def test_a_page_with_stripes_script_is_given_the_secret_alone(client: Client) -> None:
    order = await client.place(CUSTOMER, **by("tok_threeDSecure"))
    assert set(order["paymentAction"]) == {"clientSecret"}


async def test_an_order_that_expires_meanwhile_lets_go_of_the_intent(
    client: Client, stand_in: StripeStandIn, settle: Settle
) -> None:
    order = await client.place(CUSTOMER, **by("tok_threeDSecure"))
    await client.move(order, "rejected")
    await settle()
    (intent,) = stand_in.intents.values()
    assert intent["status"] == "canceled"
    assert (await look(client, order))["paymentStatus"] == "voided"


def test_stripe_tells_that_a_payment_was_authorized_after_all() -> None:
    about = {"id": "pi_1", "object": "payment_intent", "amount_capturable": 5, "currency": "bdt"}
    event = {"id": "evt", "type": "payment_intent.amount_capturable_updated", "data": {"object": about}}
    assert read_event(msgspec.json.encode(event)).fact == Authorized()
