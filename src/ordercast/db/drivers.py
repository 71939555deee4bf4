"""Drivers: accounts of that role, as the shop chooses among them."""

from __future__ import annotations

from msgspec import Struct

from .transaction import Transaction


class Driver(Struct, frozen=True):
    id: str
    name: str
    active: bool


def find(transaction: Transaction, driver_id: str) -> Driver | None:
    row = transaction.one(transaction.sql.people.driver, id=driver_id)
    return None if row is None else Driver(row[0], row[1], bool(row[2]))


def page(transaction: Transaction, after: str, limit: int) -> list[Driver]:
    """The next drivers by id after `after` ("" for the first)."""
    rows = transaction.all(transaction.sql.people.drivers_after, after=after, limit=limit)
    return [Driver(id_, name, bool(active)) for id_, name, active in rows]
