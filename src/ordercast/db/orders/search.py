"""Search among all orders, those that live elsewhere too: an index of words that follows the orders, whoever writes.

Beside the orders, not on them: a move changes no word, and so leaves the index alone. What it holds of an order is one
text: names, address, items; and the number, the telephone, the day and the sum as words of their own
(``commerce.order_search``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from inspect import cleandoc
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.order_search import DAY, NUMBER, SUM, TELEPHONE, OrderSearch, read_query, within_days
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.word_query import WordQuery
from ordercast.db import mirrored, shop
from ordercast.db.dialects import Trigger
from ordercast.db.mirrored import MIRRORED_FROM
from ordercast.db.noun import Noun
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction
from ordercast.db.trigger_helpers import changed
from ordercast.db.word_index import TOKENIZER, words_matched

from . import statements, word_matches
from .document import order_document
from .word_matches import NUMBER_MAX, match_words

# Of all that is searched in an order: PostgreSQL refuses a row whose words take a megabyte.
TEXT_CHARACTERS_MAX: Final = 40_000
# Of the orders in which the words are, so many are looked at for those in a state; then the page ends, and the next one
# goes on. Each takes some microseconds.
LOOKED_AT_MAX: Final = 2_000
_LOOKED_AT_ONCE: Final = 250

# In one unit: others wait for it for some 5 ms.
INDEXED_AT_ONCE_MAX: Final = 500

# --- What each database is given beside tables ------------------------------------------------------------------------

# Three letters that begin a word are in the index: of those that begin many words, each would be read.
SQLITE_TABLES: Final = (f"CREATE VIRTUAL TABLE order_words USING fts5(words, prefix = '3', {TOKENIZER})",)
POSTGRESQL_TABLES: Final = (
    "CREATE TABLE order_words (number bigint PRIMARY KEY, words tsvector NOT NULL)",
    # What was written last is looked through by every search until it is sorted in.
    "CREATE INDEX orders_by_words ON order_words USING gin (words) WITH (gin_pending_list_limit = 256)",
)


class _Indexed(NamedTuple):
    """Where what is searched stands in a row; SQL."""

    number: str
    said_number: str
    name: str
    email: str
    mobile: str
    items: str
    created_at: str
    total: str


def _order(row: str) -> _Indexed:
    name, email, mobile = (f"{row}.customer_{part}" for part in ("name", "email", "mobile"))
    number = f"{row}.number"
    return _Indexed(number, number, name, email, mobile, f"{row}.cart_items", f"{row}.created_at", f"{row}.total")


_ORDER: Final = _order("NEW")
_MIRRORED: Final = _Indexed(
    f"NEW.entry + {MIRRORED_FROM}",
    "coalesce(NEW.document ->> 'number', '')",
    "NEW.document -> 'customerInfo' ->> 'name'",
    "NEW.document -> 'customerInfo' ->> 'email'",
    "NEW.document -> 'customerInfo' ->> 'mobile'",
    "(NEW.document -> 'cartItems')",
    "coalesce(NEW.document ->> 'createdAt', '')",
    "coalesce(NEW.document ->> 'total', '')",
)
_SEARCHED_COLUMNS: Final = (
    "customer_name", "customer_email", "customer_mobile", "cart_items", "created_at", "total",
)  # fmt: skip


def _words(of: _Indexed) -> str:
    words = cleandoc(f"""
        '{NUMBER}' || {of.said_number} || ' {DAY}' || replace(substr({of.created_at}, 1, 10), '-', '')
          || ' {SUM}' || {of.total} || ' {TELEPHONE}' || @digits_backwards(coalesce({of.mobile}, ''))
          || ' ' || coalesce({of.name}, '') || ' ' || coalesce({of.email}, '')
          || ' ' || coalesce(@names_in({of.items}), '')
    """)
    return f"@words_of(substr({words}, 1, {TEXT_CHARACTERS_MAX}))"


_INTO: Final = "INSERT INTO order_words (@row_number, words)"


def _indexed(of: _Indexed) -> str:
    return f"{_INTO} VALUES ({of.number}, {_words(of)})"


def _forgotten(number: str) -> str:
    return f"DELETE FROM order_words WHERE @row_number = {number}"


def _again(of: _Indexed) -> tuple[str, ...]:
    return (_forgotten(of.number), _indexed(of))


# Up to which order the index has come; FTS5 keeps what it was given in a table, which knows its last row at once.
INDEXED_UNTIL: Final = (
    f"coalesce((SELECT max(@sqlite(id)@postgresql(number)) FROM @sqlite(order_words_content)@postgresql(order_words)"
    f" WHERE @sqlite(id)@postgresql(number) < {MIRRORED_FROM}), 0)"
)
# FTS5 writes a part of its index for each statement: an order alone costs three times as much as one of many. So in
# SQLite, which has one writer at a time, new orders come to the index behind the others, many at once (`index_next`).
_IS_TURN: Final = f"@sqlite(NEW.number <= {INDEXED_UNTIL})@postgresql(TRUE)"
_OF_MIRRORED: Final = "mirrored_orders"
TRIGGERS: Final = (
    Trigger("orders_indexed", "AFTER INSERT", "orders", (_indexed(_ORDER),), when=_IS_TURN),
    Trigger(
        "orders_indexed_anew",
        f"AFTER UPDATE OF {', '.join(_SEARCHED_COLUMNS)}",
        "orders",
        _again(_ORDER),
        when=f"({changed(_SEARCHED_COLUMNS)}) AND {_IS_TURN}",
    ),
    Trigger(
        "mirrored_indexed",
        "AFTER UPDATE OF document",
        _OF_MIRRORED,
        _again(_MIRRORED),
        when="NEW.document IS NOT NULL AND OLD.document IS DISTINCT FROM NEW.document",
    ),
    Trigger("mirrored_forgotten", "AFTER DELETE", _OF_MIRRORED, (_forgotten(f"OLD.entry + {MIRRORED_FROM}"),)),
)

# --- Statements -------------------------------------------------------------------------------------------------------


_DOCUMENT: Final = order_document("orders")
_WANTED: Final = "(@json_rows(:numbers, number bigint)) AS wanted"
_OF_STATUS: Final = "AND status IN (@json_texts(:statuses))"
_OURS: Final = f"SELECT orders.number, {_DOCUMENT} FROM {_WANTED} JOIN orders ON orders.number = wanted.number"
_THEIRS: Final = f"""
    SELECT wanted.number, document FROM {_WANTED} JOIN mirrored_orders ON entry = wanted.number - {MIRRORED_FROM}
