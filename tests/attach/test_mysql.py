"""Tables of another program in MariaDB: they are told through an outbox, and no write of theirs fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pymysql
import pytest

from ordercast.attach import MappingError
from ordercast.attach.suggestions import suggest
from tests.mariadb import Mariadb
from tests.waiting import until

from .mysql_shop import MysqlShop
from .test_postgresql import emit

ALL = '["insert", "update", "delete"]'


@pytest.fixture
async def shop(mariadb_server: Mariadb, tmp_path: Path) -> AsyncIterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.close()


async def test_a_row_is_told_by_its_columns_paths_sql_and_view(shop: MysqlShop) -> None:
    shop.do("CREATE VIEW cards AS SELECT o.id, c.name AS who FROM orders o JOIN customers c ON c.id = o.customer_id")
    shop.do("ALTER TABLE orders ADD shipping JSON")
    shop.apply(
        emit(
            "orders",
            rooms='["store", "customer_{customer_id}", "{rooms}"]',
            rest="""view = "cards"
when = "NEW.total > 1.0 AND NEW.customer_id LIKE 'c%'"
payload = ["{id}", "{total}", "{shipping.to.0}", "{shipping.none}", "{twice}", "{view.who}", "n. {id}", "{who.n}",
  "{none}"]
[emit.sql]
twice = "NEW.total * 2"
none = "NEW.note"
who = "SELECT JSON_OBJECT('n', c.name) FROM customers c WHERE c.id = NEW.customer_id"
rooms = "JSON_ARRAY('x', CONCAT('y', NEW.id))\"""",
        )
    )
    assert shop.check() == []
    insert = "INSERT INTO orders (customer_id, total, shipping) VALUES (%s, %s, %s)"
    shop.do(insert, "c1", "12.50", '{"to": ["ঢাকা"]}')
    shop.do(insert, "c1", "1", "{}")
    async with shop.relayed() as relay:
        (event,) = await shop.told(1)
        assert relay.warnings() == []
    assert (event["event"], event["rooms"]) == ("e", ["store", "customer_c1", "x", "y1"])
    assert event["args"] == [[1, 12.5, "ঢাকা", None, 25.0, "আশা", "n. 1", "আশা", None]]
    assert (event["table"], event["key"], event["on"]) == ("orders", {"id": 1}, "insert")
    ((connection, user),) = shop.do("SELECT CONNECTION_ID(), USER()")
    assert event["writer"] == {"database": shop.name, "role": user, "connection": connection}


async def test_values_are_told_by_the_types_of_their_columns(shop: MysqlShop) -> None:
    shop.do(
        "CREATE TABLE typed (id BINARY(2) PRIMARY KEY, a DECIMAL(20,4), b BIT(1), c BIT(8), d TINYINT(1), e TINYINT(1),"
        " f DATETIME(3), g TIMESTAMP(6) NULL, h ENUM('é', 'x'), i SET('p', 'q'), j JSON, k DATE, l TIME, m YEAR,"
        " n DOUBLE, o UUID, p VARCHAR(9) CHARACTER SET latin1, q BLOB, r INT GENERATED ALWAYS AS (d + 1) VIRTUAL,"
        " s INT GENERATED ALWAYS AS (d + 2) STORED, t BIGINT UNSIGNED, u POINT, v DATETIME, w TIMESTAMP NULL,"
        " x LONGTEXT CHARACTER SET utf8mb4, y INT, z INT(6) ZEROFILL, aa DECIMAL(6, 2) ZEROFILL, ab YEAR,"
        " ac JSON, ad DATE)"
    )
    shop.apply(emit("typed", rest="when = \"NEW.g IS NOT NULL AND NEW.h = 'é' AND NEW.q = x'ff00'\""))
    shop.do("SET time_zone = '+06:00'")
    shop.do(
        "INSERT INTO typed (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, t, u, v, w, x, z, aa, ab,"
        " ac, ad) VALUES"
        " (x'00ff', 12.5, 1, 200, 1, 7, '2026-11-30 10:00:00.5', '2026-11-30 10:00:00.123456', 'é', 'p,q', %s,"
        " '2026-11-30', '10:00', 2026, 1e300, '9151b4f2-ed11-11f1-934b-02fc00000001', 'é', x'ff00',"
        " 18446744073709551615, POINT(1, 2), '0000-00-00', 0, %s, 42, 1.50, 0, '{\"a\": 1e400}', 0)",
        '{"z": [1, "ক"]}',
        "\"\\'\U0001f600\n",
    )
    async with shop.relayed():
        ((event,),) = [event["args"] for event in await shop.told(1)]
    assert event == {
        "id": "\\x00ff", "a": 12.5, "b": True, "c": 200, "d": True, "e": 7, "f": "2026-11-30T10:00:00.500Z",
        "g": "2026-11-30T04:00:00.123Z", "h": "é", "i": "p,q", "j": {"z": [1, "ক"]}, "k": "2026-11-30", "l": "10:00:00",
        "m": 2026, "n": 1e300, "o": "9151b4f2-ed11-11f1-934b-02fc00000001", "p": "é", "q": "\\xff00", "r": 2, "s": 3,
        "t": 18446744073709551615, "u": "POINT(1 2)", "v": None, "w": None, "x": "\"\\'\U0001f600\n", "y": None,
        "z": 42, "aa": 1.5, "ab": 0, "ac": {"a": None}, "ad": None,
    }  # fmt: skip


