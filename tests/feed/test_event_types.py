"""What events carry, what the client's types promise of them and what the reference says are the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from ordercast.db import Change
from ordercast.feed.audience import AUDIENCE, route
from ordercast.feed.event_types import PAYLOADS, Stamped

from .test_audience import ORDER

ROOT = Path(__file__).parents[2]
CLIENT = (ROOT / "web/client/src/events.ts").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
MOVED = {
    "orderId": "ord_1", "number": 7, "stage": "in_transit", "driver": {"id": "drv_1", "name": "Rafiq"}, "attempts": 1,
    "position": None, "eta": None, "customerId": "cus_1", "formerDriverId": None,
}  # fmt: skip
CARD = {
    "id": "mis_1", "orderId": "ord_1", "provider": "stripe", "reference": None, "kind": "amount", "ours": 1,
    "theirs": 2, "text": "They differ.", "createdAt": "2026-01-01T00:00:00.000Z", "resolvedAt": None,
    "resolvedBy": None, "note": None,
}  # fmt: skip
MADE = {
    "recipient": "store",
    "kind": "new_orders",
    "data": {"count": 2, "first": 7, "last": 8},
    "orderId": None,
    "severity": "info",
}
ROWS: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
    ("order.placed", None, ORDER),
    ("order.status_changed", ORDER, {**ORDER, "status": "processing"}),
    ("order.payment_changed", ORDER, {**ORDER, "paymentStatus": "paid", "amountPaid": 24000}),
    ("delivery.moved", None, MOVED),
    ("product.edited", None, {"id": "prd_1"}),
    ("notification.made", None, MADE),
    ("payment.mismatch", None, CARD),
    ("feed.resync", None, {"reason": "source_history_lost"}),
]


def raw(document: dict[str, Any] | None) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(msgspec.json.encode(document))


def payloads() -> list[tuple[str, Any]]:
    """Each event that a row of each kind makes, by its name."""
    found = []
    for kind, before, after in ROWS:
        row = Change(9, kind, "ord_1", 2, "store:usr_1", "why", "2026-01-01T00:01:00.000Z", raw(before), raw(after))
        found += [(event.name, event.args[0]) for event in route(row, lambda index: f"e:9.{index}")]
    return found


@pytest.mark.parametrize(("name", "payload"), payloads())
def test_a_payload_has_the_fields_of_its_type_and_no_others(name: str, payload: dict[str, Any]) -> None:
    type_ = PAYLOADS.get(name)
    if type_ is None:
        assert payload == {**payload, "id": "ord_1", "seq": 9}, "the whole order"
    else:
        assert payload.keys() == get_type_hints(type_).keys()
        assert msgspec.convert(payload, type_) == payload


def test_every_type_is_of_an_event_that_is_made_and_every_event_has_one() -> None:
    whole_orders = {"newOrder", "order_update"}
    made = {name for name, _ in payloads()}
    assert made | whole_orders == {*PAYLOADS, *whole_orders}
    assert {rule.event for rule in AUDIENCE} <= {*PAYLOADS, *whole_orders}


def interface_of(name: str) -> str | None:
    """The body of the client's type of an event; None for one that it has no type of."""
    events = re.search(r"export interface Events \{(.*?)\n\}", CLIENT, re.DOTALL)
    assert events is not None
    named = re.search(rf"^  {name}: (\w+);", events[1], re.MULTILINE)
    if named is None:
        return None
    body = re.search(rf"interface {named[1]} \{{(.*?)\n\}}", CLIENT, re.DOTALL)
    assert body is not None
    return body[1]


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_client_promises_no_field_that_an_event_does_not_have(name: str) -> None:
    body = interface_of(name)
    if body is not None:
        promised = set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))
        assert promised <= get_type_hints(PAYLOADS[name]).keys()


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_reference_names_every_field(name: str) -> None:
    row = re.search(rf"^\| `{name}` \|.*$", REFERENCE, re.MULTILINE)
    assert row is not None
    fields = get_type_hints(PAYLOADS[name]).keys() - get_type_hints(Stamped).keys()
    assert not [field for field in fields if not re.search(rf"\b{field}\b", row[0])]
