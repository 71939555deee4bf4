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
from ordercast.db.dialects import POSTGRESQL, Trigger
from ordercast.db.mirrored import MIRRORED_FROM
from ordercast.db.noun import Noun
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction
from ordercast.db.trigger_helpers import changed
from ordercast.db.word_index import TOKENIZER, words_matched

from . import statements
from .document import order_document

# Of all that is searched in an order: PostgreSQL refuses a row whose words take a megabyte.
TEXT_CHARACTERS_MAX: Final = 40_000
# Of the orders in which the words are, so many are looked at for those in a state; then the page ends, and the next one
# goes on. Each takes some microseconds.
LOOKED_AT_MAX: Final = 2_000
# PostgreSQL's index knows no order of numbers. Words that are in many orders are in the newest, which are looked
# through first; those that are in few are few.
NEWEST_FIRST: Final = 5_000

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


_SQLITE_FOUND: Final = """
    SELECT rowid FROM order_words WHERE order_words MATCH :words AND rowid BETWEEN :lowest AND :highest
"""
_MATCHES: Final = "words @@ to_tsquery(CAST('simple' AS regconfig), :words)"
_IN_RANGE: Final = "number BETWEEN :lowest AND :highest"


def _found(order: str) -> Statement:
    return Statement(
        sqlite=f"{_SQLITE_FOUND} ORDER BY rowid {order} LIMIT :limit",
        postgresql=f"""
            SELECT number FROM order_words WHERE {_MATCHES} AND {_IN_RANGE} ORDER BY number {order} LIMIT :limit
        """,
    )


def _found_by_words(order: str) -> Statement:
    # MATERIALIZED: PostgreSQL would look through all orders in the order of their numbers for one that matches.
    return Statement(
        sqlite=f"{_SQLITE_FOUND} ORDER BY rowid {order} LIMIT :limit",
        postgresql=f"""
            WITH matching AS MATERIALIZED (SELECT number FROM order_words WHERE {_MATCHES})
            SELECT number FROM matching WHERE {_IN_RANGE} ORDER BY number {order} LIMIT :limit
        """,
    )


FOUND_NEWEST: Final = _found("DESC")
FOUND_OLDEST: Final = _found("ASC")
FOUND_BY_WORDS_NEWEST: Final = _found_by_words("DESC")
FOUND_BY_WORDS_OLDEST: Final = _found_by_words("ASC")
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
NEWEST_NUMBER: Final = Statement(
    sqlite="SELECT max(rowid) FROM order_words", postgresql="SELECT max(number) FROM order_words"
)

IS_BEHIND: Final = Statement(f"SELECT number FROM orders WHERE number > {INDEXED_UNTIL} ORDER BY number LIMIT 1")
# In PostgreSQL nothing is behind but what came while its trigger was silenced.
INDEX_NEXT: Final = Statement(f"""
    {_INTO} SELECT number, {_words(_order("orders"))} FROM orders
    WHERE number > {INDEXED_UNTIL} ORDER BY number LIMIT :limit @postgresql(ON CONFLICT DO NOTHING)
""")

NOUN: Final = Noun(name="order_search", statements=statements_in(globals()), triggers=TRIGGERS)

# --- Keeping up -------------------------------------------------------------------------------------------------------


def is_behind(transaction: Transaction) -> bool:
    """Whether orders are there that the index does not have yet."""
    return transaction.one(IS_BEHIND) is not None


def index_next(transaction: Transaction) -> bool:
    """Take the next orders into the index; gives whether more may be behind them."""
    return transaction.run(INDEX_NEXT, limit=INDEXED_AT_ONCE_MAX) == INDEXED_AT_ONCE_MAX


# --- Searching --------------------------------------------------------------------------------------------------------

_ENCODE: Final = msgspec.json.Encoder().encode
_NUMBER_MAX: Final = 2**63 - 1


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
    return bool(_numbers(transaction, words, Paging(_NUMBER_MAX, 1)))


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
    scan, looked_at = _Scan(), 0
    window = paging.limit if paging.statuses is None else LOOKED_AT_MAX // 4
    matched = words_matched(words, transaction.dialect)
    while paging.statuses is None or paging.statuses:
        numbers = _numbers(transaction, matched, replace(paging, limit=window))
        scan.orders |= _documents(transaction, numbers, paging.statuses)
        if len(numbers) < window:
            break
        looked_at += window
        paging = replace(paging, cursor=numbers[-1])
        if len(scan.orders) >= paging.limit or looked_at >= LOOKED_AT_MAX:
            scan.stopped_at = paging.cursor
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


def _numbers(transaction: Transaction, words: str, paging: Paging) -> list[int]:
    """Numbers of orders with these words, behind the cursor."""
    found: list[int] = []
    # What is near first, row by row; then all that is left, by its words.
    near, far = FOUND_NEWEST, FOUND_BY_WORDS_NEWEST
    if paging.oldest_first:
        near, far = FOUND_OLDEST, FOUND_BY_WORDS_OLDEST
    for statement, (lowest, highest) in zip((near, far), _ranges(transaction, paging), strict=False):
        left = paging.limit - len(found)
        rows = transaction.all(statement, words=words, lowest=lowest, highest=highest, limit=left)
        found += [number for (number,) in rows]
        if len(found) == paging.limit:
            break
    return found


def _ranges(transaction: Transaction, paging: Paging) -> Sequence[tuple[int, int]]:
    """What is to be looked through, one after the other."""
    is_postgresql = transaction.dialect is POSTGRESQL
    if paging.oldest_first:
        begin = paging.cursor + 1
        if not is_postgresql:
            return [(begin, _NUMBER_MAX)]
        return [(begin, begin + NEWEST_FIRST - 1), (begin + NEWEST_FIRST, _NUMBER_MAX)]
    end = paging.cursor - 1
    if not is_postgresql:
        return [(0, end)]
    newest = transaction.one(NEWEST_NUMBER)
    begin = min(end, (newest[0] or 0) if newest else 0) - NEWEST_FIRST
    return [(begin + 1, end), (0, begin)]


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
