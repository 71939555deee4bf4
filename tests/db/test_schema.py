from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy.schema import CreateColumn

from ordercast.commerce.ids import ALPHABET
from ordercast.db.ddl import compiled, metadata
from ordercast.db.dialects import DIALECTS
from ordercast.db.feed import feed, feed_to_number
from tests.commerce.ids import is_id

from .programs import Program


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    with program.rolled_back():
        yield program


def test_an_id_that_the_database_makes_is_like_ours(shop: Program) -> None:
    before_ms = time.time_ns() // 1_000_000
    made = [shop.do("INSERT INTO orders (total) VALUES (1) RETURNING id")[0][0] for _ in range(200)]
    assert len(set(made)) == 200
    for one in made:
        assert is_id(one, "ord")
        written_ms = 0
        for character in one[4:14]:
            written_ms = written_ms * 32 + ALPHABET.index(character)
        assert -2 <= written_ms - before_ms < 10_000


@pytest.mark.parametrize(("database", "type_"), [("sqlite", "INTEGER"), ("postgresql", "BIGINT")])
def test_every_sum_of_an_order_is_a_whole_number(database: str, type_: str) -> None:
    sums = [
        column
        for column in metadata.tables["orders"].columns
        if column.name in {"subtotal", "tax", "shipping_fee", "total"}
    ]
    written = [str(CreateColumn(column).compile(dialect=compiled(DIALECTS[database]))) for column in sums]
    assert [text.split()[1] for text in written] == [type_] * 4


def test_the_schema_has_what_other_rooms_ask_for() -> None:
    assert metadata.tables.keys() >= {"feed", "order_history", "idempotency", "sessions", "published_events"}


def test_both_forms_of_the_feed_have_the_same_columns() -> None:
    assert {"id", *feed.columns} == feed_to_number.columns.keys()
