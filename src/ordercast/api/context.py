"""The context of request handlers: store, keys, clock, ids, budgets, and the caller's identity."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from litestar import Request
from litestar.di import NamedDependency

from ordercast.commerce.attachments import AttachmentRules
from ordercast.commerce.deliveries import DeliveryRules, Handover, Proof, ProofKind
from ordercast.commerce.errors import NotPermitted, PaymentDeclined, PromotionRefused
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.letters import Language
from ordercast.commerce.notification_preferences import Channel
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.commerce.stats import Percentiles
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.unpaid_limits import UNBOUNDED, UnpaidLimits
from ordercast.db import Store
from ordercast.db.idempotency import RequestKey
from ordercast.hub import callers
from ordercast.outgoing import Networks
from ordercast.payments import Providers
from ordercast.payments.checkout import Checkout
from ordercast.payments.webhook_inbox import WebhookInbox

from .auth import NOBODY, TRACKING_PREFIX, Identity, TokenRefused, delivery_code
from .authenticator import Authenticator
from .budgets import DECLINED_CARDS, DELIVERY_CODES, PROMOTION_GUESSES, REFUSED_TOKENS, Budgets, budget_key
from .errors import SignInRequired, StillRunning, TooManyAttempts
from .passwords import Passwords
from .random_pool import RandomPool
from .signing_keys import SigningKeys
from .stats_cache import StatsCache
from .token_policy import TokenPolicy

ADMINS: Final = frozenset({Role.ADMIN})
CUSTOMERS: Final = frozenset({Role.CUSTOMER})

AnyRequest: TypeAlias = Request[Any, Any, Any]
Present: TypeAlias = Callable[[str], Mapping[str, int]]
"""Returns the present participants of a conversation, with their number of people."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The context of an application."""

    store: Store
    keys: SigningKeys
    authenticator: Authenticator
    token_policy: TokenPolicy = field(default_factory=TokenPolicy)
    origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call us."""
    socket_url: str = ""
    deliveries: DeliveryRules = field(default_factory=DeliveryRules)
    timezone: str = "UTC"
    """The shop's time zone, for its day."""
    preparation_minutes: int = 0
    telephone: str = ""
    """Promised with an order that is accepted without a time; 0 for nothing."""
    latency: Callable[[], Percentiles | None] = lambda: None
    """Latency of this node's events."""
    budgets: Budgets = field(default_factory=Budgets)
    """Rate limits, shared by a node's requests and sockets."""
    waiting: UnpaidLimits = UNBOUNDED
    """Limits of guests' unpaid orders."""
    providers: Providers = field(default_factory=Providers)
    """Payment providers."""
    parts: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """What this node can do without, by name, each saying `up` while it is there."""
    warnings: Sequence[Callable[[], list[str]]] = ()
    """Who else knows of something that is not as it should be, though orders are taken; each says sentences."""
    is_built_in: bool = True
    """Whether the shop is one of ours, and the names of its events with it."""
    metrics_port: int | None = None
    """The only port that serves metrics, 0 for none; None for every port."""
    draining: Callable[[], bool] = lambda: False
    """Whether this node is stopping."""
    present: Present = lambda _conversation_id: {}
    """Presence on all nodes."""
    attachments: AttachmentRules = field(default_factory=AttachmentRules)
    """Rules of attachments."""
    sends_mail: bool = False
    push_key: Callable[[], str] | None = None
    """The VAPID public key; None if push is off."""
    channels: frozenset[Channel] = frozenset()
    """The configured notification channels."""
    networks: Networks = field(default_factory=Networks)
    """Private networks that user-supplied URLs may lead to."""
    language: Language = Language.ENGLISH
    """The shop's language, by default for everybody."""
    passwords: Passwords = field(default_factory=Passwords)
    random: RandomPool = field(default_factory=RandomPool)
    stats_cache: StatsCache = field(default_factory=StatsCache)
    running: set[tuple[str, str]] = field(default_factory=set)
    """Idempotency keys in progress: scopes and keys."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def now(self) -> Timestamp:
        return timestamp(self.now_ms())

    def new_id(self, prefix: str) -> str:
        return new_id(prefix, self.now_ms(), self.random.take(RANDOM_BYTES))

    def handover(self, order_id: str, proof: Proof | None) -> Handover:
        """The rules and codes to check a proof of delivery with."""
        return Handover(self.deliveries, proof, tuple(delivery_code(secret, order_id) for secret in self.keys.all))

    async def limit_delivery_codes(self, order_id: str, actor: Actor, handover: Handover) -> None:
        """Limit guesses of a delivery code. Raises TooManyAttempts.

        No guess is refunded, as an idempotent repetition succeeds with any code. Each actor has their own limit, so
        that nobody can block the order's driver.
        """
        if handover.proof is not None and handover.proof.kind is ProofKind.CODE:
            await self.budgets.take(DELIVERY_CODES, f"{order_id} {actor}")

    @asynccontextmanager
    async def limit_promotion_guesses(self, promo_code: str | None, whose: str | None) -> AsyncIterator[None]:
        """Limit guesses of promotion codes. Raises TooManyAttempts."""
        if promo_code is None:
            yield
            return
        async with self.budgets.counting(PROMOTION_GUESSES, whose, PromotionRefused):
            yield

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.store, self.providers, self.new_id, self.now_ms)

    @property
    def webhooks(self) -> WebhookInbox:
        return WebhookInbox(self.store, self.providers, self.now_ms)

    def limit_declined_cards(self, whose: str | None) -> AbstractAsyncContextManager[None]:
        """Limit declined cards. Raises TooManyAttempts."""
        return self.budgets.counting(DECLINED_CARDS, whose, PaymentDeclined)

    async def identify(self, request: AnyRequest) -> Identity:
        """The caller's identity; NOBODY without a token. Raises TokenRefused, or TooManyAttempts."""
        # It may be cached by the budget check.
        state = request.scope["state"]  # `request.state` makes an object at each look
        known: Identity | Exception | None = state.get(_IDENTITY)
        if known is None:
            known = state[_IDENTITY] = await self._authenticate(request)
        if isinstance(known, Exception):
            raise known
        return known

    async def _authenticate(self, request: AnyRequest) -> Identity | TokenRefused | TooManyAttempts:
        try:
            token = _token_of(request)
        except TokenRefused as error:
            return await self._refused(request, error)
        try:
            return await self.authenticator.identify(token, caller_of(request))
        except (TokenRefused, TooManyAttempts) as error:
            return error

    async def _refused(self, request: AnyRequest, error: TokenRefused) -> TokenRefused | TooManyAttempts:
        try:
            await self.budgets.take(REFUSED_TOKENS, caller_of(request))
        except TooManyAttempts as enough:
            return enough
        return error

    async def require_identity(self, request: AnyRequest) -> Identity:
        """The caller's identity. Raises SignInRequired without a token, and as `identify`."""
        identity = await self.identify(request)
        if identity.is_nobody:
            await self.budgets.take(REFUSED_TOKENS, caller_of(request))
            raise SignInRequired
        if identity.own_role:
            raise NotPermitted(identity.actor, "use the shop of ours", role=identity.own_role)
        return identity

    async def authorize(self, request: AnyRequest, action: str, roles: frozenset[Role] = STAFF) -> Actor:
        """The caller, if they have one of `roles`. Raises NotPermitted with the `action`, and as `require_identity`."""
        actor = (await self.require_identity(request)).actor
        if actor.role not in roles:
            raise NotPermitted(actor, action)
        return actor

    def placed_from(self, request: AnyRequest) -> str | None:
        """The key of a guest's unpaid orders: the keyed hash of their address."""
        if self.waiting is UNBOUNDED:
            return None
        return blake2b(caller_of(request).encode(), digest_size=16, key=self.keys.current.encode()[:64]).hexdigest()

    def budget_key(self, request: AnyRequest) -> str | None:
        """The key of the caller's budgets, after identification."""
        known = request.scope["state"].get(_IDENTITY)
        return budget_key(known if isinstance(known, Identity) else NOBODY, caller_of(request))

    @contextmanager
    def exclusive(self, request: RequestKey | None) -> Iterator[None]:
        """Lock an idempotency key during its request; None has no lock. Raises StillRunning."""
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


# The type of a handler's parameter.
Context: TypeAlias = NamedDependency[ApiContext]


_IDENTITY: Final = "identity"


def caller_of(request: AnyRequest) -> str:
    """The client's address, behind trusted proxies."""
    return callers.caller_of(request.client.host) if request.client else ""


def _token_of(request: AnyRequest) -> str | None:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("token_malformed", "Authorization must be `Bearer` and a token.")
        return token.strip()
    token = request.query_params.get("token", "")
    # A tracking link may have its token in the URL; a person's token must not, as URLs are stored and shared.
    return token if token.startswith(TRACKING_PREFIX) else None
