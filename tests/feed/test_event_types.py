"""What events carry and what the reference says of them are the same; the examples are what the code makes of rows.

The client's types are made from the AsyncAPI document, and that from the types here; see ``sockets.asyncapi``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_type_hints, is_typeddict

import msgspec
import pytest

from ordercast.db.events import BOOKING_EVENTS
from ordercast.feed.audience import AUDIENCE
from ordercast.feed.event_examples import FLEETING, SOCKETS, Example, durable
from ordercast.feed.event_types import PAYLOADS, Stamped

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
EXAMPLES = [*durable(), *FLEETING, *SOCKETS]
# Of several types of one event, ours stands first; a back end's may be any object.
OURS = {name: type_[0] if isinstance(type_, tuple) else type_ for name, type_ in PAYLOADS.items()}
TYPED_DICTS = sorted(name for name, type_ in OURS.items() if is_typeddict(type_))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.event)
def test_a_payload_has_the_fields_of_its_type_and_no_others(example: Example) -> None:
    is_published = example.event in BOOKING_EVENTS and "seq" not in example.payload
    type_ = dict[str, Any] if is_published else OURS[example.event]
    assert msgspec.to_builtins(msgspec.convert(example.payload, type_)) == example.payload
    if is_typeddict(type_):
        left_out = get_type_hints(type_).keys() - example.payload.keys()
        # It names one of those that may be watched, or paid for.
        left_out -= {"orderId", "conversationId", "room", "watch", "table"} if example.event == "watching" else set()
        of_one_noun = example.event == "payment_update" and left_out in ({"orderId"}, {"bookingId"})
        assert not left_out or of_one_noun or (example.event == "delivery_update" and example.offset is None)


def test_every_type_is_of_an_event_that_is_made_and_every_event_has_one() -> None:
    assert {example.event for example in EXAMPLES} == PAYLOADS.keys()
    assert {rule.event for rule in AUDIENCE} <= PAYLOADS.keys()


def test_a_durable_example_carries_what_every_durable_event_does() -> None:
    stamp: dict[str, Any] = {"seq": 4711}
    for example in durable():
        if example.event not in {"new_order", "new_booking", "booking_update", "resync"}:  # exactly prescribed
            assert example.payload == {**example.payload, **stamp}, example.event


@pytest.mark.parametrize("name", TYPED_DICTS)
def test_the_reference_names_every_field(name: str) -> None:
    row = re.search(rf"^\| `{name}` \|.*$", REFERENCE, re.MULTILINE)
    assert row is not None
    fields = get_type_hints(OURS[name]).keys() - get_type_hints(Stamped).keys()
    assert not [field for field in fields if not re.search(rf"\b{field}\b", row[0])]
