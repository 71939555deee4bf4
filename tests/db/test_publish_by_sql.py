"""Another program publishes by SQL: its event is told like ours, with its transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from ordercast.db import migrate

from .programs import PostgresqlProgram, Program, SqliteProgram

if TYPE_CHECKING:
    from tests.postgres import Postgres


def published(program: Program) -> list[Any]:
    return [json.loads(after) for kind, *_, after in program.feed() if kind == "event.published"]


@pytest.fixture
def sqlite(sqlite_program: SqliteProgram) -> Iterator[SqliteProgram]:
    with sqlite_program.rolled_back():
        yield sqlite_program


@pytest.fixture
def postgresql(postgresql_program: PostgresqlProgram) -> Iterator[PostgresqlProgram]:
    with postgresql_program.rolled_back():
        yield postgresql_program


def test_sqlite_publishes_what_is_inserted_into_the_view(sqlite: SqliteProgram) -> None:
    sqlite.do("INSERT INTO ordercast_publish VALUES ('price', '[\"store-owners\"]', '[{\"sku\": \"a\"}, 2]')")
    sqlite.do("INSERT INTO ordercast_publish (event, rooms) VALUES ('closing', '[\"a\", \"b\"]')")
    assert published(sqlite) == [
        {"event": "price", "rooms": ["store-owners"], "args": [{"sku": "a"}, 2]},
        {"event": "closing", "rooms": ["a", "b"], "args": []},
    ]


@pytest.mark.parametrize("rooms", ["[]", "store-owners", '{"a": 1}', "[1]", '[""]', None])
def test_sqlite_refuses_rooms_that_are_none(sqlite: SqliteProgram, rooms: str | None) -> None:
    with sqlite.refused("rooms: "):
        sqlite.do("INSERT INTO ordercast_publish VALUES ('price', ?, '[]')", [rooms])


@pytest.mark.parametrize(
    "arguments",
    [
        """'price', ARRAY['store-owners'], '[{"sku": "a"}, 2]'""",
        """'price', ARRAY['store-owners'], '[{"sku": "a"}, 2]'::jsonb""",
        """'price', ARRAY['store-owners'], json_build_array(json_build_object('sku', 'a'), 2)""",
        """'price', '["store-owners"]', '[{"sku": "a"}, 2]'""",
        """'price', '{store-owners}', '[{"sku": "a"}, 2]'""",
        """'price', 'store-owners', '[{"sku": "a"}, 2]'""",
        """'price', '["store-owners"]'::jsonb, '[{"sku": "a"}, 2]'::jsonb""",
        """event => 'price', rooms => ARRAY['store-owners'], args => '[{"sku": "a"}, 2]'""",
    ],
)
def test_postgresql_publishes_by_a_function_however_its_arguments_are_written(
    postgresql: PostgresqlProgram, arguments: str
) -> None:
    ((event_id,),) = postgresql.do(f"SELECT ordercast.publish({arguments})")
    assert event_id.startswith("evt_")
    assert published(postgresql) == [{"event": "price", "rooms": ["store-owners"], "args": [{"sku": "a"}, 2]}]
    assert postgresql.do("SELECT actor FROM feed") == [(postgresql.actor,)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("'', ARRAY['a'], '[]'", "event: "),
        ("'price', ARRAY[]::text[], '[]'", "rooms: "),
        ("'price', NULL::text[], '[]'", "rooms: "),
        ("'price', ARRAY['a', NULL], '[]'", "rooms: "),
        ("'price', ARRAY['a'], '{\"sku\": 1}'", "args: .*between"),
        ("'newOrder', ARRAY['a'], '[{}]'", "event_not_reserved"),
    ],
)
def test_postgresql_refuses_what_is_no_event(postgresql: PostgresqlProgram, arguments: str, sentence: str) -> None:
    with postgresql.refused(sentence):
        postgresql.do(f"SELECT ordercast.publish({arguments})")


def test_where_the_shop_is_none_of_ours_the_names_of_our_events_are_its_own(postgresql: PostgresqlProgram) -> None:
    postgresql.do("INSERT INTO meta (name, value) VALUES ('built_in', 'false')")
    postgresql.do("SELECT ordercast.publish('newOrder', ARRAY['a'], '[{\"b\": 1}, 2]')")
    assert published(postgresql) == [{"event": "newOrder", "rooms": ["a"], "args": [{"b": 1}, 2]}]
    for arguments, sentence in (
        ("'disconnect', ARRAY['a'], '[]'", "event_not_reserved"),
        ("'e', ARRAY['a'], '[1e999]'", "args_is_readable"),
    ):
        with postgresql.refused(sentence):
            postgresql.do(f"SELECT ordercast.publish({arguments})")


def test_what_is_rolled_back_was_never_published(postgresql: PostgresqlProgram) -> None:
    postgresql.do("SAVEPOINT it")
    postgresql.do("SELECT ordercast.publish('price', ARRAY['a'], '[]')")
    postgresql.do("ROLLBACK TO it")
    assert published(postgresql) == []


def test_a_role_publishes_that_may_use_the_schema_and_no_table(
    postgres_server: Postgres, postgres_template: str
) -> None:
    name = postgres_server.new_database(postgres_template)
    postgres_server.execute("DROP ROLE IF EXISTS publisher")
    postgres_server.execute("CREATE ROLE publisher LOGIN")
    try:
        with psycopg.connect(postgres_server.url(name, user="publisher"), autocommit=True) as connection:
            statement = "SELECT ordercast.publish('price', ARRAY['a'], '[1]')"
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema ordercast"):
                connection.execute(statement)
            postgres_server.execute("GRANT USAGE ON SCHEMA ordercast TO publisher", name)
            connection.execute(statement)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT public.ordercast_publish('price', ARRAY['a'], '[1]')")
        assert postgres_server.execute("SELECT actor FROM feed", name) == [("db:publisher@unknown",)]
    finally:
        postgres_server.drop(name)
        postgres_server.execute("DROP ROLE publisher")


def test_a_database_where_no_schema_may_be_made_is_migrated_all_the_same(postgres_server: Postgres) -> None:
    name = postgres_server.new_database()
    postgres_server.execute("DROP ROLE IF EXISTS narrow")
    postgres_server.execute("CREATE ROLE narrow LOGIN")
    try:
        postgres_server.execute("CREATE SCHEMA shop AUTHORIZATION narrow", name)
        place = postgres_server.url(name, user="narrow") + "?options=-csearch_path%3Dshop"
        migrate.upgrade(place)
        with closing(PostgresqlProgram(place)) as program:
            program.do("SELECT shop.ordercast_publish('price', ARRAY['a'], '[1]')")
            assert len(published(program)) == 1
    finally:
        postgres_server.drop(name)
        postgres_server.execute("DROP ROLE narrow")
