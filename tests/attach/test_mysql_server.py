"""A shop's MariaDB that is away, asked by TLS, or read for a first mapping."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ordercast import attach
from ordercast.attach.mysql import outbox as mysql_outbox
from ordercast.attach.mysql.connecting import ask, connect, version_fault
from ordercast.attach.mysql.outbox import MysqlOutbox
from ordercast.attach.suggestions import suggest
from ordercast.config import ConfigError, MysqlUrl, load, read_mysql_url
from tests.forked import run as run_command
from tests.journey.nodes import SECRET
from tests.journey.shop import Shop
from tests.mariadb import Mariadb
from tests.waiting import eventually, until

from .mysql_shop import MysqlShop, run
from .test_postgresql import emit

# As WooCommerce makes them, shortened.
WOOCOMMERCE = """
CREATE TABLE wp_wc_orders (id bigint unsigned NOT NULL, status varchar(20) NULL, currency varchar(10) NULL,
  type varchar(20) NULL, tax_amount decimal(26,8) NULL, total_amount decimal(26,8) NULL,
  customer_id bigint unsigned NULL, billing_email varchar(320) NULL, date_created_gmt datetime NULL,
  date_updated_gmt datetime NULL, PRIMARY KEY (id), KEY status (status)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
  COLLATE=utf8mb4_unicode_520_ci;
CREATE TABLE wp_wc_order_addresses (id bigint unsigned NOT NULL AUTO_INCREMENT, order_id bigint unsigned NOT NULL,
  address_type varchar(20) NULL, first_name text NULL, last_name text NULL, phone varchar(100) NULL, PRIMARY KEY (id),
  UNIQUE KEY address_type_order_id (address_type, order_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
  COLLATE=utf8mb4_unicode_520_ci;
CREATE TABLE wp_woocommerce_order_items (order_item_id bigint unsigned NOT NULL AUTO_INCREMENT,
  order_item_name text NOT NULL, order_item_type varchar(200) NOT NULL DEFAULT '', order_id bigint unsigned NOT NULL,
  PRIMARY KEY (order_item_id), KEY order_id (order_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
  COLLATE=utf8mb4_unicode_520_ci
"""


@pytest.fixture
async def shop(mariadb_server: Mariadb, tmp_path: Path) -> AsyncIterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.close()


async def test_a_kill_of_the_server_or_of_a_writer_loses_nothing_that_was_committed(shop: MysqlShop) -> None:
    shop.apply(emit("orders", rest='payload = "{id}"'))
    async with shop.relayed() as relay:
        shop.do("INSERT INTO orders (id, customer_id) VALUES (1, 'c1')")
        await shop.told(1)
        open_ = shop.server.connect(shop.name, autocommit=False)
        run(open_, "INSERT INTO orders (id, customer_id) VALUES (2, 'c1')")
        shop.do("INSERT INTO orders (id, customer_id) VALUES (3, 'c1')")
        shop.server.kill()
        try:
            await until(lambda: any("cannot be read" in each for each in relay.warnings()))
        finally:
            shop.server.start()
        shop.reconnect()
        writer = shop.server.connect(shop.name, autocommit=False)
        run(writer, "INSERT INTO orders (id, customer_id) VALUES (4, 'c1')")
        for connection in (open_, writer):
            connection._force_close()  # as the system does for a process that was killed
        shop.do("INSERT INTO orders (id, customer_id) VALUES (5, 'c1')")
        assert [event["args"] for event in await shop.told(3)] == [[1], [3], [5]]
        await until(lambda: not relay.warnings())


async def test_large_rows_are_read_in_small_batches(shop: MysqlShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_outbox, "BATCH_BYTES_MAX", 1_000)
    shop.do("ALTER TABLE orders MODIFY note TEXT")
    shop.apply(emit("orders", rest='payload = "{note}"'))
    shop.do("INSERT INTO orders (customer_id, note) SELECT 'c1', REPEAT('x', 400) FROM seq_1_to_7")
    outbox = MysqlOutbox(shop.url, attach.read(shop.mapping_path))
    assert len(outbox.read(250)) == 2
    outbox.close()
    async with shop.relayed():
        assert len(await shop.told(7)) == 7


async def test_a_row_that_no_answer_has_room_for_is_a_gap(shop: MysqlShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_outbox, "ROW_BYTES_MAX", 1_000)
    shop.do("ALTER TABLE orders MODIFY note TEXT")
    shop.apply(emit("orders", '["insert", "update"]', rest='payload = "{note}"'))
    shop.do("INSERT INTO orders (customer_id, note) VALUES ('c1', REPEAT('x', 700)), ('c1', 'small')")
    shop.do("UPDATE orders SET note = CONCAT(note, 'y')")
    shop.do("CALL ordercast_publish('large', '[\"a\"]', JSON_ARRAY(REPEAT('z', 2000)))")
    async with shop.relayed() as relay:
        told = [event["args"] for event in await shop.told(4) if "args" in event]
        warnings = relay.warnings()
    assert told == [["x" * 700], ["small"], ["smally"]]
    assert [warning.partition(": ")[2] for warning in warnings] == ["a change was not told: the row is too large."] * 2


async def test_woocommerces_orders_are_suggested_and_told(shop: MysqlShop) -> None:
    shop.do("DROP TABLE orders, customers")
    for statement in WOOCOMMERCE.split(";\n"):
        shop.do(statement)
    with shop.attaching("") as attaching:
        text = suggest(attaching.known_tables(), shop.url.shown, attaching.dialect)
    assert "# Tables of which nothing is told: wp_wc_order_addresses, wp_woocommerce_order_items\n" in text
    shop.apply(text)
    assert shop.check() == []
    shop.do(
        "INSERT INTO wp_wc_orders VALUES (17, 'wc-pending', 'BDT', 'shop_order', 0, 1250.50, 3, 'asha@example.com',"
        " '2026-11-30 10:00:00', '2026-11-30 10:00:00')"
    )
    billing = "(17, 'billing', 'Asha', 'Rahman', '+8801700000000'), (17, 'shipping', 'Zoe', NULL, NULL)"
    columns = "order_id, address_type, first_name, last_name, phone"
    shop.do(f"INSERT INTO wp_wc_order_addresses ({columns}) VALUES {billing}")
    shop.do("UPDATE wp_wc_orders SET status = 'wc-processing', date_updated_gmt = '2026-11-30 10:01:00' WHERE id = 17")
    async with shop.relayed():
        placed, moved = await shop.told(2)
    assert (placed["event"], placed["rooms"]) == ("new_order", ["store-owners", "customer_3"])
    assert placed["args"][0]["order"] == {
        "id": 17,
        "status": "wc-pending",
        "total": 1250.5,
        "customerName": "Asha Rahman",
        "createdAt": "2026-11-30T10:00:00.000Z",
        "mobile": "+8801700000000",
        "customer_email": "asha@example.com",
    }
    assert (moved["event"], moved["args"]) == (
        "orderStatusUpdated",
        [{"orderId": 17, "oldStatus": "wc-pending", "newStatus": "wc-processing"}],
    )


async def test_a_person_that_the_owner_names_is_suggested(shop: MysqlShop) -> None:
    with shop.attaching("") as attaching:
        text = suggest(attaching.known_tables(), shop.url.shown, attaching.dialect)
    shop.apply(text)
    shop.do("INSERT INTO orders (customer_id) VALUES ('c1')")
    async with shop.relayed():
        assert (await shop.told(1))[0]["args"][0]["order"]["customerName"] == "আশা"


@pytest.mark.parametrize("mode", ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"])
def test_the_server_is_asked_by_tls_as_the_url_says(mariadb_server: Mariadb, mode: str) -> None:
    certificate = f"&ssl-ca={mariadb_server.authority.certificate}" if mode.startswith("VERIFY") else ""
    with connect(read_mysql_url(mariadb_server.url("mysql", parameters=f"?ssl-mode={mode}{certificate}"))) as asking:
        ((_, cipher),) = ask(asking, "SHOW STATUS LIKE 'Ssl_cipher'")
    assert bool(cipher) == (mode != "DISABLED")


def test_another_certificate_is_refused(mariadb_server: Mariadb) -> None:
    with pytest.raises(MysqlOutbox.errors, match="CERTIFICATE_VERIFY_FAILED"):
        connect(read_mysql_url(mariadb_server.url("mysql", parameters="?ssl-mode=VERIFY_IDENTITY")))


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("mysql://a@h/shop", MysqlUrl("shop", "a", "", "h")),
        ("MariaDB://a%40b:p%2F%C3%A9@[::1]:33/sh%20op", MysqlUrl("sh op", "a@b", "p/é", "::1", 33)),
        ("mysql://a@h/s?socket=/run/s&ssl_mode=required", MysqlUrl("s", "a", "", "h", 3306, "/run/s", "REQUIRED")),
        ("mysql://a@h/s?connection_limit=5&pool_timeout=2&sslaccept=strict", MysqlUrl("s", "a", "", "h")),
        ("mysql://a@h/s?ssl-ca=/c", MysqlUrl("s", "a", "", "h", ssl_mode="VERIFY_CA", ssl_ca="/c")),
    ],
    ids=["short", "encoded", "socket", "prisma", "ca"],
)
def test_a_url_is_read(url: str, read: MysqlUrl) -> None:
    assert read_mysql_url(url) == read
    assert "p/é" not in repr(read)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://a:p@ss@h/shop", "is no URL of a MySQL server"),
        ("mysql://a@h", "must name the database"),
        ("mysql://h/shop", "must name a user"),
        ("mysql://a@h:x/shop", "is no URL of a MySQL server"),
        ("mysql://a@h/shop?ssl=1", "has no parameter ssl; there are socket, ssl-mode"),
        ("mysql://a@h/shop?ssl-mode=x", "ssl-mode is one of DISABLED"),
        ("oracle://h/shop", "must be a file or a server of MySQL or MongoDB"),
        ("mongodb://h/?replicaSet=rs0", "must name the database, as mongodb://host/shop"),
    ],
    ids=["at", "database", "user", "port", "parameter", "mode", "scheme", "mongodb"],
)
def test_a_url_that_is_none_is_refused_by_its_setting(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERCAST_SOURCE_URL", url)
    with pytest.raises(ConfigError, match="ORDERCAST_SOURCE_URL") as raised:
        load(make_secret=False, secret="0123456789abcdef" * 2)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("version", "is_too_old"),
    [
        ("10.11.19-MariaDB-0+deb12u1", False), ("5.5.5-10.6.21-MariaDB", False), ("5.5.5-10.5.28-MariaDB", True),
        ("11.8.2-MariaDB", False), ("8.0.46", False), ("9.4.0-commercial", False), ("5.7.44-log", True), ("odd", False),
    ],
)  # fmt: skip
def test_a_server_that_is_too_old_is_refused_in_a_sentence(version: str, is_too_old: bool) -> None:
    assert (version_fault(version) is not None) == is_too_old


def test_our_store_is_not_in_mysql() -> None:
    with pytest.raises(ConfigError, match="name it in ORDERCAST_SOURCE_URL"):
        load(make_secret=False, secret="0123456789abcdef" * 2, database_url="mysql://a@h/shop")


def test_a_node_tells_a_shops_tables_over_a_kill(mariadb_server: Mariadb, tmp_path: Path) -> None:
    theirs = MysqlShop(mariadb_server, tmp_path)
    theirs.mapping("[shop]\nbuilt_in = false\n" + emit("orders", rest='payload = "{id}"'))
    environ = {"ORDERCAST_SOURCE_URL": mariadb_server.url(theirs.name), "ORDERCAST_DATABASE_URL": "sqlite:///own.db"}
    environ["ORDERCAST_DEMO"] = "false"
    command = {"PATH": os.environ["PATH"], **environ}
    shop = Shop(tmp_path, {**environ, "ORDERCAST_SECRET": SECRET})

    def order(id_: int) -> None:
        theirs.do("INSERT INTO orders (id, customer_id) VALUES (%s, 'c1')", id_)

    def ready() -> str:
        return httpx.get(f"{shop.url}/health/ready").text

    try:
        done = run_command(["attach", "--apply"], cwd=tmp_path, env=command)
        assert (done.returncode, "CREATE TRIGGER" in done.stdout) == (0, True), done.stderr
        shop.start()
        order(1)
        eventually(lambda: not theirs.waiting())
        shop.kill()
        order(2)
        shop.start()
        eventually(lambda: not theirs.waiting())
        theirs.do("DROP PROCEDURE ordercast_publish")
        eventually(lambda: "ordercast_publish is missing" in ready())
        assert run_command(["attach", "--check"], cwd=tmp_path, env=command).returncode == 1
    finally:
        shop.kill()
    theirs.close()