async def test_changes_of_every_kind_are_told_in_their_order(shop: MysqlShop, tmp_path: Path) -> None:
    shop.apply(emit("orders", ALL, rest='changed = ["status"]\npayload = ["{id}", "{status}", "{old.status}"]'))
    shop.do("INSERT INTO orders (id, customer_id) VALUES (1, 'c1'), (2, 'c1')")
    shop.do("INSERT INTO orders (id, customer_id) VALUES (1, 'c1') ON DUPLICATE KEY UPDATE status = 'NEW'")
    shop.do("UPDATE orders SET total = total + 1")
    shop.do("REPLACE INTO orders (id, customer_id, status) VALUES (1, 'c1', 'back')")
    shop.do("INSERT INTO orders (id, customer_id, status) SELECT id + 10, customer_id, 'copy' FROM orders WHERE id = 1")
    shop.do("BEGIN")
    shop.do("INSERT INTO orders (id, customer_id) VALUES (3, 'c1')")
    shop.do("SAVEPOINT s")
    shop.do("INSERT INTO orders (id, customer_id) VALUES (4, 'c1')")
    shop.do("ROLLBACK TO s")
    shop.do("COMMIT")
    shop.do("BEGIN")
    shop.do("DELETE FROM orders")
    shop.do("ROLLBACK")
    file = shop.server.folder / f"{shop.name}.csv"
    file.write_text("5,c1,loaded\n")
    shop.do(f"LOAD DATA INFILE '{file}' INTO TABLE orders FIELDS TERMINATED BY ',' (id, customer_id, status)")
    shop.do("DELETE FROM orders WHERE id = 2")
    async with shop.relayed():
        told = await shop.told(9)
    assert [(event["on"], *event["args"][0]) for event in told] == [
        ("insert", 1, "new", None), ("insert", 2, "new", None), ("update", 1, "NEW", "new"),
        ("delete", 1, "NEW", "NEW"), ("insert", 1, "back", None), ("insert", 11, "copy", None),
        ("insert", 3, "new", None), ("insert", 5, "loaded", None), ("delete", 2, "new", "new"),
    ]  # fmt: skip


