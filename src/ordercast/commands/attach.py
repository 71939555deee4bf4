"""``ordercast attach`` and ``detach``: tables that are not ours."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import psycopg
from cyclopts import Parameter
from psycopg import errors

from ordercast.app import migrate as migrate_database
from ordercast.app import read_mapping
from ordercast.attach import Mapping, MappingError, suggestions
from ordercast.attach.attaching import Attaching
from ordercast.attach.mapping import Fault
from ordercast.attach.postgresql.attaching import PostgresqlAttaching
from ordercast.attach.questions import faults_of, late_rules
from ordercast.attach.sqlite.attaching import SqliteAttaching
from ordercast.config import ConfigError, Settings
from ordercast.db import migrate as migrations
from ordercast.node_jobs import questions_of

from .process import DatabaseUrl, load_settings_unsigned

# 2 is a setting or a file that is missing or wrong, as of every command.
NOT_AS_IT_SHOULD_BE: Final = 1
_MODES: Final = "say one of --check, --apply, --print and --suggest"


def attach(
    *,
    check: Annotated[
        bool, Parameter(help="Say what is missing, disabled, or another than the file says.", negative="")
    ] = False,
    apply: Annotated[bool, Parameter(help="Make what is missing, and our own schema.", negative="")] = False,
    print_: Annotated[
        bool, Parameter(name="--print", help="Print the SQL of it, for an administrator.", negative="")
    ] = False,
    suggest: Annotated[bool, Parameter(help="Print a first mapping file for the database.", negative="")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Tell of the tables of a shop that is already there, as the mapping file (`ordercast.toml`) says.

    `--check` ends with 1 where something is not as it should be.
    """
    if check + apply + print_ + suggest != 1:
        raise SystemExit(f"ordercast attach: {_MODES}.")
    settings = load_settings_unsigned(database_url)
    with _told_plainly():
        if suggest:
            _suggest(settings)
            return
        mapping = _mapping(settings)
        if apply:
            _apply(settings, mapping)
        elif print_:
            _print(settings, mapping)
        else:
            _check(settings, mapping)


