from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from ordercast import config
from ordercast.db import SqliteStore, Unusable, migrate
from ordercast.db.dialects import POSTGRESQL, SQLITE
from ordercast.db.schema_script import FIRST_ORDER_NUMBER, schema_script
from ordercast.db.sqlite.connection import connect

from .programs import PostgresqlProgram, Program, SqliteProgram

if TYPE_CHECKING:
    from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, path: Path) -> migrate.DatabaseLocation:
    """An empty database."""
    if request.param == "sqlite":
        return path
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


def program_at(place: migrate.DatabaseLocation) -> Program:
    return SqliteProgram(place) if isinstance(place, Path) else PostgresqlProgram(place)


def names_in(place: migrate.DatabaseLocation) -> set[str]:
    """Of all tables, indexes, triggers and functions."""
    query = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    if isinstance(place, str):
        query = """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
        """
    with closing(program_at(place)) as program:
        names = {name for (name,) in program.do(query)}
    return names - {"alembic_version", "alembic_version_pkc"}


def statements_in(path: Path) -> list[str]:
    with closing(connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return sorted(re.sub(r"\s+", " ", statement) for (statement,) in rows)


# All that PostgreSQL knows of a schema, as text.
CATALOGUE = """
SELECT 'column', relname, attname, format_type(atttypid, atttypmod), attcollation::regcollation::text, attnotnull::text,
    pg_get_expr(adbin, adrelid)
  FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
UNION ALL
SELECT 'constraint', relname, pg_get_constraintdef(pg_constraint.oid), conname, NULL, NULL, NULL
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexdef, NULL, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger', NULL, pg_get_triggerdef(oid), tgenabled::text, NULL, NULL, NULL
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', NULL, pg_get_functiondef(oid), NULL, NULL, NULL, NULL
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def catalogue_of(url: str) -> list[str]:
    with closing(PostgresqlProgram(url)) as program:
        return sorted(repr(row) for row in program.do(CATALOGUE) if row[1] != "alembic_version")


# --- Up and down ------------------------------------------------------------------------------------------------------


def by_alembic(place: migrate.DatabaseLocation) -> None:
    """Run the migrations from the first on, as a database of an older revision has them run."""
    with migrate._config(place) as config:
        command.upgrade(config, "head")


def schema_in(place: migrate.DatabaseLocation) -> list[str]:
    return statements_in(place) if isinstance(place, Path) else catalogue_of(place)


def test_a_new_database_is_as_the_migrations_would_have_made_it(place: migrate.DatabaseLocation) -> None:
    migrate.upgrade(place)
    made = schema_in(place)
    migrate.downgrade(place, "base")
    by_alembic(place)
    assert schema_in(place) == made
    assert migrate.revision_of(place) == migrate.NEWEST


def test_the_schema_is_a_script_that_other_programs_run(place: migrate.DatabaseLocation, tmp_path: Path) -> None:
    migrate.upgrade(place)
    if isinstance(place, Path):
        other: migrate.DatabaseLocation = tmp_path / "other.db"
        with closing(sqlite3.connect(other)) as connection:
            connection.executescript(schema_script(SQLITE))
    else:
        other = place
        migrate.downgrade(place, "base")
        with psycopg.connect(place, autocommit=True) as server:
            server.execute(schema_script(POSTGRESQL).encode())
    assert names_in(other) == names_in(place) != set()


def test_down_leaves_nothing_and_up_again_makes_it_anew(place: migrate.DatabaseLocation) -> None:
    migrate.upgrade(place)
    before = names_in(place)
    with closing(program_at(place)) as program:
        program.do("INSERT INTO orders (total) VALUES (1)")
    migrate.downgrade(place, "base")
    assert names_in(place) == set()
    migrate.upgrade(place)
    assert names_in(place) == before


def test_a_second_up_changes_nothing(place: migrate.DatabaseLocation) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        epoch = program.do("SELECT value FROM meta WHERE name = 'epoch'")
        migrate.upgrade(place)
        assert program.do("SELECT value FROM meta WHERE name = 'epoch'") == epoch
    ((text,),) = epoch
    assert re.fullmatch("[0-9a-z]{16}", text)


def test_two_processes_may_start_together(place: migrate.DatabaseLocation) -> None:
    program = f"from pathlib import *; from ordercast.db import migrate; migrate.upgrade({place!r})"
    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    outcomes = [(process.wait(timeout=60), process.communicate()[1]) for process in started]
    assert outcomes == [(0, b"")] * 3


def test_the_first_order_has_the_first_number(place: migrate.DatabaseLocation) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        program.do("INSERT INTO orders (total) VALUES (1)")
        assert program.do("SELECT number FROM orders") == [(FIRST_ORDER_NUMBER,)]
        assert program.do("SELECT currency FROM shop") == [("BDT",)]


# --- Databases of another version -------------------------------------------------------------------------------------


def pretend_to_be(place: migrate.DatabaseLocation, revision: str) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        program.do("UPDATE alembic_version SET version_num = ?", [revision])


def test_a_shop_of_a_newer_version_is_not_opened(path: Path) -> None:
    pretend_to_be(path, "9999")
    with pytest.raises(Unusable, match="9999"):
        SqliteStore(path).migrate()


def test_a_database_of_a_newer_version_is_not_migrated(place: migrate.DatabaseLocation) -> None:
    pretend_to_be(place, "9999")
    with pytest.raises(Unusable, match="9999"):
        migrate.upgrade(place)


def test_who_must_not_migrate_is_told_the_command(place: migrate.DatabaseLocation) -> None:
    assert migrate.revision_of(place) is None
    with pytest.raises(Unusable, match=r"no schema yet; run `ordercast migrate` first"):
        migrate.must_be_newest(place)
    migrate.upgrade(place)
    assert migrate.revision_of(place) == migrate.NEWEST
    migrate.must_be_newest(place)
    pretend_to_be(place, "0000")
    with pytest.raises(Unusable, match=f"of revision 0000, not {migrate.NEWEST}"):
        migrate.must_be_newest(place)


def test_the_newest_revision_is_the_one_that_this_code_works_with() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_current_head() == migrate.NEWEST


def test_a_database_that_is_up_to_date_is_left_alone_without_alembic(place: migrate.DatabaseLocation) -> None:
    migrate.upgrade(place)
    program = (
        "import sys; from pathlib import *; from ordercast.db import migrate;"
        f" migrate.upgrade({place!r}); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def foreign_url(postgres_server: Postgres) -> Iterator[str]:
    """A database in which another program has tables of names that ours have too, and migrations of its own."""
    name = postgres_server.new_database()
    url = postgres_server.url(name)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("orders", "customers", "feed", "products"):
            connection.execute(f"CREATE TABLE {table} (id integer)".encode())
        connection.execute("INSERT INTO orders VALUES (1)")
    yield url
    postgres_server.drop(name)


def test_tables_of_another_program_are_named_with_the_way_to_live_beside_them(foreign_url: str) -> None:
    sentence = r"tables of another program \(customers, feed, orders, products\); .*ORDERCAST_DATABASE_SCHEMA=ordercast"
    for attempt in (migrate.upgrade, migrate.must_be_newest):
        with pytest.raises(Unusable, match=sentence):
            attempt(foreign_url)


def test_another_programs_alembic_is_not_taken_for_ours(foreign_url: str) -> None:
    with psycopg.connect(foreign_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('ae10')")
    for attempt in (migrate.upgrade, migrate.must_be_newest):
        with pytest.raises(Unusable, match=r"another program \(alembic_version, .*ORDERCAST_DATABASE_SCHEMA=ordercast"):
            attempt(foreign_url)


def test_all_of_ours_lives_in_a_schema_of_its_own_beside_them(foreign_url: str) -> None:
    settings = config.load(
        {
            "ORDERCAST_DATABASE_URL": f"{foreign_url}?options=-cwork_mem%3D8MB",
            "ORDERCAST_DATABASE_SCHEMA": "ordercast",
            "ORDERCAST_SECRET": "a secret of at least thirty-two bytes",
        }
    )
    migrate.upgrade(settings.store_url)
    migrate.must_be_newest(settings.store_url)
    with psycopg.connect(foreign_url, autocommit=True) as connection:
        assert connection.execute("SELECT * FROM public.orders").fetchall() == [(1,)]
        connection.execute("INSERT INTO ordercast.orders (total) VALUES (1)")
        assert connection.execute("SELECT kind FROM ordercast.feed").fetchall() == [("order.placed",)]
        ours = """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
        """
        assert sorted(name for (name,) in connection.execute(ours)) == ["customers", "feed", "orders", "products"]
    with psycopg.connect(settings.store_url) as connection:
        assert connection.execute("SELECT current_setting('work_mem'), current_schemas(false)::text").fetchall() == [
            ("8MB", "{ordercast}")
        ]
    migrate.downgrade(settings.store_url, "base")
    with psycopg.connect(foreign_url) as connection:
        left = "SELECT relname FROM pg_class WHERE relnamespace = 'ordercast'::regnamespace AND relkind = 'r'"
        assert connection.execute(left).fetchall() == [("alembic_version",)]
