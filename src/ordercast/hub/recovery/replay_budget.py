"""Limits replays per identity; beyond it clients get a gap.

A CONNECT with an old offset is a hundred bytes, and may cause megabytes to be read and encoded.
"""

from __future__ import annotations

import time
from typing import Protocol

from ordercast.hub.handshake import Handshake

# The gap event's reason, upon which clients reload.
REPLAY_BUDGET = "replay_budget"
# Cost of an event from memory, relative to an encoded one.
REMEMBERED_COST = 0.05
# Beyond this, full buckets are dropped.
ACCOUNTS_MAX = 4_096


class ReplayBudget:
    """A token bucket for each identity, shared by its connections; without an identity, for each address.

    Kept as the moment at which it will be full again (GCRA). Spending may overdraw it, because what a batch costs is
    known when it has been made; the next one then waits for nobody: it is refused.
    """

    def __init__(self, burst: float, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._slack_s = burst * self._interval_s
        self._full_at_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<ReplayBudget accounts={len(self._full_at_s)}>"

    def allows(self, key: str, now_s: float) -> bool:
        """Whether anything is left."""
        return self._full_at_s.get(key, now_s) - now_s < self._slack_s

    def spend(self, key: str, cost: float, now_s: float) -> None:
        """Charge for what was replayed."""
        if len(self._full_at_s) >= ACCOUNTS_MAX:
            self._full_at_s = {one: at_s for one, at_s in self._full_at_s.items() if at_s > now_s}
        self._full_at_s[key] = max(self._full_at_s.get(key, now_s), now_s) + cost * self._interval_s


class ReplaySocket(Protocol):
    """What is charged for a replay; see `Socket`."""

    identity: str

    @property
    def handshake(self) -> Handshake: ...

    @property
    def replay_budget(self) -> ReplayBudget | None: ...


def may_replay(socket: ReplaySocket) -> bool:
    """Whether the identity behind this socket may have more replayed."""
    budget = socket.replay_budget
    return budget is None or budget.allows(_account_of(socket), time.monotonic())


def charge_replay(socket: ReplaySocket, events: int, *, encoded: int = 0) -> None:
    """Charge the socket's identity for events that were looked through or sent, and for those encoded anew for it."""
    budget = socket.replay_budget
    if budget is not None:
        budget.spend(_account_of(socket), events * REMEMBERED_COST + encoded, time.monotonic())


def _account_of(socket: ReplaySocket) -> str:
    return socket.identity or f"address {socket.handshake.caller}"
