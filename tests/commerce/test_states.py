from __future__ import annotations

import pytest

from ordercast.commerce.errors import UnknownStatus
from ordercast.commerce.states import LABELS, LEGACY_NAMES, PICKUP_LABELS, Fulfilment, OrderStatus, resolve_status


@pytest.mark.parametrize(
    ("name", "fulfilment", "status"),
    [
        ("new", "delivery", "pending"),
        ("accepted", "delivery", "processing"),
        ("packing", "pickup", "processing"),
        ("ready", "pickup", "ready_for_pickup"),
        ("ready", "delivery", "ready_for_delivery"),
        ("out_for_delivery", "delivery", "in_transit"),
        ("completed", "pickup", "delivered"),
        ("on_hold", "pickup", "on_hold"),
    ],
)
def test_former_names_are_taken(name: str, fulfilment: str, status: str) -> None:
    assert resolve_status(name, Fulfilment(fulfilment)) is OrderStatus(status)


@pytest.mark.parametrize("name", ["", "PENDING", "shipped", "paid"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownStatus):
        resolve_status(name, Fulfilment.PICKUP)


def test_no_former_name_is_a_present_one() -> None:
    assert not LEGACY_NAMES.keys() & {str(status) for status in OrderStatus}


def test_every_status_has_a_label_in_both_languages() -> None:
    assert LABELS.keys() == set(OrderStatus)
    for texts in [*LABELS.values(), *PICKUP_LABELS.values()]:
        assert texts.keys() == {"en", "bn"}
        assert all(texts.values())