def detach(
    *,
    keep_schema: Annotated[
        bool, Parameter(help="Leave our own tables, though no shop of ours is in them.", negative="")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Take away from the database all that `attach` has made: triggers, functions, and our schema with them, unless a
    shop of ours is in it (`[shop] built_in`).
    """
    settings = load_settings_unsigned(database_url)
    mapping = read_mapping(settings) or Mapping(Path(settings.mapping_file))
    with _told_plainly(), _attaching(settings, mapping) as attaching:
        done = attaching.detach(with_schema=not mapping.built_in and not keep_schema)
    print("\n".join(f"{statement};" for statement in done))
    if mapping.built_in:
        print("\nThe tables of our own shop are left: [shop] built_in is true.")


def _mapping(settings: Settings) -> Mapping:
    mapping = read_mapping(settings)
    if mapping is None:
        raise ConfigError(
            "mapping_file", f"there is no {settings.mapping_file}; `ordercast attach --suggest` writes a first one"
        )
    return mapping


def _attaching(settings: Settings, mapping: Mapping) -> Attaching:
    """What makes and takes away, in the database whose tables these are."""
    if settings.source_path is not None:
        return SqliteAttaching(settings.source_path, mapping)
    if settings.source_mysql is not None:
        from ordercast.attach.mysql.attaching import MysqlAttaching  # noqa: PLC0415 - its driver is an extra

        return MysqlAttaching(settings.source_mysql, mapping)
    if settings.source_mongodb:
        from ordercast.attach.mongodb.attaching import MongoAttaching  # noqa: PLC0415 - its driver is slow to load

        return MongoAttaching(settings.source_mongodb, mapping)
    return PostgresqlAttaching(settings.store_url, mapping)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What a person can mend is told in a sentence."""
    try:
        with _mysql_told_plainly(), _mongodb_told_plainly():
            yield
    except MappingError as error:
        raise ConfigError("mapping_file", f"cannot be used with this database\n{error}") from None
    except errors.LockNotAvailable:
        raise ConfigError(
            "database_url", "another program is at work in a table for too long; nothing was done, try again"
        ) from None
    except errors.InsufficientPrivilege as error:
        raise ConfigError(
            "database_url", f"its role may not do this: {error.diag.message_primary}; nothing was done"
        ) from None
    except (psycopg.Error, sqlite3.Error) as error:
        raise ConfigError("database_url", str(error).strip()) from None


@contextmanager
def _mysql_told_plainly() -> Iterator[None]:
    """The same of a MySQL server, whose driver nobody else has loaded."""
    try:
        yield
    except Exception as error:
        if "pymysql" not in sys.modules:
            raise
        from ordercast.attach.mysql.connecting import sentence_of  # noqa: PLC0415 - its driver is an extra

        sentence = sentence_of(error)
        if sentence is None:
            raise
        raise ConfigError("source_url", sentence) from None


@contextmanager
def _mongodb_told_plainly() -> Iterator[None]:
    """The same of MongoDB's driver."""
    try:
        yield
    except Exception as error:
        if "pymongo" not in sys.modules:
            raise
        from pymongo.errors import PyMongoError  # noqa: PLC0415 - slow to load

        from ordercast.attach.mongodb.attaching import sentence_of  # noqa: PLC0415 - as above

        if not isinstance(error, PyMongoError):
            raise
        raise ConfigError("source_url", sentence_of(error)) from None


def _apply(settings: Settings, mapping: Mapping) -> None:
    migrate_database(settings)
    with _attaching(settings, mapping) as attaching:
        done = attaching.apply()
        faults = [*attaching.check(), *_question_faults(settings, mapping)]
        notes = [*attaching.notes(), *late_rules(mapping.rules)]
    print("\n".join(f"{statement};" for statement in done) or "Nothing was to be done.")
    if not faults:
        print(f"\n{_all_is_well(mapping)} `ordercast serve` tells them.")
    _end(mapping, faults, notes)


def _check(settings: Settings, mapping: Mapping) -> None:
    with _attaching(settings, mapping) as attaching:
        faults = [*attaching.check(), *_question_faults(settings, mapping)]
        notes = [*attaching.notes(), *late_rules(mapping.rules)]
    if not faults:
        print(_all_is_well(mapping))
    _end(mapping, faults, notes)


def _question_faults(settings: Settings, mapping: Mapping) -> list[Fault]:
    """What is wrong with the questions of rooms that are asked for."""
    questions = questions_of(settings) if any(rule.sql for rule in mapping.rules) else None
    try:
        return faults_of(questions, mapping.rules)
    finally:
        if questions is not None:
            questions.close()


def _all_is_well(mapping: Mapping) -> str:
    return f"All is as {mapping.path} says: {mapping.summary}."


def _print(settings: Settings, mapping: Mapping) -> None:
    with _attaching(settings, mapping) as attaching:
        script = attaching.script()
    if not settings.source_url and migrations.revision_of(settings.store_url) is None:
        print("-- Our own tables, in their schema: `ordercast migrate` makes them.\n")
    print(script, end="")


def _suggest(settings: Settings) -> None:
    # Before there is a mapping file, the database that is named is the shop's.
    path = settings.source_path or (None if settings.source_url else settings.sqlite_path)
    if path is not None and not path.is_file():
        shown = "postgresql://user:password@host/shop"
        raise ConfigError("database_url", f"names the shop's database, as {shown}, and there is no file {path}")
    nothing = Mapping(Path(settings.mapping_file))
    with SqliteAttaching(path, nothing) if path is not None else _attaching(settings, nothing) as attaching:
        tables, dialect = attaching.known_tables(), attaching.dialect
    print(suggestions.suggest(tables, settings.shown_source_url, dialect), end="")


def _end(mapping: Mapping, faults: list[Fault], notes: list[Fault]) -> None:
    for note in notes:
        print("note:", mapping.fault(note.line, note.sentence), file=sys.stderr)
    for fault in faults:
        print(mapping.fault(fault.line, fault.sentence), file=sys.stderr)
    if faults:
        sys.exit(NOT_AS_IT_SHOULD_BE)
