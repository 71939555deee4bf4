"""What somebody means who looks for an order: every word of it, by what each may be.

A word may be a part of a name, an e-mail address or an item; a number, a telephone's last digits, a sum or a day; or a
state. The index of words holds numbers, telephones, days and sums as words of their own, each behind its letter.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from .states import LABELS, LEGACY_NAMES, PICKUP_LABELS, OrderStatus, statuses_called
from .word_query import WORDS_MAX, AllOf, AnyOf, Word, WordQuery

NUMBER: Final = "n"
TELEPHONE: Final = "t"
"""Its digits from the last to the first, so that its end is found as a beginning, with or without a country's code."""
DAY: Final = "d"
SUM: Final = "s"

# As long as E.164 lets a telephone number be; fewer than four digits are the end of too many.
TELEPHONE_DIGITS_MAX: Final = 15
TELEPHONE_DIGITS_MIN: Final = 4
# A number of its own, that is written in groups; and one that may have a country's code, of up to three digits.
_WHOLE_TELEPHONE_MIN: Final = 7
_WITH_CODE_MIN: Final = 10
_CODE_MAX: Final = 3
DAYS_MAX: Final = 366
"""Between the first and the last day: each is looked up."""

_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation, " "))
_OF_TELEPHONE: Final = re.compile(r"[+(]?[0-9][0-9().\-/]*|[+(][0-9().\-/]+")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SUM: Final = re.compile(r"[^\w\s.,+\-]*([0-9][0-9,]*)(?:\.([0-9]{1,4}))?[^\w\s.,+\-]*")


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """Orders of which the words hold, in one of `statuses`, if any are named."""

    words: WordQuery | None
    """None for whatever words."""
    statuses: frozenset[OrderStatus] | None = None


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_query(text: str, digits: int, *, beginning: bool = False) -> list[OrderSearch]:
    """What may be meant, any of it: `digits` are those of the shop's currency. With `beginning` the last word may be
    the beginning of one. Nothing is meant by what has neither letters nor digits.
    """
    words = text.replace("\0", " ").split()[:WORDS_MAX]
    found = []
    literal = list(_parts(words, digits, beginning=beginning))
    if literal:
        found.append(OrderSearch(AllOf(tuple(literal))))
    rest, statuses = _without_status(words)
    if statuses is not None:
        others = tuple(_parts(rest, digits, beginning=beginning))
        found.append(OrderSearch(AllOf(others) if others else None, statuses))
    return found


def within_days(search: OrderSearch, first: date, last: date) -> OrderSearch:
    """The same, of orders that were placed on one of these days."""
    days = AnyOf(tuple(Word(_day(first + timedelta(days=n))) for n in range((last - first).days + 1)))
    return replace(search, words=days if search.words is None else AllOf((search.words, days)))


def _parts(words: Sequence[str], digits: int, *, beginning: bool) -> Iterator[WordQuery]:
    at = 0
    while at < len(words):
        group = _telephone_at(words, at)
        rest = words[at : at + max(1, len(group))]
        at += len(rest)
        each = [_word(word, digits, beginning=beginning and at == len(words)) for word in rest]
        known = tuple(part for part in each if part is not None)
        if len(group) > 1:
            yield AnyOf((*_telephone("".join(group)), AllOf(known)))
        else:
            yield from known


def _telephone_at(words: Sequence[str], at: int) -> list[str]:
    """The words from there on that may be one telephone number, written in groups."""
    group: list[str] = []
    for word in words[at:]:
        plain = _ascii(word)
        if not _OF_TELEPHONE.fullmatch(plain) or _DAY.fullmatch(plain):
            break
        group.append(plain)
    length = sum(map(str.isdigit, "".join(group)))
    return group if _WHOLE_TELEPHONE_MIN <= length <= TELEPHONE_DIGITS_MAX + 2 else []


def _word(word: str, digits: int, *, beginning: bool) -> WordQuery | None:
    """What one word may be; None for what is no word."""
    plain = _ascii(word)
    if plain[:1] == "#" and plain[1:].isdigit():
        return Word(f"{NUMBER}{_bare(plain[1:])}")
    if _DAY.fullmatch(plain):
        with suppress(ValueError):
            return Word(_day(date.fromisoformat(plain)))
    meant: list[WordQuery] = []
    if any(map(str.isalnum, word)):
        meant.append(Word(word.translate(_PUNCTUATION).strip(), beginning))
    if plain.isdigit():
        meant.append(Word(f"{NUMBER}{_bare(plain)}"))
    meant += _telephone(plain)
    meant += _sum(plain, digits)
    return AnyOf(tuple(meant)) if meant else None


def _telephone(plain: str) -> Iterator[Word]:
    if not _OF_TELEPHONE.fullmatch(plain):
        return
    found = "".join(filter(str.isdigit, plain)).lstrip("0")
    if not TELEPHONE_DIGITS_MIN <= len(found) <= TELEPHONE_DIGITS_MAX:
        return
    backwards = found[::-1]
    yield Word(f"{TELEPHONE}{backwards}", is_beginning=True)
    if len(found) >= _WITH_CODE_MIN:
        # As somebody wrote it down who is of the same country.
        yield from (Word(f"{TELEPHONE}{backwards[:-length]}") for length in range(1, _CODE_MAX + 1))


def _sum(plain: str, digits: int) -> Iterator[Word]:
    match = _SUM.fullmatch(plain)
    if match is None:
        return
    whole, part = match[1].replace(",", ""), match[2] or ""
    if len(part.rstrip("0")) <= digits:
        yield Word(f"{SUM}{_bare(whole + part[:digits].ljust(digits, '0'))}")


def _bare(number: str) -> str:
    return number.lstrip("0") or "0"


def _day(day: date) -> str:
    return f"{DAY}{day:%Y%m%d}"


def _ascii(word: str) -> str:
    """With the digits of every script as `0` to `9`."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in word)


# --- States -----------------------------------------------------------------------------------------------------------


def _named() -> dict[tuple[str, ...], frozenset[OrderStatus]]:
    """What states are called, word by word."""
    names = {name: frozenset(statuses_called(name)) for name in (*OrderStatus, *LEGACY_NAMES)}
    found = {tuple(name.split("_")): statuses for name, statuses in names.items()}
    found |= {(name,): statuses for name, statuses in names.items()}
    for labels in (LABELS, PICKUP_LABELS):
        for status, texts in labels.items():
            for label in texts.values():
                words = tuple(label.casefold().split())
                found[words] = found.get(words, frozenset()) | {status}
    return found


_STATUSES: Final = _named()
_WORDS_OF_STATUS_MAX: Final = max(map(len, _STATUSES))


def _without_status(words: Sequence[str]) -> tuple[list[str], frozenset[OrderStatus] | None]:
    """The longest name of a state in it, and the words around it."""
    folded = [word.casefold() for word in words]
    for length in range(min(_WORDS_OF_STATUS_MAX, len(words)), 0, -1):
        for at in range(len(words) - length + 1):
            statuses = _STATUSES.get(tuple(folded[at : at + length]))
            if statuses is not None:
                return [*words[:at], *words[at + length :]], statuses
    return list(words), None
