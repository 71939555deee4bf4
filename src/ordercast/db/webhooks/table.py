"""Endpoints of the shop's own systems, what each was or is to be sent, and how each attempt went."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.webhook_endpoints import DeliveryState, DisabledBy
from ordercast.db.columns import (
    actor,
    count,
    document,
    entry,
    flag,
    given_moment,
    identifier,
    index,
    line,
    moment,
    one_of,
    table,
    text,
    version,
    word,
)

ENDPOINTS: Final = "webhook_endpoints"
DELIVERIES: Final = "webhook_deliveries"
ATTEMPTS: Final = "webhook_attempts"

IS_PENDING: Final = f"state = '{DeliveryState.PENDING}'"

# Nothing is sent to it any more, and nobody wanted that.
IS_STOPPED: Final = f"enabled = 0 AND disabled_by <> '{DisabledBy.ADMIN}'"

webhook_endpoints = table(
    ENDPOINTS,
    identifier("id", prefix="whe", primary_key=True),
    line("url"),
    text("description", default=""),
    # Filters, between spaces.
    text("events", default="*"),
    # Sealed, between spaces, the one of now first: each as ``until=sealed``, with no `until` for that one.
    text("secrets", default=""),
    flag("enabled", True),
    word("disabled_by", optional=True),
    # Since when nothing was delivered.
    given_moment("failing_since", optional=True),
    # The row of the feed up to which deliveries were made of it.
    count("through"),
    version(),
    actor(),
    moment("created_at"),
    moment("updated_at"),
    one_of("disabled_by", DisabledBy),
    index("webhook_endpoints_enabled", "id", where="enabled = 1"),
    index("webhook_endpoints_stopped", "id", where=IS_STOPPED),
    rowid=False,
)

webhook_deliveries = table(
    DELIVERIES,
    # The order in which they were made, which is the feed's.
    entry(),
    identifier("id", prefix="whd", unique=True),
    identifier("endpoint_id"),
    # The event's id, which each attempt carries as `webhook-id`.
    identifier("event_id"),
    word("event"),
    # The order, product or the like that it is about: one of them is told in order.
    identifier("subject", optional=True),
    count("seq"),
    document("body"),
    word("state", default=DeliveryState.PENDING),
    count("attempts"),
    given_moment("due_at"),
    text("problem", optional=True),
    moment("created_at"),
    given_moment("ended_at", optional=True),
    one_of("state", DeliveryState),
    # What makes it once for each endpoint and event.
    index("webhook_deliveries_once", "endpoint_id", "event_id", unique=True),
    index("webhook_deliveries_due", "endpoint_id", "due_at", "entry", where=IS_PENDING),
    index("webhook_deliveries_in_turn", "endpoint_id", "subject", "entry", where=IS_PENDING),
    index("webhook_deliveries_newest", "endpoint_id", "entry"),
    index("webhook_deliveries_by_state", "endpoint_id", "state", "entry"),
    index("webhook_deliveries_by_age", "created_at"),
    index("webhook_deliveries_by_subject", "subject", where="subject IS NOT NULL"),
    autoincrement=True,
    may_be_emptied=True,
)

webhook_attempts = table(
    ATTEMPTS,
    entry(),
    identifier("delivery_id"),
    moment("at"),
    # Of the answer; none came where there is none.
    count("status", default=None, optional=True),
    text("headers", default=""),
    text("body", default=""),
    count("duration_ms"),
    text("problem", optional=True),
    index("webhook_attempts_by_delivery", "delivery_id", "entry"),
    may_be_emptied=True,
)