async def test_names_of_any_writing_are_told(shop: MysqlShop) -> None:
    shop.do(
        "CREATE TABLE `অর্ডার ``%s` (`ক্রেতা` VARCHAR(9) CHARACTER SET utf8mb4, `a.b` INT, `%% 'q' \\\\` INT,"
        " PRIMARY KEY (`a.b`, `ক্রেতা`))"
    )
    table, column = "অর্ডার `%s", "%% 'q' \\\\\\\\"
    shop.apply(
        emit(table, ALL, '["a_{ক্রেতা}"]', f'payload = ["{{ক্রেতা}}", "{{\\"a.b\\"}}", "{{{column}}}", "{{s}}"]')
        + "[emit.sql]\ns = 'NEW.`a.b` % 5'\n"
    )
    assert shop.check() == []
    shop.do("INSERT INTO `অর্ডার ``%s` VALUES ('আশা', 7, 3)")
    async with shop.relayed():
        (event,) = await shop.told(1)
    assert (event["rooms"], event["args"], event["key"]) == (["a_আশা"], [["আশা", 7, 3, 2]], {"ক্রেতা": "আশা", "a.b": 7})


async def test_a_migration_fails_no_write_and_what_it_hid_is_a_gap(shop: MysqlShop) -> None:
    text = emit("orders", ALL, rest='payload = "{note}"')
    shop.apply(text + emit("orders", rest='name = "second"\npayload = "{total}"'))
    async with shop.relayed() as relay:
        shop.do("ALTER TABLE orders RENAME COLUMN note TO remark")
        shop.do("INSERT INTO orders (customer_id, total) VALUES ('c1', 4)")
        told = await shop.told(2)
        await until(lambda: any("orders has no column note" in each for each in relay.warnings()))
        assert any("a change was not told: Unknown column 'note' in 'NEW'" in each for each in relay.warnings())
    assert [event["args"] for event in told if event.get("mapping") == "second"] == [[4.0]]
    assert {"reason": "mapping_failed", "rooms": ["store"]} in told
    shop.do("ALTER TABLE orders RENAME COLUMN remark TO note")
    shop.do("ALTER TABLE orders ADD more INT, DROP COLUMN total")
    shop.apply(text)
    assert shop.check() == []
    async with shop.relayed():
        shop.do("INSERT INTO orders (customer_id, note) VALUES ('c1', 'n')")
        assert (await shop.told(3))[-1]["args"] == ["n"]


async def test_without_the_outbox_no_write_fails_and_a_gap_is_told(shop: MysqlShop) -> None:
    text = emit("orders", rest='payload = "{total}"')
    shop.apply(text)
    shop.do("DROP TABLE ordercast_outbox")
    async with shop.relayed() as relay:
        shop.do("INSERT INTO orders (customer_id, total) VALUES ('c1', 1)")
        await until(lambda: any("ordercast_outbox is missing" in each for each in relay.warnings()))
        shop.apply(text)
        shop.do("INSERT INTO orders (customer_id, total) VALUES ('c1', 2)")
        told = await shop.told(2)
        await until(lambda: relay.warnings() == [])
    gap = {"reason": "mapping_failed", "rooms": ["store"]}
    assert gap in told
    assert [event["args"] for event in told if event != gap] == [[2.0]]
    shop.do(f"DROP TRIGGER ordercast_{emit_id(shop)}_insert")
    (fault,) = shop.check()
    assert "a trigger on orders is missing, and no e is told" in fault
    shop.apply(text)
    async with shop.relayed():
        assert (await shop.told(3))[-1] == gap


async def test_a_table_that_was_swapped_for_another_is_told_again_with_a_gap(shop: MysqlShop) -> None:
    """As `gh-ost` and `pt-online-schema-change` do it: the triggers go with the old one."""
    text = emit("orders", '["insert", "update"]', rest='payload = "{id}"')
    shop.apply(text)
    shop.do("CREATE TABLE fresh LIKE orders")
    shop.do("RENAME TABLE orders TO old_orders, fresh TO orders")
    shop.do("INSERT INTO orders (id, customer_id) VALUES (1, 'c1')")
    assert [fault.partition(": ")[2][:43] for fault in shop.check()] == [
        "the trigger of orders is on old_orders now:"
    ] * 2
    shop.apply(text)
    assert shop.check() == []
    shop.do("INSERT INTO old_orders (id, customer_id) VALUES (2, 'c1')")
    shop.do("INSERT INTO orders (id, customer_id) VALUES (3, 'c1')")
    async with shop.relayed():
        told = await shop.told(2)
    gap = {"reason": "mapping_failed", "rooms": ["store"]}
    assert gap in told
    assert [event["args"] for event in told if event != gap] == [[3]]


