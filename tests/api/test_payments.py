from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ordercast.commerce.sandbox import OUTCOMES
from ordercast.config import ConfigError, Settings, load
from ordercast.db import SqliteStore
from ordercast.db import payments as units
from ordercast.payments import payments_summary, providers_of
from tests.commerce.orders import request_json

from .client import CUSTOMER, DRIVER, NOBODY, SECRET, STORE, STRANGER, Client, bearer, over, problem
from .conftest import Settle

TOTAL = 11_250


def by(token: str, **more: Any) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token, **more}}


async def look(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    return found


async def asked_for(store: SqliteStore) -> None:
    """Wait until a payment is promised to be given back, which is just before its provider is asked."""
    for _ in range(1_000):
        if await store.read(lambda transaction: transaction.all("SELECT * FROM payment_tasks")):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no payment was ever asked for")


async def refund(client: Client, order: dict[str, Any], headers: Mapping[str, str] = STORE, **body: Any) -> Any:
    wanted = {"reason": "broken", "version": order["version"], **body}
    return await client.post(f"/api/orders/{order['id']}/refund", wanted, headers)


# --- Taking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", sorted(OUTCOMES))
async def test_every_token_of_the_sandbox_is_answered_as_it_says(client: Client, token: str) -> None:
    response = await client.post("/api/orders", request_json(**by(token)))
    outcome = OUTCOMES[token]
    if outcome.declines:
        problem(response, 402, "payment-declined")
    elif outcome.is_unavailable:
        problem(response, 503, "payment-provider-unavailable")
        assert response.headers["retry-after"]
    else:
        order = response.json()
        paid = outcome.is_captured_at_once
        held = "unpaid" if outcome.needs_action else "authorized"
        assert (order["paymentStatus"], order["amountPaid"]) == (("paid", TOTAL) if paid else (held, 0))
        assert ("paymentAction" in order) is outcome.needs_action
        assert order["paymentInfo"] == {"method": "card", "brand": outcome.brand, "last4": outcome.last4}


async def test_a_token_that_the_provider_does_not_know_is_named(client: Client, store: SqliteStore) -> None:
    response = await client.post("/api/orders", request_json(**by("tok_other")))
    problem(response, 422, "invalid-field", "paymentInfo.token")
    assert await store.read(lambda transaction: transaction.all("SELECT * FROM payment_tasks")) == []


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [({"total": 1}, "total-differs", "total"), ({"shippingInfo": None}, "invalid-field", "shippingInfo")],
)
async def test_an_order_that_cannot_be_placed_is_not_charged_first(
    client: Client, store: SqliteStore, changes: dict[str, Any], kind: str, field: str
) -> None:
    problem(await client.post("/api/orders", request_json(**by("tok_visa"), **changes)), 422, kind, field)
    assert await store.read(lambda transaction: transaction.all("SELECT * FROM sandbox_payments")) == []


