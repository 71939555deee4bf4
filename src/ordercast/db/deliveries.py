"""Units of work on deliveries: the arrival and the proof that go with a move, and how a delivery stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ordercast.commerce.deliveries import (
    CARRYING,
    ON_THE_WAY,
    DeliveryRules,
    Handover,
    check_handover,
    nearest_free,
    seconds_to_arrival,
)
from ordercast.commerce.errors import NoDriverFree, NotFound
from ordercast.commerce.moments import Moment, moment
from ordercast.commerce.people import Actor
from ordercast.commerce.places import Location
from ordercast.commerce.states import OrderState, OrderStatus
from ordercast.commerce.status_flow import StatusChanged, allowed_next

from . import drivers
from .drivers import Place
from .transaction import UNREADABLE, Transaction


class DriverName(Struct, frozen=True):
    id: str
    name: str | None


class DeliveryProof(Struct, frozen=True):
    kind: str
    value: str | None
    """For the shop alone."""
    at: str


class Delivery(Struct, frozen=True, rename="camel"):
    """How an order's delivery stands. `position` only while the goods are with the driver."""

    order_id: str
    stage: OrderStatus
    driver: DriverName | None
    attempts: int
    position: Place | None
    eta: str | None
    """When it should be there, by an estimate of now."""
    proof: DeliveryProof | None


@dataclass(frozen=True, slots=True)
class Carried:
    """An order that a driver has with them."""

    id: str
    number: int
    customer_id: str | None
    stage: OrderStatus
    destination: Location | None


def carried_by(transaction: Transaction, driver_id: str) -> list[Carried]:
    """The orders that somebody may see the driver come with."""
    return transaction.read(transaction.sql.deliveries.carried, _carried, "orders", driver_id=driver_id)


def _carried(row: tuple[Any, ...]) -> Carried:
    id_, number, customer_id, status, destination = row
    return Carried(id_, number, customer_id, OrderStatus(status), _location(destination))


def choose_nearest(transaction: Transaction, order: OrderState, rules: DeliveryRules, now: Moment, asker: Actor) -> str:
    """The driver who is free and nearest. Raises NoDriverFree."""
    held = None
    while (chosen := nearest_free(drivers.free(transaction, now), rules.shop)) is not None:
        if chosen.id == held:
            return held
        # Another node may be giving them an order just now: whether they are free still is asked when they are held.
        transaction.one(drivers.HOLD, driver_id=chosen.id)
        held = chosen.id
    raise NoDriverFree(order, allowed_next(order, asker.role))


def settle(transaction: Transaction, change: StatusChanged, handover: Handover) -> Moment | None:
    """Hold a decided move against the shop's rules of delivery, and keep its proof; gives when it should arrive.

    Raises what ``check_handover`` does.
    """
    check_handover(change, handover)
    if handover.proof is not None:
        proof = {"kind": handover.proof.kind, "value": handover.proof.value}
        transaction.run(
            transaction.sql.deliveries.prove,
            order_id=change.before.id,
            actor=str(change.actor),
            at=change.at,
            **proof,
        )
    if change.status not in ON_THE_WAY or change.driver_id is None:
        return None
    if change.status is OrderStatus.DRIVER_ASSIGNED:
        transaction.run(drivers.ASSIGNED, id=change.driver_id, at=change.at)
    row = transaction.one(transaction.sql.deliveries.destination, id=change.before.id)
    driver = drivers.find(transaction, change.driver_id)
    place = None if driver is None else driver.position
    destination = None if row is None else _location(row[0])
    return arrival(change.status, handover.rules, place, destination, change.at)


def arrival(
    status: OrderStatus, rules: DeliveryRules, place: Place | None, destination: Location | None, now: Moment
) -> Moment | None:
    """When an order should be there, by where its driver is."""
    is_known = place is not None and drivers.is_fresh(place.at, now)
    where = place.location if place is not None and is_known else None
    left_s = seconds_to_arrival(status, rules, driver=where, destination=destination)
    if left_s is None:
        return None
    return moment(int((datetime.fromisoformat(now) + timedelta(seconds=left_s)).timestamp() * 1000))


def look(transaction: Transaction, order_id: str, rules: DeliveryRules, now: Moment, *, for_staff: bool) -> Delivery:
    """How the delivery of an order stands. Raises NotFound."""
    row = transaction.one(transaction.sql.deliveries.newest_stage, id=order_id)
    if row is None:
        raise NotFound("order")
    status, driver_id, attempts, destination, name, *located = row
    stage = transaction.decoded((order_id, status), lambda row: OrderStatus(row[1]), "orders")
    place = drivers.place_of(tuple(located))
    proof = transaction.one(transaction.sql.deliveries.proof, order_id=order_id)
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
    """Where an order goes; None too for what another program wrote and is no place."""
    if document is None:
        return None
    try:
        return msgspec.json.decode(document, type=Location)
    except UNREADABLE:
        return None
