from __future__ import annotations

import sqlite3
import time

import pytest

from ordercast.commerce.ids import ALPHABET
from ordercast.db.schema import metadata, orders
from tests.commerce.ids import is_id


@pytest.fixture
def connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


def test_an_id_that_the_database_makes_is_like_ours(connection: sqlite3.Connection) -> None:
    default = orders.c.id.server_default
    assert default is not None
    expression = default.arg.text  # type: ignore[attr-defined]
    before_ms = time.time_ns() // 1_000_000
    made = [connection.execute(f"SELECT {expression}").fetchone()[0] for _ in range(200)]
    connection.close()
    assert len(set(made)) == 200
    for one in made:
        assert is_id(one, "ord")
        written_ms = 0
        for character in one[4:14]:
            written_ms = written_ms * 32 + ALPHABET.index(character)
        assert -2 <= written_ms - before_ms < 10_000


def test_every_sum_of_an_order_is_a_whole_number() -> None:
    sums = [column for column in orders.columns if column.name in {"subtotal", "tax", "shipping_fee", "total"}]
    assert [str(column.type) for column in sums] == ["INTEGER"] * 4
    assert metadata.tables.keys() >= {"feed", "order_history", "idempotency", "sessions", "published_events"}
