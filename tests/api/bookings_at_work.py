"""Bookings in tests: carers who work round the clock, what they can be booked for, and bookings of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ordercast.commerce.slots import WEEKDAYS
from ordercast.db import Store

from .client import CUSTOMER, STORE, Client, signed_in

ROUND_THE_CLOCK = {day: [{"from": "00:00", "to": "24:00"}] for day in WEEKDAYS}
CUSTOMER_INFO = {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"}
CARER = signed_in("carer", "car_1")
OTHER_CARER = signed_in("carer", "car_2")
# Once for a run, which may go through midnight.
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def at(hour: int, minute: int = 0, *, day: int = 3) -> str:
    """A moment some days from now, which is far from either end of anything."""
    return (_TODAY + timedelta(days=day, hours=hour, minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def hire_carers(client: Client, store: Store, *carer_ids: str) -> None:
    """Carers who work at every hour."""
    add = "INSERT INTO accounts (id, email, name, password_hash, role) VALUES (:id, :email, :name, '', 'carer')"
    rows = [{"id": each, "email": f"{each}@x.test", "name": each.removeprefix("car_").title()} for each in carer_ids]
    await store.write(lambda transaction: transaction.many(add, rows))
    for carer_id in carer_ids:
        answer = await client.patch(f"/api/carers/{carer_id}", {"version": 1, "hours": ROUND_THE_CLOCK}, STORE)
        assert answer.status_code == 200, answer.text


async def offer(client: Client, *carer_ids: str, **changes: Any) -> dict[str, Any]:
    """A service of theirs: an hour at 500 taka."""
    wanted = {"name": "Home care", "durationMinutes": 60, "price": 50_000, "carerIds": list(carer_ids), **changes}
    answer = await client.post("/api/services", wanted, STORE)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def try_to_book(
    client: Client,
    service: dict[str, Any],
    starts_at: str,
    headers: Mapping[str, str] | None = CUSTOMER,
    **changes: Any,
) -> httpx.Response:
    wanted = {"serviceId": service["id"], "startsAt": starts_at, "customerInfo": CUSTOMER_INFO, **changes}
    return await client.post("/api/bookings", wanted, headers)


async def book(
    client: Client,
    service: dict[str, Any],
    starts_at: str,
    headers: Mapping[str, str] | None = CUSTOMER,
    **changes: Any,
) -> dict[str, Any]:
    answer = await try_to_book(client, service, starts_at, headers, **changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def moved(
    client: Client, booking: dict[str, Any], status: str, headers: Mapping[str, str] = STORE, **more: Any
) -> httpx.Response:
    body = {"status": status, "version": booking["version"], **more}
    return await client.post(f"/api/bookings/{booking['id']}/status", body, headers)
