"""What every request handler needs at hand: the store, the secret, the clock and chance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from litestar import Request
from litestar.di import NamedDependency

from ordercast.commerce.deliveries import DeliveryRules, Handover, Proof, ProofKind
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.moments import Moment, moment
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.stats import Spread
from ordercast.db import Store
from ordercast.db.idempotency import RequestKey

from .auth import TRACKING_PREFIX, Identity, TokenRefused, delivery_code
from .chance import Chance
from .doorkeeper import Doorkeeper
from .passwords import Passwords
from .providers import Providers
from .refusals import SignInRequired, StillRunning
from .terms import SignInRules
from .throttle import CALLER_FAILURES_MAX, REGISTRATIONS_MAX, Throttle

AnyRequest: TypeAlias = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """One per application."""

    store: Store
    secret: str
    doorkeeper: Doorkeeper
    sign_in_rules: SignInRules = field(default_factory=SignInRules)
    origins: tuple[str, ...] = ()
    """Of other sites whose pages may call us."""
    socket_url: str = ""
    deliveries: DeliveryRules = field(default_factory=DeliveryRules)
    timezone: str = "UTC"
    """Of the shop: when its day begins."""
    latency: Callable[[], Spread | None] = lambda: None
    """Of this node's events."""
    sign_ins: Throttle = field(default_factory=Throttle)
    """By account and caller."""
    callers: Throttle = field(default_factory=lambda: Throttle(CALLER_FAILURES_MAX))
    """By caller alone."""
    providers: Providers = field(default_factory=Providers)
    """Of payments; where none is needed, none."""
    registrations: Throttle = field(default_factory=lambda: Throttle(REGISTRATIONS_MAX))
    """By caller."""
    codes: Throttle = field(default_factory=Throttle)
    """By order whose delivery code is tried, and who tries it."""
    parts: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """What this node can do without, by name, each saying `up` while it is there."""
    draining: Callable[[], bool] = lambda: False
    """Whether this node is being stopped."""
    passwords: Passwords = field(default_factory=Passwords)
    chance: Chance = field(default_factory=Chance)
    running: set[tuple[str, str]] = field(default_factory=set)
    """Requests with an Idempotency-Key that are being answered: their scopes and keys."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def now(self) -> Moment:
        return moment(self.now_ms())

    def new_id(self, prefix: str) -> str:
        return new_id(prefix, self.now_ms(), self.chance.take(RANDOM_BYTES))

    def handover(self, order_id: str, proof: Proof | None) -> Handover:
        """What a proof of that order's delivery is held against."""
        return Handover(self.deliveries, proof, delivery_code(self.secret, order_id))

    def check_guesses(self, order_id: str, actor: Actor, handover: Handover) -> None:
        """Bound how often somebody may guess the code of a delivery. Raises TooManyAttempts.

        Nothing takes a guess back: a move that changes nothing succeeds with any code. And each has their own, so that
        nobody who may not deliver an order can keep its driver from it.
        """
        if handover.proof is not None and handover.proof.kind is ProofKind.CODE:
            self.codes.attempt(f"{order_id} {actor}", time.monotonic())

    async def identify(self, request: AnyRequest) -> Identity:
        """Who asks; nobody in particular without a token. Raises TokenRefused."""
        return await self.doorkeeper.identify(_token_of(request))

    async def identify_someone(self, request: AnyRequest) -> Identity:
        """Who asks. Raises SignInRequired without a token, TokenRefused for a wrong one."""
        identity = await self.identify(request)
        if identity.actor.role is Role.GUEST and identity.order_id is None:
            raise SignInRequired
        return identity

    @contextmanager
    def alone(self, request: RequestKey | None) -> Iterator[None]:
        """Answer one request of a key at a time; one without a key at any time. Raises StillRunning."""
        if request is None:
            yield
            return
        running = (request.scope, request.key)
        if running in self.running:
            raise StillRunning
        self.running.add(running)
        try:
            yield
        finally:
            self.running.discard(running)


# How a handler asks for it.
AtDesk: TypeAlias = NamedDependency[FrontDesk]


def _token_of(request: AnyRequest) -> str | None:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("token_malformed", "Authorization must be `Bearer` and a token.")
        return token.strip()
    token = request.query_params.get("token", "")
    # A tracking link may carry its token; a person's token has no place in an address, which is kept and shared.
    return token if token.startswith(TRACKING_PREFIX) else None
