"""Refresh tokens, kept by browsers in a cookie."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from ordercast.db.access import RefreshHashes

PREFIX: Final = "rft_"
_HALF_BYTES: Final = 16  # 128 bits, as for any bearer secret
_FORM: Final = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * _HALF_BYTES}}})([0-9a-f]{{{2 * _HALF_BYTES}}})")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token has two secrets: `family` lasts as long as the sign-in, `turn` is replaced at each refresh.

    By the first, a token that was replaced long ago is recognized as copied.
    """

    family: str
    turn: str

    @classmethod
    def make(cls) -> Self:
        return cls(secrets.token_hex(_HALF_BYTES), secrets.token_hex(_HALF_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = _FORM.fullmatch(text)
        return None if match is None else cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{PREFIX}{self.family}{self.turn}"

    def __repr__(self) -> str:
        return "<RefreshToken>"  # keeps it out of logs

    def next(self, secret: str) -> Self:
        """The next token: derived, so that concurrent tabs, and repetitions after a lost response, get the same. Needs
        the shop's secret.
        """
        key = hashlib.sha256(b"refresh:" + secret.encode()).digest()
        turn = hashlib.blake2b(str(self).encode(), key=key, digest_size=_HALF_BYTES).hexdigest()
        return type(self)(self.family, turn)

    @property
    def hashes(self) -> RefreshHashes:
        """The hashes to store."""
        return RefreshHashes(_hash(self.family), _hash(self.turn))


def _hash(half: str) -> bytes:
    return hashlib.sha256(half.encode()).digest()
