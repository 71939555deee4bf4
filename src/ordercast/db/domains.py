"""What a value may be, by its kind, so that no writer can commit one that harms others than its own row.

A domain in PostgreSQL, which a connection reads once, where it would read the CHECKs of a table for each statement; a
CHECK on each column in SQLite, where it costs some nanoseconds. ``docs/reference/database.md`` tells them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ordercast.commerce.people import SUBJECT_CHARACTERS_MAX

# --- Bounds -----------------------------------------------------------------------------------------------------------

# A name of 500 characters of any script, which is the longest that the API takes; PostgreSQL indexes up to 2,704 bytes.
LINE_BYTES_MAX: Final = 2_048
# A description or a proof: 2,000 characters of any script.
TEXT_BYTES_MAX: Final = 8_192
# Our own names of states, kinds and providers.
WORD_BYTES_MAX: Final = 64
ID_BYTES_MAX: Final = 4 * SUBJECT_CHARACTERS_MAX
# A cart of 200 lines, each with the longest name and image, is half of it; so is the largest request by default.
DOCUMENT_BYTES_MAX: Final = 2 * 1024 * 1024
# The row of the feed, or the kept answer, of an order each of whose four documents is that large.
TOLD_BYTES_MAX: Final = 4 * DOCUMENT_BYTES_MAX
# MongoDB's documents have up to 16 MiB, and take some three times as much as extended JSON. No feed carries it.
FOREIGN_BYTES_MAX: Final = 48 * 1024 * 1024
# Who a socket is: a role and an id.
IDENTITY_BYTES_MAX: Final = 4_096
DIGEST_BYTES_MAX: Final = 64  # SHA-512
# Pieces, uses, attempts: a thousand times what the API takes, and a sum of nine million of them is still exact.
COUNT_MAX: Final = 10**12
# JavaScript reads whole numbers exactly up to here.
VERSION_MAX: Final = 2**53 - 1

# Ours are written to the millisecond; another program's may end with the second. A regular expression would take ten
# times as long; of a day that no month has, the cast has its own sentence.
_IN_DIGITS: Final = "translate(VALUE, '123456789', '000000000')"
_MOMENT: Final = (
    f"{_IN_DIGITS} IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z')"
    " AND substr(VALUE, 12, 2) < '24' AND substr(VALUE, 18, 2) < '60' AND isfinite(CAST(VALUE AS timestamptz))"
)

# --- Types ------------------------------------------------------------------------------------------------------------

# Compared by its bytes in both databases: moments and ids are in order, whatever language the server speaks.
_TEXT: Final = 'TEXT COLLATE "C"'


class Kind(Enum):
    """How SQLite keeps a value."""

    TEXT = auto()
    BYTES = auto()
    INTEGER = auto()
    REAL = auto()
    JSON = auto()
    JSON_AS_SENT = auto()
    """To the letter, in PostgreSQL too."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of value. Of NULL no condition is false."""

    name: str
    kind: Kind
    base: str
    """The type in PostgreSQL."""
    in_sqlite: str
    """The condition, of ``{x}``."""
    in_postgresql: str
    """The condition, of ``VALUE``."""

    def check(self, column: str) -> str:
        """The condition in SQLite."""
        return self.in_sqlite.replace("{x}", column)

    def of(self, column: str) -> str:
        """The condition in PostgreSQL, of a column."""
        return self.in_postgresql.replace("VALUE", column)

    @property
    def statement(self) -> str:
        """What makes it in PostgreSQL."""
        name, base, condition = self.name, self.base, self.in_postgresql
        return f"CREATE DOMAIN ordercast_{name} AS {base}\n  CONSTRAINT is_{name} CHECK ({condition})"


def _text_domain(name: str, bytes_max: int, bytes_min: int = 0) -> Domain:
    # In bytes: SQLite counts the characters of a text up to its first NUL alone.
    within = f"BETWEEN {bytes_min} AND {bytes_max}" if bytes_min else f"<= {bytes_max}"
    return Domain(name, Kind.TEXT, _TEXT, f"length(CAST({{x}} AS BLOB)) {within}", f"octet_length(VALUE) {within}")


def _integer_domain(name: str, most: int) -> Domain:
    return Domain(name, Kind.INTEGER, "BIGINT", f"{{x}} BETWEEN 0 AND {most}", f"VALUE BETWEEN 0 AND {most}")


def _bytes_domain(name: str, bytes_max: int) -> Domain:
    return Domain(name, Kind.BYTES, "BYTEA", f"length({{x}}) <= {bytes_max}", f"octet_length(VALUE) <= {bytes_max}")


def _json_domain(name: str, kind: str, opening: str) -> Domain:
    # That it is JSON, each column's own rule says already.
    return Domain(
        name,
        Kind.TEXT,
        "JSONB",
        f"substr(ltrim({{x}}, char(9, 10, 13, 32)), 1, 1) = '{opening}'"
        f" AND length(CAST({{x}} AS BLOB)) <= {DOCUMENT_BYTES_MAX}",
        f"jsonb_typeof(VALUE) = '{kind}' AND pg_column_size(VALUE) <= {DOCUMENT_BYTES_MAX}",
    )


# --- Kinds ------------------------------------------------------------------------------------------------------------

ID: Final = _text_domain("id", ID_BYTES_MAX, 1)
WORD: Final = _text_domain("word", WORD_BYTES_MAX)
LINE: Final = _text_domain("line", LINE_BYTES_MAX)
TEXT: Final = _text_domain("text", TEXT_BYTES_MAX)
TOLD: Final = _text_domain("told", TOLD_BYTES_MAX)
FOREIGN: Final = _text_domain("foreign", FOREIGN_BYTES_MAX)
MOMENT: Final = Domain(
    "moment",
    Kind.TEXT,
    _TEXT,
    # Written anew it is the same, or there is no such day; SQLite finds that out where it is asked to count. By its
    # length first: of 'now' a CHECK must not ask.
    "CASE length({x}) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', {x}, '+0 days') IS {x}"
    " WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', {x}, '+0 days') IS {x} ELSE {x} IS NULL END",
    _MOMENT,
)
CURRENCY: Final = Domain(
    "currency",
    Kind.TEXT,
    _TEXT,
    "{x} GLOB '[A-Z][A-Z][A-Z]' AND length(CAST({x} AS BLOB)) = 3",
    "VALUE ~ '^[A-Z]{3}$'",
)
COUNT: Final = _integer_domain("count", COUNT_MAX)
VERSION: Final = _integer_domain("version", VERSION_MAX)
DIGEST: Final = _bytes_domain("digest", DIGEST_BYTES_MAX)
IDENTITY: Final = _bytes_domain("identity", IDENTITY_BYTES_MAX)
OBJECT: Final = _json_domain("object", "object", "{")
ARRAY: Final = _json_domain("array", "array", "[")

DOMAINS: Final = (
    ID, WORD, LINE, TEXT, TOLD, FOREIGN, MOMENT, CURRENCY, COUNT, VERSION, DIGEST, IDENTITY, OBJECT, ARRAY,
)  # fmt: skip
