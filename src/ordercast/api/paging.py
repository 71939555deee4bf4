"""Cursor paging: query parameters, and cutting a page from one row more than its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from litestar.params import QueryParameter

from ordercast.commerce.text_patterns import with_explanation

T = TypeVar("T")

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 100

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)]
IdCursor: TypeAlias = Annotated[str, QueryParameter(max_length=64)]
"""The last id or code of the page before."""
_NUMBER: Final = QueryParameter(
    pattern=with_explanation(r"^[0-9]{1,18}$", "The nextCursor of the page before is wanted")
)
NumberCursor: TypeAlias = Annotated[str, _NUMBER]
"""Cursor: the last number of the former page, oldest first."""
NewestFirst: TypeAlias = Annotated[str | None, _NUMBER]
"""Cursor of a list that begins with the newest."""
EitherEnd: TypeAlias = NewestFirst
"""Cursor of a list that begins at either end."""


def cut(found: list[T], limit: int, cursor: Callable[[T], Any]) -> tuple[list[T], str | None]:
    """The page, and the next page's cursor: that of its last item."""
    page = found[:limit]
    return page, str(cursor(page[-1])) if len(found) > limit else None


def cut_history(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[tuple[Any, ...]], str | None]:
    """As `cut`, for history rows, without their leading number."""
    page, next_cursor = cut(rows, limit, lambda row: row[0])
    return [row[1:] for row in page], next_cursor


@dataclass(slots=True)
class JsonPage:
    """A page whose `items` are JSON texts, passed through."""

    items: list[str]
    next_cursor: str | None = None
    position: str | None = None

    def encode(self) -> bytes:
        tail = {"nextCursor": self.next_cursor}
        if self.position is not None:
            tail["position"] = self.position
        return b'{"items":[' + ",".join(self.items).encode() + b"]," + msgspec.json.encode(tail)[1:]
