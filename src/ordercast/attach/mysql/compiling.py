"""Compiles an ``[[emit]]`` or a ``[[watch]]`` to MySQL's triggers, which keep a row as it was in the shop's outbox, and
read nothing else.

Theory of operation. A trigger has one statement that could fail, in a block that catches every error: the error is kept
instead of the row, and the shop's write goes on. It reads no table: what is read in a trigger is locked until the
shop's transaction ends, and a deadlock is the one error that no block catches. So a mapping's SQL is asked behind the
commit, by our own process (``outbox``), and the insert of a new row is all that is done in the shop's transaction.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from ordercast.attach.mapping import Section, Verb, Watch

from .catalogue import Column, Table, literal, quoted

OUTBOX: Final = "ordercast_outbox"
PUBLISH: Final = "ordercast_publish"
ERROR_MAX: Final = 500

_COLUMNS: Final = """(
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  writer VARCHAR(300) NOT NULL,
  connection BIGINT UNSIGNED NOT NULL,
  emit CHAR(12), verb VARCHAR(6), new_row LONGTEXT, old_row LONGTEXT, error VARCHAR(500),
  event VARCHAR(128), rooms LONGTEXT, args LONGTEXT
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"""
# Of when, by whom and over which connection.
_WRITER: Final = "UTC_TIMESTAMP(6), USER(), CONNECTION_ID()"


def outbox_of(database: str) -> str:
    """Its name, as triggers and our queries have it."""
    return f"{quoted(database)}.{quoted(OUTBOX)}"


def create_outbox(database: str) -> str:
    return f"CREATE TABLE {outbox_of(database)} {_COLUMNS}"


def publish_body(database: str) -> str:
    """Of the procedure by which the shop publishes events of its own."""
    return f"""BEGIN
  DECLARE place INT DEFAULT 0;
  IF coalesce(event, '') = '' OR CHAR_LENGTH(event) > 128 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'event: it has a name, of at most 128 characters';
  END IF;
  IF NOT coalesce(JSON_VALID(rooms) AND JSON_TYPE(rooms) = 'ARRAY' AND JSON_LENGTH(rooms) > 0, 0) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'rooms: the JSON array of at least one room';
  END IF;
  WHILE place < JSON_LENGTH(rooms) DO
    IF coalesce(JSON_TYPE(JSON_EXTRACT(rooms, CONCAT('$[', place, ']'))), '') <> 'STRING'
        OR JSON_UNQUOTE(JSON_EXTRACT(rooms, CONCAT('$[', place, ']'))) = '' THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'rooms: each is a text that is not empty';
    END IF;
    SET place = place + 1;
  END WHILE;
  IF args IS NOT NULL AND NOT coalesce(JSON_VALID(args) AND JSON_TYPE(args) = 'ARRAY', 0) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'args: the JSON array of the event''s arguments';
  END IF;
  INSERT INTO {outbox_of(database)} (at, writer, connection, event, rooms, args)
    VALUES ({_WRITER}, event, rooms, coalesce(args, '[]'));
END"""


def create_publish(database: str) -> str:
    text = "LONGTEXT CHARACTER SET utf8mb4"
    return (
        f"CREATE PROCEDURE {quoted(database)}.{quoted(PUBLISH)}"
        f" (event VARCHAR(1000) CHARACTER SET utf8mb4, rooms {text}, args {text})\n"
        f"MODIFIES SQL DATA SQL SECURITY DEFINER\n{publish_body(database)}"
    )


def trigger_name(emit: Section, verb: Verb) -> str:
    return f"ordercast_{emit.id}_{verb}"


def create_trigger(emit: Section, verb: Verb, table: Table, database: str) -> str:
    name = f"{quoted(table.schema)}.{quoted(trigger_name(emit, verb))}"
    body = trigger_body(emit, verb, table, database)
    return f"CREATE TRIGGER {name} AFTER {verb.upper()} ON {table.quoted} FOR EACH ROW\n{body}"


def trigger_body(emit: Section, verb: Verb, table: Table, database: str) -> str:
    outbox = outbox_of(database)
    columns = list(kept_columns(emit, table))
    new = "NULL" if verb == "delete" else row_as_json("NEW", columns)
    old = "NULL" if verb == "insert" else row_as_json("OLD", columns)
    insert = f"""\
INSERT INTO {outbox} (at, writer, connection, emit, verb, new_row, old_row)
  VALUES ({_WRITER}, '{emit.id}', '{verb}', {new}, {old});"""
    # Who watches a row is told where something of what is told, or found by, has changed.
    changed = [column.name for column in columns] if isinstance(emit, Watch) else emit.changed
    if verb == "update" and changed:
        differ = " OR ".join(_differs(table.columns[name]) for name in changed)
        insert = f"IF {differ} THEN\n{textwrap.indent(insert, '  ')}\nEND IF;"
    return f"""BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    DECLARE ordercast_said TEXT CHARACTER SET utf8mb4;
    DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
    GET DIAGNOSTICS CONDITION 1 ordercast_said = MESSAGE_TEXT;
    INSERT INTO {outbox} (at, writer, connection, emit, verb, error)
      VALUES ({_WRITER}, '{emit.id}', '{verb}', LEFT(coalesce(ordercast_said, 'unknown'), {ERROR_MAX}));
  END;
{textwrap.indent(insert, "  ")}
END"""


def missed(emit: Section, database: str) -> str:
    """What has it told that changes went unseen, where a trigger or the outbox was missing."""
    said = literal("a trigger or the outbox was missing, and changes until then went unseen")
    return (
        f"INSERT INTO {outbox_of(database)} (at, writer, connection, emit, verb, error)"
        f" VALUES ({_WRITER}, '{emit.id}', '', {said})"
    )


def kept_columns(emit: Section, table: Table) -> Iterator[Column]:
    """Those that the mapping needs: a change of any other is none of the trigger's."""
    names = {*emit.columns(), *table.key}
    if emit.when or emit.depends_on_all:
        names |= table.columns.keys()
    return (column for name, column in table.columns.items() if name in names)


def row_as_json(row: str, columns: Iterable[Column]) -> str:
    """A row as it is kept, by `kept_rows.read_row`."""
    pieces = (f"{literal(column.kind + column.name)}, {_value(row, column)}" for column in columns)
    return f"JSON_OBJECT({', '.join(pieces)})"


def _value(row: str, column: Column) -> str:
    """A value as JSON can have it. A TIMESTAMP is kept in UTC, whatever zone the writer's session is in."""
    named = f"{row}.{quoted(column.name)}"
    made = {
        "b": f"{named} + 0",  # a BIT is bytes otherwise
        "j": f"CONCAT(CONVERT({named} USING utf8mb4), '')",  # MariaDB would write JSON within JSON, and MySQL a text
        "s": f"UNIX_TIMESTAMP({named})",
        "x": f"HEX({named})",
    }
    kind = column.kind.lower()
    if kind in made:
        return made[kind]
    if kind == "n":
        return f"{named} + 0" if column.type == "bit" or column.is_padded else named
    if column.is_shape:
        return f"ST_AsText({named})"
    return f"CONVERT({named} USING utf8mb4)" if column.charset else f"CAST({named} AS CHAR)"


def _differs(column: Column) -> str:
    """Byte by byte: to most collations, `a` and `A` are one."""
    new, old = (
        f"CAST(CONVERT({row}.{quoted(column.name)} USING utf8mb4) AS BINARY)"
        if column.charset or column.is_json
        else f"ST_AsBinary({row}.{quoted(column.name)})"
        if column.is_shape
        else f"{row}.{quoted(column.name)}"
        for row in ("NEW", "OLD")
    )
    return f"NOT ({new} <=> {old})"
