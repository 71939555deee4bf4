"""The building blocks of tables. Defaults also serve plain INSERTs of other programs. SQL has macros.

Plain values, as every start reads them: ``ddl`` makes SQLAlchemy tables of them when a schema is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import Any, TypeAlias

from ordercast.commerce.money import AMOUNT_MAX

from . import domains
from .domains import Domain, Kind


class Numbering(Enum):
    """How a key is numbered."""

    ALWAYS = auto()
    """By the database only."""
    BY_DEFAULT = auto()
    """By the database, unless the writer gives a number."""
    IN_SQLITE = auto()
    """SQLite only; PostgreSQL has another key, see ``feed``."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    condition: str
    only: str | None = None
    """The only dialect that needs it; the other has a type or domain."""


@dataclass(frozen=True, slots=True)
class References:
    column: str
    ondelete: str | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    columns: tuple[str, ...]
    unique: bool
    where: str | None
    """The condition of a partial index."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    domain: Domain | None = None
    checks: tuple[Check, ...] = ()
    references: References | None = None
    default: str | None = None
    """The default, as SQL."""
    default_sql: str | None = None
    is_optional: bool = False
    is_key: bool = False
    is_unique: bool = False
    is_amount: bool = False
    has_bare_type: bool = False
    """Whether PostgreSQL uses the bare type, without the domain's condition."""
    numbering: Numbering | None = None


Part: TypeAlias = Column | Check | Unique | Index


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    name: str
    parts: tuple[Part, ...]
    """In declaration order."""
    has_rowid: bool
    autoincrement: bool
    may_be_emptied: bool
    columns: Mapping[str, Column]
    amounts: Check | None
    """The upper bound of all amounts, as one check: PostgreSQL parses each anew for every statement."""

    def __repr__(self) -> str:
        return f"<Table {self.name}>"

    @property
    def key(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns.values() if column.is_key)

    @property
    def indexes(self) -> tuple[Index, ...]:
        return tuple(part for part in self.parts if isinstance(part, Index))

    @property
    def checks(self) -> tuple[Check, ...]:
        """The table's checks and its columns'."""
        of_columns = (check for column in self.columns.values() for check in column.checks)
        own = (part for part in (*self.parts, self.amounts) if isinstance(part, Check))
        return (*of_columns, *own)

    @property
    def needs(self) -> frozenset[str]:
        """The referenced tables."""
        found = (column.references for column in self.columns.values())
        return frozenset(each.column.partition(".")[0] for each in found if each is not None)


# --- Tables -----------------------------------------------------------------------------------------------------------


def table(
    name: str,
    *parts: Part,
    rowid: bool = True,
    autoincrement: bool = False,
    by_triggers: bool = False,
    may_be_emptied: bool = False,
) -> Table:
    """Declare a table; without `rowid`, SQLite clusters it by the primary key. With `autoincrement` numbers are never
    reused, even after the newest rows were deleted.

    For tables filled `by_triggers` from checked values, PostgreSQL skips checks, as every order writes such rows; rows
    written by hand are checked, see ``postgresql.by_hand``.

    `may_be_emptied` tables may be truncated by hand; PostgreSQL refuses TRUNCATE of others.
    """
    made = tuple(
        replace(part, has_bare_type=by_triggers and part.domain is not None) if isinstance(part, Column) else part
        for part in parts
    )
    columns = {part.name: part for part in made if isinstance(part, Column)}
    within = " AND ".join(f"{column.name} <= {AMOUNT_MAX}" for column in columns.values() if column.is_amount)
    amounts = Check("amounts_within_bounds", within) if within else None
    return Table(name, made, rowid, autoincrement, may_be_emptied, columns, amounts)


def check(name: str, condition: str) -> Check:
    return Check(name, condition)


def unique(name: str, *columns: str) -> Unique:
    return Unique(name, columns)


def index(name: str, *columns: str, unique: bool = False, where: str | None = None) -> Index:
    """Declare an index, perhaps partial (`where`) or on expressions."""
    return Index(name, columns, unique, where)


def references(column: str, *, ondelete: str | None = None) -> References:
    return References(column, ondelete)


def one_of(column: str, values: Iterable[StrEnum]) -> Check:
    # Not IN: SQLite would build a table at every statement. Order the values by frequency.
    return Check(f"{column}_known", " OR ".join(f"{column} = '{value}'" for value in values))


# --- Columns of a domain ----------------------------------------------------------------------------------------------


def of(
    domain: Domain,
    name: str,
    *rules: Check | References,
    default: str | int | None = None,
    default_sql: str | None = None,
    optional: bool = False,
    primary_key: bool = False,
    unique: bool = False,
) -> Column:
    """Declare a column of a domain; NOT NULL unless `optional`."""
    own = Check(f"{name}_is_{domain.name}", domain.check(name), only="sqlite")
    return Column(
        name,
        domain.kind,
        domain,
        _checks(*rules, own),
        _reference(rules),
        default if isinstance(default, str) else None,
        str(default) if isinstance(default, int) else default_sql,
        is_optional=optional and not primary_key,
        is_key=primary_key,
        is_unique=unique,
    )


