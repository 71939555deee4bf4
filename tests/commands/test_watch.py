"""``ordercast watch``: what is committed is shown with who hears it, filtered, and followed beside a running shop."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ordercast.commands.watch import Filter
from ordercast.db import SqliteStore
from ordercast.feed.audience import route
from tests.db.shop import by_another_program
from tests.forked import Forked, run
from tests.quick import migrated

PLACED = "INSERT INTO orders (id, total, customer_id) VALUES ('ord_{0}', 5, 'cus_{0}')"
CANCELLED = "UPDATE orders SET status = 'cancelled' WHERE id = 'ord_{0}'"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two orders, of which the first is cancelled: a notification and a change of state."""
    path = migrated(tmp_path_factory.mktemp("watch") / "shop.db")
    by_another_program(path, ";".join((PLACED.format("a"), PLACED.format("b"), CANCELLED.format("a"))))
    return path


def watch_arguments(database: Path, *options: str) -> dict[str, Any]:
    env = {"PATH": os.environ["PATH"], "ORDERCAST_DATABASE_URL": f"sqlite:///{database}"}
    return {"arguments": ["watch", *options], "cwd": database.parent, "env": env}


def shown(database: Path, *options: str) -> list[str]:
    done = run(**watch_arguments(database, "--no-follow", "--last", "100", *options))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_each_change_is_a_line_with_its_writer_its_events_and_their_rooms(database: Path) -> None:
    lines = shown(database)
    first, last = lines[0], lines[3]
    assert "#1 order.placed ord_a v1 by db:external  new_order -> store-owners, newOrder -> store-owners" in first
    assert "orderStatusUpdated -> customer_cus_a" in last


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(orders=("ord_b",)), [2]),
        (Filter(orders=("1001",)), [1, 4]),
        (Filter(people=("cus_a",)), [1, 3, 4]),
        (Filter(rooms=("customer_cus_b",)), [2]),
        (Filter(events=("orderStatusUpdated",)), [4]),
        (Filter(kinds=("order.pl",)), [1, 2]),
        (Filter(kinds=("order.pl",), orders=("ord_a",)), [1]),
        (Filter(orders=("ord_a", "ord_b"), events=("new_order",)), [1, 2]),
        (Filter(orders=("nobody's",)), []),
    ],
)
async def test_a_filter_leaves_what_all_of_its_options_name(
    database: Path, chosen: Filter, expected: list[int]
) -> None:
    store = SqliteStore(database)
    await store.start()
    changes = store.changes(0, 4)
    await store.close()
    assert [change.seq for change in changes if chosen.takes(change, [*route(change, str)])] == expected


def test_what_is_committed_meanwhile_is_followed(database: Path) -> None:
    process = Forked(**watch_arguments(database, "--last", "1", "--json"))
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["id"] == "ord_a"
        by_another_program(database, PLACED.format("c"))
        followed = json.loads(process.stdout.readline())
        assert [event["event"] for event in followed["events"]][:2] == ["new_order", "newOrder"]
        assert followed["events"][1]["args"][0]["id"] == "ord_c"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
