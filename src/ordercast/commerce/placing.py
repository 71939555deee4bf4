"""Placing an order: prices from the catalogue, taxes and fees by the shop's rules, and the fact that results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .catalogue import DEMO_TAX_RATES_BP, Product
from .errors import AddressRequired, NotPermitted, OutOfStock, PriceChanged, TotalDiffers, UnknownProduct
from .ids import CustomerId, OrderId
from .moments import Moment
from .money import Money, tax_on_line
from .orders import OrderLine, PlaceOrder, line_of
from .payments import PaymentTaken
from .people import Actor
from .states import Fulfilment
from .transitions import PLACING_ROLES


@dataclass(frozen=True, slots=True)
class Shop:
    """How this shop charges. Amounts are minor units of `currency`, rates basis points by tax class."""

    currency: str = "BDT"
    tax_rates_bp: Mapping[str, int] = field(default_factory=lambda: DEMO_TAX_RATES_BP)
    delivery_fee: int = 6_000
    free_delivery_from: int = 150_000
    """A subtotal from which delivery costs nothing."""


DEMO_SHOP: Final = Shop()


@dataclass(frozen=True, slots=True)
class PricedOrder:
    lines: tuple[OrderLine, ...]
    subtotal: int
    tax: int
    shipping_fee: int
    discount: int
    total: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    id: OrderId
    command: PlaceOrder
    priced: PricedOrder
    payment: PaymentTaken
    customer_id: CustomerId
    actor: Actor
    at: Moment


def price_order(command: PlaceOrder, products: Mapping[str, Product], shop: Shop) -> PricedOrder:
    """Price the cart. Raises UnknownProduct for a line that is not in `products`."""
    lines = tuple(_priced_line(index, command, products, shop) for index in range(len(command.cart_items)))
    subtotal = sum(line.line_total for line in lines)
    tax = sum(line.tax for line in lines)
    fee = _shipping_fee(command.fulfilment, subtotal, shop)
    return PricedOrder(lines, subtotal, tax, fee, 0, subtotal + tax + fee, shop.currency)


def place_order(
    command: PlaceOrder,
    products: Mapping[str, Product],
    shop: Shop,
    payment: PaymentTaken,
    *,
    order_id: OrderId,
    customer_id: CustomerId,
    actor: Actor,
    now: Moment,
) -> OrderPlaced:
    """Decide a new order. Raises NotPermitted, AddressRequired, UnknownProduct, TotalDiffers or PriceChanged."""
    if actor.role not in PLACING_ROLES:
        raise NotPermitted(actor, "place an order")
    if command.fulfilment is Fulfilment.DELIVERY and command.shipping_info is None:
        raise AddressRequired
    priced = price_order(command, products, shop)
    if command.total is not None and command.total != priced.total:
        raise TotalDiffers(Money(command.total, shop.currency), Money(priced.total, shop.currency))
    charged = Money(priced.total, shop.currency)
    if payment.amount is not None and payment.amount != charged:
        raise PriceChanged(payment.amount, charged)
    return OrderPlaced(order_id, command, priced, payment, customer_id, actor, now)


def take_stock(stock: dict[str, int], lines: Sequence[OrderLine]) -> None:
    """Take what `lines` sell from `stock`, pieces by product. Raises OutOfStock, and then nothing is taken."""
    left: dict[str, int] = {}
    for index, line in enumerate(lines):
        pieces = left.get(line.product_id, stock[line.product_id])
        if pieces < line.quantity:
            raise OutOfStock(index, line.name, line.quantity, pieces)
        left[line.product_id] = pieces - line.quantity
    stock.update(left)


def _priced_line(index: int, command: PlaceOrder, products: Mapping[str, Product], shop: Shop) -> OrderLine:
    item = command.cart_items[index]
    product = products.get(item.product_id)
    if product is None:
        raise UnknownProduct(index, item.product_id)
    rate_bp = shop.tax_rates_bp[product.tax_class]
    return line_of(product, item.quantity, tax_on_line(product.price * item.quantity, rate_bp))


def _shipping_fee(fulfilment: Fulfilment, subtotal: int, shop: Shop) -> int:
    if fulfilment is Fulfilment.PICKUP or subtotal >= shop.free_delivery_from:
        return 0
    return shop.delivery_fee
