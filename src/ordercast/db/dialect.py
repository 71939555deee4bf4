"""What a database must be able to say; each method gives SQL. In statements and triggers they are macros: ``@now``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from ordercast.db.trigger import Refusal, Trigger

# The API takes 64; readers give up between some hundreds and a thousand.
JSON_LEVELS_MAX: Final = 100
FLOAT_MAX: Final = "1.7976931348623157e308"
IS_READABLE: Final = f"JSON of numbers within a double, whole characters, and {JSON_LEVELS_MAX} levels at most"


class Dialect(ABC):
    """The words that the two databases do not share. What both know (``->``, ``->>``, ``IS DISTINCT FROM``,
    ``ON CONFLICT``, ``CASE``, ``coalesce``) is written plainly where it is needed.
    """

    name: str

    # --- Values -----------------------------------------------------------------------------------------------------

    now: str
    """This moment, as the text that ``commerce.timestamps`` writes."""
    external_actor: str
    """Who is said to have made a change that names nobody: another program."""

    transaction_number: str
    """Which transaction this is, where several write at once; else NULL."""
    open_transactions: str
    """A query for the transactions that are under way and cannot be seen yet: a text of their numbers, each between
    spaces; empty where there is one writer at a time.
    """

    functions: tuple[str, ...] = ()
    """Made before the tables, for their defaults call them; before the first, what all that is made there needs."""

    @abstractmethod
    def new_id(self, prefix: str) -> str:
        """The twin of ``commerce.ids.new_id``: ten characters of time, sixteen of chance."""

    @abstractmethod
    def seconds_between(self, begin: str, end: str) -> str:
        """How long from one moment's text to another's."""

    @abstractmethod
    def contains(self, haystack: str, needle: str) -> str:
        """Whether one text stands within another; true or false, NULL for NULL."""

    @abstractmethod
    def text_of(self, column: str) -> str:
        """The text that a column of bytes holds in UTF-8; of what is not ASCII, some text or other."""

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
        """The names of the objects in a column that holds an array of them, with spaces between; NULL for none."""

    # --- JSON -------------------------------------------------------------------------------------------------------

    json_object: str
    """The function that makes an object of ``'key', value`` pairs, to be put into another one."""

    @abstractmethod
    def json_text(self, value: str) -> str:
        """The text of such an object, as a column of text takes it."""

    @abstractmethod
    def json_of(self, column: str) -> str:
        """A column that holds JSON, as a value of an object; NULL is null."""

    @abstractmethod
    def json_member(self, column: str, member: str) -> str:
        """A member of a column that holds an object, as JSON; NULL where there is none."""

    @abstractmethod
    def json_truth(self, column: str) -> str:
        """A flag of 0 or 1, as true or false of an object."""

    @abstractmethod
    def is_array(self, column: str) -> str:
        """Whether a column that holds JSON as it was sent holds an array."""

    @abstractmethod
    def is_of_one_object(self, column: str) -> str:
        """Whether such an array holds one object and nothing else."""

    @abstractmethod
    def bytes_of(self, column: str) -> str:
        """How many bytes a column of text or JSON takes."""

    @abstractmethod
    def is_in_digits(self, column: str) -> str:
        """Whether a text is a whole number of up to 16 digits."""

    @abstractmethod
    def is_hex(self, column: str) -> str:
        """Whether a text is 16 digits to the base of 16."""

    @abstractmethod
    def has_other_items(self, column: str) -> str:
        """Whether an array has an item that is no object."""

    # --- Statements -------------------------------------------------------------------------------------------------

    percent: str
    """How a percent sign stands in a statement."""
    for_update: str
    """At the end of a SELECT: nobody else changes its rows until the transaction ends. SQLite has one writer at a time
    and needs no word for it; in a reader PostgreSQL refuses it.
    """
    feed_key: str
    """What a row of the feed is known by from its writing on."""
    inserts_in_bulk: bool
    """Whether a `statement.BulkStatement` is run once for all its rows."""

    @abstractmethod
    def parameter(self, name: str) -> str:
        """How a parameter stands in a statement."""

    @abstractmethod
    def postgresql(self, *words: str) -> str:
        """What PostgreSQL alone is told."""

    @abstractmethod
    def sqlite(self, *words: str) -> str:
        """What SQLite alone is told."""

    @abstractmethod
    def json_texts(self, array: str) -> str:
        """A query for the texts of a JSON array that is a parameter, so that one statement takes any number of them."""

    @abstractmethod
    def json_rows(self, array: str, *columns: str) -> str:
        """A query for the rows of a JSON array of arrays; each of `columns` is a name and PostgreSQL's type."""

    @abstractmethod
    def bulk_values(self, *columns: str) -> str:
        """What an INSERT of many rows inserts; see ``statement.BulkStatement``."""

    # --- Triggers ---------------------------------------------------------------------------------------------------

    triggers_at_work: str
    """A query for the names of the triggers that are there, and that no setting silences."""
    columns_there: str
    """A query for the columns that are there, each as ``table.column``."""
    indexes_there: str
    """A query for the names of the indexes that are there."""
    tables_refused: str | None = None
    """A query for the tables that this role may not read and write, where there are roles."""

    @abstractmethod
    def refuse_invalid(self, texts: Sequence[str], documents: Sequence[str]) -> tuple[str | Refusal, ...]:
        """What a trigger does to refuse a row in whose columns stands what no reader of ours takes: a text that is no
        UTF-8, a document with a number past a double's range, half a surrogate pair, or more levels than
        JSON_LEVELS_MAX.
        """

    @abstractmethod
    def create_trigger(self, trigger: Trigger) -> list[str]:
        """The statements that make it."""
