"""What every room's tests may ask for. One PostgreSQL serves a whole run; each worker of a run has its own."""

from __future__ import annotations

import gc
import os
import random
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from argon2 import PasswordHasher

from . import scratch
from .chance import SEED, VARIABLE, chance_of, register_profiles
from .cpu import CpuDurations
from .quick import QUICK_HASHING
from .scheduling import FileScheduling, mixed
from .waiting import PATIENCE_S

if TYPE_CHECKING:
    from .mariadb import Mariadb
    from .postgres import Postgres

register_profiles()

SCRATCH = pytest.StashKey[Path | None]()
FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cpu-durations", type=int, metavar="N", help="show the N dearest tests and files, as CPU seconds"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs the tests may have a shop of their own, and a way of running them: neither is the tests'."""
    if shown := config.getoption("--cpu-durations"):
        config.pluginmanager.register(CpuDurations(shown))
    if not hasattr(config, "workerinput"):  # the workers of a run have its folder
        config.stash[SCRATCH] = scratch.begin()
    for name in [name for name in os.environ if name.startswith("ORDERCAST_") and "_TEST_" not in name]:
        del os.environ[name]
    for which in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(which) == signal.SIG_IGN:
            # As under `nohup`, or behind a `&` in a script. What is ignored here is ignored by every process that a
            # test starts; what is caught is theirs to decide on.
            signal.signal(which, lambda *_: None)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(SCRATCH, None)
    if folder is not None and not config.stash.get(FAILED, False):
        scratch.end(folder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[FAILED] = session.testsfailed > 0


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is collected stays to the end: the collector looks at it neither meanwhile nor afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items[:] = mixed(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling | None:
    return FileScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_report_header() -> str:
    return f"random examples: {VARIABLE}={SEED} repeats them"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(f"{VARIABLE}={SEED} draws the random examples of this run again.")


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Of passwords, in the process of the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHasher.__init__, "__defaults__", QUICK_HASHING)
        yield


@pytest.fixture(scope="session", autouse=True)
def unhurried_httpx() -> Iterator[None]:
    """httpx reads all certificates of the machine for each client, and for each request without one: 46 ms that a shop
    on loopback has no use for.
    """
    context = httpx.create_ssl_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", lambda **_: context)
        for what in ("connect", "read", "write", "pool"):  # five seconds of itself, which a busy machine may take
            patch.setattr(f"httpx._config.DEFAULT_TIMEOUT_CONFIG.{what}", PATIENCE_S)
        yield


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What a test draws its random examples from."""
    return chance_of(request.node.name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A running server, for who asks: its start takes a second."""
    from .postgres import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Mariadb]:
    """The same of MariaDB."""
    from .mariadb import running_mariadb

    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> str:
    """A migrated database that nobody opens: to be copied, which is faster than to migrate."""
    from ordercast.db import migrate

    name = postgres_server.new_database()
    migrate.upgrade(postgres_server.url(name))
    return name


@pytest.fixture
def postgres_url(postgres_server: Postgres, postgres_template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = postgres_server.new_database(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)
