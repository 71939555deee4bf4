"""What another program cannot make of an order, tried with SQL alone in both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.states import LEGACY_NAMES, Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import CARRIED, MOVES, OPEN, RESTOCKING, reachable

from .programs import Program, SqliteProgram

S = OrderStatus
PRODUCT = DEMO_CATALOGUE[0].id


def open_for_business(shop: Program) -> None:
    shop.do("INSERT INTO products (id, slug, name, price, stock) VALUES (?, 'chai', 'Chai', 100, 50)", [PRODUCT])


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    """All that a test does is rolled back."""
    with program.rolled_back():
        open_for_business(program)
        yield program


@pytest.fixture
def shop_in_a_file(sqlite_program: SqliteProgram) -> Iterator[SqliteProgram]:
    """For what only SQLite can say."""
    with sqlite_program.rolled_back():
        open_for_business(sqlite_program)
        yield sqlite_program


def stand(shop: Program, status: OrderStatus, kind: str = "delivery", held_from: OrderStatus | None = None) -> None:
    """Import the one order, in any state that can be."""
    shop.do("INSERT INTO meta VALUES ('importing', 'from the former shop')")
    driver = "drv_1" if (held_from or status) in CARRIED else None
    shop.do(
        "INSERT INTO orders (id, status, fulfilment, driver_id, held_from, payment_status)"
        " VALUES ('ord_1', ?, ?, ?, ?, 'paid')",
        [status, kind, driver, held_from],
    )
    shop.do("DELETE FROM meta WHERE name = 'importing'")


def stock(shop: Program) -> int:
    ((left,),) = shop.do("SELECT stock FROM products WHERE id = ?", [PRODUCT])
    assert isinstance(left, int)
    return left


def is_done(shop: Program, statement: str, values: list[str | None]) -> bool:
    """Whether it is permitted; taken back in any case."""
    shop.do("SAVEPOINT deed")
    try:
        shop.do(statement, values)
    except shop.refusal:
        return False
    else:
        return True
    finally:
        shop.do("ROLLBACK TO deed")


@pytest.mark.parametrize("kind", Fulfilment)
@pytest.mark.parametrize("source", OrderStatus)
def test_an_order_moves_as_the_table_says_and_in_no_other_way(
    shop: Program, source: OrderStatus, kind: Fulfilment
) -> None:
    if source not in reachable(kind):
        with shop.refused(f"order_for_{kind}"):
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
        done = is_done(shop, "UPDATE orders SET status = ?, held_from = ?, driver_id = ?", [target, holds, driver])
        assert done == is_permitted, f"{source} -> {target}"


@pytest.mark.parametrize(("source", "target"), list(itertools.product(PaymentStatus, PaymentStatus)))
def test_a_payment_moves_as_its_table_says(shop: Program, source: PaymentStatus, target: PaymentStatus) -> None:
    shop.do("INSERT INTO orders (payment_status) VALUES (?)", [source])
    is_permitted = target is source or target in PAYMENT_TRANSITIONS[source]
    assert is_done(shop, "UPDATE orders SET payment_status = ?", [target]) == is_permitted


@pytest.mark.parametrize(
    ("before", "statement", "sentence"),
    [
        (S.PENDING, "UPDATE orders SET status = 'delivered'", "order_flow: an order that is pending goes to"),
        (S.CANCELLED, "UPDATE orders SET status = 'pending'", "order_flow: .* cancelled goes nowhere any more"),
        (S.PENDING, "UPDATE orders SET status = 'accepted'", "order_former_name: write processing, not accepted"),
        (S.PENDING, "UPDATE orders SET status = 'ready'", "write ready_for_pickup or ready_for_delivery, not ready"),
        # It breaks two rules, and a database names whichever it tries first.
        (S.PENDING, "UPDATE orders SET status = 'shipped'", "status_known|order_for_delivery"),
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
        (S.PENDING, "INSERT INTO orders (status) VALUES ('processing')", "order_first_state: .* importing into meta"),
        (S.PENDING, "INSERT INTO orders (version) VALUES (4)", "order_first_state"),
        (S.PENDING, "INSERT INTO orders (status) VALUES ('new')", "order_former_name: write pending, not new"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_name_of_its_rule(
    shop: Program, before: OrderStatus, statement: str, sentence: str
) -> None:
    stand(shop, before)
    with shop.refused(sentence):
        shop.do(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO orders (id) VALUES ('ord_1')",
        "REPLACE INTO orders (number) SELECT number FROM orders",
        "INSERT INTO orders (id) VALUES ('ord_1') ON CONFLICT (id) DO UPDATE SET total = 5",
    ],
)
def test_an_order_is_never_replaced(shop_in_a_file: SqliteProgram, statement: str) -> None:
    stand(shop_in_a_file, S.PENDING)
    with shop_in_a_file.refused("order_once: .* never replaced"):
        shop_in_a_file.do(statement)


def test_a_former_name_is_never_written(shop: Program) -> None:
    shop.do("INSERT INTO meta VALUES ('importing', '1')")
    for name in LEGACY_NAMES:
        with shop.refused(f"order_former_name: write .*, not {name}"):
            shop.do("INSERT INTO orders (status) VALUES (?)", [name])


def test_a_card_must_be_paid_before_the_order_is_prepared(shop: Program) -> None:
    shop.do('INSERT INTO orders (payment_info) VALUES (\'{"method":"card"}\')')
    with shop.refused("order_payment_ready"):
        shop.do("UPDATE orders SET status = 'processing'")
    shop.do("UPDATE orders SET status = 'processing', payment_status = 'paid'")


def test_goods_that_have_left_are_not_cancelled_from_hold(shop: Program) -> None:
    stand(shop, S.ON_HOLD, held_from=S.IN_TRANSIT)
    with shop.refused("order_held_from: goods that have left"):
        shop.do("UPDATE orders SET status = 'cancelled', held_from = NULL")


def test_another_programs_failed_attempt_is_counted(shop: Program) -> None:
    stand(shop, S.IN_TRANSIT)
    shop.do("UPDATE orders SET status = 'delivery_failed'")
    shop.do("UPDATE orders SET status = 'in_transit'")
    shop.do("UPDATE orders SET status = 'delivery_failed'")
    assert shop.do("SELECT attempts, version FROM orders") == [(2, 4)]


def test_what_is_imported_is_told_as_no_new_order(shop: Program) -> None:
    stand(shop, S.DELIVERED)
    assert shop.do("SELECT kind FROM feed WHERE entity_id = 'ord_1'") == [("order.imported",)]


# --- Stock ------------------------------------------------------------------------------------------------------------


def sell(shop: Program, quantity: int, position: int = 0) -> None:
    shop.do(
        "INSERT INTO order_lines (order_number, position, product_id, quantity) SELECT number, ?, ?, ? FROM orders",
        [position, PRODUCT, quantity],
    )


@pytest.mark.parametrize("end", sorted(RESTOCKING))
def test_another_programs_lines_take_stock_and_its_end_of_the_order_gives_it_back_once(shop: Program, end: str) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    sell(shop, 5, position=1)
    assert stock(shop) == 38
    shop.do("UPDATE orders SET status = ?", [end])
    assert stock(shop) == 50
    shop.do("UPDATE orders SET status = ?, customer_name = 'Zoe'", [end])
    assert stock(shop) == 50
    with shop.refused("order_lines"):
        sell(shop, 1, position=2)


def test_an_end_that_is_refused_gives_nothing_back(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    with shop.refused("tax_not_negative"):
        shop.do("UPDATE orders SET status = 'cancelled', tax = -1")
    assert stock(shop) == 43


def test_an_end_that_is_ignored_gives_nothing_back(shop_in_a_file: SqliteProgram) -> None:
    shop_in_a_file.do("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop_in_a_file, 7)
    shop_in_a_file.do("UPDATE OR IGNORE orders SET status = 'cancelled', total = -1")
    assert stock(shop_in_a_file) == 43


def test_nobody_sells_more_than_there_is(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    with shop.refused("stock_not_negative"):
        sell(shop, 51)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM order_lines", "UPDATE order_lines SET quantity = 1", "UPDATE order_lines SET reserved = 0"],
)
def test_what_was_sold_stays_written(shop: Program, statement: str) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    sell(shop, 7)
    with shop.refused("order_lines: what was sold stays written"):
        shop.do(statement)
