"""Drivers' duty and places, and the stages and proofs of deliveries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, insert, literal_column, select

from ordercast.commerce.deliveries import CARRYING
from ordercast.db.columns import names
from ordercast.db.schema import accounts, delivery_proofs, driver_states, orders

from .compiling import Compiler

_PLACE = ("lat", "lng", "accuracy_m", "located_at")


class DeliveryStatements:
    def __init__(self, text: Compiler) -> None:
        is_carried: ColumnElement[bool] = literal_column(f"orders.status IN ({names(CARRYING)})")
        destination: ColumnElement[str | None] = literal_column(
            text.dialect.json_member("orders.shipping_info", "location")
        )
        carried = (orders.c.id, orders.c.number, orders.c.customer_id, orders.c.status, destination)
        # Sorted, with a plus that says so: along the numbers lies everything that the driver ever brought.
        by_number: ColumnElement[int] = literal_column("+orders.number")
        self.carried = text(
            select(*carried).where(orders.c.driver_id == bindparam("driver_id"), is_carried).order_by(by_number)
        )
        self.destination = text(select(destination).where(orders.c.id == bindparam("id")))
        self.prove = text(
            insert(delivery_proofs).values({n: bindparam(n) for n in ("order_id", "kind", "value", "actor", "at")})
        )
        self.proof = text(
            select(delivery_proofs.c.kind, delivery_proofs.c.value, delivery_proofs.c.at).where(
                delivery_proofs.c.order_id == bindparam("order_id")
            )
        )
        self.newest_stage = text(
            select(
                orders.c.status,
                orders.c.driver_id,
                orders.c.attempts,
                destination,
                accounts.c.name,
                *(driver_states.c[name] for name in _PLACE),
            )
            .select_from(orders)
            .outerjoin(accounts, accounts.c.id == orders.c.driver_id)
            .outerjoin(driver_states, driver_states.c.driver_id == orders.c.driver_id)
            .where(orders.c.id == bindparam("id"))
        )
