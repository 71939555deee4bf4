from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from .client import CUSTOMER, DRIVER, SERVICE, STORE, STRANGER, Client, bearer, problem

PUSHED = ["push"]
PATH = "/api/me/notification-preferences"


async def of(client: Client, headers: Mapping[str, str]) -> dict[str, Any]:
    answer = await client.get(PATH, headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put(client: Client, body: Any, headers: Mapping[str, str] = CUSTOMER) -> httpx.Response:
    return await client.http.put(PATH, json=body, headers=dict(headers))


async def test_everybody_has_some_by_their_role(client: Client) -> None:
    buyers = ["orders", "deliveries", "payments", "bookings", "chat", "reminders"]
    assert await of(client, CUSTOMER) == {
        "language": None,
        "timezone": None,
        "quietHours": None,
        "mobile": None,
        "topics": dict.fromkeys(buyers, PUSHED),
        "ways": ["mail", "push"],
    }
    assert (await of(client, DRIVER))["topics"] == dict.fromkeys(buyers, PUSHED)
    assert (await of(client, STORE))["topics"] == dict.fromkeys([*buyers, "shop"], PUSHED)


async def test_what_one_chooses_is_kept_for_oneself(client: Client) -> None:
    chosen = {
        "language": "bn-BD",
        "timezone": "Asia/Dhaka",
        "quietHours": {"from": "22:00", "to": "07:30", "letsThrough": "warning"},
        "mobile": "+8801700000000",
        "topics": {"orders": ["sms", "push"], "chat": []},
    }
    answer = await put(client, chosen)
    assert answer.status_code == 200, answer.text
    found = await of(client, CUSTOMER)
    assert answer.json() == found
    assert {name: found[name] for name in chosen if name != "topics"} == {
        name: value for name, value in chosen.items() if name != "topics"
    }
    assert found["topics"] == {
        "orders": ["push", "sms"],
        "deliveries": ["push"],
        "payments": ["push"],
        "bookings": ["push"],
        "chat": [],
        "reminders": ["push"],
    }
    assert (await of(client, STRANGER))["language"] is None


async def test_what_is_left_out_is_by_default_again(client: Client) -> None:
    await put(client, {"language": "bn", "topics": {"chat": []}})
    assert (await put(client, {})).status_code == 200
    found = await of(client, CUSTOMER)
    assert (found["language"], found["topics"]["chat"]) == (None, ["push"])


async def test_quiet_hours_let_errors_through_unless_it_is_said(client: Client) -> None:
    await put(client, {"quietHours": {"from": "22:00", "to": "07:00"}})
    assert (await of(client, CUSTOMER))["quietHours"]["letsThrough"] == "error"
    await put(client, {"quietHours": {"from": "22:00", "to": "07:00", "letsThrough": None}})
    assert (await of(client, CUSTOMER))["quietHours"]["letsThrough"] is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"language": "x"}, "language"),
    ({"language": "en-" + "x" * 40}, "language"),
    ({"timezone": "Dhaka"}, "timezone"),
    ({"timezone": "../etc/passwd"}, "timezone"),
    ({"quietHours": {"from": "22:00"}}, "quietHours.to"),
    ({"quietHours": {"from": "24:00", "to": "07:00"}}, "quietHours.from"),
    ({"quietHours": {"from": "7:00", "to": "08:00"}}, "quietHours.from"),
    ({"quietHours": {"from": "07:00", "to": "07:00"}}, "quietHours.to"),
    ({"quietHours": {"from": "07:00", "to": "08:00\n"}}, "quietHours.to"),
    ({"quietHours": {"from": "22:00", "to": "07:00", "letsThrough": "all"}}, "quietHours.letsThrough"),
    ({"mobile": "01700000000"}, "mobile"),
    ({"mobile": "+0170000000"}, "mobile"),
    ({"mobile": "+88017000000000000"}, "mobile"),
    ({"topics": {"orders": ["sms"]}}, "mobile"),
    ({"topics": {"orders": ["pigeon"]}}, "topics"),
    ({"topics": {"shop": ["push"]}}, "topics.shop"),
    ({"colour": "red"}, "colour"),
]


async def test_what_cannot_be_taken_is_named(client: Client) -> None:
    for body, field in WRONG:
        problem(await put(client, body), 422, "invalid-field", field)
    assert (await of(client, CUSTOMER))["mobile"] is None


async def test_guests_and_programs_choose_nothing(client: Client) -> None:
    guest = bearer((await client.place())["trackingToken"])
    for headers in (guest, SERVICE):
        problem(await client.get(PATH, headers), 403, "not-permitted")
        problem(await put(client, {}, headers), 403, "not-permitted")
    problem(await client.get(PATH), 401, "sign-in-required")
