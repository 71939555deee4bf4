"""SQLite's dialect."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import cleandoc
from typing import Final

from ordercast.commerce.ids import ALPHABET
from ordercast.commerce.order_search import TELEPHONE_DIGITS_MAX
from ordercast.db.dialect import Dialect
from ordercast.db.sqlite.invalid_values import refusals_of
from ordercast.db.trigger import Refusal, Trigger

# Of a telephone number. LIMIT, twice: the digits are found once, and not for each of their places.
_SIGNS_OF_TELEPHONE: Final = "+-()./ "
_DIGITS_BACKWARDS: Final = " || ".join(f"substr(digits, -{place}, 1)" for place in range(1, TELEPHONE_DIGITS_MAX + 1))


class SqliteDialect(Dialect):
    name = "sqlite"
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    external_actor = "'db:external'"
    transaction_number = "NULL"
    open_transactions = "SELECT ''"
    json_object = "json_object"
    percent = "%"
    row_number = "rowid"
    for_update = ""
    feed_key = "seq"
    inserts_in_bulk = False

    def new_id(self, prefix: str) -> str:
        now_ms = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        time = [f"substr('{ALPHABET}', ({now_ms} >> {shift} & 31) + 1, 1)" for shift in range(45, -1, -5)]
        chance = [f"substr('{ALPHABET}', (random() & 31) + 1, 1)"] * 16
        return f"'{prefix}_' || {' || '.join([*time, *chance])}"

    def seconds_between(self, begin: str, end: str) -> str:
        return f"(julianday({end}) - julianday({begin})) * 86400.0"

    def contains(self, haystack: str, needle: str) -> str:
        return f"instr({haystack}, {needle}) > 0"

    def text_of(self, column: str) -> str:
        return f"CAST({column} AS TEXT)"

    def words_of(self, text: str) -> str:
        return text

    def digits_backwards(self, text: str) -> str:
        for sign in _SIGNS_OF_TELEPHONE:
            text = f"replace({text}, '{sign}', '')"
        found = f"SELECT ltrim({text}, '0') AS digits LIMIT 1"
        return f"(SELECT {_DIGITS_BACKWARDS} FROM ({found}) LIMIT 1)"

    def names_in(self, column: str) -> str:
        said = "coalesce(value ->> 'name', '') || coalesce(' ' || (value ->> 'note'), '')"
        names = f"SELECT group_concat(CASE type WHEN 'object' THEN {said} END, ' ') FROM json_each({column})"
        return f"CASE WHEN json_valid({column}) THEN ({names}) END"

    def lines_without_notes(self, column: str) -> str:
        lines = cleandoc(f"""
            SELECT json_group_array(CASE type WHEN 'object' THEN json_remove(value, '$.note')
              ELSE json_extract({column}, fullkey) END) FROM json_each({column})
        """)
        return f"CASE WHEN {self.is_array(column)} THEN ({lines}) ELSE {column} END"

    def json_text(self, value: str) -> str:
        return value

    def json_of(self, column: str) -> str:
        # json() fails on invalid JSON, and would fail every statement on the row, also its repair.
        return f"CASE WHEN json_valid({column}) THEN json({column}) END"

    def json_member(self, column: str, member: str) -> str:
        return f"CASE WHEN json_valid({column}) THEN {column} -> '{member}' END"

    def json_truth(self, column: str) -> str:
        return f"json(CASE {column} WHEN 0 THEN 'false' ELSE 'true' END)"

    def is_array(self, column: str) -> str:
        # A CASE, as json_type fails on invalid JSON.
        return f"CASE WHEN json_valid({column}) THEN json_type({column}) = 'array' ELSE 0 END"

    def is_of_one_object(self, column: str) -> str:
        fits = f"json_array_length({column}) = 1 AND json_type({column}, '$[0]') = 'object'"
        return f"CASE WHEN json_valid({column}) THEN {fits} ELSE 0 END"

    def bytes_of(self, column: str) -> str:
        return f"length(CAST({column} AS BLOB))"

    def is_in_digits(self, column: str) -> str:
        return f"length(CAST({column} AS BLOB)) BETWEEN 1 AND 16 AND {column} NOT GLOB '*[^0-9]*'"

    def is_hex(self, column: str) -> str:
        return f"length(CAST({column} AS BLOB)) = 16 AND {column} NOT GLOB '*[^0-9a-f]*'"

    def refuse_invalid(self, texts: Sequence[str], documents: Sequence[str]) -> tuple[str | Refusal, ...]:
        return refusals_of(texts, documents)

    def has_other_items(self, column: str) -> str:
        others = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE type <> 'object')"
        return f"CASE WHEN json_valid({column}) THEN {others} ELSE 0 END"

    def parameter(self, name: str) -> str:
        return f":{name}"

    def postgresql(self, *words: str) -> str:
        del words
        return ""

    def sqlite(self, *words: str) -> str:
        return ", ".join(words)

    def json_texts(self, array: str) -> str:
        return f"SELECT value FROM json_each({array})"

    def json_rows(self, array: str, *columns: str) -> str:
        values = (f"value ->> {place} AS {column.split()[0]}" for place, column in enumerate(columns))
        return f"SELECT {', '.join(values)} FROM json_each({array})"

    def bulk_values(self, *columns: str) -> str:
        names = [column.split()[0] for column in columns]
        return f"({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"

    triggers_at_work = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    columns_there = """
        SELECT t.name || '.' || c.name FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table'
    """
    indexes_there = "SELECT name FROM sqlite_master WHERE type = 'index'"

    def create_trigger(self, trigger: Trigger) -> list[str]:
        trigger = trigger.expanded(self)
        when = "" if trigger.when is None else f" WHEN {trigger.when}"
        steps = "".join(f"  {_step(item)};\n" for item in trigger.body)
        return [f"CREATE TRIGGER {trigger.name} {trigger.event} ON {trigger.table}{when}\nBEGIN\n{steps}END"]


def _step(item: str | Refusal) -> str:
    if not isinstance(item, Refusal):
        return item.replace("\n", "\n  ")
    where = "" if item.when is None else f" WHERE {item.when}"
    return f"SELECT RAISE(ABORT, '{item.sentence}'){where}"
