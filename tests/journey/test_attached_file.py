"""A shop's own SQLite file: stock clients hear what is committed to it, also over a `kill -9`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attach.test_sqlite import TABLES
from tests.forked import run
from tests.waiting import eventually

from .listener import Listener
from .nodes import SECRET
from .shop import Shop

MAPPING = """
[shop]
built_in = false
[[emit]]
table = "Order"
on = "insert"
event = "placed"
rooms = ["customer_{customerId}"]
payload = "{id}"
"""


@pytest.mark.node
def test_a_shops_own_file_is_told_once_over_a_kill(tmp_path: Path, listen: Callable[..., Listener]) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db", isolation_level=None, timeout=60)) as theirs:
        theirs.executescript(TABLES)
        (tmp_path / "ordercast.toml").write_text(MAPPING)
        environ = {"ORDERCAST_DATABASE_URL": "sqlite:///theirs.db", "ORDERCAST_DEMO": "false"}
        command = {"PATH": os.environ["PATH"], **environ}
        done = run(["attach", "--apply"], cwd=tmp_path, env=command)
        assert done.returncode == 0, done.stderr

        def order() -> None:
            theirs.execute("""INSERT INTO "Order" ("customerId", total) VALUES ('c1', 1)""")

        def heard(client: Listener) -> list[Any]:
            return [event["args"][0] for event in client.events("placed")]

        shop = Shop(tmp_path, {**environ, "ORDERCAST_SECRET": SECRET})
        shop.start()
        try:
            client = listen(shop.url, auth={"token": shop.token("customer", sub="c1")})
            client.wait_for_connection()
            order()
            client.wait_for_event("placed")
            shop.kill()
            order()
            shop.start()
            order()
            client.wait_for(lambda listener: len(heard(listener)) >= 3)
            assert heard(client) == [1, 2, 3]
            eventually(lambda: httpx.get(f"{shop.url}/health/ready").json() == {"status": "ready", "off": ["mail"]})
        finally:
            shop.kill()
        assert (tmp_path / "theirs.ordercast.db").is_file()
        assert run(["attach", "--check"], cwd=tmp_path, env=command).returncode == 0
        assert run(["detach"], cwd=tmp_path, env=command).returncode == 0
        left = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'ordercast%'"
        assert theirs.execute(left).fetchall() == [(0,)]
