"""What every store promises, whichever database it stands on."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from typing import Any

import msgspec
import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.deliveries import DeliveryRules
from ordercast.commerce.errors import LastAdmin, NoDriverFree, PromotionRefused, ShopError, StaleVersion
from ordercast.commerce.orders import Order
from ordercast.commerce.people import Role
from ordercast.db import Change, SessionRow, StoreClosed, StoreUnavailable, Transaction, accounts, products
from ordercast.db.accounts import Account
from ordercast.db.drivers import set_duty
from ordercast.db.idempotency import RequestKey
from ordercast.db.orders import assign_driver, change_status, page
from ordercast.db.orders.placing import Placing
from ordercast.db.privacy import erase, find_copies
from ordercast.db.seed import CHANCE_BYTES, DEMO_PEOPLE, seed_demo
from tests.chance import chance_of

from .shop import STORE, ask, busy_writer, move, new_order, now, place_one
from .shops import AnyStore, ShopDatabase
from .test_placing import make_promotions

PLACED = "INSERT INTO orders (id, customer_name, total) VALUES ('{0}', 'x', 1)"


@pytest.fixture
async def store(database: ShopDatabase) -> AsyncIterator[AnyStore]:
    """A running store with the demo's catalogue and no people."""
    store = database.store()
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    yield store
    await store.close()


@pytest.fixture
async def other(database: ShopDatabase, store: AnyStore) -> AsyncIterator[AnyStore]:
    """Another node's store on the same database."""
    del store  # which was started first
    other = database.store()
    await other.start()
    yield other
    await other.close()


