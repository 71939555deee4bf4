"""What tables are made of. Every default serves a plain INSERT by another program as well as ours. SQL has macros."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import OrderedSet

from ordercast.commerce.money import AMOUNT_MAX
from ordercast.db.dialects import DIALECTS, Dialect
from ordercast.db.sql import expand

from . import domains
from .domains import Domain, Integer, Json, JsonAsSent, Real

metadata: Final = MetaData()

# --- What the databases say differently -------------------------------------------------------------------------------


class Said(ColumnElement[Any]):
    """An expression that each database has its own words for."""

    inherit_cache = False

    def __init__(self, say: Callable[[Dialect], str]) -> None:
        self.say = say


@compiles(Said)
def _say(said: Said, compiler: SQLCompiler, **_: Any) -> str:
    return said.say(DIALECTS[compiler.dialect.name])


class _SqliteCheck(CheckConstraint):
    """PostgreSQL has a type or a domain for it."""


@compiles(_SqliteCheck, "postgresql")
def _no_check(*_: Any, **__: Any) -> str:
    return ""


DOMAIN: Final = "domain"
"""Where a column's `info` has its domain."""

EMPTIED: Final = "may_be_emptied"
ROWS: Final = "rows"
"""Where an index's `info` has the condition of its rows; None for all."""

NOW: Final = Said(lambda dialect: f"({dialect.now})")
EXTERNAL_ACTOR: Final = Said(lambda dialect: dialect.external_actor)


def new_id(prefix: str) -> Said:
    return Said(lambda dialect: f"({dialect.new_id(prefix)})")


def words(sql_text: str) -> Said:
    """SQL whose macros each database has its own words for."""
    return Said(lambda dialect: expand(sql_text, dialect))


# --- Tables -----------------------------------------------------------------------------------------------------------


def table(
    name: str,
    *parts: SchemaItem,
    rowid: bool = True,
    autoincrement: bool = False,
    by_triggers: bool = False,
    may_be_emptied: bool = False,
    metadata: MetaData = metadata,
) -> Table:
    """A table; in SQLite kept by its primary key where it has no `rowid`. With `autoincrement` a number that was given
    out is never given again, not even when the newest rows were removed.

    What triggers alone fill (`by_triggers`), from what was checked, PostgreSQL asks no more, for every order writes
    such rows; but of those that somebody writes by hand. See ``postgresql.by_hand``.

    What is forgotten by age, or made anew, `may_be_emptied` by hand; any other table PostgreSQL keeps from TRUNCATE.
    """
    made = Table(name, metadata, *parts, sqlite_with_rowid=rowid, sqlite_autoincrement=autoincrement)
    made.info[EMPTIED] = may_be_emptied
    if by_triggers:
        written_by_triggers(made)
    complete(made)
    return made


def names_of(made: Table) -> list[str]:
    """The names of a table's columns, in their order."""
    return [column.name for column in made.columns]


def check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(words(condition) if "@" in condition else condition, name=name)


def unique(name: str, *columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns, name=name)


def index(name: str, *columns: str, unique: bool = False, where: str | None = None) -> Index:
    """An index, perhaps `where` of some rows only, and of what is worked out of a column."""
    parts = [sql(column) if "(" in column else column for column in columns]
    # Not `sqlite_where` and `postgresql_where`: SQLAlchemy would load all that it knows of the databases.
    return Index(name, *parts, unique=unique, info={ROWS: where})


def references(column: str, *, ondelete: str | None = None) -> ForeignKey:
    return ForeignKey(column, ondelete=ondelete)


# --- Columns and their rules ------------------------------------------------------------------------------------------


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    # Not IN: SQLite would build the list as a table at every statement. The most usual name comes first.
    return CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=f"{column}_known")


def of(
    domain: Domain,
    name: str,
    *items: SchemaItem,
    default: ColumnElement[Any] | str | int | None = None,
    optional: bool = False,
    primary_key: bool = False,
    unique: bool | None = None,
) -> Column[Any]:
    """A column of that domain; NOT NULL unless it is `optional`."""
    check = _SqliteCheck(domain.check(name), name=f"{name}_is_{domain.name}")
    return Column(
        name,
        domain.type,
        *items,
        check,
        info={DOMAIN: domain},
        primary_key=primary_key,
        nullable=optional and not primary_key,
        unique=unique,
        server_default=sql(str(default)) if isinstance(default, int) else default,
    )


def written_by_triggers(table: Table) -> Table:
    """A table that triggers alone fill, from what was checked: PostgreSQL asks no more of their rows, which every order
    writes, but of those that somebody writes by hand. See ``postgresql.by_hand``.
    """
    for column in table.columns:
        if (domain := column.info.get(DOMAIN)) is not None:
            column.type = domain.bare
    return table


def identifier(name: str, *items: SchemaItem, prefix: str | None = None, **options: Any) -> Column[str]:
    """An id; with a `prefix`, one that the database makes where none is given."""
    return of(domains.ID, name, *items, default=None if prefix is None else new_id(prefix), **options)


def word(name: str, *items: SchemaItem, **options: Any) -> Column[str]:
    """One of our own names."""
    return of(domains.WORD, name, *items, **options)


def line(name: str, *items: SchemaItem, **options: Any) -> Column[str]:
    """A short text: a name, an address, a key."""
    return of(domains.LINE, name, *items, **options)


def text(name: str, **options: Any) -> Column[str]:
    """A text of a few sentences."""
    return of(domains.TEXT, name, **options)


def document(name: str, *, optional: bool = False) -> Column[str]:
    """A document as it is told or answered."""
    return of(domains.TOLD, name, optional=optional)


