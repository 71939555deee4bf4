"""Where drivers are and whether they work, who brought which order, and what proves it."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ordercast.commerce.deliveries import ProofKind
from ordercast.db.columns import (
    actor,
    count,
    degrees,
    entry,
    given_moment,
    identifier,
    metadata,
    moment,
    one_of,
    text,
    version,
    word,
)

# Each stage of a delivery, as it was then: the order's own row knows only its driver of now.
deliveries = Table(
    "deliveries",
    metadata,
    entry(),
    identifier("order_id"),
    version(None),
    word("stage"),
    identifier("driver_id", optional=True),
    identifier("former_driver_id", optional=True),
    count("attempts", default=None),
    given_moment("eta_at", optional=True),
    degrees("lat", 90),
    degrees("lng", 180),
    given_moment("at"),
    Index("deliveries_by_order", "order_id", "entry"),
)

delivery_proofs = Table(
    "delivery_proofs",
    metadata,
    identifier("order_id", primary_key=True),
    word("kind"),
    text("value"),
    actor(given=True),
    moment("at"),
    one_of("kind", ProofKind),
    sqlite_with_rowid=False,
)
