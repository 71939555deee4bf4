"""Another program holds what the shop writes to: who comes is let in and served all the same."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from tests.waiting import eventually

from .cutting_proxy import CuttingProxy
from .listener import Listener
from .nodes import site_of
from .shop import Shop

if TYPE_CHECKING:
    from tests.postgres import Postgres

pytestmark = pytest.mark.node

Listen = Callable[..., Listener]


@contextmanager
def file_held(shop: Shop) -> Iterator[None]:
    with closing(sqlite3.connect(shop.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")


def acks(listener: Listener, event: str) -> list[list[object]]:
    return [entry["args"] for entry in listener.of_kind("ack") if entry["event"] == event]


def ask(listener: Listener, event: str, *args: object) -> list[object]:
    """Emit, and wait for the ack."""
    count = len(acks(listener, event))
    listener.emit(event, *args)
    listener.wait_for(lambda listener: len(acks(listener, event)) > count)
    return acks(listener, event)[-1]


def is_served(listener: Listener, shop: Shop, order_id: str) -> None:
    """It is in, and has all that needs no write."""
    listener.wait_for_connection()
    assert "hello" in ask(listener, "echo", "hello")
    assert order_id in str(ask(listener, "watch_order", {"orderId": order_id}))
    ask(listener, "unwatch_order", {"orderId": order_id})
    answer = httpx.get(f"{shop.url}/api/orders", headers={"authorization": f"Bearer {shop.token()}"})
    assert answer.raise_for_status().json()["items"][0]["id"] == order_id


def test_who_comes_while_another_program_holds_the_file_is_let_in_and_served(shop: Shop, listen: Listen) -> None:
    order = shop.place()
    auth = {"token": shop.token()}
    with CuttingProxy(shop.port) as proxy:
        returning = listen(
            f"http://127.0.0.1:{proxy.port}", auth=auth, script="returning.mjs", transports=["websocket"]
        )
        returning.wait_for_event("ready")
        with file_held(shop):
            coming = listen(shop.url, auth=auth, script="returning.mjs")
            is_served(coming, shop, order["id"])
            proxy.cut()
            assert returning.wait_for_connection(2)["recovered"]
            is_served(returning, shop, order["id"])
            assert not coming.of_kind("disconnect")
        placed = shop.place()
        for listener in (coming, returning):
            listener.wait_for(
                lambda listener: placed["id"] in [each["payload"] for each in listener.events("newOrder")]
            )


def test_where_a_driver_is_is_told_while_another_program_holds_the_file(shop: Shop, listen: Listen) -> None:
    order, driver = shop.place(), shop.login("driver@example.com")
    for status in ("processing", "ready_for_delivery"):
        order = shop.move(order, status, shop.token()).raise_for_status().json()
    drivers = httpx.get(f"{shop.url}/api/drivers", headers={"authorization": f"Bearer {shop.token()}"}).json()["items"]
    taking = {"driverId": drivers[0]["id"], "version": order["version"]}
    headers = {"authorization": f"Bearer {shop.token()}"}
    answer = httpx.post(f"{shop.url}/api/orders/{order['id']}/driver", json=taking, headers=headers)
    shop.move(answer.raise_for_status().json(), "picked_up", driver).raise_for_status()
    staff = listen(shop.url, auth={"token": shop.token()})
    staff.wait_for_event("ready")
    with file_held(shop):
        rider = listen(shop.url, auth={"token": driver})
        ask(rider, "driver_location", {"lat": 23.01, "lng": 90.4})
        staff.wait_for(lambda listener: [each for each in listener.events("delivery_update") if "23.01" in str(each)])


def test_a_session_that_could_not_be_saved_is_saved_when_the_file_is_free_and_outlives_the_process(
    shop: Shop, listen: Listen
) -> None:
    with file_held(shop):
        client = listen(shop.url, auth={"token": shop.token()}, script="returning.mjs")
        pid = client.wait_for_connection()["pid"]
        client.wait_for_event("ready")
    with closing(sqlite3.connect(shop.database)) as other:
        eventually(lambda: other.execute("SELECT 1 FROM sessions WHERE pid = ?", (pid,)).fetchone())
    shop.kill()
    shop.start()
    assert client.wait_for_connection(2)["recovered"]


def test_who_was_let_in_by_a_killed_process_that_could_not_save_it_misses_nothing(shop: Shop, listen: Listen) -> None:
    with file_held(shop):
        client = listen(shop.url, auth={"token": shop.token()}, script="returning.mjs")
        client.wait_for_event("ready")
        shop.kill()
    shop.start()
    assert not client.wait_for_connection(2)["recovered"]
    placed = shop.place()
    client.wait_for(lambda listener: placed["id"] in [each["payload"] for each in listener.events("newOrder")])


@pytest.mark.parametrize("table", ["sessions", "products"])
def test_who_comes_while_a_table_is_locked_on_postgresql_is_let_in_and_served(
    tmp_path: Path, postgres_server: Postgres, demo_template: str, listen: Listen, table: str
) -> None:
    with site_of(tmp_path, postgres_server, demo_template, "one") as site:
        shop = site.nodes[0].shop
        order = shop.place()
        with psycopg.connect(postgres_server.url(site.database)) as other:
            other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            client = listen(shop.url, auth={"token": shop.token()}, script="returning.mjs")
            is_served(client, shop, order["id"])
            other.rollback()
        assert not client.of_kind("disconnect")


def test_a_database_that_is_away_costs_nobody_the_connection_and_keeps_nobody_out(
    tmp_path: Path, postgres_server: Postgres, demo_template: str, listen: Listen
) -> None:
    with site_of(tmp_path, postgres_server, demo_template, "one") as site:
        node = site.nodes[0]
        auth = {"token": node.shop.token()}
        here = listen(node.url, auth=auth, script="returning.mjs")
        here.wait_for_event("ready")
        with node.to_postgres.outage():
            node.to_postgres.cut()
            coming = listen(node.url, auth=auth, script="returning.mjs")
            for listener in (coming, here):
                listener.wait_for_connection()
                assert "hello" in ask(listener, "echo", "hello")
        placed = eventually(lambda: place(node.shop))
        for listener in (coming, here):
            listener.wait_for(
                lambda listener: placed["id"] in [each["payload"] for each in listener.events("newOrder")]
            )
            assert not listener.of_kind("disconnect")


def place(shop: Shop) -> dict[str, str] | None:
    answer = httpx.post(f"{shop.url}/api/orders", json=shop.order())
    return answer.json() if answer.status_code == 201 else None


def test_an_order_for_what_is_held_is_refused_in_time_and_taken_once_by_its_key(
    tmp_path: Path, postgres_server: Postgres, demo_template: str
) -> None:
    with site_of(tmp_path, postgres_server, demo_template, "one") as site, ThreadPoolExecutor() as pool:
        shop = site.nodes[0].shop
        products = httpx.get(f"{shop.url}/api/products").json()["items"]

        def post(product: int, key: str) -> httpx.Response:
            order = shop.order(cartItems=[{"productId": products[product]["id"], "quantity": 1}])
            order["customerInfo"]["email"] = f"{key}@example.com"
            return httpx.post(f"{shop.url}/api/orders", json=order, headers={"Idempotency-Key": key}, timeout=60)

        with psycopg.connect(postgres_server.url(site.database)) as other:
            update = f"UPDATE products SET price = price + 1 WHERE id = '{products[0]['id']}'"
            other.execute(update.encode())
            waiting = pool.submit(post, 0, "held")
            eventually(lambda: re.search(r"^ordercast_changes_held [1-9]", metrics(shop), re.MULTILINE))
            assert post(0, "held").json()["type"] == "/problems/request-running"
            for number in range(10):
                assert post(1, f"free{number}").status_code == 201
            assert not waiting.done()
            refused = waiting.result()
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/locked-elsewhere")
            assert refused.headers["Retry-After"] == "2"
            assert "locked by another program" in refused.json()["detail"]
            other.rollback()
        first, second = post(0, "held"), post(0, "held")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["id"] == second.json()["id"]


def metrics(shop: Shop) -> str:
    return httpx.get(f"{shop.url}/metrics").text
