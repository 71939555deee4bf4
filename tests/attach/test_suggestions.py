"""A first mapping file is suggested for what a framework's tables are called, and can be applied as it stands."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ordercast import attach
from ordercast.attach.sqlite.attaching import SqliteAttaching
from ordercast.attach.suggestions import KnownTable, suggest, words_of

from .conftest import AttachedShop

DJANGO = """
CREATE TABLE django_migrations (id serial PRIMARY KEY, app text, name text);
CREATE TABLE auth_user (id serial PRIMARY KEY, username varchar(150), email varchar(254), first_name text);
CREATE TABLE shop_order (id bigserial PRIMARY KEY, user_id integer REFERENCES auth_user (id), status varchar(20),
  total_amount numeric(10, 2), created_at timestamptz, phone varchar(20));
CREATE TABLE shop_orderitem (id bigserial PRIMARY KEY, order_id bigint REFERENCES shop_order (id), quantity integer);
"""
RAILS = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TYPE order_state AS ENUM ('cart', 'placed', 'shipped');
CREATE TABLE customers (id bigserial PRIMARY KEY, name varchar, email varchar, phone varchar);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint REFERENCES customers (id), store_id bigint,
  state order_state, total_cents integer, created_at timestamp);
CREATE TABLE order_items (id bigserial PRIMARY KEY, order_id bigint, sku varchar);
CREATE TABLE appointments (id bigserial PRIMARY KEY, patient_id bigint, starts_at timestamp, status varchar);
"""
LARAVEL = """
CREATE TABLE migrations (id INTEGER PRIMARY KEY, migration TEXT, batch INTEGER);
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), status TEXT, total NUMERIC,
  created_at DATETIME);
CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id INTEGER, user_id INTEGER, body TEXT);
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [("customerId", "customer id"), ("customer_id", "customer id"), ("TotalUSDAmount", "total usd amount")],
)
def test_a_name_is_read_by_its_words(name: str, words: str) -> None:
    assert words_of(name) == words


def suggested(shop: AttachedShop) -> str:
    with shop.attaching("") as attaching:
        return suggest(attaching.known_tables(), "postgresql://db/shop")


def test_prismas_tables_make_the_exact_new_order(shop: AttachedShop) -> None:
    shop.do("DROP TABLE orders")
    text = suggested(shop)
    shop.apply(text)
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 5)""")
    shop.do("""UPDATE "Order" SET "status" = 'ready'""")
    placed, moved = shop.told()
    assert (placed["event"], placed["rooms"]) == ("new_order", ["store-owners", "customer_c1"])
    assert placed["args"][0]["order"].keys() == {
        "id", "status", "total", "customerName", "createdAt", "mobile", "customer_email",
    }  # fmt: skip
    assert placed["args"][0]["order"]["customerName"] == "Asha Rahman"
    assert (moved["event"], moved["args"][0]["oldStatus"], moved["args"][0]["newStatus"]) == (
        "orderStatusUpdated", "new", "ready",
    )  # fmt: skip
    assert "# Tables of which nothing is told: Customer\n" in text


@pytest.mark.parametrize(
    ("tables", "parts"),
    [
        (DJANGO, ('"customer_{user_id}"', 'total = "{total_amount}"', 'customer_email = "{customer.email}"',
                  'mobile = "{phone}"', "nothing is told: auth_user, shop_orderitem\n")),
        (RAILS, ('"customer_{customer_id}"', '"vendor_{store_id}"', "Its states: cart, placed, shipped.",
                 'event = "new_booking"', '"customer_{patient_id}"', "nothing is told: customers, order_items\n")),
    ],
    ids=["django", "rails"],
)  # fmt: skip
def test_other_frameworks_tables_are_read_by_their_habits(
    shop: AttachedShop, tables: str, parts: tuple[str, ...]
) -> None:
    shop.do('DROP TABLE "Order", "Customer", orders')
    shop.do(tables)
    text = suggested(shop)
    for part in parts:
        assert part in text, text
    shop.apply(text)
    assert shop.check() == []


def test_laravels_tables_in_a_file_are_read_by_their_habits(tmp_path: Path) -> None:
    path, mapping = tmp_path / "database.sqlite", tmp_path / "ordercast.toml"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LARAVEL)
    mapping.write_text("")
    with SqliteAttaching(path, attach.read(mapping)) as attaching:
        text = suggest(attaching.known_tables(), "sqlite:///database.sqlite", "sqlite")
    assert 'rooms = ["conversation_{conversation_id}"]' in text
    mapping.write_text(text)
    with SqliteAttaching(path, attach.read(mapping)) as attaching:
        attaching.apply()
        assert attaching.check() == []


def test_a_database_of_nothing_known_is_answered_with_an_example() -> None:
    text = suggest([KnownTable("sensors", ("id", "at", "degrees"))], "here")
    assert '# table = "sensors"' in text
