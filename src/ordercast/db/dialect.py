"""The SQL that differs between the databases; in statements and triggers these are macros: ``@now``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from ordercast.db.trigger import Refusal, Trigger

# The API accepts 64; readers fail between some hundreds and a thousand.
JSON_LEVELS_MAX: Final = 100
FLOAT_MAX: Final = "1.7976931348623157e308"
IS_READABLE: Final = f"JSON of numbers within a double, whole characters, and {JSON_LEVELS_MAX} levels at most"


class Dialect(ABC):
    """The differing SQL. What both databases share (``->``, ``->>``, ``IS DISTINCT FROM``, ``ON CONFLICT``, ``CASE``,
    ``coalesce``) is written plainly.
    """

    name: str

    # --- Values -----------------------------------------------------------------------------------------------------

    now: str
    """The current time, as ``commerce.timestamps`` formats it."""
    external_actor: str
    """The actor of changes without one: another program."""

    transaction_number: str
    """The transaction's number if there are several writers; else NULL."""
    open_transactions: str
    """A query for the transactions that are under way and cannot be seen yet: a text of their numbers, each between
    spaces; empty where there is one writer at a time.
    """

    functions: tuple[str, ...] = ()
    """SQL functions, created before the tables, whose defaults use them."""

    @abstractmethod
    def new_id(self, prefix: str) -> str:
        """As ``commerce.ids.new_id``: ten characters of time, sixteen random."""

    @abstractmethod
    def seconds_between(self, begin: str, end: str) -> str:
        """The seconds between two timestamps."""

    @abstractmethod
    def contains(self, haystack: str, needle: str) -> str:
        """Whether a text contains another; NULL for NULL."""

    @abstractmethod
    def text_of(self, column: str) -> str:
        """A column of UTF-8 bytes as text; other bytes become some text."""

    # --- Words ------------------------------------------------------------------------------------------------------

    row_number: str
    """By which number an index of words knows a row."""

    @abstractmethod
    def words_of(self, text: str) -> str:
        """A text as an index of words takes it; signs of ASCII stand between words."""

    @abstractmethod
    def digits_backwards(self, text: str) -> str:
        """The digits of a telephone number, however it is written, from the last to the first; without the zeros that
        it begins with.
        """

    @abstractmethod
    def names_in(self, column: str) -> str:
        """The names and notes of the objects in a column that holds an array of them, with spaces between; NULL for
        none.
        """

    @abstractmethod
    def lines_without_notes(self, column: str) -> str:
        """An order's lines, without the notes in them; what is no array stays."""

    # --- JSON -------------------------------------------------------------------------------------------------------

    json_object: str
    """The function that makes an object of ``'key', value`` pairs, for nesting."""

    @abstractmethod
    def json_text(self, value: str) -> str:
        """Such an object as text."""

    @abstractmethod
    def json_of(self, column: str) -> str:
        """A JSON column as an object's value; NULL becomes null."""

    @abstractmethod
    def json_member(self, column: str, member: str) -> str:
        """A member of a JSON column; NULL if missing."""

    @abstractmethod
    def json_truth(self, column: str) -> str:
        """A flag (0 or 1) as a JSON boolean."""

    @abstractmethod
    def is_array(self, column: str) -> str:
        """Whether a verbatim JSON column is an array."""

    @abstractmethod
    def is_of_one_object(self, column: str) -> str:
        """Whether such an array has exactly one object."""

    @abstractmethod
    def bytes_of(self, column: str) -> str:
        """The size of a text or JSON column in bytes."""

    @abstractmethod
    def is_in_digits(self, column: str) -> str:
        """Whether a text is an integer of up to 16 digits."""

    @abstractmethod
    def is_hex(self, column: str) -> str:
        """Whether a text is 16 hexadecimal digits."""

    @abstractmethod
    def has_other_items(self, column: str) -> str:
        """Whether an array has an item that is no object."""

    # --- Statements -------------------------------------------------------------------------------------------------

    percent: str
    """A percent sign in a statement."""
    for_update: str
    """The row lock at the end of a SELECT. SQLite has one writer and needs none; PostgreSQL refuses it in readers."""
    feed_key: str
    """The feed's key at writing."""
    inserts_in_bulk: bool
    """Whether a `statement.BulkStatement` is run once for all rows."""

    @abstractmethod
    def parameter(self, name: str) -> str:
        """A parameter in a statement."""

    @abstractmethod
    def postgresql(self, *words: str) -> str:
        """SQL for PostgreSQL only."""

    @abstractmethod
    def sqlite(self, *words: str) -> str:
        """SQL for SQLite only."""

    @abstractmethod
    def json_texts(self, array: str) -> str:
        """A query for the texts of a JSON array parameter, so that one statement takes any number."""

    @abstractmethod
    def json_rows(self, array: str, *columns: str) -> str:
        """A query for the rows of a JSON array of arrays; `columns` are names with PostgreSQL types."""

    @abstractmethod
    def bulk_values(self, *columns: str) -> str:
        """The source of a bulk INSERT; see ``statement.BulkStatement``."""

    # --- Triggers ---------------------------------------------------------------------------------------------------

    triggers_at_work: str
    """A query for the names of the enabled triggers."""
    columns_there: str
    """A query for the existing columns, as ``table.column``."""
    indexes_there: str
    """A query for the names of the existing indexes."""
    tables_refused: str | None = None
    """A query for the tables that this role may not read and write."""

    @abstractmethod
    def refuse_invalid(self, texts: Sequence[str], documents: Sequence[str]) -> tuple[str | Refusal, ...]:
        """What a trigger does to refuse a row in whose columns stands what no reader of ours takes: a text that is no
        UTF-8, a document with a number past a double's range, half a surrogate pair, or more levels than
        JSON_LEVELS_MAX.
        """

    @abstractmethod
    def create_trigger(self, trigger: Trigger) -> list[str]:
        """The statements that make it."""
