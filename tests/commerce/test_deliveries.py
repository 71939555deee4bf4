from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.deliveries import (
    DETOUR,
    Candidate,
    DeliveryRules,
    Handover,
    Proof,
    ProofKind,
    check_handover,
    nearest_free_driver,
    seconds_to_arrival,
)
from ordercast.commerce.errors import AttemptsExhausted, InvalidField, ProofRequired
from ordercast.commerce.geo import Location
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import Fulfilment
from ordercast.commerce.states import OrderStatus as S
from ordercast.commerce.status_flow import StatusChanged, decide_status_change
from ordercast.commerce.timestamps import Timestamp, timestamp
from tests.commerce.orders import order_state

SHOP = Location(0, 0)
A_KILOMETRE_NORTH = Location(0.0089932, 0)
RULES = DeliveryRules(shop=SHOP, speed_kmh=18, stop_s=100)
KILOMETRE_S = round(1000 * DETOUR / 5)


@pytest.mark.parametrize(
    ("status", "driver", "seconds"),
    [
        (S.IN_TRANSIT, SHOP, KILOMETRE_S + 100),
        (S.PICKED_UP, A_KILOMETRE_NORTH, 100),
        (S.PICKED_UP, None, KILOMETRE_S + 100),  # no telephone: it was at the shop when it was picked up
        (S.DRIVER_ASSIGNED, None, KILOMETRE_S + 200),
        (S.DRIVER_ASSIGNED, A_KILOMETRE_NORTH, 2 * KILOMETRE_S + 200),
        (S.PROCESSING, SHOP, None),
        (S.DELIVERED, SHOP, None),
        (S.RETURNING, SHOP, None),
    ],
)
def test_when_it_should_be_there(status: S, driver: Location | None, seconds: int | None) -> None:
    found = seconds_to_arrival(status, RULES, driver=driver, destination=A_KILOMETRE_NORTH)
    assert found == seconds if seconds is None else found == pytest.approx(seconds, abs=2)


def test_nothing_is_estimated_without_the_places_it_needs() -> None:
    nowhere = DeliveryRules()
    assert seconds_to_arrival(S.IN_TRANSIT, RULES, driver=SHOP, destination=None) is None
    assert seconds_to_arrival(S.IN_TRANSIT, nowhere, driver=None, destination=SHOP) is None
    assert seconds_to_arrival(S.DRIVER_ASSIGNED, nowhere, driver=SHOP, destination=SHOP) is None
    assert seconds_to_arrival(S.IN_TRANSIT, nowhere, driver=SHOP, destination=SHOP) == nowhere.stop_s


def candidate(name: str, lat: float | None, waited_since_ms: int | None = 0) -> Candidate:
    since = None if waited_since_ms is None else timestamp(waited_since_ms)
    return Candidate(name, None if lat is None else Location(lat, 0), since)


@pytest.mark.parametrize(
    ("candidates", "shop", "chosen"),
    [
        ([], SHOP, None),
        ([candidate("far", 0.2), candidate("near", 0.1)], SHOP, "near"),
        ([candidate("unseen", None), candidate("far", 40)], SHOP, "far"),
        ([candidate("late", 0.00001, 9_000), candidate("early", 0.0002, 5_000)], SHOP, "early"),
        ([candidate("late", 1, 9_000), candidate("never", 5, None)], None, "never"),
        ([candidate("b", 1), candidate("a", 1)], SHOP, "a"),
    ],
)
def test_who_gets_the_next_order(candidates: list[Candidate], shop: Location | None, chosen: str | None) -> None:
    found = nearest_free_driver(candidates, shop)
    assert (None if found is None else found.id) == chosen
    assert nearest_free_driver(reversed(candidates), shop) == found


# --- Handing over -----------------------------------------------------------------------------------------------------

DRIVER = Actor(Role.DRIVER, "drv_1")


def change(source: S, target: S, **state: Any) -> StatusChanged:
    order = order_state(source, driver_id="drv_1", **state)
    decided = decide_status_change(
        order, target, DRIVER, reason="because", expected_version=None, now=Timestamp("2026-01-01T00:00:00.000Z")
    )
    assert isinstance(decided, StatusChanged)
    return decided


def proof(kind: ProofKind, value: str = "x") -> Proof:
    return Proof(kind, value)


@pytest.mark.parametrize("kind", ProofKind)
def test_each_kind_of_proof_is_taken(kind: ProofKind) -> None:
    strict = DeliveryRules(proof_required=True)
    check_handover(change(S.IN_TRANSIT, S.DELIVERED), Handover(strict, proof(kind, "123456"), ("654321", "123456")))


def test_a_wrong_code_proves_nothing() -> None:
    with pytest.raises(InvalidField) as refused:
        check_handover(change(S.IN_TRANSIT, S.DELIVERED), Handover(proof=proof(ProofKind.CODE), codes=("123456",)))
    assert refused.value.field == "proof.value"


def test_a_shop_may_want_a_proof_of_each_delivery() -> None:
    strict = Handover(DeliveryRules(proof_required=True))
    with pytest.raises(ProofRequired):
        check_handover(change(S.IN_TRANSIT, S.DELIVERED), strict)
    check_handover(change(S.IN_TRANSIT, S.DELIVERED), Handover())
    check_handover(change(S.PICKED_UP, S.IN_TRANSIT), strict)


def test_only_a_handed_over_delivery_is_proved() -> None:
    with pytest.raises(InvalidField) as refused:
        check_handover(change(S.PICKED_UP, S.IN_TRANSIT), Handover(proof=proof(ProofKind.NOTE)))
    assert refused.value.field == "proof"
    collected = decide_status_change(
        order_state(S.READY_FOR_PICKUP, fulfilment=Fulfilment.PICKUP),
        S.DELIVERED,
        Actor(Role.STORE, "usr_1"),
        reason=None,
        expected_version=None,
        now=Timestamp("2026-01-01T00:00:00.000Z"),
    )
    assert isinstance(collected, StatusChanged)
    check_handover(collected, Handover(DeliveryRules(proof_required=True)))
    with pytest.raises(InvalidField):
        check_handover(collected, Handover(proof=proof(ProofKind.NOTE)))


def test_after_the_last_attempt_an_order_only_comes_back() -> None:
    rules = Handover(DeliveryRules(attempts_max=2))
    check_handover(change(S.DELIVERY_FAILED, S.IN_TRANSIT, attempts=1), rules)
    with pytest.raises(AttemptsExhausted) as refused:
        check_handover(change(S.DELIVERY_FAILED, S.IN_TRANSIT, attempts=2), rules)
    assert refused.value.allowed == (S.RETURNING,)
    check_handover(change(S.DELIVERY_FAILED, S.RETURNING, attempts=2), rules)
