"""Who asks: a signed token (JWT) of somebody with a role, or the tracking token of one order."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Final

import jwt

from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.db import Store, Transaction

ISSUER: Final = "ordercast"
ALGORITHM: Final = "HS256"

TRACKING_PREFIX: Final = "trk_"
_TRACKING_BYTES: Final = 16  # 128 bits: not to be guessed, however many orders there are
TOKEN_CHARACTERS_MAX: Final = 4_096


class TokenRefused(Exception):
    """`code` is ``token_expired``, ``token_malformed`` or ``token_invalid``; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for. A tracking token makes a guest who may know `order_id`, and nothing else."""

    actor: Actor
    order_id: str | None = None
    expires_at: int | None = None
    """Unix seconds; None for a token that does not expire."""


NOBODY: Final = Identity(GUEST)


# --- Tokens of people -------------------------------------------------------------------------------------------------


def issue_token(secret: str, role: Role | str, sub: str, ttl_s: int, name: str | None = None) -> str:
    """Sign a token for `sub` in `role`, good for `ttl_s` seconds from now."""
    now = int(time.time())
    claims: dict[str, Any] = {"sub": sub, "role": str(Role(role)), "iss": ISSUER, "iat": now, "exp": now + ttl_s}
    if name is not None:
        claims["name"] = name
    return jwt.encode(claims, secret, ALGORITHM)


def verify_token(secret: str, token: str) -> tuple[Actor, int]:
    """Read a signed token: who it speaks for, and until when (Unix seconds). Raises TokenRefused."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TokenRefused("token_malformed", "The token is too long.")
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], options={"require": ["sub", "role", "exp"]})
        # A back end that was given the secret may sign without naming an issuer, but not in another's name.
        if claims.get("iss", ISSUER) != ISSUER:
            raise jwt.InvalidIssuerError
        actor = Actor(Role(claims["role"]), claims["sub"], _name(claims))
        return actor, int(claims["exp"])
    except jwt.ExpiredSignatureError:
        raise TokenRefused("token_expired", "The token has expired.") from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.MissingRequiredClaimError):
        raise TokenRefused("token_invalid", "The token was not signed by this shop.") from None
    except (jwt.InvalidIssuerError, jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError):
        raise TokenRefused("token_invalid", "The token is not for this shop, or not yet.") from None
    except (jwt.DecodeError, UnicodeError):
        raise TokenRefused("token_malformed", "This is not a token.") from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise TokenRefused("token_invalid", "The token says something that this shop does not know.") from None


def _name(claims: dict[str, Any]) -> str | None:
    name = claims.get("name")
    return name if isinstance(name, str) else None


# --- Tokens of orders -------------------------------------------------------------------------------------------------


def tracking_token(secret: str, order_id: str) -> str:
    """The token of an order. It is derived, not stored: a repeated request is answered with the same one, while the
    database knows its hash alone. Without the secret it cannot be told from 128 random bits.
    """
    key = hashlib.sha256(b"tracking:" + secret.encode()).digest()
    return TRACKING_PREFIX + hashlib.blake2b(order_id.encode(), key=key, digest_size=_TRACKING_BYTES).hexdigest()


def tracking_hash(token: str) -> bytes:
    """What is stored of a tracking token."""
    return hashlib.sha256(token.encode()).digest()


# --- Either -----------------------------------------------------------------------------------------------------------


async def identify(store: Store, secret: str, token: str | None) -> Identity:
    """Who `token` speaks for: nobody in particular without one. Raises TokenRefused."""
    if not token:
        return NOBODY
    if not token.startswith(TRACKING_PREFIX):
        actor, expires_at = verify_token(secret, token)
        return Identity(actor, expires_at=expires_at)
    if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
        raise TokenRefused("token_malformed", "This is not a tracking token.")
    digest = tracking_hash(token)

    def query(transaction: Transaction) -> tuple[Any, ...] | None:
        return transaction.one(transaction.sql.orders.by_tracking_hash, tracking_hash=digest)

    row = await store.read(query)
    if row is None:
        raise TokenRefused("token_invalid", "No order has this tracking token.")
    return Identity(GUEST, order_id=row[0])
