"""What is revoked, known by heart: each request and each socket is held against it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from ordercast.db import Change
from ordercast.db.access import Revoked

from .auth import Identity

KIND: Final = "access.revoked"
"""Of the feed's rows that tell of one."""


class _Row(msgspec.Struct, frozen=True):
    name: str
    since: str
    until: str | None


class Revocations:
    """One per node, used from its loop."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}
        self._until_ms: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Revocations {len(self._since_ms)} names>"

    def note(self, revoked: Revoked) -> None:
        """Refuse the tokens of a name from now on. Known already, the later moment counts."""
        self._since_ms[revoked.name] = max(_ms(revoked.since), self._since_ms.get(revoked.name, 0))
        if revoked.until is None:
            self._until_ms.pop(revoked.name, None)
        else:
            self._until_ms[revoked.name] = _ms(revoked.until)

    def note_change(self, change: Change) -> None:
        """The same, as the feed tells it."""
        assert change.after is not None
        row = msgspec.json.decode(change.after, type=_Row)
        self.note(Revoked(row.name, row.since, row.until))

    def forget(self, now_ms: int) -> None:
        """Forget those whose tokens have all expired."""
        for name in [name for name, until_ms in self._until_ms.items() if until_ms < now_ms]:
            del self._until_ms[name], self._since_ms[name]

    def cover(self, identity: Identity) -> bool:
        """Whether the token of that identity is refused: itself, or with whatever its person was given before."""
        if not self._since_ms:
            return False
        if any(name in self._since_ms for name in identity.names):
            return True
        return identity.issued_at_ms < self._since_ms.get(identity.actor.id, 0)


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
