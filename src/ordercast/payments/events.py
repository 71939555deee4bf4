"""Events of providers that have no form of their own: ``{"type", "timestamp", "data"}``, as Standard Webhooks has them.

The sandbox and the HTTP provider speak so; docs/guides/payment-provider.md lists the types.
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

# A provider's name for a payment, refund or dispute, or a key of ours: kept, logged and sent back, so nothing in it
# hides. Four times as long as an UUID with a prefix is.
NAME_LENGTH_MAX: Final = 255
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[!-~]+\Z")]
# It is kept and logged, of whatever type an event is.
EventType = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f]+\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
Sum = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class _Data(Struct, frozen=True):
    """`id` is the refund's or the dispute's, `key` the one under which a refund was asked for; `order` or `booking` is
    what a payment pays for that we did not ask for.
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
    """Of one that nobody knows it is not asked for."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an event of one type tells, and what it must say for that."""

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
    """Read an event whose signature was checked; with `needs_currency`, an amount names its own.

    Raises WebhookRefused with the field that is wrong. A type that is not listed tells nothing, whatever its data.
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
