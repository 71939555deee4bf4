"""What another program cannot make of an order, tried with SQL alone on a migrated file."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.states import LEGACY_NAMES, Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import CARRIED, GIVING_BACK, MOVES, OPEN, reachable
from ordercast.db.migrate import upgrade

S = OrderStatus
PRODUCT = DEMO_CATALOGUE[0].id


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "shop.db"
    upgrade(path)
    return path


@pytest.fixture
def shop(migrated: Path) -> Iterator[sqlite3.Connection]:
    """A connection as any program opens it; all that a test does is rolled back."""
    connection = sqlite3.connect(migrated, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO products (id, slug, name, price, stock) VALUES (?, 'chai', 'Chai', 100, 50)", [PRODUCT]
    )
    yield connection
    connection.rollback()
    connection.close()


def stand(
    shop: sqlite3.Connection, status: OrderStatus, kind: str = "delivery", held_from: OrderStatus | None = None
) -> None:
    """Import the one order, in any state that can be."""
    shop.execute("INSERT INTO meta VALUES ('importing', 'from the former shop')")
    driver = "drv_1" if (held_from or status) in CARRIED else None
    shop.execute(
        "INSERT INTO orders (id, status, fulfilment, driver_id, held_from, payment_status)"
        " VALUES ('ord_1', ?, ?, ?, ?, 'paid')",
        [status, kind, driver, held_from],
    )
    shop.execute("DELETE FROM meta WHERE name = 'importing'")


def stock(shop: sqlite3.Connection) -> int:
    (left,) = shop.execute("SELECT stock FROM products WHERE id = ?", [PRODUCT]).fetchone()
    assert isinstance(left, int)
    return left


def is_done(shop: sqlite3.Connection, statement: str, values: list[str | None]) -> bool:
    try:
        shop.execute(statement, values)
    except sqlite3.IntegrityError:
        return False
    return True


@pytest.mark.parametrize("kind", Fulfilment)
@pytest.mark.parametrize("source", OrderStatus)
def test_an_order_moves_as_the_table_says_and_in_no_other_way(
    shop: sqlite3.Connection, source: OrderStatus, kind: Fulfilment
) -> None:
    if source not in reachable(kind):
        with pytest.raises(sqlite3.IntegrityError, match=f"order_for_{kind}"):
            stand(shop, source, kind)
        return
    held_from = S.PROCESSING if source is S.ON_HOLD else None
    stand(shop, source, kind, held_from)
    for target in OrderStatus:
        move = MOVES.get((source, target))
        is_permitted = target is source or (move is not None and move.fulfilment in {None, kind})
        if held_from is not None and target in OPEN:
            is_permitted = target is held_from
        holds = source if target is S.ON_HOLD and source is not S.ON_HOLD else held_from if target is source else None
        driver = "drv_1" if target in CARRIED or (holds or target) in CARRIED else None
        shop.execute("SAVEPOINT move")
        done = is_done(shop, "UPDATE orders SET status = ?, held_from = ?, driver_id = ?", [target, holds, driver])
        assert done == is_permitted, f"{source} -> {target}"
        shop.execute("ROLLBACK TO move")


@pytest.mark.parametrize(("source", "target"), list(itertools.product(PaymentStatus, PaymentStatus)))
def test_a_payment_moves_as_its_table_says(
    shop: sqlite3.Connection, source: PaymentStatus, target: PaymentStatus
) -> None:
    shop.execute("INSERT INTO orders (payment_status) VALUES (?)", [source])
    is_permitted = target is source or target in PAYMENT_TRANSITIONS[source]
    assert is_done(shop, "UPDATE orders SET payment_status = ?", [target]) == is_permitted


@pytest.mark.parametrize(
    ("before", "statement", "sentence"),
    [
        (S.PENDING, "UPDATE orders SET status = 'delivered'", "order_flow: an order that is pending goes to"),
        (S.CANCELLED, "UPDATE orders SET status = 'pending'", "order_flow: .* cancelled goes nowhere any more"),
        (S.PENDING, "UPDATE orders SET status = 'accepted'", "order_former_name: write processing, not accepted"),
        (S.PENDING, "UPDATE orders SET status = 'ready'", "write ready_for_pickup or ready_for_delivery, not ready"),
        (S.PENDING, "UPDATE orders SET status = 'shipped'", "status_known"),
        (S.PENDING, "UPDATE orders SET payment_status = 'unpaid'", "order_payment_flow: a payment that is paid"),
        (S.PENDING, "UPDATE orders SET version = 3", "order_version: a version rises by one"),
        (S.PENDING, "UPDATE orders SET version = 0", "order_version"),
        (S.PENDING, "UPDATE orders SET status = 'on_hold', held_from = 'processing'", "order_held_from"),
        (S.PENDING, "UPDATE orders SET status = 'on_hold'", "order_held_from"),
        (S.PENDING, "UPDATE orders SET held_from = 'pending'", "order_held_from"),
        (S.READY_FOR_DELIVERY, "UPDATE orders SET status = 'driver_assigned'", "order_has_driver"),
        (S.DRIVER_ASSIGNED, "UPDATE orders SET status = 'ready_for_delivery'", "order_driver: .* waits for a driver"),
        (S.IN_TRANSIT, "UPDATE orders SET driver_id = NULL", "order_has_driver"),
        (S.IN_TRANSIT, "UPDATE orders SET attempts = -1", "order_attempts"),
        (S.IN_TRANSIT, "UPDATE orders SET fulfilment = 'pickup'", "order_for_pickup"),
        (S.PENDING, "INSERT OR REPLACE INTO orders (id) VALUES ('ord_1')", "order_once: .* never replaced"),
        (S.PENDING, "REPLACE INTO orders (number) SELECT number FROM orders", "order_once"),
        (S.PENDING, "INSERT INTO orders (status) VALUES ('processing')", "order_first_state: .* importing into meta"),
        (S.PENDING, "INSERT INTO orders (version) VALUES (4)", "order_first_state"),
        (S.PENDING, "INSERT INTO orders (status) VALUES ('new')", "order_former_name: write pending, not new"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_name_of_its_rule(
    shop: sqlite3.Connection, before: OrderStatus, statement: str, sentence: str
) -> None:
    stand(shop, before)
    with pytest.raises(sqlite3.IntegrityError, match=sentence):
        shop.execute(statement)


def test_a_former_name_is_never_written(shop: sqlite3.Connection) -> None:
    shop.execute("INSERT INTO meta VALUES ('importing', '1')")
    for name in LEGACY_NAMES:
        with pytest.raises(sqlite3.IntegrityError, match=f"order_former_name: write .*, not {name}"):
            shop.execute("INSERT INTO orders (status) VALUES (?)", [name])


def test_a_card_must_be_paid_before_the_order_is_prepared(shop: sqlite3.Connection) -> None:
    shop.execute('INSERT INTO orders (payment_info) VALUES (\'{"method":"card"}\')')
    with pytest.raises(sqlite3.IntegrityError, match="order_payment_ready"):
        shop.execute("UPDATE orders SET status = 'processing'")
    shop.execute("UPDATE orders SET status = 'processing', payment_status = 'paid'")


def test_goods_that_have_left_are_not_cancelled_from_hold(shop: sqlite3.Connection) -> None:
    stand(shop, S.ON_HOLD, held_from=S.IN_TRANSIT)
    with pytest.raises(sqlite3.IntegrityError, match="order_held_from: goods that have left"):
        shop.execute("UPDATE orders SET status = 'cancelled', held_from = NULL")


def test_another_programs_failed_attempt_is_counted(shop: sqlite3.Connection) -> None:
    stand(shop, S.IN_TRANSIT)
    shop.execute("UPDATE orders SET status = 'delivery_failed'")
    shop.execute("UPDATE orders SET status = 'in_transit'")
    shop.execute("UPDATE orders SET status = 'delivery_failed'")
    assert shop.execute("SELECT attempts, version FROM orders").fetchall() == [(2, 4)]


def test_what_is_imported_is_told_as_no_new_order(shop: sqlite3.Connection) -> None:
    stand(shop, S.DELIVERED)
    assert shop.execute("SELECT kind FROM feed WHERE entity_id = 'ord_1'").fetchall() == [("order.imported",)]


# --- Stock ------------------------------------------------------------------------------------------------------------


def sell(shop: sqlite3.Connection, quantity: int, position: int = 0) -> None:
    shop.execute(
        "INSERT INTO order_lines (order_number, position, product_id, quantity) SELECT number, ?, ?, ? FROM orders",
        [position, PRODUCT, quantity],
    )


@pytest.mark.parametrize("end", sorted(GIVING_BACK))
def test_another_programs_lines_take_stock_and_its_end_of_the_order_gives_it_back_once(
    shop: sqlite3.Connection, end: str
) -> None:
    shop.execute("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    sell(shop, 5, position=1)
    assert stock(shop) == 38
    shop.execute("UPDATE orders SET status = ?", [end])
    assert stock(shop) == 50
    shop.execute("UPDATE orders SET status = ?, customer_name = 'Zoe'", [end])
    assert stock(shop) == 50
    with pytest.raises(sqlite3.IntegrityError, match="order_lines"):
        sell(shop, 1, position=2)


def test_an_end_that_is_refused_gives_nothing_back(shop: sqlite3.Connection) -> None:
    shop.execute("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    shop.execute("UPDATE OR IGNORE orders SET status = 'cancelled', total = -1")
    assert stock(shop) == 43


def test_nobody_sells_more_than_there_is(shop: sqlite3.Connection) -> None:
    shop.execute("INSERT INTO orders (id) VALUES ('ord_1')")
    with pytest.raises(sqlite3.IntegrityError, match="stock_not_negative"):
        sell(shop, 51)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM order_lines", "UPDATE order_lines SET quantity = 1", "UPDATE order_lines SET reserved = 0"],
)
def test_what_was_sold_stays_written(shop: sqlite3.Connection, statement: str) -> None:
    shop.execute("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    with pytest.raises(sqlite3.IntegrityError, match="order_lines: what was sold stays written"):
        shop.execute(statement)
