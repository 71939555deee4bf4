"""A booking opens a conversation of customer, carer and shop; one answer has all that a page needs at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.db import SqliteStore

from .bookings_at_work import CARER, OTHER_CARER, at, book, hire_carers, moved, offer
from .client import CUSTOMER, DRIVER, NOBODY, SERVICE, STORE, STRANGER, Client, bearer, problem, signed_in

PATH = "/api/chat/user/booking"


@pytest.fixture
async def service(client: Client, store: SqliteStore) -> dict[str, Any]:
    await hire_carers(client, store, "car_1", "car_2")
    return await offer(client, "car_1", "car_2")


async def shown(client: Client, query: str, headers: Mapping[str, str]) -> dict[str, Any]:
    answer = await client.get(PATH + query, headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def people(answer: dict[str, Any]) -> dict[str, Any]:
    return {each["participant"]: each["name"] for each in answer["participants"]}


async def test_each_side_of_a_booking_finds_it_with_its_conversation(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10), carerId="car_1")
    for headers, you, query in (
        (STORE, "store", f"?bookingId={booking['id']}"),
        (STORE, "store", "?userId=cus_1"),
        (SERVICE, "store", f"?bookingId={booking['id']}"),
        (CUSTOMER, "customer", ""),
        (CUSTOMER, "customer", "?userId=cus_1"),
        (CUSTOMER, "customer", f"?bookingId={booking['id']}"),
        (CARER, "carer:car_1", ""),
        (CARER, "carer:car_1", f"?bookingId={booking['id']}"),
    ):
        answer = await shown(client, query, headers)
        assert answer["booking"]["id"] == booking["id"]
        assert (answer["conversation"]["about"], answer["conversation"]["bookingId"]) == ("booking", booking["id"])
        assert (answer["conversation"]["you"], answer["user"]["name"]) == (you, "Asha Rahman")
        assert people(answer) == {"customer": "Asha Rahman", "store": None, "carer:car_1": "1"}
        assert answer["participants"] == answer["conversation"]["participants"]
        assert (answer["messages"], answer["nextBefore"]) == ([], None)
        assert ":" in answer["position"]
        is_told = you != "carer:car_1"
        assert (answer["user"]["id"], answer["booking"]["customerId"]) == (("cus_1",) * 2 if is_told else (None, None))


async def test_a_guest_finds_their_booking_by_its_link_with_the_person_masked(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10), None)
    link = bearer(booking["trackingToken"])
    answer = await shown(client, "", link)
    assert (answer["booking"]["id"], answer["user"]["id"]) == (booking["id"], None)
    assert "Rahman" not in str(answer)
    written = await client.post(f"/api/conversations/{answer['conversation']['id']}/messages", {"text": "Hello"}, link)
    assert (written.status_code, written.json()["sender"]["participant"]) == (201, "customer")
    assert [each["text"] for each in (await shown(client, "", link))["messages"]] == ["Hello"]
    other = await book(client, service, at(14))
    problem(await client.get(f"{PATH}?bookingId={other['id']}", link), 404, "not-found")


async def test_what_is_anothers_is_not_found_and_another_user_is_not_permitted(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10), carerId="car_1")
    order = await client.place()
    for headers in (STRANGER, OTHER_CARER, DRIVER):
        problem(await client.get(f"{PATH}?bookingId={booking['id']}", headers), 404, "not-found")
    for headers in (STRANGER, OTHER_CARER, DRIVER, bearer(order["trackingToken"])):
        problem(await client.get(f"{PATH}?userId=cus_1", headers), 403, "not-permitted")
    problem(await client.get(PATH, NOBODY), 401, "sign-in-required")
    problem(await client.get(f"{PATH}?bookingId=bkg_nothing", STORE), 404, "not-found")
    problem(await client.get(f"{PATH}?userId=cus_nothing", STORE), 404, "not-found")
    problem(await client.get(f"{PATH}?bookingId=a&userId=b", STORE), 422, "invalid-field", "userId")
    for bad in ("bookingId=", "userId=", f"bookingId={'x' * 300}"):
        problem(await client.get(f"{PATH}?{bad}", STORE), 422, "invalid-field", bad.partition("=")[0])


async def test_who_has_no_booking_gets_empty_lists(client: Client) -> None:
    for headers, id_ in ((CUSTOMER, "cus_1"), (STORE, "usr_1"), (signed_in("carer", "car_9"), "car_9")):
        answer = await shown(client, "", headers)
        assert (answer["user"]["id"], answer["booking"], answer["conversation"]) == (id_, None, None)
        assert (answer["bookings"], answer["participants"], answer["messages"]) == ([], [], [])


async def test_the_booking_shown_is_the_newest_that_is_not_over(client: Client, service: dict[str, Any]) -> None:
    first, second = await book(client, service, at(10)), await book(client, service, at(12))
    assert (await shown(client, "", CUSTOMER))["booking"]["id"] == second["id"]
    assert (await moved(client, second, "cancelled", reason="Not today")).status_code == 200
    answer = await shown(client, "", CUSTOMER)
    assert (answer["booking"]["id"], [each["id"] for each in answer["bookings"]]) == (
        first["id"], [second["id"], first["id"]],
    )  # fmt: skip


async def test_a_carer_takes_part_from_when_they_have_the_booking_until_it_is_over(
    client: Client, service: dict[str, Any]
) -> None:
    booking = await book(client, service, at(10), carerId="car_1")
    conversation = (await shown(client, "", CUSTOMER))["conversation"]["id"]
    path = f"/api/conversations/{conversation}/messages"
    assert (await client.post(path, {"text": "Hello"}, CARER)).json()["sender"] == {
        "participant": "carer:car_1", "role": "carer",
    }  # fmt: skip
    problem(await client.get(path, OTHER_CARER), 404, "not-found")
    wanted = {"startsAt": at(10), "carerId": "car_2", "version": booking["version"]}
    answer = await client.post(f"/api/bookings/{booking['id']}/reschedule", wanted, STORE)
    assert answer.status_code == 200, answer.text
    problem(await client.get(path, CARER), 404, "not-found")
    assert len((await client.get(path, OTHER_CARER)).json()["items"]) == 1
    assert (await client.get("/api/conversations", OTHER_CARER)).json()["unread"] == 1
    assert (await moved(client, answer.json(), "cancelled", reason="Not today")).status_code == 200
    problem(await client.get(path, OTHER_CARER), 404, "not-found")
    assert people(await shown(client, "", CUSTOMER)).keys() == {"customer", "store"}


async def test_the_conversation_of_a_booking_is_opened_with_it_and_once(
    client: Client, service: dict[str, Any], store: SqliteStore
) -> None:
    booking = await book(client, service, at(10))
    rows = await store.read(lambda transaction: transaction.all("SELECT id, subject_id FROM conversations"))
    assert [subject for _, subject in rows] == [booking["id"]]
    opened = await client.post("/api/conversations", {"bookingId": booking["id"]}, CUSTOMER)
    assert opened.json()["id"] == rows[0][0]
    problem(await client.post("/api/conversations", {"bookingId": booking["id"]}, STRANGER), 404, "not-found")


async def test_what_was_said_of_a_booking_goes_with_its_customer(
    client: Client, service: dict[str, Any], store: SqliteStore
) -> None:
    booking = await book(client, service, at(10))
    conversation = (await shown(client, "", CUSTOMER))["conversation"]["id"]
    await client.post(f"/api/conversations/{conversation}/messages", {"text": "By the lake"}, CUSTOMER)
    admin = signed_in("admin", "usr_admin")
    exported = (await client.get("/api/customers/cus_1/export", admin)).json()["data"]
    assert [each["text"] for each in exported["messages"]] == ["By the lake"]
    await moved(client, booking, "cancelled", reason="Not today")
    erased = await client.post("/api/customers/cus_1/erase", {}, admin)
    assert erased.status_code == 200, erased.text
    dump = await store.read(
        lambda transaction: [transaction.all(f"SELECT * FROM {table}") for table in ("messages", "feed", "idempotency")]
    )
    assert "By the lake" not in str(dump)
