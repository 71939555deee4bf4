from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.errors import NotFound, OutOfStock, ShopError, UnknownStatus
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.transitions import MOVES
from ordercast.db import SqliteStore, accounts, orders
from ordercast.db.dialects import SQLITE
from tests.chance import examples
from tests.commerce.orders import PRODUCTS

from .shop import STORE, ask, by_another_program, move, now, place_one, stock_of

CUSTOMER = Actor(Role.CUSTOMER, "cus_1")
DRIVER = Actor(Role.DRIVER, "drv_1")


async def test_an_order_stands_whole_on_its_row_and_in_normal_form_beside_it(store: SqliteStore) -> None:
    items = [{"productId": PRODUCTS[slug].id, "quantity": n} for slug, n in (("samosa", 2), ("jilapi", 3))]
    order = await place_one(store, cartItems=items)
    rows = await ask(store, "SELECT position, product_id, quantity, line_total, tax FROM order_lines ORDER BY position")
    assert rows == [
        (index, line.product_id, line.quantity, line.line_total, line.tax)
        for index, line in enumerate(order.cart_items)
    ]


async def test_stock_is_taken_with_the_order_and_given_back_with_its_end(store: SqliteStore) -> None:
    before = await stock_of(store, "samosa")
    twice = [{"productId": PRODUCTS["samosa"].id, "quantity": n} for n in (2, 3)]
    order = await place_one(store, cartItems=twice)
    assert await stock_of(store, "samosa") == before - 5
    await move(store, order.id, "rejected")
    assert await stock_of(store, "samosa") == before


async def test_the_last_ten_go_to_ten_of_sixty_four_buyers(store: SqliteStore, path: Path) -> None:
    by_another_program(path, "UPDATE products SET stock = 10 WHERE slug = 'hilsa-curry'")
    one = [{"productId": PRODUCTS["hilsa-curry"].id, "quantity": 1}]
    outcomes = await asyncio.gather(*(place_one(store, cartItems=one) for _ in range(64)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, OutOfStock)]
    assert len(refused) == 54
    assert refused[-1].left == 0
    assert await stock_of(store, "hilsa-curry") == 0
    assert await ask(store, "SELECT count(*), sum(quantity) FROM order_lines") == [(10, 10)]
    kinds = [change.kind for change in store.changes(0, 100)]
    assert (kinds.count("order.placed"), kinds.count("product.changed"), len(kinds)) == (10, 2, 12)


async def test_an_order_refused_at_its_second_line_takes_nothing(store: SqliteStore, path: Path) -> None:
    by_another_program(path, "UPDATE products SET stock = 1 WHERE slug = 'jilapi'")
    before, told = await stock_of(store, "samosa"), store.last_seq
    items = [{"productId": PRODUCTS[slug].id, "quantity": 2} for slug in ("samosa", "jilapi")]
    with pytest.raises(OutOfStock, match="2 of Jilapi were ordered, and 1 are left") as caught:
        await place_one(store, cartItems=items)
    assert caught.value.field == "cartItems[1].quantity"
    assert (await stock_of(store, "samosa"), store.last_seq) == (before, told)
    assert await ask(store, "SELECT count(*) FROM customers") == [(0,)]


async def test_guests_who_type_the_same_address_are_nobody_to_each_other(store: SqliteStore) -> None:
    info = {"name": "Somebody Else", "email": "Asha@Example.com", "mobile": "+8801711111111"}
    first, again = await place_one(store), await place_one(store, customerInfo=info)
    assert first.customer_id != again.customer_id
    assert await ask(store, "SELECT customer_name, customer_mobile FROM orders ORDER BY number") == [
        ("Asha Rahman", "+8801700000000"),
        ("Somebody Else", "+8801711111111"),
    ]
    assert await ask(store, "SELECT count(*) FROM customers") == [(0,)]


async def test_a_guest_with_an_account_holders_address_is_not_that_person(store: SqliteStore) -> None:
    await store.write(
        lambda transaction: transaction.run(
            accounts.ADD_CUSTOMER,
            id="cus_holder", email="asha@example.com", name="Asha", created_at=now(),
        )
    )  # fmt: skip
    order = await place_one(store)
    assert order.customer_id != "cus_holder"
    assert await ask(store, "SELECT name FROM customers WHERE id = 'cus_holder'") == [("Asha",)]


