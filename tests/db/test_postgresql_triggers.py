"""What is PostgreSQL's alone: who acts, what TRUNCATE may not, triggers that nothing silences, and late numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from ordercast.db import migrate
from ordercast.db.ddl import metadata
from ordercast.db.dialects import POSTGRESQL
from ordercast.db.postgresql.functions import RAW_CHANNEL
from ordercast.db.postgresql.triggers import NO_TRUNCATE
from ordercast.db.triggers import missing_triggers
from tests.postgres import Postgres

from .programs import PostgresqlProgram

LEFT_TO_BE_EMPTIED = {
    "driver_states",
    "idempotency",
    "notification_marks",
    "notification_reads",
    "sandbox_notices",
    "sandbox_payments",
    "sessions",
    "sign_ins",
    "webhook_attempts",
    "webhook_deliveries",
}


@pytest.fixture
def shop(postgresql_program: PostgresqlProgram) -> Iterator[PostgresqlProgram]:
    with postgresql_program.rolled_back():
        yield postgresql_program


# --- Who acts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("application_name", "actor"),
    [("psql", "db:clerk@psql"), ("", "db:clerk@unknown"), ("50% off", "db:clerk@50% off")],
)
def test_a_change_from_outside_names_the_role_and_the_program(
    postgres_server: Postgres, postgres_url: str, application_name: str, actor: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS clerk")
        owner.execute("CREATE ROLE clerk LOGIN")
        owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk")
        owner.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk")
    url = postgres_url.replace("postgres@", "clerk@")
    with psycopg.connect(url, autocommit=True, application_name=application_name) as clerk:
        clerk.execute("INSERT INTO orders (id) VALUES ('ord_1')")
        clerk.execute("UPDATE orders SET status = 'processing'")
        assert clerk.execute("SELECT DISTINCT actor FROM order_history").fetchall() == [(actor,)]
        assert clerk.execute("SELECT version, actor FROM feed ORDER BY id").fetchall() == [(1, actor), (2, actor)]
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY clerk")
        owner.execute("DROP ROLE clerk")


# --- Nothing goes unheard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", NO_TRUNCATE)
def test_what_is_kept_is_not_emptied_by_truncate(shop: PostgresqlProgram, table: str) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    for role in ("origin", "replica"):
        shop.do(f"SET LOCAL session_replication_role = {role}")
        with shop.refused(": is never emptied by TRUNCATE"):
            shop.do(f"TRUNCATE {table} CASCADE")


def test_each_table_is_either_kept_or_left_to_be_emptied() -> None:
    assert set(NO_TRUNCATE) | LEFT_TO_BE_EMPTIED == metadata.tables.keys()


def test_a_session_that_replicates_silences_no_trigger(shop: PostgresqlProgram) -> None:
    shop.do("SET LOCAL session_replication_role = replica")
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("UPDATE orders SET status = 'processing'")
    with shop.refused("order_flow"):
        shop.do("UPDATE orders SET status = 'delivered'")
    assert [kind for kind, *_ in shop.feed()] == ["order.placed", "order.status_changed"]


@pytest.mark.parametrize("state", ["DISABLE TRIGGER", "ENABLE TRIGGER", "ENABLE REPLICA TRIGGER"])
def test_a_trigger_that_can_be_silenced_counts_as_missing(shop: PostgresqlProgram, state: str) -> None:
    shop.do(f"ALTER TABLE orders {state} orders_changed")
    assert missing_triggers(shop.connection.execute(POSTGRESQL.triggers_at_work), POSTGRESQL) == ["orders_changed"]


def test_all_triggers_of_a_table_that_are_disabled_are_missed(shop: PostgresqlProgram) -> None:
    shop.do("ALTER TABLE published_events DISABLE TRIGGER ALL")
    assert missing_triggers(shop.connection.execute(POSTGRESQL.triggers_at_work), POSTGRESQL) == [
        "events_published",
        "published_events_content",
        "published_events_content_changed",
        "published_events_not_emptied",
    ]


def test_an_upsert_is_told_as_the_change_that_it_makes(shop: PostgresqlProgram) -> None:
    for total in (4, 5):
        shop.do(
            "INSERT INTO orders (id, total) VALUES ('ord_1', ?) ON CONFLICT (id) DO UPDATE SET total = excluded.total",
            [total],
        )
    assert [(kind, version) for kind, _, version, *_ in shop.feed()] == [("order.placed", 1), ("order.changed", 2)]


# --- Whoever's session fires them -------------------------------------------------------------------------------------


def test_a_session_without_a_search_path_is_told_of_as_any_other(postgresql_program: PostgresqlProgram) -> None:
    shop = postgresql_program
    with shop.rolled_back():
        shop.do("SET LOCAL search_path = ''")
        shop.do("INSERT INTO public.orders (id) VALUES ('ord_1')")
        shop.do("UPDATE public.orders SET status = 'processing'")
        shop.do("INSERT INTO public.published_events (event, rooms) VALUES ('hi', '[\"a\"]')")
        assert shop.do("SELECT kind FROM public.feed ORDER BY id") == [
            ("order.placed",),
            ("order.status_changed",),
            ("event.published",),
        ]


@pytest.mark.parametrize("elsewhere", ["CREATE TEMPORARY TABLE feed", "CREATE SCHEMA ours; CREATE TABLE ours.feed"])
def test_a_table_of_the_same_name_elsewhere_hears_nothing(
    postgresql_program: PostgresqlProgram, elsewhere: str
) -> None:
    shop = postgresql_program
    with shop.rolled_back():
        shop.do(f"{elsewhere} (LIKE public.feed INCLUDING ALL)")
        shop.do("SET LOCAL search_path = ours, public")
        shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
        assert shop.do("SELECT count(*) FROM feed") == [(0,)]
        assert shop.do("SELECT kind FROM public.feed") == [("order.placed",)]


def test_a_shop_may_have_a_schema_of_its_own(postgres_server: Postgres) -> None:
    name = postgres_server.new_database()
    postgres_server.execute('CREATE SCHEMA "Our shop"', name)
    migrate.upgrade(postgres_server.url(name) + '?options=-csearch_path%3D"Our%5C%20shop"')
    postgres_server.execute("""INSERT INTO "Our shop".orders (id) VALUES ('ord_1')""", name)
    assert postgres_server.execute('SELECT kind FROM "Our shop".feed', name) == [("order.placed",)]
    assert postgres_server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == [(0,)]
    postgres_server.drop(name)


def test_what_replication_brings_is_told(postgres_server: Postgres, postgres_url: str) -> None:
    source, shop = postgres_server.new_database(), postgres_url.rsplit("/", maxsplit=1)[1]
    for statement in (
        "CREATE TABLE published_events (id text PRIMARY KEY, event text, rooms json, args json)",
        "CREATE PUBLICATION events FOR TABLE published_events",
        "SELECT pg_create_logical_replication_slot('events', 'pgoutput')",
    ):
        postgres_server.execute(statement, source)
    postgres_server.execute(
        f"CREATE SUBSCRIPTION events CONNECTION '{postgres_server.url(source)}' PUBLICATION events"
        " WITH (create_slot = false, slot_name = events, copy_data = false)",
        shop,
    )
    postgres_server.execute("""INSERT INTO published_events VALUES ('evt_1', 'hi', '["a"]', '[1]')""", source)
    deadline = time.monotonic() + 60
    while not (told := postgres_server.execute("SELECT kind, entity_id FROM feed", shop)):
        assert time.monotonic() < deadline, "it was not applied"
        time.sleep(0.05)
    postgres_server.execute("DROP SUBSCRIPTION events", shop)
    postgres_server.drop(source)
    assert told == [("event.published", "evt_1")]


def test_every_function_that_is_read_when_it_runs_has_a_fixed_path(shop: PostgresqlProgram) -> None:
    unfixed = """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosqlbody IS NULL
          AND NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false)
    """
    assert shop.do(unfixed) == []


# --- The feed ---------------------------------------------------------------------------------------------------------


def test_a_row_of_the_feed_waits_for_its_number(shop: PostgresqlProgram) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1'), ('ord_2')")
    assert shop.do("SELECT seq FROM feed") == [(None,), (None,)]
    shop.do("UPDATE feed SET seq = 7 WHERE entity_id = 'ord_2'")
    with shop.refused("feed_seq_key"):
        shop.do("UPDATE feed SET seq = 7")
    assert shop.do("SELECT pg_get_serial_sequence('feed', 'id')") == [("public.feed_id_seq",)]


@pytest.mark.parametrize("seq", [2**63 - 1, 0, -1, 1])
def test_a_number_that_somebody_gives_to_a_new_row_is_not_taken(shop: PostgresqlProgram, seq: int) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("UPDATE feed SET seq = 1")
    columns = "kind, entity_id, version, actor, at"
    shop.do(f"INSERT INTO feed (seq, {columns}) VALUES (?, 'order.changed', 'ord_1', 2, 'a', ordercast_now())", [seq])
    assert shop.do("SELECT version, seq FROM feed ORDER BY id") == [(1, 1), (2, None)]


@pytest.mark.parametrize("seq", ["seq + 1", "NULL", "9223372036854775807"])
def test_a_number_once_given_stays(shop: PostgresqlProgram, seq: str) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("UPDATE feed SET seq = 1")
    for role in ("origin", "replica"):
        shop.do(f"SET LOCAL session_replication_role = {role}")
        with shop.refused("feed: a number that was given stays"):
            shop.do(f"UPDATE feed SET seq = {seq}")
    shop.do("UPDATE feed SET seq = seq, actor = 'erased'")


def test_what_was_not_told_yet_is_not_removed(shop: PostgresqlProgram) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1'), ('ord_2')")
    shop.do("UPDATE feed SET seq = 1 WHERE entity_id = 'ord_1'")
    with shop.refused("feed: what has no number yet was not told, and stays"):
        shop.do("DELETE FROM feed")
    shop.do("DELETE FROM feed WHERE seq = 1")
    assert shop.do("SELECT entity_id FROM feed") == [("ord_2",)]


def test_the_order_of_writing_is_given_by_the_database_alone(shop: PostgresqlProgram) -> None:
    columns = "kind, entity_id, version, actor, at"
    with shop.refused("cannot insert a non-DEFAULT value", psycopg.errors.GeneratedAlways):
        shop.do(f"INSERT INTO feed (id, {columns}) VALUES (7, 'order.changed', 'ord_1', 2, 'a', ordercast_now())")
    with shop.refused("can only be updated to DEFAULT", psycopg.errors.GeneratedAlways):
        shop.do("UPDATE feed SET id = 7")


def test_whoever_listens_hears_of_new_rows_once_they_are_committed(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as node, psycopg.connect(postgres_url) as writer:
        node.execute(f"LISTEN {RAW_CHANNEL}")
        writer.execute("INSERT INTO orders (id) VALUES ('ord_1'), ('ord_2')")
        assert list(node.notifies(timeout=0.05)) == []
        writer.commit()
        heard = list(node.notifies(timeout=60, stop_after=1))
        assert [(notice.channel, notice.payload) for notice in heard] == [(RAW_CHANNEL, "")]


# --- Two programs at once ---------------------------------------------------------------------------------------------


def test_a_line_is_not_sold_to_an_order_that_is_being_cancelled(postgres_url: str) -> None:
    with (
        psycopg.connect(postgres_url, autocommit=True) as other,
        psycopg.connect(postgres_url) as canceller,
    ):
        other.execute("INSERT INTO products (id, slug, name, price, stock) VALUES ('prd_1', 'chai', 'Chai', 100, 9)")
        other.execute("INSERT INTO orders (number, id) VALUES (1, 'ord_1')")
        canceller.execute("UPDATE orders SET status = 'cancelled'")
        refused: list[str] = []

        def sell() -> None:
            try:
                other.execute(
                    "INSERT INTO order_lines (order_number, position, product_id, quantity) VALUES (1, 0, 'prd_1', 4)"
                )
            except psycopg.IntegrityError as error:
                refused.append(str(error))

        seller = threading.Thread(target=sell)
        seller.start()
        time.sleep(0.1)
        canceller.commit()
        seller.join()
        assert len(refused) == 1
        assert refused[0].startswith("order_lines: what was given back")
        assert other.execute("SELECT stock FROM products").fetchone() == (9,)


# --- Types ------------------------------------------------------------------------------------------------------------


def test_texts_are_compared_by_their_bytes(shop: PostgresqlProgram) -> None:
    uncollated = shop.do(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
    )
    assert uncollated == []


def test_every_whole_number_has_64_bits(shop: PostgresqlProgram) -> None:
    types = shop.do(
        "SELECT DISTINCT data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    assert {name for (name,) in types} == {
        "bigint", "text", "json", "jsonb", "bytea", "double precision", "tsvector",
    }  # fmt: skip