def emit_id(shop: MysqlShop) -> str:
    with shop.attaching() as attaching:
        return attaching._mapping.emits[0].id


async def test_what_cannot_be_told_is_a_gap(shop: MysqlShop) -> None:
    shop.apply(
        emit("orders", rest='payload = "{note.a.b}"') + emit("orders", rest='name = "s"\n[emit.sql]\nx = "SLEEP(0)"')
    )
    for note in ("no json {", '{"a": {"b": 1}}'):
        shop.do("INSERT INTO orders (customer_id, note) VALUES ('c1', %s)", note)
    async with shop.relayed() as relay:
        told = await shop.told(4)
        (warning,) = relay.warnings()
    assert [event["args"] for event in told if event.get("mapping") == "e of orders"] == [[1]]
    assert {"reason": "mapping_failed", "rooms": ["store"]} in told
    assert "1: a change was not told: Expecting value" in warning


async def test_an_event_is_published_by_a_procedure(shop: MysqlShop) -> None:
    shop.apply(emit("orders"))
    shop.do("BEGIN")
    shop.do("CALL ordercast_publish('rolled_back', '[\"a\"]', NULL)")
    shop.do("ROLLBACK")
    shop.do("CALL ordercast_publish('new_order', %s, %s)", '["a", "ঢাকা"]', '[{"x": 1.50}, "ক"]')
    shop.do("CALL ordercast_publish('bare', '[\"a\"]', NULL)")
    for wrong in ("'', '[\"a\"]', '[]'", "'e', '[]', '[]'", "'e', '[\"\"]', '[]'", "'e', '[1]', '[]'", "'e', 'x', '[]'",
                  "'e', NULL, '[]'", "'e', '[\"a\"]', '{}'", "REPEAT('e', 200), '[\"a\"]', '[]'"):  # fmt: skip
        with pytest.raises(pymysql.err.MySQLError, match=r"event: |rooms: |args: "):
            shop.do(f"CALL ordercast_publish({wrong})")
    async with shop.relayed():
        one, two = await shop.told(2)
    assert one == {"event": "new_order", "rooms": ["a", "ঢাকা"], "args": [{"x": 1.5}, "ক"]}
    assert two == {"event": "bare", "rooms": ["a"], "args": []}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (emit("ordrs"), "2: there is no table ordrs; there is orders"),
        (emit("orders", rest='payload = "{Total}"'), "6: orders has no column Total; there is total"),
        (emit("orders", rest='when = "NEW.totl > 1"'), "6: the server cannot read this: Unknown column 'NEW.totl'"),
        (emit("orders", rest='on_error = "fail"'), "6: in MySQL events are made behind the commit"),
        (emit("orders", rest='view = "customers"'), "6: customers has not the key"),
        ('[[watch]]\ntable = "orders"\nrooms = ["a"]\nwhere = ["total"]\n', "4: total is decimal; a filter takes"),
    ],
    ids=["table", "column", "sql", "fail", "view", "watch"],
)
async def test_what_the_database_has_not_is_told_with_its_line(shop: MysqlShop, text: str, fault: str) -> None:
    shop.do("ALTER TABLE customers CHANGE id code VARCHAR(20) CHARACTER SET utf8mb4")
    with pytest.raises(MappingError) as raised:
        shop.apply(text)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{shop.mapping_path}:{fault}")


