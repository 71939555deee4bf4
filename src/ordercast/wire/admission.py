"""Who may open a session: bounds on their number, in all and of each caller, and the program's own word.

The bound on all is not for one caller to use up: where it is reached, those make room that have not said a word yet, of
whoever has most of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Final

from ordercast.hub import Buckets, ConnectRefused, DisconnectReason, Handshake, Options

from .transport import Refusal

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger("ordercast.wire")

Refused = tuple[Refusal, str | None]
"""Why, and the program's sentence where it gave one."""
Answer = Callable[[Refused | None], None]

# Who has fewer that say nothing is on the way in, as everybody is for a moment.
SILENT_MIN: Final = 16


class Admission:
    """Counts the sessions of an engine, and asks `allow_request`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sessions = 0
        self._of_caller: dict[str, int] = {}
        self._silent: dict[str, dict[Session, None]] = {}
        """Those of each caller that have sent no message yet, oldest first."""
        self._handshakes = None if options.handshakes_per_address is None else Buckets()
        self._asking: set[asyncio.Task[None]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Admission sessions={self._sessions} addresses={len(self._of_caller)} asking={len(self._asking)}>"

    def ask(self, handshake: Handshake, answer: Answer) -> None:
        """Tell `answer` whether a session may be opened: at once, unless the program takes its time."""
        refusal = self._too_fast(handshake.caller) or self._full(handshake.caller)
        if refusal is not None:
            answer((refusal, None))
            return
        allow_request = self._options.allow_request
        try:
            asked = allow_request(handshake) if allow_request is not None else None
        except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
            answer(_refused(error))
            return
        if isawaitable(asked):
            task = asyncio.ensure_future(self._wait(asked, handshake, answer))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        else:
            answer(None)

    async def _wait(self, asked: Awaitable[None], handshake: Handshake, answer: Answer) -> None:
        try:
            await asked
        except asyncio.CancelledError:
            answer((Refusal.SHUTTING_DOWN, None))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
            answer(_refused(error))
            return
        # Others have opened theirs meanwhile.
        refusal = self._full(handshake.caller)
        answer((refusal, None) if refusal is not None else None)

    def _too_fast(self, caller: str) -> Refusal | None:
        rate = self._options.handshakes_per_address
        if rate is None or self._handshakes is None:
            return None
        is_spent = self._handshakes.take(caller, rate, asyncio.get_running_loop().time()) > 0
        return Refusal.TOO_MANY_HANDSHAKES if is_spent else None

    def _full(self, caller: str) -> Refusal | None:
        if self._closed:
            return Refusal.SHUTTING_DOWN
        bound = self._options.sessions_per_address_max
        if bound is not None and self._of_caller.get(caller, 0) >= bound:
            return Refusal.TOO_MANY_OF_ADDRESS
        if self._held >= self._options.sessions_max:
            self._make_room(caller)
        return Refusal.TOO_MANY_SESSIONS if self._held >= self._options.sessions_max else None

    @property
    def _held(self) -> int:
        # Those that the program is being asked about hold as much as sessions do.
        return self._sessions + len(self._asking)

    def _make_room(self, caller: str) -> None:
        """End half of the silent sessions of whoever has most, the oldest first: half, so that it is not looked for
        again upon every handshake of a flood.
        """
        greediest, silent = max(self._silent.items(), key=lambda item: len(item[1]), default=("", {}))
        if len(silent) < SILENT_MIN or greediest == caller:
            return
        log.warning("full: ending half of the %d sessions of %s that say nothing", len(silent), greediest)
        for session in list(silent)[: len(silent) // 2]:
            session.close(DisconnectReason.FORCED_SERVER_CLOSE)

    # Told by the engine

    def opened(self, session: Session) -> None:
        caller = session.handshake.caller
        self._sessions += 1
        self._of_caller[caller] = self._of_caller.get(caller, 0) + 1
        self._silent.setdefault(caller, {})[session] = None

    def used(self, session: Session) -> None:
        """Its client has sent a message."""
        caller = session.handshake.caller
        silent = self._silent.get(caller)
        if silent is not None and silent.pop(session, 0) is None and not silent:
            del self._silent[caller]

    def ended(self, session: Session) -> None:
        self.used(session)
        caller = session.handshake.caller
        self._sessions -= 1
        left = self._of_caller.pop(caller) - 1
        if left:
            self._of_caller[caller] = left

    def close(self) -> None:
        """Nobody is let in any more: a proxy takes the 503 to another node, a client comes back later."""
        self._closed = True
        self.refuse_asking()

    def refuse_asking(self) -> None:
        """Those that the program is being asked about are not let in."""
        for task in tuple(self._asking):
            task.cancel()


def _refused(error: Exception) -> Refused:
    if isinstance(error, ConnectRefused):
        return Refusal.FORBIDDEN, error.message
    log.error("allow_request failed", exc_info=error)
    return Refusal.FORBIDDEN, None
