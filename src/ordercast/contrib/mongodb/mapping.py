"""A document of another shop's order, read as an order of ours.

Shops name things as they like; the lists below are the names that are understood, the first that is there is taken.
``docs/guides/mongodb.md`` has them as a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bson import ObjectId

from ordercast.commerce.errors import UnknownStatus
from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentMethod, PaymentStatus, resolve_status

from .values import minor, moment_of, name_of, text, whole

Document = Mapping[str, Any]

# An order that has more lines shows these; no honest one has.
LINES_MAX: Final = 500

_STATUS: Final = ("status", "orderStatus", "order_status")
_PAYMENT_STATUS: Final = ("paymentStatus", "payment_status")
_LINES: Final = ("cartItems", "items", "orderItems", "products", "lines")
_TOTAL: Final = ("total", "totalAmount", "totalPrice", "grandTotal", "amount")
_CUSTOMER: Final = ("customerInfo", "customer", "customerDetails", "user", "contact")
_CUSTOMER_ID: Final = ("customerId", "customer_id", "userId", "user_id", "customer", "user")
_DRIVER_ID: Final = ("driverId", "driver_id", "assignedDriver", "deliveryPerson", "driver")
_SHIPPING: Final = ("shippingInfo", "shippingAddress", "deliveryAddress", "address")
_BILLING: Final = ("billingInfo", "billingAddress")
_FULFILMENT: Final = ("fulfilment", "fulfillment", "deliveryType", "deliveryMethod", "orderType")
_METHOD: Final = ("paymentMethod", "payment_method")
_NUMBER: Final = ("number", "orderNumber", "order_number")
_CREATED: Final = ("createdAt", "created_at", "orderDate", "date")
_SUMS: Final = {
    "subtotal": ("subtotal", "subTotal", "itemsPrice"),
    "tax": ("tax", "taxAmount", "taxPrice"),
    "shippingFee": ("shippingFee", "deliveryFee", "deliveryCharge", "shippingCost", "shippingPrice"),
    "discount": ("discount", "discountAmount"),
}

_SPELT: Final = {
    "canceled": "cancelled",
    "confirmed": "accepted",
    "preparing": "packing",
    "shipped": "out_for_delivery",
}
_PAYMENT_NAMES: Final = {
    **{str(status): status for status in PaymentStatus},
    "pending": PaymentStatus.UNPAID,
    "completed": PaymentStatus.PAID,
    "succeeded": PaymentStatus.PAID,
    "captured": PaymentStatus.PAID,
    "cancelled": PaymentStatus.VOIDED,
}
# Of these, some shops write one where the order's own status belongs.
_PAYMENT_ALONE: Final = _PAYMENT_NAMES.keys() - {*map(str, OrderStatus), "completed"}
_PICKED_UP: Final = frozenset({"pickup", "pick_up", "takeaway", "collection", "collect"})
_METHODS: Final = {
    **{str(method): method for method in PaymentMethod},
    "cod": PaymentMethod.CASH,
    "cash_on_delivery": PaymentMethod.CASH,
    "credit_card": PaymentMethod.CARD,
    "debit_card": PaymentMethod.CARD,
    "stripe": PaymentMethod.CARD,
}
_CAPTURED: Final = frozenset(
    {PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED, PaymentStatus.DISPUTED}
)
_TELLING: Final = frozenset((*_STATUS, *_PAYMENT_STATUS, *_LINES, *_TOTAL))
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(slots=True)
class Mapped:
    """An order's document in our shape, without its version; and the fields that could not be read."""

    order: dict[str, Any]
    unread: list[str] = field(default_factory=list)


def is_order(document: Document) -> bool:
    """Whether anything in it speaks of an order, and its id can be named. Other documents may share the collection."""
    return name_of(document.get("_id")) is not None and not _TELLING.isdisjoint(document)


def map_order(document: Document, *, number: int, currency: str, now: str, former: Document | None = None) -> Mapped:
    """Read `document`; `former` is the order as mirrored last. A status that nobody knows leaves it where it was.

    `number` is for an order that brings none. Amounts are major units of `currency`, unless the document names another.
    """
    return _Reading(document, currency, former or {}).order(number, now)


