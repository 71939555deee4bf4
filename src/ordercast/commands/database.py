"""Database commands: ``migrate``, ``demo``, ``new-epoch``."""

from __future__ import annotations

import sys
from typing import Annotated

import uvloop
from cyclopts import Parameter

from ordercast.app import migrate as migrate_database
from ordercast.app import open_store
from ordercast.config import Settings
from ordercast.db.epochs import begin_epoch
from ordercast.db.sqlite.history_position import begin_epoch_of
from ordercast.demo import demo_password, seed

from .process import DatabaseUrl, load_settings, started_store


def migrate(*, database_url: DatabaseUrl = None) -> None:
    """Bring the database's schema up to date."""
    settings = load_settings(database_url=database_url)
    migrate_database(settings)
    print(f"{settings.shown_database_url} is up to date.")


def demo(*, database_url: DatabaseUrl = None) -> None:
    """Fill the database with the demo catalogue and people; what is there already stays."""
    settings = load_settings(database_url=database_url)
    people = uvloop.run(_seed(settings))
    if people:
        print(f"Demo people, all with the password {demo_password(settings)}: {', '.join(people)}")
    else:
        print("The demo people of this database have passwords of their own.")


async def _seed(settings: Settings) -> list[str]:
    async with started_store(settings) as store:
        return await seed(settings, store, again=True)


def new_epoch(
    *,
    yes: Annotated[bool, Parameter(help="Do it without asking.", negative="")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Tell clients to fetch the state anew, after a database was put back to an earlier moment by its disk or machine:
    other ways of restoring it are noticed without this.
    """
    if not yes and not _agrees("Every client will fetch everything anew, at once. Begin a new epoch?"):
        print("Nothing was done.", file=sys.stderr)
        sys.exit(1)
    settings = load_settings(make_secret=False, database_url=database_url)
    if settings.sqlite_path is not None:
        open_store(settings)
        epoch = begin_epoch_of(settings.sqlite_path)
    else:
        epoch = uvloop.run(_new_epoch(settings))
    print(f"The new epoch is {epoch}.")


async def _new_epoch(settings: Settings) -> str:
    async with started_store(settings) as store:
        return await store.write(begin_epoch)


def _agrees(question: str) -> bool:
    """Ask at the terminal; without one the answer is no."""
    if not sys.stdin.isatty():
        print("There is no terminal to ask at: say --yes.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
