"""Tokens: signed ones (JWT) of somebody with a role, and the tracking token of one order or booking."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jwt

from ordercast.commerce.people import GUEST, SUBJECT_CHARACTERS_MAX, Actor, Role
from ordercast.config import OWN_ISSUER

from .claims import OWN_CLAIMS, ClaimNames, ClaimRefused, required
from .signing_keys import SigningKeys, key_id

ISSUER: Final = OWN_ISSUER
ALGORITHM: Final = "HS256"

TRACKING_PREFIX: Final = "trk_"
_TRACKING_BYTES: Final = 16  # 128 bits: not to be guessed, however many orders there are
TOKEN_CHARACTERS_MAX: Final = 4_096
_JTI_BYTES: Final = 12
ROOMS_CLAIM: Final = "rooms"
"""Of a back end's token: the rooms that it may publish to."""


class TokenRefused(Exception):
    """`code` is ``token_expired``, ``token_malformed``, ``token_invalid`` or ``token_revoked``; the message is a
    sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token identifies. A tracking token makes a guest who may know one order or booking, and nothing else."""

    actor: Actor
    order_id: str | None = None
    booking_id: str | None = None
    expires_at: int | None = None
    """Unix seconds; None for a token that does not expire."""
    issued_at_ms: int = 0
    """Unix milliseconds; 0 where the token does not say."""
    names: tuple[str, ...] = ()
    """By which this very token may be revoked: its own id, its sign-in's, its order's."""
    publishes_to: tuple[str, ...] | None = None
    """The rooms that a back end's token may publish to, each by its name or, with a `*` at the end, by how it begins;
    None for any.
    """

    @property
    def tracked_id(self) -> str | None:
        """The id of what a tracking token opens; None for a token of somebody with a role, and without one."""
        return self.order_id or self.booking_id

    @property
    def is_nobody(self) -> bool:
        return self.actor.role is Role.GUEST and self.tracked_id is None

    def __str__(self) -> str:
        """What its sockets and idempotency keys go by: guests are told apart by what they track."""
        return f"guest:{self.tracked_id}" if self.tracked_id is not None else str(self.actor)


NOBODY: Final = Identity(GUEST)


# --- Tokens of people -------------------------------------------------------------------------------------------------


