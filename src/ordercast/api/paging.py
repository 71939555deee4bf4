"""Cursor-paged lists: their query parameters, and how a page is cut from rows of which one more was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from litestar.params import QueryParameter

from ordercast.commerce.forms import explained

T = TypeVar("T")

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 100

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)]
IdCursor: TypeAlias = Annotated[str, QueryParameter(max_length=64)]
"""The last id or code of the page before."""
_NUMBER: Final = QueryParameter(pattern=explained(r"^[0-9]{1,18}$", "The nextCursor of the page before is wanted"))
NumberCursor: TypeAlias = Annotated[str, _NUMBER]
"""The last number of the page before, oldest first."""
NewestFirst: TypeAlias = Annotated[str | None, _NUMBER]
"""The same of a list that begins with the newest, whose number nobody knows."""
EitherEnd: TypeAlias = NewestFirst
"""The same of a list that begins with whichever end is asked for."""


def cut(found: list[T], limit: int, cursor: Callable[[T], Any]) -> tuple[list[T], str | None]:
    """A page of what was found, and the cursor of the next page: that of its last item."""
    page = found[:limit]
    return page, str(cursor(page[-1])) if len(found) > limit else None


def cut_history(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[tuple[Any, ...]], str | None]:
    """The same of history rows, which begin with their number: without it."""
    page, next_cursor = cut(rows, limit, lambda row: row[0])
    return [row[1:] for row in page], next_cursor


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
