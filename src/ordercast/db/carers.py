"""Carers: accounts of that role, with working hours.

A carer's row serializes their bookings: each that takes or frees time increments its `diary`, so no two are decided
concurrently, on any node or by any program (see ``bookings.triggers``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict, NotFound
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.services import Carer
from ordercast.commerce.slots import WeekHours
from ordercast.commerce.timestamps import Timestamp

from . import columns
from .columns import count, identifier, json_array, json_object, moment, table, version
from .lenient_json import read_json
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "carers"

carers = table(
    TABLE,
    # No foreign key, as for customers: a booked carer may have lost the account.
    identifier("carer_id", primary_key=True),
    json_object("hours", "{}"),
    json_array("days_off"),
    version(),
    count("diary"),
    columns.actor(),
    moment("updated_at"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

_CARER: Final = f"""
    SELECT accounts.id, accounts.name, accounts.active, carers.hours, carers.days_off, carers.version
    FROM accounts LEFT JOIN carers ON carers.carer_id = accounts.id
    WHERE accounts.role = '{Role.CARER}'
"""
BY_ID: Final = Statement(f"{_CARER} AND accounts.id = :id")
BY_IDS: Final = Statement(f"{_CARER} AND accounts.id IN (@json_texts(:ids))")
AFTER: Final = Statement(f"{_CARER} AND accounts.id > :after ORDER BY accounts.id LIMIT :limit")
# Locked in one order, against deadlocks.
HOLD: Final = Statement("""
    SELECT carer_id FROM carers WHERE carer_id IN (@json_texts(:ids)) ORDER BY carer_id @for_update
""")
ENSURE: Final = Statement("INSERT INTO carers (carer_id) VALUES (:carer_id) ON CONFLICT (carer_id) DO NOTHING")
SEED: Final = Statement("""
    INSERT INTO carers (carer_id, hours, actor, updated_at) VALUES (:carer_id, :hours, :actor, :updated_at)
    ON CONFLICT (carer_id) DO NOTHING
""")
LAST_EDIT: Final = Statement("SELECT actor, updated_at FROM carers WHERE carer_id = :carer_id")
CHANGE: Final = Statement("""
    UPDATE carers SET hours = :new_hours, days_off = :new_days_off, version = version + 1, actor = :new_actor,
      updated_at = :new_updated_at
    WHERE carer_id = :of_carer
""")

NOUN: Final = Noun(
    name="carers",
    tables=(carers,),
    statements=statements_in(globals()),
    personal={"carers": Impersonal("when the shop's carers work")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def find(transaction: Transaction, carer_id: str) -> Carer | None:
    return transaction.read_one(BY_ID, _carer_of, "accounts", id=carer_id)


def page(transaction: Transaction, after: str, limit: int) -> list[Carer]:
    """A page of carers by id after `after` ("" for the first)."""
    return transaction.page(AFTER, _carer_of, "accounts", after=after, limit=limit)


def known(transaction: Transaction, carer_ids: Iterable[str]) -> dict[str, Carer]:
    """The existing ones, by id."""
    found = transaction.read(BY_IDS, _carer_of, "accounts", ids=_json(list(carer_ids)))
    return {carer.id: carer for carer in sorted(found, key=lambda carer: carer.id)}


def hold(transaction: Transaction, carer_ids: Iterable[str]) -> None:
    """Lock these carers until the commit."""
    ids = sorted(set(carer_ids))
    held = {carer_id for (carer_id,) in transaction.all(HOLD, ids=_json(ids))}
    missing = [carer_id for carer_id in ids if carer_id not in held]
    for carer_id in missing:
        transaction.run(ENSURE, carer_id=carer_id)
    if missing:
        transaction.all(HOLD, ids=_json(ids))


def seed(transaction: Transaction, carer_id: str, hours: WeekHours, actor: Actor, now: Timestamp) -> None:
    """Set the working hours of a carer who has none yet."""
    transaction.run(SEED, carer_id=carer_id, hours=_json(hours), actor=str(actor), updated_at=now)


def change(
    transaction: Transaction,
    carer_id: str,
    *,
    hours: WeekHours | None,
    days_off: list[str] | None,
    expected_version: int | None,
    actor: Actor,
    now: Timestamp,
) -> Carer:
    """Change working hours; bookings stay. Raises NotFound, EditConflict."""
    hold(transaction, [carer_id])
    before = find(transaction, carer_id)
    if before is None:
        raise NotFound("carer")
    if expected_version is not None and before.version != expected_version:
        row = transaction.one(LAST_EDIT, carer_id=carer_id)
        raise EditConflict("carer", before.version, expected_version, *(row or ("", "")))
    after = msgspec.structs.replace(
        before,
        hours=before.hours if hours is None else hours,
        days_off=before.days_off if days_off is None else sorted(set(days_off)),
    )
    if after == before:
        return before
    transaction.run(
        CHANGE,
        of_carer=carer_id,
        new_hours=_json(after.hours),
        new_days_off=_json(after.days_off),
        new_actor=str(actor),
        new_updated_at=now,
    )
    return msgspec.structs.replace(after, version=before.version + 1)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _carer_of(row: tuple[Any, ...]) -> Carer:
    id_, name, active, hours, days_off, version_ = row
    return Carer(
        id_,
        name,
        bool(active),
        WeekHours() if hours is None else msgspec.convert(read_json(hours), WeekHours),
        [] if days_off is None else msgspec.convert(read_json(days_off), list[str]),
        1 if version_ is None else version_,
    )
