"""The schema as SQL statements for an empty database.

Slow to import, as it has all tables and triggers; used only to create a database.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from .conversations import search as message_search
from .ddl import table_statements
from .dialects import DIALECTS, POSTGRESQL, SQLITE, Dialect
from .domains import DOMAINS
from .nouns import tables
from .orders import search as order_search
from .publish_by_sql import SQLITE_VIEWS
from .sqlite import invalid_values
from .triggers import triggers

FIRST_ORDER_NUMBER: Final = 1001

_FIRST_ROWS: Final = {
    SQLITE: (
        f"INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', {FIRST_ORDER_NUMBER - 1})",
        "INSERT INTO shop (id) VALUES (1)",
        "INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))))",
    ),
    POSTGRESQL: (
        f"ALTER SEQUENCE orders_number_seq RESTART WITH {FIRST_ORDER_NUMBER}",
        "INSERT INTO shop (id) VALUES (1)",
        "INSERT INTO meta (name, value) VALUES ('epoch', right(replace(gen_random_uuid()::text, '-', ''), 16))",
    ),
}


def schema_statements(dialect: Dialect) -> list[str]:
    """All statements of the schema and its first rows, in order."""
    statements: list[str] = [*dialect.functions]
    if dialect is POSTGRESQL:
        statements += [domain.statement for domain in DOMAINS]
    for table in tables(dialect):
        statements += table_statements(table, dialect)
    if dialect is SQLITE:
        statements += [
            invalid_values.TABLE,
            *message_search.SQLITE_TABLES,
            *order_search.SQLITE_TABLES,
            *SQLITE_VIEWS,
        ]
    else:
        statements += [*message_search.POSTGRESQL_INDEXES, *order_search.POSTGRESQL_TABLES]
    for trigger in triggers(dialect):
        statements += dialect.create_trigger(trigger)
    return [_tidy(statement) for statement in (*statements, *_FIRST_ROWS[dialect])]


def schema_script(dialect: Dialect) -> str:
    """As `schema_statements`, as a script for ``sqlite3`` or ``psql``."""
    return ";\n\n".join(schema_statements(dialect)) + ";\n"


def write_scripts(folder: Path) -> None:
    """Write each database's script into `folder`, as ``schema.sqlite.sql``."""
    folder.mkdir(exist_ok=True)
    for name, dialect in DIALECTS.items():
        (folder / f"schema.{name}.sql").write_text(schema_script(dialect), encoding="utf-8")


def _tidy(statement: str) -> str:
    # A rule of the other database leaves blanks.
    lines = (re.sub(r" +(,?) *$", r"\1", line).replace("\t", "  ") for line in statement.strip().splitlines())
    return "\n".join(line for line in lines if line)


if __name__ == "__main__":
    write_scripts(Path(sys.argv[1]))