"""
DOCUMENTS: Final = Statement(_OURS)
DOCUMENTS_OF_STATUS: Final = Statement(f"{_OURS} {_OF_STATUS}")
MIRRORED: Final = Statement(f"{_THEIRS} WHERE document IS NOT NULL")
MIRRORED_OF_STATUS: Final = Statement(f"{_THEIRS} WHERE document IS NOT NULL {_OF_STATUS}")
IS_BEHIND: Final = Statement(f"SELECT number FROM orders WHERE number > {INDEXED_UNTIL} ORDER BY number LIMIT 1")
# In PostgreSQL nothing is behind but what came while its trigger was silenced.
INDEX_NEXT: Final = Statement(f"""
    {_INTO} SELECT number, {_words(_order("orders"))} FROM orders
    WHERE number > {INDEXED_UNTIL} ORDER BY number LIMIT :limit @postgresql(ON CONFLICT DO NOTHING)
""")

NOUN: Final = Noun(
    name="order_search",
    statements=statements_in(globals()) | statements_in(vars(word_matches)),
    triggers=TRIGGERS,
)

# --- Keeping up -------------------------------------------------------------------------------------------------------


def is_behind(transaction: Transaction) -> bool:
    """Whether orders are there that the index does not have yet."""
    return transaction.one(IS_BEHIND) is not None


def index_next(transaction: Transaction) -> bool:
    """Take the next orders into the index; gives whether more may be behind them."""
    return transaction.run(INDEX_NEXT, limit=INDEXED_AT_ONCE_MAX) == INDEXED_AT_ONCE_MAX


# --- Searching --------------------------------------------------------------------------------------------------------

_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is wanted."""

    cursor: int
    limit: int
    statuses: Collection[OrderStatus] | None = None
    """None is any."""
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Orders by their numbers, and where the next page goes on, if anything may be left."""

    orders: list[tuple[int, str]]
    next_cursor: int | None


@dataclass(slots=True)
class _Scan:
    """One reading of the query, and how far it was searched."""

    orders: dict[int, str] = field(default_factory=dict)
    stopped_at: int | None = None
    """Behind which number something may be left."""


def read_searches(transaction: Transaction, text: str, days: tuple[date, date] | None) -> list[OrderSearch]:
    """What may be meant by `text` and the days between two. Its last word is the beginning of one only where no order
    has all of them as they are.
    """
    if not text.split():
        return [] if days is None else [within_days(OrderSearch(None), *days)]
    digits = exponent_of(shop.rules(transaction).currency)
    searches: list[OrderSearch] = []
    for beginning in (False, True):
        searches = read_query(text, digits, beginning=beginning)
        if any(_is_found(transaction, each) for each in searches):
            break
    return searches if days is None else [within_days(each, *days) for each in searches]


def _is_found(transaction: Transaction, search: OrderSearch) -> bool:
    if search.words is None:
        return True
    words = words_matched(search.words, transaction.dialect)
    return bool(match_words(transaction, words, cursor=NUMBER_MAX, limit=1, oldest_first=False).numbers)


def find(transaction: Transaction, searches: Iterable[OrderSearch], paging: Paging) -> Found:
    """Orders that any of `searches` means: the newest below the cursor, or the oldest above it. A page may be short, or
    empty, and have another one behind it.
    """
    one_more = replace(paging, limit=paging.limit + 1)
    scans = [
        _scan(transaction, each.words, replace(one_more, statuses=_both(each.statuses, paging.statuses)))
        for each in searches
    ]
    orders = sorted({key: each for scan in scans for key, each in scan.orders.items()}.items())
    ends = [scan.stopped_at for scan in scans if scan.stopped_at is not None]
    end = None
    if ends:
        # Behind where one of them stopped, nobody knows what comes first.
        end = min(ends) if paging.oldest_first else max(ends)
        orders = [each for each in orders if (each[0] <= end if paging.oldest_first else each[0] >= end)]
    if not paging.oldest_first:
        orders.reverse()
    if len(orders) > paging.limit:
        orders = orders[: paging.limit]
        end = orders[-1][0]
    return Found(orders, end)


def _both(
    meant: Collection[OrderStatus] | None, wanted: Collection[OrderStatus] | None
) -> Collection[OrderStatus] | None:
    if meant is None or wanted is None:
        return wanted if meant is None else meant
    return [status for status in wanted if status in meant]


def _scan(transaction: Transaction, words: WordQuery | None, paging: Paging) -> _Scan:
    if words is None:
        return _Scan(_in_states(transaction, paging))
    if paging.statuses is not None and not paging.statuses:
        return _Scan()
    limit = paging.limit if paging.statuses is None else LOOKED_AT_MAX
    matched = words_matched(words, transaction.dialect)
    numbers, stopped_at = match_words(
        transaction, matched, cursor=paging.cursor, limit=limit, oldest_first=paging.oldest_first
    )
    scan = _Scan(stopped_at=stopped_at)
    for begin in range(0, len(numbers), _LOOKED_AT_ONCE):
        these = numbers[begin : begin + _LOOKED_AT_ONCE]
        scan.orders |= _documents(transaction, these, paging.statuses)
        if len(scan.orders) >= paging.limit:
            scan.stopped_at = these[-1]
            break
    return scan


def _in_states(transaction: Transaction, paging: Paging) -> dict[int, str]:
    """The orders in these states, whatever their words."""
    lists = [of.WITH_STATUS_AFTER if paging.oldest_first else of.WITH_STATUS_BEFORE for of in (statements, mirrored)]
    return {
        number: document
        for statement in lists
        for status in paging.statuses or ()
        for number, document in transaction.all(statement, cursor=paging.cursor, limit=paging.limit, status=status)
    }


def _documents(
    transaction: Transaction, numbers: Sequence[int], statuses: Collection[OrderStatus] | None
) -> dict[int, str]:
    """The orders of these numbers that are in one of the states."""
    found: dict[int, str] = {}
    values: dict[str, Any] = {} if statuses is None else {"statuses": _ENCODE(list(statuses)).decode()}
    ours = [number for number in numbers if number < MIRRORED_FROM]
    theirs = [number for number in numbers if number >= MIRRORED_FROM]
    for of, plain, with_status in (
        (ours, DOCUMENTS, DOCUMENTS_OF_STATUS),
        (theirs, MIRRORED, MIRRORED_OF_STATUS),
    ):
        if of:
            named = _ENCODE([[number] for number in of]).decode()
            found |= dict(transaction.all(plain if statuses is None else with_status, numbers=named, **values))
    return found
