"""Units of work on deliveries: drivers, proofs and estimated arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import cleandoc
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.deliveries import (
    CARRYING,
    ON_THE_WAY,
    DeliveryRules,
    Handover,
    ProofKind,
    check_handover,
    nearest_free_driver,
    seconds_to_arrival,
)
from ordercast.commerce.errors import NoDriverFree, NotFound
from ordercast.commerce.geo import Location
from ordercast.commerce.people import Actor
from ordercast.commerce.states import Fulfilment, OrderState, OrderStatus
from ordercast.commerce.status_flow import StatusChanged, allowed_next
from ordercast.commerce.timestamps import Timestamp, timestamp

from . import columns, drivers
from .columns import count, degrees, entry, given_moment, identifier, index, one_of, table, text, version, word
from .dialects import Trigger
from .drivers import DriverPosition
from .notifications.triggers import NOTES_OF_DELIVERIES
from .noun import THEIR_ORDERS, Noun, PersonalData
from .sql import literals
from .statement import Statement, statements_in
from .transaction import UNREADABLE, Transaction
from .trigger_helpers import FEED_COLUMNS, refused, same
from .types import ChangeKind

# The stages of deliveries, each with the driver and place of then; the order has only the current driver.
deliveries = table(
    "deliveries",
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
    index("deliveries_by_order", "order_id", "entry"),
)

delivery_proofs = table(
    "delivery_proofs",
    identifier("order_id", primary_key=True),
    word("kind"),
    text("value"),
    columns.actor(given=True),
    columns.moment("at"),
    one_of("kind", ProofKind),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

_DESTINATION: Final = "@json_member(orders.shipping_info, location)"
# The plus keeps SQLite from using the index on numbers, which would read all deliveries of the driver.
CARRIED: Final = Statement(f"""
    SELECT orders.id, orders.number, orders.customer_id, orders.status, {_DESTINATION}
    FROM orders WHERE orders.driver_id = :driver_id AND orders.status IN ({literals(CARRYING)})
    ORDER BY +orders.number
""")
DESTINATION: Final = Statement(f"SELECT {_DESTINATION} FROM orders WHERE id = :id")
PROVE: Final = Statement("""
    INSERT INTO delivery_proofs (order_id, kind, value, actor, at) VALUES (:order_id, :kind, :value, :actor, :at)
""")
PROOF: Final = Statement("SELECT kind, value, at FROM delivery_proofs WHERE order_id = :order_id")
NEWEST_STAGE: Final = Statement(f"""
    SELECT orders.status, orders.driver_id, orders.attempts, {_DESTINATION}, accounts.name, driver_states.lat,
      driver_states.lng, driver_states.accuracy_m, driver_states.located_at
    FROM orders
      LEFT JOIN accounts ON accounts.id = orders.driver_id
      LEFT JOIN driver_states ON driver_states.driver_id = orders.driver_id
    WHERE orders.id = :id
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------
# Records each stage, with a feed row. Part of the orders' trigger, before the order's feed row, which must be a
# change's last.

# Part of the trigger on orders, before the order's own row in the feed, which stays the last that a change writes.
DELIVERY_MOVED: Final = cleandoc(f"""
    INSERT INTO deliveries (order_id, version, stage, driver_id, former_driver_id, attempts, eta_at, lat, lng, at)
      SELECT o.id, o.version, o.status, o.driver_id,
        CASE WHEN OLD.driver_id IS DISTINCT FROM o.driver_id THEN OLD.driver_id END,
        o.attempts, CASE WHEN OLD.eta_at IS DISTINCT FROM o.eta_at THEN o.eta_at END, d.lat, d.lng, o.updated_at
      FROM orders o
        LEFT JOIN driver_states d ON d.driver_id = o.driver_id AND o.status IN ({literals(CARRYING)})
      WHERE o.number = NEW.number AND o.fulfilment = '{Fulfilment.DELIVERY}'
        AND (OLD.driver_id IS DISTINCT FROM o.driver_id OR (OLD.status <> o.status AND o.driver_id IS NOT NULL))
""")

_DRIVER: Final = "@json_object('id', NEW.driver_id, 'name', (SELECT name FROM accounts WHERE id = NEW.driver_id))"
_LOCATED_AT: Final = "(SELECT located_at FROM driver_states WHERE driver_id = NEW.driver_id)"
_POSITION: Final = f"@json_object('lat', NEW.lat, 'lng', NEW.lng, 'at', {_LOCATED_AT})"
_DOCUMENT: Final = f"""@json_object('orderId', o.id, 'number', o.number, 'customerId', o.customer_id,
      'stage', NEW.stage, 'driver', CASE WHEN NEW.driver_id IS NOT NULL THEN {_DRIVER} END,
      'formerDriverId', NEW.former_driver_id, 'attempts', NEW.attempts, 'eta', NEW.eta_at,
      'position', CASE WHEN NEW.lat IS NOT NULL THEN {_POSITION} END)"""
_FEED_INSERT: Final = cleandoc(f"""
    INSERT INTO feed ({FEED_COLUMNS})
      SELECT '{ChangeKind.DELIVERY_MOVED}', o.id, NEW.version, o.actor, o.reason, NEW.at, NULL,
        @json_text({_DOCUMENT})
      FROM orders o WHERE o.id = NEW.order_id
""")

# Locations may be erased.
_KEPT: Final = same(name for name in deliveries.columns if name not in {"lat", "lng"})
_FORGETS: Final = f"NEW.lat IS NULL AND NEW.lng IS NULL AND {_KEPT}"
_ADDED_TO: Final = "deliveries: only ever added to"

