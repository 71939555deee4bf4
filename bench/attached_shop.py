"""Another program's shop with Ordercast attached: Prisma's tables, as `samples/express_prisma` has them, on every
database; told is what ``ordercast attach --suggest`` suggests.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from ordercast import attach
from ordercast.attach import suggestions
from ordercast.attach.mapping import Mapping
from ordercast.attach.postgresql.attaching import PostgresqlAttaching
from ordercast.attach.sqlite.attaching import SqliteAttaching
from ordercast.db import migrate

from .contender import HERE, SQLITE_URL

SAMPLE: Final = HERE.parent / "samples/express_prisma"
LINES: Final = 3
_POSTGRESQL: Final = next((SAMPLE / "prisma/migrations").glob("*/migration.sql"))
# As Prisma makes them in a file.
_SQLITE: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE "Customer" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "email" TEXT NOT NULL, "phone" TEXT,
  "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE "Product" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "price" INTEGER NOT NULL,
  "stock" INTEGER NOT NULL);
CREATE TABLE "Order" ("id" TEXT NOT NULL PRIMARY KEY, "customerId" TEXT NOT NULL, "status" TEXT NOT NULL DEFAULT 'NEW',
  "paymentStatus" TEXT NOT NULL DEFAULT 'UNPAID', "total" INTEGER NOT NULL, "shipping" JSONB,
  "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" DATETIME NOT NULL,
  CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id"));
CREATE TABLE "OrderItem" ("id" TEXT NOT NULL PRIMARY KEY, "orderId" TEXT NOT NULL, "productId" TEXT NOT NULL,
  "quantity" INTEGER NOT NULL, "price" INTEGER NOT NULL,
  CONSTRAINT "OrderItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order" ("id"));
CREATE UNIQUE INDEX "Customer_email_key" ON "Customer" ("email");
CREATE INDEX "OrderItem_orderId_idx" ON "OrderItem" ("orderId");
"""
# As Prisma makes them for MySQL.
MARIADB: Final = """
CREATE TABLE "Customer" ("id" VARCHAR(191) NOT NULL PRIMARY KEY, "name" VARCHAR(191) NOT NULL,
  "email" VARCHAR(191) NOT NULL, "phone" VARCHAR(191), "createdAt" DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE INDEX "Customer_email_key" ("email")) CHARACTER SET utf8mb4;
CREATE TABLE "Product" ("id" VARCHAR(191) NOT NULL PRIMARY KEY, "name" VARCHAR(191) NOT NULL, "price" INTEGER NOT NULL,
  "stock" INTEGER NOT NULL) CHARACTER SET utf8mb4;
CREATE TABLE "Order" ("id" VARCHAR(191) NOT NULL PRIMARY KEY, "customerId" VARCHAR(191) NOT NULL,
  "status" ENUM('NEW', 'PAID', 'SENT') NOT NULL DEFAULT 'NEW',
  "paymentStatus" ENUM('UNPAID', 'PAID') NOT NULL DEFAULT 'UNPAID', "total" INTEGER NOT NULL, "shipping" JSON,
  "createdAt" DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), "updatedAt" DATETIME(3) NOT NULL,
  CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id")) CHARACTER SET utf8mb4;
CREATE TABLE "OrderItem" ("id" VARCHAR(191) NOT NULL PRIMARY KEY, "orderId" VARCHAR(191) NOT NULL,
  "productId" VARCHAR(191) NOT NULL, "quantity" INTEGER NOT NULL, "price" INTEGER NOT NULL,
  CONSTRAINT "OrderItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order" ("id")) CHARACTER SET utf8mb4
"""
_CATALOGUE: Final = [(f"prd_{number}", f"Product {number}", 4000, 1_000_000_000) for number in range(LINES)]
_SHIPPING: Final = json.dumps({"line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"})