async def test_a_price_that_changes_while_the_payment_is_taken_is_not_charged(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    slow = asyncio.create_task(client.post("/api/orders", request_json(**by("tok_slow"))))
    await asked_for(store)
    await store.write(lambda transaction: transaction.run("UPDATE products SET price = price + 1"))
    problem(await slow, 409, "price-changed")
    await settle()
    books = await store.read(lambda transaction: transaction.all("SELECT captured, refunded FROM sandbox_payments"))
    assert books == [(TOTAL, TOTAL)]


async def test_cash_is_paid_at_the_counter_and_refunded_there_at_once(client: Client) -> None:
    order = await client.place(fulfilment="pickup")
    for status in ("processing", "ready_for_pickup", "delivered"):
        order = (await client.move(order, status)).json()
    assert (order["paymentStatus"], order["amountPaid"]) == ("paid", order["total"])
    order = (await refund(client, order, amount=100)).json()
    assert (order["paymentStatus"], order["amountRefunded"]) == ("partially_refunded", 100)
    order = (await refund(client, order)).json()
    assert (order["paymentStatus"], order["amountRefunded"], order["amountRefunding"]) == (
        "refunded",
        order["total"],
        0,
    )


# --- Refunds ----------------------------------------------------------------------------------------------------------


async def test_a_refund_in_parts_and_then_of_all_that_is_left(client: Client, settle: Settle) -> None:
    order = await client.place(**by("tok_visa"))
    asked = (await refund(client, order, amount=1_000)).json()
    assert (asked["paymentStatus"], asked["amountRefunding"], asked["amountRefunded"]) == ("paid", 1_000, 0)
    await settle()
    order = await look(client, order)
    assert (order["paymentStatus"], order["amountRefunding"], order["amountRefunded"]) == (
        "partially_refunded", 0, 1_000,
    )  # fmt: skip

    await refund(client, order)
    await settle()
    order = await look(client, order)
    assert (order["paymentStatus"], order["amountRefunded"]) == ("refunded", TOTAL)
    history = (await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]
    assert [(entry["toPaymentStatus"], entry["actor"], entry["reason"]) for entry in history][1:] == [
        ("paid", "store:usr_1", "broken"),
        ("partially_refunded", "service:payments", "BDT 10.00 was refunded."),
        ("partially_refunded", "store:usr_1", "broken"),
        ("refunded", "service:payments", "BDT 102.50 was refunded."),
    ]
    problem(await refund(client, order), 409, "not-refundable")


async def test_why_the_shop_gave_money_back_is_not_told_to_the_customer(client: Client, settle: Settle) -> None:
    order = await client.place(CUSTOMER, **by("tok_visa"))
    await refund(client, order, amount=1_000, reason="looks like fraud")
    await client.move(await look(client, order), "cancelled", reason="we do not serve them again")
    await settle()
    entries = (await client.get(f"/api/orders/{order['id']}/history", CUSTOMER)).json()["items"]
    assert [(entry["actor"], entry["reason"]) for entry in entries[1:]] == [
        ("store", None), ("store", None),
        ("service", "BDT 10.00 was refunded."), ("service", "BDT 102.50 was refunded."),
    ]  # fmt: skip


async def test_what_a_customer_wrote_stands_nowhere_but_in_history(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(CUSTOMER, **by("tok_visa"))
    body = {"reason": "I am in hospital", "version": 1}
    assert (await client.post(f"/api/orders/{order['id']}/cancel", body, CUSTOMER)).status_code == 200
    await settle()

    def reasons(table: str) -> Any:
        return lambda transaction: [r for (r,) in transaction.all(f"SELECT reason FROM {table}") if r]

    assert await store.read(reasons("refunds")) == []
    assert await store.read(reasons("payment_tasks")) == []
    history = await store.read(reasons("order_history"))
    assert history == ["I am in hospital", f"BDT {TOTAL / 100:.2f} was refunded."]


@pytest.mark.parametrize("token", ["tok_visa", "tok_authorize_only"])
async def test_an_order_that_costs_nothing_is_paid_without_a_provider(
    client: Client, store: SqliteStore, settle: Settle, token: str
) -> None:
    promotion = {"code": "ON-US", "kind": "percent", "value": 10_000}
    assert (await client.post("/api/promotions", promotion, STORE)).status_code == 201
    order = await client.place(**by(token), fulfilment="pickup", promoCode="ON-US")
    assert (order["total"], order["paymentStatus"], order["paymentInfo"]) == (0, "paid", {"method": "card"})
    assert (await client.move(order, "processing")).status_code == 200
    assert await settle() == 0
    assert await store.read(lambda transaction: units.owing(transaction, 1)) == []
    assert await store.read(lambda transaction: transaction.all("SELECT * FROM sandbox_payments")) == []
    ended = (await client.move(await look(client, order), "cancelled", reason="sold out")).json()
    assert (ended["paymentStatus"], ended["amountRefunding"]) == ("paid", 0)


async def test_more_than_is_left_is_refused_with_what_is(client: Client) -> None:
    order = await client.place(**by("tok_visa"))
    asked = (await refund(client, order, amount=TOTAL - 1)).json()
    body = problem(await refund(client, asked, amount=2), 409, "refund-too-large")
    assert body["refundable"] == 1


async def test_a_refund_sent_twice_is_done_once(client: Client, settle: Settle) -> None:
    order = await client.place(**by("tok_visa"))
    key = {**STORE, "Idempotency-Key": "refund-1"}
    first = await refund(client, order, key, amount=500)
    again = await refund(client, order, key, amount=500)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    await settle()
    assert (await look(client, order))["amountRefunded"] == 500
    other = await refund(client, order, key, amount=501)
    problem(other, 422, "idempotency-key-reused")


async def test_of_two_clerks_who_refund_at_once_one_is_told_to_look_again(client: Client) -> None:
    order = await client.place(**by("tok_visa"))
    both = await asyncio.gather(refund(client, order), refund(client, order))
    assert sorted(answer.status_code for answer in both) == [200, 409]


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [(CUSTOMER, 403, "not-permitted"), (STRANGER, 404, "not-found"), ({}, 401, "sign-in-required")],
    ids=["its customer", "another", "nobody"],
)
async def test_only_the_shop_refunds(client: Client, headers: Mapping[str, str], status: int, kind: str) -> None:
    order = await client.place(CUSTOMER, **by("tok_visa"))
    problem(await refund(client, order, headers), status, kind)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"reason": " "}, "reason"),
        ({"reason": "card 4242 4242 4242 4242"}, "reason"),
        ({"total": 1}, "total"),
    ],
)
async def test_a_refund_that_cannot_be_read_names_its_field(client: Client, body: dict[str, Any], field: str) -> None:
    order = await client.place(**by("tok_visa"))
    response = await refund(client, order, **body)
    assert response.status_code == 422
    assert response.json()["field"] == field


