"""Mailed links, and the tokens in them.

A token is signed with a key derived from the shop's secret for this purpose only; nothing is stored. It stands after
the `#`, which browsers send to nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import quote

import jwt
import msgspec

from ordercast.commerce.letters import RESET_MINUTES, VERIFY_DAYS
from ordercast.db.accounts import Account

from .auth import ALGORITHM, TOKEN_CHARACTERS_MAX, tracking_token_kept
from .errors import LinkRefused
from .signing_keys import SigningKeys

T = TypeVar("T")

_RESET: Final = "password-reset"
_VERIFY: Final = "address"


class ResetClaims(msgspec.Struct, frozen=True):
    """`sub` is the account's id; `now` stands for its password at that time."""

    sub: str
    now: str


class _VerifyClaims(msgspec.Struct, frozen=True):
    email: str


@dataclass(frozen=True, slots=True)
class MailLinks:
    """Makes the links of a shop at `public_url`."""

    public_url: str
    keys: SigningKeys

    def page(self, path: str) -> str:
        return f"{self.public_url}{path}"

    def home(self) -> str:
        return f"{self.public_url}/shop"

    def board(self) -> str:
        """The staff's board."""
        return f"{self.public_url}/admin"

    def forgot(self) -> str:
        return f"{self.public_url}/forgot"

    def verify(self, email: str) -> str:
        return f"{self.public_url}/verify#token={_token(self.keys, _VERIFY, {'email': email}, VERIFY_DAYS * 86_400)}"

    def reset(self, account: Account) -> str:
        claims = {"sub": account.id, "now": _standing_for(account.password_hash)}
        return f"{self.public_url}/reset#token={_token(self.keys, _RESET, claims, RESET_MINUTES * 60)}"

    def order(self, order_id: str, tracking_hash: bytes | None) -> str:
        """An order's page; for a guest with its tracking token."""
        address = f"{self.public_url}/track/{quote(order_id, safe='')}"
        token = None if tracking_hash is None else tracking_token_kept(self.keys, order_id, tracking_hash)
        return address if token is None else f"{address}?token={token}"


def read_verification(keys: SigningKeys, token: str) -> str:
    """The address of a verification link. Raises LinkRefused."""
    return _read(keys, _VERIFY, token, _VerifyClaims).email


def read_reset(keys: SigningKeys, token: str) -> ResetClaims:
    """The claims of a reset link, valid if it still `fits` the account. Raises LinkRefused."""
    return _read(keys, _RESET, token, ResetClaims)


def fits(claims: ResetClaims, account: Account) -> bool:
    """Whether the account still has the password of that time: so a link works once."""
    return hmac.compare_digest(claims.now, _standing_for(account.password_hash))


def _standing_for(password_hash: str) -> str:
    # The salted hash cannot be derived from this.
    return hashlib.sha256(b"reset:" + password_hash.encode()).hexdigest()[:32]


def _token(keys: SigningKeys, purpose: str, claims: dict[str, Any], ttl_s: int) -> str:
    return jwt.encode({**claims, "exp": int(time.time()) + ttl_s}, _key(keys.current, purpose), ALGORITHM)


def _read(keys: SigningKeys, purpose: str, token: str, type_: type[T]) -> T:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise LinkRefused
    for secret in keys.all:
        try:
            claims = jwt.decode(
                token, _key(secret, purpose), [ALGORITHM], options={"verify_sub": False, "require": ["exp"]}
            )
            return msgspec.convert(claims, type_)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise LinkRefused("token_expired") from None
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, TypeError, OverflowError):
            raise LinkRefused from None
    raise LinkRefused


@lru_cache(maxsize=8)
def _key(secret: str, purpose: str) -> bytes:
    return hashlib.sha256(f"mailed {purpose}:{secret}".encode()).digest()
