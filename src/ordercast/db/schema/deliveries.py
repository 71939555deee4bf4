"""Where drivers are and whether they work, who brought which order, and what proves it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table

from ordercast.commerce.deliveries import ProofKind

from .columns import (
    actor,
    count,
    degrees,
    entry,
    flag,
    given_moment,
    identifier,
    metadata,
    moment,
    one_of,
    partial,
    text,
    version,
    word,
)
from .domains import Real

# Whoever does not know it to within half the earth does not know it.
ACCURACY_M_MAX: Final = 20_100_000

driver_states = Table(
    "driver_states",
    metadata,
    identifier("driver_id", primary_key=True),
    flag("on_duty", False),
    degrees("lat", 90),
    degrees("lng", 180),
    Column(
        "accuracy_m",
        Real,
        CheckConstraint(f"accuracy_m BETWEEN 0 AND {ACCURACY_M_MAX}", name="accuracy_bounds"),
    ),
    given_moment("located_at", optional=True),
    given_moment("assigned_at", optional=True),
    moment("updated_at"),
    partial("drivers_on_duty", "driver_id", where="on_duty = 1"),
    sqlite_with_rowid=False,
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
