"""A booking as a file for calendars: its time, its name in the reader's language, and its newest version."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import Store

from .bookings_at_work import at, book, hire_carers, offer, try_to_book
from .client import CUSTOMER, DRIVER, NOBODY, STORE, Client, bearer, problem

LONG = "বাড়িতে সেবা; " * 9


@pytest.fixture
async def service(client: Client, store: Store) -> dict[str, Any]:
    await hire_carers(client, store, "car_1")
    return await offer(client, "car_1", name="Home care, an hour", nameBn=LONG.strip())


def lines_of(file: bytes) -> list[str]:
    """Unfolded (RFC 5545 section 3.1)."""
    assert file.endswith(b"\r\n")
    assert max(len(line) for line in file.split(b"\r\n")) <= 75
    return file.decode().replace("\r\n ", "").split("\r\n")


async def test_a_calendar_file_has_the_bookings_time_and_name(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10))
    answer = await client.get(f"/api/bookings/{made['id']}/calendar", CUSTOMER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename=booking-1.ics"
    begin = at(10)[:19].replace("-", "").replace(":", "")
    lines = lines_of(answer.content)
    assert lines[0] == "BEGIN:VCALENDAR"
    assert {f"DTSTART:{begin}Z", f"UID:{made['id']}@ordercast", "SEQUENCE:1", "STATUS:TENTATIVE"} <= set(lines)
    assert r"SUMMARY:Home care\, an hour" in lines

    await client.post(f"/api/bookings/{made['id']}/cancel", {"reason": "Not today"}, STORE)
    lines = lines_of((await client.get(f"/api/bookings/{made['id']}/calendar", CUSTOMER)).content)
    assert {"SEQUENCE:2", "STATUS:CANCELLED"} <= set(lines)


async def test_a_long_name_is_folded_between_characters(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10))
    answer = await client.get(f"/api/bookings/{made['id']}/calendar", {**CUSTOMER, "Accept-Language": "bn-BD"})
    assert "SUMMARY:" + LONG.strip().replace(";", r"\;") in lines_of(answer.content)


async def test_a_guest_has_it_by_their_link_and_nobody_elses(client: Client, service: dict[str, Any]) -> None:
    made = (await try_to_book(client, service, at(10), None)).json()
    path = f"/api/bookings/{made['id']}/calendar"
    assert (await client.get(path, bearer(made["trackingToken"]))).status_code == 200
    assert (await client.get(f"{path}?token={made['trackingToken']}")).status_code == 200
    problem(await client.get(path, CUSTOMER), 404, "not-found")
    problem(await client.get(path, DRIVER), 404, "not-found")
    assert (await client.get(path, NOBODY)).status_code == 401
