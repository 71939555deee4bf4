"""VAPID (RFC 8292): identifies the shop to push services by a signing key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .push_encryption import CURVE, decoded, encoded

# RFC 8292 section 2 allows a day; half of it leaves room for clock skew.
TOKEN_S: Final = 12 * 3_600
# A signed token is reused for so long: signing one for each message would be most of its cost.
REUSED_S: Final = 3_600
# Browsers use some five push services; a client that registers other URLs must not grow our memory.
ORIGINS_MAX: Final = 64


class VapidKey:
    """The shop's key; `subject` is the operator's contact, a ``mailto:`` or ``https:`` URL."""

    def __init__(self, private: str, subject: str, now_s: Callable[[], float]) -> None:
        """`private` is the key's 32 bytes as base64url. Raises ValueError if malformed."""
        number = int.from_bytes(decoded(private) or b"", "big")
        self._private = ec.derive_private_key(number, CURVE)
        self._subject = subject
        self._now_s = now_s
        self.public = encoded(self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        """The value of `applicationServerKey` in browsers."""
        self._tokens: dict[str, tuple[float, str]] = {}
        """By origin: when the token was made, and the header's value."""

    def __repr__(self) -> str:
        return f"<VapidKey {self.public[:12]}>"

    def authorization(self, endpoint: str) -> str:
        """Return the Authorization header's value (RFC 8292 section 3) for a push endpoint."""
        parts = urlsplit(endpoint)
        origin, now = f"{parts.scheme}://{parts.netloc}", self._now_s()
        made_at, value = self._tokens.get(origin, (0.0, ""))
        if not value or not 0 <= now - made_at < REUSED_S:
            claims = {"aud": origin, "exp": int(now) + TOKEN_S, "sub": self._subject}
            value = f"vapid t={jwt.encode(claims, self._private, 'ES256')}, k={self.public}"
            if len(self._tokens) >= ORIGINS_MAX:
                self._tokens.clear()
            self._tokens[origin] = (now, value)
        return value
