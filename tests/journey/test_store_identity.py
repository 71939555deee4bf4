"""A shop whose database file is deleted, put back, or replaced by an older copy while orders come in."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.waiting import eventually

from .listener import Listener
from .shop import Shop

pytestmark = pytest.mark.node

PATIENCE_S = 60.0


def place(shop: Shop, body: dict[str, object]) -> httpx.Response:
    return httpx.post(f"{shop.url}/api/orders", json=body)


def place_until_taken(shop: Shop, body: dict[str, object]) -> tuple[str, list[int]]:
    """The order that was taken, and the statuses of those that were refused before it."""
    refused = []
    deadline = time.monotonic() + PATIENCE_S
    while (answer := place(shop, body)).status_code != 201:
        assert answer.headers["retry-after"]
        refused.append(answer.status_code)
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.02)
    order_id: str = answer.json()["id"]
    return order_id, refused


def readiness(shop: Shop) -> httpx.Response:
    return httpx.get(f"{shop.url}/health/ready")


def becomes_ready(shop: Shop) -> None:
    eventually(lambda: readiness(shop).status_code == 200)


def orders_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {id_ for (id_,) in connection.execute("SELECT id FROM orders")}


def test_no_order_is_confirmed_into_a_deleted_file_and_a_copy_in_its_place_is_told(
    shop: Shop, listen: Callable[..., Listener]
) -> None:
    board = listen(shop.url, auth={"token": shop.token()})
    board.wait_for_event("ready")
    body = shop.order()
    kept, _ = place_until_taken(shop, body)
    copy = shop.database.with_name("copy.db")
    with closing(sqlite3.connect(shop.database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    lost, _ = place_until_taken(shop, body)

    shop.database.unlink()
    refused = place(shop, body)
    ready = readiness(shop)
    assert (refused.status_code, ready.status_code) == (503, 503)
    assert "is gone" in refused.json()["detail"]
    assert "is gone" in ready.json()["faults"][0]
    assert not shop.database.exists()

    copy.rename(shop.database)
    again, refusals = place_until_taken(shop, body)
    assert set(refusals) <= {503}
    becomes_ready(shop)
    (resync,) = board.wait_for_event("resync")
    assert "epoch_changed" in str(resync)
    heard, _ = place_until_taken(shop, body)
    board.wait_for(lambda board: heard in str(board.events("newOrder")))

    shop.stop()
    assert orders_in(shop.database) == {kept, again, heard}
    assert lost not in orders_in(shop.database)
    assert "Traceback" not in shop.output
