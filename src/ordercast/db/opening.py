"""Units of work on the shop's hours and its pause: one row, or none for a shop that is always open."""

from __future__ import annotations

from functools import lru_cache
from inspect import cleandoc
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict
from ordercast.commerce.opening import Opening
from ordercast.commerce.people import Actor
from ordercast.commerce.shop import Shop
from ordercast.commerce.slots import WeekHours
from ordercast.commerce.timestamps import Timestamp

from . import columns, shop
from .columns import check, flag, given_moment, integer, json_object, line, moment, table, version
from .damage import DamagedRow
from .dialects import Trigger
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .transaction import Transaction
from .trigger_helpers import FEED_COLUMNS, feed_row, refused
from .types import ChangeKind

TABLE: Final = "shop_opening"
KEY: Final = 1
"""The key of the row."""
ENTITY_ID: Final = "shop"
"""The feed's name of it."""
_ENTITY: Final = f"'{ENTITY_ID}'"

shop_opening = table(
    TABLE,
    integer("id", check("one_opening", "id = 1"), primary_key=True),
    json_object("hours", optional=True),
    flag("paused", False),
    given_moment("paused_until", optional=True),
    line("pause_reason", optional=True),
    version(),
    columns.actor(),
    moment("updated_at"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_OPENING: Final = """
    SELECT hours, paused, paused_until, pause_reason, version, updated_at, actor FROM shop_opening WHERE id = 1
"""
OPENING: Final = Statement(_OPENING)
OPENING_FOR_UPDATE: Final = Statement(f"{_OPENING} @for_update")
# One question: each batch of orders asks it.
WITH_RULES: Final = Statement(f"""
    SELECT {", ".join(f"shop.{column}" for column in shop.COLUMNS)}, kept.hours, kept.paused, kept.paused_until,
      kept.pause_reason, kept.version, kept.updated_at, kept.actor
    FROM shop LEFT JOIN shop_opening AS kept ON kept.id = 1
""")
CHANGE: Final = Statement("""
    INSERT INTO shop_opening (id, hours, paused, paused_until, pause_reason, actor, updated_at)
    VALUES (1, :hours, :paused, :paused_until, :pause_reason, :actor, :updated_at)
    ON CONFLICT (id) DO UPDATE SET hours = excluded.hours, paused = excluded.paused,
      paused_until = excluded.paused_until, pause_reason = excluded.pause_reason, version = shop_opening.version + 1,
      actor = excluded.actor, updated_at = excluded.updated_at
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------


def _document(row: str) -> str:
    pairs = (
        f"'hours', @json_of({row}.hours), 'paused', @json_truth({row}.paused), 'pausedUntil', {row}.paused_until,"
        f" 'pauseReason', {row}.pause_reason"
    )
    return f"@json_text(@json_object({pairs}))"


_KIND: Final = ChangeKind.SHOP_OPENING_CHANGED
_CHANGED: Final = (
    # Of writers that do not count.
    cleandoc("""
        UPDATE shop_opening SET version = OLD.version + 1, actor = @external_actor, updated_at = @now
          WHERE id = NEW.id AND NEW.version <= OLD.version
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{_KIND}', {_ENTITY}, version, actor, NULL, updated_at, {_document("OLD")}, {_document("shop_opening")}
          FROM shop_opening WHERE id = NEW.id
    """),
)
_IS_CHANGED: Final = " OR ".join(
    f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in ("hours", "paused", "paused_until", "pause_reason")
)
_TRIGGERS: Final = (
    Trigger(
        "shop_opening_made",
        "AFTER INSERT",
        TABLE,
        (feed_row(_KIND, _ENTITY, version="NEW.version", at="NEW.updated_at", after=_document("NEW")),),
    ),
    Trigger("shop_opening_changed", "AFTER UPDATE", TABLE, _CHANGED, when=_IS_CHANGED),
    refused("shop_opening_kept", "DELETE", TABLE, "shop_opening_kept: hours and pause are changed, never deleted"),
)

NOUN: Final = Noun(
    name=TABLE,
    tables=(shop_opening,),
    statements=statements_in(globals()),
    triggers=_TRIGGERS,
    personal={TABLE: Impersonal("the shop's own hours")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------

ALWAYS_OPEN: Final = Opening()


def opening(transaction: Transaction) -> Opening:
    """The hours and the pause. A row that cannot be read closes nothing: it is told as damaged."""
    return _opening_in(transaction, transaction.one(OPENING))


def rules_and_opening(transaction: Transaction) -> tuple[Shop, Opening]:
    """The shop's rules, and whether it takes orders. Raises DamagedRow for the rules."""
    row = transaction.one(WITH_RULES)
    if row is None:
        return shop.rules(transaction), ALWAYS_OPEN
    rules, kept = row[: len(shop.COLUMNS)], row[len(shop.COLUMNS) :]
    return shop.decoded_rules(transaction, rules), _opening_in(transaction, None if kept[-1] is None else kept)


def _opening_in(transaction: Transaction, row: tuple[Any, ...] | None) -> Opening:
    if row is None:
        return ALWAYS_OPEN
    try:
        return transaction.decoded(row, _opening_of, TABLE, KEY)
    except DamagedRow:
        return ALWAYS_OPEN


def set_hours(
    transaction: Transaction, hours: WeekHours | None, *, expected_version: int, actor: Actor, now: Timestamp
) -> None:
    """Replace the hours. Raises EditConflict."""
    row = transaction.one(OPENING_FOR_UPDATE)
    before = _opening_in(transaction, row)
    if row is not None and before.version != expected_version:
        raise EditConflict("hours", before.version, expected_version, row[-1], row[-2])
    _save(transaction, msgspec.structs.replace(before, hours=hours), actor, now)


def pause(
    transaction: Transaction, until: Timestamp | None, reason: str | None, *, actor: Actor, now: Timestamp
) -> None:
    """Take no orders until then, or until somebody resumes. Whoever comes last decides."""
    before = _opening_in(transaction, transaction.one(OPENING_FOR_UPDATE))
    paused = msgspec.structs.replace(before, paused=True, paused_until=until, pause_reason=reason)
    _save(transaction, paused, actor, now)


def resume(transaction: Transaction, *, actor: Actor, now: Timestamp) -> None:
    """Take orders again; without effect where nothing is paused."""
    before = _opening_in(transaction, transaction.one(OPENING_FOR_UPDATE))
    if before.paused:
        resumed = msgspec.structs.replace(before, paused=False, paused_until=None, pause_reason=None)
        _save(transaction, resumed, actor, now)


def _save(transaction: Transaction, new: Opening, actor: Actor, now: Timestamp) -> None:
    transaction.run(
        CHANGE,
        hours=None if new.hours is None else msgspec.json.encode(new.hours).decode(),
        paused=int(new.paused),
        paused_until=new.paused_until,
        pause_reason=new.pause_reason,
        actor=str(actor),
        updated_at=now,
    )


# Cached: it changes seldom, and each order reads it.
@lru_cache(maxsize=4)
def _opening_of(row: tuple[Any, ...]) -> Opening:
    hours, paused, until, reason, version_, updated_at, _actor = row
    return Opening(
        hours=None if hours is None else msgspec.json.decode(hours, type=WeekHours),
        paused=bool(paused),
        paused_until=until,
        pause_reason=reason,
        version=version_,
        updated_at=updated_at,
    )