class _Reading:
    def __init__(self, document: Document, currency: str, former: Document) -> None:
        self._document = document
        self._former = former
        named = (text(document.get("currency")) or "").upper()
        self._currency = named if _CURRENCY.fullmatch(named) else currency
        self._unread: list[str] = []

    def order(self, number: int, now: str) -> Mapped:
        document, fulfilment = self._document, self._fulfilment()
        status, payment = self._status(fulfilment), self._payment_status()
        total = self._amount("total", _TOTAL, None)
        customer = self._customer()
        updated_at = moment_of(document.get("updatedAt", document.get("updated_at"))) or now
        order = {
            "id": name_of(document["_id"]),
            "number": self._number(number),
            "status": status,
            "paymentStatus": payment,
            "fulfilment": fulfilment,
            **{name: self._amount(name, names, 0) for name, names in _SUMS.items()},
            "total": total,
            "currency": self._currency,
            "amountPaid": self._amount("amountPaid", ("amountPaid",), total if payment in _CAPTURED else 0),
            "amountRefunded": self._amount(
                "amountRefunded",
                ("amountRefunded", "refundedAmount", "refundAmount"),
                total if payment == PaymentStatus.REFUNDED else 0,
            ),
            "amountRefunding": 0,
            "promoCode": _text(document, "promoCode", "couponCode", "coupon"),
            "pricesIncludeTax": False,
            "customerInfo": customer,
            "billingInfo": _address(_first(document, _BILLING), customer["name"]),
            "shippingInfo": _address(_first(document, _SHIPPING), customer["name"]),
            "cartItems": list(self._lines()),
            "paymentInfo": {"method": self._method()},
            "customerId": _named(document, _CUSTOMER_ID) or name_of(_within(document, _CUSTOMER).get("_id")),
            "driverId": _named(document, _DRIVER_ID),
            "heldFrom": None,
            "createdAt": self._created_at() or now,
            "updatedAt": updated_at,
            "statusSince": self._status_since(status, updated_at),
            "promisedAt": None,
            "requestedTime": None,
        }
        return Mapped(order, self._unread)

    # --- Words ------------------------------------------------------------------------------------------------------

    def _status_since(self, status: OrderStatus, updated_at: str) -> str:
        """The moment of the change that showed it so first."""
        since = self._former.get("statusSince") if self._former.get("status") == status else None
        return since if isinstance(since, str) else updated_at

    def _status(self, fulfilment: Fulfilment) -> OrderStatus:
        former = OrderStatus(self._former.get("status", OrderStatus.PENDING))
        name = _word(_first(self._document, _STATUS))
        if name is None or name in _PAYMENT_ALONE:
            return former
        try:
            return resolve_status(_SPELT.get(name, name), fulfilment)
        except UnknownStatus:
            self._unread.append("status")
            return former

    def _payment_status(self) -> PaymentStatus:
        named = _word(_first(self._document, _PAYMENT_STATUS)) or _word(self._payment().get("status"))
        if named is not None:
            if (known := _PAYMENT_NAMES.get(_SPELT.get(named, named))) is not None:
                return known
            self._unread.append("paymentStatus")
            return PaymentStatus(self._former.get("paymentStatus", PaymentStatus.UNPAID))
        status = _word(_first(self._document, _STATUS))
        if status in _PAYMENT_ALONE:
            return _PAYMENT_NAMES[str(status)]
        return PaymentStatus.PAID if self._document.get("isPaid") is True else PaymentStatus.UNPAID

    def _fulfilment(self) -> Fulfilment:
        named = _word(_first(self._document, _FULFILMENT)) or _word(_first(self._document, _STATUS))
        is_picked_up = named in _PICKED_UP or named == OrderStatus.READY_FOR_PICKUP
        return Fulfilment.PICKUP if is_picked_up else Fulfilment.DELIVERY

    def _method(self) -> PaymentMethod | None:
        named = _word(_first(self._document, _METHOD)) or _word(self._payment().get("method"))
        return None if named is None else _METHODS.get(named)

    def _payment(self) -> Document:
        return _within(self._document, ("paymentInfo", "payment"))

    # --- Numbers ----------------------------------------------------------------------------------------------------

    def _number(self, otherwise: int) -> int:
        number = whole(_first(self._document, _NUMBER))
        return otherwise if number is None or number < 0 else number

    def _amount(self, name: str, names: tuple[str, ...], otherwise: int | None) -> int | None:
        value = _first(self._document, names)
        if value is None:
            return otherwise
        amount = minor(value, self._currency)
        if amount is None:
            self._unread.append(name)
        return amount

    def _lines(self) -> Iterator[dict[str, Any]]:
        lines = _first(self._document, _LINES)
        if not isinstance(lines, list):
            return
        for line in lines[:LINES_MAX]:
            if isinstance(line, Mapping):
                yield self._line(line)
            else:
                self._unread.append("cartItems")

    def _line(self, line: Document) -> dict[str, Any]:
        product = _within(line, ("product", "productId"))
        quantity = whole(_first(line, ("quantity", "qty", "count")))
        price = minor(_first(line, ("price", "unitPrice")), self._currency)
        total = minor(_first(line, ("lineTotal", "total")), self._currency)
        if total is None and price is not None and quantity is not None:
            total = price * quantity
        return {
            "productId": _named(line, ("productId", "product", "_id")),
            "name": _text(line, "name", "title", "productName") or _text(product, "name", "title"),
            "quantity": quantity,
            "unitPrice": price,
            "lineTotal": total,
            "tax": 0,
            "image": _text(line, "image", "img") or "",
            "discount": 0,
        }

    # --- People and times -------------------------------------------------------------------------------------------

    def _customer(self) -> dict[str, str | None]:
        customer, document = _within(self._document, _CUSTOMER), self._document
        names = [part for part in (_text(customer, "firstName"), _text(customer, "lastName")) if part]
        return {
            "name": _text(customer, "name", "fullName") or " ".join(names) or _text(document, "customerName"),
            "email": _text(customer, "email") or _text(document, "customerEmail", "email"),
            "mobile": _text(customer, "mobile", "phone", "phoneNumber")
            or _text(document, "customerPhone", "mobile", "phone"),
        }

    def _created_at(self) -> str | None:
        if (created := moment_of(_first(self._document, _CREATED))) is not None:
            return created
        id_ = self._document["_id"]
        made = moment_of(id_.generation_time) if isinstance(id_, ObjectId) else None
        former: str | None = self._former.get("createdAt")
        return made or former


