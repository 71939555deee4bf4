"""Checks chosen passwords, by rules and the blocklist of NIST SP 800-63B (section 3.1.1.2)."""

from __future__ import annotations

import gzip
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

from .errors import InvalidField

# Length counts, character classes do not. The maximum bounds the cost of a hash.
CHOSEN_MIN: Final = 10
CHOSEN_MAX: Final = 128
_DISTINCT_MIN: Final = 4
# Shorter words of a name are part of too many others.
_OWN_WORD_MIN: Final = 4
# Characters that must be left without guessable parts.
_REST_MIN: Final = 5

# 19,640 passwords that leaks have in common, most frequent first: Royce Williams' list
# (https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce), in the form in which Django ships it.
_LIST: Final = "common_passwords.txt.gz"
_OUR_NAME: Final = "ordercast"
_ROWS: Final = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgb")
# Three in a row happen by chance; four are a pattern.
_RUN_MIN: Final = 4
_DISGUISED: Final = str.maketrans("@4301$57!", "aaeolssti")


def check_choice(password: str, *, email: str, name: str, field: str = "password") -> None:
    """Check a new password. Raises InvalidField if it is too short, too long, or among the first guesses."""
    if not CHOSEN_MIN <= len(password) <= CHOSEN_MAX:
        raise InvalidField(field, f"A password has {CHOSEN_MIN} to {CHOSEN_MAX} characters.")
    if len(set(password)) < _DISTINCT_MIN:
        raise InvalidField(field, f"A password has at least {_DISTINCT_MIN} different characters.")
    # Normalized, so that variants of case and composition are equal.
    plain = unicodedata.normalize("NFKC", password).casefold().strip()
    # Digits and punctuation around one's name are no secret.
    if _is_of(plain, _own_words(email, name), of_rest=r"[^\W\d_]"):
        raise InvalidField(field, "A password is not one's own address or name, nor the shop's, with little added.")
    if _is_common(plain):
        raise InvalidField(field, "This password is among those that are tried first, as many people have it.")
    if len(_unit(plain)) < _REST_MIN + 1 or _is_of(plain, _runs(plain), of_rest=r"."):
        raise InvalidField(field, "A password does not repeat a few characters, nor follow the alphabet or the keys.")


def _is_of(plain: str, words: Iterator[str], *, of_rest: str) -> bool:
    """Whether little is left of the password without these words, one of which it contains."""
    rest = plain
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != plain and len(re.findall(of_rest, rest)) < _REST_MIN


def _own_words(email: str, name: str) -> Iterator[str]:
    yield _OUR_NAME
    for text in (email.casefold(), name.casefold()):
        yield from (word for word in (text.strip(), *re.split(r"[\W_]+", text)) if len(word) >= _OWN_WORD_MIN)


def _is_common(plain: str) -> bool:
    """Whether it is a common password, possibly with digits and signs around it or in place of letters."""
    readings = {plain, plain.translate(_DISGUISED)}
    readings |= {re.sub(r"^[\W\d_]+|[\W\d_]+$", "", reading) for reading in readings}
    return any(len(reading) >= _OWN_WORD_MIN and reading in _common() for reading in readings)


def _unit(plain: str) -> str:
    """The repeated unit, if it is only a repetition."""
    once = re.sub(r"(.)\1+", r"\1", plain, flags=re.DOTALL)
    repeated = re.fullmatch(r"(.+?)\1+.{0,3}", once, flags=re.DOTALL)
    return once if repeated is None else repeated[1]


def _runs(plain: str) -> Iterator[str]:
    """Its runs along the alphabet or the keyboard, in either direction."""
    start = 0
    for end in range(1, len(plain) + 1):
        if end < len(plain) and _is_on_a_row(plain[start : end + 1]):
            continue
        if end - start >= _RUN_MIN:
            yield plain[start:end]
        start = end


def _is_on_a_row(piece: str) -> bool:
    """Whether its letters are neighbours on the keyboard or in the alphabet, forwards or backwards."""
    return any(piece in row or piece[::-1] in row for row in _ROWS)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    packed = resources.files(__package__).joinpath(_LIST).read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())
