"""Limits on Engine.IO sessions: how many there are, in all and per caller, how fast they are opened, `allow_request`.

One caller cannot use up the limit on all: where it is reached, half of the unused sessions (no message received yet) of
the caller who has most of them are closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, NamedTuple

from ordercast.hub import ConnectRefused, DisconnectReason, Handshake, Options, TokenBuckets

from .transport import EngineError

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger("ordercast.wire")


class Rejection(NamedTuple):
    """Why a request is not served."""

    error: EngineError
    message: str | None = None
    """The program's own sentence, in place of the error's."""


OnDecision = Callable[[Rejection | None], None]
"""Called with None where the session may be opened."""

# With fewer unused sessions than this a caller is only connecting, as everybody is for a moment.
UNUSED_MIN: Final = 16


class SessionLimits:
    """Counts the sessions of an engine, and calls `allow_request`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sessions = 0
        self._sessions_of_caller: dict[str, int] = {}
        self._unused: dict[str, dict[Session, None]] = {}
        """Sessions of each caller that have received no message yet, oldest first."""
        self._handshakes = None if options.handshakes_per_address is None else TokenBuckets()
        self._pending: set[asyncio.Task[None]] = set()
        """Handshakes that `allow_request` has yet to decide."""
        self._closed = False

    def __repr__(self) -> str:
        callers, pending = len(self._sessions_of_caller), len(self._pending)
        return f"<SessionLimits sessions={self._sessions} addresses={callers} pending={pending}>"

    def check(self, handshake: Handshake, on_decision: OnDecision) -> None:
        """Decide whether a session may be opened.

        `on_decision` is called with the answer, before this returns unless `allow_request` is a coroutine function.
        It is called exactly once, also when the engine closes meanwhile. Raises what `on_decision` raises.
        """
        exceeded = self._check_rate(handshake.caller) or self._check_capacity(handshake.caller)
        if exceeded is not None:
            on_decision(Rejection(exceeded))
            return
        allow_request = self._options.allow_request
        try:
            pending = allow_request(handshake) if allow_request is not None else None
        except Exception as error:  # noqa: BLE001 - whatever it is, it rejects
            on_decision(_rejection(error))
            return
        if isawaitable(pending):
            task = asyncio.ensure_future(self._wait(pending, handshake, on_decision))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)
        else:
            on_decision(None)

    async def _wait(self, pending: Awaitable[None], handshake: Handshake, on_decision: OnDecision) -> None:
        try:
            await pending
        except asyncio.CancelledError:
            on_decision(Rejection(EngineError.SHUTTING_DOWN))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it rejects
            on_decision(_rejection(error))
            return
        # Others have opened theirs meanwhile.
        exceeded = self._check_capacity(handshake.caller)
        on_decision(None if exceeded is None else Rejection(exceeded))

    def _check_rate(self, caller: str) -> EngineError | None:
        rate = self._options.handshakes_per_address
        if rate is None or self._handshakes is None:
            return None
        is_spent = self._handshakes.take(caller, rate, asyncio.get_running_loop().time()) > 0
        return EngineError.TOO_MANY_HANDSHAKES if is_spent else None

    def _check_capacity(self, caller: str) -> EngineError | None:
        if self._closed:
            return EngineError.SHUTTING_DOWN
        bound = self._options.sessions_per_address_max
        if bound is not None and self._sessions_of_caller.get(caller, 0) >= bound:
            return EngineError.TOO_MANY_OF_ADDRESS
        if self._occupied >= self._options.sessions_max:
            self._evict_unused(caller)
        return EngineError.TOO_MANY_SESSIONS if self._occupied >= self._options.sessions_max else None

    @property
    def _occupied(self) -> int:
        # A pending handshake holds as much as a session does.
        return self._sessions + len(self._pending)

    def _evict_unused(self, caller: str) -> None:
        """Close half of the unused sessions of whoever has most, the oldest first: half, so that it is not looked for
        again upon every handshake of a flood.
        """
        greediest, unused = max(self._unused.items(), key=lambda item: len(item[1]), default=("", {}))
        if len(unused) < UNUSED_MIN or greediest == caller:
            return
        log.warning("full: ending half of the %d sessions of %s that say nothing", len(unused), greediest)
        for session in list(unused)[: len(unused) // 2]:
            session.close(DisconnectReason.FORCED_SERVER_CLOSE)

    # Called by the engine and its sessions

    def session_opened(self, session: Session) -> None:
        """Count it to its caller, as one that has said nothing yet."""
        caller = session.handshake.caller
        self._sessions += 1
        self._sessions_of_caller[caller] = self._sessions_of_caller.get(caller, 0) + 1
        self._unused.setdefault(caller, {})[session] = None

    def session_used(self, session: Session) -> None:
        """The first message of `session` was received."""
        caller = session.handshake.caller
        unused = self._unused.get(caller)
        if unused is not None and unused.pop(session, 0) is None and not unused:
            del self._unused[caller]

    def session_closed(self, session: Session) -> None:
        """Give its place back."""
        self.session_used(session)
        caller = session.handshake.caller
        self._sessions -= 1
        left = self._sessions_of_caller.pop(caller) - 1
        if left:
            self._sessions_of_caller[caller] = left

    def close(self) -> None:
        """Reject every handshake from now on: a proxy takes the 503 to another node, a client comes back later."""
        self._closed = True
        self.reject_pending()

    def reopen(self) -> None:
        """Take handshakes again."""
        self._closed = False

    def reject_pending(self) -> None:
        """Reject the handshakes that `allow_request` has yet to decide."""
        for task in tuple(self._pending):
            task.cancel()


def _rejection(error: Exception) -> Rejection:
    if isinstance(error, ConnectRefused):
        return Rejection(EngineError.FORBIDDEN, error.message)
    log.error("allow_request failed", exc_info=error)
    return Rejection(EngineError.FORBIDDEN)
