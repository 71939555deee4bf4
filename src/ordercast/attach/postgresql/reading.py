"""Reads the tables of a PostgreSQL database, for a suggestion."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from ordercast.attach.suggestions import KnownTable

from .catalogue import Ask

_COLUMNS: Final = """
SELECT n.nspname, c.relname, a.attname, a.attnum = ANY(coalesce(key.indkey, '')::smallint[]),
  CASE t.typtype WHEN 'e' THEN
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_index key ON key.indrelid = c.oid AND key.indisprimary
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND n.nspname IS DISTINCT FROM %(own)s
ORDER BY n.nspname, c.relname, a.attnum
"""
_REFERENCES: Final = """
SELECT n.nspname, c.relname, a.attname, fn.nspname, f.relname, fa.attname
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
  JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
  JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
"""


def read_tables(ask: Ask, own_schema: str) -> list[KnownTable]:
    """All but our own."""
    columns: dict[str, list[str]] = defaultdict(list)
    keys: dict[str, list[str]] = defaultdict(list)
    states: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    references: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for schema, table, column, is_key, labels in ask(_COLUMNS, {"own": own_schema}):
        name = _named(schema, table)
        columns[name].append(column)
        if is_key:
            keys[name].append(column)
        if labels:
            states[name][column] = tuple(labels)
    for schema, table, column, of_schema, of_table, of_column in ask(_REFERENCES, {}):
        references[_named(schema, table)][column] = (_named(of_schema, of_table), of_column)
    return [
        KnownTable(name, tuple(found), tuple(keys[name]), references[name], states[name])
        for name, found in columns.items()
    ]


def _named(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"
