"""What was confirmed survives the death of the process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from ordercast.db import SqliteStore

CHILD = """
import asyncio, sys
from pathlib import Path
from ordercast.db import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.start()
    number = 0
    while True:
        number += 1
        await store.write(lambda t: t.run("INSERT INTO orders (total) VALUES (:n)", n=number))
        print(number, flush=True)

asyncio.run(main())
"""


def test_what_was_confirmed_is_there_after_kill_9(path: Path) -> None:
    SqliteStore(path).migrate()
    with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(20):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        confirmed = 20 + len(child.stdout.read().splitlines())
    connection = sqlite3.connect(path)
    ((orders,),) = connection.execute("SELECT count(*) FROM orders").fetchall()
    ((told,),) = connection.execute("SELECT count(*) FROM feed").fetchall()
    ((sound,),) = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    assert orders >= confirmed
    assert told == orders
    assert sound == "ok"
