"""A shop whose payments are taken by a service of its own: the sample that we show how to write, in Python."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from ordercast.commerce.currencies import minor_digits
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, Refunded, SavedCard, Voided
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.payments import Providers, payments_summary, providers_of
from ordercast.payments.events import read_event
from ordercast.payments.payment_worker import PaymentWorker
from ordercast.payments.reconciler import Reconciler
from tests.api.client import CUSTOMER, STORE, Client, problem
from tests.api.conftest import Settle
from tests.commerce.orders import request_json

from .relay import Relay
from .services import SECRET, SECRET_PREVIOUS, python_service

PATH = "/api/payments/webhook/http"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """It signs by what is the previous secret here: it has not got the new one yet."""
    with python_service(tmp_path_factory.mktemp("payments"), secrets=SECRET_PREVIOUS) as url:
        yield url


@pytest.fixture
def relay(service: str) -> Iterator[Relay]:
    with Relay(service).running() as relay:
        yield relay


@pytest.fixture
def settings(settings: Settings, relay: Relay) -> Settings:
    return msgspec.structs.replace(
        settings,
        payments="http",
        payments_http_url=relay.url,
        payments_http_secret=SECRET,
        payments_http_secret_previous=SECRET_PREVIOUS,
        payments_http_name="bKash",
    )


@pytest.fixture
async def providers(store: SqliteStore, settings: Settings) -> AsyncIterator[Providers]:
    providers = providers_of(settings, store)
    yield providers
    await providers.close()


def by(token: str, **more: Any) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token, **more}}


async def look(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    return found


async def reference_of(store: SqliteStore, order: dict[str, Any]) -> str:
    ((reference,),) = await store.read(
        lambda transaction: transaction.all(
            "SELECT DISTINCT reference FROM payments WHERE payable_id = :id", id=order["id"]
        )
    )
    return str(reference)


async def tell(client: Client, kind: str, event_id: str = "evt_1", secret: str = SECRET, **data: Any) -> httpx.Response:
    body = json.dumps({"type": kind, "data": data}).encode()
    sent = datetime.fromtimestamp(int(time.time()), UTC)
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, sent, body.decode()),
    }
    return await client.http.post(PATH, content=body, headers=headers)


async def mismatches(client: Client) -> list[str]:
    return [each["kind"] for each in (await client.get("/api/payment-mismatches", STORE)).json()["items"]]


# --- An order's whole way ---------------------------------------------------------------------------------------------


async def test_an_order_is_held_captured_refunded_and_agreed_upon(
    client: Client, store: SqliteStore, providers: Providers, settings: Settings, settle: Settle
) -> None:
    config = (await client.get("/api/config")).json()
    assert (config["paymentProvider"], config["paymentProviderName"]) == ("http", "bKash")
    assert "bKash" in payments_summary(settings)
    order = await client.place(**by("tok_visa"))
    assert (order["paymentStatus"], order["paymentInfo"]["last4"]) == ("authorized", "4242")
    await client.move(order, "processing")
    await settle()
    accepted = await look(client, order)
    assert (accepted["paymentStatus"], accepted["amountPaid"]) == ("paid", order["total"])
    wanted = {"reason": "broken", "version": accepted["version"], "amount": 400}
    await client.post(f"/api/orders/{order['id']}/refund", wanted, STORE)
    await settle()
    assert (await look(client, order))["amountRefunded"] == 400
    await client.move(await look(client, order), "cancelled", reason="sold out")
    await settle()
    ended = await look(client, order)
    assert (ended["paymentStatus"], ended["amountRefunded"]) == ("refunded", order["total"])
    assert await Reconciler(store, providers).reconcile() == 0


async def test_a_customer_who_is_sent_to_their_bank_comes_back_with_the_payment_made(
    client: Client, store: SqliteStore
) -> None:
    wanted = by("tok_redirect", returnUrl="https://shop.example.com/track/{orderId}")
    order = await client.place(CUSTOMER, **wanted)
    assert (order["status"], order["paymentStatus"]) == ("pending", "unpaid")
    async with httpx.AsyncClient() as browser:
        page = await browser.get(order["paymentAction"]["url"])
        assert "Pay 112.50 BDT?" in page.text
        back = await browser.post(order["paymentAction"]["url"], data={"answer": "yes"})
    assert (back.status_code, back.headers["location"]) == (303, f"https://shop.example.com/track/{order['id']}")
    looked = await client.post(f"/api/orders/{order['id']}/pay/check", None, CUSTOMER)
    assert looked.json()["paymentStatus"] == "authorized"
    # The service's own message comes later, and changes nothing.
    reference = await reference_of(store, order)
    assert (await tell(client, "payment.authorized", payment=reference)).status_code == 200
    assert (await look(client, order))["version"] == looked.json()["version"]


async def test_a_card_is_kept_used_and_forgotten(client: Client, settle: Settle) -> None:
    await client.place(CUSTOMER, **by("tok_visa", save=True))
    (kept,) = (await client.get("/api/payment-methods", CUSTOMER)).json()["items"]
    paid = await client.place(CUSTOMER, paymentInfo={"method": "saved_card", "savedMethodId": kept["id"]})
    assert (paid["paymentStatus"], paid["paymentInfo"]["method"]) == ("authorized", "saved_card")
    await client.http.delete(f"/api/payment-methods/{kept['id']}", headers=CUSTOMER)
    assert await settle() == 1


async def test_a_card_that_is_kept_again_is_forgotten_again(
    client: Client, providers: Providers, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose name for it is the same: a request of its own, which is not answered with the first one's answer."""
    keys: list[str] = []
    forget = providers.current.forget_card

    async def noting(card: SavedCard, key: str) -> None:
        keys.append(key)
        await forget(card, key)

    monkeypatch.setattr(providers.current, "forget_card", noting)
    for _ in range(2):
        await client.place(CUSTOMER, **by("tok_visa", save=True))
        (kept,) = (await client.get("/api/payment-methods", CUSTOMER)).json()["items"]
        await client.http.delete(f"/api/payment-methods/{kept['id']}", headers=CUSTOMER)
        assert await settle() == 1
    assert len(set(keys)) == 2


