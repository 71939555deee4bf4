"""Finding, showing and erasing what is known of one customer: made from the table of holdings."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update

from ordercast.commerce.states import OrderStatus
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import dialects
from ordercast.db.columns import names
from ordercast.db.dialects import Dialect
from ordercast.db.personal import HOLDINGS, KNOWN_BY, Holding
from ordercast.db.schema import erasures, feed, feed_to_number, metadata

from .compiling import Compiler, to_change

_DOCUMENTED = ("kind", "entity_id", "actor", "reason", "before", "after")
_FORGOTTEN = ("actor", "reason", "before", "after")


class PrivacyStatements:
    def __init__(self, text: Compiler) -> None:
        dialect = text.dialect
        self.show = {table: text.written(_show(table, HOLDINGS[table])) for table in KNOWN_BY}
        self.part = {table: _part(table, holding, text) for table, holding in HOLDINGS.items()}
        self.orders_of = text.written(
            "SELECT number, id FROM orders WHERE customer_id = :customer_id AND number > :after"
            " ORDER BY number LIMIT :limit"
        )
        erasing = (_erase(table, holding, dialect) for table, holding in HOLDINGS.items())
        self.erase = [text.written(statement) for statement in erasing if statement is not None]
        self.open_orders = text.written(
            "SELECT count(*) FROM orders WHERE customer_id = :customer_id"
            f" AND status IN ({names({*OrderStatus} - {*TERMINAL})})"
        )
        self.is_known = text.written(
            "SELECT EXISTS (SELECT 1 FROM customers WHERE id = :customer_id)"
            " OR EXISTS (SELECT 1 FROM orders WHERE customer_id = :customer_id)"
            " OR EXISTS (SELECT 1 FROM mirrored_orders WHERE customer_id = :customer_id)"
        )
        self.tracked = text.written(
            "SELECT id FROM orders WHERE customer_id = :customer_id AND tracking_hash IS NOT NULL"
        )
        self.record = text(insert(erasures).values({n: bindparam(n) for n in ("id", "customer_id", "actor", "at")}))

        # The indexed question first: an order's own rows are most of them.
        feed, key = keyed_feed(dialect)
        self.feed_keys = text.written(f"""
            SELECT {key} FROM feed
            WHERE {_behind(dialect)} AND (
              entity_id IN (SELECT id FROM orders WHERE customer_id = :customer_id)
              OR {_mentions(dialect, "after")} OR {_mentions(dialect, "before")}
              OR {dialect.contains("actor", ":customer_id")})
        """)
        this = key == bindparam("feed_key")
        self.feed_row = text(to_change(select(*(feed.c[name] for name in _DOCUMENTED)).where(this)))
        self.rewrite_feed = text(
            update(feed).values({name: bindparam(f"new_{name}") for name in _FORGOTTEN}).where(this)
        )
        self.answers = text.written(f"""
            SELECT scope, key FROM idempotency
            WHERE created_at >= :since
              AND ({_mentions(dialect, "answer")} OR {dialect.contains("scope", ":customer_id")})
        """)
        # A socket's identity is `customer:<id>`, or `guest:<order's id>`.
        self.sessions = text.written(
            f"SELECT pid FROM sessions WHERE {_mentions(dialect, dialect.text_of('identity'))}"
        )


def keyed_feed(dialect: Dialect) -> tuple[Table, ColumnElement[int]]:
    """The feed, and what of it a row is known by from its writing on."""
    return (feed, feed.c.seq) if dialect is dialects.SQLITE else (feed_to_number, feed_to_number.c.id)


def _show(table: str, holding: Holding) -> str:
    return f"SELECT {', '.join(holding.shown)} FROM {table} WHERE {holding.whose}"


def _part(table: str, holding: Holding, text: Compiler) -> str:
    """The next rows behind the key ``after``, each with its key first; or those of the orders ``ids``."""
    if holding.goes_with_orders:
        columns = metadata.tables[table].c
        shown = [columns[name] for name in holding.shown]
        return text(select(*shown).where(columns.order_id.in_(text.dialect.values_of("ids"))))
    return text.written(
        f"SELECT {', '.join((holding.key, *holding.shown))} FROM {table}"
        f" WHERE {holding.whose} AND {holding.key} > :after ORDER BY {holding.key} LIMIT :limit"
    )


def _erase(table: str, holding: Holding, dialect: Dialect) -> str | None:
    which = f"WHERE {holding.whose} AND {holding.touched}"
    if holding.left is None:
        return f"DELETE FROM {table} {which}"
    if not holding.left:
        return None
    left = ", ".join(
        f"{column} = {value if isinstance(value, str) else value(dialect)}" for column, value in holding.left.items()
    )
    return f"UPDATE {table} SET {left} {which}"


# Every document with the customer's id in it, or with that of an order of theirs.
def _mentions(dialect: Dialect, column: str) -> str:
    order = dialect.contains(column, "orders.id")
    theirs = f"SELECT 1 FROM orders WHERE customer_id = :customer_id AND {order}"
    return f"({dialect.contains(column, ':customer_id')} OR EXISTS ({theirs}))"


def _behind(dialect: Dialect) -> str:
    # Rows that have no number yet, this transaction's own among them, are behind every number.
    return "seq > :after" if dialect is dialects.SQLITE else "(seq > :after OR seq IS NULL)"
