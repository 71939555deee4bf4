"""The hub without the shop, under `kill -9`: what stands in its file is heard, once and in order."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ports import free_port

from .listener import Listener

Listen = Callable[..., Listener]
KILLS = 5


def emitted(path: Path) -> list[dict[str, Any]]:
    """Every event in the file: its first argument."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT body FROM events ORDER BY seq").fetchall()
    connection.close()
    return [msgspec.json.decode(msgspec.msgpack.decode(body)[2][2:])[1] for (body,) in rows]


def start(port: int, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.journey.hub_alone", str(port), str(path)])


@pytest.mark.node
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, listen: Listen, transport: str) -> None:
    port, path = free_port(), tmp_path / "events.db"
    server = start(port, path)
    try:
        client = listen(f"http://127.0.0.1:{port}", transports=[transport])
        for kill in range(KILLS):
            client.wait_for_connection(kill + 1)
            time.sleep(0.2 + 0.03 * kill)
            server.kill()
            server.wait()
            server = start(port, path)
        back = client.wait_for_connection(KILLS + 1)
        client.wait_for(lambda listener: listener.heard[-1]["at"] > back["at"] + 0.5)
    finally:
        server.kill()
        server.wait()

    assert [entry["recovered"] for entry in client.of_kind("connect")] == [False] + [True] * KILLS
    heard = [entry["args"][0] for entry in client.events("n")]
    told = emitted(path)
    # What came before it connected was not for it; what the last kill cut off it would still be told.
    first = told.index(heard[0])
    assert heard == told[first : first + len(heard)]
    assert len({entry["by"] for entry in heard}) == KILLS + 1
