"""Who else writes to a table in PostgreSQL: the shop's own triggers, rules of rows, a replica's subscription."""

from __future__ import annotations

import psycopg
import pytest

from tests.waiting import eventually

from .conftest import AttachedShop
from .test_postgresql import ALL, emit


def test_a_change_by_a_trigger_of_the_shop_is_told_behind_what_fired_it(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE notes (id integer PRIMARY KEY, note text)")
    shop.do(
        """CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF length(NEW.note) < 3 THEN UPDATE notes SET note = note || '!' WHERE id = NEW.id; END IF;
          RETURN NULL;
        END $$"""
    )
    shop.do('CREATE TRIGGER "A stamp" AFTER INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION stamp()')
    shop.apply(emit("notes", ALL, rest='payload = "{note}"'))
    shop.do("INSERT INTO notes VALUES (1, 'a')")
    assert shop.args() == ["a", "a!", "a!!"]


def test_rules_of_rows_hide_no_change(own_shop: AttachedShop) -> None:
    shop = own_shop
    shop.do("CREATE TABLE notes (id integer PRIMARY KEY, owner text)")
    shop.do("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    shop.do("ALTER TABLE notes FORCE ROW LEVEL SECURITY")
    shop.do("CREATE POLICY own ON notes USING (owner = current_user) WITH CHECK (owner = current_user)")
    shop.apply(emit("notes", ALL, rest='payload = "{id}"'))
    shop.server.execute("DROP ROLE IF EXISTS zoe")
    shop.server.execute("CREATE ROLE zoe LOGIN")
    try:
        shop.do("GRANT ALL ON notes TO zoe")
        with psycopg.connect(shop.server.url(shop.name, user="zoe"), autocommit=True) as connection:
            connection.execute("INSERT INTO notes VALUES (1, 'zoe')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("INSERT INTO notes VALUES (2, 'asha')")
            connection.execute("DELETE FROM notes")
        assert [(event["on"], event["args"], event["writer"]["role"]) for event in shop.told()] == [
            ("insert", [1], "zoe"), ("delete", [1], "zoe"),
        ]  # fmt: skip
    finally:
        shop.do("DROP OWNED BY zoe")
        shop.server.execute("DROP ROLE zoe")


def _write_at(primary: psycopg.Connection, shop: AttachedShop) -> None:
    """What is copied at first, what is streamed then, and what is undone."""
    eventually(lambda: shop.do("SELECT count(*) FROM stock") == [(1,)])
    primary.execute("INSERT INTO stock VALUES (2, 1), (3, 1)")
    primary.execute("BEGIN")
    primary.execute("UPDATE stock SET pieces = 9")
    primary.execute("ROLLBACK")
    primary.execute("UPDATE stock SET pieces = 5 WHERE id = 2")
    primary.execute("DELETE FROM stock WHERE id = 3")
    primary.execute("TRUNCATE stock")
    eventually(lambda: shop.do("SELECT count(*) FROM stock") == [(0,)])


def test_what_a_subscription_brings_is_told(own_shop: AttachedShop) -> None:
    shop = own_shop
    table = "CREATE TABLE stock (id integer PRIMARY KEY, pieces integer)"
    source = shop.server.new_database()
    slot = f"of_{source}"
    try:
        with psycopg.connect(shop.server.url(source), autocommit=True) as primary:
            primary.execute(table.encode())
            primary.execute("INSERT INTO stock VALUES (1, 1)")
            primary.execute("CREATE PUBLICATION all_of_it FOR TABLE stock")
            primary.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
            shop.do(table)
            shop.apply(emit("stock", ALL, rest='payload = ["{id}", "{pieces}", "{old.pieces}"]'))
            shop.do(
                f"CREATE SUBSCRIPTION replica CONNECTION '{shop.server.url(source)}' PUBLICATION all_of_it"
                f" WITH (create_slot = false, slot_name = '{slot}')"
            )
            try:
                _write_at(primary, shop)
            finally:
                shop.do("ALTER SUBSCRIPTION replica DISABLE")
                shop.do("ALTER SUBSCRIPTION replica SET (slot_name = NONE)")
                shop.do("DROP SUBSCRIPTION replica")
    finally:
        shop.server.drop(source)
    assert [(event["on"], *event["args"][0]) for event in shop.told()] == [
        ("insert", 1, 1, None), ("insert", 2, 1, None), ("insert", 3, 1, None), ("update", 2, 5, 1),
        ("delete", 3, 1, 1),
    ]  # fmt: skip
    assert [reason for (reason,) in shop.feed("after::json->>'reason'") if reason] == ["table_emptied"]
    assert shop.errors() == []