async def test_what_the_service_refuses_is_told_to_the_customer(client: Client) -> None:
    declined = await client.post("/api/orders", request_json(**by("tok_declined")))
    problem(declined, 402, "payment-declined")
    unknown = await client.post("/api/orders", request_json(**by("tok_nothing")))
    problem(unknown, 422, "invalid-field", "paymentInfo.token")


# --- Lost answers -----------------------------------------------------------------------------------------------------


async def test_a_payment_whose_every_answer_was_lost_is_found_and_let_go(
    client: Client, store: SqliteStore, providers: Providers, relay: Relay
) -> None:
    relay.losing = 3  # as often as it is asked
    lost = await client.post("/api/orders", request_json(**by("tok_visa")))
    problem(lost, 503, "payment-provider-unavailable")
    ((key,),) = await store.read(lambda transaction: transaction.all("SELECT id FROM payment_tasks"))
    provider = providers.current
    held = await provider.find(key, "2026-01-01T00:00:00.000Z")  # type: ignore[arg-type]
    assert held is not None
    assert held.is_held  # the service took it, and nobody here knows
    later_ms = time.time_ns() // 1_000_000 + 301_000
    assert await PaymentWorker(store, providers, lambda: later_ms).run_due() == 1
    released = await provider.lookup(held.reference)
    assert released is not None
    assert not released.is_held


