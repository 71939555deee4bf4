"""Parses provider events in the form of Standard Webhooks: ``{"type", "timestamp", "data"}``.

Used by the sandbox and the HTTP provider; docs/guides/payment-provider.md lists the types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ordercast.commerce import payments as port
from ordercast.commerce.errors import WebhookRefused
from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.payments import ProviderEvent

# A provider's id of a payment, refund or dispute, or a key of ours: stored, logged and sent back, so it is bounded
# and printable. Four times a prefixed UUID.
NAME_LENGTH_MAX: Final = 255
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[!-~]+\Z")]
# Stored and logged, whatever the type.
EventType = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f]+\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
Sum = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class _Data(Struct, frozen=True):
    """`id` is the refund's or dispute's, `key` our key of a refund request; `order` or `booking` is the payable of a
    payment made elsewhere.
    """

    payment: Name
    amount: Sum = 0
    currency: Currency | None = None
    id: Name | None = None
    key: Name | None = None
    order: Name | None = None
    booking: Name | None = None

    @property
    def name(self) -> str:
        return self.id or ""


class _Event(Struct, frozen=True):
    type: EventType
    data: msgspec.Raw = msgspec.Raw(b"{}")
    """Not required for unknown types."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """The fact of an event type, and the fields it needs."""

    fact: Callable[[_Data], port.Fact]
    needs: tuple[str, ...] = ()


_KINDS: Final[dict[str, _Kind]] = {
    "payment.authorized": _Kind(lambda _: port.Authorized()),
    "payment.captured": _Kind(lambda data: port.Captured(data.amount), ("amount",)),
    "payment.voided": _Kind(lambda _: port.Voided()),
    "payment.failed": _Kind(lambda _: port.Failed()),
    "payment.refunded": _Kind(lambda data: port.Refunded(data.name, data.amount, data.key), ("amount", "id")),
    "refund.pending": _Kind(lambda data: port.RefundPending(data.name, data.amount, data.key), ("amount", "id")),
    "refund.failed": _Kind(lambda data: port.RefundFailed(data.name, data.amount, data.key), ("id",)),
    "refund.cancelled": _Kind(lambda data: port.RefundFailed(data.name, data.amount, data.key), ("id",)),
    "dispute.opened": _Kind(lambda data: port.DisputeOpened(data.name), ("id",)),
    "dispute.won": _Kind(lambda data: port.DisputeClosed(data.name, won=True), ("id",)),
    "dispute.lost": _Kind(lambda data: port.DisputeClosed(data.name, won=False), ("id",)),
}

_EVENT: Final = msgspec.json.Decoder(_Event)
_DATA: Final = msgspec.json.Decoder(_Data)


def read_event(event_id: str, body: bytes, *, needs_currency: bool = False) -> ProviderEvent:
    """Parse a verified event; with `needs_currency`, amounts must have one.

    Raises WebhookRefused with the invalid field. An unknown type has no fact, whatever its data.
    """
    try:
        event = _EVENT.decode(body)
        kind = _KINDS.get(event.type)
        if kind is None:
            return ProviderEvent(event_id, event.type, None, None)
        data = _DATA.decode(event.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WebhookRefused(f"This is not an event of a payment: {_reason(error)}.") from None
    for name in (*kind.needs, *(("currency",) if needs_currency and data.amount else ())):
        if not getattr(data, name):
            raise WebhookRefused(f"The event `{event.type}` must say `data.{name}`.")
    return ProviderEvent(event_id, event.type, data.payment, kind.fact(data), data.currency, data.order or data.booking)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.ValidationError) else "its body cannot be read"
