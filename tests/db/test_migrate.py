from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from ordercast.db import SqliteStore, Unusable, migrate
from ordercast.db.dialects import POSTGRESQL, SQLITE
from ordercast.db.schema_script import FIRST_ORDER_NUMBER, schema_script
from ordercast.db.sqlite.connection import connect

from .programs import PostgresqlProgram, Program, SqliteProgram

if TYPE_CHECKING:
    from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, path: Path) -> migrate.Place:
    """An empty database."""
    if request.param == "sqlite":
        return path
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


def program_at(place: migrate.Place) -> Program:
    return SqliteProgram(place) if isinstance(place, Path) else PostgresqlProgram(place)


def names_in(place: migrate.Place) -> set[str]:
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


def by_alembic(place: migrate.Place) -> None:
    """Run the migrations from the first on, as a database of an older revision has them run."""
    with migrate._config(place) as config:
        command.upgrade(config, "head")


def schema_in(place: migrate.Place) -> list[str]:
    return statements_in(place) if isinstance(place, Path) else catalogue_of(place)


def test_a_new_database_is_as_the_migrations_would_have_made_it(place: migrate.Place) -> None:
    migrate.upgrade(place)
    made = schema_in(place)
    migrate.downgrade(place, "base")
    by_alembic(place)
    assert schema_in(place) == made
    assert migrate.revision_of(place) == migrate.NEWEST


def test_the_schema_is_a_script_that_other_programs_run(place: migrate.Place, tmp_path: Path) -> None:
    migrate.upgrade(place)
    if isinstance(place, Path):
        other: migrate.Place = tmp_path / "other.db"
        with closing(sqlite3.connect(other)) as connection:
            connection.executescript(schema_script(SQLITE))
    else:
        other = place
        migrate.downgrade(place, "base")
        with psycopg.connect(place, autocommit=True) as server:
            server.execute(schema_script(POSTGRESQL).encode())
    assert names_in(other) == names_in(place) != set()


def test_down_leaves_nothing_and_up_again_makes_it_anew(place: migrate.Place) -> None:
    migrate.upgrade(place)
    before = names_in(place)
    with closing(program_at(place)) as program:
        program.do("INSERT INTO orders (total) VALUES (1)")
    migrate.downgrade(place, "base")
    assert names_in(place) == set()
    migrate.upgrade(place)
    assert names_in(place) == before


def test_a_second_up_changes_nothing(place: migrate.Place) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        epoch = program.do("SELECT value FROM meta WHERE name = 'epoch'")
        migrate.upgrade(place)
        assert program.do("SELECT value FROM meta WHERE name = 'epoch'") == epoch
    ((text,),) = epoch
    assert re.fullmatch("[0-9a-z]{16}", text)


def test_two_processes_may_start_together(place: migrate.Place) -> None:
    program = f"from pathlib import *; from ordercast.db import migrate; migrate.upgrade({place!r})"
    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    outcomes = [(process.wait(timeout=60), process.communicate()[1]) for process in started]
    assert outcomes == [(0, b"")] * 3


def test_the_first_order_has_the_first_number(place: migrate.Place) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        program.do("INSERT INTO orders (total) VALUES (1)")
        assert program.do("SELECT number FROM orders") == [(FIRST_ORDER_NUMBER,)]
        assert program.do("SELECT currency FROM shop") == [("BDT",)]


# --- Databases of another version -------------------------------------------------------------------------------------


def pretend_to_be(place: migrate.Place, revision: str) -> None:
    migrate.upgrade(place)
    with closing(program_at(place)) as program:
        program.do("UPDATE alembic_version SET version_num = ?", [revision])


def test_a_shop_of_a_newer_version_is_not_opened(path: Path) -> None:
    pretend_to_be(path, "9999")
    with pytest.raises(Unusable, match="9999"):
        SqliteStore(path).migrate()


def test_a_database_of_a_newer_version_is_not_migrated(place: migrate.Place) -> None:
    pretend_to_be(place, "9999")
    with pytest.raises(Unusable, match="9999"):
        migrate.upgrade(place)


def test_who_must_not_migrate_is_told_the_command(place: migrate.Place) -> None:
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


def test_a_database_that_is_up_to_date_is_left_alone_without_alembic(place: migrate.Place) -> None:
    migrate.upgrade(place)
    program = (
        "import sys; from pathlib import *; from ordercast.db import migrate;"
        f" migrate.upgrade({place!r}); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_schema_of_another_program_is_refused_and_one_of_our_own_beside_it_is_not(postgres_server: Postgres) -> None:
    name = postgres_server.new_database()
    url = postgres_server.url(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id integer)")
        connection.execute("CREATE SCHEMA shop")

    with pytest.raises(Unusable, match=r"tables of another program \(orders\); .*search_path%3Dshop"):
        migrate.upgrade(url)
    migrate.upgrade(f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3Dshop")

    postgres_server.drop(name)