@dataclass(frozen=True, slots=True)
class AttachedShop:
    """Its database, and the mapping file's folder."""

    url: str
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The settings of a node that serves it, besides those of all."""
        mapping = str(self.folder / "ordercast.toml")
        return {"ORDERCAST_DATABASE_URL": self.url, "ORDERCAST_MAPPING_FILE": mapping, "ORDERCAST_DEMO": "false"}


def make_shop(url: str, folder: Path, *, is_attached: bool) -> AttachedShop:
    """Fill a new database."""
    folder.mkdir()
    if url.startswith(SQLITE_URL):
        with contextlib.closing(sqlite3.connect(url.removeprefix(SQLITE_URL))) as file:
            file.executescript(_SQLITE)
            fill(file.cursor(), "?")
            file.commit()
    else:
        with psycopg.connect(url) as connection:
            connection.execute(_POSTGRESQL.read_bytes())
            fill(connection.cursor(), "%s")
    if is_attached:
        _attach(url, folder / "ordercast.toml")
    return AttachedShop(url, folder)


def fill(cursor: Any, mark: str) -> None:
    marks = ", ".join([mark] * 4)
    cursor.executemany(f'INSERT INTO "Product" VALUES ({marks})', _CATALOGUE)  # noqa: S608
    customer = ("cus_bench", "Asha Rahman", "asha@example.com", "+8801700000000")
    columns = "id, name, email, phone"
    cursor.execute(f'INSERT INTO "Customer" ({columns}) VALUES ({marks})', customer)  # noqa: S608


def _attach(url: str, file: Path) -> None:
    if url.startswith(SQLITE_URL):
        path = Path(url.removeprefix(SQLITE_URL))
        with SqliteAttaching(path, Mapping(file)) as attaching:
            file.write_text(suggestions.suggest(attaching.known_tables(), "the shop", "sqlite"))
        with SqliteAttaching(path, attach.read(file)) as attaching:
            attaching.apply()
        return
    ours = f"{url}?options=-csearch_path%3Dordercast"
    migrate.upgrade(ours)
    with PostgresqlAttaching(ours, Mapping(file)) as attaching_there:
        file.write_text(suggestions.suggest(attaching_there.known_tables(), "the shop"))
    with PostgresqlAttaching(ours, attach.read(file)) as attaching_there:
        attaching_there.apply()


# --- Its writers ------------------------------------------------------------------------------------------------------


class OrderWriter:
    """Statements of one order: with its lines alone, or with all that the sample's server does."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._mark = "?" if isinstance(cursor, sqlite3.Cursor) else "%s"
        self._upsert = (
            "ON CONFLICT (email) DO UPDATE SET name = excluded.name, phone = excluded.phone"
            if isinstance(cursor, sqlite3.Cursor | psycopg.Cursor)
            else "ON DUPLICATE KEY UPDATE name = VALUES(name), phone = VALUES(phone)"
        )

    def _run(self, statement: str, *values: Any) -> None:
        self._cursor.execute(statement.replace("?", self._mark), values)

    def lines(self, id_: str, customer: str = "cus_bench") -> None:
        """The order, then each line."""
        self._run(
            'INSERT INTO "Order" (id, "customerId", total, shipping, "updatedAt")'
            " VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP)",
            id_, customer, 12_000, _SHIPPING,
        )  # fmt: skip
        for number in range(LINES):
            self._run(
                'INSERT INTO "OrderItem" (id, "orderId", "productId", quantity, price) VALUES (?, ?, ?, 1, 4000)',
                f"{id_}_{number}", id_, f"prd_{number}",
            )  # fmt: skip

    def whole(self, id_: str) -> None:
        """Prices are looked up, a new customer is put down, and what is sold is taken from the stock."""
        for number in range(LINES):
            self._run('SELECT id, price FROM "Product" WHERE id = ?', f"prd_{number}")
            self._cursor.fetchall()
        customer = f"cus_{id_}"
        self._run(
            f'INSERT INTO "Customer" (id, name, email, phone) VALUES (?, ?, ?, ?) {self._upsert}',  # noqa: S608
            customer, "Asha Rahman", f"{id_}@example.com", "+8801700000000",
        )  # fmt: skip
        self.lines(id_, customer)
        for number in range(LINES):
            self._run('UPDATE "Product" SET stock = stock - 1 WHERE id = ?', f"prd_{number}")


def add_attached(cursor: Any, ids: Sequence[str]) -> None:
    """For `outsider`: orders with their lines, in its transaction."""
    writer = OrderWriter(cursor)
    for id_ in ids:
        writer.lines(id_)
