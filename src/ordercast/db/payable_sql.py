"""SQL of what is paid for, for the tables that name it by its id alone."""

from __future__ import annotations


def is_booking_sql(column: str) -> str:
    """Whether what the column names is a booking."""
    return f"EXISTS (SELECT 1 FROM bookings WHERE bookings.id = {column})"


def order_id_sql(column: str) -> str:
    """What the column names, unless it is a booking."""
    return f"CASE WHEN {is_booking_sql(column)} THEN NULL ELSE {column} END"


def booking_id_sql(column: str) -> str:
    """What the column names, if it is a booking."""
    return f"CASE WHEN {is_booking_sql(column)} THEN {column} END"
