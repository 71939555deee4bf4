"""What the store on PostgreSQL does when its server, its connections or its data are taken away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import (
    NotCommitted,
    OutcomeUnknown,
    StoreError,
    StoreUnavailable,
    Transaction,
    Unusable,
    feed,
    idempotency,
    products,
)
from ordercast.db.dialects import POSTGRESQL
from ordercast.db.epochs import begin_epoch
from ordercast.db.postgresql.connection import BY_INDEX, IDLE_IN_TRANSACTION_MS_MAX, connect
from ordercast.db.postgresql.sequencer import _NUMBER
from ordercast.db.postgresql.store import PostgresqlStore
from tests.journey.cutting_proxy import CuttingProxy
from tests.postgres import Postgres, running_postgres
from tests.waiting import until

from .shop import STORE, busy_writer, move, now, place_one
from .shops import PostgresqlShop
from .test_stores import PLACED, Follower, ids

_AFTER = feed.AFTER.texts[POSTGRESQL]


async def started(shop: PostgresqlShop) -> PostgresqlStore:
    store = shop.store()
    await store.start()
    return store


@pytest.fixture
async def store(postgresql: PostgresqlShop) -> AsyncIterator[PostgresqlStore]:
    store = await started(postgresql)
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    yield store
    await store.close()


# --- What it asks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["number", "read"])
def test_the_feed_is_looked_up_by_index_also_by_a_plan_that_was_made_while_it_was_empty(
    postgres_url: str, statement: str
) -> None:
    text = {"number": _NUMBER, "read": _AFTER}[statement]
    values = {"after": 0, "limit": 1_024, "channel": "x"}
    with connect(postgres_url, name="asker", options=BY_INDEX) as connection:
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {text}".encode(), values))
    assert "Index" in plan
    assert "Seq Scan on feed" not in plan
    assert "Bitmap" not in plan
    assert "Hash" not in plan


def test_a_group_of_rows_is_one_value_whose_bytes_the_database_can_read() -> None:
    statement = idempotency.KEEP
    row = {"scope": "s", "key": "k", "fingerprint": b"\x01\xff", "answer": None, "created_at": "at"}
    assert statement.encoded([row, row]) == '[["s","k","\\\\x01ff",null,"at"],["s","k","\\\\x01ff",null,"at"]]'


# --- Its life ---------------------------------------------------------------------------------------------------------


def test_a_database_that_was_never_migrated_is_refused_with_the_command_to_run(postgres_server: Postgres) -> None:
    store = PostgresqlStore(postgres_server.url(postgres_server.new_database()))
    with pytest.raises(Unusable, match="run `ordercast migrate`"):
        store.prepare()
    store.migrate()
    store.prepare()


async def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    store = PostgresqlStore("postgresql://shop:hush-hush@127.0.0.1:1/shop")
    for attempt in (store.prepare, store.migrate):
        with pytest.raises(Unusable, match="refused") as caught:
            attempt()
        assert "hush" not in str(caught.value)
    with pytest.raises(Unusable, match="refused"):
        await store.start()
    await store.close()
    assert "hush" not in repr(store)


async def test_another_program_is_named_by_its_role_and_application(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    order = await place_one(store)
    postgresql.server.execute("DROP ROLE IF EXISTS cron")
    postgresql.server.execute("CREATE ROLE cron LOGIN SUPERUSER")
    update = f"UPDATE orders SET status = 'cancelled' WHERE id = '{order.id}'".encode()
    url = postgresql.server.url(postgresql.name, user="cron")
    with psycopg.connect(url, application_name="nightly") as other:
        other.execute(update)
    actors = postgresql.ask(f"SELECT actor FROM order_history WHERE order_id = '{order.id}' ORDER BY entry")
    assert actors[-1] == ("db:cron@nightly",)


# --- The sequencer ----------------------------------------------------------------------------------------------------


async def test_one_node_leads_and_another_takes_over_when_it_is_closed(postgresql: PostgresqlShop) -> None:
    first = await started(postgresql)
    await until(lambda: first.leads)
    second = await started(postgresql)
    await asyncio.sleep(0.6)
    assert not second.leads
    await first.close()
    await until(lambda: second.leads)
    await second.close()


async def test_a_node_whose_sequencer_is_cut_off_is_followed_by_another(
    postgresql: PostgresqlShop,
) -> None:
    """Its session is ended as the server ends one that has not spoken; the node itself goes on, and may lead again."""
    first = await started(postgresql)
    await until(lambda: first.leads)
    second = await started(postgresql)
    follower = Follower(second)
    first._sequencer._stopping.set()  # it never asks again
    postgresql.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE application_name = 'ordercast sequencer' AND datname = '{postgresql.name}'"
        " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
    )
    await asyncio.to_thread(postgresql.execute, PLACED.format("ord_1"))
    await follower.hears_rows(1)
    assert second.leads
    assert not first.leads
    for store in (first, second):
        await store.close()


async def test_a_feed_that_nobody_numbers_is_a_fault(store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.tailer.RECOGNISE_EVERY_S", 0.1)
    monkeypatch.setattr("ordercast.db.postgresql.store.LAG_S_MAX", 60)
    await until(lambda: store.leads)
    await asyncio.to_thread(store._sequencer.stop)
    await place_one(store)
    assert await store.faults() == []  # it may come any moment
    monkeypatch.setattr("ordercast.db.postgresql.store.LAG_S_MAX", 0.5)
    async with asyncio.timeout(60):
        # On a busy machine a look of its own may be late as well, and is then a fault beside it.
        while "numbered" not in " ".join(faults := await store.faults()):  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.05)
    assert ["numbered" in fault for fault in faults if "seen" not in fault] == [True]


async def test_a_row_that_commits_late_comes_later_and_is_not_missed(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    """The trap of every cursor over a sequence: the earlier number becomes visible after the later one."""
    follower = Follower(store)
    with postgresql.connect() as slow, postgresql.connect() as quick:
        slow.execute(PLACED.format("ord_slow").encode())
        quick.execute(PLACED.format("ord_quick").encode())
        quick.commit()
        await follower.hears_rows(1)
        slow.commit()
    await follower.hears_rows(2)
    assert ids(follower.heard) == ["ord_quick", "ord_slow"]
    assert [change.seq for change in follower.heard] == [1, 2]


# --- A server that goes -----------------------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that a test may kill."""
    with running_postgres() as server:
        yield server