def actor(*, given: bool = False) -> Column[str]:
    """Who made the change; another program, where nobody says so and it need not be `given`."""
    return line("actor", default=None if given else EXTERNAL_ACTOR)


def reason() -> Column[str]:
    return line("reason", optional=True)


def currency(default: str | None = None) -> Column[str]:
    return of(domains.CURRENCY, "currency", default=default)


def moment(name: str) -> Column[str]:
    """A moment; that of the writing, where none is given."""
    return of(domains.MOMENT, name, default=NOW)


def given_moment(name: str, *, optional: bool = False) -> Column[str]:
    return of(domains.MOMENT, name, optional=optional)


def count(name: str, *items: SchemaItem, default: int | None = 0, **options: Any) -> Column[int]:
    return of(domains.COUNT, name, *items, default=default, **options)


def tally(name: str) -> Column[int]:
    """A count that a trigger has more to say of, which PostgreSQL asks after domains and before CHECKs."""
    check = CheckConstraint(f"{name} BETWEEN 0 AND {domains.COUNT_MAX}", name=f"{name}_is_count")
    return Column(name, Integer, check, nullable=False, server_default=sql("0"))


def version(default: int | None = 1) -> Column[int]:
    return of(domains.VERSION, "version", default=default)


def amount(name: str, default: int | None = 0, *, optional: bool = False) -> Column[int]:
    """Minor units of a currency; see `complete` for the other end."""
    check = CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative")
    server_default = None if default is None else sql(str(default))
    return Column(name, Integer, check, nullable=optional, server_default=server_default, info={"is_amount": True})


def complete(table: Table) -> None:
    """Add what the table's columns say together; called once, when all of them are there."""
    # Without it SQLite keeps a text where a number belongs. Known since its version 3.37.
    table.dialect_options["sqlite"]["strict"] = True
    for column in table.columns:
        # A set is written in any order, and the script of a migration must not change by itself.
        column.constraints = OrderedSet(sorted(column.constraints, key=lambda constraint: str(constraint.name)))
    # One rule for all amounts: PostgreSQL reads each anew for every statement.
    names = [column.name for column in table.columns if column.info.get("is_amount")]
    if names:
        within = " AND ".join(f"{name} <= {AMOUNT_MAX}" for name in names)
        table.append_constraint(CheckConstraint(within, name="amounts_within_bounds"))


def flag(name: str, default: bool) -> Column[int]:
    check = CheckConstraint(f"{name} = 0 OR {name} = 1", name=f"{name}_is_flag")
    return Column(name, Integer, check, nullable=False, server_default=sql(str(int(default))))


def integer(
    name: str,
    *parts: SchemaItem,
    default: int | str | None = None,
    optional: bool = False,
    primary_key: bool = False,
    unique: bool | None = None,
    numbered: bool = False,
) -> Column[int]:
    """A whole number of which no domain says more; as a key the database itself may have `numbered` the rows by it."""
    server_default = words(default) if isinstance(default, str) else None if default is None else sql(str(default))
    return Column(
        name,
        Integer,
        *parts,
        nullable=optional and not primary_key,
        server_default=server_default,
        primary_key=primary_key,
        unique=unique,
        autoincrement=numbered,
    )


def real(name: str, *parts: SchemaItem) -> Column[float]:
    return Column(name, Real, *parts)


def entry_id(name: str) -> Column[int]:
    """The row's own number, as `entry`, of a table that is PostgreSQL's alone."""
    return Column(name, Integer, Identity(always=True), primary_key=True)


def numbered(name: str) -> Column[int]:
    """A number of the row's own that people say aloud, in the order of writing; whoever writes a row may give one."""
    positive = CheckConstraint(f"{name} > 0", name=f"{name}_positive")
    return Column(name, Integer, Identity(), positive, primary_key=True)


def entry() -> Column[int]:
    """The row's own number, in the order of writing."""
    positive = CheckConstraint("entry > 0", name="entry_positive")
    return Column("entry", Integer, Identity(always=True), positive, primary_key=True)


def degrees(name: str, most: int) -> Column[float]:
    return Column(name, Real, CheckConstraint(f"{name} BETWEEN -{most} AND {most}", name=f"{name}_bounds"))


def json_object(name: str, default: str | None = None, *, optional: bool = False) -> Column[str]:
    return of(domains.OBJECT, name, _is_json(name), default=default, optional=optional)


def json_array(name: str) -> Column[str]:
    return of(domains.ARRAY, name, _is_json(name), default="[]")


def json_array_as_sent(name: str) -> Column[str]:
    """To the letter, as it was sent."""
    is_array = CheckConstraint(Said(lambda dialect: dialect.is_array(name)), name=f"{name}_is_array")
    bytes_max = domains.DOCUMENT_BYTES_MAX
    within = Said(lambda dialect: f"{dialect.bytes_of(name)} <= {bytes_max}")
    is_short = CheckConstraint(within, name=f"{name}_is_short")
    return Column(name, JsonAsSent, is_array, is_short, nullable=False, server_default="[]")


def json_value(name: str) -> Column[str]:
    """Any JSON, or none."""
    bytes_max = domains.DOCUMENT_BYTES_MAX
    within = Said(lambda dialect: f"{dialect.bytes_of(name)} <= {bytes_max}")
    return Column(
        name,
        Json,
        _is_json(name),
        CheckConstraint(within, name=f"{name}_is_short"),
        nullable=True,
        info={"is_json": True},
    )


def _is_json(name: str) -> CheckConstraint:
    # Older SQLite calls NULL invalid.
    return _SqliteCheck(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")
