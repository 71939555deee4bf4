"""Rejects texts without visible characters, deceptive characters, and card numbers.

Letters of every script pass, with the joiners, variation selectors, direction marks and flag tags that they need.
Bidirectional overrides and invisible characters are rejected (Unicode Technical Report 36, "bidirectional text
spoofing"), as a name could read as another.

A card number in our logs or database would put the shop under the card industry's rules (PCI DSS), so it is rejected
wherever it is entered, and never repeated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from .errors import BlankText, CardNumberGiven, ControlCharacter, HiddenCharacter

# ISO/IEC 7812-1: a card number has up to 19 digits; 13 is the shortest in use. Cards of the payment networks begin
# with 2 to 6, which spares the telephone numbers of most of the world.
CARD_DIGITS_MIN: Final = 13
CARD_DIGITS_MAX: Final = 19
_CARD_FIRST_DIGITS: Final = range(2, 7)

# E.164: an international telephone number is a plus and at most 15 digits.
_TELEPHONE: Final = re.compile(r"\+[\d \-()]+$")
TELEPHONE_DIGITS_MAX: Final = 15

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Format characters (category Cf) that are not listed as passing, and noncharacters.
_HIDDEN: Final = re.compile(
    "["
    r"\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(1, 17))
    + "]"
)
# Categories that show nothing by themselves.
_UNSEEN_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Me"})
# Letters and a symbol drawn as nothing: Hangul fillers, and the empty Braille cell.
_UNSEEN_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# Cards are often typed in groups.
_LONG_RUN: Final = re.compile(r"\d(?:[ \u00a0-]?\d){12,}")
# A quick test. Digits of every script would take three times as long, and most texts have ASCII ones.
_NUMERIC: Final = re.compile(r"\d[\d \u00a0-]{12,}")
_NUMERIC_ASCII: Final = re.compile(r"[0-9][0-9 -]{12,}")
_GAP: Final = re.compile(r"[ \u00a0-]")
# A JSON text that begins with an invisible character.
_UNSEEN_FIRST: Final = re.compile(rf'"[^\w\x21-\x7e]|"[{"".join(_UNSEEN_LETTERS)}]')
_ENCODE: Final = msgspec.json.Encoder().encode


def check_texts(request: msgspec.Struct) -> None:
    """Check every text of `request`.

    Raises ControlCharacter, HiddenCharacter, BlankText or CardNumberGiven with the field.
    """
    # One pass over all texts: nearly every request ends here. Separators keep digits of two texts apart.
    everything = _ENCODE(request).decode()
    if not _is_suspect(everything) and not has_card_number(everything):
        return
    for path, text in _named(request, ""):
        if _CONTROL.search(text):
            raise ControlCharacter(path)
        if hidden := _HIDDEN.search(text):
            raise HiddenCharacter(path, hidden[0])
        if text and not _shows_something(text):
            raise BlankText(path)
        if has_card_number(text) and not _is_telephone(path, text):
            raise CardNumberGiven(path)


def _is_suspect(everything: str) -> bool:
    """Whether the JSON may contain something to reject: an escape, a hidden character, a blank text."""
    return "\\" in everything or not everything.isprintable() or _UNSEEN_FIRST.search(everything) is not None


def _shows_something(text: str) -> bool:
    return any(
        unicodedata.category(character) not in _UNSEEN_CATEGORIES and character not in _UNSEEN_LETTERS
        for character in text
    )


def has_card_number(text: str) -> bool:
    """Whether `text` contains a card number, perhaps grouped by spaces or dashes."""
    numerics = _NUMERIC_ASCII if text.isascii() else _NUMERIC
    return any(
        _is_card(digits)
        for numeric in numerics.findall(text)
        for run in _LONG_RUN.findall(numeric)
        for digits in _stretches(run)
    )


def _stretches(run: str) -> Iterator[str]:
    """Every sequence of whole groups of `run`: expiry or security code may follow the number."""
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
    # int() accepts digits of every script.
    return int(digits[0]) in _CARD_FIRST_DIGITS and _luhn([int(digit) for digit in digits])


def _luhn(values: list[int]) -> bool:
    doubled = (2 * value - 9 if value > 4 else 2 * value for value in values[-2::-2])
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0


def _is_telephone(path: str, text: str) -> bool:
    if not path.endswith("mobile") or _TELEPHONE.match(text) is None:
        return False
    return sum(character.isdigit() for character in text) <= TELEPHONE_DIGITS_MAX


def _named(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text with its JSON path in the request."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _named(getattr(value, name), f"{path}.{encoded}" if path else encoded)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _named(item, f"{path}[{index}]")
