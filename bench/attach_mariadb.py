"""What `ordercast attach` costs the writers of a shop on MariaDB, whose rows are kept in an outbox there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mariadb import Mariadb

from ordercast import attach
from ordercast.attach import suggestions
from ordercast.attach.mapping import Mapping
from ordercast.attach.mysql.attaching import MysqlAttaching
from ordercast.config import read_mysql_url

from .attached_shop import MARIADB, fill

# Names as the other databases have them.
MODE = "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES'"


@dataclass(frozen=True, slots=True)
class MariadbShop:
    """A database of the server, attached or not."""

    server: Mariadb
    name: str

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        connection = self.server.connect(self.name)
        connection.cursor().execute(MODE)
        with contextlib.closing(connection):
            yield connection


@contextlib.contextmanager
def running_shops(attached: str, bare: str) -> Iterator[dict[str, MariadbShop]]:
    """Two shops of one server, by what they are called."""
    server = Mariadb()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            yield {
                bare: _shop(server, None),
                attached: _shop(server, Path(folder) / "ordercast.toml"),
            }
    finally:
        server.remove()


def _shop(server: Mariadb, file: Path | None) -> MariadbShop:
    shop = MariadbShop(server, server.new_database())
    with shop.connection() as connection:
        cursor = connection.cursor()
        for statement in MARIADB.split(";\n"):
            cursor.execute(statement)
        fill(cursor, "%s")
    if file is not None:
        url = read_mysql_url(server.url(shop.name))
        with MysqlAttaching(url, Mapping(file)) as attaching:
            file.write_text(suggestions.suggest(attaching.known_tables(), "the shop", "mysql"))
        with MysqlAttaching(url, attach.read(file)) as attaching:
            attaching.apply()
    return shop


def session_s(connection: Any) -> float:
    """CPU of the server's thread that serves a connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()")
        ((thread,),) = cursor.fetchall()
    (statistics,) = Path("/proc").glob(f"[0-9]*/task/{thread}/schedstat")
    return int(statistics.read_text().split()[0]) / 1e9
