"""Answers whether somebody may be in a room that is asked for: by a question or a webhook, as the rule says.

- **The same question is asked once** at a time, whoever waits for its answer, and its answer is good for a moment.
- **One question of a person and rule at a time**, and few at once of a node: who asks for thousands of rooms waits, and
  nobody else.
- **No answer is no**: it is counted, and readiness names the rule with its line until it answers again.
- **A change of rights** makes every earlier answer of its rules void, also one that is under way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from ordercast.commerce.room_access import RoomQuestion, RoomRequester, RuleChanges, RuleUnanswered
from ordercast.telemetry import ROOM_QUESTIONS

from .claim_rooms import RIGHTS_ROOM
from .mapping import RIGHTS_EVENT, Mapping
from .questions import CONNECTIONS_MAX, UNASKED, Authorizer, QuestionRefused, Questions, faults_of
from .room_rules import Rule

T = TypeVar("T")

ANSWERS_MAX: Final = 10_000
# Waiting questions of a node, as after a restart, when everybody comes back: some seconds of asking. More are turned
# away, to be asked again.
WAITING_MAX: Final = 20_000
WEBHOOKS_MAX: Final = 16
NAMED_MAX: Final = 20
# A question that a migration of the shop has broken is named within this.
LOOK_EVERY_S: Final = 5.0
BODY: Final = "body"
"""What a webhook is asked with."""

log = logging.getLogger("ordercast.attach")


class RuleAnswers:
    """A node's; a `RoomRules`."""

    def __init__(
        self,
        mapping: Mapping,
        questions: Questions | None,
        authorizer: Authorizer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mapping = mapping
        self._questions = questions
        self._authorizer = authorizer
        self._clock = clock
        self._asking: dict[tuple[int, RoomQuestion], asyncio.Task[bool]] = {}
        self._answers: OrderedDict[tuple[int, RoomQuestion], tuple[float, bool]] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
        # Of its own: a slow database must not keep the process's other threads.
        self._threads = ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="rights")
        self._slots = (asyncio.Semaphore(CONNECTIONS_MAX), asyncio.Semaphore(WEBHOOKS_MAX))
        self._generations = [0] * len(mapping.rules)
        """Incremented by each change of rights."""
        self._rules_by_emit = {
            f"{RIGHTS_EVENT} of {table}": frozenset(n for n, rule in enumerate(mapping.rules) if table in rule.tables)
            for rule in mapping.rules
            for table in rule.tables
        }
        self._failing: dict[int, tuple[int, str]] = {}
        """By rule: how often since its last answer, and why."""
        self._faults: list[str] = []

    def __repr__(self) -> str:
        return f"<RuleAnswers asking={len(self._asking)} known={len(self._answers)} failing={len(self._failing)}>"

    def warnings(self) -> list[str]:
        """Which rules have no answer, a sentence for each."""
        failing = [
            self._mapping.fault(
                self._mapping.rules[number].line,
                f"nobody was let into {self._mapping.rules[number].name} {count} times: {why}.",
            )
            for number, (count, why) in self._failing.items()
        ]
        return [*self._faults, *failing][:NAMED_MAX]

    async def run(self) -> None:
        """Have the database read each question again and again, before anybody asks, until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await asyncio.shield(self.close())

    async def look(self) -> None:
        """Look once."""
        found = await self._on_thread(faults_of, self._questions, self._mapping.rules)
        faults = [f"{self._mapping.fault(fault.line, fault.sentence)}." for fault in found]
        for sentence in faults:
            if sentence not in self._faults:
                log.warning("%s", sentence)
        self._faults = faults

    async def close(self) -> None:
        for task in [*self._asking.values()]:
            task.cancel()
        if self._authorizer is not None:
            await self._authorizer.close()
        if self._questions is not None:
            await self._on_thread(self._questions.close)
        self._threads.shutdown(wait=False)

    async def _on_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    # --- Asking -----------------------------------------------------------------------------------------------------

    def questions(self, room: str, requester: RoomRequester) -> tuple[RoomQuestion, ...]:
        found = []
        for number, rule in enumerate(self._mapping.rules):
            fields = rule.fields_in(room)
            if fields is not None and rule.may_ask(requester):
                values = rule.values(fields, requester) if rule.sql else _told(room, fields, requester)
                found.append(
                    RoomQuestion(
                        room,
                        rule.name,
                        number,
                        requester.person,
                        tuple(values.items()),
                        frozenset(fields.values()),
                        rule.every_s,
                    )
                )
        return tuple(found)

    async def allows(self, question: RoomQuestion, *, anew: bool) -> bool:
        key = (self._generations[question.number], question)
        answered_at, answer = self._answers.get(key, (0.0, False))
        if not anew and answered_at and self._clock() - answered_at < self._mapping.rules[question.number].answer_s:
            return answer
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= WAITING_MAX:
                raise RuleUnanswered("too many questions wait")
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._answer(key))
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    def _answered(self, key: tuple[int, RoomQuestion], task: asyncio.Task[bool]) -> None:
        del self._asking[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._answers[key] = (self._clock(), task.result())
        self._answers.move_to_end(key)
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)

    async def _answer(self, key: tuple[int, RoomQuestion]) -> bool:
        _, question = key
        rule = self._mapping.rules[question.number]
        turn = self._turns.setdefault((question.number, question.person), asyncio.Lock())
        async with turn, self._slots[not rule.sql]:
            try:
                answer = await self._ask(rule, dict(question.values))
            except RuleUnanswered as error:
                self._note(question.number, rule, str(error))
                raise
        self._failing.pop(question.number, None)
        ROOM_QUESTIONS.labels("allowed" if answer else "refused").inc()
        return answer

    async def _ask(self, rule: Rule, values: dict[str, Any]) -> bool:
        if not rule.sql:
            if self._authorizer is None:
                raise RuleUnanswered("there is no ORDERCAST_AUTHORIZE_SECRET to sign with")
            return await self._authorizer.ask(rule.authorize, values[BODY].encode())
        if self._questions is None:
            raise RuleUnanswered(UNASKED)
        try:
            return await self._on_thread(self._questions.ask, rule.sql, values)
        except QuestionRefused:
            return False
        except self._questions.errors as error:
            raise RuleUnanswered(str(error).strip() or type(error).__name__) from error

    def _note(self, number: int, rule: Rule, why: str) -> None:
        ROOM_QUESTIONS.labels("failed").inc()
        count, former = self._failing.get(number, (0, ""))
        self._failing[number] = (count + 1, why)
        if why != former:
            log.warning("%s: nobody is let into %s: %s", self._mapping.path, rule.name, why)

    # --- Rights that change -----------------------------------------------------------------------------------------

    def changes_in(self, document: bytes) -> RuleChanges | None:
        if RIGHTS_ROOM.encode() not in document:
            return None
        try:
            row = json.loads(document)
            if row["rooms"] != [RIGHTS_ROOM]:
                return None
        except (ValueError, LookupError, TypeError):
            return None
        # A gap names no rule: every one may be answered otherwise.
        rules = self._rules_by_emit.get(row.get("mapping"), frozenset(range(len(self._generations))))
        for number in rules:
            self._generations[number] += 1
        key = row.get("key")
        texts = frozenset(map(str, key.values())) if isinstance(key, dict) and key else None
        return RuleChanges(rules, texts)


def _told(room: str, fields: dict[str, str], requester: RoomRequester) -> dict[str, Any]:
    """What a webhook is told, as one text: two of the same are one question."""
    body = {
        "type": "room.authorize",
        "data": {
            "room": room,
            "fields": fields,
            "identity": {
                "id": requester.id,
                "role": requester.role,
                "name": requester.name,
                "claims": dict(requester.claims),
            },
        },
    }
    return {BODY: json.dumps(body, ensure_ascii=False, sort_keys=True)}
