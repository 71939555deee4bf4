"""PostgreSQL's dialect. Functions named ``ordercast_`` are created by the first migration."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Sequence
from inspect import cleandoc
from typing import Final

from ordercast.commerce.order_search import TELEPHONE_DIGITS_MAX
from ordercast.db.dialect import IS_READABLE, Dialect
from ordercast.db.postgresql.functions import FIXED_PATH, FUNCTIONS
from ordercast.db.trigger import Refusal, Trigger

# Each statement parses the triggers' WHEN: thirty columns take longer than the change. A function is parsed once per
# connection.
WHEN_LENGTH_MAX: Final = 200


_PUNCTUATION: Final = f"'{string.punctuation.replace(chr(39), chr(39) * 2)}'"


class PostgresqlDialect(Dialect):
    name = "postgresql"
    now = "ordercast_now()"
    external_actor = "ordercast_actor()"
    transaction_number = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
    open_transactions = """
        SELECT coalesce(string_agg(' ' || each || ' ', ''), '') FROM pg_snapshot_xip(pg_current_snapshot()) AS each
    """
    functions = FUNCTIONS
    json_object = "json_build_object"
    percent = "%%"
    row_number = "number"
    for_update = "FOR NO KEY UPDATE"
    feed_key = "id"
    inserts_in_bulk = True

    def new_id(self, prefix: str) -> str:
        return f"ordercast_new_id('{prefix}')"

    def seconds_between(self, begin: str, end: str) -> str:
        return f"CAST(extract(epoch FROM CAST({end} AS timestamptz) - CAST({begin} AS timestamptz)) AS float8)"

    def contains(self, haystack: str, needle: str) -> str:
        return f"strpos(CAST({haystack} AS text), CAST({needle} AS text)) > 0"

    def text_of(self, column: str) -> str:
        return f"encode({column}, 'escape')"  # no error for all rows if one is not UTF-8

    def words_of(self, text: str) -> str:
        # Its parser would keep addresses and signed numbers whole.
        return f"to_tsvector(CAST('simple' AS regconfig), translate({text}, {_PUNCTUATION}, repeat(' ', 32)))"

    def digits_backwards(self, text: str) -> str:
        digits = f"ltrim(translate({text}, '-+()./ ', ''), '0')"
        return f"reverse(right({digits}, {TELEPHONE_DIGITS_MAX}))"

    def names_in(self, column: str) -> str:
        said = "concat_ws(' ', line ->> 'name', line ->> 'note')"
        return f"(SELECT string_agg({said}, ' ') FROM jsonb_path_query({column}, 'lax $[*]') AS line)"

    def lines_without_notes(self, column: str) -> str:
        line = "CASE jsonb_typeof(line) WHEN 'object' THEN line - 'note' ELSE line END"
        lines = cleandoc(f"""
            SELECT coalesce(jsonb_agg({line} ORDER BY place), '[]')
              FROM jsonb_array_elements({column}) WITH ORDINALITY AS each(line, place)
        """)
        return f"CASE jsonb_typeof({column}) WHEN 'array' THEN ({lines}) ELSE {column} END"

    def json_text(self, value: str) -> str:
        return f"CAST({value} AS text)"

    def json_of(self, column: str) -> str:
        return column

    def json_member(self, column: str, member: str) -> str:
        return f"({column} -> '{member}')"

    def json_truth(self, column: str) -> str:
        return f"({column} <> 0)"

    def is_array(self, column: str) -> str:
        return f"json_typeof({column}) = 'array'"

    def is_of_one_object(self, column: str) -> str:
        length = f"CASE json_typeof({column}) WHEN 'array' THEN json_array_length({column}) ELSE 0 END"
        # By text: decoding the item would fail on escaped NULs.
        return f"({length} = 1 AND {column}::text ~ '^\\s*\\[\\s*\\{{')"

    def bytes_of(self, column: str) -> str:
        return f"pg_column_size({column})"

    def is_in_digits(self, column: str) -> str:
        return f"{column} ~ '^[0-9]{{1,16}}$'"

    def is_hex(self, column: str) -> str:
        return f"{column} ~ '^[0-9a-f]{{16}}$'"

    def refuse_invalid(self, texts: Sequence[str], documents: Sequence[str]) -> tuple[str | Refusal, ...]:
        del texts  # it takes nothing but UTF-8
        return tuple(
            Refusal(f"{name}_is_readable: {IS_READABLE}", f"NOT ordercast_is_readable(CAST(NEW.{name} AS text))")
            for name in documents
        )

    def has_other_items(self, column: str) -> str:
        return f"jsonb_path_exists({column}, 'strict $[*] ? (@.type() != \"object\")', '{{}}', true)"

    def parameter(self, name: str) -> str:
        return f"%({name})s"

    def postgresql(self, *words: str) -> str:
        return ", ".join(words)

    def sqlite(self, *words: str) -> str:
        del words
        return ""

    def json_texts(self, array: str) -> str:
        return f"SELECT value FROM json_array_elements_text(CAST({array} AS json))"

    def json_rows(self, array: str, *columns: str) -> str:
        typed = (column.split() for column in columns)
        values = (f"CAST(value ->> {place} AS {type_}) AS {name}" for place, (name, type_) in enumerate(typed))
        # jsonb: with json each column would parse the row again.
        return f"SELECT {', '.join(values)} FROM jsonb_array_elements(CAST({array} AS jsonb))"

    def bulk_values(self, *columns: str) -> str:
        return f"({', '.join(column.split()[0] for column in columns)}) {self.json_rows(':rows', *columns)} WHERE TRUE"

    # `A`, always: also for replication and session_replication_role.
    triggers_at_work = """
        SELECT tgname FROM pg_trigger WHERE tgenabled = 'A' AND NOT tgisinternal AND pg_table_is_visible(tgrelid)
    """

    columns_there = """
        SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_table_is_visible(c.oid)
          AND c.relnamespace <> 'pg_catalog'::regnamespace
    """
    indexes_there = "SELECT relname FROM pg_class WHERE relkind = 'i' AND pg_table_is_visible(oid)"
    tables_refused = """
        SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)
          AND relnamespace <> 'pg_catalog'::regnamespace AND NOT (
            has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
    """

    def create_trigger(self, trigger: Trigger) -> list[str]:
        trigger = trigger.expanded(self)
        name, table, function = trigger.name, trigger.table, trigger.function or trigger.name
        steps = "\n".join(_step(item) for item in trigger.body)
        when = ""
        if trigger.when is not None:
            # A subquery is not allowed in WHEN.
            if "SELECT" in trigger.when or len(trigger.when) > WHEN_LENGTH_MAX:
                steps = _if(trigger.when, steps)
            else:
                when = f" WHEN ({trigger.when})"
        body = f"BEGIN\n{textwrap.indent(steps, '  ')}\n  RETURN {_returned(trigger)};\nEND"
        of_its_own = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {FIXED_PATH} AS $$\n{body}\n$$"
        made = f"CREATE TRIGGER {name} {trigger.event} ON {table}"
        return [
            *([of_its_own] if trigger.function is None else ()),
            f"{made} FOR EACH {trigger.each}{when} EXECUTE FUNCTION {function}()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
        ]


def _step(item: str | Refusal) -> str:
    if not isinstance(item, Refusal):
        return f"{item};"
    refuse = f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{item.sentence}';"
    return refuse if item.when is None else _if(item.when, refuse)


def _if(condition: str, steps: str) -> str:
    return f"IF {condition} THEN\n{textwrap.indent(steps, '  ')}\nEND IF;"


def _returned(trigger: Trigger) -> str:
    """The row to return, if one is needed."""
    if trigger.each != "ROW" or not trigger.is_before:
        return "NULL"
    return "OLD" if trigger.event == "BEFORE DELETE" else "NEW"
