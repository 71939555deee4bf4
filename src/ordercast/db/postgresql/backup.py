"""Backs up and restores a PostgreSQL database, by PostgreSQL's own ``pg_dump`` and ``pg_restore``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from ordercast.config import parts_of_postgresql_url
from ordercast.db.backups import BackupRefused, written_whole
from ordercast.db.epochs import history_of
from ordercast.db.errors import Unusable
from ordercast.db.migrate import revision_of, upgrade

from .connection import connect

# Our tables' schema, and that of the function by which others publish.
_SCHEMAS: Final = """
SELECT nspname FROM pg_namespace WHERE nspname IN (current_schema(), 'ordercast') ORDER BY nspname
"""
_HAS_TABLES: Final = "SELECT to_regclass('feed') IS NOT NULL OR to_regclass('orders') IS NOT NULL"
# Handed over by the environment, or not at all.
_SECRETS: Final = ("password", "sslpassword")
_ERROR_CHARACTERS_MAX: Final = 500


def back_up(url: str, target: Path) -> None:
    """Write our schemas of one snapshot to a new file in pg_dump's custom format, complete when `target` appears.

    The shop's own tables beside ours are its own to back up. Raises BackupRefused.
    """
    with _refused(), closing(connect(url, name="backup")) as connection:
        if revision_of(url) is None:
            raise BackupRefused("this database has no tables of ours")
        schemas = [name for (name,) in connection.execute(_SCHEMAS).fetchall()]
    with written_whole(target) as draft:
        chosen = [f"--schema={_pattern(name)}" for name in schemas]
        _run("pg_dump", url, "--format=custom", f"--file={draft}", *chosen)


def restore(backup: Path, url: str) -> None:
    """Load a backup into a database without tables of ours, in one transaction; then bring it to the newest schema, in
    a new epoch. Raises BackupRefused.
    """
    with _refused(), closing(connect(url, name="restore")) as connection:
        ((is_taken,),) = connection.execute(_HAS_TABLES).fetchall()
        there = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace").fetchall()}
    if is_taken:
        raise BackupRefused("this database has a shop already; make an empty one, and name that by --database-url")
    with tempfile.NamedTemporaryFile("w", prefix="ordercast-restore-", suffix=".list") as chosen:
        # A schema that is there, as `public` always is, cannot be made again.
        lines = _run("pg_restore", None, "--list", str(backup)).splitlines()
        chosen.write("\n".join(line for line in lines if _made_schema(line) not in there))
        chosen.flush()
        _run(
            "pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner",
            f"--use-list={chosen.name}", str(backup),
        )  # fmt: skip
    with _refused():
        upgrade(url)
        with closing(connect(url, name="restore")) as connection:
            history_of(connection)  # its tables are others than those of the dump: a new epoch


def _made_schema(line: str) -> str | None:
    """The schema that this line of `pg_restore --list` makes: ``6; 2615 16386 SCHEMA - ordercast postgres``."""
    words = line.split()
    return words[5] if words[3:5] == ["SCHEMA", "-"] else None


def _pattern(name: str) -> str:
    """A schema's name, quoted for pg_dump's patterns."""
    return '"' + name.replace('"', '""') + '"'


def _run(program: str, url: str | None, *arguments: str) -> str:
    """Run one of PostgreSQL's programs; return what it printed. Raises BackupRefused with what it complained of."""
    path = shutil.which(program)
    if path is None:
        raise BackupRefused(
            f"there is no {program} on the PATH; it is PostgreSQL's own, in Debian's package postgresql-client"
        )
    environment: Mapping[str, str] = os.environ
    named: Sequence[str] = ()
    if url is not None:
        parts = parts_of_postgresql_url(url)
        # Never on the command line, which others of the machine can read.
        password = {"PGPASSWORD": parts["password"]} if "password" in parts else {}
        environment = {**os.environ, **password}
        shown: dict[str, Any] = {name: value for name, value in parts.items() if name not in _SECRETS}
        named = (f"--dbname={make_conninfo('', **shown)}",)
    command = [path, *named, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's own
    if done.returncode:
        raise BackupRefused(f"{program}: {done.stderr.strip()[-_ERROR_CHARACTERS_MAX:]}")
    return done.stdout


@contextmanager
def _refused() -> Iterator[None]:
    """Tell in a sentence what the server refuses."""
    try:
        yield
    except (psycopg.Error, Unusable) as error:
        raise BackupRefused(str(error).strip()) from error
