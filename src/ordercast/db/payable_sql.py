"""SQL about payables, for tables that reference them by id."""

from __future__ import annotations


def is_booking_sql(column: str) -> str:
    """SQL condition: the id is a booking's."""
    return f"EXISTS (SELECT 1 FROM bookings WHERE bookings.id = {column})"


def order_id_sql(column: str) -> str:
    """SQL: the id if it is an order's, else NULL."""
    return f"CASE WHEN {is_booking_sql(column)} THEN NULL ELSE {column} END"


def booking_id_sql(column: str) -> str:
    """SQL: the id if it is a booking's, else NULL."""
    return f"CASE WHEN {is_booking_sql(column)} THEN {column} END"