NOUN: Final = Noun(
    name="deliveries",
    tables=(deliveries, delivery_proofs),
    statements=statements_in(globals()),
    triggers=(
        Trigger("deliveries_told", "AFTER INSERT", "deliveries", (*NOTES_OF_DELIVERIES, _FEED_INSERT)),
        refused("deliveries_kept", "DELETE", "deliveries", _ADDED_TO),
        refused("deliveries_unchanged", "UPDATE", "deliveries", _ADDED_TO, when=f"NOT ({_FORGETS})"),
    ),
    # The place of handover is an address; a proof may be a name or signature.
    personal={
        "deliveries": PersonalData(
            THEIR_ORDERS,
            ("order_id", "stage", "attempts", "eta_at", "lat", "lng", "at"),
            {"lat": "NULL", "lng": "NULL"},
        ),
        "delivery_proofs": PersonalData(THEIR_ORDERS, ("order_id", "kind", "value", "at"), {"value": "'[erased]'"}),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class DriverName(Struct, frozen=True):
    id: str
    name: str | None


class DeliveryProof(Struct, frozen=True):
    kind: str
    value: str | None
    """For staff only."""
    at: str


class Delivery(Struct, frozen=True, rename="camel"):
    """The delivery of an order. `position` only while the goods are with the driver."""

    order_id: str
    stage: OrderStatus
    driver: DriverName | None
    attempts: int
    position: DriverPosition | None
    eta: str | None
    """The current estimate of arrival."""
    proof: DeliveryProof | None


@dataclass(frozen=True, slots=True)
class Carried:
    """An order in a driver's hands."""

    id: str
    number: int
    customer_id: str | None
    stage: OrderStatus
    destination: Location | None


def carried_by(transaction: Transaction, driver_id: str) -> list[Carried]:
    """The orders for which the driver's position is shared."""
    return transaction.read(CARRIED, _carried, "orders", driver_id=driver_id)


def _carried(row: tuple[Any, ...]) -> Carried:
    id_, number, customer_id, status, destination = row
    return Carried(id_, number, customer_id, OrderStatus(status), _location(destination))


def choose_nearest(
    transaction: Transaction, order: OrderState, rules: DeliveryRules, now: Timestamp, asker: Actor
) -> str:
    """The nearest free driver. Raises NoDriverFree."""
    held = None
    while (chosen := nearest_free_driver(drivers.free(transaction, now), rules.shop)) is not None:
        if chosen.id == held:
            return held
        # Another node may assign them concurrently: check again under the lock.
        transaction.one(drivers.HOLD, driver_id=chosen.id)
        held = chosen.id
    raise NoDriverFree(order, allowed_next(order, asker.role))


def settle(transaction: Transaction, change: StatusChanged, handover: Handover) -> Timestamp | None:
    """Check a decided transition against the delivery rules, and store its proof; return the estimated arrival. Raises
    as ``check_handover``.
    """
    check_handover(change, handover)
    if handover.proof is not None:
        proof = {"kind": handover.proof.kind, "value": handover.proof.value}
        transaction.run(
            PROVE,
            order_id=change.before.id,
            actor=str(change.actor),
            at=change.at,
            **proof,
        )
    if change.status not in ON_THE_WAY or change.driver_id is None:
        return None
    if change.status is OrderStatus.DRIVER_ASSIGNED:
        transaction.run(drivers.ASSIGNED, id=change.driver_id, at=change.at)
    row = transaction.one(DESTINATION, id=change.before.id)
    driver = drivers.find(transaction, change.driver_id)
    place = None if driver is None else driver.position
    destination = None if row is None else _location(row[0])
    return arrival(change.status, handover.rules, place, destination, change.at)


def arrival(
    status: OrderStatus,
    rules: DeliveryRules,
    place: DriverPosition | None,
    destination: Location | None,
    now: Timestamp,
) -> Timestamp | None:
    """The estimated arrival, by the driver's position."""
    is_known = place is not None and drivers.is_fresh(place.at, now)
    where = place.location if place is not None and is_known else None
    left_s = seconds_to_arrival(status, rules, driver=where, destination=destination)
    if left_s is None:
        return None
    return timestamp(int((datetime.fromisoformat(now) + timedelta(seconds=left_s)).timestamp() * 1000))


def look(transaction: Transaction, order_id: str, rules: DeliveryRules, now: Timestamp, *, for_staff: bool) -> Delivery:
    """The delivery of an order. Raises NotFound."""
    row = transaction.one(NEWEST_STAGE, id=order_id)
    if row is None:
        raise NotFound("order")
    status, driver_id, attempts, destination, name, *located = row
    stage = transaction.decoded((order_id, status), lambda row: OrderStatus(row[1]), "orders")
    place = drivers.position_of(tuple(located))
    proof = transaction.one(PROOF, order_id=order_id)
    return Delivery(
        order_id,
        stage,
        None if driver_id is None else DriverName(driver_id, name),
        attempts,
        place if stage in CARRYING else None,
        None if driver_id is None else arrival(stage, rules, place, _location(destination), now),
        None if proof is None else DeliveryProof(proof[0], proof[1] if for_staff else None, proof[2]),
    )


def _location(document: str | None) -> Location | None:
    """The order's destination; None if unknown or damaged."""
    if document is None:
        return None
    try:
        return msgspec.json.decode(document, type=Location)
    except UNREADABLE:
        return None
