"""Indexes of words, as each database keeps them: FTS5 in SQLite, text search with the configuration ``simple`` in
PostgreSQL, which knows no language and so stems none.

FTS5's tokenizer takes marks for letters here, or the vowel signs of Bengali would cut every word in pieces.
"""

from __future__ import annotations

from typing import Final

from ordercast.commerce.word_query import AllOf, AnyOf, Word, WordQuery

from .dialects import POSTGRESQL, Dialect

TOKENIZER: Final = """tokenize = "unicode61 categories 'L* N* Co M*'\""""


def words_matched(query: WordQuery, dialect: Dialect) -> str:
    """What is to be given to ``MATCH``, or to ``to_tsquery``."""
    return _to_tsquery(query) if dialect is POSTGRESQL else _to_match(query)


def _to_match(query: WordQuery) -> str:
    match query:
        case Word(text, is_beginning):
            return '"' + text.replace('"', '""') + '"' + "*" * is_beginning
        case AllOf(parts):
            return " AND ".join(map(_in_match, parts))
        case AnyOf(parts):
            return " OR ".join(map(_in_match, parts))


def _in_match(query: WordQuery) -> str:
    return _to_match(query) if isinstance(query, Word) else f"({_to_match(query)})"


def _to_tsquery(query: WordQuery) -> str:
    match query:
        case Word(text, is_beginning):
            # The parts of a quoted word stand behind each other.
            return "'" + text.replace("\\", "").replace("'", "''") + "'" + ":*" * is_beginning
        case AllOf(parts):
            return " & ".join(map(_in_tsquery, parts))
        case AnyOf(parts):
            return " | ".join(map(_in_tsquery, parts))


def _in_tsquery(query: WordQuery) -> str:
    return _to_tsquery(query) if isinstance(query, Word) else f"({_to_tsquery(query)})"
