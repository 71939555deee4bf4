"""Services and their slots, and the carers who do them, by the shop's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ordercast.config import Settings
from ordercast.db import Store

from .bookings_at_work import CARER, OTHER_CARER, ROUND_THE_CLOCK, at, book, hire_carers, offer
from .client import CUSTOMER, NOBODY, STORE, Client, over, problem, signed_in

ADMIN = signed_in("admin", "usr_admin")
DHAKA = ZoneInfo("Asia/Dhaka")
NEW_CARER = {"email": "nadia@example.com", "name": "Nadia", "password": "a long enough phrase"}
WEEKDAY = {"monday": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}]}


@pytest.fixture
async def in_dhaka(store: Store, settings: Settings) -> AsyncIterator[Client]:
    async with over(msgspec.structs.replace(settings, timezone="Asia/Dhaka"), store) as http:
        yield Client(http)


def next_monday() -> datetime:
    """Midnight of a Monday to come, in Dhaka."""
    day = datetime.now(DHAKA).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    return day + timedelta(days=-day.weekday() % 7)


async def slots(client: Client, service: dict[str, Any], query: str) -> dict[str, Any]:
    answer = await client.get(f"/api/services/{service['id']}/slots?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- Services ---------------------------------------------------------------------------------------------------------


async def test_the_shop_makes_and_changes_what_can_be_booked(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1")
    made = await offer(client, "car_1", "car_1", nameBn="সেবা", durationMinutes=20)
    assert made == {
        "id": made["id"], "name": "Home care", "nameBn": "সেবা", "description": "", "descriptionBn": "",
        "durationMinutes": 20, "slotMinutes": 20, "price": 50_000, "currency": "BDT", "carerIds": ["car_1"],
        "active": True, "version": 1,
    }  # fmt: skip
    path = f"/api/services/{made['id']}"
    changed = await client.patch(path, {"version": 1, "price": 60_000, "active": False}, STORE)
    assert (changed.json()["price"], changed.json()["version"]) == (60_000, 2)
    problem(await client.patch(path, {"version": 1, "price": 1}, STORE), 409, "stale-version")
    problem(await client.patch(path, {"version": 2, "carerIds": ["car_9"]}, STORE), 422, "invalid-field", "carerIds[0]")
    problem(await client.patch("/api/services/svc_0", {"version": 1}, STORE), 404, "not-found")
    listed = (await client.get("/api/services")).json()["items"]
    assert made["id"] not in [item["id"] for item in listed]
    every = (await client.get("/api/services?every=true", STORE)).json()["items"]
    assert made["id"] in [item["id"] for item in every]
    for headers, status in ((NOBODY, 404), (CUSTOMER, 404), (STORE, 200)):
        assert (await client.get(path, headers)).status_code == status
    problem(await client.get(f"{path}/slots"), 404, "not-found")


# --- Carers -----------------------------------------------------------------------------------------------------------


async def test_an_admin_makes_a_carer_who_signs_in_and_sees_when_they_work(client: Client) -> None:
    made = await client.post("/api/carers", {**NEW_CARER, "hours": WEEKDAY, "daysOff": ["2026-12-25"]}, ADMIN)
    assert made.status_code == 201, made.text
    carer = made.json()
    assert (carer["hours"], carer["daysOff"]) == (WEEKDAY, ["2026-12-25"])
    login = await client.post("/api/auth/login", {"email": NEW_CARER["email"], "password": NEW_CARER["password"]})
    assert login.json()["user"]["role"] == "carer"
    mine = {"Authorization": f"Bearer {login.json()['token']}"}
    assert (await client.get("/api/carers/me", mine)).json() == carer
    problem(await client.post("/api/carers", NEW_CARER, ADMIN), 409, "address-taken", "email")
    problem(await client.post("/api/carers", NEW_CARER, STORE), 403, "not-permitted")
    assert carer in (await client.get("/api/carers", STORE)).json()["items"]


async def test_the_shop_says_when_a_carer_works(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1")
    changed = await client.patch("/api/carers/car_1", {"version": 2, "daysOff": ["2026-12-26", "2026-12-25"]}, STORE)
    assert (changed.json()["daysOff"], changed.json()["version"]) == (["2026-12-25", "2026-12-26"], 3)
    assert changed.json()["hours"] == ROUND_THE_CLOCK
    problem(await client.patch("/api/carers/car_1", {"version": 2, "hours": {}}, STORE), 409, "stale-version")
    problem(await client.patch("/api/carers/car_9", {"version": 1}, STORE), 404, "not-found")
    problem(await client.get("/api/carers/car_1", OTHER_CARER), 403, "not-permitted")
    assert (await client.get("/api/carers/car_1", CARER)).status_code == 200
    for body, field in (
        ({"hours": {"monday": [{"from": "12:00", "to": "09:00"}]}}, "hours.monday[0].to"),
        ({"hours": {"monday": [{"from": "25:00", "to": "26:00"}]}}, "hours.monday[0].from"),
        ({"hours": {"moonday": []}}, "hours.moonday"),
        ({"daysOff": ["2026-02-31"]}, "daysOff[0]"),
        ({"daysOff": ["tomorrow"]}, "daysOff[0]"),
    ):
        answer = await client.patch("/api/carers/car_1", {"version": 3, **body}, STORE)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


# --- Slots ------------------------------------------------------------------------------------------------------------


async def test_slots_are_within_the_hours_of_the_shops_clock(in_dhaka: Client, store: Store) -> None:
    await hire_carers(in_dhaka, store, "car_1", "car_2")
    await in_dhaka.patch("/api/carers/car_1", {"version": 2, "hours": WEEKDAY}, STORE)
    service = await offer(in_dhaka, "car_1", slotMinutes=60)
    monday = next_monday()
    found = await slots(in_dhaka, service, f"from={monday.date()}&to={monday.date()}")
    local = [datetime.fromisoformat(each["startsAt"]).astimezone(DHAKA).strftime("%a %H:%M") for each in found["items"]]
    assert local == [f"Mon {hour:02d}:00" for hour in (9, 10, 11, 13, 14, 15, 16)]
    assert (found["timeZone"], found["carers"], found["nextFrom"]) == (
        "Asia/Dhaka", [{"id": "car_1", "name": "1"}], None,
    )  # fmt: skip
    await in_dhaka.patch("/api/carers/car_1", {"version": 3, "daysOff": [str(monday.date())]}, STORE)
    assert (await slots(in_dhaka, service, f"from={monday.date()}&to={monday.date()}"))["items"] == []


async def test_what_is_booked_is_no_slot_of_that_carer_and_one_of_the_others(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1", "car_2")
    service = await offer(client, "car_1", "car_2", slotMinutes=60)
    await book(client, service, at(10), carerId="car_1")
    span = f"from={at(10)}&to={at(12)}"
    found = (await slots(client, service, span))["items"]
    assert [(each["startsAt"], each["carerIds"]) for each in found] == [
        (at(10), ["car_2"]),
        (at(11), ["car_1", "car_2"]),
    ]
    assert [each["startsAt"] for each in (await slots(client, service, f"{span}&carerId=car_1"))["items"]] == [at(11)]


async def test_slots_begin_now_go_on_for_a_week_and_are_cut_where_they_are_many(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1")
    service = await offer(client, "car_1", durationMinutes=5, slotMinutes=5)
    now = datetime.now(UTC).isoformat()
    found = await slots(client, service, "")
    assert len(found["items"]) == 1000
    assert found["items"][0]["startsAt"] > now
    rest = await slots(client, service, f"from={found['nextFrom']}")
    assert rest["items"][0]["startsAt"] == found["nextFrom"]
    whole = await slots(client, await offer(client, "car_1", durationMinutes=60, slotMinutes=60), "")
    assert 6 * 24 <= len(whole["items"]) <= 7 * 24


async def test_a_span_that_is_none_is_refused(client: Client, store: Store) -> None:
    await hire_carers(client, store, "car_1")
    service = await offer(client, "car_1")
    for query, field in (
        ("from=soon", "from"), ("from=2026-02-31", "from"), ("to=2020-01-01", "to"), ("from=9999-12-31", "from"),
        ("from=2027-01-01&to=2027-03-01", "to"), ("from=2026-12-01T10:00:00", "from"), ("to=1999-01-01", "to"),
    ):  # fmt: skip
        answer = await client.get(f"/api/services/{service['id']}/slots?{query}")
        assert (answer.status_code, answer.json()["field"]) == (422, field), (query, answer.text)
