"""What each kind of change tells the shop's own systems."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.webhook_endpoints import (
    ATTEMPTS_MAX,
    RETRY_AFTER_S,
    RETRY_AFTER_S_MAX,
    DeliveryState,
    check_filters,
    judge_attempt,
    matches,
    retry_after_s,
)
from ordercast.db import Change, ChangeKind
from ordercast.feed.event_examples import ROWS
from ordercast.webhooks import events

KNOWN = [each.name for each in events.EVENT_TYPES]


def change_of(kind: str, entity_id: str, before: Any, after: Any, seq: int = 7) -> Change:
    raw = [None if each is None else msgspec.Raw(msgspec.json.encode(each)) for each in (before, after)]
    return Change(seq, kind, entity_id, 1, "store:usr_1", "Because", "2026-11-24T09:15:00.000Z", *raw)


def told(change: Change) -> dict[str, Any]:
    made = events.delivery_of(change, "abc")
    assert made is not None
    found: dict[str, Any] = json.loads(made.body)
    return found


@pytest.mark.parametrize(
    ("kind", "entity_id", "before", "after"), ROWS, ids=[f"{index}-{row[0]}" for index, row in enumerate(ROWS)]
)
def test_every_kind_that_is_offered_is_told_with_what_it_is_about(
    kind: ChangeKind, entity_id: str, before: Any, after: Any
) -> None:
    made = events.delivery_of(change_of(kind, entity_id, before, after), "abc")
    if events.payload_builder_of(kind) is None:
        assert made is None
        return
    if made is None:
        assert kind is ChangeKind.NOTIFICATION_MADE
        assert after["recipient"] != "store"
        return
    event = json.loads(made.body)
    assert (event["id"], event["type"], event["seq"]) == ("evt_abc_7", str(kind), 7) == (made.event_id, made.event, 7)
    assert event["timestamp"] == "2026-11-24T09:15:00.000Z"
    assert event["data"]
    if kind.startswith(("order.", "booking.", "message.", "delivery.", "product.", "notice.")):
        assert made.subject == entity_id


def test_a_row_of_a_newer_node_is_nothing_yet() -> None:
    assert events.delivery_of(change_of("order.eaten", "ord_1", None, {}), "abc") is None


@pytest.mark.parametrize("after", [None, [], 5, {"recipient": "store"}])
def test_what_is_no_document_is_a_gap(after: Any) -> None:
    kind = ChangeKind.NOTIFICATION_MADE if isinstance(after, dict) else ChangeKind.ORDER_CHANGED
    event = told(change_of(kind, "ord_1", None, after))
    assert (event["type"], event["data"]) == ("feed.resync", {"reason": "unreadable_row"})


def test_what_is_too_large_is_told_by_its_id_alone() -> None:
    event = told(change_of(ChangeKind.ORDER_PLACED, "ord_1", None, {"id": "ord_1", "note": "x" * 300_000}))
    assert event["type"] == "order.placed"
    assert event["data"]["id"] == "ord_1"
    assert "omitted" in event["data"]


@pytest.mark.parametrize(
    ("filters", "event", "fits"),
    [
        (["*"], "order.placed", True),
        (["order.*"], "order.placed", True),
        (["order.*"], "product.added", False),
        (["order.placed"], "order.placed", True),
        (["order.placed"], "order.changed", False),
        ([], "order.placed", False),
    ],
)
def test_a_filter_is_a_name_a_family_or_all(filters: list[str], event: str, fits: bool) -> None:
    assert matches(filters, event) is fits


@pytest.mark.parametrize("wrong", ["", "order", "order.", "order.*.placed", "*.placed", "Order.placed", "order.eaten"])
def test_a_filter_that_nothing_fits_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_filters(["order.placed", wrong], KNOWN)
    assert refused.value.field == "events[1]"


NOW_S = 1_795_241_719.0


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("-5", 0),
        ("999999999", RETRY_AFTER_S_MAX),
        ("99999999999999999999", 0),
        ("Sat, 21 Nov 2026 06:25:19 GMT", 600),
        ("Sat, 21 Nov 2020 06:25:19 GMT", 0),
        ("Sat, 21 Nov 2126 06:25:19 GMT", RETRY_AFTER_S_MAX),
        ("soon", 0),
        ("\u0665", 0),
    ],
)
def test_what_a_receiver_asks_for_is_heeded_within_bounds(asked: str, wait_s: float) -> None:
    assert retry_after_s(asked, NOW_S) == wait_s


def test_waits_grow_from_seconds_to_days_and_chance_adds_to_each() -> None:
    waits = [judge_attempt(attempts, 500, "", NOW_S, 0.0).wait_s for attempts in range(1, ATTEMPTS_MAX)]
    assert waits == list(RETRY_AFTER_S) == sorted(waits)
    assert judge_attempt(1, None, "", NOW_S, 1.0).wait_s == RETRY_AFTER_S[0] * 1.2
    assert judge_attempt(1, 503, "60", NOW_S, 0.0).wait_s == 60
    assert judge_attempt(ATTEMPTS_MAX, 500, "", NOW_S, 0.0).state is DeliveryState.FAILED
    assert judge_attempt(1, 410, "", NOW_S, 0.0).is_gone
    assert {judge_attempt(1, status, "", NOW_S, 0.0).state for status in (200, 202, 204, 299)} == {
        DeliveryState.DELIVERED
    }
    assert {judge_attempt(1, status, "", NOW_S, 0.0).state for status in (100, 301, 400, 404, 500)} == {
        DeliveryState.PENDING
    }


def test_the_reference_has_a_line_for_every_event() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/webhooks-out.md").read_text(encoding="utf-8")
    table = page.partition("\n## Events\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) == set(KNOWN)
