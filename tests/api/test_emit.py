from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from ordercast.api.auth import issue_token
from ordercast.db import SqliteStore
from ordercast.db.events import BOOKING_EVENTS, RESERVED_EVENTS
from ordercast.feed.audience import AUDIENCE
from ordercast.telemetry import REQUEST_LOG

from .client import CUSTOMER, SECRET, SERVICE, STORE, Client, bearer, problem


def published(store: SqliteStore) -> dict[str, Any]:
    change = store.changes(store.last_seq - 1, 1)[0]
    assert change.kind == "event.published"
    assert change.after is not None
    event: dict[str, Any] = msgspec.json.decode(change.after)
    return event


def nested(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels - 1):
        inner = [inner]
    return inner


async def test_an_event_is_published_to_its_rooms_with_any_arguments(client: Client, store: SqliteStore) -> None:
    args = [1, -2.5, "দুই", None, True, {"deep": [{"er": 2**53}]}, nested(63), 10**40]
    response = await client.post("/api/emit", {"event": "hi", "rooms": ["a", "b"], "args": args}, SERVICE)
    assert response.status_code == 202
    assert published(store) == {"event": "hi", "rooms": ["a", "b"], "args": args}
    change = store.changes(0, 1)[0]
    assert (change.entity_id, change.actor) == (response.json()["id"], "service:backend")


async def test_a_booking_is_told_to_the_shop_and_its_user(client: Client, store: SqliteStore) -> None:
    booking = {"bookingId": "b1", "userId": "u1", "service": "care", "slots": [1, 2]}
    assert (await client.post("/emit-booking", booking, SERVICE)).status_code == 202
    assert published(store) == {"event": "new_booking", "rooms": ["store-owners", "user_u1"], "args": [booking]}
    await client.post("/emit-booking", {"bookingId": "b2"}, SERVICE)
    assert published(store)["rooms"] == ["store-owners"]
    await client.post("/emit-booking", {"bookingId": "b3", "userId": 7}, SERVICE)
    assert published(store)["rooms"] == ["store-owners", "user_7"]


@pytest.mark.parametrize("path", ["/api/emit", "/emit-booking"])
async def test_only_a_service_publishes(client: Client, store: SqliteStore, path: str) -> None:
    body = {"event": "hi", "rooms": ["a"]} if path == "/api/emit" else {"bookingId": "b1"}
    problem(await client.post(path, body), 401, "sign-in-required")
    for headers in (STORE, CUSTOMER):
        problem(await client.post(path, body, headers), 403, "not-permitted")
    assert store.last_seq == 0


@pytest.mark.parametrize("name", ["connect", "connect_error", "disconnect", "newListener", "error"])
async def test_reserved_names_are_refused(client: Client, name: str) -> None:
    problem(await client.post("/api/emit", {"event": name, "rooms": ["a"]}, SERVICE), 422, "invalid-field", "event")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rooms": ["a"]}, "event"),
        ({"event": "", "rooms": ["a"]}, "event"),
        ({"event": {"x": 1}, "rooms": ["a"]}, "event"),
        ({"event": "x" * 129, "rooms": ["a"]}, "event"),
        ({"event": "a\u0000", "rooms": ["a"]}, "event"),
        ({"event": "hi", "rooms": []}, "rooms"),
        ({"event": "hi", "rooms": "a"}, "rooms"),
        ({"event": "hi", "rooms": [""]}, "rooms[0]"),
        ({"event": "hi", "rooms": ["a"] * 101}, "rooms"),
        ({"event": "hi", "rooms": ["a"], "args": {}}, "args"),
        ({"event": "hi", "rooms": ["a"], "args": [nested(64)]}, "args"),
        ({"event": "hi", "rooms": ["a"], "volatile": True}, "volatile"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, store: SqliteStore, body: dict[str, Any], field: str) -> None:
    response = await client.post("/api/emit", body, SERVICE)
    assert (response.status_code, response.json().get("field")) == (422, field), response.text
    assert store.last_seq == 0


@pytest.mark.parametrize("user_id", [True, {}, [], "", "x" * 196, 1.5, "a\u0000", "a\n", 10**300])
async def test_a_wrong_user_is_named(client: Client, user_id: object) -> None:
    problem(await client.post("/emit-booking", {"userId": user_id}, SERVICE), 422, "invalid-field", "userId")


@pytest.mark.parametrize("body", [[], "text", 5, False])
async def test_a_booking_is_an_object(client: Client, body: object) -> None:
    response = await client.post("/emit-booking", body, SERVICE)
    assert response.status_code == 422, response.text


