"""Domains: what a value may be, by its kind, so that no writer can commit one that harms other rows.

Domains in PostgreSQL, parsed once per connection, where a table's CHECKs are parsed for each statement; CHECKs on
columns in SQLite, at some nanoseconds each. ``docs/reference/database.md`` lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ordercast.commerce.people import SUBJECT_CHARACTERS_MAX

# --- Bounds -----------------------------------------------------------------------------------------------------------

# 500 characters of any script, the API's limit; PostgreSQL indexes up to 2,704 bytes.
LINE_BYTES_MAX: Final = 2_048
# 2,000 characters of any script.
TEXT_BYTES_MAX: Final = 8_192
# Names of states, kinds and providers.
WORD_BYTES_MAX: Final = 64
ID_BYTES_MAX: Final = 4 * SUBJECT_CHARACTERS_MAX
# Twice a cart of 200 lines with the longest names and images; also twice the default request limit.
DOCUMENT_BYTES_MAX: Final = 2 * 1024 * 1024
# A feed row, or stored response, with four such documents.
TOLD_BYTES_MAX: Final = 4 * DOCUMENT_BYTES_MAX
# MongoDB's limit is 16 MiB, some three times as much as extended JSON. No feed row contains it.
FOREIGN_BYTES_MAX: Final = 48 * 1024 * 1024
# A socket's identity: a role and an id.
IDENTITY_BYTES_MAX: Final = 4_096
DIGEST_BYTES_MAX: Final = 64  # SHA-512
# A thousand times the API's limits; sums of nine million are still exact.
COUNT_MAX: Final = 10**12
# JavaScript's largest exact integer.
VERSION_MAX: Final = 2**53 - 1

# Milliseconds are optional, for other programs. A regular expression would take ten times as long; the cast rejects
# impossible dates.
_IN_DIGITS: Final = "translate(VALUE, '123456789', '000000000')"
_MOMENT: Final = (
    f"{_IN_DIGITS} IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z')"
    " AND substr(VALUE, 12, 2) < '24' AND substr(VALUE, 18, 2) < '60' AND isfinite(CAST(VALUE AS timestamptz))"
)

# --- Types ------------------------------------------------------------------------------------------------------------

# Compared by bytes in both databases, so that times and ids sort alike.
_TEXT: Final = 'TEXT COLLATE "C"'


class Kind(Enum):
    """The storage in SQLite."""

    TEXT = auto()
    BYTES = auto()
    INTEGER = auto()
    REAL = auto()
    JSON = auto()
    JSON_AS_SENT = auto()
    """Verbatim, in PostgreSQL too."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of value. Conditions are never false for NULL."""

    name: str
    kind: Kind
    base: str
    """The type in PostgreSQL."""
    in_sqlite: str
    """The condition on ``{x}``."""
    in_postgresql: str
    """The condition on ``VALUE``."""

    def check(self, column: str) -> str:
        """The condition in SQLite."""
        return self.in_sqlite.replace("{x}", column)

    def of(self, column: str) -> str:
        """The condition in PostgreSQL, on a column."""
        return self.in_postgresql.replace("VALUE", column)

    @property
    def statement(self) -> str:
        """The CREATE DOMAIN of PostgreSQL."""
        name, base, condition = self.name, self.base, self.in_postgresql
        return f"CREATE DOMAIN ordercast_{name} AS {base}\n  CONSTRAINT is_{name} CHECK ({condition})"


def _text_domain(name: str, bytes_max: int, bytes_min: int = 0) -> Domain:
    # In bytes: SQLite's length() stops at NUL.
    within = f"BETWEEN {bytes_min} AND {bytes_max}" if bytes_min else f"<= {bytes_max}"
    return Domain(name, Kind.TEXT, _TEXT, f"length(CAST({{x}} AS BLOB)) {within}", f"octet_length(VALUE) {within}")


def _integer_domain(name: str, most: int) -> Domain:
    return Domain(name, Kind.INTEGER, "BIGINT", f"{{x}} BETWEEN 0 AND {most}", f"VALUE BETWEEN 0 AND {most}")


def _bytes_domain(name: str, bytes_max: int) -> Domain:
    return Domain(name, Kind.BYTES, "BYTEA", f"length({{x}}) <= {bytes_max}", f"octet_length(VALUE) <= {bytes_max}")


def _json_domain(name: str, kind: str, opening: str) -> Domain:
    # Validity is checked by each column.
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
    # strftime() returns the same text, or there is no such date. Length first: 'now' is not deterministic.
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
