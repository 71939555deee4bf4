"""Lists: a page of documents that the database has already written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 100
CURSOR_PATTERN: Final = r"^[0-9]{1,18}$"


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
