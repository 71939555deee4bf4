"""Full-text search in messages, by an index that each database maintains.

SQLite has triggers that keep it, PostgreSQL an index over ``to_tsvector('simple', text)``. What was deleted or erased
is in neither.
"""

from __future__ import annotations

from typing import Final

from ordercast.commerce.word_query import WORDS_MAX, AllOf, Word
from ordercast.db.noun import Noun
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction
from ordercast.db.trigger import Trigger
from ordercast.db.word_index import TOKENIZER, words_matched

from .messages import Message, message_of
from .statements import _MESSAGE as MESSAGE
from .triggers import ERASED_TEXT

# --- What each database is given beside tables ------------------------------------------------------------------------

# FTS5 needs numeric row ids, which messages lack.
SQLITE_TABLES: Final = (
    "CREATE TABLE message_entries (entry INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE) STRICT",
    f"CREATE VIRTUAL TABLE message_words USING fts5(words, {TOKENIZER})",
)
POSTGRESQL_INDEXES: Final = (
    "CREATE INDEX messages_by_words ON messages USING gin (to_tsvector(CAST('simple' AS regconfig), text))",
)

_ENTRY: Final = "(SELECT entry FROM message_entries WHERE message_id = NEW.id)"
_INDEX: Final = f"""
    INSERT INTO message_words (rowid, words)
      SELECT entry, NEW.text FROM message_entries
      WHERE message_id = NEW.id AND NEW.deleted_at IS NULL AND NEW.text NOT IN ('', '{ERASED_TEXT}')
"""


def search_triggers() -> tuple[Trigger, ...]:
    """The triggers that maintain SQLite's index; PostgreSQL maintains its own."""
    return (
        Trigger(
            "messages_indexed",
            "AFTER INSERT",
            "messages",
            ("INSERT INTO message_entries (message_id) VALUES (NEW.id)", _INDEX.strip()),
        ),
        Trigger(
            "messages_indexed_anew",
            "AFTER UPDATE",
            "messages",
            (f"DELETE FROM message_words WHERE rowid = {_ENTRY}", _INDEX.strip()),
            when="NEW.text IS NOT OLD.text OR NEW.deleted_at IS NOT OLD.deleted_at",
        ),
    )


# --- Searching --------------------------------------------------------------------------------------------------------

SEARCH: Final = Statement(
    sqlite=f"""
        SELECT {MESSAGE} FROM message_words AS found
        CROSS JOIN message_entries AS e ON e.entry = found.rowid
        CROSS JOIN messages AS m ON m.id = e.message_id
        WHERE found.message_words MATCH :words
          AND found.rowid < coalesce(
            (SELECT entry FROM message_entries WHERE message_id = :before), 9223372036854775807)
          AND (CAST(:conversation_id AS TEXT) IS NULL OR m.conversation_id = :conversation_id)
        ORDER BY found.rowid DESC LIMIT :limit
    """,
    postgresql=f"""
        SELECT {MESSAGE} FROM messages AS m
        WHERE to_tsvector(CAST('simple' AS regconfig), m.text) @@ to_tsquery(CAST('simple' AS regconfig), :words)
          AND m.id < coalesce(CAST(:before AS text), '~')
          AND (CAST(:conversation_id AS text) IS NULL OR m.conversation_id = :conversation_id)
          AND m.deleted_at IS NULL AND m.text <> '{ERASED_TEXT}'
        ORDER BY m.id DESC LIMIT :limit
    """,
)

NOUN: Final = Noun(name="message_search", statements=statements_in(globals()))


def search(
    transaction: Transaction, query: str, *, conversation_id: str | None, before: str | None, limit: int
) -> list[Message]:
    """Messages that contain all words, the last one as a prefix; newest first."""
    words = [word for word in query.split() if any(map(str.isalnum, word))][:WORDS_MAX]
    if not words:
        return []
    return transaction.read(
        SEARCH,
        message_of,
        "messages",
        words=words_matched(_all_of(words), transaction.dialect),
        conversation_id=conversation_id,
        before=before,
        limit=limit,
    )


def _all_of(words: list[str]) -> AllOf:
    *whole, last = words
    return AllOf((*map(Word, whole), Word(last, is_beginning=True)))
