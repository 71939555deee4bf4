"""Saves sessions in the background: connecting and joining rooms do not wait for the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Final, TypeAlias

from ordercast import telemetry

from .errors import LockedElsewhere, StoreError
from .types import SessionRow

Changes: TypeAlias = Mapping[str, SessionRow | None]
"""Sessions by pid; None for one to delete."""

# Sessions per unit of work; 300 bytes each, some milliseconds.
AT_ONCE_MAX: Final = 256
# 30 MB, twice the sockets of a node: no session is lost in an hour without a database.
UNSAVED_MAX: Final = 100_000
# Retry interval: short, so that a restart seldom finds an unsaved session.
RETRY_S: Final = 0.25
# Time for saving at a stop; clients of unsaved sessions get new ones.
FLUSH_S_MAX: Final = 5.0

log = logging.getLogger("ordercast.db")


class SessionSaver:
    """Holds the newest unsaved state of each session; one unit of work at a time saves many."""

    def __init__(self, save: Callable[[Changes], Awaitable[None]]) -> None:
        self._save = save
        self._unsaved: dict[str, SessionRow | None] = {}
        self._saving: asyncio.Task[None] | None = None
        self._at_once = AT_ONCE_MAX
        self._was_well = True
        self._waiters: list[asyncio.Future[None]] = []

    def __repr__(self) -> str:
        return f"<SessionSaver {len(self._unsaved)} unsaved>"

    def __contains__(self, pid: str) -> bool:
        return pid in self._unsaved

    def __len__(self) -> int:
        return len(self._unsaved)

    def get(self, pid: str) -> SessionRow | None:
        """The unsaved state of a session; None also if it is to be deleted."""
        return self._unsaved.get(pid)

    def put(self, pid: str, session: SessionRow | None) -> None:
        """Save or delete a session soon. Beyond UNSAVED_MAX the oldest is dropped."""
        self._unsaved[pid] = session
        if len(self._unsaved) > UNSAVED_MAX:
            del self._unsaved[next(iter(self._unsaved))]
            telemetry.SESSIONS_GIVEN_UP.inc()
        telemetry.SESSIONS_UNSAVED.set(len(self._unsaved))
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())

    async def saved(self, pid: str) -> None:
        """Wait until nothing of a session is unsaved, for as long as it takes."""
        while pid in self._unsaved:
            self._waiters.append(asyncio.get_running_loop().create_future())
            await self._waiters[-1]

    async def close(self) -> None:
        """Save the rest, within FLUSH_S_MAX."""
        if self._saving is None:
            return
        _, unfinished = await asyncio.wait([self._saving], timeout=FLUSH_S_MAX)
        for task in unfinished:
            log.warning("%d sessions could not be saved before the stop", len(self._unsaved))
            task.cancel()

    async def _save_all(self) -> None:
        try:
            while self._unsaved:
                if not await self._save_some():
                    await asyncio.sleep(RETRY_S)
        finally:
            self._saving = None

    async def _save_some(self) -> bool:
        """Save a batch; False if the next should wait."""
        tried = dict(islice(self._unsaved.items(), self._at_once))
        try:
            await self._save(tried)
        except LockedElsewhere as error:
            self._note_trouble(error)
            return self._move_to_the_back(tried)
        except StoreError as error:
            self._note_trouble(error)
            return False
        except Exception:
            # One of them may be the cause: then save the others.
            log.exception("could not save sessions; retrying")
            return self._move_to_the_back(tried)
        self._saved(tried)
        return True

    def _saved(self, tried: Changes) -> None:
        for pid, session in tried.items():
            if self._unsaved.get(pid) is session:  # changed meanwhile
                self._unsaved.pop(pid, None)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():  # it may be gone
                waiter.set_result(None)
        self._at_once = min(AT_ONCE_MAX, self._at_once * 2)
        telemetry.SESSIONS_UNSAVED.set(len(self._unsaved))
        if not self._was_well:
            log.info("sessions are saved again")
        self._was_well = True

    def _move_to_the_back(self, tried: Changes) -> bool:
        """Move these to the end, to be saved singly: a locked one must not block others."""
        for pid in tried:
            if pid in self._unsaved:
                self._unsaved[pid] = self._unsaved.pop(pid)
        was_alone, self._at_once = len(tried) == 1, 1
        return not was_alone

    def _note_trouble(self, error: StoreError) -> None:
        if self._was_well:  # logged already
            log.warning("could not save sessions; retrying: %s", error)
        self._was_well = False
