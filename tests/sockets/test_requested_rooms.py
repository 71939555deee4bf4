"""Rooms that are asked for: joined while a rule allows it, also after a return, and left when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import msgspec
import pytest

from ordercast.api import Authenticator
from ordercast.api.claims import ClaimNames
from ordercast.app import build_hub
from ordercast.attach.claim_rooms import ClaimRooms
from ordercast.attach.templates import parse
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.timestamps import timestamp
from ordercast.config import Settings
from ordercast.db import SqliteStore, access, events
from ordercast.sockets import requested_rooms
from tests.api.client import SECRET
from tests.waiting import until

from .phone import Phone
from .toggled_rules import ToggledRules

GRANTS = ClaimRooms({"vendor": (parse("vendor_{vendorId}"),)})


BACKEND = Actor(Role.SERVICE, "backend")


def token(sub: str = "v1", role: str = "vendor", **claims: Any) -> str:
    return jwt.encode({"sub": sub, "role": role, "exp": int(time.time()) + 3600, **claims}, SECRET, "HS256")


class Node:
    def __init__(self, settings: Settings, store: SqliteStore, rules: ToggledRules) -> None:
        self.rules = rules
        self.store = store
        authenticator = Authenticator(SECRET, store, None, ClaimNames(grants=GRANTS))
        self.server, self.relay, _ = build_hub(settings, store, authenticator, rules=rules)
        self.relay.start()

    async def connect(self, who: str | None = None, **auth: Any) -> Phone:
        return await Phone.connected(self.server, who or token(), **auth)

    async def publish(self, room: str, *args: Any) -> None:
        now = timestamp(time.time_ns() // 1_000_000)
        rooms, values = msgspec.json.encode([room]), msgspec.json.encode(args)
        await self.store.write(lambda t: events.tell(t, "e", "said", rooms, values, actor=BACKEND, now=now))

    async def kept(self, phone: Phone, room: str) -> dict[str, Any]:
        """What a stock client comes back with, once its rooms are kept."""
        pid = phone.answer["pid"]
        while (kept := await self.store.load_session(pid)) is None or room not in kept.rooms:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        phone.lose()
        return {"pid": pid, "offset": phone.events()[-1][-1]}

    async def stop(self) -> None:
        self.relay.stop()
        await self.server.close()


@pytest.fixture
def rules() -> ToggledRules:
    return ToggledRules()


@pytest.fixture
async def node(settings: Settings, store: SqliteStore, rules: ToggledRules) -> AsyncIterator[Node]:
    node = Node(settings, store, rules)
    yield node
    await node.stop()


def said(phone: Phone) -> list[Any]:
    return [args[0] for _, *args in phone.events("said")]


async def test_a_room_is_joined_that_a_rule_allows_and_its_events_follow(node: Node) -> None:
    phone = await node.connect()
    node.rules.allowed.add("case_1")
    await node.publish("case_1", "before")
    joined = await phone.ask("join_room", {"room": "case_1"})
    ((watching, offset),) = await phone.heard("watching")
    assert joined == {"room": "case_1", "position": offset}
    assert watching == joined
    await node.publish("case_1", "after")
    await phone.heard("said")
    assert said(phone) == ["after"]
    assert await phone.ask("leave_room", {"room": "case_1"}) == {"room": "case_1"}
    await node.publish("case_1", "too late")
    await node.publish("vendor_7", "for another")
    assert node.rules.asked == [("vendor:v1", "case_1")]
    assert said(phone) == ["after"]


async def test_a_room_is_refused_that_no_rule_allows(node: Node) -> None:
    phone = await node.connect()
    for room in ("case_1", "store-owners", "vendor_8", "order_1"):
        error = await phone.refused("join_room", {"room": room})
        assert (error["code"], error["message"]) == ("not_permitted", "The role vendor may not join this room.")
    for wrong in ({}, {"room": ""}, {"room": "a\x00"}, {"room": "r" * 201}, {"room": 5}, {"room": "a", "x": 1}):
        assert (await phone.refused("join_room", wrong))["code"] == "invalid_field"
    nobody = await Phone.connected(node.server)
    assert (await nobody.refused("join_room", {"room": "case_1"}))["code"] == "sign_in_required"
    assert phone.events("watching") == []


async def test_a_rule_without_an_answer_refuses_for_now(node: Node) -> None:
    phone = await node.connect()
    node.rules.is_silent = True
    assert (await phone.refused("join_room", {"room": "case_1"}))["code"] == "store_unavailable"


async def test_a_socket_asks_for_a_bounded_number_of_rooms(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requested_rooms, "ASKED_MAX", 2)
    phone = await node.connect()
    node.rules.allowed |= {"case_1", "case_2", "case_3"}
    for room in ("case_1", "case_2", "case_2"):
        await phone.ask("join_room", {"room": room})
    assert (await phone.refused("join_room", {"room": "case_3"}))["code"] == "too_many_watches"
    await phone.ask("leave_room", {"room": "case_1"})
    await phone.ask("join_room", {"room": "case_3"})


# --- Rights that end --------------------------------------------------------------------------------------------------


async def test_a_room_is_left_when_the_feed_tells_that_the_right_has_ended(node: Node) -> None:
    phones = [await node.connect() for _ in range(2)]
    node.rules.allowed |= {"case_1", "case_2"}
    for phone in phones:
        await phone.ask("join_room", {"room": "case_1"})
        await phone.ask("join_room", {"room": "case_2"})
    node.rules.allowed.remove("case_1")
    node.rules.asked.clear()
    await node.publish("rights")
    for phone in phones:
        ((left,),) = await phone.heard("room_left")
        assert left == {
            "room": "case_1",
            "reason": "not_allowed",
            "message": "You may not be in this room any more.",
        }
    assert sorted(node.rules.asked) == [("vendor:v1", "case_1"), ("vendor:v1", "case_2")]
    await node.publish("case_1", "secret")
    await node.publish("case_2", "told")
    for phone in phones:
        await phone.heard("said")
        assert said(phone) == ["told"]


async def test_a_room_is_left_when_its_rules_interval_finds_the_right_ended(node: Node) -> None:
    node.rules.every_s = 0.01
    phone = await node.connect()
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    await until(lambda: len(node.rules.asked) > 2)
    assert phone.events("room_left") == []
    node.rules.allowed.clear()
    await phone.heard("room_left")


async def test_who_cannot_be_asked_about_stays_for_a_moment_and_no_longer(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requested_rooms, "AGAIN_S", 0.01)
    phone = await node.connect()
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    node.rules.is_silent = True
    await node.publish("rights")
    await until(lambda: len(node.rules.asked) > 3)
    assert phone.events("room_left") == []
    node.rules.is_silent = False
    asked = len(node.rules.asked)
    await until(lambda: len(node.rules.asked) > asked)
    node.rules.is_silent = True
    monkeypatch.setattr(requested_rooms, "PATIENCE_S", 0.0)
    await node.publish("rights")
    ((left,),) = await phone.heard("room_left")
    assert left["reason"] == "unanswered"


async def test_another_token_of_the_same_person_opens_its_own_rooms_and_no_others(node: Node) -> None:
    phone = await node.connect(token(vendorId=[1, 2]))
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    await phone.ask("auth_refresh", {"token": token(vendorId=[2, 3])})
    await until(lambda: len(node.rules.asked) == 2)
    for number in (1, 2, 3):
        await node.publish(f"vendor_{number}", number)
    await node.publish("case_1", "still")
    await phone.heard("said", 3)
    assert said(phone) == [2, 3, "still"]


# --- Coming back ------------------------------------------------------------------------------------------------------


async def test_a_return_is_asked_about_anew_before_anything_is_replayed(node: Node) -> None:
    mine = token()
    phone = await node.connect(mine)
    node.rules.allowed |= {"case_1", "case_2"}
    await phone.ask("join_room", {"room": "case_1"})
    await phone.ask("join_room", {"room": "case_2"})
    # What is watched is not asked for, and comes back by its own rules.
    node.server.main.sockets[phone.answer["sid"]].join("rows:1", "conversation_1")
    session = await node.kept(phone, "rows:1")
    node.rules.allowed.remove("case_1")
    await node.publish("case_1", "secret")
    await node.publish("case_2", "missed")
    back = await node.connect(mine, **session)
    assert back.answer["sid"] == phone.answer["sid"]
    ((left,),) = await back.heard("room_left")
    assert (left["room"], left["reason"]) == ("case_1", "not_allowed")
    await node.publish("case_2", "live")
    await back.heard("said", 2)
    assert said(back) == ["missed", "live"]
    node.rules.allowed.clear()
    await node.publish("rights")
    await back.heard("room_left", 2)


async def test_a_return_without_an_answer_is_without_the_room(node: Node) -> None:
    mine = token()
    phone = await node.connect(mine)
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    session = await node.kept(phone, "case_1")
    await node.publish("case_1", "secret")
    node.rules.is_silent = True
    back = await node.connect(mine, **session)
    ((left,),) = await back.heard("room_left")
    assert left["reason"] == "unanswered"
    assert said(back) == []


async def test_a_right_that_ends_during_a_replay_opens_no_more_of_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.feed.recovery.REPLAY_ROWS", 1)
    mine = token()
    phone = await node.connect(mine)
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    session = await node.kept(phone, "case_1")
    for number in range(5):
        await node.publish("case_1", number)
    await until(lambda: node.relay.position.seq >= int(session["offset"].split(":")[1]) + 5)
    rows, read = node.relay.rows, 0

    async def ending(after: int, limit: int) -> Any:
        nonlocal read
        read += 1
        found = await rows(after, limit)
        if read == 3:
            node.rules.allowed.clear()
            await node.publish("rights")
            await until(lambda: not node.server.main.sockets and _left(node))
        return found

    def _left(node: Node) -> bool:
        return all(not socket.rooms - {socket.id} for client in node.server.clients for socket in sockets_of(client))

    monkeypatch.setattr(node.relay, "rows", ending)
    back = await node.connect(mine, **session)
    await back.heard("room_left")
    assert said(back) == [0, 1]
    assert back.events("resync") == []


def sockets_of(client: Any) -> list[Any]:
    return [*client.sockets.values()]


async def test_a_token_that_is_revoked_on_the_way_back_has_nothing_replayed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = token(vendorId=7)
    phone = await node.connect(mine)
    session = {"pid": phone.answer["pid"], "offset": phone.events()[-1][-1]}
    phone.lose()
    await node.publish("vendor_7", "secret")
    recovery = node.server.main.recovery
    assert recovery is not None
    load = recovery.load

    async def revoked_meanwhile(pid: str) -> Any:
        found = await load(pid)
        now = timestamp(time.time_ns() // 1_000_000 + 5)
        await node.store.write(
            lambda t: access.revoke(t, "v1", since=now, until=None, actor=None, reason="lost telephone")
        )
        position = node.relay.position.seq
        await until(lambda: node.relay.position.seq > position or node.relay.position.seq >= node.store.last_seq)
        await asyncio.sleep(0)
        return found

    monkeypatch.setattr(recovery, "load", revoked_meanwhile)
    back = Phone(node.server)
    back.enter(mine, **session)
    await back.heard("auth_revoked")
    assert said(back) == []


# --- Who one is -------------------------------------------------------------------------------------------------------


async def test_whoami_tells_every_room_and_why(node: Node) -> None:
    phone = await node.connect(token(vendorId=7, name="Zoe"))
    node.rules.allowed.add("case_1")
    await phone.ask("join_room", {"room": "case_1"})
    me = await phone.ask("whoami")
    claimed, asked = me.pop("rooms")
    assert claimed == {"room": "vendor_7", "reason": "claim", "by": "vendor: vendor_{vendorId}"}
    assert (asked["room"], asked["reason"], asked["by"]) == ("case_1", "rule", "case_{id}")
    assert asked["since"] >= me["connectedAt"]
    assert me == {
        "id": "v1",
        "role": "vendor",
        "name": "Zoe",
        "expiresAt": me["expiresAt"],
        "connectedAt": me["connectedAt"],
        "socketId": phone.answer["sid"],
        "position": str(node.relay.position),
    }
    await phone.ask("leave_room", {"room": "case_1"})
    assert len((await phone.ask("whoami"))["rooms"]) == 1
    clerk = await node.connect(token("usr_1", "store"))
    assert [(each["room"], each["reason"], each["by"]) for each in (await clerk.ask("whoami"))["rooms"]] == [
        ("store-owners", "role", "store"),
        ("user_usr_1", "role", "store"),
    ]


async def test_a_role_of_the_shops_own_commands_nothing_of_ours(node: Node) -> None:
    phone = await node.connect(token())
    error = await phone.refused("watch_order", {"orderId": "ord_1"})
    assert error["message"] == "The role vendor may not use the shop of ours."
    assert phone.events("ready")[0][1]["identity"] == "vendor:v1"