def _checks(*rules: Check | References) -> tuple[Check, ...]:
    # Sorted by name, so that the schema is stable.
    return tuple(sorted((rule for rule in rules if isinstance(rule, Check)), key=lambda rule: rule.name))


def _reference(rules: Iterable[Check | References]) -> References | None:
    return next((rule for rule in rules if isinstance(rule, References)), None)


def identifier(name: str, *rules: Check | References, prefix: str | None = None, **options: Any) -> Column:
    """An id; with a `prefix`, generated by default."""
    return of(domains.ID, name, *rules, default_sql=None if prefix is None else f"(@new_id({prefix}))", **options)


def word(name: str, *rules: Check | References, **options: Any) -> Column:
    """A name of ours, such as a state."""
    return of(domains.WORD, name, *rules, **options)


def line(name: str, *rules: Check | References, **options: Any) -> Column:
    """A short text, such as a name or address."""
    return of(domains.LINE, name, *rules, **options)


def text(name: str, **options: Any) -> Column:
    """A text of a few sentences."""
    return of(domains.TEXT, name, **options)


def document(name: str, *, optional: bool = False) -> Column:
    """A JSON document."""
    return of(domains.TOLD, name, optional=optional)


def actor(*, given: bool = False) -> Column:
    """The actor of a change; another program by default, unless it must be `given`."""
    return line("actor", default_sql=None if given else "@external_actor")


def reason() -> Column:
    return line("reason", optional=True)


def currency(default: str | None = None) -> Column:
    return of(domains.CURRENCY, "currency", default=default)


def moment(name: str) -> Column:
    """A timestamp; now by default."""
    return of(domains.MOMENT, name, default_sql="(@now)")


def given_moment(name: str, *, optional: bool = False) -> Column:
    return of(domains.MOMENT, name, optional=optional)


def count(name: str, *rules: Check | References, default: int | None = 0, **options: Any) -> Column:
    return of(domains.COUNT, name, *rules, default=default, **options)


def version(default: int | None = 1) -> Column:
    return of(domains.VERSION, "version", default=default)


def json_object(name: str, default: str | None = None, *, optional: bool = False) -> Column:
    return of(domains.OBJECT, name, _is_json(name), default=default, optional=optional)


def json_array(name: str) -> Column:
    return of(domains.ARRAY, name, _is_json(name), default="[]")


# --- Other columns ----------------------------------------------------------------------------------------------------


def integer(
    name: str,
    *rules: Check | References,
    default: int | str | None = None,
    optional: bool = False,
    primary_key: bool = False,
    unique: bool = False,
    numbering: Numbering | None = None,
) -> Column:
    """An integer without a domain. A text as default is SQL."""
    return Column(
        name,
        Kind.INTEGER,
        checks=_checks(*rules),
        references=_reference(rules),
        default_sql=None if default is None else str(default),
        is_optional=optional and not primary_key,
        is_key=primary_key,
        is_unique=unique,
        numbering=numbering,
    )


def entry() -> Column:
    """The row's number, in insertion order."""
    return integer("entry", Check("entry_positive", "entry > 0"), primary_key=True, numbering=Numbering.ALWAYS)


def numbered(name: str) -> Column:
    """A number that people use, in insertion order; writers may give one."""
    positive = Check(f"{name}_positive", f"{name} > 0")
    return integer(name, positive, primary_key=True, numbering=Numbering.BY_DEFAULT)


def tally(name: str) -> Column:
    """A count that is also checked by a trigger, which PostgreSQL runs between domains and CHECKs."""
    return integer(name, Check(f"{name}_is_count", f"{name} BETWEEN 0 AND {domains.COUNT_MAX}"), default=0)


def flag(name: str, default: bool) -> Column:
    return integer(name, Check(f"{name}_is_flag", f"{name} = 0 OR {name} = 1"), default=int(default))


def amount(name: str, default: int | None = 0, *, optional: bool = False) -> Column:
    """An amount in minor units; `table` has the upper bound."""
    not_negative = Check(f"{name}_not_negative", f"{name} >= 0")
    return replace(integer(name, not_negative, default=default, optional=optional), is_amount=True)


def real(name: str, *rules: Check) -> Column:
    return Column(name, Kind.REAL, checks=_checks(*rules), is_optional=True)


def degrees(name: str, most: int) -> Column:
    return real(name, Check(f"{name}_bounds", f"{name} BETWEEN -{most} AND {most}"))


def json_array_as_sent(name: str) -> Column:
    """A JSON array, stored verbatim."""
    is_array = Check(f"{name}_is_array", f"@is_array({name})")
    return Column(name, Kind.JSON_AS_SENT, checks=_checks(is_array, _is_short(name)), default="[]")


def json_value(name: str) -> Column:
    """Any JSON, or NULL."""
    return Column(name, Kind.JSON, checks=_checks(_is_json(name), _is_short(name)), is_optional=True)


def _is_short(name: str) -> Check:
    return Check(f"{name}_is_short", f"@bytes_of({name}) <= {domains.DOCUMENT_BYTES_MAX}")


def _is_json(name: str) -> Check:
    # Older SQLite calls NULL invalid.
    return Check(f"{name}_is_json", f"{name} IS NULL OR json_valid({name})", only="sqlite")
