"""Bookings are paid by the same port as orders: held and taken, let go and given back, told and compared alike."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest

from ordercast.db import Store
from ordercast.payments import Providers
from ordercast.payments.providers.sandbox import SandboxProvider
from ordercast.payments.reconciler import Reconciler

from .bookings_at_work import at, book, hire_carers, moved, offer, try_to_book
from .client import CUSTOMER, NOBODY, STORE, STRANGER, Client, bearer, problem
from .conftest import Settle

TOTAL = 50_000


@pytest.fixture
async def service(client: Client, store: Store) -> dict[str, Any]:
    await hire_carers(client, store, "car_1")
    return await offer(client, "car_1")


def by(token: str, **more: Any) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token, **more}}


def money(booking: dict[str, Any]) -> tuple[str, int, int, int]:
    return booking["paymentStatus"], booking["amountPaid"], booking["amountRefunded"], booking["amountRefunding"]


async def look(client: Client, booking: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/bookings/{booking['id']}", STORE)).json()
    return found


async def books(store: Store) -> list[tuple[Any, ...]]:
    """What the sandbox has captured, given back and holds."""
    return await store.read(
        lambda transaction: transaction.all("SELECT captured, refunded, held FROM sandbox_payments ORDER BY key")
    )


# --- Making -----------------------------------------------------------------------------------------------------------


async def test_a_card_is_held_at_the_booking_and_captured_when_it_is_confirmed(
    client: Client, store: Store, service: dict[str, Any], settle: Settle
) -> None:
    booking = await book(client, service, at(10), **by("tok_authorize_only"))
    assert (money(booking), booking["paymentInfo"]["brand"]) == (("authorized", 0, 0, 0), "visa")
    confirmed = (await moved(client, booking, "confirmed")).json()
    assert money(confirmed) == ("authorized", 0, 0, 0)  # the provider has not been asked yet
    assert await settle() == 1
    assert money(await look(client, booking)) == ("paid", TOTAL, 0, 0)
    assert await books(store) == [(TOTAL, 0, 0)]
    history = (await client.get(f"/api/bookings/{booking['id']}/history", STORE)).json()["items"]
    assert [(move["toStatus"], move["toPaymentStatus"]) for move in history] == [
        ("requested", "authorized"),
        ("confirmed", "authorized"),
        ("confirmed", "paid"),
    ]


@pytest.mark.parametrize(
    ("token", "confirm", "ends", "kept"),
    [
        ("tok_authorize_only", False, ("voided", 0, 0, 0), (0, 0, 0)),
        ("tok_authorize_only", True, ("refunded", TOTAL, TOTAL, 0), (TOTAL, TOTAL, 0)),
        ("tok_visa", False, ("refunded", TOTAL, TOTAL, 0), (TOTAL, TOTAL, 0)),
    ],
)
async def test_what_was_held_is_let_go_and_what_was_taken_given_back_when_it_is_cancelled(
    client: Client,
    store: Store,
    service: dict[str, Any],
    settle: Settle,
    *,
    token: str,
    confirm: bool,
    ends: tuple[str, int, int, int],
    kept: tuple[int, int, int],
) -> None:
    booking = await book(client, service, at(10), **by(token))
    if confirm:
        booking = (await moved(client, booking, "confirmed")).json()
        await settle()
        booking = await look(client, booking)
    await moved(client, booking, "cancelled", CUSTOMER, reason="ill")
    await settle()
    assert money(await look(client, booking)) == ends
    assert await books(store) == [kept]
    assert await settle() == 0


async def test_nothing_is_charged_for_what_cannot_be_booked(
    client: Client, store: Store, service: dict[str, Any], settle: Settle
) -> None:
    problem(await try_to_book(client, service, at(10), **by("tok_declined")), 402, "payment-declined")
    problem(await try_to_book(client, service, at(10), **by("tok_nonsense")), 422, "invalid-field", "paymentInfo.token")
    await book(client, service, at(10))  # the time is free still
    taken = await try_to_book(client, service, at(10), STRANGER, **by("tok_visa"))
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/time-not-free")
    wrong = await try_to_book(client, service, at(12), total=1, **by("tok_visa"))
    assert wrong.status_code == 422
    assert await books(store) == []
    assert await settle() == 0


async def test_a_payment_whose_time_was_taken_meanwhile_is_given_back(
    client: Client, store: Store, service: dict[str, Any], settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorize = SandboxProvider.authorize

    async def slowly(self: SandboxProvider, charge: Any) -> Any:
        taken = await authorize(self, charge)
        await book(client, service, at(10), STRANGER)
        return taken

    monkeypatch.setattr(SandboxProvider, "authorize", slowly)
    late = await try_to_book(client, service, at(10), **by("tok_visa"))
    assert (late.status_code, late.json()["type"]) == (409, "/problems/time-not-free")
    await settle()
    assert await books(store) == [(TOTAL, TOTAL, 0)]


async def test_a_card_is_saved_and_used_again_and_a_request_sent_twice_is_paid_once(
    client: Client, store: Store, service: dict[str, Any]
) -> None:
    await book(client, service, at(10), **by("tok_visa", save=True))
    (card,) = (await client.get("/api/payment-methods", CUSTOMER)).json()["items"]
    saved = {"paymentInfo": {"method": "saved_card", "savedMethodId": card["id"]}}
    headers = {**CUSTOMER, "Idempotency-Key": "once"}
    first, again = [await book(client, service, at(12), headers, **saved) for _ in range(2)]
    assert first["id"] == again["id"]
    assert first["paymentInfo"] == {"method": "saved_card", "brand": "visa", "last4": "4242"}
    assert await books(store) == [(TOTAL, 0, 0)] * 2
    stolen = await try_to_book(client, service, at(14), STRANGER, **saved)
    assert stolen.status_code in {404, 422}


async def test_a_booking_waits_for_its_customer_at_the_bank(
    client: Client, service: dict[str, Any], settle: Settle
) -> None:
    back = "https://shop.example.com/booking/{bookingId}"
    booking = await book(client, service, at(10), NOBODY, **by("tok_3ds", returnUrl=back))
    assert money(booking) == ("unpaid", 0, 0, 0)
    assert booking["id"] in booking["paymentAction"]["url"]
    assert (await moved(client, booking, "confirmed")).status_code == 409
    path = booking["paymentAction"]["url"].partition("?")[0]
    assert (await client.http.post(f"{path}/confirm?back=/")).status_code == 303
    assert money(await look(client, booking)) == ("authorized", 0, 0, 0)
    booking = await look(client, booking)
    await moved(client, booking, "confirmed")
    await settle()
    assert money(await look(client, booking)) == ("paid", TOTAL, 0, 0)


# --- Standing ---------------------------------------------------------------------------------------------------------


async def test_a_booking_that_is_not_paid_is_paid_by_card_by_whose_it_is(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10))
    path = f"/api/bookings/{booking['id']}/pay"
    problem(await client.post(path, by("tok_visa"), STRANGER), 404, "not-found")
    problem(await client.post(path, by("tok_declined"), CUSTOMER), 402, "payment-declined")
    paid = await client.post(path, by("tok_visa"), CUSTOMER)
    assert (paid.status_code, money(paid.json())) == (200, ("paid", TOTAL, 0, 0))
    problem(await client.post(path, by("tok_visa"), CUSTOMER), 409, "not-payable")
    guests = await book(client, service, at(12), NOBODY)
    token = bearer(guests["trackingToken"])
    paid = await client.post(f"/api/bookings/{guests['id']}/pay", by("tok_visa"), token)
    assert (paid.status_code, money(paid.json())) == (200, ("paid", TOTAL, 0, 0))
    assert paid.json()["customerInfo"]["email"] != "asha@example.com"  # a link is forwarded
    problem(await client.post(path, by("tok_visa"), token), 403, "not-permitted")
    checked = await client.post(f"/api/bookings/{guests['id']}/pay/check", None, token)
    assert money(checked.json()) == ("paid", TOTAL, 0, 0)


async def test_a_refund_in_parts_is_the_shops_to_make(client: Client, service: dict[str, Any], settle: Settle) -> None:
    booking = await book(client, service, at(10), **by("tok_visa"))
    path = f"/api/bookings/{booking['id']}/refund"

    def body(**more: Any) -> dict[str, Any]:
        return {"reason": "late", "version": booking["version"], **more}

    problem(await client.post(path, body(), CUSTOMER), 403, "not-permitted")
    problem(await client.post(path, body(), STRANGER), 404, "not-found")
    problem(await client.post(path, body(amount=TOTAL + 1), STORE), 409, "refund-too-large")
    asked = (await client.post(path, body(amount=20_000), STORE)).json()
    assert money(asked) == ("paid", TOTAL, 0, 20_000)
    stale = problem(await client.post(path, body(amount=1), STORE), 409, "stale-version")
    assert stale["current"] == "requested"
    await settle()
    booking = await look(client, booking)
    assert money(booking) == ("partially_refunded", TOTAL, 20_000, 0)
    await client.post(path, body(), STORE)
    await settle()
    assert money(await look(client, booking)) == ("refunded", TOTAL, TOTAL, 0)


async def test_cash_is_paid_when_the_booking_is_over(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10))
    for status in ("confirmed", "in_progress", "completed"):
        booking = (await moved(client, booking, status)).json()
    assert money(booking) == ("paid", TOTAL, 0, 0)
    refund = {"reason": "late", "version": booking["version"], "amount": 100}
    refunded = await client.post(f"/api/bookings/{booking['id']}/refund", refund, STORE)
    assert money(refunded.json()) == ("partially_refunded", TOTAL, 100, 0)


# --- The books --------------------------------------------------------------------------------------------------------


async def test_the_books_are_compared_and_a_card_names_the_booking(
    client: Client, store: Store, service: dict[str, Any], providers: Providers, settle: Settle
) -> None:
    booking = await book(client, service, at(10), **by("tok_mismatch"))
    order = await client.place(paymentInfo={"method": "card", "token": "tok_mismatch"})
    assert await Reconciler(store, providers).reconcile() == 2
    cards = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    named = {(card["orderId"], card["bookingId"], card["kind"]) for card in cards}
    assert named == {(None, booking["id"], "captured"), (order["id"], None, "captured")}
    refused = await book(client, service, at(12), **by("tok_capture_fails"))
    await moved(client, refused, "confirmed")
    await settle()
    assert money(await look(client, refused)) == ("failed", 0, 0, 0)
    (card, *_) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["bookingId"], card["kind"]) == (refused["id"], "task_refused")
    told = (await client.get("/api/notifications", STORE)).json()["items"]
    assert [each["severity"] for each in told if each["text"] == "The payment of booking 2 is now failed."] == ["error"]


async def test_what_another_program_cancels_is_given_back_and_sums_that_cannot_be_are_refused(
    client: Client, store: Store, service: dict[str, Any], settle: Settle
) -> None:
    booking = await book(client, service, at(10), **by("tok_visa"))
    held = await book(client, service, at(12), **by("tok_authorize_only"))

    async def by_sql(change: str, booking_id: str) -> None:
        await store.write(
            lambda transaction: transaction.run(f"UPDATE bookings SET {change} WHERE id = :id", id=booking_id)
        )

    for sums in ("captured = total + 1", "refunded = captured + 1", "refunding = captured + 1", "captured = -1"):
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
            await by_sql(sums, booking["id"])
    await by_sql("status = 'cancelled'", booking["id"])
    await by_sql("status = 'confirmed'", held["id"])
    await settle()
    assert money(await look(client, booking)) == ("refunded", TOTAL, TOTAL, 0)
    assert money(await look(client, held)) == ("paid", TOTAL, 0, 0)


async def test_an_export_tells_of_the_payments_of_bookings_too(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10), **by("tok_visa"))
    order = await client.place(CUSTOMER, paymentInfo={"method": "card", "token": "tok_visa"})
    data = (await client.get("/api/me/export", CUSTOMER)).json()["data"]
    assert {row["payableId"] for row in data["payments"]} == {booking["id"], order["id"]}
