"""Tokens: JWTs of people and back ends, and tracking tokens of orders and bookings."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import jwt

from ordercast.commerce.people import GUEST, SUBJECT_CHARACTERS_MAX, Actor, Role
from ordercast.commerce.room_access import Grant, GrantRefused
from ordercast.config import OWN_ISSUER

from .claims import OWN_CLAIMS, ClaimedRoles, ClaimNames, ClaimRefused, required
from .signing_keys import SigningKeys, key_id

ISSUER: Final = OWN_ISSUER
ALGORITHM: Final = "HS256"

TRACKING_PREFIX: Final = "trk_"
_TRACKING_BYTES: Final = 16  # 128 bits: cannot be guessed, however many orders there are
TOKEN_CHARACTERS_MAX: Final = 4_096
_JTI_BYTES: Final = 12
OWN_CLAIM_NAMES: Final = ("sub", "role", "iss", "jti", "sid", "iat", "exp", "rooms")
ROOMS_CLAIM: Final = "rooms"
"""The claim with the rooms that a back end's token may publish to."""


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
    """The identity of a token. A tracking token's is a guest who may see one order or booking."""

    actor: Actor
    order_id: str | None = None
    booking_id: str | None = None
    expires_at: int | None = None
    """Unix seconds; None for a token that does not expire."""
    issued_at_ms: int = 0
    """Unix milliseconds; 0 if the token does not say."""
    names: tuple[str, ...] = ()
    """The ids by which the token may be revoked: its own, its sign-in's, its order's."""
    publishes_to: tuple[str, ...] | None = None
    """The rooms a back end's token may publish to, by name or, with a `*` at the end, by prefix; None for any."""
    own_role: str = ""
    """The shop's own role, as its mapping file names it: to the shop of ours its bearer is a guest."""
    roles: tuple[str, ...] = ()
    """All that the token names, where a mapping file asks; else empty."""
    grants: tuple[Grant, ...] = ()
    """The rooms that its claims open."""
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """All that the token says, where a mapping file asks; else empty."""

    @property
    def tracked_id(self) -> str | None:
        """The id that a tracking token opens; None for other tokens."""
        return self.order_id or self.booking_id

    @property
    def is_nobody(self) -> bool:
        return self.actor.role is Role.GUEST and self.tracked_id is None and not self.own_role

    @property
    def role(self) -> str:
        """The name of the role, ours or the shop's own."""
        return self.own_role or str(self.actor.role)

    def __str__(self) -> str:
        """The key of sockets and idempotency keys: guests differ by what they track."""
        if self.own_role:
            return f"{self.own_role}:{self.actor.id}"
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
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Sign a token for `sub` in `role`, valid for `ttl_s` seconds; `sign_in` is the id of its sign-in. A back end's may
    publish to `rooms`, to any if empty. `claims` are what a mapping file asks for besides.

    `issued_at_ms` (Unix; now by default) must not be later than the lookup of role and rights, so that a later
    revocation applies.
    """
    # In milliseconds, to distinguish a sign-in right after a revocation.
    now = (time.time_ns() // 1_000_000 if issued_at_ms is None else issued_at_ms) / 1000
    signed: dict[str, Any] = {
        **(claims or {}),
        "sub": sub,
        "role": str(role),
        "iss": ISSUER,
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "iat": now,
        "exp": int(now) + ttl_s,
    }
    if name is not None:
        signed["name"] = name
    if sign_in is not None:
        signed["sid"] = sign_in
    if rooms:
        signed[ROOMS_CLAIM] = list(rooms)
    return jwt.encode(signed, secret, ALGORITHM, {"kid": key_id(secret)})


def verify_token(secret: str | SigningKeys, token: str, backend_claims: ClaimNames = OWN_CLAIMS) -> Identity:
    """Verify a token signed with the shop's current or previous secret, by the shop or by a back end with the secret,
    whose claims may have other names. Raises TokenRefused.
    """
    check_length(token)
    with reading_token():
        claims = _claims(SigningKeys(secret) if isinstance(secret, str) else secret, token)
        if "iss" not in claims:
            return identity_of(claims, backend_claims)
        if claims["iss"] != ISSUER:
            raise jwt.InvalidIssuerError
        return identity_of(claims, replace(OWN_CLAIMS, grants=backend_claims.grants))


def _claims(keys: SigningKeys, token: str) -> dict[str, Any]:
    """The claims of a token signed by one of the keys: the one it names, or any if it names none of ours."""
    named = jwt.get_unverified_header(token).get("kid")
    secrets = [secret for secret in keys.all if key_id(secret) == named] or keys.all
    for secret in secrets:
        # We read the subject: PyJWT rejects numbers, which many back ends use.
        with suppress(jwt.InvalidSignatureError):
            return jwt.decode(token, secret, [ALGORITHM], options={"verify_sub": False})
    raise jwt.InvalidSignatureError


def identity_of(claims: dict[str, Any], named: ClaimNames) -> Identity:
    """The identity in verified claims. Raises ClaimRefused for a missing claim, ValueError or TypeError for an invalid
    one.
    """
    roles = named.roles_in(claims)
    actor = Actor(roles.role, named.subject_in(claims), _text(claims, "name"))
    expires_at = required(claims, "exp", "until when it is good")
    names = tuple(name for claim in ("jti", "sid") if (name := _text(claims, claim)))
    texts = "".join((actor.id, actor.name or "", *names))
    texts.encode()  # rejects lone surrogates
    if "\x00" in texts:
        raise ValueError("a database does not take a NUL in a text")
    if len(actor.id) > SUBJECT_CHARACTERS_MAX:
        raise ValueError(f"a subject has {SUBJECT_CHARACTERS_MAX} characters at most")
    return Identity(
        actor,
        expires_at=int(expires_at),
        issued_at_ms=round(float(claims.get("iat", 0)) * 1000),
        names=names,
        publishes_to=_rooms_in(claims) if actor.role is Role.SERVICE else None,
        own_role=roles.own,
        **_granted(named, roles, {**claims, "sub": actor.id}),
    )


def _granted(named: ClaimNames, roles: ClaimedRoles, claims: dict[str, Any]) -> dict[str, Any]:
    """The rooms that the claims open, and the claims, where a mapping file says anything about them."""
    if named.grants is None:
        return {}
    try:
        return {"grants": named.grants.of(roles.every, claims), "claims": claims, "roles": roles.every}
    except GrantRefused as error:
        raise ClaimRefused(str(error)) from None


def _rooms_in(claims: dict[str, Any]) -> tuple[str, ...] | None:
    """The token's room scope. Raises ClaimRefused: an invalid scope must not count as none."""
    rooms = claims.get(ROOMS_CLAIM)
    if rooms is None:
        return None
    if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
        raise ClaimRefused(f'The token\'s "{ROOMS_CLAIM}" is no list of the names of rooms.')
    return tuple(rooms)


