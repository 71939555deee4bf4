"""Where a customer's personal data is, table by table. This is the page to read when somebody asks to be forgotten.

A table that is neither in HOLDINGS nor in IMPERSONAL fails a test, so that nobody adds one without deciding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from .dialects import Dialect

ERASED_ACTOR: Final = "customer:erased"

_THEIR_ORDERS: Final = "order_id IN (SELECT id FROM orders WHERE customer_id = :customer_id)"


class Holding(NamedTuple):
    """What one table holds of a customer."""

    whose: str
    """SQL: which rows are theirs."""
    shown: tuple[str, ...]
    """The columns that an export tells; hashes, and what names other people, are none of them."""
    left: Mapping[str, str | Callable[[Dialect], str]] | None = None
    """SQL of what stands in a column after they were erased, by dialect where that differs; None where the rows go."""
    touched: str = "TRUE"
    """SQL: which of those rows erasing concerns at all."""
    key: str = "id"
    """The column by which an export goes through those rows, a page at a time."""

    @property
    def goes_with_orders(self) -> bool:
        """Whether they are found by the orders that they belong to."""
        return self.whose == _THEIR_ORDERS


HOLDINGS: Final[dict[str, Holding]] = {
    "customers": Holding(
        "id = :customer_id",
        ("id", "email", "name", "mobile", "created_at"),
        {"email": "'erased:' || id", "name": "''", "mobile": "''"},
    ),
    "accounts": Holding(
        "id = :customer_id AND role = 'customer'", ("id", "email", "name", "role", "active", "created_at")
    ),
    "sign_ins": Holding("account_id = :customer_id", ("id", "created_at", "rotated_at", "expires_at")),
    # What was bought and paid stays: the shop's books are kept by law, and stock and statistics are made of it.
    "orders": Holding(
        "customer_id = :customer_id",
        (
            "id", "number", "status", "payment_status", "fulfilment", "subtotal", "tax", "shipping_fee", "discount",
            "promo_code", "total", "captured", "refunded", "currency", "customer_id", "customer_name", "customer_email",
            "customer_mobile", "billing_info", "shipping_info", "cart_items", "payment_info", "created_at",
            "updated_at",
        ),
        {
            "customer_name": "NULL",
            "customer_email": "NULL",
            "customer_mobile": "NULL",
            "billing_info": "NULL",
            "shipping_info": "NULL",
            "payment_info": lambda dialect: dialect.object_of(
                [f"'method', {dialect.json_member('payment_info', 'method')}"]
            ),
            "tracking_hash": "NULL",
            "placed_from": "NULL",
            "version": "version + 1",
            "actor": ":actor",
            "reason": "'The personal data was erased.'",
            "updated_at": ":now",
        },
        touched="(customer_name IS NOT NULL OR customer_email IS NOT NULL OR customer_mobile IS NOT NULL"
        " OR billing_info IS NOT NULL OR shipping_info IS NOT NULL)",
        key="number",
    ),
    # Only what the customer did and said; the shop's own notes are the shop's to write with care.
    "order_history": Holding(
        _THEIR_ORDERS,
        ("order_id", "version", "from_status", "to_status", "from_payment_status", "to_payment_status", "reason", "at"),
        {"actor": f"'{ERASED_ACTOR}'", "reason": "NULL"},
        touched="actor = 'customer:' || CAST(:customer_id AS TEXT)",
    ),
    # Where it was handed over is where somebody lives; a proof may be their name or their signature.
    "deliveries": Holding(
        _THEIR_ORDERS, ("order_id", "stage", "attempts", "eta_at", "lat", "lng", "at"), {"lat": "NULL", "lng": "NULL"}
    ),
    "delivery_proofs": Holding(_THEIR_ORDERS, ("order_id", "kind", "value", "at"), {"value": "'[erased]'"}),
    "payments": Holding(_THEIR_ORDERS, ("order_id", "provider", "reference", "kind", "amount", "currency", "at"), {}),
    "refunds": Holding(
        _THEIR_ORDERS, ("order_id", "provider", "reference", "state", "amount", "currency", "reason", "at"), {}
    ),
    # Taken away by `saved_cards`, which also has the provider forget the card.
    "payment_methods": Holding(
        "customer_id = :customer_id", ("id", "provider", "reference", "brand", "last4", "created_at"), {}
    ),
    "notification_reads": Holding("user_id = :customer_id", ("notification_id", "read_at"), key="notification_id"),
    "notification_marks": Holding("user_id = :customer_id", ("recipient", "through", "read_at"), key="through"),
    "notifications": Holding(
        "recipient = :customer_id", ("id", "kind", "order_id", "data", "severity", "created_at"), key="entry"
    ),
    # A copy of what another program keeps: gone here, it comes back only if that program has not forgotten it too.
    "mirrored_orders": Holding("customer_id = :customer_id", ("source", "id", "document", "updated_at"), key="entry"),
    "erasures": Holding("customer_id = :customer_id", ("id", "at"), {}),
}  # fmt: skip

KNOWN_BY: Final = ("customers", "accounts", "orders", "payment_methods", "mirrored_orders")
"""Tables by whose texts somebody is known, and looked for in the copies."""

COPIES: Final[dict[str, str]] = {}
"""Tables that hold documents, which are searched for what is the customer's."""

IMPERSONAL: Final[dict[str, str]] = {
    "order_lines": "goods and sums of an order",
    "payment_disputes": "a provider's name for a dispute",
    "payment_events": "names of a provider's messages",
    "payment_mismatches": "sums, and the names of orders and payments",
    "payment_tasks": "what a provider is to be asked, by its own names for payments and cards",
    "revocations": "names of people and tokens that are refused, which must outlive them",
    "sandbox_notices": "of the make-believe provider",
    "sandbox_payments": "of the make-believe provider",
    "source_positions": "how far other programs' databases have been read",
}
