from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.errors import (
    AddressRequired,
    InvalidField,
    NotPermitted,
    TotalDiffers,
    UnknownProduct,
)
from ordercast.commerce.ids import CustomerId, OrderId
from ordercast.commerce.money import PRICE_MINOR_MAX, tax_on_line
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.placing import OrderPlaced, place_order, price_order
from ordercast.commerce.shop import DEMO_SHOP
from ordercast.commerce.timestamps import Timestamp

from .orders import ADDRESS, BY_ID, PRODUCTS, command, taken

carts = st.lists(st.tuples(st.sampled_from(DEMO_CATALOGUE), st.integers(1, 999)), min_size=1, max_size=30)


def place(actor: Actor = GUEST, **changes: Any) -> OrderPlaced:
    wanted = command(**changes)
    return place_order(
        wanted,
        BY_ID,
        DEMO_SHOP,
        taken(wanted),
        order_id=OrderId("ord_1"),
        customer_id=CustomerId("cus_1"),
        actor=actor,
        now=Timestamp("2026-11-21T06:15:19.608Z"),
    )


@given(carts, st.sampled_from(["delivery", "pickup"]))
def test_sums_add_up_line_by_line(cart: list[Any], fulfilment: str) -> None:
    items = [{"productId": product.id, "quantity": quantity} for product, quantity in cart]
    priced = price_order(command(cartItems=items, fulfilment=fulfilment), BY_ID, DEMO_SHOP)
    assert [line.line_total for line in priced.lines] == [product.price * quantity for product, quantity in cart]
    assert priced.subtotal == sum(line.line_total for line in priced.lines)
    assert priced.tax == sum(
        tax_on_line(product.price * quantity, DEMO_SHOP.tax_rates_bp[product.tax_class]) for product, quantity in cart
    )
    assert priced.total == priced.subtotal + priced.tax + priced.shipping_fee - priced.discount
    free = fulfilment == "pickup" or priced.subtotal >= 150_000
    assert priced.shipping_fee == (0 if free else DEMO_SHOP.delivery_fee)
    assert priced.total < 2**53


def test_no_order_comes_to_more_than_a_row_may_hold() -> None:
    product = msgspec.structs.replace(PRODUCTS["samosa"], price=PRICE_MINOR_MAX)
    cart = command(cartItems=[{"productId": product.id, "quantity": 999}] * 2)
    with pytest.raises(InvalidField, match="at most"):
        price_order(cart, {product.id: product}, DEMO_SHOP)


@given(carts)
def test_the_same_lines_in_another_order_cost_the_same(cart: list[Any]) -> None:
    items = [{"productId": product.id, "quantity": quantity} for product, quantity in cart]
    one = price_order(command(cartItems=items), BY_ID, DEMO_SHOP)
    other = price_order(command(cartItems=items[::-1]), BY_ID, DEMO_SHOP)
    assert (one.total, one.tax) == (other.total, other.tax)


def test_a_placed_order_carries_names_and_prices_of_the_day() -> None:
    placed = place()
    (line,) = placed.priced.lines
    assert (line.name, line.unit_price, line.quantity) == ("Samosa", 2_500, 2)
    assert line.image == "/images/samosa.svg"
    assert placed.priced.total == 5_000 + 250 + 6_000


def test_a_total_that_differs_is_refused_with_both_figures() -> None:
    assert place(total=11_250).priced.total == 11_250
    with pytest.raises(TotalDiffers, match=r"BDT 112\.49.*BDT 112\.50") as caught:
        place(total=11_249)
    assert (caught.value.given.minor, caught.value.computed.minor) == (11_249, 11_250)


def test_a_line_that_names_nothing_is_refused_by_its_place() -> None:
    items = [{"productId": PRODUCTS["samosa"].id, "quantity": 1}, {"productId": "prd_nothing", "quantity": 1}]
    with pytest.raises(UnknownProduct) as caught:
        place(cartItems=items)
    assert caught.value.field == "cartItems[1].productId"


def test_a_delivery_needs_an_address_and_a_pickup_does_not() -> None:
    with pytest.raises(AddressRequired):
        place(shippingInfo=None)
    assert place(shippingInfo=None, fulfilment="pickup").priced.shipping_fee == 0


def test_what_is_collected_and_paid_in_cash_needs_no_address_and_everything_else_a_billing_address() -> None:
    nowhere: dict[str, Any] = {"shippingInfo": None, "billingInfo": None}
    assert place(**nowhere, fulfilment="pickup").command.billing_info is None
    for other in (
        {"fulfilment": "pickup", "paymentInfo": {"method": "card", "token": "tok_visa"}},
        {"shippingInfo": ADDRESS},
    ):
        with pytest.raises(AddressRequired) as caught:
            place(**{**nowhere, **other})
        assert caught.value.field == "billingInfo"


@pytest.mark.parametrize("role", [Role.DRIVER, Role.SERVICE])
def test_not_everyone_places_orders(role: Role) -> None:
    with pytest.raises(NotPermitted):
        place(Actor(role, "x"))
