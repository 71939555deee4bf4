"""Values of every type of PostgreSQL: they are told, and a change of any is seen."""

from __future__ import annotations

import pytest

from .conftest import AttachedShop
from .test_postgresql import emit

# A type, a value, and one that its own equality calls the same, or has no equality for.
ALIKE = [
    ("json", """'{"a": 1}'""", """'{"a":  1}'"""),
    ("json[]", """ARRAY['1'::json]""", """ARRAY['2'::json]"""),
    ("jsonpath", "'$.a'", "'$.b'"),
    ("pg_snapshot", "'10:20:10'", "'10:30:10'"),
    ("point", "'(1,2)'", "'(1,3)'"),
    ("circle", "'<(0,0),5>'", "'<(9,9),5>'"),
    ("box", "'((0,0),(1,1))'", "'((1,1),(2,2))'"),
    ("path", "'((0,0),(1,1))'", "'((0,0),(2,2))'"),
    ("polygon", "'((0,0),(1,1))'", "'((0,0),(2,2))'"),
    ("interval", "'1 mon'", "'30 days'"),
    ("pair", """ROW('1'::json, 1)""", """ROW('2'::json, 1)"""),
]


def test_a_change_is_seen_whatever_its_type_calls_equal(shop: AttachedShop) -> None:
    alike = list(ALIKE)
    if shop.do("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):  # of a server that has ICU
        shop.do("CREATE COLLATION case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        alike.append(("text COLLATE case_blind", "'a'", "'A'"))
    shop.do("CREATE TYPE pair AS (j json, n integer)")
    columns = [f"c{number}" for number in range(len(alike))]
    declared = ", ".join(f"{column} {type_}" for column, (type_, *_) in zip(columns, alike, strict=True))
    shop.do(f"CREATE TABLE things (id integer PRIMARY KEY, {declared})")
    shop.apply(
        "".join(
            emit("things", '"update"', rest=f'name = "{each}"\nchanged = ["{each}"]\npayload = 1') for each in columns
        )
    )
    shop.do(f"INSERT INTO things VALUES (1, {', '.join(value for _, value, _ in alike)})")
    for column, (_, value, other) in zip(columns, alike, strict=True):
        shop.do(f"UPDATE things SET {column} = {value}")
        shop.do(f"UPDATE things SET {column} = {other}")
        shop.do(f"UPDATE things SET {column} = NULL")
        shop.do(f"UPDATE things SET {column} = NULL")
    assert [event["mapping"] for event in shop.told()] == [each for column in columns for each in (column, column)]
    assert shop.errors() == []


def test_what_has_no_end_is_told_as_it_is_written(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE offers (id integer PRIMARY KEY, until timestamptz, since timestamp, day date, n numeric)")
    shop.apply(
        emit("offers", rest='payload = ["{until}", "{since}", "{*}"]', rooms='["until_{until}"]')
        + '[[watch]]\ntable = "offers"\nrooms = ["a"]\n'
    )
    shop.do("INSERT INTO offers VALUES (1, 'infinity', '-infinity', 'infinity', 'NaN'), (2, NULL, NULL, NULL, NULL)")
    row = {"id": 1, "until": "infinity", "since": "-infinity", "day": "infinity", "n": "NaN"}
    events = [event for event in shop.told() if event["event"] == "e"]
    assert [event["args"] for event in events] == [[["infinity", "-infinity", row]]]
    assert events[0]["rooms"] == ["until_infinity"]


def test_what_is_worked_out_when_it_is_read_is_in_no_whole_row(shop: AttachedShop) -> None:
    if shop.connection.info.server_version < 180_000:
        pytest.skip("columns that are worked out when they are read are new in PostgreSQL 18")
    shop.do(
        "CREATE TABLE lines (id integer PRIMARY KEY, n integer, half integer GENERATED ALWAYS AS (n / 2) VIRTUAL,"
        " at timestamp GENERATED ALWAYS AS (timestamp '2026-01-01' + n * interval '1 day') VIRTUAL)"
    )
    shop.apply(emit("lines", rest='payload = "{*}"'))
    shop.do("INSERT INTO lines VALUES (1, 4)")
    assert shop.args() == [{"id": 1, "n": 4}]
