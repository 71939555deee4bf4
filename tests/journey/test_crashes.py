"""Promise 1 under disasters of every kind, in random order: no committed change goes unheard, none is heard twice, and
all come in order; what was confirmed was committed. The database says at the end what there was to hear.

A run is made from its seed, though not to the millisecond: ``ORDERCAST_TEST_SEED`` chooses it, and
``ORDERCAST_TEST_CRASHES`` how many disasters there are.
"""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from ordercast.commerce.rooms import STORE_OWNERS, customer_room, order_room, user_room
from tests.chance import SEED
from tests.postgres import Postgres
from tests.valkey import Valkey, running_valkey
from tests.waiting import eventually

from .accounts import Account, Query, Truth
from .cutting_proxy import CuttingProxy
from .listener import Listener
from .nodes import Node, Site, site_of
from .shop import Shop
from .trade import OtherProgram, Trade

Listen = Callable[..., Listener]
Disaster = Callable[[], None]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("nodes")]
figures = logging.getLogger("tests.figures")

CRASHES = int(os.environ.get("ORDERCAST_TEST_CRASHES", "6"))
HEARD_S_MAX = 90.0
# Silence is noticed by heartbeats; with those of production a swallowed connection would cost 45 s each time.
HEARTBEAT = {"ORDERCAST_PING_INTERVAL_MS": "2000", "ORDERCAST_PING_TIMEOUT_MS": "2000"}


class Scene:
    """Who is there: the nodes, clients on roads of their own to one of them, and those who trade."""

    def __init__(
        self, shops: Sequence[Shop], connect: Callable[[], OtherProgram], query: Query, chance: random.Random
    ) -> None:
        self.chance = chance
        self.shops = shops
        self.query = query
        self._connect = connect
        self._roads: list[CuttingProxy] = []
        self.accounts: list[Account] = []
        ((self.customer,),) = query("SELECT id FROM customers WHERE email = 'customer@example.com'")

    @contextmanager
    def open(self, listen: Listen) -> Iterator[None]:
        """With clients listening and everybody trading; then all is settled."""
        with ExitStack() as roads:
            self._enter(listen, roads)
            trade = self.trade = Trade(self.shops, self.customer, self.watched, self._connect, self.chance)
            try:
                trade.wait_for_more(5)
                yield
                trade.wait_for_more(5)
            finally:
                trade.stop()
            self._settle()

    def _enter(self, listen: Listen, roads: ExitStack) -> None:
        shop = self.shops[0]
        ours = shop.place()
        staff = (shop.token(sub="usr_staff"), [STORE_OWNERS, user_room("usr_staff")])
        buyer = (shop.token("customer", self.customer), [customer_room(self.customer), user_room(self.customer)])
        self.watched = ours["id"]
        guest = (ours["trackingToken"], [order_room(ours["id"])])
        both = ["polling", "websocket"]
        for name, (token, rooms), transports, script in (
            ("staff by WebSocket", staff, ["websocket"], "listener.mjs"),
            ("staff by polling", staff, ["polling"], "listener.mjs"),
            ("staff by an upgrade", staff, both, "listener.mjs"),
            ("staff with python-socketio", staff, ["websocket"], "listener.py"),
            ("customer", buyer, both, "listener.mjs"),
            ("guest", guest, ["websocket"], "listener.mjs"),
        ):
            road = roads.enter_context(CuttingProxy(self.chance.choice(self.shops).port))
            self._roads.append(road)
            client = listen(road.url, auth={"token": token}, transports=transports, script=script)
            self.accounts.append(Account(name, client, rooms, recovers=script == "listener.mjs"))
        for account in self.accounts:
            account.client.wait_for(lambda client: client.events("ready"), HEARD_S_MAX)

    # Disasters that befall any shop

    def kill_node(self) -> None:
        """Started again at once or after a while; meanwhile its clients wait for it, or go to another."""
        shop = self.chance.choice(self.shops)
        shop.kill()
        for road in self._roads:
            if road.server_port == shop.port and self.chance.random() < 0.5:
                road.server_port = self.chance.choice(self.shops).port
        self.pause()
        shop.start()

    def stop_node(self) -> None:
        with self.chance.choice(self.shops).stopped():
            time.sleep(self.chance.uniform(0.5, 3))

    def cut_clients(self) -> None:
        lose = self.chance.choice([CuttingProxy.cut, CuttingProxy.cut, CuttingProxy.abandon, CuttingProxy.blackhole])
        for road in self.chance.sample(self._roads, self.chance.randint(1, len(self._roads))):
            road.server_port = self.chance.choice(self.shops).port
            lose(road)

    def pause(self) -> None:
        time.sleep(self.chance.choice((0, 0, self.chance.uniform(0, 2))))

    # The end

    def _settle(self) -> None:
        truth = eventually(self._truth)
        eventually(lambda: all(account.has_heard(truth) for account in self.accounts), HEARD_S_MAX)
        heard = {account.name: account.settle(truth) for account in self.accounts}
        staff = self.accounts[0]
        _settle_orders(truth, self.trade, staff)
        for account in self.accounts:
            for order_id, versions in account.versions().items():
                assert versions == sorted(versions), f"{account.name}, {order_id}: {versions}"
        assert self.trade.strange == []
        figures.info(
            "%d orders confirmed, %d moves, %d commits by another program, %d rows, heard: %s; "
            "longest answer %.1f s; %d connections, %d under another id",
            len(self.trade.confirmed), self.trade.moves, self.trade.written, len(truth.rows), heard,
            self.trade.longest_s, sum(len(each.client.of_kind("connect")) for each in self.accounts),
            sum(each.strangers for each in self.accounts),
        )  # fmt: skip

    def _truth(self) -> Truth | None:
        """Once all that was committed has its place in the feed."""
        truth = Truth(self.query, self.accounts[0].epoch)
        return None if truth.unnumbered else truth


