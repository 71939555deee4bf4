from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from ordercast.db import SqliteStore, Unusable, migrate
from ordercast.db.connection import connect


def names_in(path: Path) -> set[str]:
    connection = connect(path)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    finally:
        connection.close()
    return {name for (name,) in rows} - {"alembic_version"}


def statements_in(path: Path) -> list[str]:
    connection = connect(path)
    try:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')"
        ).fetchall()
    finally:
        connection.close()
    return sorted(_squeezed(statement) for (statement,) in rows)


def _squeezed(statement: str) -> str:
    return re.sub(r"\s+", " ", statement).strip()


def test_up_makes_what_the_tables_and_triggers_say(path: Path) -> None:
    migrate.upgrade(path)
    assert statements_in(path) == sorted(
        _squeezed(text) for text in migrate.schema_script().split("\n\n") if text.startswith("CREATE")
    )


def test_down_leaves_nothing_and_up_again_makes_it_anew(path: Path) -> None:
    migrate.upgrade(path)
    before = names_in(path)
    connection = connect(path)
    connection.execute("INSERT INTO orders (total) VALUES (1)")
    connection.close()
    migrate.downgrade(path, "base")
    assert names_in(path) == set()
    migrate.upgrade(path)
    assert names_in(path) == before


def test_a_second_up_changes_nothing(path: Path) -> None:
    migrate.upgrade(path)
    connection = sqlite3.connect(path)
    epoch = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    migrate.upgrade(path)
    assert connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone() == epoch
    connection.close()


def test_two_processes_may_start_together(path: Path) -> None:
    program = f"from pathlib import Path; from ordercast.db import migrate; migrate.upgrade(Path({str(path)!r}))"
    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    outcomes = [(process.wait(timeout=30), process.communicate()[1]) for process in started]
    assert outcomes == [(0, b"")] * 3


def test_a_shop_of_a_newer_version_is_not_opened(path: Path) -> None:
    migrate.upgrade(path)
    connection = connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Unusable, match="9999"):
        SqliteStore(path).migrate()


def test_the_newest_revision_is_the_one_that_this_code_works_with() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_current_head() == migrate.NEWEST


def test_a_database_that_is_up_to_date_is_left_alone_without_alembic(path: Path) -> None:
    migrate.upgrade(path)
    program = (
        "import sys; from pathlib import Path; from ordercast.db import migrate;"
        f" migrate.upgrade(Path({str(path)!r})); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
