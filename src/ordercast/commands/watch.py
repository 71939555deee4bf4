"""``ordercast watch``: follow what is committed, and who is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
import uvloop
from cyclopts import Parameter
from cyclopts.validators import Number

from ordercast.commerce.rooms import EVERYBODY
from ordercast.config import Settings
from ordercast.db import Change, ChangeKind, Store
from ordercast.db.damage import problem_of
from ordercast.feed.audience import RoutedEvent, route

from .process import DatabaseUrl, load_settings_unsigned, started_store

Several = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]

# Rows of one read.
_BATCH_ROWS: Final = 256
# Of rows that are shown from before.
LAST_MAX: Final = 100_000
_SUBJECTS: Final = ("id", "number", "orderId", "bookingId")


class Filter(msgspec.Struct, frozen=True):
    """Which rows of the feed are shown: those that all named options agree with; of one option, any value does."""

    orders: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def takes(self, change: Change, events: list[RoutedEvent]) -> bool:
        rooms = {room for event in events for room in event.rooms}
        return (
            (not self.orders or any(map(_subjects_of(change).__contains__, self.orders)))
            and (not self.people or any(_concerns(person, change, rooms) for person in self.people))
            and (not self.rooms or not rooms.isdisjoint(self.rooms))
            and (not self.events or any(event.name in self.events for event in events))
            and (not self.kinds or change.kind.startswith(self.kinds))
        )


def watch(
    *,
    order: Annotated[Several, Parameter(help="Of the order or booking of that id or number.")] = (),
    person: Annotated[Several, Parameter(help="What the person of that id did, or may hear.")] = (),
    room: Annotated[Several, Parameter(help="Told to that room.")] = (),
    event: Annotated[Several, Parameter(help="Told by events of that name.")] = (),
    kind: Annotated[Several, Parameter(help="Changes of that kind, or whose kind begins so: `order.`")] = (),
    last: Annotated[
        int,
        Parameter(help="Rows of the feed from before that are looked at first.", validator=Number(gte=0, lte=LAST_MAX)),
    ] = 0,
    follow: Annotated[bool, Parameter(help="Go on until Ctrl+C; else end after --last.")] = True,
    json: Annotated[
        bool, Parameter(name="--json", help="A line of JSON each, with the arguments.", negative="")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Follow the changes of the shop as they are committed, by whom, and the events and rooms that they are told to.

    It reads the database, beside running nodes: what stands here, every entitled screen is told. Each option may be
    given several times.
    """
    settings = load_settings_unsigned(database_url)
    chosen = Filter(order, person, room, event, kind)
    uvloop.run(_watch(settings, chosen, last=last, follow=follow, json=json))


async def _watch(settings: Settings, chosen: Filter, *, last: int, follow: bool, json: bool) -> None:
    async with started_store(settings) as store:
        wake = asyncio.Event()
        store.watch(wake.set)
        seq, epoch = max(0, store.last_seq - last), store.epoch
        while True:
            wake.clear()
            if store.epoch != epoch:
                print(
                    f"The database was restored: epoch {store.epoch} goes on from #{store.last_seq}.", file=sys.stderr
                )
                seq, epoch = store.last_seq, store.epoch
            for change in _changes_after(store, seq):
                seq = change.seq
                _show(change, chosen, epoch, json=json)
            print(end="", flush=True)
            if not follow:
                return
            await wake.wait()


def _changes_after(store: Store, seq: int) -> Iterator[Change]:
    """All that is committed by now. What was pruned meanwhile is left out."""
    while rows := store.changes(seq, _BATCH_ROWS):
        yield from rows
        seq = rows[-1].seq


def _show(change: Change, chosen: Filter, epoch: str, *, json: bool) -> None:
    offset = f"{epoch}:{change.seq}"
    events, problem = _events_of(change, offset)
    if not chosen.takes(change, events):
        return
    if json:
        print(msgspec.json.encode(_document(change, events, offset, problem)).decode())
    else:
        print(_line(change, events, problem))


def _events_of(change: Change, offset: str) -> tuple[list[RoutedEvent], str | None]:
    """Its events as every node tells them, or why there are none."""
    if change.kind == ChangeKind.ROW_CHANGED:
        return [], None  # told to those who watch the row's table, by their filters
    try:
        return list(route(change, lambda index: f"{offset}.{index}")), None
    except Exception as error:  # noqa: BLE001 - a damaged row is shown as such; those behind it go on
        return [], problem_of(error)


def _line(change: Change, events: list[RoutedEvent], problem: str | None) -> str:
    said = ", ".join(f"{event.name} -> {' '.join(map(_room_name, event.rooms))}" for event in events)
    parts = [change.at[11:23], f"#{change.seq}", change.kind, change.entity_id, f"v{change.version}"]
    parts += [f"by {change.actor or '?'}", *([f'"{change.reason}"'] if change.reason else [])]
    tail = f"! cannot be told: {problem}" if problem else said or "(nobody is told)"
    # Texts of the shop may hold what moves a terminal's cursor.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in f"{' '.join(parts)}  {tail}")


def _document(change: Change, events: list[RoutedEvent], offset: str, problem: str | None) -> dict[str, Any]:
    return {
        "offset": offset,
        "at": change.at,
        "kind": change.kind,
        "id": change.entity_id,
        "version": change.version,
        "actor": change.actor,
        "reason": change.reason,
        "events": [
            {"event": event.name, "rooms": [*map(_room_name, event.rooms)], "args": event.args} for event in events
        ],
        **({"problem": problem} if problem else {}),
    }


def _room_name(room: str) -> str:
    return "everybody" if room == EVERYBODY else room


def _subjects_of(change: Change) -> set[str]:
    """Ids and numbers of what the row is about."""
    found = {change.entity_id}
    for raw in (change.before, change.after):
        try:
            document = msgspec.json.decode(raw) if raw is not None else None
        except msgspec.DecodeError:
            continue
        if isinstance(document, dict):
            found |= {str(document[name]) for name in _SUBJECTS if document.get(name) is not None}
    return found


def _concerns(person: str, change: Change, rooms: set[str]) -> bool:
    return change.actor.endswith(f":{person}") or any(room.endswith(f"_{person}") for room in rooms)
