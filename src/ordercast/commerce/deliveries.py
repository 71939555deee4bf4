"""Deliveries: driver assignment, estimated arrival, and proof.

The estimate is the distance times DETOUR, at the shop's usual speed, plus a while at each door. Without streets and
traffic, it is good for "about twenty minutes".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from .errors import AttemptsExhausted, InvalidField, ProofRequired
from .geo import Location, distance_m
from .people import Role
from .states import Fulfilment
from .states import OrderStatus as S
from .status_flow import StatusChanged, allowed_next
from .timestamps import Timestamp

# Ratio of road to straight distance in towns, by most studies.
DETOUR: Final = 1.3

# The driver's position is shared in these states only.
CARRYING: Final = frozenset({S.PICKED_UP, S.IN_TRANSIT})
ON_THE_WAY: Final = CARRYING | {S.DRIVER_ASSIGNED}

PROOF_MAX: Final = 2_000


class ProofKind(StrEnum):
    CODE = "code"
    """The buyer's six-digit code; the only proof that we can verify."""
    PHOTO = "photo"
    SIGNATURE = "signature"
    NOTE = "note"


class Proof(Struct, frozen=True, forbid_unknown_fields=True):
    """Proof of a handover. `value` is the code, a note, or where the photo or signature is kept."""

    kind: ProofKind
    value: Annotated[str, Meta(min_length=1, max_length=PROOF_MAX)]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """A shop's settings of deliveries."""

    shop: Location | None = None
    """The pickup location; without it there is no estimate before pickup."""
    speed_kmh: float = 18.0
    stop_s: int = 180
    """Seconds at the counter and at the door, each."""
    attempts_max: int = 3
    """Failed attempts after which an order can only be returned."""
    proof_required: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """The proof of a handover, and the codes it is checked with."""

    rules: DeliveryRules = DeliveryRules()
    proof: Proof | None = None
    codes: tuple[str, ...] = ()
    """The order's delivery code; two while the shop's secret is rotated."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free driver on duty."""

    id: str
    location: Location | None
    """None if unknown or too old."""
    assigned_at: Timestamp | None
    """When they last got an order."""


def check_handover(change: StatusChanged, handover: Handover) -> None:
    """Check the proof of a handover. Raises InvalidField, ProofRequired or AttemptsExhausted."""
    before, proof = change.before, handover.proof
    is_handover = change.status is S.DELIVERED and before.fulfilment is Fulfilment.DELIVERY
    if proof is not None and not is_handover:
        raise InvalidField("proof", "Only a delivery that is handed over is proved.")
    if is_handover and proof is None and handover.rules.proof_required and change.actor.role is Role.DRIVER:
        raise ProofRequired
    if proof is not None and proof.kind is ProofKind.CODE and proof.value not in handover.codes:
        raise InvalidField("proof.value", "This is not the code that the buyer was shown.")
    again = (before.status, change.status) == (S.DELIVERY_FAILED, S.IN_TRANSIT)
    if again and before.attempts >= handover.rules.attempts_max:
        allowed = [status for status in allowed_next(before, change.actor.role) if status is not S.IN_TRANSIT]
        raise AttemptsExhausted(before, allowed, before.attempts)


def nearest_free_driver(candidates: Iterable[Candidate], shop: Location | None) -> Candidate | None:
    """Choose the driver nearest to the shop; among equals and unknown positions, who waited longest."""
    return min(candidates, key=lambda candidate: _rank(candidate, shop), default=None)


def _rank(candidate: Candidate, shop: Location | None) -> tuple[bool, float, str, str]:
    is_placed = candidate.location is not None and shop is not None
    away_m = distance_m(candidate.location, shop) if candidate.location is not None and shop is not None else 0.0
    # Rounded to 100 m, a phone's accuracy.
    return not is_placed, round(away_m, -2), candidate.assigned_at or "", candidate.id


def seconds_to_arrival(
    status: S, rules: DeliveryRules, *, driver: Location | None, destination: Location | None
) -> int | None:
    """The seconds until an order in `status` arrives; None if unknown."""
    if destination is None or status not in ON_THE_WAY:
        return None
    if status in CARRYING:
        start = driver or rules.shop
        return None if start is None else _travel_s(start, destination, rules) + rules.stop_s
    if rules.shop is None:
        return None
    to_shop_s = 0 if driver is None else _travel_s(driver, rules.shop, rules)
    return to_shop_s + rules.stop_s + _travel_s(rules.shop, destination, rules) + rules.stop_s


def _travel_s(a: Location, b: Location, rules: DeliveryRules) -> int:
    return round(distance_m(a, b) * DETOUR / (rules.speed_kmh / 3.6))
