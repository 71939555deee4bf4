"""A process loads what it uses and nothing else: told by its modules, for each machine takes another time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# By what a run must have asked for to load them.
OF_POSTGRESQL = {"psycopg", "ordercast.db.postgresql.store", "sqlalchemy.dialects.postgresql"}
OF_OTHERS = {
    "redis",
    "pymongo",
    "bson",
    "httpx",
    "httpcore",
    "ordercast.notify.push",
    "ordercast.notify.sms",
    "ordercast.notify.vapid",
    "ordercast.payments.providers.stripe",
    "ordercast.api.jwks",
}
OF_A_NEW_SHOP = {"alembic", "mako", "argon2", "sqlalchemy", "ordercast.db.ddl", "ordercast.db.schema_script"}
OF_WHAT_IS_ASKED_FOR = {
    "ordercast.api.openapi",
    "ordercast.api.openapi.descriptions",
    "ordercast.feed.event_examples",
    "ordercast.sockets.asyncapi",
    "anyio._backends._asyncio",
}
NEVER = {"faker", "polyfactory", "rich", "structlog", "ordercast.contrib.admin_ui"}
OF_THE_SHOP = {"ordercast.api", "ordercast.commerce", "ordercast.db", "ordercast.config", "litestar", "sqlalchemy"}


def ordercast(
    folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "ordercast"), secret: str = ""
) -> subprocess.Popen[str]:
    """Started so that it writes the name of each module that it loads to stderr."""
    with (folder / "stderr").open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, "-X", "importtime", *program, *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "ORDERCAST_METRICS_HOST": "off", "ORDERCAST_SECRET": secret},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def loaded(folder: Path) -> set[str]:
    lines = (folder / "stderr").read_text().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def stray(folder: Path, *unwanted: set[str]) -> list[str]:
    """Those of the unwanted modules that were loaded, with what is in them."""
    names = set().union(*unwanted)
    return sorted(one for one in loaded(folder) if any(one == name or one.startswith(f"{name}.") for name in names))


def test_the_version_is_told_without_the_shop(tmp_path: Path) -> None:
    said, _ = ordercast(tmp_path, "--version").communicate(timeout=60)

    assert said.strip()
    assert "ordercast.signals" in loaded(tmp_path)
    assert stray(tmp_path, OF_THE_SHOP, NEVER, {"cyclopts", "msgspec", "uvloop", "asyncio"}) == []


def test_the_hub_is_loaded_without_the_shop_and_the_web_framework(tmp_path: Path) -> None:
    ordercast(tmp_path, program=("-c", "import ordercast.hub")).communicate(timeout=60)

    assert "ordercast.hub" in loaded(tmp_path)
    assert stray(tmp_path, OF_THE_SHOP, OF_OTHERS, NEVER, {"uvicorn", "picows", "uvloop"}) == []


def test_a_token_is_signed_without_what_serves(tmp_path: Path) -> None:
    said, _ = ordercast(tmp_path, "token", "--role", "store", secret="a secret of at least 32 bytes: 7Qk2").communicate(
        timeout=60
    )

    assert said.count(".") == 2
    assert stray(tmp_path, OF_POSTGRESQL, OF_OTHERS, OF_A_NEW_SHOP, {"litestar", "sqlalchemy", "ordercast.db"}) == []


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of an embedded database that is there already, with the demo shop."""
    ordercast(tmp_path, "demo").communicate(timeout=120)
    return tmp_path


def test_an_embedded_shop_that_is_there_is_served_without_what_it_does_not_use(shop: Path) -> None:
    with ordercast(shop, "serve", "--port", "0") as process:
        assert process.stdout is not None
        assert any("Ready" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)

    assert {"ordercast.db.sqlite.store", "ordercast.wire"} <= loaded(shop)
    assert stray(shop, OF_POSTGRESQL, OF_OTHERS, OF_A_NEW_SHOP, OF_WHAT_IS_ASKED_FOR, NEVER) == []