def check_length(token: str) -> None:
    """Raise TokenRefused if the token is too long to parse."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TokenRefused("token_malformed", "The token is too long.")


@contextmanager
def reading_token() -> Iterator[None]:
    """Turn errors of parsing a token into TokenRefused."""
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
    """The tracking token of an order or booking: derived, not stored, so a repeated request gets the same, while the
    database has only its hash. Without the secret it looks random.
    """
    key = _tracking_key(secret)
    return TRACKING_PREFIX + hashlib.blake2b(tracked_id.encode(), key=key, digest_size=_TRACKING_BYTES).hexdigest()


@lru_cache(maxsize=8)
def _tracking_key(secret: str) -> bytes:
    return hashlib.sha256(b"tracking:" + secret.encode()).digest()


def tracking_token_kept(keys: SigningKeys, tracked_id: str, kept: bytes | None) -> str | None:
    """The token whose stored hash is `kept`; None if no current key makes it."""
    tokens = (tracking_token(secret, tracked_id) for secret in keys.all)
    return next((token for token in tokens if tracking_hash(token) == kept), None)


def tracking_hash(token: str) -> bytes:
    """The stored hash of a tracking token."""
    return hashlib.sha256(token.encode()).digest()


def delivery_code(secret: str, order_id: str) -> str:
    """The buyer's six-digit code for the driver, derived like the tracking token. Short, so guesses must be limited by
    the caller.
    """
    key = hashlib.sha256(b"delivery:" + secret.encode()).digest()
    digest = hashlib.blake2b(order_id.encode(), key=key, digest_size=8).digest()
    return f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"
