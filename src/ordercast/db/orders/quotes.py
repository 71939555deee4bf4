"""Quotes the price of a cart."""

from __future__ import annotations

from datetime import tzinfo

import msgspec

from ordercast.commerce.money import Money
from ordercast.commerce.opening import check_open
from ordercast.commerce.orders import PlaceOrder, QuoteOrder
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.placing import PricedOrder, check_order, check_sold_out, price_order, take_stock, wanted_at
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import opening, shop
from ordercast.db.products import BY_IDS, TABLE, product_of
from ordercast.db.promotions import Promotions
from ordercast.db.transaction import Transaction


def quote(
    transaction: Transaction, cart: PlaceOrder | QuoteOrder, customer_id: str | None, now: Timestamp
) -> PricedOrder:
    """Price a cart as placing would, without effect. Raises as ``price_order``, and OutOfStock."""
    ids = msgspec.json.encode([item.product_id for item in cart.cart_items]).decode()
    products = transaction.read(BY_IDS, product_of, TABLE, ids=ids)
    found = {product.id: product for product in products}
    offer = Promotions(transaction).offer(cart.promo_code, customer_id, now)
    priced = price_order(cart, found, shop.rules(transaction), offer)
    check_sold_out(priced.lines, found, now)
    take_stock({product.id: product.stock for product in found.values()}, priced.lines)
    return priced


def price(transaction: Transaction, command: PlaceOrder, actor: Actor, now: Timestamp, zone: tzinfo) -> Money:
    """The order's price, before its payment. Raises ShopClosed, and as `quote` and ``check_order``."""
    check_open(opening.opening(transaction), actor, now, zone, wanted_at(command))
    is_customer = actor.role is Role.CUSTOMER
    sums = quote(transaction, command, actor.id if is_customer else None, now)
    check_order(command, sums, actor)
    return Money(sums.total, sums.currency)
