"""Draws the state machines as a page: a test compares ``docs/status-flow.md`` with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .booking_states import BOOKING_LABELS, BookingStatus
from .booking_transitions import BOOKING_TERMINAL, BOOKING_TRANSITIONS, RESCHEDULES, BookingTransition
from .payment_flow import PAYMENT_TRANSITIONS
from .states import LABELS, LEGACY_NAMES, OrderStatus
from .transitions import OPEN, TERMINAL, TRANSITIONS, Transition

_HEAD = """\
# The status flow

Made from `commerce/transitions.py` and `commerce/booking_transitions.py`; after a change there, write it anew with

    python -c "from ordercast.commerce.diagram import page; print(page(), end='')" > docs/status-flow.md

A move to the state an order or booking is already in succeeds and changes nothing. Every other move names the version
that was seen, is checked against this table, and is written to its history with actor, time and reason. The same table
is answered by `GET /api/status-flow`.
"""


def page() -> str:
    """Return the page, in Markdown with Mermaid diagrams."""
    parts = [_HEAD, "## Orders", _diagram(), _on_hold(), _moves(), "## Bookings", _bookings(), _booking_moves()]
    parts += ["## Payments", _payments()]
    parts += [
        "## Names",
        _labels(LABELS),
        "## Names of bookings",
        _labels(BOOKING_LABELS),
        "## Former names",
        _legacy(),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _is_holding(move: Transition) -> bool:
    return OrderStatus.ON_HOLD in {move.source, move.target}


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {OrderStatus.PENDING}"]
    lines += [f"    {move.source} --> {move.target}" for move in TRANSITIONS if not _is_holding(move)]
    lines += [f"    {status} --> [*]" for status in OrderStatus if status in TERMINAL]
    return "\n".join([*lines, "```"])


def _on_hold() -> str:
    states = ", ".join(f"`{status}`" for status in OPEN)
    return (
        f"Not drawn: `on_hold`, to which the shop may move an order from {states}, with a reason; it returns to where\n"
        "it was, or is cancelled if it had not been picked up."
    )


def _moves() -> str:
    rows = ["| from | to | who | needs | brings about |", "|---|---|---|---|---|"]
    rows += [
        f"| `{move.source}` | `{move.target}` | {', '.join(sorted(move.roles))} | {_needs(move)} | {_effects(move)} |"
        for move in TRANSITIONS
    ]
    return "\n".join(rows)


def _needs(move: Transition) -> str:
    needs = [f"an order for {move.fulfilment}"] if move.fulfilment else []
    needs += ["a reason"] if move.needs_reason else []
    needs += [guard.replace("_", " ") for guard in move.guards]
    return "; ".join(needs)


def _effects(move: Transition) -> str:
    return "; ".join(effect.replace("_", " ") for effect in move.effects)


def _bookings() -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {BookingStatus.REQUESTED}"]
    lines += [f"    {move.source} --> {move.target}" for move in BOOKING_TRANSITIONS]
    lines += [f"    {move.source} --> {move.target}: another time" for move in RESCHEDULES]
    lines += [f"    {status} --> [*]" for status in BookingStatus if status in BOOKING_TERMINAL]
    return "\n".join([*lines, "```"])


def _booking_moves() -> str:
    rows = ["| from | to | who | needs | brings about |", "|---|---|---|---|---|"]
    rows += [
        f"| `{move.source}` | `{move.target}` | {', '.join(sorted(move.roles))} | {_booking_needs(move)}"
        f" | {'; '.join(effect.replace('_', ' ') for effect in move.effects)} |"
        for move in (*BOOKING_TRANSITIONS, *RESCHEDULES)
    ]
    return "\n".join(rows)


def _booking_needs(move: BookingTransition) -> str:
    needs = ["a reason"] if move.needs_reason else []
    return "; ".join(needs + [guard.replace("_", " ") for guard in move.guards])


def _payments() -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {source} --> {to}" for source, targets in PAYMENT_TRANSITIONS.items() for to in sorted(targets)]
    return "\n".join([*lines, "```"])


def _labels(labels: Mapping[Any, Mapping[str, str]]) -> str:
    rows = ["| status | English | Bengali |", "|---|---|---|"]
    rows += [f"| `{status}` | {texts['en']} | {texts['bn']} |" for status, texts in labels.items()]
    return "\n".join(rows)


def _legacy() -> str:
    rows = ["Taken on input, never given out.", "", "| former | means |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in _legacy_meanings()]
    return "\n".join(rows)


def _legacy_meanings() -> Iterator[tuple[str, str]]:
    for name, meant in LEGACY_NAMES.items():
        if isinstance(meant, dict):
            yield name, " or ".join(f"`{status}` for {kind}" for kind, status in meant.items())
        else:
            yield name, f"`{meant}`"