async def test_a_payment_that_waits_for_a_customer_of_no_order_can_be_made_no_more(
    client: Client, store: SqliteStore, providers: Providers, relay: Relay
) -> None:
    relay.losing = 3
    lost = await client.post("/api/orders", request_json(**by("tok_redirect")))
    problem(lost, 503, "payment-provider-unavailable")
    ((key,),) = await store.read(lambda transaction: transaction.all("SELECT id FROM payment_tasks"))
    provider = providers.current
    waiting = await provider.find(key, "2026-01-01T00:00:00.000Z")  # type: ignore[arg-type]
    assert waiting is not None
    assert waiting.needs_action
    later_ms = time.time_ns() // 1_000_000 + 301_000
    assert await PaymentWorker(store, providers, lambda: later_ms).run_due() == 1
    ended = await provider.lookup(waiting.reference)
    assert ended is not None
    assert not ended.needs_action


async def test_what_a_customer_pays_as_their_order_ends_is_given_back(
    client: Client, providers: Providers, store: SqliteStore, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await client.place(CUSTOMER, **by("tok_redirect"))
    provider, reference = providers.current, await reference_of(store, order)
    release = provider.void

    async def too_late(payment: str, key: str) -> Voided | Captured:
        """The customer was faster, and the service captures at once."""
        monkeypatch.setattr(provider, "void", release)
        async with httpx.AsyncClient() as browser:
            await browser.post(order["paymentAction"]["url"], data={"answer": "yes"})
        await provider.capture(payment, Money(order["total"], order["currency"]), f"{key}:captured")
        return await provider.void(payment, key)

    monkeypatch.setattr(provider, "void", too_late)
    await client.move(order, "cancelled", CUSTOMER, reason="changed my mind")
    assert await settle() == 2
    theirs = await provider.lookup(reference)
    assert theirs is not None
    assert (theirs.captured, theirs.refunded) == (order["total"], order["total"])
    assert (await look(client, order))["paymentStatus"] == "voided"
    assert await mismatches(client) == ["impossible_move"]


async def test_a_refund_whose_answer_was_lost_is_made_once(
    client: Client, providers: Providers, store: SqliteStore, relay: Relay, settle: Settle
) -> None:
    order = await client.place(**by("tok_visa"))
    await client.move(order, "processing")
    relay.losing = 1
    await settle()  # asked twice
    await client.move(await look(client, order), "cancelled", reason="sold out")
    relay.losing = 3
    await settle()
    assert (await look(client, order))["amountRefunding"] == order["total"]
    later_ms = time.time_ns() // 1_000_000 + 60_000
    await PaymentWorker(store, providers, lambda: later_ms).run_due()
    assert (await look(client, order))["paymentStatus"] == "refunded"
    theirs = await providers.current.lookup(await reference_of(store, order))
    assert theirs is not None
    assert (theirs.captured, theirs.refunded) == (order["total"], order["total"])


# --- Its messages -----------------------------------------------------------------------------------------------------


async def test_messages_signed_by_either_secret_count_once_in_any_order(client: Client, store: SqliteStore) -> None:
    order = await client.place(**by("tok_visa"))
    reference, total = await reference_of(store, order), order["total"]
    back: dict[str, Any] = {"payment": reference, "id": "re_1", "amount": 400, "currency": "BDT"}
    for _ in range(2):
        # Before the capture that it follows.
        assert (await tell(client, "payment.refunded", "evt_2", SECRET_PREVIOUS, **back)).status_code == 200
    whole = {"payment": reference, "amount": total, "currency": "BDT"}
    for event_id in ("evt_1", "evt_1", "evt_3"):
        assert (await tell(client, "payment.captured", event_id, **whole)).status_code == 200
    told = await look(client, order)
    assert (told["paymentStatus"], told["amountPaid"], told["amountRefunded"]) == ("partially_refunded", total, 400)
    problem(await tell(client, "payment.captured", "evt_4", "whsec_" + "b3RoZXI=" * 4, **whole), 400, "webhook-refused")


async def test_a_sum_in_another_currency_is_not_counted_and_is_for_people(client: Client, store: SqliteStore) -> None:
    order = await client.place(**by("tok_visa"))
    reference = await reference_of(store, order)
    wrong: dict[str, Any] = {"payment": reference, "amount": order["total"], "currency": "USD"}
    assert (await tell(client, "payment.captured", **wrong)).status_code == 200
    assert (await look(client, order))["paymentStatus"] == "authorized"
    assert await mismatches(client) == ["currency"]


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("payment.captured", {"amount": 5}, "data.currency"),
        ("payment.captured", {"currency": "BDT"}, "data.amount"),
        ("payment.captured", {"amount": 10**14, "currency": "BDT"}, "amount"),
        ("payment.captured", {"amount": "5", "currency": "BDT"}, "amount"),
        ("payment.captured", {"amount": 5, "currency": "taka"}, "currency"),
        ("payment.refunded", {"amount": 5, "currency": "BDT"}, "data.id"),
        ("payment.refunded", {"amount": 5, "currency": "BDT", "id": "r" * 256}, "id"),
        ("payment.refunded", {"amount": 5, "currency": "BDT", "id": "r\n\u0000"}, "id"),
        ("dispute.opened", {}, "data.id"),
        ("payment.captured", {"amount": 5, "currency": "BDT", "payment": ""}, "payment"),
    ],
)
async def test_a_signed_message_that_cannot_be_read_is_refused_with_the_field(
    client: Client, kind: str, data: dict[str, Any], field: str
) -> None:
    answer = await tell(client, kind, **{"payment": "pay_1", **data})
    assert field in problem(answer, 400, "webhook-refused")["detail"]


