"""Orders: the parts of the request, and the document. JSON names are camelCase."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from .geo import Location
from .money import PRICE_MINOR_MAX
from .states import Fulfilment, OrderStatus, PaymentMethod, PaymentStatus
from .text_patterns import text_matching

# Limits that no honest order reaches.
NAME_MAX: Final = 200
LINE_MAX: Final = 200
EMAIL_MAX: Final = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
MOBILE_MAX: Final = 32
POSTCODE_MAX: Final = 20
CODE_MAX: Final = 40
REASON_MAX: Final = 500
LINE_NOTE_MAX: Final = 200
CART_LINES_MAX: Final = 200
QUANTITY_MAX: Final = 999

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
Line = Annotated[str, Meta(min_length=1, max_length=LINE_MAX)]
# Only the shape that every address has: only a sent mail shows whether a mailbox exists.
Email = Annotated[
    str,
    text_matching(
        r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "An address of mail is wanted, such as asha@example.com", max_length=EMAIL_MAX
    ),
]
Mobile = Annotated[
    str,
    text_matching(
        r"^\+?[\d() .\-]{5,}$", "A telephone number is wanted, such as +8801700000000", max_length=MOBILE_MAX
    ),
]
Country = Annotated[
    str,
    text_matching(r"^[A-Z]{2}$", "A country's two letters are wanted, such as BD", description="ISO 3166-1 alpha-2"),
]
Postcode = Annotated[str, Meta(max_length=POSTCODE_MAX)]
PromoCode = Annotated[str, Meta(min_length=1, max_length=CODE_MAX)]
# Where a customer comes back to from their bank; `{orderId}` in it stands for the order's.
ReturnUrl = Annotated[
    str,
    text_matching(
        r"^https?://[^\s/]+/\S*$", "An address is wanted, such as https://shop.example.com/orders", max_length=2_000
    ),
]
Reason = Annotated[str, Meta(max_length=REASON_MAX)]
LineNote = Annotated[str, Meta(max_length=LINE_NOTE_MAX)]


class CustomerInfo(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    name: Name
    email: Email
    mobile: Mobile


class AddressInfo(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    name: Name
    line1: Line
    city: Line
    country: Country
    postcode: Postcode | None = None
    line2: Annotated[str, Meta(max_length=LINE_MAX)] | None = None
    location: Location | None = None
    """The coordinates, if known, for the estimated arrival."""


class Destination(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The part of an address that sets the delivery price."""

    country: Country
    postcode: Postcode | None = None


class CartItem(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    product_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
    note: LineNote | None = None
    """For the kitchen, as: no chilli."""


class CashPayment(Struct, frozen=True, tag_field="method", tag="cash", forbid_unknown_fields=True):
    """Cash to the driver or at the counter."""


class CardPayment(Struct, frozen=True, tag_field="method", tag="card", rename="camel", forbid_unknown_fields=True):
    """A card known to the payment provider only; `save` keeps it for later orders."""

    token: Annotated[
        str,
        text_matching(r"^(tok|pm)_[A-Za-z0-9_]+$", "A provider's token is wanted, such as tok_visa", max_length=128),
    ]
    save: bool | None = None
    return_url: ReturnUrl | None = None


class SavedCardPayment(
    Struct, frozen=True, tag_field="method", tag="saved_card", rename="camel", forbid_unknown_fields=True
):
    """A saved card, by our id."""

    saved_method_id: Annotated[
        str, text_matching(r"^pm_[A-Za-z0-9_]+$", "The id of a saved card is wanted, such as pm_1", max_length=64)
    ]
    return_url: ReturnUrl | None = None


class PlaceOrder(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to place an order. Prices are ours; `total` is only compared with them."""

    customer_info: CustomerInfo
    billing_info: AddressInfo | None = None
    """Needed, unless the order is collected and paid in cash."""
    shipping_info: AddressInfo | None = None
    """Needed for a delivery."""
    cart_items: Annotated[list[CartItem], Meta(min_length=1, max_length=CART_LINES_MAX)]
    payment_info: CashPayment | CardPayment | SavedCardPayment
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    promo_code: PromoCode | None = None
    total: Annotated[int, Meta(ge=0, le=PRICE_MINOR_MAX * QUANTITY_MAX)] | None = None
    requested_time: Annotated[datetime, Meta(tz=True)] | None = None
    """When the buyer wants to have it, within the shop's hours and some days ahead; null for as soon as possible."""

    @property
    def is_paid_at_the_counter(self) -> bool:
        """Whoever collects an order and pays in cash is there in person: nobody needs to know where they live."""
        return self.fulfilment is Fulfilment.PICKUP and isinstance(self.payment_info, CashPayment)

    @property
    def destination(self) -> Destination | None:
        address = self.shipping_info
        return None if address is None else Destination(address.country, address.postcode)


class QuoteOrder(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request for the price of a cart."""

    cart_items: Annotated[list[CartItem], Meta(min_length=1, max_length=CART_LINES_MAX)]
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    destination: Destination | None = None
    """Without it, the price of delivery outside of all zones."""
    promo_code: PromoCode | None = None


class OrderLine(Struct, frozen=True, rename="camel"):
    """A line as sold, with name and price of that day. `discount` is its share of the order's; `tax` is on the rest."""

    product_id: str
    name: str
    quantity: int
    unit_price: int
    line_total: int
    tax: int
    image: str
    discount: int = 0
    note: str | UnsetType = UNSET
    """What the buyer wishes of this line; left out where there is nothing."""


class PaymentInfo(Struct, frozen=True, rename="camel", omit_defaults=True):
    """How the order is paid; never a token."""

    method: PaymentMethod
    brand: str | None = None
    last4: str | None = None


class PublicCustomerInfo(Struct, frozen=True, rename="camel"):
    """The customer; may be empty in an order of another program."""

    name: str | None
    email: str | None
    mobile: str | None


class Order(Struct, frozen=True, kw_only=True, rename="camel"):
    """An order as the API and the feed have it. Sums are minor units of `currency`."""

    id: str
    number: int
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment: Fulfilment
    version: int
    subtotal: int
    tax: int
    shipping_fee: int
    discount: int
    total: int
    currency: str
    amount_paid: int
    """Captured or handed over so far."""
    amount_refunded: int
    amount_refunding: int
    """Being refunded, not yet confirmed by the provider."""
    prices_include_tax: bool
    """Whether `tax` is included in the other sums, or added."""
    promo_code: str | None
    customer_info: PublicCustomerInfo
    billing_info: AddressInfo | None
    shipping_info: AddressInfo | None
    cart_items: list[OrderLine]
    payment_info: PaymentInfo
    customer_id: str | None
    driver_id: str | None
    held_from: OrderStatus | None
    created_at: str
    updated_at: str
    status_since: str | UnsetType = UNSET
    """When it came into its status; left out by what was written before this was known."""
    promised_at: str | UnsetType | None = UNSET
    """When the shop promised to have it ready; null where nothing was promised, left out in orders of other systems."""
    requested_time: str | UnsetType | None = UNSET
    """When the buyer wants to have it; null for as soon as possible, left out in orders of other systems."""
    amount_to_collect: int | UnsetType = UNSET
    """For the driver: the cash to collect at the door."""