def _address(value: Any, customer_name: str | None) -> dict[str, Any] | None:
    if isinstance(value, str):
        value = {"line1": value}
    if not isinstance(value, Mapping) or not value:
        return None
    optional = {"postcode": _text(value, "postcode", "postalCode", "zip", "zipCode"), "line2": _text(value, "line2")}
    return {
        "name": _text(value, "name", "fullName") or customer_name or "",
        "line1": _text(value, "line1", "street", "address", "addressLine1") or "",
        "city": _text(value, "city", "town") or "",
        "country": _text(value, "country", "countryCode") or "",
        **{name: value for name, value in optional.items() if value is not None},
    }


def _first(document: Document, names: tuple[str, ...]) -> Any:
    return next((document[name] for name in names if document.get(name) is not None), None)


def _within(document: Document, names: tuple[str, ...]) -> Document:
    """The first of those that is an embedded document."""
    return next((document[name] for name in names if isinstance(document.get(name), Mapping)), {})


def _text(document: Document, *names: str) -> str | None:
    return next((value for name in names if (value := text(document.get(name))) is not None), None)


def _named(document: Document, names: tuple[str, ...]) -> str | None:
    return next((named for name in names if (named := name_of(document.get(name))) is not None), None)


def _word(value: Any) -> str | None:
    word = text(value)
    return None if word is None else re.sub(r"[\s-]+", "_", word.lower())