async def test_nothing_is_refunded_of_what_was_never_paid(client: Client) -> None:
    problem(await refund(client, await client.place()), 409, "not-refundable")
    problem(await refund(client, await client.place(**by("tok_authorize_only"))), 409, "not-refundable")


# --- Saved cards ------------------------------------------------------------------------------------------------------


async def saved(client: Client, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    response = await client.get("/api/payment-methods", headers)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def with_saved(method_id: str) -> dict[str, Any]:
    return {"paymentInfo": {"method": "saved_card", "savedMethodId": method_id}}


async def test_a_card_is_saved_shown_used_again_and_deleted(client: Client, store: SqliteStore, settle: Settle) -> None:
    assert await saved(client, CUSTOMER) == []
    for _ in range(2):  # saved twice, it is one card
        await client.place(CUSTOMER, **by("tok_mastercard", save=True))
    (card,) = await saved(client, CUSTOMER)
    assert card.keys() == {"id", "brand", "last4", "createdAt"}
    assert (card["brand"], card["last4"]) == ("mastercard", "4444")

    order = await client.place(CUSTOMER, **with_saved(card["id"]))
    assert order["paymentStatus"] == "paid"
    assert order["paymentInfo"] == {"method": "saved_card", "brand": "mastercard", "last4": "4444"}

    deleted = await client.http.delete(f"/api/payment-methods/{card['id']}", headers=CUSTOMER)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert await saved(client, CUSTOMER) == []
    gone = await client.post("/api/orders", request_json(**with_saved(card["id"])), CUSTOMER)
    problem(gone, 422, "invalid-field", "paymentInfo.savedMethodId")
    assert await settle() == 1  # the provider forgets it too


async def test_a_saved_card_is_its_owners_alone(client: Client) -> None:
    await client.place(CUSTOMER, **by("tok_visa", save=True))
    (card,) = await saved(client, CUSTOMER)
    assert await saved(client, STRANGER) == []
    for headers in (STRANGER, STORE, NOBODY):
        response = await client.post("/api/orders", request_json(**with_saved(card["id"])), headers)
        problem(response, 422, "invalid-field", "paymentInfo.savedMethodId")
    response = await client.http.delete(f"/api/payment-methods/{card['id']}", headers=STRANGER)
    problem(response, 404, "not-found")
    problem(await client.get("/api/payment-methods", STORE), 403, "not-permitted")
    problem(await client.get("/api/payment-methods"), 401, "sign-in-required")


async def test_a_guest_saves_no_card(client: Client) -> None:
    response = await client.post("/api/orders", request_json(**by("tok_visa", save=True)))
    problem(response, 422, "invalid-field", "paymentInfo.save")


async def test_a_card_that_was_declined_is_not_saved(client: Client) -> None:
    response = await client.post("/api/orders", request_json(**by("tok_declined", save=True)), CUSTOMER)
    problem(response, 402, "payment-declined")
    assert await saved(client, CUSTOMER) == []


# --- Mismatches -------------------------------------------------------------------------------------------------------


async def test_a_card_on_the_board_is_listed_until_somebody_has_seen_to_it(client: Client, settle: Settle) -> None:
    cards = []
    for _ in range(3):
        order = await client.place(**by("tok_refund_fails"))
        await client.move(order, "cancelled", reason="sold out")
        await settle()
        cards.append(order["id"])
    first = (await client.get("/api/payment-mismatches?limit=2", STORE)).json()
    rest = (await client.get(f"/api/payment-mismatches?limit=2&cursor={first['nextCursor']}", STORE)).json()
    assert [card["orderId"] for card in first["items"] + rest["items"]] == cards[::-1]
    assert rest["nextCursor"] is None

    path = f"/api/payment-mismatches/{rest['items'][0]['id']}/resolve"
    done = (await client.post(path, {"note": "gave it back by hand"}, STORE)).json()
    assert (done["resolvedBy"], done["note"]) == ("store:usr_1", "gave it back by hand")
    assert (await client.post(path, {"note": "again"}, STORE)).json() == done
    assert len((await client.get("/api/payment-mismatches", STORE)).json()["items"]) == 2
    assert len((await client.get("/api/payment-mismatches?resolved=true", STORE)).json()["items"]) == 3


async def test_mismatches_are_for_the_shop(client: Client) -> None:
    for headers in (CUSTOMER, DRIVER):
        problem(await client.get("/api/payment-mismatches", headers), 403, "not-permitted")
        problem(await client.post("/api/payment-mismatches/pmm_1/resolve", {}, headers), 403, "not-permitted")
    problem(await client.get("/api/payment-mismatches"), 401, "sign-in-required")
    problem(await client.post("/api/payment-mismatches/pmm_1/resolve", {}, STORE), 404, "not-found")


async def test_a_guest_with_a_tracking_token_sees_amounts_and_no_provider(client: Client) -> None:
    order = await client.place(**by("tok_visa"))
    shown = await client.get(f"/api/orders/{order['id']}", bearer(order["trackingToken"]))
    assert shown.json()["amountPaid"] == TOTAL
    assert "sbx_" not in shown.text


# --- Who takes money --------------------------------------------------------------------------------------------------


SHOP = Settings(secret=SECRET, database_url="postgresql://shop@db/shop", budgets="off")


@pytest.mark.parametrize(
    ("changes", "provider"),
    [
        ({}, None),
        ({"demo": False, "database_url": "sqlite:///shop.db"}, None),
        ({"database_url": "sqlite:///shop.db"}, "sandbox"),
        ({"payments": "sandbox"}, "sandbox"),
        ({"stripe_secret_key": "sk"}, "stripe"),
        ({"stripe_secret_key": "sk", "database_url": "sqlite:///shop.db"}, "stripe"),
        ({"stripe_secret_key": "sk", "payments": "cash"}, None),
        ({"stripe_secret_key": "sk", "payments": "sandbox"}, "sandbox"),
    ],
)
def test_the_sandbox_takes_payments_for_a_demo_and_where_it_is_asked_for(
    store: SqliteStore, changes: dict[str, Any], provider: str | None
) -> None:
    settings = msgspec.structs.replace(SHOP, **changes)
    taking = providers_of(settings, store).taking
    assert (None if taking is None else taking.name) == settings.card_provider == provider
    sentence = payments_summary(settings)
    assert (provider or "cash alone") in sentence
    assert ("no money moves" in sentence) is (provider == "sandbox")


@pytest.mark.parametrize(
    "info", [{"method": "card", "token": "tok_visa"}, {"method": "saved_card", "savedMethodId": "pm_1"}]
)
async def test_a_card_is_refused_where_nobody_takes_cards(store: SqliteStore, info: dict[str, Any]) -> None:
    async with over(SHOP, store, providers_of(SHOP, store)) as http:
        client = Client(http)
        response = await client.post("/api/orders", request_json(paymentInfo=info), CUSTOMER)
        problem(response, 422, "invalid-field", "paymentInfo.method")
        assert "takes no cards" in response.json()["detail"]
        await client.place()  # cash is taken
        config = (await client.get("/api/config")).json()
    assert (config["paymentProvider"], config["paymentNotice"]) == (None, None)
    assert config["paymentMethods"] == ["cash"]


def test_a_provider_that_is_named_and_not_configured_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="ORDERCAST_PAYMENTS: stripe takes no payment"):
        load({"ORDERCAST_PAYMENTS": "stripe", "ORDERCAST_SECRET": SECRET})
    with pytest.raises(ConfigError, match="ORDERCAST_PAYMENTS"):
        load({"ORDERCAST_PAYMENTS": "paypal", "ORDERCAST_SECRET": SECRET})