@pytest.mark.parametrize("event_id", ["", "m" * 256])
async def test_a_message_without_a_name_of_its_own_is_refused(client: Client, event_id: str) -> None:
    problem(await tell(client, "payment.voided", event_id, payment="pay_1"), 400, "webhook-refused")


async def test_a_message_of_tomorrow_and_one_of_no_payment_of_ours_are_let_pass(client: Client) -> None:
    assert (await tell(client, "payout.sent", anything=[1])).status_code == 200
    assert (await tell(client, "payment.voided", payment="pay_of_another_shop")).status_code == 200


# --- Every currency ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("currency", minor_digits())
def test_what_a_message_says_is_read_in_the_minor_unit_of_every_currency(currency: str) -> None:
    data = {"payment": "pay_1", "amount": 123_456, "currency": currency, "id": "re_1"}
    for kind, fact in (("payment.captured", Captured(123_456)), ("payment.refunded", Refunded("re_1", 123_456))):
        event = read_event("evt_1", msgspec.json.encode({"type": kind, "data": data}), needs_currency=True)
        assert (event.fact, event.currency) == (fact, currency)


@pytest.mark.parametrize("currency", ["JPY", "BDT", "KWD", "CLF"])  # of each number of digits that there is
async def test_an_order_in_any_currency_is_captured_and_given_back_to_the_last_unit(
    client: Client, store: SqliteStore, currency: str, settle: Settle
) -> None:
    assert {*minor_digits().values()} == {minor_digits()[each] for each in ("JPY", "BDT", "KWD", "CLF")}
    await store.write(lambda transaction: transaction.run(f"UPDATE shop SET currency = '{currency}'"))
    await store.write(lambda transaction: transaction.run(f"UPDATE products SET currency = '{currency}'"))
    order = await client.place(**by("tok_visa"))
    reference, total = await reference_of(store, order), order["total"]
    assert order["currency"] == currency
    await client.move(order, "processing")
    await settle()
    assert (await look(client, order))["amountPaid"] == total
    back: dict[str, Any] = {"payment": reference, "id": "re_1", "amount": 1, "currency": currency}
    await tell(client, "payment.refunded", **back)
    assert (await look(client, order))["amountRefunded"] == 1
    assert await mismatches(client) == []
