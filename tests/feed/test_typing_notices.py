"""Who is typing: told to all but the sender, seldom, and never for longer than it is so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.clock import let_pass
from tests.hub.links import Link, connect
from tests.waiting import until

from ordercast.feed import typing_notices
from ordercast.feed.typing_notices import TypingNotices
from ordercast.hub import DisconnectReason, Server, Socket

ROOM = "conversation_cnv_1"


class Chat:
    """Asha's telephone `a`, her tablet `b`, and the shop's `c`, all in one conversation."""

    def __init__(self) -> None:
        self.server = Server()
        self.notices = TypingNotices(self.server.main)
        self.links: dict[str, Link] = {}
        self.sockets: dict[str, Socket] = {}
        for name in "abc":
            self.links[name] = connect(self.server)
            self.sockets[name] = next(s for s in self.server.main.sockets.values() if s not in self.sockets.values())
            self.sockets[name].join(ROOM)

    def say(self, is_typing: bool = True, by: str = "a") -> None:
        self.notices.update(self.sockets[by], "cnv_1", "customer", (ROOM,), is_typing=is_typing)

    def heard(self, name: str = "c") -> list[bool]:
        events = [json.loads(str(text)[2:]) for text in self.links[name].sent]
        assert {event[0] for event in events} <= {"typing"}
        return [event[1]["typing"] for event in events]


@pytest.fixture
async def chat() -> Any:
    chat = Chat()
    yield chat
    chat.notices.close()


async def test_all_hear_of_it_but_the_sender(chat: Chat) -> None:
    chat.say()
    assert [chat.heard(name) for name in "abc"] == [[], [True], [True]]
    (sent,) = chat.links["c"].messages[-1:]
    assert sent.volatile
    assert json.loads(str(chat.links["c"].sent[0])[2:])[1] == {
        "conversationId": "cnv_1", "participant": "customer", "role": "customer", "typing": True,
        "expiresInSeconds": typing_notices.TTL_S,
    }  # fmt: skip


async def test_who_goes_on_typing_is_told_of_seldom(chat: Chat) -> None:
    for _ in range(50):
        chat.say()
    assert chat.heard() == [True]
    let_pass(typing_notices.REPEAT_EVERY_S)
    for _ in range(50):
        chat.say()
    assert chat.heard() == [True, True]


async def test_who_stops_is_told_of_once(chat: Chat) -> None:
    chat.say()
    for _ in range(5):
        chat.say(False)
    assert chat.heard() == [True, False]


async def test_who_never_typed_does_not_stop(chat: Chat) -> None:
    chat.say(False)
    assert chat.heard() == []


async def test_silence_ends_it(chat: Chat) -> None:
    chat.say()
    let_pass(typing_notices.TTL_S / 2)
    chat.say(by="b")
    let_pass(typing_notices.TTL_S / 2)
    await until(lambda: chat.heard() == [True, True, False])
    let_pass(typing_notices.TTL_S / 2)
    await until(lambda: chat.heard() == [True, True, False, False])
    assert repr(chat.notices) == "<TypingNotices 0 typing dropped=0>"


@pytest.mark.parametrize("leaves", ["disconnects", "leaves the room"])
async def test_who_is_gone_types_no_more(chat: Chat, leaves: str) -> None:
    chat.say()
    if leaves == "disconnects":
        chat.links["a"].lose(DisconnectReason.TRANSPORT_CLOSE)
    else:
        chat.sockets["a"].leave(ROOM)
    assert chat.heard() == [True, False]


async def test_more_than_a_node_may_send_is_dropped(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing_notices, "SENDS_PER_S_MAX", 6)
    monkeypatch.setattr(typing_notices, "REPEAT_EVERY_S", 0.0)
    for _ in range(20):
        chat.say()
    assert chat.heard() == [True, True]
    assert chat.notices.dropped == 18


async def test_in_a_crowd_nobody_is_told(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing_notices, "AUDIENCE_MAX", 2)
    chat.say()
    assert chat.heard() == []
