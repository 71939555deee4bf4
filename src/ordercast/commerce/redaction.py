"""Redacts a person from JSON documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

REDACTED: Final = "[erased]"
# Shorter texts, such as house numbers, would match everywhere.
_TEXT_MIN: Final = 4

_CUSTOMER: Final = {"name": None, "email": None, "mobile": None}
_ADDRESSES: Final = frozenset({"billingInfo", "shippingInfo"})
_CARD: Final = frozenset({"brand", "last4"})


class Redaction:
    """Redacts one person: fields about them, and other texts that contain one of theirs."""

    def __init__(self, texts: Iterable[str | None]) -> None:
        known = {text.strip() for text in texts if text is not None and len(text.strip()) >= _TEXT_MIN}
        # Longest first: a name may be part of an address.
        self._texts = sorted(known, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"<Redaction {len(self._texts)} texts>"  # never the texts themselves

    def without(self, value: Any) -> Any:
        """A copy of decoded JSON without the person."""
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, list):
            return [self.without(item) for item in value]
        if isinstance(value, dict):
            return {key: self._member(key, item) for key, item in value.items()}
        return value

    def _member(self, key: str, value: Any) -> Any:
        if key == "customerInfo":
            return dict(_CUSTOMER)
        if key == "cartItems" and isinstance(value, list):
            return [self.without(_without_note(line)) for line in value]
        if key in _ADDRESSES or (key == "position" and isinstance(value, dict)):
            return None  # an address, or a handover's location
        if key == "paymentInfo" and isinstance(value, dict):
            return {name: self.without(item) for name, item in value.items() if name not in _CARD}
        return self.without(value)

    def _without(self, text: str) -> str:
        folded = text.casefold()
        if not any(known.casefold() in folded for known in self._texts):
            return text
        return REDACTED


def _without_note(line: Any) -> Any:
    """A line of an order without what its buyer wrote."""
    return {key: item for key, item in line.items() if key != "note"} if isinstance(line, dict) else line