def _settle_orders(truth: Truth, trade: Trade, staff: Account) -> None:
    """Confirmed, then committed, then heard: judged by the tables of orders, without the feed."""
    bought = Counter(name for name, _ in truth.bought)
    assert [name for name, times in bought.items() if times > 1] == [], "an order was taken twice"
    assert {*trade.confirmed.items()} <= {*truth.bought}, "what was confirmed is not there"
    versions = staff.versions()
    known = {order_id for order_id in truth.versions if order_id in versions}
    assert {order_id for _, order_id in truth.bought} - known == set(), "an order was never heard of"
    for order_id in known:
        assert {*versions[order_id]} == {*range(min(versions[order_id]), truth.versions[order_id] + 1)}


def befall(disasters: Sequence[Disaster], scene: Scene) -> None:
    """One after another, whenever a few more orders were sold."""
    began, befallen = time.monotonic(), Counter[str]()
    for _ in range(CRASHES):
        scene.trade.wait_for_more(scene.chance.randint(1, 6))
        disaster = scene.chance.choice(disasters)
        befallen[getattr(disaster, "__name__", str(disaster))] += 1
        disaster()
    figures.info("seed %s: %s in %.0f s", SEED, dict(befallen), time.monotonic() - began)


# --- One node on SQLite -----------------------------------------------------------------------------------------------


def test_whatever_befalls_a_shop_on_sqlite_each_change_is_heard_once_and_in_order(
    tmp_path: Path, listen: Listen, chance: random.Random
) -> None:
    shop = Shop(tmp_path, HEARTBEAT)
    shop.start()
    try:
        connect = partial(sqlite3.connect, shop.database, isolation_level=None, timeout=60)
        with connect() as stocks:
            stocks.execute("UPDATE products SET stock = 1000000")
        stocks.close()
        scene = Scene([shop], cast(Callable[[], OtherProgram], connect), partial(_ask_sqlite, shop), chance)

        def lock_database() -> None:
            other = connect()
            other.execute("BEGIN IMMEDIATE")
            time.sleep(scene.chance.uniform(0.1, 2))
            other.execute("ROLLBACK")
            other.close()

        with scene.open(listen):
            befall([scene.kill_node, scene.kill_node, scene.stop_node, scene.cut_clients, lock_database], scene)
    finally:
        shop.kill()


def _ask_sqlite(shop: Shop, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(shop.database)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


# --- Two nodes on PostgreSQL and Valkey -------------------------------------------------------------------------------


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


def test_whatever_befalls_two_nodes_on_postgresql_each_change_is_heard_once_and_in_order(
    tmp_path: Path,
    listen: Listen,
    postgres_server: Postgres,
    demo_template: str,
    *,
    valkey: Valkey,
    chance: random.Random,
) -> None:
    with site_of(tmp_path, postgres_server, demo_template, "one", "two", valkey=valkey, environ=HEARTBEAT) as site:
        site.execute("UPDATE products SET stock = 1000000")
        url = postgres_server.url(site.database)
        connect = partial(psycopg.connect, url, autocommit=True, application_name="night-job")
        shops = [node.shop for node in site.nodes]
        scene = Scene(shops, cast(Callable[[], OtherProgram], connect), site.execute, chance)
        losses = Losses(site, valkey, scene)
        with scene.open(listen):
            befall(
                [
                    scene.kill_node, scene.kill_node, scene.stop_node, scene.cut_clients, losses.kill_postgres,
                    losses.stop_postgres, losses.kill_valkey, losses.cut_off_postgres, losses.cut_off_valkey,
                    losses.kill_all,
                ],
                scene,
            )  # fmt: skip


class Losses:
    """What befalls nodes that others serve."""

    def __init__(self, site: Site, valkey: Valkey, scene: Scene) -> None:
        self._site = site
        self._valkey = valkey
        self._scene = scene
        self._chance = scene.chance

    def kill_postgres(self) -> None:
        self._site.postgres.kill()
        self._scene.pause()
        self._site.postgres.start()

    def stop_postgres(self) -> None:
        with self._site.postgres.stopped():
            time.sleep(self._chance.uniform(0.2, 3))

    def kill_valkey(self) -> None:
        self._valkey.kill()
        self._scene.pause()
        self._valkey.start()

    def kill_all(self) -> None:
        """As where a machine's power fails."""
        node = self._some_node()
        self._site.postgres.kill()
        node.shop.kill()
        self._valkey.kill()
        self._scene.pause()
        self._valkey.start()
        self._site.postgres.start()
        node.shop.start()

    def cut_off_postgres(self) -> None:
        self._cut(self._some_node().to_postgres)

    def cut_off_valkey(self) -> None:
        way = self._some_node().to_valkey
        assert way is not None
        self._cut(way)

    def _cut(self, way: CuttingProxy) -> None:
        """Reset on both sides, on the node's alone, or silent until TCP would give it up; and a while without a way."""
        how = self._chance.choice((CuttingProxy.cut, CuttingProxy.abandon, CuttingProxy.blackhole))
        with way.outage():
            how(way)
            if how is CuttingProxy.blackhole:
                time.sleep(self._chance.uniform(0.5, 4))
                way.cut()
            self._scene.pause()

    def _some_node(self) -> Node:
        return self._chance.choice(self._site.nodes)
