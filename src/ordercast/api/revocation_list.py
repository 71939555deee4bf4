"""Revocations in memory, checked for each request and socket."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

import msgspec

from ordercast.db import Change, ChangeKind, is_moment, read_json
from ordercast.db.access import Revocation

from .auth import Identity

KIND: Final = ChangeKind.ACCESS_REVOKED
"""The fields of a revocation's feed row."""


class _Row(msgspec.Struct, frozen=True):
    name: str
    since: str
    until: str | None


class RevocationList:
    """The revocations of a node; used from its loop."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}
        self._until_ms: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<RevocationList {len(self._since_ms)} names>"

    def add(self, revoked: Revocation) -> None:
        """Revoke the tokens of a name; of two revocations the later counts."""
        # An invalid timestamp revokes all issued until now, for good, those of this millisecond among them.
        since_ms = _ms(revoked.since) or time.time_ns() // 1_000_000 + 1
        until_ms = None if revoked.until is None else _ms(revoked.until)
        self._since_ms[revoked.name] = max(since_ms, self._since_ms.get(revoked.name, 0))
        if until_ms is None:
            self._until_ms.pop(revoked.name, None)
        else:
            self._until_ms[revoked.name] = until_ms

    def add_change(self, change: Change) -> None:
        """Add a revocation from its feed row."""
        try:
            row = msgspec.convert(None if change.after is None else read_json(change.after), _Row)
        except (ValueError, msgspec.ValidationError):
            row = _Row(change.entity_id, change.at, None)
        self.add(Revocation(row.name, row.since, row.until))

    def forget(self, now_ms: int) -> None:
        """Drop revocations whose tokens have all expired."""
        for name in [name for name, until_ms in self._until_ms.items() if until_ms < now_ms]:
            del self._until_ms[name], self._since_ms[name]

    def is_revoked(self, identity: Identity) -> bool:
        """Whether the identity's token is revoked, by itself or with all of its person's."""
        if not self._since_ms:
            return False
        if any(name in self._since_ms for name in identity.names):
            return True
        return identity.issued_at_ms < self._since_ms.get(identity.actor.id, 0)


def _ms(moment: str) -> int | None:
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if is_moment(moment) else None