class Follower:
    """Reads a store's feed as the relay does, and keeps all of it."""

    def __init__(self, store: AnyStore) -> None:
        self.heard: list[Change] = []
        self._store = store
        self._position = store.last_seq
        store.watch(self._pull)
        self._pull()

    def _pull(self) -> None:
        while rows := self._store.changes(self._position, 16):
            self.heard += rows
            self._position = rows[-1].seq

    async def hears(self, found: Callable[[list[Change]], bool], timeout_s: float = 60.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not found(self.heard):  # noqa: ASYNC110 - other programs set no event
                await asyncio.sleep(0.005)

    async def hears_rows(self, count: int, timeout_s: float = 60.0) -> list[Change]:
        await self.hears(lambda heard: len(heard) >= count, timeout_s)
        return self.heard


def ids(changes: list[Change], kind: str = "order.placed") -> list[str]:
    return [change.entity_id for change in changes if change.kind == kind]


# --- The feed ---------------------------------------------------------------------------------------------------------


async def test_what_we_commit_is_heard_with_the_order_as_it_was(store: AnyStore) -> None:
    follower = Follower(store)
    order = await place_one(store)
    await move(store, order.id, "processing")
    placed, changed = await follower.hears_rows(2)
    assert [placed.kind, changed.kind] == ["order.placed", "order.status_changed"]
    assert (placed.before, msgspec.json.decode(placed.after or b"")["status"]) == (None, "pending")
    assert msgspec.json.decode(changed.before or b"")["status"] == "pending"
    assert msgspec.json.decode(changed.after or b"")["status"] == "processing"
    assert (changed.actor, changed.reason, changed.version) == ("store:usr_1", "because", 2)


async def test_what_another_program_commits_is_heard_under_its_name(store: AnyStore, database: ShopDatabase) -> None:
    follower = Follower(store)
    await asyncio.to_thread(database.execute, PLACED.format("ord_1"))
    await asyncio.to_thread(database.execute, "UPDATE orders SET status = 'cancelled' WHERE id = 'ord_1'")
    placed, changed = (await follower.hears_rows(2))[:2]
    assert (placed.actor, changed.actor) == (database.external_actor, database.external_actor)
    rows = await ask(store, "SELECT actor, version FROM order_history WHERE order_id = 'ord_1' ORDER BY entry")
    assert rows == [(database.external_actor, 1), (database.external_actor, 2)]


async def test_what_rolled_back_is_never_heard(store: AnyStore, database: ShopDatabase) -> None:
    follower = Follower(store)

    def fails(transaction: Transaction) -> None:
        transaction.run(PLACED.format("ord_lost"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.write(fails)
    with closing(database.connect()) as other:
        other.execute(PLACED.format("ord_lost_too"))
        other.rollback()
    await asyncio.to_thread(database.execute, PLACED.format("ord_kept"))
    await follower.hears_rows(1)
    assert ids(follower.heard) == ["ord_kept"]


async def test_transactions_that_overlap_and_commit_in_any_order_are_heard_once_and_each_order_in_its_own(
    store: AnyStore, database: ShopDatabase
) -> None:
    """Eight other programs, our own units and rollbacks, at once; every order is changed several times."""
    follower = Follower(store)
    kept = [f"ord_{writer}_{number}" for writer in range(8) for number in range(6)]
    outside = [asyncio.to_thread(_write_slowly, database, writer) for writer in range(8)]
    writing = asyncio.gather(*outside)
    placed = await asyncio.gather(*(place_one(store) for _ in range(60)))
    await writing

    await asyncio.to_thread(database.execute, PLACED.format("ord_last"))
    await follower.hears(lambda heard: "ord_last" in ids(heard))
    await follower.hears(lambda heard: len(ids(heard)) == len(kept) + len(placed) + 1)
    heard = ids(follower.heard)
    assert len(heard) == len(set(heard))
    assert {*kept, *(order.id for order in placed)} < set(heard)
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for change in follower.heard:
        versions[change.entity_id].append(change.version)
    assert all(versions[order_id] == [1, 2, 3] for order_id in kept)
    numbers = [change.seq for change in follower.heard]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _write_slowly(database: ShopDatabase, writer: int) -> None:
    chance = chance_of(f"writer {writer}")
    with closing(database.connect()) as other:
        for number in range(6):
            order_id = f"ord_{writer}_{number}"
            other.execute(PLACED.format(order_id))
            time.sleep(chance.random() * 0.02)
            other.commit()
            other.execute(PLACED.format(f"{order_id}_lost"))
            other.rollback()
            other.execute(f"UPDATE orders SET status = 'on_hold', held_from = status WHERE id = '{order_id}'")
            time.sleep(chance.random() * 0.02)
            other.execute(f"UPDATE orders SET status = 'pending', held_from = NULL WHERE id = '{order_id}'")
            other.commit()


async def test_a_second_node_hears_the_same_rows_under_the_same_numbers(store: AnyStore, other: AnyStore) -> None:
    here, there = Follower(store), Follower(other)
    await asyncio.gather(*(place_one(each) for each in (store, other) for _ in range(20)))
    assert await here.hears_rows(40) == await there.hears_rows(40)
    assert other.epoch == store.epoch


async def test_who_starts_later_has_the_newest_rows_and_finds_older_ones(
    store: AnyStore, database: ShopDatabase
) -> None:
    follower = Follower(store)
    for _ in range(5):
        await place_one(store)
    heard = await follower.hears_rows(5)
    late = database.store()
    await late.start()
    assert late.last_seq == heard[-1].seq
    assert late.changes(heard[0].seq, 10) == heard[1:]
    assert late.changes(heard[2].seq, 10) == heard[3:]
    assert await late.older(heard[0].seq - 1, 3) == heard[:3]
    assert await late.has(heard[-1].seq)
    assert not await late.has(heard[-1].seq + 1)
    await late.close()


async def test_pruning_keeps_the_newest_and_never_gives_a_number_again(store: AnyStore) -> None:
    follower = Follower(store)
    for _ in range(5):
        await place_one(store)
    await follower.hears_rows(5)
    first = follower.heard[0].seq
    await store.prune(feed_rows_max=2, sessions_age_s_max=60, now="2026-11-21T06:15:19.608Z")
    rows = await store.older(0, 10)
    assert [row.seq for row in rows] == [first + 3, first + 4]
    assert store.first_seq == first + 3
    await store.prune(feed_rows_max=0, sessions_age_s_max=60, now="2026-11-21T06:15:19.608Z")
    await place_one(store)
    assert (await follower.hears_rows(6))[-1].seq == first + 5


# --- Units of work ----------------------------------------------------------------------------------------------------


async def test_two_nodes_together_sell_no_more_than_there_is(store: AnyStore, other: AnyStore) -> None:
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 10 WHERE slug = 'samosa'"))
    ((samosa,),) = await ask(store, "SELECT id FROM products WHERE slug = 'samosa'")
    cart = [{"productId": samosa, "quantity": 1}]

    async def buy(node: AnyStore) -> bool:
        try:
            await place_one(node, cartItems=cart)
        except ShopError:
            return False
        return True

    bought = await asyncio.gather(*(buy(node) for node in (store, other) for _ in range(32)))
    assert sum(bought) == 10
    assert await ask(store, "SELECT stock, sold FROM products WHERE slug = 'samosa'") == [(0, 10)]


async def test_a_request_repeated_on_another_node_meanwhile_is_done_once(store: AnyStore, other: AnyStore) -> None:
    for attempt in range(10):
        key = RequestKey("customer:1", f"key-{attempt}", b"same")
        orders = [Placing(new_order(), key) for _ in range(4)]
        nodes = (store, other, store, other)
        outcomes = await asyncio.gather(*(node.write(order) for node, order in zip(nodes, orders, strict=True)))
        assert len({outcome.answer for outcome in outcomes}) == 1
    assert await ask(store, "SELECT count(*) FROM orders") == [(10,)]


async def test_of_two_clerks_on_two_nodes_one_hears_that_the_other_was_first(store: AnyStore, other: AnyStore) -> None:
    async def accept(node: AnyStore, order_id: str, status: str) -> str:
        try:
            await node.write(
                lambda transaction: change_status(
                    transaction, order_id, status, STORE, reason="because", expected_version=1, now=now()
                )
            )
        except StaleVersion:
            return "stale"
        return status

    for _ in range(10):
        order = await place_one(store)
        outcomes = await asyncio.gather(accept(store, order.id, "processing"), accept(other, order.id, "rejected"))
        assert outcomes.count("stale") == 1
        ((status, version),) = await ask(store, f"SELECT status, version FROM orders WHERE id = '{order.id}'")
        assert (status, version) == (next(each for each in outcomes if each != "stale"), 2)


async def test_guests_of_one_address_on_two_nodes_are_as_many_customers(store: AnyStore, other: AnyStore) -> None:
    placed = await asyncio.gather(*(place_one(node) for node in (store, other) for _ in range(8)))
    assert len({order.customer_id for order in placed}) == 16


async def test_a_code_that_holds_three_times_is_used_three_times_on_two_nodes(store: AnyStore, other: AnyStore) -> None:
    await store.write(make_promotions)

    async def buy(node: AnyStore, email: str) -> bool:
        customer = {"name": "Asha Rahman", "email": email, "mobile": "+8801700000000"}
        try:
            await place_one(node, customerInfo=customer, promoCode="THRICE")
        except PromotionRefused:
            return False
        return True

    emails = [f"asha{number}@example.com" for number in range(6)]
    used = await asyncio.gather(*(buy(node, email) for email in emails for node in (store, other)))
    assert sum(used) == 3
    assert await ask(store, "SELECT uses FROM promotions WHERE code = 'THRICE'") == [(3,)]


async def test_two_nodes_give_no_free_driver_two_orders(store: AnyStore, other: AnyStore) -> None:
    drivers = [Account(f"drv_{n}", f"driver{n}@example.com", "Rafi", Role.DRIVER, "hash") for n in range(3)]
    for driver in drivers:
        await store.write(partial(accounts.add, account=driver, now=now()))
        await store.write(partial(set_duty, driver_id=driver.id, on_duty=True, now=now()))

    async def assign(node: AnyStore, order_id: str) -> str | None:
        try:
            document = await node.write(
                lambda transaction: assign_driver(
                    transaction, order_id, None, STORE, expected_version=3, now=now(), rules=DeliveryRules()
                )
            )
        except NoDriverFree:
            return None
        return msgspec.json.decode(document, type=Order).driver_id

    orders = [await place_one(store) for _ in range(6)]
    for order in orders:
        for status in ("processing", "ready_for_delivery"):
            await move(store, order.id, status)
    nodes = itertools.cycle((store, other))
    given = await asyncio.gather(*(assign(node, order.id) for node, order in zip(nodes, orders, strict=False)))
    assert sorted(driver_id or "" for driver_id in given) == ["", "", "", "drv_0", "drv_1", "drv_2"]


async def test_two_nodes_that_seed_at_once_know_one_password(store: AnyStore, other: AnyStore) -> None:
    seeding = (
        seed_demo(node, "a password", mark="m", now_ms=1_795_241_719_608, random_bytes=bytes(range(CHANCE_BYTES)))
        for node in (store, other)
    )
    for emails in await asyncio.gather(*seeding):
        assert emails == [person.email for person in DEMO_PEOPLE]
    assert await ask(store, "SELECT count(*), count(DISTINCT password_hash) FROM accounts") == [(len(DEMO_PEOPLE), 1)]


async def test_who_is_erased_is_named_nowhere_in_the_feed(store: AnyStore) -> None:
    order = await place_one(store)
    assert order.customer_id is not None
    await move(store, order.id, "cancelled")
    copies = await store.read(partial(find_copies, customer_id=order.customer_id, now=now()))
    await store.write(
        partial(erase, erasure_id="era_1", customer_id=order.customer_id, copies=copies, actor=STORE, now=now())
    )
    documents = await ask(store, "SELECT coalesce(before, '') || coalesce(after, '') FROM feed")
    assert any(order.id in document for (document,) in documents)
    assert not [document for (document,) in documents if "Asha" in document]


async def test_units_that_wait_together_are_told_apart_by_their_outcomes(store: AnyStore) -> None:
    def adds(name: str) -> Callable[[Transaction], int]:
        return lambda transaction: transaction.run("INSERT INTO meta (name, value) VALUES ('" + name + "', 'x')")

    async with busy_writer(store):
        waiting = [asyncio.create_task(store.write(adds(name))) for name in ("one", "one", "two")]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(outcomes[1], Exception)
    assert "unique" in str(outcomes[1]).lower()
    assert outcomes[0] == outcomes[2] == 1


async def test_a_read_sees_one_moment_however_long_it_looks(store: AnyStore, database: ShopDatabase) -> None:
    def query(transaction: Transaction) -> tuple[Any, Any]:
        first = transaction.one("SELECT count(*) FROM orders")
        database.execute(PLACED.format("ord_meanwhile"))
        return first, transaction.one("SELECT count(*) FROM orders")

    assert await store.read(query) == ((0,), (0,))


async def test_a_read_cannot_write(store: AnyStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"read-?only"):
        await store.read(lambda transaction: transaction.run("DELETE FROM meta"))


async def test_a_list_answers_the_position_from_which_the_stream_goes_on(store: AnyStore) -> None:
    follower = Follower(store)
    order = await place_one(store)
    await follower.hears_rows(1)
    rows, seq = await store.read(lambda transaction: page(transaction, STORE, cursor=1 << 60, limit=10, statuses=None))
    assert [msgspec.json.decode(document or "")["id"] for _, document in rows] == [order.id]
    assert seq == follower.heard[-1].seq


async def test_a_session_is_kept_replaced_and_forgotten(store: AnyStore) -> None:
    session = SessionRow("p1", "s1", "/", b'{"role":"store"}', ("store-owners", "user_1"), "2026-11-21T06:15:19.608Z")
    assert await store.load_session("p1") is None
    await store.save_session(session)
    assert await store.load_session("p1") == session
    again = SessionRow("p1", "s2", "/", b"{}", (), "2026-11-21T06:16:00.000Z")
    await store.save_session(again)
    assert await store.load_session("p1") == again
    await store.forget_session("p1")
    assert await store.load_session("p1") is None


async def test_the_epoch_and_the_data_outlive_a_restart(database: ShopDatabase) -> None:
    epochs = []
    for _ in range(2):
        store = database.store()
        await store.start()
        epochs.append(store.epoch)
        await store.close()
        await store.close()  # twice does no harm
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == 16
    with pytest.raises(StoreClosed):
        await store.write(lambda _: None)
    with pytest.raises(StoreClosed):
        await store.read(lambda _: None)


async def test_a_store_in_order_has_no_faults(store: AnyStore) -> None:
    assert await store.faults() == []


async def test_a_trigger_that_is_missing_is_a_fault(store: AnyStore, database: ShopDatabase) -> None:
    where = " ON orders" if database.external_actor != "db:external" else ""
    await asyncio.to_thread(database.execute, f"DROP TRIGGER orders_changed{where}")
    (fault,) = await store.faults()
    assert "orders_changed" in fault


# --- The last admin ---------------------------------------------------------------------------------------------------


async def hire_admins(store: AnyStore, *names: str) -> None:
    def unit(transaction: Transaction) -> None:
        for name in names:
            accounts.add(transaction, Account(name, f"{name}@example.com", name, Role.ADMIN, "hash"), now())

    await store.write(unit)


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.STORE}], ids=["closed", "demoted"])
@pytest.mark.parametrize("others", [1, 2])
async def test_admins_who_send_each_other_away_at_once_leave_one(
    store: AnyStore, other: AnyStore, change: dict[str, Any], others: int
) -> None:
    names = [f"usr_{number}" for number in range(1 + others)]
    await hire_admins(store, *names)

    async def send_away(node: AnyStore, name: str) -> str:
        wanted = {"name": None, "role": None, "active": None, **change}
        try:
            await node.write(lambda transaction: accounts.change(transaction, name, **wanted))
        except LastAdmin:
            return "last"
        return "gone"

    nodes = itertools.cycle((store, other))
    outcomes = await asyncio.gather(*(send_away(node, name) for node, name in zip(nodes, names, strict=False)))
    assert sorted(outcomes) == ["gone"] * others + ["last"]
    left = "SELECT count(*) FROM accounts WHERE role = 'admin' AND active = 1"
    assert await ask(store, left) == [(1,)]


@pytest.mark.parametrize("deed", ["UPDATE accounts SET active = 0", "DELETE FROM accounts WHERE role = 'admin'"])
async def test_no_program_sends_the_last_admin_away(store: AnyStore, deed: str) -> None:
    await hire_admins(store, "usr_1", "usr_2")
    with pytest.raises(Exception, match="last_admin: somebody stays who may make accounts"):
        await store.write(lambda transaction: transaction.run(deed))
    left = "SELECT count(*) FROM accounts WHERE role = 'admin' AND active = 1"
    assert await ask(store, left) == [(2,)]