async def test_a_server_that_is_killed_and_comes_back_has_lost_nothing_and_nothing_is_told_twice(
    own_server: Postgres,
) -> None:
    template = own_server.new_database()
    PostgresqlStore(own_server.url(template)).migrate()
    shop = PostgresqlShop(own_server, template)
    store = await started(shop)
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    follower = Follower(store)
    confirmed: set[str] = set()

    stopping = asyncio.Event()

    async def buy() -> None:
        while not stopping.is_set():
            try:
                confirmed.add((await place_one(store)).id)
            except StoreError:
                await asyncio.sleep(0.02)

    buyers = [asyncio.create_task(buy()) for _ in range(4)]
    for _ in range(3):
        enough = len(confirmed) + 20
        await until(lambda enough=enough: len(confirmed) >= enough)  # type: ignore[misc]
        await asyncio.to_thread(own_server.kill)
        with pytest.raises(StoreUnavailable):
            await store.read(lambda transaction: transaction.one("SELECT 1"))
        await asyncio.to_thread(own_server.start)
    enough = len(confirmed) + 20
    await until(lambda: len(confirmed) >= enough)
    stopping.set()
    await asyncio.gather(*buyers)

    committed = {order_id for (order_id,) in shop.ask("SELECT id FROM orders")}
    await follower.hears(lambda heard: committed <= set(ids(heard)))
    heard = ids(follower.heard)
    assert len(heard) == len(set(heard))
    assert confirmed <= committed == set(heard)
    await store.close()


async def test_connections_that_are_ended_by_an_operator_are_opened_again(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    follower = Follower(store)
    for _ in range(3):
        postgresql.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name LIKE 'ordercast %' AND datname = '{postgresql.name}'"
        )
        order = await place_one(store)  # on a new connection: nothing of it was committed on the former
        await move(store, order.id, "processing")
        assert await store.read(lambda transaction: transaction.one("SELECT 1")) == (1,)
    await follower.hears_rows(6)
    await until(lambda: store.leads)
    assert await store.faults() == []


