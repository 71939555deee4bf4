"""Saving the sessions of sockets behind their backs: nobody who connects or joins a room waits for the database."""

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
"""Sessions by their pids, as they are now; None for one that is to be forgotten."""

# At some 300 bytes each; the writer is busy with so many for a few milliseconds.
AT_ONCE_MAX: Final = 256
# Some 30 MB, and twice the sockets that a node takes: a database that is away for an hour loses nobody's session.
UNSAVED_MAX: Final = 100_000
# How soon it is tried again. Often enough that a restart seldom finds a session unsaved; a try costs little.
RETRY_S: Final = 0.25
# When a node stops: what cannot be saved by then is left, and its clients come back as ones whose session is unknown.
FLUSH_S_MAX: Final = 5.0

log = logging.getLogger("ordercast.db")


class SessionSaver:
    """The newest state of each session that is not in the database yet; one unit of work at a time saves many."""

    def __init__(self, save: Callable[[Changes], Awaitable[None]]) -> None:
        self._save = save
        self._unsaved: dict[str, SessionRow | None] = {}
        self._saving: asyncio.Task[None] | None = None
        self._at_once = AT_ONCE_MAX
        self._was_well = True

    def __repr__(self) -> str:
        return f"<SessionSaves {len(self._unsaved)} unsaved>"

    def __contains__(self, pid: str) -> bool:
        return pid in self._unsaved

    def __len__(self) -> int:
        return len(self._unsaved)

    def get(self, pid: str) -> SessionRow | None:
        """The unsaved state of a session; None also for one that is to be forgotten."""
        return self._unsaved.get(pid)

    def put(self, pid: str, session: SessionRow | None) -> None:
        """Have a session saved, or forgotten, as soon as can be. Past UNSAVED_MAX the oldest one is given up."""
        self._unsaved[pid] = session
        if len(self._unsaved) > UNSAVED_MAX:
            del self._unsaved[next(iter(self._unsaved))]
            telemetry.SESSIONS_GIVEN_UP.inc()
        telemetry.SESSIONS_UNSAVED.set(len(self._unsaved))
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())

    async def close(self) -> None:
        """Save what is left, for up to FLUSH_S_MAX."""
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
        """Save the next few; False where there is no sense in going on at once."""
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
            # One of them may be what cannot be saved: the others are not to wait for it.
            log.exception("sessions could not be saved; trying again")
            return self._move_to_the_back(tried)
        self._saved(tried)
        return True

    def _saved(self, tried: Changes) -> None:
        for pid, session in tried.items():
            if self._unsaved.get(pid) is session:  # else it has changed meanwhile
                self._unsaved.pop(pid, None)
        self._at_once = min(AT_ONCE_MAX, self._at_once * 2)
        telemetry.SESSIONS_UNSAVED.set(len(self._unsaved))
        if not self._was_well:
            log.info("sessions are saved again")
        self._was_well = True

    def _move_to_the_back(self, tried: Changes) -> bool:
        """Put these behind the others, to be saved one by one: one that is held must keep no other from being saved."""
        for pid in tried:
            if pid in self._unsaved:
                self._unsaved[pid] = self._unsaved.pop(pid)
        was_alone, self._at_once = len(tried) == 1, 1
        return not was_alone

    def _note_trouble(self, error: StoreError) -> None:
        if self._was_well:  # else it has been said
            log.warning("sessions cannot be saved; trying again: %s", error)
        self._was_well = False