# --- Paying again -----------------------------------------------------------------------------------------------------


async def pay(client: Client, order: dict[str, Any], token: str, headers: Mapping[str, str], **more: Any) -> Any:
    return await client.post(f"/api/orders/{order['id']}/pay", by(token), headers, **more)


async def test_an_order_whose_payment_failed_is_paid_by_another_card(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(CUSTOMER, **by("tok_capture_fails"))
    await client.move(order, "processing")
    await settle()
    assert (await look(client, order))["paymentStatus"] == "failed"

    paid = await pay(client, order, "tok_authorize_only", CUSTOMER)
    assert (paid.status_code, paid.json()["paymentStatus"]) == (200, "authorized")
    await settle()  # what failed is let go, and what was accepted long ago is captured

    now = await look(client, order)
    assert (now["paymentStatus"], now["amountPaid"]) == ("paid", TOTAL)
    books = "SELECT captured, held FROM sandbox_payments ORDER BY created_at"
    assert await store.read(lambda transaction: transaction.all(books)) == [(0, 0), (TOTAL, 0)]
    await client.move(now, "cancelled", reason="sold out")
    await settle()
    assert (await look(client, order))["paymentStatus"] == "refunded"
    kinds = "SELECT id, state FROM payment_tasks WHERE kind <> 'abandon' ORDER BY entry"
    assert await store.read(lambda transaction: transaction.all(kinds)) == [
        (f"{order['id']}:capture", "refused"),
        (f"{order['id']}:void", "done"),
        (f"{order['id']}:capture:2", "done"),
        (f"{order['id']}:refund:1", "done"),
    ]


async def test_an_order_that_was_to_be_paid_in_cash_is_paid_by_card(client: Client, settle: Settle) -> None:
    order = await client.place(CUSTOMER)
    paid = await pay(client, order, "tok_visa", CUSTOMER)
    assert paid.json()["paymentInfo"] == {"method": "card", "brand": "visa", "last4": "4242"}
    assert (paid.json()["paymentStatus"], paid.json()["amountPaid"]) == ("paid", TOTAL)
    again = await pay(client, order, "tok_visa", CUSTOMER)
    assert "The order is pending and its payment paid" in problem(again, 409, "not-payable")["detail"]
    assert await settle() == 0


async def test_a_guest_pays_by_the_tracking_token_and_is_shown_nobodys_name(client: Client) -> None:
    order = await client.place(NOBODY)
    token = bearer(order["trackingToken"])
    paid = await pay(client, order, "tok_visa", token)
    assert paid.json()["paymentStatus"] == "paid"
    assert paid.json()["customerInfo"] != order["customerInfo"]


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [(NOBODY, 401, "sign-in-required"), (DRIVER, 403, "not-permitted"), (STRANGER, 404, "not-found")],
)
async def test_others_do_not_pay(client: Client, headers: Mapping[str, str], status: int, kind: str) -> None:
    order = await client.place(CUSTOMER)
    problem(await pay(client, order, "tok_visa", headers), status, kind)


