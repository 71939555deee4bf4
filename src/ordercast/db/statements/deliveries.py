"""Drivers' duty and places, and the stages and proofs of deliveries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, insert, literal_column, select, update
from sqlalchemy import func as sql

from ordercast.commerce.deliveries import CARRYING
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.transitions import TERMINAL
from ordercast.db.dialects.dialect import Insert
from ordercast.db.schema import accounts, delivery_proofs, driver_states, orders
from ordercast.db.schema.columns import names

from .compiling import ZERO, Compiler, to_change

_PLACE = ("lat", "lng", "accuracy_m", "located_at")


class DeliveryStatements:
    def __init__(self, text: Compiler) -> None:
        # The names of all that are open, for which an index has places, and not of those that are not.
        is_open: ColumnElement[bool] = literal_column(f"orders.status IN ({names({*OrderStatus} - {*TERMINAL})})")
        is_carried: ColumnElement[bool] = literal_column(f"orders.status IN ({names(CARRYING)})")
        is_driver = accounts.c.role == literal_column(f"'{Role.DRIVER}'")
        theirs = orders.c.driver_id == accounts.c.id
        held = select(sql.count()).select_from(orders).where(theirs, is_open).scalar_subquery()
        drivers = (
            select(
                accounts.c.id,
                accounts.c.name,
                accounts.c.active,
                driver_states.c.on_duty,
                *(driver_states.c[name] for name in _PLACE),
                held,
            )
            .select_from(accounts)
            .outerjoin(driver_states, driver_states.c.driver_id == accounts.c.id)
            .where(is_driver)
        )
        self.driver = text(drivers.where(accounts.c.id == bindparam("id")))
        self.drivers_after = text(
            drivers.where(accounts.c.id > bindparam("after"))
            .order_by(accounts.c.id)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        # From those on duty on, which are few; SQLite takes a CROSS JOIN in the order in which it is written.
        self.free = text.written(f"""
            SELECT accounts.id, driver_states.lat, driver_states.lng, driver_states.located_at,
              driver_states.assigned_at
            FROM driver_states CROSS JOIN accounts
            WHERE driver_states.on_duty = 1 AND accounts.id = driver_states.driver_id AND {is_driver}
              AND accounts.active = 1 AND NOT EXISTS (
                SELECT 1 FROM orders WHERE orders.driver_id = driver_states.driver_id AND {is_open})
        """)  # noqa: S608 - names of ours
        self.on_duty = text(select(driver_states.c.on_duty).where(driver_states.c.driver_id == bindparam("driver_id")))
        self.hold = text(
            to_change(select(driver_states.c.driver_id).where(driver_states.c.driver_id == bindparam("driver_id")))
        )
        duty = text.dialect.insert(driver_states).values(
            {n: bindparam(n) for n in ("driver_id", "on_duty", "updated_at")}
        )
        self.set_duty = text(_or_update(duty, ("on_duty", "updated_at")))
        place = text.dialect.insert(driver_states).values(
            {name: bindparam(name) for name in ("driver_id", *_PLACE, "updated_at")}
        )
        self.set_place = text(_or_update(place, (*_PLACE, "updated_at")))
        self.assigned = text(
            update(driver_states)
            .values(assigned_at=bindparam("at"))
            .where(driver_states.c.driver_id == bindparam("id"))
        )
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


def _or_update(row: Insert, columns: tuple[str, ...]) -> Insert:
    return row.on_conflict_do_update(index_elements=["driver_id"], set_={name: row.excluded[name] for name in columns})
