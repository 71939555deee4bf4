"""What a mapping's SQL comes to of a row that was kept: its condition, its expressions, and its view's row."""

from __future__ import annotations

from typing import Any

from ordercast.attach.json_values import answered
from ordercast.attach.mapping import Section
from ordercast.attach.templates import VIEW

from .catalogue import Table, quoted
from .connecting import Connection, ask
from .kept_rows import KeptRow, parameters, question, raw


def named_values(
    connection: Connection, section: Section, table: Table, new: KeptRow, old: KeptRow | None = None
) -> dict[str, Any] | None:
    """What a mapping's SQL comes to, None where its condition is not met; without `old`, of a row as it is."""
    named: dict[str, Any] = {}
    expressions = [*([section.when] if section.when else []), *section.sql.values()]
    if expressions:
        rows = [row.values for row in (new, old) if row is not None]
        query = question(expressions, table, has_old=old is not None)
        ((*answers,),) = ask(connection, query, parameters(table, *rows))
        if section.when and not answers.pop(0):
            return None
        named = {name: answered(value) for name, value in zip(section.sql, answers, strict=True)}
    if section.view:
        named[VIEW] = _seen(connection, section, table, new)
    return named


def _seen(connection: Connection, section: Section, table: Table, row: KeptRow) -> dict[str, Any] | None:
    """The view's row."""
    view = ".".join(map(quoted, section.view.split(".")))
    where = " AND ".join(f"{quoted(name)} = %s" for name in table.key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM {view} WHERE {where} LIMIT 1",
            [raw(row.values.get(name), table.columns[name]) for name in table.key],
        )
        found = cursor.fetchone()
        names = [each[0] for each in cursor.description]
    return None if found is None else dict(zip(names, map(answered, found), strict=True))