def issue_token(
    secret: str,
    role: Role | str,
    sub: str,
    ttl_s: int,
    name: str | None = None,
    *,
    sign_in: str | None = None,
    issued_at_ms: int | None = None,
    rooms: Sequence[str] = (),
) -> str:
    """Sign a token for `sub` in `role`, good for `ttl_s` seconds; `sign_in` names the one that it came of. A back end's
    may publish to the `rooms`, to any if there are none.

    `issued_at_ms` (Unix; now if left out) is no later than when role and rights were looked up: what took them away
    after that refuses the token.
    """
    # To the millisecond, so that who signs in anew right after a revocation is told apart from who did before.
    now = (time.time_ns() // 1_000_000 if issued_at_ms is None else issued_at_ms) / 1000
    claims: dict[str, Any] = {
        "sub": sub,
        "role": str(Role(role)),
        "iss": ISSUER,
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "iat": now,
        "exp": int(now) + ttl_s,
    }
    if name is not None:
        claims["name"] = name
    if sign_in is not None:
        claims["sid"] = sign_in
    if rooms:
        claims[ROOMS_CLAIM] = list(rooms)
    return jwt.encode(claims, secret, ALGORITHM, {"kid": key_id(secret)})


def verify_token(secret: str | SigningKeys, token: str, backend_claims: ClaimNames = OWN_CLAIMS) -> Identity:
    """Read a token that was signed with this shop's secret, or with that before it: by the shop, or by a back end that
    was given the secret and names no issuer, whose claims may be called otherwise. Raises TokenRefused.
    """
    check_length(token)
    with reading_token():
        claims = _claims(SigningKeys(secret) if isinstance(secret, str) else secret, token)
        if "iss" not in claims:
            return identity_of(claims, backend_claims)
        if claims["iss"] != ISSUER:
            raise jwt.InvalidIssuerError
        return identity_of(claims, OWN_CLAIMS)


def _claims(keys: SigningKeys, token: str) -> dict[str, Any]:
    """The claims of a token that one of the keys has signed: that which it names, or any if it names none of ours."""
    named = jwt.get_unverified_header(token).get("kid")
    secrets = [secret for secret in keys.all if key_id(secret) == named] or keys.all
    for secret in secrets:
        # The subject is read by us: PyJWT takes none that is a number, as the ids of many back ends are.
        with suppress(jwt.InvalidSignatureError):
            return jwt.decode(token, secret, [ALGORITHM], options={"verify_sub": False})
    raise jwt.InvalidSignatureError


def identity_of(claims: dict[str, Any], named: ClaimNames) -> Identity:
    """The identity in the claims of a verified token. Raises ClaimRefused, which names what is missing, ValueError or
    TypeError for what no token says.
    """
    actor = Actor(named.role_in(claims), named.subject_in(claims), _text(claims, "name"))
    expires_at = required(claims, "exp", "until when it is good")
    names = tuple(name for claim in ("jti", "sid") if (name := _text(claims, claim)))
    said = "".join((actor.id, actor.name or "", *names))
    said.encode()  # JSON may hold half a surrogate pair
    if "\x00" in said:
        raise ValueError("a database does not take a NUL in a text")
    if len(actor.id) > SUBJECT_CHARACTERS_MAX:
        raise ValueError(f"a subject has {SUBJECT_CHARACTERS_MAX} characters at most")
    return Identity(
        actor,
        expires_at=int(expires_at),
        issued_at_ms=round(float(claims.get("iat", 0)) * 1000),
        names=names,
        publishes_to=_rooms_in(claims) if actor.role is Role.SERVICE else None,
    )


def _rooms_in(claims: dict[str, Any]) -> tuple[str, ...] | None:
    """The rooms that the token is for. Raises ClaimRefused: a scope that cannot be read must not be taken for none."""
    rooms = claims.get(ROOMS_CLAIM)
    if rooms is None:
        return None
    if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
        raise ClaimRefused(f'The token\'s "{ROOMS_CLAIM}" is no list of the names of rooms.')
    return tuple(rooms)


def check_length(token: str) -> None:
    """Raises TokenRefused for a token that is too long to be parsed."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TokenRefused("token_malformed", "The token is too long.")


@contextmanager
def reading_token() -> Iterator[None]:
    """Turn whatever reading a token raises into TokenRefused."""
    try:
        yield
    except jwt.ExpiredSignatureError:
        raise TokenRefused("token_expired", "The token has expired.") from None
    except ClaimRefused as error:
        raise TokenRefused("token_invalid", str(error)) from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenRefused("token_invalid", f'The token has no "{error.claim}" claim.') from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise TokenRefused("token_invalid", "The token was not signed by this shop.") from None
    except (jwt.InvalidIssuerError, jwt.InvalidAudienceError, jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError):
        raise TokenRefused("token_invalid", "The token is not for this shop, or not yet.") from None
    except (jwt.DecodeError, UnicodeError):
        raise TokenRefused("token_malformed", "This is not a token.") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise TokenRefused("token_invalid", "The token says something that this shop does not know.") from None


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


# --- Tokens of orders and bookings ------------------------------------------------------------------------------------


def tracking_token(secret: str, tracked_id: str) -> str:
    """The token of an order or booking. It is derived, not stored: a repeated request is answered with the same one,
    while the database knows its hash alone. Without the secret it cannot be told from 128 random bits.
    """
    key = _tracking_key(secret)
    return TRACKING_PREFIX + hashlib.blake2b(tracked_id.encode(), key=key, digest_size=_TRACKING_BYTES).hexdigest()


@lru_cache(maxsize=8)
def _tracking_key(secret: str) -> bytes:
    return hashlib.sha256(b"tracking:" + secret.encode()).digest()


def tracking_token_kept(keys: SigningKeys, tracked_id: str, kept: bytes | None) -> str | None:
    """The token that has the hash which is `kept` of it; None where no key of today has made that one."""
    tokens = (tracking_token(secret, tracked_id) for secret in keys.all)
    return next((token for token in tokens if tracking_hash(token) == kept), None)


def tracking_hash(token: str) -> bytes:
    """The hash of a tracking token, which is what is stored of it."""
    return hashlib.sha256(token.encode()).digest()


def delivery_code(secret: str, order_id: str) -> str:
    """Six digits that the buyer is shown and tells the driver at the door; derived like the tracking token.

    Short, for it is said aloud: whoever asks must bound how often it may be guessed.
    """
    key = hashlib.sha256(b"delivery:" + secret.encode()).digest()
    digest = hashlib.blake2b(order_id.encode(), key=key, digest_size=8).digest()
    return f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"
