"""Suggests a first mapping file for a database, by how Prisma, Django, Rails, Laravel and the like name things.

It is a beginning, to be read by a person: what it writes can be applied as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from ordercast.db.sql import literal, quoted

# Of frameworks: nobody wants to hear of those.
_NOT_THE_SHOPS: Final = re.compile(
    r"(?i)_prisma_migrations|django_.*|auth_(?!user$).*|account_email.*|socialaccount_.*|authtoken_.*|celery_.*"
    r"|schema_migrations|ar_internal_metadata|active_storage_.*|action_text_.*|migrations|failed_jobs|jobs|job_batches"
    r"|password_re.*|personal_access_tokens|cache(_locks)?|sessions?|knex_migrations.*|alembic_version|mikro_orm.*"
    r"|SequelizeMeta|sqlite_.*|ordercast_.*|typeorm_metadata|flyway_.*|databasechangelog.*"
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z_\W\d]+")
_KINDS: Final = {
    "order": ("order", "purchase", "sale"),
    "booking": ("booking", "appointment", "reservation"),
    "message": ("message", "comment"),
}
_OWNERS: Final = ("customer", "user", "buyer", "client", "patient", "member", "owner", "account", "placed by")
_VENDORS: Final = ("vendor", "store", "shop", "branch", "seller", "merchant", "restaurant", "location", "sales channel")
_STATUS: Final = ("status", "state", "order status", "booking status", "fulfillment status")
_PAYMENT: Final = ("payment status", "payment state", "financial status", "charge status", "is paid", "paid")
_TOTAL: Final = (
    "total", "total amount", "grand total", "total price", "amount", "total cents", "total gross amount",
    "total with tax", "sub total", "price",
)  # fmt: skip
_CREATED: Final = (
    "created at",
    "created",
    "date created gmt",
    "inserted at",
    "order placed at",
    "placed at",
    "date created",
    "order date",
    "date",
)
_NAME: Final = ("name", "customer name", "full name", "display name", "username", "first name")
_EMAIL: Final = ("email", "customer email", "user email", "email address", "billing email")
_MOBILE: Final = ("mobile", "phone", "phone number", "customer phone", "customer mobile", "mobile number")
_CONVERSATION: Final = ("conversation", "chat", "thread", "room", "channel")
STATES_SHOWN_MAX: Final = 20
Dialect: TypeAlias = Literal["postgresql", "sqlite", "mysql", "mongodb"]


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table of the database."""

    name: str
    """As the mapping names it."""
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By column: which table's column it names."""
    states: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By column: the values that its type has."""
    unheard: tuple[str, ...] = ()
    """Which changes of it fire no trigger in this database, a clause each."""


def words_of(name: str) -> str:
    """``customerId`` and ``customer_id`` as ``customer id``."""
    return " ".join(word.lower() for word in _WORD.findall(name))


def suggest(tables: Sequence[KnownTable], place: str, dialect: Dialect = "postgresql") -> str:
    """The text of a mapping file. `place` is shown of the database."""
    by_name = {table.name: table for table in tables}
    found = [(kind, table) for table in tables if (kind := _kind_of(table)) is not None]
    found.sort(key=lambda pair: (list(_KINDS).index(pair[0]), pair[1].name))
    sections = [_Section(kind, table, by_name, dialect).text() for kind, table in found]
    then = "check" if dialect == "mongodb" else "apply"
    what = "collection" if dialect == "mongodb" else "table"
    other = sorted(
        table.name
        for table in tables
        if table not in [each for _, each in found] and not _is_of_a_framework(table.name)
    )
    lines = [
        f"# A first mapping of {place}: read it, change it, then `ordercast attach --{then}`.",
        "# What each word means: docs/guides/attach.md",
        "",
        "[shop]",
        "built_in = false",
        "",
    ]
    if not sections:
        lines += [
            f"# No {what} looks like orders, bookings or messages. One of yours is told like this:",
            *_example(other),
        ]
    text = "\n".join(lines) + "\n" + "\n".join(sections)
    if other:
        text += f"\n# {what.capitalize()}s of which nothing is told: {', '.join(other)}\n"
    return text


def _example(tables: Sequence[str]) -> list[str]:
    table = tables[0] if tables else "things"
    return [
        "#", "# [[emit]]", f"# table = {_toml(table)}", '# on = ["insert", "update", "delete"]', '# event = "changed"',
        '# rooms = ["store-owners"]',
    ]  # fmt: skip


def _is_of_a_framework(name: str) -> bool:
    return _NOT_THE_SHOPS.fullmatch(name.rpartition(".")[2]) is not None


def _kind_of(table: KnownTable) -> str | None:
    """What its rows are, by the last word of its name: an order's items are no orders."""
    if _is_of_a_framework(table.name) or len(table.columns) < 3:
        return None
    words = words_of(table.name.rpartition(".")[2]).split()
    last = _singular(words[-1]) if words else ""
    return next((kind for kind, names in _KINDS.items() if last in names), None)


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


