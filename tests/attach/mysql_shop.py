"""A shop's own MariaDB database, what is attached to it, and a store of ours beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ordercast import attach
from ordercast.attach.mysql.attaching import MysqlAttaching
from ordercast.attach.mysql.outbox import MysqlOutbox
from ordercast.attach.outbox_relay import Outbox, OutboxRelay
from ordercast.commerce.timestamps import timestamp
from ordercast.config import read_mysql_url
from ordercast.db import SqliteStore
from tests.mariadb import Connection, Mariadb
from tests.quick import migrated
from tests.waiting import until

TABLES = """
CREATE TABLE customers (id VARCHAR(20) PRIMARY KEY, name VARCHAR(100) NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer_id VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL,
  status VARCHAR(20) NOT NULL DEFAULT 'new', total DECIMAL(10, 2) NOT NULL DEFAULT 0, note VARCHAR(100),
  FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE) ENGINE=InnoDB;
INSERT INTO customers VALUES ('c1', 'আশা'), ('c2', 'Zoë')
"""


def run(connection: Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


class MysqlShop:
    """The shop's database, and ours in a file."""

    def __init__(self, server: Mariadb, folder: Path) -> None:
        self.server = server
        self.name = server.new_database()
        self.url = read_mysql_url(server.url(self.name))
        self.mapping_path = folder / "ordercast.toml"
        self.store = SqliteStore(migrated(folder / "ordercast.db"))
        self.connection = server.connect(self.name)
        for statement in TABLES.split(";\n"):
            self.do(statement)

    def do(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the shop's own back end does it."""
        return run(self.connection, statement, *values)

    def mapping(self, text: str) -> attach.Mapping:
        self.mapping_path.write_text(text, encoding="utf-8")
        return attach.read(self.mapping_path)

    def attaching(self, text: str | None = None, user: str = "root") -> MysqlAttaching:
        mapping = attach.read(self.mapping_path) if text is None else self.mapping(text)
        return MysqlAttaching(read_mysql_url(self.server.url(self.name, user)), mapping)

    def apply(self, text: str) -> list[str]:
        with self.attaching(text) as attaching:
            return attaching.apply()

    def check(self) -> list[str]:
        with self.attaching() as attaching:
            return [f"{fault.line}: {fault.sentence}" for fault in attaching.check()]

    def notes(self) -> list[str]:
        with self.attaching() as attaching:
            return [f"{note.line}: {note.sentence}" for note in attaching.notes()]

    def waiting(self) -> int:
        """Rows that were not taken."""
        ((count,),) = self.do("SELECT count(*) FROM ordercast_outbox")
        return int(count)

    @asynccontextmanager
    async def relayed(self, outbox: Outbox | None = None) -> AsyncIterator[OutboxRelay]:
        """As a node does."""
        mapping = attach.read(self.mapping_path)
        relay = OutboxRelay(self.store, outbox or MysqlOutbox(self.url, mapping), mapping, lambda: timestamp(1))
        running = asyncio.create_task(relay.run())
        yield relay
        running.cancel()
        await asyncio.wait([running])

    async def told(self, count: int) -> list[dict[str, Any]]:
        """Every event, when all of them are there, and the outbox is empty."""
        await until(lambda: self.store.last_seq >= count and not self.waiting())
        changes = self.store.changes(0, 100_000)
        assert len(changes) == count
        return [json.loads(bytes(change.after or b"null")) for change in changes]

    def reconnect(self) -> None:
        self.connection.close()
        self.connection = self.server.connect(self.name)

    def close(self) -> None:
        if self.connection.open:
            self.connection.close()
        self.server.drop(self.name)
