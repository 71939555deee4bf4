"""Tables: webhook endpoints, deliveries, attempts."""

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

# Disabled automatically, not by an admin.
IS_STOPPED: Final = f"enabled = 0 AND disabled_by <> '{DisabledBy.ADMIN}'"

webhook_endpoints = table(
    ENDPOINTS,
    identifier("id", prefix="whe", primary_key=True),
    line("url"),
    text("description", default=""),
    # Filters, separated by spaces.
    text("events", default="*"),
    # Sealed secrets, separated by spaces, the current one first: each as ``until=sealed``, without `until` for that
    # one.
    text("secrets", default=""),
    flag("enabled", True),
    word("disabled_by", optional=True),
    # Since when no delivery was accepted.
    given_moment("failing_since", optional=True),
    # The cursor: the feed's row up to which deliveries were made.
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
    # Creation order, which is the feed's order.
    entry(),
    identifier("id", prefix="whd", unique=True),
    identifier("endpoint_id"),
    # The event's id, the `webhook-id` of each attempt.
    identifier("event_id"),
    word("event"),
    # The order, product or other thing it is about; deliveries of one subject are sent in order.
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
    # One delivery per endpoint and event.
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
    # Of the response; NULL if none came.
    count("status", default=None, optional=True),
    text("headers", default=""),
    text("body", default=""),
    count("duration_ms"),
    text("problem", optional=True),
    index("webhook_attempts_by_delivery", "delivery_id", "entry"),
    may_be_emptied=True,
)
