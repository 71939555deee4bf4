"""``watch`` and ``unwatch``: rows of an attached table as they stand, then each that enters, changes or leaves."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ordercast.api.body import IdText
from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.errors import TooManyWatches
from ordercast.commerce.errors import InvalidField
from ordercast.db.watched_rows import TableFilter
from ordercast.feed import TableSubscriptions
from ordercast.feed.table_watches import FILTERS_MAX, filters_in
from ordercast.hub import LimitReached, Socket

from .command_router import Caller, CommandRouter

# As many as a page has lists; each is a room, and a query when the page comes back.
WATCHES_MAX: Final = 50
# All of a socket's filters together: sessions are saved with them, and most have a few words.
FILTERS_CHARACTERS_MAX: Final = 20_000


class Watch(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which rows: the one of a key, those of some values, or all that the sender may see."""

    table: Annotated[str, Meta(min_length=1, max_length=200)]
    """The table, as `[[watch]]` of the mapping file calls it."""
    key: Any = None
    """The key's value, or for a key of several columns an object of them."""
    where: dict[Annotated[str, Meta(max_length=200)], Any] | None = None
    """For columns that `[[watch]]` lists under `where`: a value or a list of values, of which the row has one."""


class WatchedRow(Struct, frozen=True, rename="camel"):
    """A row of a watched table."""

    row_id: str
    """A text that no other row of the table has: its key."""
    key: dict[str, Any]
    """The key's columns."""
    row: Any
    """What the mapping file tells of it."""


class WatchedRows(Struct, frozen=True):
    """Rows as they stand, and the feed position of that."""

    watch: str
    """What events say they are of, and `unwatch` takes."""
    table: str
    """The table, as it was asked for."""
    rows: list[WatchedRow]
    """All of them, in no order."""
    position: str
    """``epoch:seq``: later changes follow as `row_entered`, `row_changed` and `row_left`."""


class Unwatch(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which watch."""

    watch: IdText
    """As `watch` answered."""


class Unwatched(Struct, frozen=True):
    """The watch that has ended."""

    watch: str
    """As it was asked for."""


_ID: Final = "1f0c7b2d9e4a5630ab"
_WATCH: Final = CommandDoc(
    data=WatchedRows,
    errors=(InvalidField, TooManyWatches),
    example={"table": "Order", "where": {"status": ["new", "paid"]}},
    answer={
        "watch": _ID,
        "table": "Order",
        "rows": [{"rowId": "17", "key": {"id": 17}, "row": {"id": 17, "status": "new", "total": 2400}}],
        "position": "a1b2c3d4:1042",
    },
)
_UNWATCH: Final = CommandDoc(data=Unwatched, example={"watch": _ID}, answer={"watch": _ID})


def register(router: CommandRouter, tables: TableSubscriptions) -> None:
    router.on("watch", Watch, partial(_watch, tables), _WATCH, is_of_shop=False)
    router.on("unwatch", Unwatch, _unwatch, _UNWATCH, is_of_shop=False)


async def _watch(tables: TableSubscriptions, caller: Caller, command: Watch) -> dict[str, Any]:
    """Return the rows of an attached table that the sender may see, and the position at which they stood so; each that
    enters them, changes or leaves follows as an event. Asked again, the same watch has its rows anew.
    """
    table = tables.watches.tables.find(command.table)
    if table is None:
        raise InvalidField("table", "No table of that name may be watched.")
    if command.key is not None and command.where is not None:
        raise InvalidField("where", "A row is asked for by its key, or rows by their columns.")
    wanted = table.filter(command.key, command.where)
    if wanted.room not in caller.socket.rooms:
        _check_bounds(tables, caller.socket, wanted)
    try:
        rows, position = await tables.subscribe(caller.socket, table, wanted)
    except LimitReached as error:
        raise TooManyWatches(WATCHES_MAX, "tables") from error
    return {"watch": wanted.id, "table": command.table, "rows": rows, "position": position}


def _check_bounds(tables: TableSubscriptions, socket: Socket, wanted: TableFilter) -> None:
    watched = filters_in(socket.rooms)
    if len(watched) >= WATCHES_MAX:
        raise TooManyWatches(WATCHES_MAX, "filters of tables")
    if sum(len(each.room) for each in (*watched, wanted)) > FILTERS_CHARACTERS_MAX:
        raise InvalidField("where", f"A socket's filters have at most {FILTERS_CHARACTERS_MAX:,} characters together.")
    if not tables.watches.has(wanted) and len(tables.watches) >= FILTERS_MAX:
        raise InvalidField("where", f"This node watches {FILTERS_MAX:,} different filters already; share one of them.")


async def _unwatch(caller: Caller, command: Unwatch) -> dict[str, Any]:
    """Stop watching; without effect if it is not watched."""
    for wanted in filters_in(caller.socket.rooms):
        if wanted.id == command.watch:
            caller.socket.leave(wanted.room)
    return {"watch": command.watch}
