"""``join_room`` and ``leave_room``: rooms that are asked for, for as long as a rule of the mapping file allows them.

- **Before joining** the rule is asked. On a return it is asked again, before anything is replayed.
- **While somebody is in the room** it is asked again at the rule's interval, and at once when the feed tells of a row
  on which it depends: first those in whose room's name the row's key stands, the others of the rule within `SOON_S`.
- **When it says no** the socket leaves, also in the middle of a replay, and is told `room_left`. When it gives no
  answer for `PATIENCE_S` likewise: who cannot be asked may not stay.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from ordercast.api.auth import Identity
from ordercast.api.errors import TooManyWatches
from ordercast.api.token_rooms import rooms_of
from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.room_access import RoomQuestion, RoomRequester, RoomRules, RuleUnanswered
from ordercast.commerce.rooms import is_watched_room
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Change
from ordercast.feed import Subscriptions
from ordercast.feed.subscriptions import SubscriptionTarget
from ordercast.hub import LimitReached, Server, Socket

from .command_router import Caller, CommandRouter
from .room_commands import JOIN, LEAVE, JoinRoom, RoomUncertain

# A page shows a few; each costs a question at its interval.
ASKED_MAX: Final = 100
# How often it is looked whose turn it is to be asked again.
TICK_S: Final = 0.2
# However fast a table changes, its rules are asked about everybody else no sooner than after this.
SOON_S: Final = 0.6
# Without an answer somebody stays for so long, and is asked about so often.
PATIENCE_S: Final = 10.0
AGAIN_S: Final = 1.0
# Questions that are put at once; the others wait for the next look.
PUT_AT_ONCE_MAX: Final = 256
# Who connects waits for it, a stock client for 20 s; after a restart everybody is asked about.
REJOIN_S_MAX: Final = 8.0
# Keys of changed rows that are remembered until the next look; past it everybody's turn has come.
TOUCHED_MAX: Final = 10_000

_SENTENCES: Final = {
    "not_allowed": "You may not be in this room any more.",
    "unanswered": "Whether you may be in this room could not be found out; ask for it again.",
}

log = logging.getLogger("ordercast.sockets")


@dataclass(slots=True, eq=False)
class Membership:
    """A socket in a room that it asked for."""

    questions: tuple[RoomQuestion, ...]
    """One of them must be answered by yes."""
    since: Timestamp
    asked_at: float
    """When the last answered question was put."""
    failing_since: float | None = None
    is_asking: bool = False
    is_touched: bool = False
    """Whether the row of its room's name has changed since."""

    @property
    def rule(self) -> str:
        """The mapping file's name of the rule that it is asked by."""
        return self.questions[0].rule if self.questions else ""

    def is_due(self, now: float, changed_at: dict[int, float]) -> bool:
        if self.is_asking:
            return False
        if self.failing_since is not None:
            return now - self.asked_at >= AGAIN_S
        if self.is_touched or not self.questions:
            return True
        age = now - self.asked_at
        is_changed = any(changed_at.get(each.number, 0.0) >= self.asked_at for each in self.questions)
        return age >= min(each.every_s for each in self.questions) or (is_changed and age >= SOON_S)


@dataclass(slots=True)
class _Touched:
    """What the feed has told since the last look."""

    texts: set[tuple[int, str]] = field(default_factory=set)
    rules: set[int] = field(default_factory=set)
    """Those of which every room may be meant."""


