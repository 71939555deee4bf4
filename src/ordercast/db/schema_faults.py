"""Finds what is missing from the schema: dropped by hand, or a migration of another revision."""

from __future__ import annotations

from functools import cache
from typing import Final

from .dialects import Dialect
from .nouns import TABLES, tables
from .transaction import Transaction
from .triggers import missing_triggers

# Faults listed at most.
NAMED_MAX: Final = 5


def schema_faults(transaction: Transaction, dialect: Dialect) -> list[str]:
    """One sentence for each missing object, or one that this role may not use."""
    triggers = missing_triggers(transaction.all(dialect.triggers_at_work), dialect)
    faults = [f"The trigger {name} is missing or disabled: what it tells of is lost." for name in triggers]
    columns = {name for (name,) in transaction.all(dialect.columns_there)}
    missing = sorted(_columns(dialect) - columns)
    there = {name.partition(".")[0] for name in columns}
    gone = sorted({name.partition(".")[0] for name in missing} - there)
    faults += [f"The table {name} is missing." for name in gone[:NAMED_MAX]]
    less = [name for name in missing if name.partition(".")[0] in there]
    faults += [f"The column {name} is missing." for name in less[:NAMED_MAX]]
    indexes = {name for (name,) in transaction.all(dialect.indexes_there)}
    for name, table in sorted(_unique_indexes(dialect).items()):
        if name not in indexes and table in there:
            faults.append(f"The unique index {name} is missing: changes of {table} may fail.")
    if dialect.tables_refused is not None:
        refused = {name for (name,) in transaction.all(dialect.tables_refused)} & {table.name for table in TABLES}
        faults += [f"This node's role may not read and write {name}." for name in sorted(refused)[:NAMED_MAX]]
    return faults


@cache
def _columns(dialect: Dialect) -> frozenset[str]:
    return frozenset(f"{table.name}.{name}" for table in tables(dialect) for name in table.columns)


@cache
def _unique_indexes(dialect: Dialect) -> dict[str, str]:
    del dialect
    return {index.name: table.name for table in TABLES for index in table.indexes if index.unique}
