"""Bookings over HTTP: made at a price of ours, of a time that is free, seen and moved by whose they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store
from ordercast.db.bookings.expiry import BOOKING_EXPIRY
from ordercast.jobs import expire_all

from .bookings_at_work import (
    CARER,
    CUSTOMER_INFO,
    OTHER_CARER,
    at,
    book,
    hire_carers,
    moved,
    offer,
    try_to_book,
)
from .client import CUSTOMER, DRIVER, NOBODY, SERVICE, STORE, STRANGER, Client, bearer, problem


@pytest.fixture
async def service(client: Client, store: Store) -> dict[str, Any]:
    await hire_carers(client, store, "car_1")
    return await offer(client, "car_1")


# --- Making -----------------------------------------------------------------------------------------------------------


async def test_a_booking_has_its_price_and_carer_from_the_shop(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10), note="The bell is broken")
    assert made == {
        "id": made["id"], "number": 1, "status": "requested", "paymentStatus": "unpaid", "version": 1,
        "serviceId": service["id"], "serviceName": "Home care", "serviceNameBn": "",
        "startsAt": at(10), "endsAt": at(11), "carerId": "car_1", "carerName": "1",
        "total": 50_000, "currency": "BDT", "amountPaid": 0, "amountRefunded": 0, "amountRefunding": 0,
        "customerInfo": CUSTOMER_INFO, "paymentInfo": {"method": "cash"}, "note": "The bell is broken",
        "customerId": "cus_1", "createdAt": made["createdAt"], "updatedAt": made["createdAt"],
    }  # fmt: skip
    assert made["id"].startswith("bkg_")
    assert (await client.get(f"/api/bookings/{made['id']}", CUSTOMER)).json() == made


async def test_a_time_that_is_taken_is_answered_with_the_nearest_that_are_free(
    client: Client, service: dict[str, Any]
) -> None:
    await book(client, service, at(10))
    refused = problem(await try_to_book(client, service, at(10, 30), STRANGER), 409, "time-not-free", "startsAt")
    assert [each["startsAt"] for each in refused["nearest"]] == [at(11), at(11, 30), at(9), at(12), at(8, 30)]
    assert refused["nearest"][0] == {"startsAt": at(11), "endsAt": at(12), "carerIds": ["car_1"]}


async def test_of_64_who_want_one_time_at_once_one_has_it(client: Client, service: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(try_to_book(client, service, at(10), NOBODY) for _ in range(64)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 63
    assert all(answer.json()["nearest"] for answer in answers if answer.status_code == 409)


async def test_as_many_as_there_are_carers_have_one_time(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2", "car_3")
    service = await offer(client, "car_1", "car_2", "car_3")
    answers = await asyncio.gather(*(try_to_book(client, service, at(10), NOBODY) for _ in range(8)))
    made = [answer.json()["carerId"] for answer in answers if answer.status_code == 201]
    assert sorted(made) == ["car_1", "car_2", "car_3"]


async def test_whoever_asks_for_no_carer_gets_the_one_with_least_to_do(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2")
    service = await offer(client, "car_1", "car_2")
    await book(client, service, at(8), carerId="car_1")
    assert (await book(client, service, at(14)))["carerId"] == "car_2"


async def test_a_total_that_differs_is_refused_with_both_figures(client: Client, service: dict[str, Any]) -> None:
    refused = problem(await try_to_book(client, service, at(10), total=1), 422, "total-differs", "total")
    assert (refused["given"], refused["computed"]) == (1, 50_000)
    assert (await try_to_book(client, service, at(10), total=50_000)).status_code == 201


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"serviceId": "svc_nothing"}, "serviceId"),
    ({"carerId": "car_2"}, "carerId"),
    ({"startsAt": "2020-01-01T10:00:00Z"}, "startsAt"),
    ({"startsAt": "2100-01-01T10:00:00Z"}, "startsAt"),
    ({"startsAt": "2026-12-01T10:00:30Z"}, "startsAt"),
    ({"startsAt": "2026-12-01T10:00:00"}, "startsAt"),
    ({"startsAt": "soon"}, "startsAt"),
    ({"customerInfo": {"name": "A"}}, "customerInfo.email"),
    ({"paymentInfo": {"method": "barter"}}, "paymentInfo.method"),
    ({"note": "\u200b"}, "note"),
    ({"price": 1}, "price"),
]


async def test_a_field_that_cannot_be_taken_is_named(client: Client, service: dict[str, Any]) -> None:
    for changes, field in WRONG:
        answer = await try_to_book(client, service, at(10), **changes)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


async def test_customers_begin_where_a_slot_does_and_the_shop_whenever_the_carer_is_free(
    client: Client, service: dict[str, Any]
) -> None:
    problem(await try_to_book(client, service, at(10, 10)), 409, "time-not-free", "startsAt")
    assert (await book(client, service, at(10, 10), STORE))["startsAt"] == at(10, 10)


async def test_a_service_that_is_off_cannot_be_booked(client: Client, service: dict[str, Any]) -> None:
    await client.patch(f"/api/services/{service['id']}", {"version": 1, "active": False}, STORE)
    problem(await try_to_book(client, service, at(10)), 422, "invalid-field", "serviceId")


async def test_who_books_is_a_customer_a_guest_or_the_shop(client: Client, service: dict[str, Any]) -> None:
    for headers in (CARER, DRIVER, SERVICE):
        problem(await try_to_book(client, service, at(10), headers), 403, "not-permitted")


async def test_the_same_key_makes_one_booking_and_gives_its_token_again(
    client: Client, service: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "a-key-of-a-guest"}
    first, again = await book(client, service, at(10), key), await book(client, service, at(10), key)
    assert first == again
    assert first["trackingToken"].startswith("trk_")
    other = await try_to_book(client, service, at(12), key)
    problem(other, 422, "idempotency-key-reused")


# --- Looking ----------------------------------------------------------------------------------------------------------


async def test_a_guest_sees_their_booking_by_its_token_with_the_person_masked(
    client: Client, service: dict[str, Any]
) -> None:
    made, other = await book(client, service, at(10), NOBODY), await book(client, service, at(12), NOBODY)
    shown = (await client.get(f"/api/bookings/{made['id']}?token={made['trackingToken']}")).json()
    assert (shown["id"], shown["customerInfo"]["name"], shown["customerId"]) == (made["id"], "A••• R•••", None)
    guest = bearer(made["trackingToken"])
    problem(await client.get(f"/api/bookings/{other['id']}", guest), 404, "not-found")
    problem(await client.get(f"/api/orders/{made['id']}", guest), 404, "not-found")


async def test_a_booking_is_known_to_whose_it_is_and_to_the_shop(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10))
    path = f"/api/bookings/{made['id']}"
    for headers, status in (
        (CUSTOMER, 200), (STRANGER, 404), (CARER, 200), (OTHER_CARER, 404), (STORE, 200), (SERVICE, 200), (DRIVER, 404),
        (NOBODY, 401),
    ):  # fmt: skip
        assert (await client.get(path, headers)).status_code == status
    carers = (await client.get(path, CARER)).json()
    assert (carers["customerInfo"]["mobile"], carers["customerInfo"]["email"]) == (CUSTOMER_INFO["mobile"], None)


async def test_a_carer_is_told_whom_they_visit_until_that_is_over(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10), note="Ring twice")
    begun = {**CARER, "Idempotency-Key": "begin"}
    for status, version in (("confirmed", 1), ("in_progress", 2)):
        answer = await moved(client, {**made, "version": version}, status, begun if version == 2 else CARER)
        assert (answer.json()["customerInfo"]["name"], answer.json()["note"]) == (CUSTOMER_INFO["name"], "Ring twice")
    ended = await moved(client, {**made, "version": 3}, "completed", CARER)
    again = await moved(client, {**made, "version": 2}, "in_progress", begun)
    path = f"/api/bookings/{made['id']}"
    shown = [ended.json(), again.json(), (await client.get(path, CARER)).json()]
    shown += (await client.get("/api/bookings", CARER)).json()["items"]
    chat = (await client.get(f"/api/chat/user/booking?bookingId={made['id']}", CARER)).json()
    assert again.json()["status"] == "in_progress"
    for each in (*shown, chat["booking"]):
        assert each["customerInfo"] == {"name": "A••• R•••", "email": None, "mobile": "•••00"}
        assert (each["note"], each["customerId"]) == (None, None)
    assert (chat["user"]["name"], chat["user"]["mobile"], chat["conversation"]) == ("A••• R•••", "•••00", None)
    assert (await client.get(path, CUSTOMER)).json()["note"] == "Ring twice"


async def test_lists_hold_what_is_ones_own_by_pages_and_by_filters(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2")
    service = await offer(client, "car_1", "car_2")
    made = [await book(client, service, at(hour), carerId="car_1") for hour in (12, 10, 14)]
    made.append(await book(client, service, at(10, day=4), STRANGER, carerId="car_2"))
    await moved(client, made[0], "confirmed")

    async def listed(query: str, headers: Mapping[str, str]) -> list[int]:
        found: list[int] = []
        cursor = ""
        while True:
            answer = await client.get(f"/api/bookings?limit=2{query}{cursor}", headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert page["position"].count(":") == 1
            found += [item["number"] for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    day = at(0)[:10]
    assert await listed("", STORE) == [4, 3, 2, 1]
    assert await listed("", CUSTOMER) == [3, 2, 1]
    assert await listed("", OTHER_CARER) == [4]
    assert await listed("&carerId=car_1", STORE) == [3, 2, 1]
    assert await listed("&status=requested", STORE) == [4, 3, 2]
    assert await listed("&status=requested&carerId=car_1", STORE) == [3, 2]
    assert await listed("&status=confirmed", CUSTOMER) == [1]
    assert await listed(f"&day={day}", STORE) == [2, 1, 3]
    assert await listed(f"&day={day}", CUSTOMER) == [2, 1, 3]
    assert await listed(f"&day={day}&status=confirmed", CARER) == [1]
    assert await listed(f"&day={day}", STRANGER) == []


REFUSED_LISTS: list[tuple[str, Mapping[str, str], int]] = [
    ("carerId=car_1", CUSTOMER, 403),
    ("carerId=car_1", OTHER_CARER, 403),
    ("", DRIVER, 403),
    ("status=nowhere", STORE, 422),
    ("day=2026-02-31", STORE, 422),
    ("day=soon", STORE, 422),
    ("cursor=abc", STORE, 422),
    ("day=2026-12-01&cursor=5", STORE, 422),
    ("limit=0", STORE, 422),
]


async def test_a_list_that_cannot_be_given_is_refused(client: Client) -> None:
    for query, headers, status in REFUSED_LISTS:
        assert (await client.get(f"/api/bookings?{query}", headers)).status_code == status, query


# --- Moving -----------------------------------------------------------------------------------------------------------


async def test_a_booking_goes_its_way_with_cash_collected_at_its_end(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10))
    for status, by in (("confirmed", STORE), ("in_progress", CARER), ("completed", CARER)):
        answer = await moved(client, booking, status, by)
        assert answer.status_code == 200, answer.text
        booking = answer.json()
    assert (booking["status"], booking["paymentStatus"], booking["amountPaid"]) == ("completed", "paid", 50_000)
    path = f"/api/bookings/{booking['id']}/history"
    history = (await client.get(path, STORE)).json()["items"]
    assert [(each["version"], each["fromStatus"], each["toStatus"], each["actor"]) for each in history] == [
        (1, None, "requested", "customer:cus_1"),
        (2, "requested", "confirmed", "store:usr_1"),
        (3, "confirmed", "in_progress", "carer:car_1"),
        (4, "in_progress", "completed", "carer:car_1"),
    ]
    shown = (await client.get(path, CUSTOMER)).json()["items"]
    assert [each["actor"] for each in shown] == ["customer:cus_1", "store", "carer", "carer"]


async def test_a_stale_version_is_answered_with_what_is_and_may_be(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10))
    await moved(client, booking, "confirmed")
    refused = problem(await moved(client, booking, "cancelled", CUSTOMER, reason="Not today"), 409, "stale-version")
    assert (refused["current"], refused["version"], refused["allowed"]) == ("confirmed", 2, ["cancelled"])
    assert refused["changedBy"] == "store"
    again = await moved(client, booking, "confirmed")
    assert (again.status_code, again.json()["version"]) == (200, 2)


async def test_a_move_with_a_key_is_done_once(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10))
    key = {**STORE, "Idempotency-Key": "k-1"}
    first, again = await moved(client, booking, "confirmed", key), await moved(client, booking, "confirmed", key)
    assert first.json() == again.json()
    problem(await moved(client, booking, "cancelled", key, reason="x"), 422, "idempotency-key-reused")


async def test_a_guest_calls_their_booking_off_and_its_time_is_free_again(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10), NOBODY)
    guest = bearer(booking["trackingToken"])
    path = f"/api/bookings/{booking['id']}/cancel"
    problem(await client.post(path, {}, guest), 422, "invalid-field", "reason")
    answer = await client.post(path, {"reason": "Not today"}, guest)
    assert (answer.json()["status"], answer.json()["paymentStatus"]) == ("cancelled", "voided")
    assert answer.json()["customerInfo"]["name"] == "A••• R•••"
    assert (await try_to_book(client, service, at(10), STRANGER)).status_code == 201


async def test_of_two_who_move_a_booking_at_once_one_does(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10))
    answers = await asyncio.gather(
        *(moved(client, booking, status, reason="x") for status in ("confirmed", "cancelled") * 4)
    )
    assert {answer.status_code for answer in answers} == {200, 409}
    history = (await client.get(f"/api/bookings/{booking['id']}/history", STORE)).json()["items"]
    assert len(history) == 2


# --- To another time --------------------------------------------------------------------------------------------------


async def reschedule(
    client: Client, booking: dict[str, Any], starts_at: str, headers: Mapping[str, str] = CUSTOMER, **more: Any
) -> Any:
    body = {"startsAt": starts_at, "version": booking["version"], **more}
    return await client.post(f"/api/bookings/{booking['id']}/reschedule", body, headers)


async def test_a_booking_is_moved_to_another_time_and_the_former_is_free(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10))
    answer = await reschedule(client, booking, at(12), reason="The bus\n is late")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["startsAt"], answer.json()["endsAt"], answer.json()["version"]) == (at(12), at(13), 2)
    (_, entry) = (await client.get(f"/api/bookings/{booking['id']}/history", STORE)).json()["items"]
    assert (entry["fromStartsAt"], entry["startsAt"], entry["reason"]) == (at(10), at(12), "The bus is late")
    assert (await try_to_book(client, service, at(10), STRANGER)).status_code == 201
    taken = problem(await reschedule(client, answer.json(), at(10)), 409, "time-not-free", "startsAt")
    assert taken["nearest"]


async def test_a_booking_is_moved_within_its_own_time_by_the_shop(client: Client, service: dict[str, Any]) -> None:
    booking = (await moved(client, await book(client, service, at(10)), "confirmed")).json()
    answer = await reschedule(client, booking, at(10, 15), STORE)
    assert (answer.json()["startsAt"], answer.json()["status"]) == (at(10, 15), "confirmed")


async def test_what_a_customer_moves_is_to_be_confirmed_anew(client: Client, service: dict[str, Any]) -> None:
    booking = (await moved(client, await book(client, service, at(10)), "confirmed")).json()
    assert (await reschedule(client, booking, at(12))).json()["status"] == "requested"


async def test_a_booking_whose_carer_has_left_is_moved_to_whoever_is_free(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2", "car_3")
    service = await offer(client, "car_1", "car_2", "car_3")
    booking = await book(client, service, at(10), carerId="car_1")
    await book(client, service, at(14), STRANGER, carerId="car_2")
    await store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE id = 'car_1'"))
    problem(await reschedule(client, booking, at(12), carerId="car_1"), 409, "time-not-free", "startsAt")
    answer = await reschedule(client, booking, at(12))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["carerId"], answer.json()["carerName"]) == ("car_3", "3")
    for carer_id in ("car_2", "car_3"):
        await book(client, service, at(16), STRANGER, carerId=carer_id)
    taken = problem(await reschedule(client, {**booking, "version": 2}, at(16)), 409, "time-not-free", "startsAt")
    assert taken["nearest"]


async def test_a_booking_is_not_confirmed_for_a_carer_who_has_left(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2")
    booking = await book(client, await offer(client, "car_1", "car_2"), at(10), carerId="car_1")
    await store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE id = 'car_1'"))
    refused = problem(await moved(client, booking, "confirmed"), 409, "state-conflict")
    assert refused["detail"] == "The carer has left; give the booking to another one first."
    assert refused["allowed"] == ["cancelled"]
    given = (await reschedule(client, booking, at(10), STORE, carerId="car_2")).json()
    assert (await moved(client, given, "confirmed")).json()["status"] == "confirmed"


async def test_what_nobody_confirmed_is_cancelled_once_it_is_over(
    client: Client, store: Store, service: dict[str, Any]
) -> None:
    unanswered, confirmed = await book(client, service, at(10)), await book(client, service, at(12), STRANGER)
    assert (await moved(client, confirmed, "confirmed")).status_code == 200
    later = await book(client, service, at(14))
    for now, status in ((at(11), "requested"), (at(11, 1), "cancelled"), (at(14, 59), "cancelled")):
        await expire_all(store, BOOKING_EXPIRY, Timestamp(now), Timestamp(now))
        found = (await client.get(f"/api/bookings/{unanswered['id']}", STORE)).json()
        assert found["status"] == status
    (*_, last) = (await client.get(f"/api/bookings/{unanswered['id']}/history", STORE)).json()["items"]
    assert [last["actor"], last["reason"]] == ["service:timer", "The shop did not confirm it in time."]
    states = {each["id"]: each["status"] for each in (await client.get("/api/bookings", STORE)).json()["items"]}
    assert states == {unanswered["id"]: "cancelled", confirmed["id"]: "confirmed", later["id"]: "requested"}
    assert (await client.get("/api/notifications", CUSTOMER)).json()["items"][0]["title"] == "Booking cancelled"


async def test_a_booking_is_given_to_another_carer(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2", "car_3")
    service = await offer(client, "car_1", "car_2")
    booking = await book(client, service, at(10), carerId="car_1")
    problem(await reschedule(client, booking, at(10), STORE, carerId="car_3"), 422, "invalid-field", "carerId")
    given = (await reschedule(client, booking, at(10), STORE, carerId="car_2")).json()
    assert (given["carerId"], given["carerName"]) == ("car_2", "2")
    assert (await client.get(f"/api/bookings/{booking['id']}", CARER)).status_code == 404
    assert (await client.get("/api/notifications", CARER)).json()["items"][0]["title"] == "No longer yours"
    assert (await client.get("/api/notifications", OTHER_CARER)).json()["items"][0]["title"] == "A booking for you"


async def test_the_same_time_changes_nothing_and_a_stale_version_is_refused(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10))
    same = await reschedule(client, {**booking, "version": 7}, at(10))
    assert (same.status_code, same.json()["version"]) == (200, 1)
    problem(await reschedule(client, {**booking, "version": 7}, at(12)), 409, "stale-version")
    await moved(client, booking, "cancelled", reason="Not today")
    problem(await reschedule(client, {**booking, "version": 2}, at(12)), 409, "state-conflict")


async def test_whose_booking_was_moved_by_the_shop_is_notified(client: Client, service: dict[str, Any]) -> None:
    booking = (await moved(client, await book(client, service, at(10)), "confirmed")).json()
    await reschedule(client, booking, at(12), STORE)
    titles = [item["title"] for item in (await client.get("/api/notifications", CUSTOMER)).json()["items"]]
    assert titles == ["Booking at another time", "Booking confirmed"]
