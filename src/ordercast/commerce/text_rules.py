"""What no text of a request may hold: control characters, and card numbers.

A card number that reached our logs or database would put the whole shop under the card industry's rules (PCI DSS), so
it is refused wherever it is typed, and never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from .errors import CardNumberGiven, ControlCharacter

# ISO/IEC 7812-1: a card number has up to 19 digits; 13 is the shortest in use. Cards of the payment networks begin
# with 2 to 6, which spares the telephone numbers of most of the world.
CARD_DIGITS_MIN: Final = 13
CARD_DIGITS_MAX: Final = 19
_CARD_FIRST_DIGITS: Final = range(2, 7)

# E.164: an international telephone number is a plus and at most 15 digits.
_TELEPHONE: Final = re.compile(r"\+[\d \-()]+$")
TELEPHONE_DIGITS_MAX: Final = 15

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# Cards are often typed in groups.
_LONG_RUN: Final = re.compile(r"\d(?:[ \u00a0-]?\d){12,}")
# Where one may be. Looking for the digits of every script takes three times as long, and most texts have but ours.
_NUMERIC: Final = re.compile(r"\d[\d \u00a0-]{12,}")
_NUMERIC_ASCII: Final = re.compile(r"[0-9][0-9 -]{12,}")
_GAP: Final = re.compile(r"[ \u00a0-]")
_ENCODE: Final = msgspec.json.Encoder().encode


def check_texts(request: msgspec.Struct) -> None:
    """Look at every text of `request`. Raises ControlCharacter or CardNumberGiven, naming the field."""
    # One look at all of them together: nearly every request ends here. As JSON a control character but DEL shows as an
    # escape, and what stands between two texts keeps them from making one.
    everything = _ENCODE(request).decode()
    if "\\" not in everything and "\x7f" not in everything and not has_card_number(everything):
        return
    for path, text in _named(request, ""):
        if _CONTROL.search(text):
            raise ControlCharacter(path)
        if has_card_number(text) and not _is_telephone(path, text):
            raise CardNumberGiven(path)


def has_card_number(text: str) -> bool:
    """Whether some digits in `text`, perhaps grouped by spaces or dashes, form a card number."""
    numerics = _NUMERIC_ASCII if text.isascii() else _NUMERIC
    return any(
        _is_card(digits)
        for numeric in numerics.findall(text)
        for run in _LONG_RUN.findall(numeric)
        for digits in _stretches(run)
    )


def _stretches(run: str) -> Iterator[str]:
    """Every sequence of whole groups of `run`: the digits after a card's may be its expiry or security code."""
    groups = _GAP.split(run)
    for start in range(len(groups)):
        digits = ""
        for group in groups[start:]:
            digits += group
            if len(digits) > CARD_DIGITS_MAX:
                break
            if len(digits) >= CARD_DIGITS_MIN:
                yield digits


def _is_card(digits: str) -> bool:
    # int() reads the digits of every script.
    return int(digits[0]) in _CARD_FIRST_DIGITS and _luhn([int(digit) for digit in digits])


def _luhn(values: list[int]) -> bool:
    doubled = (2 * value - 9 if value > 4 else 2 * value for value in values[-2::-2])
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0


def _is_telephone(path: str, text: str) -> bool:
    if not path.endswith("mobile") or _TELEPHONE.match(text) is None:
        return False
    return sum(character.isdigit() for character in text) <= TELEPHONE_DIGITS_MAX


def _named(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text, each with its path in the request's JSON."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _named(getattr(value, name), f"{path}.{encoded}" if path else encoded)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _named(item, f"{path}[{index}]")
