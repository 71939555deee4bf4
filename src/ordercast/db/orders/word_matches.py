"""Numbers of the orders that have a query's words, in their order.

SQLite's index finds them in that order. PostgreSQL's knows none: all that it finds is collected and sorted, which takes
long for words that many orders have, as looking through orders one by one does for words that few have. So the nearest
thousand are looked through first, and how many of them have the words says which of the two goes on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ordercast.db.dialects import POSTGRESQL
from ordercast.db.statement import Statement
from ordercast.db.transaction import Transaction

NUMBER_MAX: Final = 2**63 - 1
"""Above every order's number."""

# Each takes some 3 microseconds.
PROBED: Final = 1_000
LOOKED_THROUGH_MAX: Final = 5_000
# Of the orders probed. Of a million, PostgreSQL's index collects so small a share within some 10 ms.
COMMON_SHARE: Final = 0.01

_SQLITE_MATCHES: Final = """
    SELECT rowid FROM order_words WHERE order_words MATCH :words AND rowid BETWEEN :lowest AND :highest
"""
_POSTGRESQL_MATCHES: Final = "words @@ to_tsquery(CAST('simple' AS regconfig), :words)"
_IN_RANGE: Final = "number BETWEEN :lowest AND :highest"


def _by_number(order: str) -> Statement:
    return Statement(
        sqlite=f"{_SQLITE_MATCHES} ORDER BY rowid {order} LIMIT :limit",
        postgresql=f"""
            SELECT number FROM order_words WHERE {_POSTGRESQL_MATCHES} AND {_IN_RANGE}
            ORDER BY number {order} LIMIT :limit
        """,
    )


def _by_words(order: str) -> Statement:
    # MATERIALIZED: PostgreSQL would look through all orders in the order of their numbers for one that matches.
    return Statement(
        sqlite=f"{_SQLITE_MATCHES} ORDER BY rowid {order} LIMIT :limit",
        postgresql=f"""
            WITH matching AS MATERIALIZED (SELECT number FROM order_words WHERE {_POSTGRESQL_MATCHES})
            SELECT number FROM matching WHERE {_IN_RANGE} ORDER BY number {order} LIMIT :limit
        """,
    )


FOUND_NEWEST: Final = _by_number("DESC")
FOUND_OLDEST: Final = _by_number("ASC")
FOUND_BY_WORDS_NEWEST: Final = _by_words("DESC")
FOUND_BY_WORDS_OLDEST: Final = _by_words("ASC")
NEWEST_NUMBER: Final = Statement(
    sqlite="SELECT max(rowid) FROM order_words", postgresql="SELECT max(number) FROM order_words"
)


class WordMatches(NamedTuple):
    numbers: list[int]
    stopped_at: int | None
    """Behind which number more may be left; None where none are."""


def match_words(transaction: Transaction, words: str, *, cursor: int, limit: int, oldest_first: bool) -> WordMatches:
    """Find up to `limit` orders behind the cursor that have the `words`, a query as the database's index reads it.

    Of words that many orders have, fewer may be found than there are.
    """
    match = _Match(transaction, words, limit, oldest_first, [])
    if transaction.dialect is not POSTGRESQL:
        match.add(cursor, NUMBER_MAX, by_words=False)
        return match.ended(None)
    row = transaction.one(NEWEST_NUMBER)
    newest = (row[0] or 0) if row else 0
    begin = cursor if oldest_first else min(cursor, newest + 1)
    probed, looked_through = match.behind(begin, PROBED), match.behind(begin, LOOKED_THROUGH_MAX)
    match.add(begin, PROBED, by_words=False)
    if match.is_full or match.is_last(probed, newest):
        return match.ended(None)
    if len(match.numbers) < COMMON_SHARE * PROBED:
        match.add(probed, NUMBER_MAX, by_words=True)
        return match.ended(None)
    match.add(probed, LOOKED_THROUGH_MAX - PROBED, by_words=False)
    return match.ended(None if match.is_last(looked_through, newest) else looked_through)


class _Match(NamedTuple):
    """What is found while one way after the other is gone."""

    transaction: Transaction
    words: str
    limit: int
    oldest_first: bool
    numbers: list[int]

    @property
    def is_full(self) -> bool:
        return len(self.numbers) == self.limit

    def behind(self, cursor: int, count: int) -> int:
        """The cursor that has gone on by so many numbers."""
        return min(cursor + count, NUMBER_MAX) if self.oldest_first else max(cursor - count, 0)

    def is_last(self, cursor: int, newest: int) -> bool:
        """Whether no order is behind the cursor."""
        return cursor >= newest if self.oldest_first else cursor <= 0

    def add(self, cursor: int, count: int, *, by_words: bool) -> None:
        """Find what is left to be found among so many numbers behind the cursor."""
        end = self.behind(cursor, count)
        lowest, highest = (cursor + 1, end) if self.oldest_first else (end, cursor - 1)
        ways = ((FOUND_NEWEST, FOUND_OLDEST), (FOUND_BY_WORDS_NEWEST, FOUND_BY_WORDS_OLDEST))
        rows = self.transaction.all(
            ways[by_words][self.oldest_first],
            words=self.words,
            lowest=lowest,
            highest=highest,
            limit=self.limit - len(self.numbers),
        )
        self.numbers.extend(number for (number,) in rows)

    def ended(self, stopped_at: int | None) -> WordMatches:
        return WordMatches(self.numbers, self.numbers[-1] if self.is_full else stopped_at)