async def test_what_fires_no_trigger_is_noted(shop: MysqlShop) -> None:
    shop.do("CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM")
    shop.do("ALTER TABLE orders ADD payer VARCHAR(20) CHARACTER SET utf8mb4, ADD CONSTRAINT paid_by"
            " FOREIGN KEY (payer) REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE")  # fmt: skip
    shop.apply(emit("orders", ALL) + emit("old"))
    notes = "\n".join(shop.notes())
    cascade = (
        "rows of orders that go with their customers are not told: a cascade (orders_ibfk_1, ON DELETE CASCADE)"
        " fires no trigger; delete those of orders first"
    )
    set_null = (
        "rows of orders that change with their customers are not told: a cascade (paid_by, ON DELETE SET NULL)"
        " fires no trigger; update those of orders first"
    )
    truncate = "TRUNCATE of orders is not told: it fires no trigger; DELETE does"
    assert {f"2: {each}" for each in (cascade, set_null, truncate)} <= {*shop.notes()}
    with shop.attaching() as attaching:
        suggested = suggest(attaching.known_tables(), shop.url.shown, attaching.dialect)
    assert {f"# Note: {each}." for each in (cascade, set_null, truncate)} <= {*suggested.splitlines()}
    assert "old is MyISAM, without transactions" in notes


async def test_detaching_leaves_the_database_as_it_was(shop: MysqlShop) -> None:
    def all_there() -> list[tuple[object, ...]]:
        return [
            *shop.do("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1"),
            *shop.do("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"),
            *shop.do("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"),
        ]

    before = all_there()
    shop.apply(emit("orders", ALL))
    shop.apply(emit("orders", '["insert", "update"]', rest='changed = ["total"]'))
    assert [name for (name,) in all_there() if "ordercast" in str(name)] != []
    assert shop.check() == []
    with shop.attaching() as attaching:
        attaching.detach(with_schema=True)
    assert all_there() == before


async def test_what_is_printed_makes_the_same_at_an_administrators_terminal(shop: MysqlShop) -> None:
    with shop.attaching(emit("orders", ALL, rest="when = \"NEW.note <> ';'\"")) as attaching:
        script = attaching.script()
    shop.server.client(shop.name, script)
    assert shop.check() == []
    assert shop.apply(shop.mapping_path.read_text()) == []


async def test_least_rights_are_enough_and_a_writer_needs_none(shop: MysqlShop) -> None:
    attacher, writer = f"attach_{shop.name}", f"app_{shop.name}"
    shop.do(f"CREATE USER {attacher}@'127.0.0.1'")
    shop.do(f"CREATE USER {writer}@'127.0.0.1'")
    rights = "SELECT, INSERT, DELETE, CREATE, DROP, TRIGGER, LOCK TABLES, CREATE ROUTINE, ALTER ROUTINE, EXECUTE"
    shop.do(f"GRANT {rights} ON {shop.name}.* TO {attacher}@'127.0.0.1'")
    shop.do(f"GRANT INSERT ON {shop.name}.orders TO {writer}@'127.0.0.1'")
    for rest in ('payload = "{total}"', 'payload = "{id}"'):
        with shop.attaching(emit("orders", rest=rest), attacher) as attaching:
            attaching.apply()
            assert attaching.check() == []
    with shop.server.connect(shop.name, writer) as connection:
        connection.cursor().execute("INSERT INTO orders (customer_id, total) VALUES ('c1', 3)")
    async with shop.relayed():
        (event,) = await shop.told(1)
    assert (event["args"], event["writer"]["role"]) == ([1], f"{writer}@127.0.0.1")
    assert any(f"triggers run as {attacher}@127.0.0.1: once that account is dropped" in note for note in shop.notes())
    shop.do(f"DROP USER {attacher}@'127.0.0.1', {writer}@'127.0.0.1'")


async def test_a_table_of_another_database_on_the_server_is_told(shop: MysqlShop) -> None:
    other = shop.server.new_database()
    shop.do(f"CREATE TABLE {other}.stock (id INT PRIMARY KEY) ENGINE=InnoDB")
    text = emit(f"{other}.stock", ALL, rest='payload = "{id}"')
    shop.apply(text)
    assert (shop.check(), shop.apply(text)) == ([], [])
    shop.do(f"INSERT INTO {other}.stock VALUES (4)")
    async with shop.relayed():
        (event,) = await shop.told(1)
    assert (event["table"], event["args"]) == (f"{other}.stock", [4])
    with shop.attaching() as attaching:
        attaching.detach(with_schema=True)
    assert shop.do("SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s", other) == []
    shop.server.drop(other)
