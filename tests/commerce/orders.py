"""Orders for tests: one request in its smallest form, and order states in any shape."""

from __future__ import annotations

from typing import Any

import msgspec

from ordercast.commerce.catalogue import DEMO_CATALOGUE, Product
from ordercast.commerce.ids import OrderId
from ordercast.commerce.orders import PaymentInfo, PlaceOrder
from ordercast.commerce.payments import BY_CASH, PaymentTaken
from ordercast.commerce.states import Fulfilment, OrderState, OrderStatus, PaymentMethod, PaymentStatus

ADDRESS = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}
PRODUCTS: dict[str, Product] = {product.slug: product for product in DEMO_CATALOGUE}
BY_ID: dict[str, Product] = {product.id: product for product in DEMO_CATALOGUE}


def request_json(**changes: Any) -> dict[str, Any]:
    """The contract's smallest order, with some of its parts changed."""
    return {
        "fulfilment": "delivery",
        "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
        "billingInfo": dict(ADDRESS),
        "shippingInfo": dict(ADDRESS),
        "cartItems": [{"productId": PRODUCTS["samosa"].id, "quantity": 2}],
        "paymentInfo": {"method": "cash"},
        **changes,
    }


def command(**changes: Any) -> PlaceOrder:
    return msgspec.convert(request_json(**changes), PlaceOrder)


def taken(command: PlaceOrder) -> PaymentTaken:
    """What a provider of no name would have answered: a card pays at once."""
    method = PaymentMethod(str(command.payment_info.__struct_config__.tag))
    if method is PaymentMethod.CASH:
        return BY_CASH
    return PaymentTaken(PaymentStatus.PAID, PaymentInfo(method, brand="visa", last4="4242"))


def order_state(status: OrderStatus = OrderStatus.PENDING, **changes: Any) -> OrderState:
    values: dict[str, Any] = {
        "id": OrderId("ord_1"),
        "status": status,
        "payment_status": PaymentStatus.UNPAID,
        "payment_method": PaymentMethod.CASH,
        "fulfilment": Fulfilment.DELIVERY,
        "version": 3,
        "customer_id": "cus_1",
        **changes,
    }
    return OrderState(**values)
