"""Decides new orders: prices from the catalogue, taxes and fees by the shop's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from .catalogue import Product
from .errors import (
    AddressRequired,
    InvalidField,
    NotPermitted,
    OutOfStock,
    PriceChanged,
    TotalDiffers,
    UnknownProduct,
)
from .ids import CustomerId, OrderId
from .money import AMOUNT_MAX, Money, allocate, tax_on_line
from .orders import CartItem, OrderLine, PlaceOrder, QuoteOrder
from .payments import PaymentTaken
from .people import Actor
from .promotions import Offer, PromotionKind
from .shop import Shop
from .states import Fulfilment
from .timestamps import Timestamp, timestamp_at
from .transitions import PLACING_ROLES


@dataclass(frozen=True, slots=True)
class PricedOrder:
    lines: tuple[OrderLine, ...]
    subtotal: int
    tax: int
    shipping_fee: int
    discount: int
    total: int
    currency: str
    prices_include_tax: bool
    promo_code: str | None


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    id: OrderId
    command: PlaceOrder
    priced: PricedOrder
    payment: PaymentTaken
    customer_id: CustomerId
    actor: Actor
    at: Timestamp


def price_order(
    cart: PlaceOrder | QuoteOrder, products: Mapping[str, Product], shop: Shop, offer: Offer | None = None
) -> PricedOrder:
    """Price a cart. Raises UnknownProduct for a line that is not in `products`, InvalidField for a product that cannot
    be sold or a sum beyond the limit, PromotionRefused for an invalid offer.
    """
    sold = [_product(index, cart, products, shop) for index in range(len(cart.cart_items))]
    totals = [product.price * item.quantity for product, item in zip(sold, cart.cart_items, strict=True)]
    subtotal = sum(totals)
    promotion = None if offer is None else offer.checked(subtotal, shop.currency)
    discount = 0 if promotion is None else promotion.discount(subtotal, shop.rounding)
    shares = allocate(discount, totals)
    lines = tuple(
        _line(index, product, item, share, shop)
        for index, (product, item, share) in enumerate(zip(sold, cart.cart_items, shares, strict=True))
    )
    tax = sum(line.tax for line in lines)
    fee = shop.shipping_fee(cart.fulfilment, cart.destination, subtotal)
    if promotion is not None and promotion.kind is PromotionKind.FREE_DELIVERY:
        fee = 0
    total = subtotal - discount + fee + (0 if shop.prices_include_tax else tax)
    if max(subtotal, total) > AMOUNT_MAX:
        raise InvalidField("cartItems", f"One order comes to {Money(AMOUNT_MAX, shop.currency)} at most.")
    return PricedOrder(
        lines=lines,
        subtotal=subtotal,
        tax=tax,
        shipping_fee=fee,
        discount=discount,
        total=total,
        currency=shop.currency,
        prices_include_tax=shop.prices_include_tax,
        promo_code=None if promotion is None else promotion.code,
    )


def place_order(
    command: PlaceOrder,
    products: Mapping[str, Product],
    shop: Shop,
    payment: PaymentTaken,
    *,
    order_id: OrderId,
    customer_id: CustomerId,
    actor: Actor,
    now: Timestamp,
    offer: Offer | None = None,
) -> OrderPlaced:
    """Decide a new order. Raises NotPermitted, AddressRequired, TotalDiffers, PriceChanged, and as ``price_order``."""
    priced = price_order(command, products, shop, offer)
    check_order(command, priced, actor)
    charged = Money(priced.total, priced.currency)
    if payment.amount is not None and payment.amount != charged:
        raise PriceChanged(payment.amount, charged)
    return OrderPlaced(order_id, command, priced, payment, customer_id, actor, now)


def check_order(command: PlaceOrder, priced: PricedOrder, actor: Actor) -> None:
    """Check that `actor` may place the order at these sums, before the payment and again after it.

    Raises NotPermitted, AddressRequired or TotalDiffers.
    """
    if actor.role not in PLACING_ROLES:
        raise NotPermitted(actor, "place an order")
    if command.fulfilment is Fulfilment.DELIVERY and command.shipping_info is None:
        raise AddressRequired("shippingInfo", "A delivery needs a shipping address.")
    if command.billing_info is None and not command.is_paid_at_the_counter:
        raise AddressRequired("billingInfo", "A billing address is needed, unless it is collected and paid in cash.")
    if command.total is not None and command.total != priced.total:
        raise TotalDiffers(Money(command.total, priced.currency), Money(priced.total, priced.currency))


def wanted_at(command: PlaceOrder) -> Timestamp | None:
    """When the buyer wants it, if not as soon as possible. Raises InvalidField for a year beyond all."""
    wanted = command.requested_time
    return None if wanted is None else timestamp_at("requestedTime", wanted)


def check_sold_out(lines: Sequence[OrderLine], products: Mapping[str, Product], now: Timestamp) -> None:
    """Raises OutOfStock for what is sold out today, whatever is left of it."""
    for index, line in enumerate(lines):
        until = products[line.product_id].sold_out_until
        if until is not None and until > now:
            raise OutOfStock(index, line.name, line.quantity, 0)


def take_stock(stock: dict[str, int], lines: Sequence[OrderLine]) -> None:
    """Subtract the quantities of `lines` from `stock`. Raises OutOfStock, and then changes nothing."""
    left: dict[str, int] = {}
    for index, line in enumerate(lines):
        pieces = left.get(line.product_id, stock[line.product_id])
        if pieces < line.quantity:
            raise OutOfStock(index, line.name, line.quantity, pieces)
        left[line.product_id] = pieces - line.quantity
    stock.update(left)


def _product(index: int, cart: PlaceOrder | QuoteOrder, products: Mapping[str, Product], shop: Shop) -> Product:
    product_id = cart.cart_items[index].product_id
    product = products.get(product_id)
    if product is None or not product.active:
        raise UnknownProduct(index, product_id)
    if product.currency != shop.currency:
        sentence = f"{product.name} is priced in {product.currency}, and this shop sells in {shop.currency}."
        raise InvalidField(f"cartItems[{index}].productId", sentence)
    return product


def _line(index: int, product: Product, item: CartItem, discount: int, shop: Shop) -> OrderLine:
    total = product.price * item.quantity
    rate_bp = shop.rate_bp(product.tax_class, f"cartItems[{index}].productId")
    included, rounding = shop.prices_include_tax, shop.rounding
    tax = tax_on_line(total - discount, rate_bp, included=included, rounding=rounding)
    note = (item.note or "").strip() or UNSET
    return OrderLine(product.id, product.name, item.quantity, product.price, total, tax, product.image, discount, note)