async def test_a_node_that_is_cut_off_amid_a_change_leaves_nothing_locked(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    """The server hears nothing of it: for two hours of TCP's, it would hold what the change has locked."""
    order = await place_one(store)
    with CuttingProxy(postgresql.server.port) as way:
        cut_off = PostgresqlStore(postgresql.server.url(postgresql.name, port=way.port))
        await cut_off.start()

        def unit(transaction: Transaction) -> None:
            transaction.run(f"UPDATE orders SET customer_name = 'Asha' WHERE id = '{order.id}'")
            way.blackhole()  # so that the commit does not slip through
            way.abandon()

        with way.outage(), pytest.raises(OutcomeUnknown):
            await cut_off.write(unit)
        async with asyncio.timeout(IDLE_IN_TRANSACTION_MS_MAX / 1000 + 60):
            await move(store, order.id, "processing")
        await cut_off.close()


async def test_two_units_that_wait_for_each_other_are_both_done(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    """A deadlock with another program: the group that the server picks is run again."""
    one, two = await place_one(store), await place_one(store)
    other = postgresql.connect()
    other.execute(f"UPDATE orders SET status = 'processing' WHERE id = '{two.id}'".encode())

    first = asyncio.create_task(_move_both(store, one.id, two.id))
    await asyncio.sleep(0.3)
    try:
        await asyncio.to_thread(
            other.execute, f"UPDATE orders SET status = 'processing' WHERE id = '{one.id}'".encode()
        )
        other.commit()
    except psycopg.errors.DeadlockDetected:
        other.rollback()
    other.close()
    await first
    rows = postgresql.ask("SELECT DISTINCT status FROM orders")
    assert rows == [("on_hold",)]


async def _move_both(store: PostgresqlStore, *order_ids: str) -> None:
    def unit(transaction: object) -> None:
        for order_id in order_ids:
            transaction.run(  # type: ignore[attr-defined]
                f"UPDATE orders SET held_from = status, status = 'on_hold' WHERE id = '{order_id}'"
            )

    await store.write(unit)


async def test_a_change_that_cannot_be_committed_is_told_so(own_server: Postgres) -> None:
    template = own_server.new_database()
    PostgresqlStore(own_server.url(template)).migrate()
    store = PostgresqlStore(own_server.url(template))
    await store.start()
    await asyncio.to_thread(own_server.kill)
    with pytest.raises(NotCommitted):
        await place_one(store)
    faults: list[str] = []
    with pytest.raises(StoreUnavailable):
        faults = await store.faults()
    assert faults == []
    await store.close()


# --- A database that is restored --------------------------------------------------------------------------------------


async def test_a_database_copied_or_read_in_from_a_dump_is_another_history(
    postgresql: PostgresqlShop, postgres_server: Postgres
) -> None:
    store = await started(postgresql)
    await store.close()
    copy = PostgresqlShop(postgres_server, postgresql.name)
    copied = await started(copy)
    again = await started(copy)
    assert copied.epoch != store.epoch
    assert again.epoch == copied.epoch
    for each in (copied, again):
        await each.close()
    copy.drop()


async def test_a_feed_that_has_gone_back_begins_a_new_epoch_while_the_node_runs(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    follower = Follower(store)
    for _ in range(3):
        await place_one(store)
    await follower.hears_rows(3)
    before = store.epoch
    postgresql.execute("DELETE FROM feed WHERE seq > 1")  # as a restored copy would look
    await until(lambda: store.epoch != before)
    assert store.last_seq == 1
    assert store.changes(1, 10) == []


async def test_a_server_that_answers_nothing_any_more_keeps_nobody_waiting(
    own_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.store.ANSWER_S_MAX", 0.5)
    monkeypatch.setattr("ordercast.db.postgresql.connection.CONNECT_S_MAX", 1)
    template = own_server.new_database()
    PostgresqlStore(own_server.url(template)).migrate()
    shop = PostgresqlShop(own_server, template)
    store = await started(shop)
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    await store.read(lambda transaction: transaction.one("SELECT 1"))
    follower = Follower(store)
    with own_server.stopped():
        async with asyncio.timeout(60):
            placing = asyncio.create_task(place_one(store))
            with pytest.raises(StoreUnavailable):
                await store.read(lambda transaction: transaction.one("SELECT 1"))
            with pytest.raises(StoreError):
                await placing
    order = await place_one(store)
    await follower.hears(lambda heard: order.id in ids(heard))
    await store.close()


async def test_an_operator_begins_a_new_epoch_and_running_nodes_notice(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    beside = PostgresqlStore(postgresql.url, may_lead=False)
    await beside.start()
    epoch = await beside.write(begin_epoch)
    await until(lambda: store.epoch == epoch)
    assert not beside.leads
    await beside.close()


# --- What a review found ----------------------------------------------------------------------------------------------


async def test_a_number_is_never_given_out_again_though_the_rows_are_deleted(postgresql: PostgresqlShop) -> None:
    store = await started(postgresql)
    follower = Follower(store)
    await asyncio.to_thread(postgresql.execute, *(PLACED.format(f"ord_{number}") for number in range(3)))
    await follower.hears_rows(3)
    await store.close()
    postgresql.execute("DELETE FROM feed")
    again = await started(postgresql)
    follower = Follower(again)
    await asyncio.to_thread(postgresql.execute, PLACED.format("ord_3"))
    assert [change.seq for change in await follower.hears_rows(1)] == [4]
    await again.close()


async def test_a_person_who_forgot_to_commit_holds_up_nobody_but_whom_it_concerns(
    store: PostgresqlStore, postgresql: PostgresqlShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.connection.LOCKED_MS_MAX", 200)
    node = await started(postgresql)
    held, free = await place_one(store), await place_one(store)
    other = postgresql.connect()
    other.execute(f"UPDATE orders SET status = 'processing' WHERE id = '{held.id}'".encode())
    outcomes = await asyncio.gather(
        move(node, held.id, "rejected"), move(node, free.id, "rejected"), return_exceptions=True
    )
    assert isinstance(outcomes[0], NotCommitted)
    assert not isinstance(outcomes[1], BaseException)
    other.commit()
    other.close()
    await node.close()


@pytest.mark.parametrize("beside", [0, 2])
async def test_a_unit_that_goes_on_after_a_refusal_is_told_that_nothing_was_kept(
    store: PostgresqlStore, postgresql: PostgresqlShop, beside: int
) -> None:
    """The transaction is over with the refusal, whatever the unit makes of it; those beside it are kept."""

    def goes_on(transaction: Transaction) -> str:
        try:
            transaction.run("INSERT INTO meta (name, value) VALUES ('epoch', 'twice')")
        except transaction.refusals:
            return "done"
        return "not refused"

    def adds(name: str) -> Callable[[Transaction], int]:
        return lambda transaction: transaction.run(f"INSERT INTO meta (name, value) VALUES ('{name}', 'x')")

    async with busy_writer(store):
        waiting = [asyncio.create_task(store.write(adds(f"n{number}"))) for number in range(beside)]
        wrong = asyncio.create_task(store.write(goes_on))
    outcomes = await asyncio.gather(*waiting, wrong, return_exceptions=True)
    assert outcomes[:-1] == [1] * beside
    assert isinstance(outcomes[-1], NotCommitted)
    assert postgresql.ask("SELECT count(*) FROM meta WHERE name LIKE 'n_'") == [(beside,)]


async def test_those_who_wait_while_the_server_is_away_are_told_at_once(own_server: Postgres) -> None:
    template = own_server.new_database()
    PostgresqlStore(own_server.url(template)).migrate()
    store = PostgresqlStore(own_server.url(template))
    await store.start()
    gate = threading.Event()
    blocked = asyncio.create_task(store.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(place_one(store)) for _ in range(600)]
    await asyncio.sleep(0)
    await asyncio.to_thread(own_server.kill)
    gate.set()
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(blocked, *waiting, return_exceptions=True)
    assert all(isinstance(outcome, StoreError) for outcome in outcomes)
    await store.close()


async def test_whoever_follows_or_numbers_the_feed_hangs_up_on_a_server_that_swallows(
    store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.store.FOLLOWER_ANSWER_S_MAX", 0.3)
    await until(lambda: store.leads)
    follower = Follower(store)
    former = {id(each._connection) for each in (store._sequencer, store._tailer)}
    for each in (store._sequencer, store._tailer):
        each._asked_at = time.monotonic() - 1  # an answer that does not come
        each.cancel_if_stuck(0.3)
    await until(
        lambda: store.leads and not former & {id(each._connection) for each in (store._sequencer, store._tailer)}
    )
    order = await place_one(store)
    await follower.hears(lambda heard: order.id in ids(heard))


async def test_a_node_that_starts_on_a_short_feed_has_all_of_it(postgresql: PostgresqlShop) -> None:
    first = await started(postgresql)
    follower = Follower(first)
    await asyncio.to_thread(postgresql.execute, *(PLACED.format(f"ord_{number}") for number in range(8)))
    await follower.hears_rows(8)
    await first.prune(feed_rows_max=3, sessions_age_s_max=60, now="2026-11-21T06:15:19.608Z")
    late = await started(postgresql)
    assert [change.seq for change in late.changes(0, 100)] == [6, 7, 8]
    for each in (first, late):
        await each.close()


async def test_a_number_that_was_taken_by_hand_costs_no_order(
    store: PostgresqlStore, postgresql: PostgresqlShop
) -> None:
    first = await place_one(store)
    ((number,),) = postgresql.ask(f"SELECT number FROM orders WHERE id = '{first.id}'")
    await asyncio.to_thread(
        postgresql.execute, *(f"INSERT INTO orders (number, id) VALUES ({number + n}, 'ord_{n}')" for n in (1, 2, 4))
    )

    placed = await asyncio.gather(*(place_one(store) for _ in range(3)))

    given = postgresql.ask("SELECT id FROM orders")
    assert {id_ for (id_,) in given} == {first.id, "ord_1", "ord_2", "ord_4", *(order.id for order in placed)}