async def test_a_move_to_where_the_order_is_writes_nothing(store: SqliteStore) -> None:
    order = await place_one(store)
    assert await move(store, order.id, "new") == order
    assert store.last_seq == 1


async def test_people_know_of_their_own_orders_only(store: SqliteStore) -> None:
    order = await place_one(store, CUSTOMER)
    with pytest.raises(NotFound):
        await move(store, order.id, "cancelled", Actor(Role.CUSTOMER, "cus_2"))
    with pytest.raises(NotFound):
        await move(store, order.id, "picked_up", DRIVER)
    with pytest.raises(NotFound):
        await move(store, "ord_nothing", "cancelled")
    with pytest.raises(UnknownStatus):
        await move(store, order.id, "shipped")
    assert (await move(store, order.id, "cancelled", CUSTOMER)).status == "cancelled"


async def test_a_delivery_goes_its_whole_way(store: SqliteStore) -> None:
    order = await place_one(store)
    for status, actor in (
        ("accepted", STORE), ("ready", STORE), ("driver_assigned", DRIVER), ("picked_up", DRIVER),
        ("out_for_delivery", DRIVER), ("delivery_failed", DRIVER), ("in_transit", DRIVER), ("completed", DRIVER),
    ):  # fmt: skip
        order = await move(store, order.id, status, actor)
    assert (order.status, order.payment_status, order.driver_id, order.version) == ("delivered", "paid", "drv_1", 9)


actors = st.sampled_from(
    [Actor(Role.STORE, "usr_1"), Actor(Role.SERVICE, "timer"), CUSTOMER, DRIVER, Actor(Role.DRIVER, "drv_2")]
)
steps = st.lists(st.tuples(st.sampled_from(OrderStatus), actors), max_size=40)


@examples(40, one_fixture_for_all=True)
@given(steps, st.sampled_from(["delivery", "pickup"]), st.sampled_from(["tok_visa", None]))
async def test_whatever_is_tried_the_history_is_legal_and_tells_how_the_order_stands(
    store: SqliteStore, tried: list[Any], fulfilment: str, token: str | None
) -> None:
    payment = {"method": "card", "token": token} if token else {"method": "cash"}
    order = await place_one(store, CUSTOMER, fulfilment=fulfilment, paymentInfo=payment)
    for status, actor in tried:
        try:
            order = await move(store, order.id, status, actor)
        except ShopError:
            continue
    rows = await ask(
        store,
        "SELECT version, from_status, to_status, from_payment_status, to_payment_status FROM order_history"
        " WHERE order_id = :id ORDER BY entry",
        id=order.id,
    )
    assert [row[0] for row in rows] == list(range(1, order.version + 1))
    status, payment_status = None, None
    for _version, from_status, to_status, from_payment, to_payment in rows:
        assert (from_status, from_payment) == (status, payment_status)
        assert from_status is None or (OrderStatus(from_status), OrderStatus(to_status)) in MOVES
        status, payment_status = to_status, to_payment
    assert (status, payment_status) == (order.status, order.payment_status)
    told = [change.version for change in store.changes(0, 100_000) if change.entity_id == order.id]
    assert told == [row[0] for row in rows]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("BEFORE", "INTEGER PRIMARY KEY"),
        ("WITH_STATUS_BEFORE", "orders_by_status"),
        ("OF_CUSTOMER_BEFORE", "orders_by_customer"),
        ("OF_CUSTOMER_WITH_STATUS_BEFORE", "orders_by_customer"),
        ("OF_DRIVER_BEFORE", "orders_by_driver"),
        ("OF_DRIVER_WITH_STATUS_BEFORE", "orders_by_driver"),
        ("TO_TAKE_BEFORE", "orders_by_status"),
    ],
)
async def test_every_list_is_read_along_an_index_and_not_sorted(store: SqliteStore, statement: str, index: str) -> None:
    values = {"cursor": 9, "limit": 1, "status": "pending", "customer_id": "c", "driver_id": "d"}
    text = orders.NOUN.statements[statement].texts[SQLITE]
    plan = " ".join(row[3] for row in await ask(store, f"EXPLAIN QUERY PLAN {text}", **values))
    assert index in plan
    assert "SEARCH" in plan
    assert "TEMP B-TREE" not in plan
