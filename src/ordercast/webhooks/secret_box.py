"""Encrypts endpoints' secrets for the database, with a key derived from the shop's secret.

Who reads the database or a copy of it, without that secret, cannot sign in the shop's name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_PURPOSE: Final = b"webhook endpoints"
# Standard Webhooks: 24 to 64 bytes.
_SECRET_BYTES: Final = 32
PREFIX: Final = "whsec_"


class SecretUnreadable(Exception):
    """It was sealed with neither the current nor the previous shop secret."""


class SecretBox:
    """Seals with the first of the shop's secrets; opens what any of them sealed."""

    def __init__(self, shop_secrets: Sequence[str]) -> None:
        self._shop_secrets = tuple(shop_secrets)
        self._boxes: list[Fernet] = []

    def __repr__(self) -> str:
        return "<SecretBox>"

    def seal(self, secret: str) -> str:
        return self._all()[0].encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt a secret. Raises SecretUnreadable."""
        return self._open(self._all(), sealed)

    def is_current(self, sealed: str) -> bool:
        """Whether it is sealed with the current secret."""
        try:
            self._open(self._all()[:1], sealed)
        except SecretUnreadable:
            return False
        return True

    def _all(self) -> list[Fernet]:
        if not self._boxes:
            from cryptography.fernet import Fernet  # noqa: PLC0415 - slow to load, for shops without endpoints

            self._boxes = [Fernet(_key(secret)) for secret in self._shop_secrets]
        return self._boxes

    @staticmethod
    def _open(boxes: list[Fernet], sealed: str) -> str:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

        for box in boxes:
            try:
                return box.decrypt(sealed.encode()).decode()
            except InvalidToken:
                continue
        raise SecretUnreadable


def new_secret() -> str:
    """Make a random Standard Webhooks secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _key(shop_secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.new(shop_secret.encode(), _PURPOSE, hashlib.sha256).digest())
