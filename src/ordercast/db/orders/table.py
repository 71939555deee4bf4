"""Orders as they stand, what they sold, and all that ever happened to them."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentStatus
from ordercast.commerce.transitions import CARRIED, OPEN, reachable
from ordercast.db import domains
from ordercast.db.columns import (
    actor,
    amount,
    check,
    count,
    currency,
    entry,
    flag,
    given_moment,
    identifier,
    index,
    integer,
    json_array,
    json_object,
    line,
    moment,
    numbered,
    of,
    one_of,
    reason,
    references,
    table,
    tally,
    version,
    word,
)
from ordercast.db.payment_rules import ORDER_OWING_SQL
from ordercast.db.sql import literals

_IS_PENDING: Final = f"status = '{OrderStatus.PENDING}'"

_FINISHED: Final = {OrderStatus.READY_FOR_PICKUP, OrderStatus.READY_FOR_DELIVERY, OrderStatus.DELIVERED}
FINISHING_SQL: Final = f"to_status IN ({literals(_FINISHED)})"
"""Of the lines of history that end a preparation or a delivery."""

OF_GUEST_SQL: Final = "tracking_hash IS NOT NULL"
"""Of orders that were placed without an account, though somebody may have claimed them since."""

orders = table(
    "orders",
    # The number that people say aloud is the row's own key: it orders lists and pages without another index.
    numbered("number"),
    identifier("id", prefix="ord", unique=True),
    word("status", default=OrderStatus.PENDING),
    word("payment_status", default=PaymentStatus.UNPAID),
    word("fulfilment", default=Fulfilment.DELIVERY),
    version(),
    amount("subtotal"),
    amount("tax"),
    amount("shipping_fee"),
    amount("discount"),
    amount("total"),
    amount("captured"),
    amount("refunded"),
    # Being refunded, not yet confirmed by the provider.
    amount("refunding"),
    currency("BDT"),
    flag("prices_include_tax", False),
    line("promo_code", optional=True),
    # No foreign key: a shop's people may be known to another back end, which signs their tokens.
    identifier("customer_id", optional=True),
    line("customer_name", optional=True),
    line("customer_email", optional=True),
    line("customer_mobile", optional=True),
    json_object("billing_info", optional=True),
    json_object("shipping_info", optional=True),
    json_array("cart_items"),
    json_object("payment_info", '{"method":"cash"}'),
    identifier("driver_id", optional=True),
    word("held_from", optional=True),
    # Of the last change of the status; none while the order stands as it was written first.
    given_moment("status_since", optional=True),
    # When the shop promised to have it ready.
    given_moment("promised_at", optional=True),
    # When the buyer wants to have it; none for as soon as possible.
    given_moment("requested_time", optional=True),
    tally("attempts"),
    # The estimated arrival as of the last transition; part of the delivery's event.
    given_moment("eta_at", optional=True),
    of(domains.DIGEST, "tracking_hash", optional=True),
    # Of a guest's order that is to be paid later: a keyed hash of the address that it came from, by which those that
    # wait for the shop are counted.
    line("placed_from", optional=True),
    actor(),
    reason(),
    moment("created_at"),
    moment("updated_at"),
    check("captured_within_total", "captured <= total"),
    check("refunded_within_captured", "refunded + refunding <= captured"),
    one_of("status", OrderStatus),
    one_of("payment_status", PaymentStatus),
    one_of("fulfilment", Fulfilment),
    one_of("held_from", OPEN),
    check("order_held_from", f"(status = '{OrderStatus.ON_HOLD}') = (held_from IS NOT NULL)"),
    # An order that another program wrote may tell its total alone.
    check("order_sums", "subtotal = 0 OR total = subtotal - discount + shipping_fee + tax * (1 - prices_include_tax)"),
    # A new order is pending, and so spared the longer questions.
    check(
        "order_has_driver",
        f"{_IS_PENDING} OR driver_id IS NOT NULL OR coalesce(held_from, status) NOT IN ({literals(CARRIED)})",
    ),
    *(
        check(
            f"order_for_{kind}",
            f"{_IS_PENDING} OR fulfilment <> '{kind}' OR coalesce(held_from, status) IN ({literals(reachable(kind))})",
        )
        for kind in Fulfilment
    ),
    index("orders_by_customer", "customer_id", "number"),
    # Of somebody's hundred thousand orders the three on hold: along either of the others every one would be looked at.
    index("orders_by_customer_status", "customer_id", "status", "number"),
    index("orders_by_status", "status", "number"),
    index("orders_by_time", "created_at"),
    index("orders_by_driver", "driver_id", "number", where="driver_id IS NOT NULL"),
    index("orders_by_driver_status", "driver_id", "status", "number", where="driver_id IS NOT NULL"),
    index("orders_by_promotion", "promo_code", "customer_id", "status", where="promo_code IS NOT NULL"),
    index("orders_by_tracking_hash", "tracking_hash", unique=True, where="tracking_hash IS NOT NULL"),
    # By whoever shows that the address is theirs.
    index("orders_of_guests_by_email", "lower(customer_email)", "number", where=OF_GUEST_SQL),
    index(
        "orders_waiting_by_caller",
        "placed_from",
        where=f"placed_from IS NOT NULL AND {_IS_PENDING} AND payment_status = '{PaymentStatus.UNPAID}'",
    ),
    # Where another program's change may have left something to ask of the payment provider.
    index("orders_owing", "number", where=ORDER_OWING_SQL),
    autoincrement=True,
)

order_lines = table(
    "order_lines",
    integer("order_number", references("orders.number"), primary_key=True),
    count("position", default=None, primary_key=True),
    identifier("product_id", references("products.id")),
    count("quantity", check("quantity_positive", "quantity > 0"), default=None),
    amount("unit_price"),
    amount("line_total"),
    amount("tax"),
    # Whether the line's pieces are taken from the stock already; if not, a trigger takes them.
    flag("reserved", False),
    rowid=False,
)

order_history = table(
    "order_history",
    entry(),
    identifier("order_id"),
    version(None),
    word("from_status", optional=True),
    word("to_status"),
    word("from_payment_status", optional=True),
    word("to_payment_status"),
    actor(given=True),
    reason(),
    given_moment("at"),
    given_moment("promised_at", optional=True),
    index("history_by_order", "order_id", "entry"),
    # Of what became ready or was delivered on a day; placing an order writes nothing into it.
    index("history_of_finishing", "at", where=FINISHING_SQL),
    by_triggers=True,
)