def documented_events() -> set[str]:
    """Every event of ours that the reference names, to whomever it is told."""
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text()
    told = reference.split("## Server to client")[1].split("## Client to server")[0]
    return {*re.findall(r"(?m)^\| `(\w+)` \|", told), "stats"}


def test_every_event_of_ours_is_reserved() -> None:
    assert {rule.event for rule in AUDIENCE} | documented_events() <= RESERVED_EVENTS | BOOKING_EVENTS


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
async def test_what_the_shop_itself_tells_nobody_else_does(client: Client, store: SqliteStore, name: str) -> None:
    body = {"event": name, "rooms": ["store-owners"], "args": [{"_id": "665f", "items": []}]}
    problem(await client.post("/api/emit", body, SERVICE), 422, "invalid-field", "event")
    assert store.last_seq == 0


@pytest.mark.parametrize("args", [[], [5], [[]], [None], [{}, {}], ["booking"]])
@pytest.mark.parametrize("name", sorted(BOOKING_EVENTS))
async def test_a_booking_is_one_object_at_the_general_door_too(
    client: Client, store: SqliteStore, name: str, args: list[Any]
) -> None:
    body = {"event": name, "rooms": ["store-owners"], "args": args}
    problem(await client.post("/api/emit", body, SERVICE), 422, "invalid-field", "args")
    assert (await client.post("/api/emit", {**body, "args": [{"id": "b1"}]}, SERVICE)).status_code == 202
    assert published(store)["event"] == name


# --- Who may not, and where nobody may --------------------------------------------------------------------------------

BODIES: dict[str, dict[str, Any]] = {
    "/api/emit": {"event": "hi", "rooms": ["store-owners", "user_u1"]},
    "/emit-booking": {"bookingId": "b1", "userId": "u1"},
}


@pytest.mark.parametrize("path", BODIES)
async def test_without_with_a_wrong_and_with_an_expired_token_nothing_is_published_and_it_is_logged(
    client: Client, store: SqliteStore, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level("INFO")
    expired = bearer(issue_token(SECRET, "service", "backend", -60))
    foreign = bearer(issue_token(f"{SECRET} of somebody else", "service", "backend", 60))
    for headers, kind in (({}, "sign-in-required"), (bearer("x.y.z"), "token-refused"), (foreign, "token-refused")):
        problem(await client.post(path, BODIES[path], headers), 401, kind)
    refused = problem(await client.post(path, BODIES[path], expired), 401, "token-refused")
    assert refused["code"] == "token_expired"
    assert store.last_seq == 0
    logged = [record.facts for record in caplog.records if record.name == REQUEST_LOG]  # type: ignore[attr-defined]
    assert [(facts["route"], facts["status"]) for facts in logged] == [(path, 401)] * 4


@pytest.mark.parametrize("path", BODIES)
async def test_a_token_for_some_rooms_publishes_to_those_alone(
    client: Client, store: SqliteStore, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def scoped(*rooms: str) -> dict[str, str]:
        return bearer(issue_token(SECRET, "service", "backend", 60, rooms=rooms))

    for rooms, field, named in (
        (("store-owners",), "rooms[1]", "user_u1"),
        (("user_*",), "rooms[0]", "store-owners"),
        (("store-owners", "user_u", "user_u11"), "rooms[1]", "user_u1"),
        (("store-*", "customer_*"), "rooms[1]", "user_u1"),
    ):
        refused = problem(await client.post(path, BODIES[path], scoped(*rooms)), 403, "room-out-of-scope", field)
        assert repr(named) in refused["detail"]
        assert caplog.records[-1].levelname == "WARNING"
        assert repr(named) in caplog.text
    assert store.last_seq == 0
    for rooms in (("store-owners", "user_*"), ("*",), ("store-owners", "user_u1")):
        assert (await client.post(path, BODIES[path], scoped(*rooms))).status_code == 202


async def test_a_scope_that_cannot_be_read_is_no_scope_at_all(client: Client) -> None:
    for rooms in ("store-owners", [1], {"a": 1}):
        claims = {"sub": "backend", "role": "service", "exp": int(time.time()) + 60, "rooms": rooms}
        headers = bearer(jwt.encode(claims, SECRET, "HS256"))
        problem(await client.post("/api/emit", BODIES["/api/emit"], headers), 401, "token-refused")


async def test_that_our_own_name_was_refused_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    body = {"event": "new_order", "rooms": ["store-owners"], "args": [{}]}
    problem(await client.post("/api/emit", body, SERVICE), 422, "invalid-field", "event")
    assert "new_order, was to be published from outside" in caplog.text