async def test_a_payment_that_is_asked_for_twice_by_one_key_is_taken_once(client: Client, store: SqliteStore) -> None:
    order = await client.place(CUSTOMER)
    keyed = {**CUSTOMER, "Idempotency-Key": "once"}
    first, second = [await pay(client, order, "tok_visa", keyed) for _ in range(2)]
    assert first.json() == second.json()
    count = "SELECT count(*) FROM sandbox_payments"
    assert await store.read(lambda transaction: transaction.all(count)) == [(1,)]


async def test_a_card_that_is_declined_leaves_the_order_as_it_was(client: Client, settle: Settle) -> None:
    order = await client.place(CUSTOMER)
    problem(await pay(client, order, "tok_declined", CUSTOMER), 402, "payment-declined")
    assert (await look(client, order))["version"] == order["version"]
    assert await settle() == 0


async def test_what_was_taken_for_an_order_that_ended_meanwhile_is_given_back(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(CUSTOMER)
    paying = asyncio.create_task(pay(client, order, "tok_slow", CUSTOMER))
    await asked_for(store)
    await client.move(order, "cancelled", reason="sold out")
    problem(await paying, 409, "not-payable")
    await settle()
    books = "SELECT captured, refunded FROM sandbox_payments"
    assert await store.read(lambda transaction: transaction.all(books)) == [(TOTAL, TOTAL)]


# --- 3-D Secure -------------------------------------------------------------------------------------------------------


async def place_to_confirm(client: Client, **more: Any) -> tuple[dict[str, Any], str]:
    """An order whose customer is sent to the sandbox's bank, and where that is."""
    back = "https://shop.example.com/track/{orderId}?from=bank"
    order = await client.place(CUSTOMER, **by("tok_3ds", returnUrl=back), **more)
    return order, order["paymentAction"]["url"]


async def answer(client: Client, url: str, word: str) -> Any:
    path, _, query = url.partition("?")
    return await client.http.post(f"{path}/{word}?{query}")


async def test_an_order_waits_for_its_customer_at_the_bank_and_is_captured_when_it_is_accepted(
    client: Client, settle: Settle
) -> None:
    order, url = await place_to_confirm(client)
    assert (order["status"], order["paymentStatus"], order["amountPaid"]) == ("pending", "unpaid", 0)
    assert (await client.move(order, "processing")).status_code == 409
    page = await client.get(url)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert "BDT 112.50" in page.text
    assert "no money moves" in page.text

    back = await answer(client, url, "confirm")

    assert (back.status_code, back.headers["location"]) == (303, f"/track/{order['id']}?from=bank")
    now = await look(client, order)
    assert now["paymentStatus"] == "authorized"
    await answer(client, url, "decline")  # it has been confirmed
    now = (await client.move(now, "processing")).json()
    await settle()
    assert (await look(client, order))["paymentStatus"] == "paid"


async def test_what_the_customer_declines_has_failed_and_can_be_paid_again(client: Client, settle: Settle) -> None:
    order, url = await place_to_confirm(client)
    await answer(client, url, "decline")
    assert (await look(client, order))["paymentStatus"] == "failed"
    paid = await pay(client, order, "tok_3ds", CUSTOMER)
    assert paid.json()["paymentStatus"] == "unpaid"
    await answer(client, paid.json()["paymentAction"]["url"], "confirm")
    assert (await look(client, order))["paymentStatus"] == "authorized"
    await settle()
    assert (await look(client, order))["paymentStatus"] == "authorized"


async def test_a_bank_that_is_left_for_another_card_holds_nothing(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order, url = await place_to_confirm(client)
    assert (await pay(client, order, "tok_visa", CUSTOMER)).json()["paymentStatus"] == "paid"
    await settle()
    await answer(client, url, "confirm")  # too late: it was let go
    now = await look(client, order)
    assert (now["paymentStatus"], now["amountPaid"]) == ("paid", TOTAL)
    books = "SELECT captured, held FROM sandbox_payments ORDER BY created_at"
    assert await store.read(lambda transaction: transaction.all(books)) == [(0, 0), (TOTAL, 0)]


@pytest.mark.parametrize("first", ["settle", "confirm"])
async def test_an_order_that_ends_while_its_customer_is_at_the_bank_holds_nothing(
    client: Client, store: SqliteStore, settle: Settle, first: str
) -> None:
    order, url = await place_to_confirm(client)
    await client.move(order, "cancelled", CUSTOMER, reason="changed my mind")
    if first == "settle":
        await settle()
    await answer(client, url, "confirm")
    await settle()
    assert (await look(client, order))["paymentStatus"] == "voided"
    books = "SELECT captured, held FROM sandbox_payments"
    assert await store.read(lambda transaction: transaction.all(books)) == [(0, 0)]


async def test_a_payment_that_was_made_is_found_where_its_message_was_lost(client: Client, store: SqliteStore) -> None:
    order, _ = await place_to_confirm(client)
    check = f"/api/orders/{order['id']}/pay/check"
    assert (await client.post(check, {}, CUSTOMER)).json()["paymentStatus"] == "unpaid"
    await store.write(lambda transaction: transaction.run("UPDATE sandbox_payments SET held = 1"))
    problem(await client.post(check, {}, STRANGER), 404, "not-found")
    for _ in range(2):
        assert (await client.post(check, {}, CUSTOMER)).json()["paymentStatus"] == "authorized"


async def test_the_banks_page_leads_nowhere_else(client: Client) -> None:
    _, url = await place_to_confirm(client)
    path = url.partition("?")[0]
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert (await client.http.post(f"{path}/confirm", params={"back": elsewhere})).status_code == 422
    problem(await client.get("/api/payments/sandbox/sbx_unknown"), 404, "not-found")
    order = await client.place(CUSTOMER, **by("tok_authorize_only"))
    assert "paymentAction" not in order
