"""A shop's own database, as Prisma makes its tables, and a mapping of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from ordercast import attach
from ordercast.attach.postgresql.attaching import PostgresqlAttaching

if TYPE_CHECKING:
    from tests.postgres import Postgres

# As `prisma migrate` writes them: quoted names in camelCase, timestamps without a zone, in UTC.
PRISMA = """
CREATE TYPE "PaymentStatus" AS ENUM ('unpaid', 'paid');
CREATE TABLE "Customer" (
  "id" TEXT NOT NULL, "name" TEXT NOT NULL, "email" TEXT, "phone" TEXT, CONSTRAINT "Customer_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Order" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(), "customerId" TEXT NOT NULL, "status" TEXT NOT NULL DEFAULT 'new',
  "paymentStatus" "PaymentStatus" NOT NULL DEFAULT 'unpaid', "total" INTEGER NOT NULL, "shipping" JSONB,
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "Order_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE CASCADE);
CREATE TABLE "orders" (id integer);
INSERT INTO "Customer" VALUES ('c1', 'Asha Rahman', 'asha@example.com', '+8801700000000'), ('c2', 'Zoe', NULL, NULL);
"""


class AttachedShop:
    """A database of another program, and what is attached to it."""

    def __init__(self, server: Postgres, name: str, folder: Path) -> None:
        self.server = server
        self.name = name
        self.path = folder / "ordercast.toml"
        self.url = server.url(name)
        self.ours_url = f"{self.url}?options=-csearch_path%3Dordercast"
        self.connection = psycopg.connect(self.url, autocommit=True, application_name="backend")
        ((self._mark,),) = self.do("SELECT coalesce(max(id), 0) FROM ordercast.feed")

    def do(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the shop's own back end does it."""
        cursor = self.connection.execute(statement.encode(), values or None)
        return [] if cursor.description is None else cursor.fetchall()

    def mapping(self, text: str) -> attach.Mapping:
        self.path.write_text(text, encoding="utf-8")
        return attach.read(self.path)

    def attaching(self, text: str | None = None) -> PostgresqlAttaching:
        return PostgresqlAttaching(self.ours_url, attach.read(self.path) if text is None else self.mapping(text))

    def apply(self, text: str) -> list[str]:
        with self.attaching(text) as attaching:
            return attaching.apply()

    def check(self) -> list[str]:
        with self.attaching() as attaching:
            return [f"{fault.line}: {fault.sentence}" for fault in attaching.check()]

    def feed(self, columns: str) -> list[tuple[Any, ...]]:
        """What was written to the feed, in the order of its writing."""
        return self.do(f"SELECT {columns} FROM ordercast.feed WHERE id > {self._mark} ORDER BY id")

    def told(self) -> list[dict[str, Any]]:
        """Every event."""
        return [json.loads(after) for kind, after in self.feed("kind, after") if kind == "event.published"]

    def args(self) -> list[Any]:
        return [event["args"][0] for event in self.told()]

    def errors(self) -> list[tuple[Any, ...]]:
        return self.do("SELECT mapping, verb, count, message FROM ordercast.attach_errors ORDER BY id")

    def close(self) -> None:
        self.connection.close()


@pytest.fixture(scope="session")
def prisma_template(postgres_server: Postgres) -> str:
    """A shop's tables, and ours beside them in a schema of their own: to be copied."""
    from ordercast.db import migrate

    name = postgres_server.new_database()
    migrate.upgrade(f"{postgres_server.url(name)}?options=-csearch_path%3Dordercast")
    with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        connection.execute(PRISMA.encode())
    return name


RESET = """
DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP TABLE IF EXISTS ordercast.attach_errors;
DO $$
DECLARE
  each regprocedure;
BEGIN
  FOR each IN SELECT oid FROM pg_proc
      WHERE pronamespace = 'ordercast'::regnamespace AND proname ~ '^(emit|emptied)_' LOOP
    EXECUTE 'DROP FUNCTION ' || each;
  END LOOP;
END $$;
"""


@pytest.fixture(scope="session")
def shared_database(postgres_server: Postgres, prisma_template: str) -> str:
    """One for all tests that leave our own schema as it is: a database takes half a second to make."""
    return postgres_server.new_database(prisma_template)


@pytest.fixture
def shop(postgres_server: Postgres, shared_database: str, tmp_path: Path) -> Iterator[AttachedShop]:
    """The shop's tables as they were made, with nothing attached."""
    with psycopg.connect(postgres_server.url(shared_database), autocommit=True) as connection:
        connection.execute((RESET + PRISMA).encode())
    shop = AttachedShop(postgres_server, shared_database, tmp_path)
    yield shop
    shop.close()


@pytest.fixture
def own_shop(postgres_server: Postgres, prisma_template: str, tmp_path: Path) -> Iterator[AttachedShop]:
    """The same in a database that the test may do anything to."""
    shop = AttachedShop(postgres_server, postgres_server.new_database(prisma_template), tmp_path)
    yield shop
    shop.close()
    postgres_server.drop(shop.name)
