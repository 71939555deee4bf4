"""Lists: a page of documents that the database has already written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 100
CURSOR_PATTERN: Final = r"^[0-9]{1,18}$"


def cut(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[tuple[Any, ...]], str | None]:
    """A page of rows that begin with their entry, of which one more than `limit` was asked for: without the entries,
    and with the cursor of the next page.
    """
    return [row[1:] for row in rows[:limit]], str(rows[limit - 1][0]) if len(rows) > limit else None


@dataclass(slots=True)
class JsonPage:
    """`items` are JSON texts, passed through as they are."""

    items: list[str]
    next_cursor: str | None = None
    position: str | None = None

    def encode(self) -> bytes:
        tail = {"nextCursor": self.next_cursor}
        if self.position is not None:
            tail["position"] = self.position
        return b'{"items":[' + ",".join(self.items).encode() + b"]," + msgspec.json.encode(tail)[1:]
