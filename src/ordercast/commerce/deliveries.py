"""Deliveries: who brings an order, when it should be there, and what shows that it was.

How the arrival is estimated: the straight way, times DETOUR, at the shop's usual speed, and a while at each door. It
knows no streets and no traffic; it is for "about twenty minutes", not for the minute.
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

# Streets are longer than the straight way: about 1.3 times in towns, by most studies of road networks.
DETOUR: Final = 1.3

# While the goods are with the driver, and nobody is hindered: then the position is told.
CARRYING: Final = frozenset({S.PICKED_UP, S.IN_TRANSIT})
ON_THE_WAY: Final = CARRYING | {S.DRIVER_ASSIGNED}

PROOF_MAX: Final = 2_000


class ProofKind(StrEnum):
    CODE = "code"
    """The six digits that the buyer was shown; the only proof that we can check ourselves."""
    PHOTO = "photo"
    SIGNATURE = "signature"
    NOTE = "note"


class Proof(Struct, frozen=True, forbid_unknown_fields=True):
    """What shows that a delivery was handed over. `value` is the code, a note, or where photo or signature are kept."""

    kind: ProofKind
    value: Annotated[str, Meta(min_length=1, max_length=PROOF_MAX)]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How this shop delivers."""

    shop: Location | None = None
    """Where the goods are picked up; without it nothing is estimated before they are."""
    speed_kmh: float = 18.0
    stop_s: int = 180
    """At the shop's counter and at the buyer's door, each."""
    attempts_max: int = 3
    """After so many failed attempts an order can only go back."""
    proof_required: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """What comes with a move to `delivered`, and what it is held against."""

    rules: DeliveryRules = DeliveryRules()
    proof: Proof | None = None
    codes: tuple[str, ...] = ()
    """The order's delivery code; while the shop's secret is being changed, that of before it too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A driver on duty who has no order."""

    id: str
    location: Location | None
    """None also where it is too old to mean anything."""
    assigned_at: Timestamp | None
    """When they were last given an order."""


def check_handover(change: StatusChanged, handover: Handover) -> None:
    """Raises InvalidField, ProofRequired or AttemptsExhausted for a move that this shop does not take."""
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
    """Who should have the next order: the nearest to the shop; of those whose place is not known, and among equals, who
    has waited longest.
    """
    return min(candidates, key=lambda candidate: _rank(candidate, shop), default=None)


def _rank(candidate: Candidate, shop: Location | None) -> tuple[bool, float, str, str]:
    is_placed = candidate.location is not None and shop is not None
    away_m = distance_m(candidate.location, shop) if candidate.location is not None and shop is not None else 0.0
    # Within a hundred metres nobody is nearer: such differences are the telephone's.
    return not is_placed, round(away_m, -2), candidate.assigned_at or "", candidate.id


def seconds_to_arrival(
    status: S, rules: DeliveryRules, *, driver: Location | None, destination: Location | None
) -> int | None:
    """How long an order in `status` still takes, in seconds; None where it cannot be told."""
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
