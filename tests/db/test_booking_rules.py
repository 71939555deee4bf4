"""What another program cannot make of a booking, tried with SQL alone in both databases; above all, two at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ordercast.commerce.booking_states import BookingStatus as S
from ordercast.commerce.booking_transitions import (
    BOOKING_MOVES,
    BOOKING_TERMINAL,
    COMING,
    FREEING,
    RESCHEDULES,
    TAKING_TIME,
)
from tests.postgres import Postgres
from tests.quick import migrated

from .programs import Program

NINE, TEN, ELEVEN, NOON = (f"2026-12-01T{hour:02d}:00:00.000Z" for hour in (9, 10, 11, 12))
ADD = "INSERT INTO bookings (id, service_id, carer_id, starts_at, ends_at) VALUES (?, 'svc_1', ?, ?, ?)"


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    """All that a test does is rolled back."""
    with program.rolled_back():
        yield program


def add(shop: Program, booking_id: str, starts_at: str = TEN, ends_at: str = ELEVEN, carer_id: str = "car_1") -> None:
    shop.do(ADD, [booking_id, carer_id, starts_at, ends_at])


def stand(shop: Program, booking_id: str, status: S, starts_at: str = TEN, ends_at: str = ELEVEN) -> None:
    """Import one, in any state."""
    shop.do("INSERT INTO meta VALUES ('importing', 'from the former shop')")
    columns = "id, service_id, carer_id, starts_at, ends_at, status"
    values = [booking_id, starts_at, ends_at, status]
    shop.do(f"INSERT INTO bookings ({columns}) VALUES (?, 'svc_1', 'car_1', ?, ?, ?)", values)
    shop.do("DELETE FROM meta WHERE name = 'importing'")


# --- Nobody is in two places ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        (TEN, ELEVEN),
        (NINE, NOON),
        ("2026-12-01T10:15:00.000Z", "2026-12-01T10:30:00.000Z"),
        ("2026-12-01T09:30:00.000Z", "2026-12-01T10:01:00.000Z"),
        ("2026-12-01T10:59:00.000Z", NOON),
        ("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"),
        ("2026-11-30T10:00:00.000Z", "2026-12-02T10:00:00.000Z"),
    ],
)
def test_a_carer_is_not_booked_twice(shop: Program, starts_at: str, ends_at: str) -> None:
    add(shop, "bkg_1")
    with shop.refused("booking_taken"):
        add(shop, "bkg_2", starts_at, ends_at)
    add(shop, "bkg_3", starts_at, ends_at, carer_id="car_2")


def test_what_only_touches_is_taken_however_the_moment_is_written(shop: Program) -> None:
    add(shop, "bkg_1", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00.000Z")
    add(shop, "bkg_2", ELEVEN.replace(".000", ""), NOON)
    add(shop, "bkg_3", NINE, "2026-12-01T10:00:00Z")
    with shop.refused("booking_taken"):
        shop.do("UPDATE bookings SET ends_at = ? WHERE id = 'bkg_3'", ["2026-12-01T10:01:00Z"])


def test_a_long_booking_is_seen_behind_many_short_ones_of_others(shop: Program) -> None:
    add(shop, "bkg_0", "2026-11-30T22:00:00.000Z", NOON)
    for minute in range(10, 50, 10):
        add(shop, f"bkg_{minute}", f"2026-12-01T10:{minute}:00Z", f"2026-12-01T10:{minute + 5}:00Z", carer_id="car_2")
    with shop.refused("booking_taken"):
        add(shop, "bkg_1")


@pytest.mark.parametrize("status", sorted(FREEING), ids=str)
def test_what_was_called_off_or_missed_is_in_nobodys_way(shop: Program, status: S) -> None:
    stand(shop, "bkg_1", status)
    add(shop, "bkg_2")
    with shop.refused("booking_taken"):
        add(shop, "bkg_3")


@pytest.mark.parametrize("status", TAKING_TIME, ids=str)
def test_every_other_keeps_its_time(shop: Program, status: S) -> None:
    stand(shop, "bkg_1", status)
    with shop.refused("booking_taken"):
        add(shop, "bkg_2")


@pytest.mark.parametrize("change", ["starts_at = '2026-12-01T10:30:00Z'", "carer_id = 'car_1'"])
def test_a_booking_is_not_moved_into_another(shop: Program, change: str) -> None:
    add(shop, "bkg_1")
    add(shop, "bkg_2", ELEVEN if "starts" in change else TEN, NOON, carer_id="car_1" if "starts" in change else "car_2")
    with shop.refused("booking_taken"):
        shop.do(f"UPDATE bookings SET {change} WHERE id = 'bkg_2'")


def test_a_booking_is_moved_within_its_own_time(shop: Program) -> None:
    add(shop, "bkg_1")
    shop.do("UPDATE bookings SET starts_at = '2026-12-01T10:15:00Z', ends_at = '2026-12-01T11:15:00Z'")


def test_of_two_programs_at_once_one_has_the_time(postgres_server: Postgres, postgres_template: str) -> None:
    """Whatever isolation the second asks for: it waits for the first, and is then refused."""
    name = postgres_server.new_database(postgres_template)
    url = postgres_server.url(name)
    for level, refusal in (
        ("READ COMMITTED", psycopg.errors.CheckViolation),
        ("REPEATABLE READ", psycopg.errors.SerializationFailure),
        ("SERIALIZABLE", psycopg.errors.SerializationFailure),
    ):
        with psycopg.connect(url) as first, psycopg.connect(url) as second, psycopg.connect(url) as looking:
            looking.autocommit = True
            second.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            second.execute("SELECT count(*) FROM bookings")  # its snapshot is taken before the other's booking
            first.execute(ADD.replace("?", "%s").encode(), [f"bkg_{level}", level, TEN, ELEVEN])
            outcome: list[Any] = []
            late = threading.Thread(target=_try, args=(second, level, outcome))
            late.start()
            _until_it_waits(looking, second)
            first.commit()
            late.join()
            assert isinstance(outcome[0], refusal), outcome
    postgres_server.drop(name)


def _try(connection: psycopg.Connection[Any], carer_id: str, outcome: list[Any]) -> None:
    try:
        connection.execute(ADD.replace("?", "%s").encode(), ["bkg_late", carer_id, TEN, ELEVEN])
        connection.commit()
        outcome.append("booked")
    except psycopg.Error as error:
        connection.rollback()
        outcome.append(error)


def _until_it_waits(looking: psycopg.Connection[Any], waiting: psycopg.Connection[Any]) -> None:
    blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    pid = waiting.info.backend_pid
    while looking.execute(blocked, [pid]).fetchone() != (True,):
        time.sleep(0.005)


def test_of_two_programs_at_one_file_one_has_the_time(tmp_path: Path) -> None:
    path = migrated(tmp_path / "shop.db")
    first, second = sqlite3.connect(path, timeout=0), sqlite3.connect(path, timeout=0)
    first.execute(ADD, ["bkg_1", "car_1", TEN, ELEVEN])
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute(ADD, ["bkg_2", "car_1", TEN, ELEVEN])
    first.commit()
    with pytest.raises(sqlite3.IntegrityError, match="booking_taken"):
        second.execute(ADD, ["bkg_2", "car_1", TEN, ELEVEN])
    first.close()
    second.close()


# --- The status flow --------------------------------------------------------------------------------------------------

MOVED = {*BOOKING_MOVES, *((t.source, t.target) for t in RESCHEDULES)}


@pytest.mark.parametrize("source", S, ids=str)
def test_a_booking_goes_where_the_table_leads_and_nowhere_else(shop: Program, source: S) -> None:
    stand(shop, "bkg_1", source)
    for target in S:
        shop.do("SAVEPOINT moved")
        if source is target or (source, target) in MOVED:
            shop.do("UPDATE bookings SET status = ?", [target])
        else:
            with shop.refused("booking_flow"):
                shop.do("UPDATE bookings SET status = ?", [target])
        shop.do("ROLLBACK TO moved")
    with shop.refused("status_known"):
        shop.do("UPDATE bookings SET status = 'delivered'")


@pytest.mark.parametrize("status", sorted(set(S) - set(COMING)), ids=str)
def test_a_new_booking_has_not_begun_and_what_has_keeps_its_time(shop: Program, status: S) -> None:
    with shop.refused("booking_first_state"):
        shop.do(
            "INSERT INTO bookings (service_id, carer_id, starts_at, ends_at, status) VALUES ('s', 'c', ?, ?, ?)",
            [TEN, ELEVEN, status],
        )
    stand(shop, "bkg_1", status)
    with shop.refused("booking_over"):
        shop.do("UPDATE bookings SET starts_at = ?", [NINE])


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("DELETE FROM bookings", "never deleted"),
        ("UPDATE bookings SET id = 'bkg_9'", "keeps its id"),
        ("UPDATE bookings SET version = 7", "booking_version"),
        ("UPDATE bookings SET payment_status = 'refunded'", "booking_payment_flow"),
        ("UPDATE bookings SET payment_info = '{\"method\":\"card\"}', status = 'confirmed'", "booking_payment_ready"),
        ("UPDATE bookings SET captured = 6", "captured_within_booking"),
        ("UPDATE bookings SET refunded = 1", "refunded_within_booking"),
        ("UPDATE bookings SET starts_at = '2026-12-01T10:00:30.000Z'", "booking_in_minutes"),
        ("UPDATE bookings SET ends_at = '2026-12-01T10:00:00Z'", "booking_has_time"),
        ("DELETE FROM booking_history", "only ever added to"),
        ("UPDATE booking_history SET reason = 'another'", "only ever added to"),
    ],
)
def test_what_no_booking_can_be_is_refused_by_name(shop: Program, statement: str, rule: str) -> None:
    shop.do(
        "INSERT INTO bookings (service_id, carer_id, starts_at, ends_at, total) VALUES ('s', 'c', ?, ?, 5)",
        [TEN, ELEVEN],
    )
    with shop.refused(rule):
        shop.do(statement)


# --- What is told -----------------------------------------------------------------------------------------------------


def bookings_told(shop: Program) -> list[tuple[Any, ...]]:
    """What was told of bookings themselves; beside it people are notified."""
    return [row for row in shop.feed() if row[0].startswith("booking.")]


def test_what_another_program_does_is_numbered_written_down_and_told(shop: Program) -> None:
    add(shop, "bkg_1")
    shop.do("UPDATE bookings SET status = 'confirmed'")
    shop.do("UPDATE bookings SET starts_at = '2026-12-01T10:30:00Z'")
    shop.do("UPDATE bookings SET payment_status = 'authorized'")
    shop.do("UPDATE bookings SET note = 'The bell is broken'")
    shop.do("UPDATE bookings SET reminded_for = starts_at")
    told = bookings_told(shop)
    assert [row[:4] for row in told] == [
        (kind, "bkg_1", version, shop.actor)
        for version, kind in enumerate(
            (
                "booking.placed", "booking.status_changed", "booking.rescheduled", "booking.payment_changed",
                "booking.changed",
            ),
            start=1,
        )
    ]  # fmt: skip
    before, after = (msgspec.json.decode(each) for each in told[2][5:])
    assert (before["startsAt"], after["startsAt"], after["version"]) == (TEN, "2026-12-01T10:30:00Z", 3)
    history = shop.do(
        "SELECT version, from_status, to_status, from_starts_at, actor FROM booking_history ORDER BY entry"
    )
    assert history[:3] == [
        (1, None, "requested", None, shop.actor),
        (2, "requested", "confirmed", None, shop.actor),
        (3, "confirmed", "confirmed", TEN, shop.actor),
    ]


@pytest.mark.parametrize("status", sorted(BOOKING_TERMINAL), ids=str)
def test_what_is_imported_is_told_as_such(shop: Program, status: S) -> None:
    stand(shop, "bkg_1", status)
    assert [row[0] for row in bookings_told(shop)] == ["booking.imported"]
