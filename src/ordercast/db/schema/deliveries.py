"""Where drivers are and whether they work, who brought which order, and what proves it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Table
from sqlalchemy import text as sql

from ordercast.commerce.deliveries import ProofKind

from .columns import Integer, Text, metadata, moment, one_of, partial

driver_states = Table(
    "driver_states",
    metadata,
    Column("driver_id", Text, primary_key=True),
    Column("on_duty", Integer, nullable=False, server_default=sql("0")),
    Column("lat", Float, CheckConstraint("lat BETWEEN -90 AND 90", name="lat_bounds")),
    Column("lng", Float, CheckConstraint("lng BETWEEN -180 AND 180", name="lng_bounds")),
    Column("accuracy_m", Float),
    Column("located_at", Text),
    Column("assigned_at", Text),
    moment("updated_at"),
    partial("drivers_on_duty", "driver_id", where="on_duty = 1"),
    sqlite_with_rowid=False,
)

# Each stage of a delivery, as it was then: the order's own row knows only its driver of now.
deliveries = Table(
    "deliveries",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("driver_id", Text),
    Column("former_driver_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("eta_at", Text),
    Column("lat", Float),
    Column("lng", Float),
    Column("at", Text, nullable=False),
    Index("deliveries_by_order", "order_id", "entry"),
)

delivery_proofs = Table(
    "delivery_proofs",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    moment("at"),
    one_of("kind", ProofKind),
    sqlite_with_rowid=False,
)
