"""Answers for rooms that are asked for: once for all who wait, one at a time for each, void when rights change."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from ordercast.attach.mapping import read
from ordercast.attach.questions import QuestionRefused
from ordercast.attach.rule_answers import RuleAnswers
from ordercast.attach.webhook_authorizer import WebhookAuthorizer
from ordercast.commerce.room_access import RoomQuestion, RoomRequester, RuleUnanswered
from ordercast.commerce.webhook_signatures import check_standard
from ordercast.config import ConfigError, Settings, load
from ordercast.node_jobs import rule_answers
from tests.waiting import until

FILE = """\
[shop]
built_in = false
[[room]]
name = "order_{id}"
sql = "SELECT 1 FROM t WHERE id = :id AND owner = :sub"
tables = ["Order"]
[[room]]
name = "case_{id}"
authorize = "URL"
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Database:
    """Holds each question until it is let go."""

    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.running = 0
        self.most = 0
        self.answer: bool | Exception = True
        self.let_go = threading.Event()
        self.let_go.set()
        self._lock = threading.Lock()

    def ask(self, sql: str, values: Mapping[str, Any]) -> bool:
        assert sql
        with self._lock:
            self.asked.append(values["id"])
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            assert self.let_go.wait(60)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer
        finally:
            with self._lock:
                self.running -= 1

    def fault(self, sql: str) -> str | None:
        return None if sql else "it is empty"

    def close(self) -> None:
        pass


