"""Authenticates tokens: signature, expiry, revocation."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Final

from ordercast.commerce.people import GUEST, Role
from ordercast.commerce.room_access import RoomGrants
from ordercast.commerce.tracking import tracking_ends
from ordercast.config import Settings
from ordercast.db import Change, Store, Transaction, access, bookings, orders

from .auth import (
    NOBODY,
    TRACKING_PREFIX,
    Identity,
    TokenRefused,
    check_length,
    tracking_hash,
    tracking_token,
    verify_token,
)
from .budgets import REFUSED_TOKENS, Budgets, make_budgets
from .claims import OWN_CLAIMS, ClaimNames
from .revocation_list import RevocationList
from .signing_keys import SigningKeys

if TYPE_CHECKING:
    from .external_issuer import ExternalIssuer

ORDER, BOOKING = "order", "booking"
REVOKED_SENTENCE: Final = "The token has been revoked; sign in again."


class Authenticator:
    """Authenticates the requests and sockets of a node; used from its loop.

    Revocations are read at the first use, and updated by `on_revoked`, which the relay must call.
    """

    def __init__(
        self,
        secret: str | SigningKeys,
        store: Store,
        issuer: ExternalIssuer | None = None,
        backend_claims: ClaimNames = OWN_CLAIMS,
        *,
        budgets: Budgets | None = None,
    ) -> None:
        self.revocations = RevocationList()
        self._keys = SigningKeys(secret) if isinstance(secret, str) else secret
        self._store = store
        self._issuer = issuer
        self._backend_claims = backend_claims
        self.budgets = budgets or Budgets()
        self._revocations_epoch = ""  # reloaded in a new epoch

    def __repr__(self) -> str:
        return f"<Authenticator {self.revocations!r}>"

    async def identify(self, token: str | None, caller: str | None = None) -> Identity:
        """The identity of `token`; NOBODY without one. Raises TokenRefused, StoreError, IssuerUnavailable; and
        TooManyAttempts for an invalid token of a `caller` who tried too many.
        """
        if not token:
            return NOBODY
        try:
            return await self._identify(token)
        except TokenRefused:
            await self.budgets.take(REFUSED_TOKENS, caller)
            raise

    async def _identify(self, token: str) -> Identity:
        if self._revocations_epoch != self._store.epoch:
            await self._load_revocations()
        identity = await (self._tracked(token) if token.startswith(TRACKING_PREFIX) else self._person(token))
        self.check(identity)
        return identity

    def check(self, identity: Identity) -> None:
        """Raise TokenRefused if the identity's token is revoked."""
        if self.revocations.is_revoked(identity):
            raise TokenRefused("token_revoked", REVOKED_SENTENCE)

    def on_revoked(self, change: Change) -> None:
        """Apply a revocation from the feed, made on any node."""
        self.revocations.add_change(change)

    async def _load_revocations(self) -> None:
        # Revocations during this read arrive by `on_revoked`; recording one twice is harmless.
        epoch = self._store.epoch
        for revoked in await self._store.read(access.revoked):
            self.revocations.add(revoked)
        self._revocations_epoch = epoch

    async def _person(self, token: str) -> Identity:
        if self._issuer is not None and self._issuer.signs(token):
            return await self._issuer.verify(token)
        return verify_token(self._keys, token, self._backend_claims)

    async def _tracked(self, token: str) -> Identity:
        check_length(token)
        if not token.isascii():
            raise TokenRefused("token_malformed", "This is not a tracking token.")
        digest = tracking_hash(token)
        found = await self._store.read(lambda transaction: _tracked_by(transaction, digest))
        if found is None:
            raise TokenRefused("token_invalid", "No order or booking has this tracking token.")
        noun, tracked_id, ended_at = found
        # The hash outlives the secret; the token must not.
        if not any(hmac.compare_digest(token, tracking_token(secret, tracked_id)) for secret in self._keys.all):
            raise TokenRefused("token_invalid", "This tracking token was made with a secret that is no longer in use.")
        expires_at = None if ended_at is None else tracking_ends(ended_at)
        if expires_at is not None and expires_at <= time.time():
            raise TokenRefused("token_expired", f"The {noun} ended a while ago, and its tracking link with it.")
        names = (tracked_id,)
        if noun == BOOKING:
            return Identity(GUEST, booking_id=tracked_id, expires_at=expires_at, names=names)
        return Identity(GUEST, order_id=tracked_id, expires_at=expires_at, names=names)


def _tracked_by(transaction: Transaction, digest: bytes) -> tuple[str, str, str | None] | None:
    """What a tracking token opens, its id, and the moment at which it ended; None where nothing has that token."""
    if (order := orders.TRACKING.find(transaction, digest)) is not None:
        return ORDER, *order
    booking = bookings.TRACKING.find(transaction, digest)
    return None if booking is None else (BOOKING, *booking)


def make_authenticator(
    settings: Settings, store: Store, budgets: Budgets | None = None, grants: RoomGrants | None = None
) -> Authenticator:
    """The authenticator of the settings, with budgets made of them by default; `grants` says what claims open."""
    roles = {theirs: Role(ours) for theirs, ours in settings.role_names.items()}
    claims = ClaimNames(settings.jwt_subject_claims, settings.jwt_role_claim, roles, grants)
    issuer = None
    if settings.jwks_url:
        from .external_issuer import ExternalIssuer  # noqa: PLC0415 - it speaks HTTP, which is slow to load
        from .jwks import Jwks  # noqa: PLC0415

        keys = Jwks(settings.jwks_url)
        issuer = ExternalIssuer(keys, settings.jwt_issuer, settings.jwt_audience, claims)
    return Authenticator(SigningKeys.of(settings), store, issuer, claims, budgets=budgets or make_budgets(settings))