class _Section:
    def __init__(self, kind: str, table: KnownTable, tables: dict[str, KnownTable], dialect: Dialect) -> None:
        self._kind = kind
        self._table = table
        self._tables = tables
        self._dialect = dialect

    def text(self) -> str:
        maker = {"order": self._orders, "booking": self._bookings, "message": self._messages}[self._kind]
        return "\n".join((*(f"# Note: {clause}." for clause in self._table.unheard), *maker()))

    # --- Columns ----------------------------------------------------------------------------------------------------

    def _column(self, names: Iterable[str], table: KnownTable | None = None) -> str | None:
        columns = {words_of(column): column for column in (table or self._table).columns}
        return next((columns[name] for name in names if name in columns), None)

    def _owner(self) -> str | None:
        return self._column(f"{name}{rest}" for name in _OWNERS for rest in (" id", "", " uuid"))

    def _owners_table(self) -> KnownTable | None:
        owner = self._owner()
        reference = self._table.references.get(owner or "")
        return None if reference is None else self._tables.get(reference[0])

    def _rooms(self) -> str:
        rooms = ["store-owners"]
        if (owner := self._owner()) is not None:
            rooms.append(f"customer_{self._braced(owner)}")
        vendor = self._column(f"{name}{rest}" for name in _VENDORS for rest in (" id", ""))
        beside = "" if vendor is None else f'   # and of one vendor alone: "vendor_{self._braced(vendor)}"'
        return f"rooms = [{', '.join(map(_toml, rooms))}]{beside}"

    def _braced(self, column: str) -> str:
        return "{" + self._within_braces(column) + "}"

    def _within_braces(self, column: str) -> str:
        plain = r"[\w ]+(?:\.[\w ]+)*" if self._dialect == "mongodb" else r"[\w ]+"
        return column if re.fullmatch(plain, column) and column not in {"old", "new", "view"} else f'"{column}"'

    def _field(self, *names: str) -> str | None:
        column = self._column(names)
        return None if column is None else _toml(self._braced(column))

    def _persons(self, *names: str) -> str | None:
        """A column of the row, or of the person that it names."""
        own, person = self._field(*names), self._owners_table()
        if own is not None or person is None:
            return own
        column = self._column(names, person)
        return None if column is None else _toml("{customer." + self._within_braces(column) + "}")

    def _person_sql(self, lines: Iterable[str]) -> Iterator[str]:
        """What the lines before it name of a person."""
        written = list(lines)
        yield from written
        owner, person = self._owner(), self._owners_table()
        if owner is None or person is None or not any("{customer." in line for line in written):
            return
        (_, column) = self._table.references[owner]
        schema, _, name = person.name.rpartition(".")
        shown = f"{self._quoted(schema)}.{self._quoted(name)}" if schema else self._quoted(name)
        row = "to_json(c)"
        if self._dialect != "postgresql":
            wanted = sorted({*person.columns} & set(re.findall(r"\{customer\.\"?([^}\"]+)\"?\}", "\n".join(written))))
            row = f"json_object({', '.join(f'{literal(each)}, c.{self._quoted(each)}' for each in wanted)})"
        yield "[emit.sql]"
        sql = f"SELECT {row} FROM {shown} c WHERE c.{self._quoted(column)} = NEW.{self._quoted(owner)}"
        yield f"customer = {_toml(sql)}"

    def _billing(self) -> KnownTable | None:
        """The billing addresses of WooCommerce's orders, which have the names and telephones."""
        name = self._table.name
        known = self._tables.get(f"{name.removesuffix('orders')}order_addresses")
        wanted = {"order_id", "address_type", "first_name", "last_name", "phone"}
        if known is None or self._dialect != "mysql" or not name.endswith("wc_orders"):
            return None
        return known if wanted <= {*known.columns} else None

    def _billing_sql(self, lines: Iterable[str]) -> Iterator[str]:
        yield from lines
        billing = self._billing()
        if billing is not None:
            row = "JSON_OBJECT('name', TRIM(CONCAT_WS(' ', a.first_name, a.last_name)), 'phone', a.phone)"
            yield "[emit.sql]"
            shown = ".".join(map(self._quoted, billing.name.split(".")))
            sql = f"SELECT {row} FROM {shown} a WHERE a.order_id = NEW.id AND a.address_type = 'billing'"
            yield f"billing = {_toml(sql)}"

    def _quoted(self, name: str) -> str:
        return f"`{name.replace('`', '``')}`" if self._dialect == "mysql" else quoted(name)

    # --- Events -----------------------------------------------------------------------------------------------------

    def _head(self, event: str, on: str, *more: str) -> list[str]:
        return [
            "[[emit]]", f"table = {_toml(self._table.name)}", f"on = {_toml(on)}", *more, f"event = {_toml(event)}",
            self._rooms(),
        ]  # fmt: skip

    def _id(self) -> str:
        key = self._table.key or self._table.columns[:1]
        return _toml("-".join(map(self._braced, key)))

    def _orders(self) -> Iterator[str]:
        yield from self._person_sql(self._placed()) if self._billing() is None else self._billing_sql(self._placed())
        yield ""
        yield from self._moved("orderStatusUpdated", "orderId", "an order")

    def _placed(self) -> Iterator[str]:
        yield "# A new order, as shops' admin pages read it: the fields that were not found are left out."
        yield from self._head("new_order", "insert")
        yield "[emit.payload]"
        yield 'type = "new_order"'
        yield "[emit.payload.order]"
        fields = {
            "id": self._id(),
            "status": self._field(*_PAYMENT) or self._field(*_STATUS),
            "total": self._field(*_TOTAL),
            "customerName": self._persons(*_NAME) if self._billing() is None else _toml("{billing.name}"),
            "createdAt": self._field(*_CREATED),
            "mobile": self._persons(*_MOBILE) if self._billing() is None else _toml("{billing.phone}"),
            "customer_email": self._persons(*_EMAIL),
        }
        yield from (f"{name} = {value}" for name, value in fields.items() if value is not None)

    def _moved(self, event: str, id_name: str, what: str) -> Iterator[str]:
        status = self._column(_STATUS)
        if status is None:
            return
        states = self._table.states.get(status, ())[:STATES_SHOWN_MAX]
        known = f" Its states: {', '.join(states)}." if states else ""
        yield f"# {what.capitalize()} comes into another state.{known}"
        yield from self._head(event, "update", f"changed = [{_toml(status)}]")
        old = "{old." + self._within_braces(status) + "}"
        new = _toml(self._braced(status))
        yield f"payload = {{ {id_name} = {self._id()}, oldStatus = {_toml(old)}, newStatus = {new} }}"
        yield ""

    def _bookings(self) -> Iterator[str]:
        yield "# A new booking, with the whole row."
        yield from self._head("new_booking", "insert")
        yield 'payload = "{*}"'
        yield ""
        yield "# A booking was changed."
        yield from self._head("booking_update", "update")
        yield 'payload = "{*}"'
        yield ""

    def _messages(self) -> Iterator[str]:
        yield "# Somebody has written."
        head = self._head("message", "insert")
        conversation = self._column(f"{name}{rest}" for name in _CONVERSATION for rest in (" id", ""))
        if conversation is not None:
            head[-1] = f"rooms = [{_toml('conversation_' + self._braced(conversation))}]"
        yield from head
        yield 'payload = "{*}"'
        yield ""


def _toml(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)