class Receiver:
    """A back end's webhook on a port."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(":") for line in head.split("\r\n")[1:]]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        check_standard([SECRET], body, headers, float(headers["webhook-timestamp"]))
        self.bodies.append(json.loads(body))
        if self.status:
            writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
async def answers(tmp_path: Path, database: Database) -> AsyncIterator[RuleAnswers]:
    path = tmp_path / "ordercast.toml"
    path.write_text(FILE.replace("URL", "http://127.0.0.1:9/"))
    answers = RuleAnswers(read(path), database, clock=lambda: 1.0)
    yield answers
    await answers.close()


def question(answers: RuleAnswers, room: str, who: str = "c1") -> RoomQuestion:
    (found,) = answers.questions(room, RoomRequester(who, "customer", ("customer",), {}))
    return found


async def test_the_same_question_is_asked_once_for_all_who_wait(answers: RuleAnswers, database: Database) -> None:
    database.let_go.clear()
    asking = [asyncio.ensure_future(answers.allows(question(answers, "order_1"), anew=True)) for _ in range(20)]
    await until(lambda: database.running == 1)
    database.let_go.set()
    assert await asyncio.gather(*asking) == [True] * 20
    assert database.asked == ["1"]
    assert await answers.allows(question(answers, "order_1"), anew=False)
    assert database.asked == ["1"]
    assert await answers.allows(question(answers, "order_1"), anew=True)
    assert database.asked == ["1", "1"]


async def test_questions_of_one_person_are_put_one_after_another(answers: RuleAnswers, database: Database) -> None:
    rooms = [f"order_{number}" for number in range(10)]
    await asyncio.gather(*(answers.allows(question(answers, room), anew=True) for room in rooms))
    assert (database.most, len(database.asked)) == (1, 10)


async def test_few_questions_are_put_at_once(answers: RuleAnswers, database: Database) -> None:
    database.let_go.clear()
    people = [question(answers, "order_1", f"c{number}") for number in range(20)]
    asking = [asyncio.ensure_future(answers.allows(each, anew=True)) for each in people]
    await until(lambda: database.running == 4)
    database.let_go.set()
    await asyncio.gather(*asking)
    assert database.most == 4


async def test_a_change_of_rights_makes_void_what_was_asked_before(answers: RuleAnswers, database: Database) -> None:
    database.let_go.clear()
    former = asyncio.ensure_future(answers.allows(question(answers, "order_1"), anew=False))
    await until(lambda: database.running == 1)
    row = {"event": "rights_changed", "rooms": ["ordercast-rights"], "mapping": "rights_changed of Order"}
    changes = answers.changes_in(json.dumps({**row, "key": {"id": 1}}).encode())
    assert changes is not None
    assert (sorted(changes.rules), changes.texts) == ([0], frozenset({"1"}))
    database.answer = False
    later = asyncio.ensure_future(answers.allows(question(answers, "order_1"), anew=False))
    database.let_go.set()
    await former
    assert await later is False
    assert database.asked == ["1", "1"]


@pytest.mark.parametrize(
    "document",
    [b"{}", b'{"rooms": ["a"]}', b"ordercast-rights", b'{"rooms": ["ordercast-rights", "a"]}', b'["ordercast-rights"]'],
)
async def test_another_row_of_the_feed_says_nothing_of_rights(answers: RuleAnswers, document: bytes) -> None:
    assert answers.changes_in(document) is None


async def test_a_gap_of_what_tells_of_rights_may_mean_every_rule(answers: RuleAnswers) -> None:
    changes = answers.changes_in(b'{"reason": "table_emptied", "rooms": ["ordercast-rights"]}')
    assert changes is not None
    assert (sorted(changes.rules), changes.texts) == ([0, 1], None)


async def test_no_answer_lets_nobody_in_and_is_named_until_there_is_one(
    answers: RuleAnswers, database: Database
) -> None:
    database.answer = OSError("the line is cut")
    for _ in range(2):
        with pytest.raises(RuleUnanswered, match="the line is cut"):
            await answers.allows(question(answers, "order_1"), anew=True)
    (warning,) = answers.warnings()
    assert warning.endswith("ordercast.toml:3: nobody was let into order_{id} 2 times: the line is cut.")
    database.answer = QuestionRefused("no number")
    assert not await answers.allows(question(answers, "order_x"), anew=True)
    assert answers.warnings() == []


async def test_a_webhook_is_asked_signed_and_answers_200_or_403(tmp_path: Path) -> None:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/may"
    path = tmp_path / "ordercast.toml"
    path.write_text(FILE.replace("URL", url))
    answers = RuleAnswers(read(path), None, WebhookAuthorizer(SECRET))
    requester = RoomRequester("v1", "vendor", ("vendor",), {"shop": 7}, "Zoe")
    (asked,) = answers.questions("case_9", requester)
    assert await answers.allows(asked, anew=True)
    assert receiver.bodies == [
        {
            "type": "room.authorize",
            "data": {
                "room": "case_9",
                "fields": {"id": "9"},
                "identity": {"id": "v1", "role": "vendor", "name": "Zoe", "claims": {"shop": 7}},
            },
        }
    ]
    receiver.status = 403
    assert await answers.allows(asked, anew=False)
    assert not await answers.allows(asked, anew=True)
    receiver.status = 500
    with pytest.raises(RuleUnanswered, match="answered 500; 200 is yes, and 403 no"):
        await answers.allows(asked, anew=True)
    receiver.status = 0
    with pytest.raises(RuleUnanswered, match="did not answer"):
        await answers.allows(asked, anew=True)
    (warning,) = answers.warnings()
    assert "ordercast.toml:7: nobody was let into case_{id} 2 times: its webhook did not answer" in warning
    receiver.status = 200
    assert await answers.allows(asked, anew=True)
    assert answers.warnings() == []
    server.close()
    await server.wait_closed()
    await answers.close()


def test_a_webhook_needs_a_secret_of_standard_webhooks(tmp_path: Path) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text(FILE.replace("URL", "https://shop.example.com/may"))
    mapping = read(path)
    settings = Settings(secret="-" * 32, database_url="sqlite:///ours.db", source_url="sqlite:///theirs.db")
    with pytest.raises(ConfigError, match="AUTHORIZE_SECRET: is required where a"):
        rule_answers(settings, mapping)
    assert rule_answers(structs.replace(settings, authorize_secret=SECRET), mapping) is not None
    assert rule_answers(settings, None) is None
    with pytest.raises(ConfigError, match="ORDERCAST_AUTHORIZE_SECRET: must be `whsec_`"):
        load({"ORDERCAST_SECRET": secrets.token_hex(32), "ORDERCAST_AUTHORIZE_SECRET": "short"})