class RequestedRooms:
    """Those of a node's sockets. The feed calls `changed`; recovery calls `rejoin`, and authentication the rest."""

    def __init__(
        self, server: Server, subscriptions: Subscriptions, rules: RoomRules | None, now: Callable[[], Timestamp]
    ) -> None:
        self._server = server
        self._subscriptions = subscriptions
        self._rules = rules
        self._now = now
        self._joined: WeakKeyDictionary[Socket, dict[str, Membership]] = WeakKeyDictionary()
        self._lost: WeakKeyDictionary[Socket, list[tuple[str, str]]] = WeakKeyDictionary()
        """What a returning socket had, and has no more: it is told when it is connected."""
        self._changed_at: dict[int, float] = {}
        self._touched = _Touched()
        self._wake = asyncio.Event()
        self._is_running = False

    def __repr__(self) -> str:
        return f"<RequestedRooms of {len(self._joined)} sockets>"

    def register(self, router: CommandRouter) -> None:
        router.on("join_room", JoinRoom, self._join, JOIN, is_of_shop=False)
        router.on("leave_room", JoinRoom, self._leave, LEAVE, is_of_shop=False)

    def memberships(self, socket: Socket) -> dict[str, Membership]:
        return self._joined.get(socket, {})

    # --- Commands ---------------------------------------------------------------------------------------------------

    async def _join(self, caller: Caller, command: JoinRoom) -> dict[str, Any]:
        """Join a room that a rule of the mapping file allows (`[[room]]`); its events follow from the position on. When
        the rule says no later, `room_left` tells so.
        """
        socket, room = caller.socket, command.room
        if room not in socket.rooms:
            questions = self._questions(caller.identity, room)
            if not questions:
                raise _not_permitted(caller.identity)
            if len(self.memberships(socket)) >= ASKED_MAX:
                raise TooManyWatches(ASKED_MAX, "rooms")
            asked_at = _clock()
            try:
                is_allowed = await self._is_allowed(questions, anew=False)
            except RuleUnanswered as error:
                raise RoomUncertain from error
            if not is_allowed:
                raise _not_permitted(caller.identity)
            if socket.connected:
                self._add(socket, room, Membership(questions, self._now(), asked_at))
        try:
            position = self._subscriptions.enter(socket, SubscriptionTarget.room(room), room)
        except LimitReached as error:
            self._forget(socket, room)
            raise TooManyWatches(ASKED_MAX, "rooms") from error
        return {"room": room, "position": str(position)}

    async def _leave(self, caller: Caller, command: JoinRoom) -> dict[str, Any]:
        """Leave a room that was asked for; without effect for any other. Rooms of the token stay joined."""
        if self._forget(caller.socket, command.room):
            _leave_unless_granted(caller.socket, command.room)
        return {"room": command.room}

    def _questions(self, identity: Identity, room: str) -> tuple[RoomQuestion, ...]:
        if self._rules is None or identity.is_nobody or identity.tracked_id is not None:
            return ()
        return self._rules.questions(room, requester_of(identity))

    async def _is_allowed(self, questions: Sequence[RoomQuestion], *, anew: bool) -> bool:
        """Whether a rule allows it. Raises RuleUnanswered, if none does and one gave no answer."""
        assert self._rules is not None
        unanswered: RuleUnanswered | None = None
        for question in questions:
            try:
                if await self._rules.allows(question, anew=anew):
                    return True
            except RuleUnanswered as error:
                unanswered = error
        if unanswered is not None:
            raise unanswered
        return False

    def _add(self, socket: Socket, room: str, membership: Membership) -> None:
        if socket not in self._joined:
            socket.once("disconnect", lambda _reason: self._disconnected(socket))
        self._joined.setdefault(socket, {})[room] = membership
        if not self._is_running:
            self._is_running = True
            self._server.spawn(self._run())

    def _disconnected(self, socket: Socket) -> None:
        self._joined.pop(socket, None)
        if not self._joined:
            self._wake.set()  # nobody is left to be asked about

    def _forget(self, socket: Socket, room: str) -> bool:
        """Forget a membership; return whether there was one."""
        rooms = self._joined.get(socket)
        if rooms is None or rooms.pop(room, None) is None:
            return False
        if not rooms:
            del self._joined[socket]
        return True

    # --- Returning, and other tokens --------------------------------------------------------------------------------

    async def rejoin(self, socket: Socket, rooms: Sequence[str]) -> Sequence[str]:
        """Ask again for rooms of a socket's former session; return those that it may have."""
        identity: Identity | None = getattr(socket.data, "identity", None)
        if self._rules is None or identity is None:
            return ()
        former = [room for room in rooms if not (room in socket.rooms or is_watched_room(room))]
        await asyncio.gather(*(self._rejoin(socket, room, self._questions(identity, room)) for room in former))
        return tuple(self.memberships(socket))

    async def _rejoin(self, socket: Socket, room: str, questions: tuple[RoomQuestion, ...]) -> None:
        membership = Membership(questions, self._now(), _clock())
        try:
            async with asyncio.timeout(REJOIN_S_MAX):
                reason = None if await self._is_allowed(questions, anew=True) else "not_allowed"
        except (RuleUnanswered, TimeoutError):
            reason = "unanswered"
        if reason is None:
            self._add(socket, room, membership)
        else:
            self._lost.setdefault(socket, []).append((room, reason))

    def connected(self, socket: Socket) -> None:
        """Tell a socket that has returned what it has lost."""
        for room, reason in self._lost.pop(socket, ()):
            _tell(socket, room, reason)

    def refreshed(self, socket: Socket, identity: Identity) -> None:
        """Ask again with the claims of another token."""
        for room, membership in self.memberships(socket).items():
            with suppress(LimitReached):
                socket.join(room)  # which the former token may have opened too, and so has closed
            membership.questions = self._questions(identity, room)
            membership.is_touched = True
        self._wake.set()

    # --- Asking again -----------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Ask again where a row of the feed says that rights have changed."""
        if self._rules is None or change.after is None:
            return
        found = self._rules.changes_in(bytes(memoryview(change.after)))
        if found is None or not self._joined:
            return
        now = _clock()
        for number in found.rules:
            self._changed_at[number] = now
            if found.texts is None or len(self._touched.texts) >= TOUCHED_MAX:
                self._touched.rules.add(number)
            else:
                self._touched.texts.update((number, text) for text in found.texts)
        self._wake.set()

    async def _run(self) -> None:
        try:
            while self._joined:
                try:
                    for questions, members in self._take_due():
                        self._server.spawn(self._ask_again(questions, members))
                except Exception:
                    log.exception("it could not be looked whose rooms are to be asked about; trying again")
                if not self._joined:
                    break
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
        finally:
            self._is_running = False

    def _take_due(self) -> list[tuple[tuple[RoomQuestion, ...], list[tuple[Socket, str, Membership]]]]:
        """Whose turn it is: first those that a changed row names. The same questions are put once for all."""
        now = _clock()
        for socket in [socket for socket in self._joined if socket.disconnect_reason is not None]:
            del self._joined[socket]
        everybody = [
            (socket, room, membership) for socket, rooms in self._joined.items() for room, membership in rooms.items()
        ]
        self._touch(membership for _, _, membership in everybody)
        due = [each for each in everybody if each[2].is_due(now, self._changed_at)]
        due.sort(key=lambda each: not each[2].is_touched)
        groups: dict[tuple[RoomQuestion, ...], list[tuple[Socket, str, Membership]]] = {}
        for each in due:
            if each[2].questions in groups or len(groups) < PUT_AT_ONCE_MAX:
                groups.setdefault(each[2].questions, []).append(each)
                each[2].is_asking, each[2].is_touched = True, False
        return [*groups.items()]

    def _touch(self, memberships: Iterable[Membership]) -> None:
        touched, self._touched = self._touched, _Touched()
        if not touched.texts and not touched.rules:
            return
        for membership in memberships:
            membership.is_touched |= any(
                each.number in touched.rules or any((each.number, text) in touched.texts for text in each.texts)
                for each in membership.questions
            )

    async def _ask_again(
        self, questions: tuple[RoomQuestion, ...], members: Sequence[tuple[Socket, str, Membership]]
    ) -> None:
        asked_at = _clock()
        try:
            reason = None if await self._is_allowed(questions, anew=True) else "not_allowed"
        except RuleUnanswered:
            reason = "unanswered"
        except Exception:
            log.exception("a question failed: %s", questions)
            reason = "unanswered"
        for _, _, membership in members:
            membership.is_asking, membership.asked_at = False, asked_at
        for socket, room, membership in members:
            if self.memberships(socket).get(room) is not membership:
                continue  # it left, or asked anew
            if reason == "unanswered":
                membership.failing_since = membership.failing_since or asked_at
                if asked_at - membership.failing_since < PATIENCE_S:
                    continue
            membership.failing_since = None if reason is None else membership.failing_since
            if reason is not None:
                self._end(socket, room, reason)

    def _end(self, socket: Socket, room: str, reason: str) -> None:
        self._forget(socket, room)
        _leave_unless_granted(socket, room)
        if socket.connected:
            _tell(socket, room, reason)
        else:
            self._lost.setdefault(socket, []).append((room, reason))


def requester_of(identity: Identity) -> RoomRequester:
    roles = identity.roles or (identity.role,)
    return RoomRequester(identity.actor.id, identity.role, roles, identity.claims, identity.actor.name)


def _leave_unless_granted(socket: Socket, room: str) -> None:
    """Leave a room, unless the token opens it by now."""
    identity: Identity | None = getattr(socket.data, "identity", None)
    if identity is None or room not in rooms_of(identity):
        socket.leave(room)


def _tell(socket: Socket, room: str, reason: str) -> None:
    socket.emit("room_left", {"room": room, "reason": reason, "message": _SENTENCES[reason]})


def _not_permitted(identity: Identity) -> NotPermitted:
    return NotPermitted(identity.actor, "join this room", role=identity.role)


def _clock() -> float:
    return time.monotonic()
