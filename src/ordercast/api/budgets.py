"""Rate limits: every budget as a line of one table, and what each route is charged to.

The rates are settings (``ORDERCAST_BUDGET_...``); docs/reference/budgets.md gives the reasons for their defaults, and
a test compares it with these tables.

A budget that protects the shop (its stock, its people's passwords) is counted by all nodes together, if Redis is
configured. One that protects a node's CPU is counted by the node: asking Redis would cost as much as it saves.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from ordercast.commerce.people import STAFF, Role
from ordercast.config import Settings
from ordercast.hub import Rate, TokenBuckets
from ordercast.telemetry import BUDGET_REFUSALS

from .auth import Identity
from .errors import TooManyAttempts

log = logging.getLogger("ordercast.api")

# After a failure Redis is not used for so long.
REDIS_REST_S: Final = 5.0
# How long a device is known after a sign-in.
KNOWN_S: Final = 30 * 86_400
TRUSTED: Final = STAFF | {Role.SERVICE}


@dataclass(frozen=True, slots=True)
class Budget:
    name: str
    counts: str
    by: str
    shared: bool = True
    """Whether nodes share the count."""


_ADDRESS: Final = "address"
_WHO: Final = "person, or address of a guest"

HANDSHAKES: Final = Budget("handshakes", "new Engine.IO sessions", _ADDRESS, shared=False)
SOCKET_EVENTS: Final = Budget("socket_events", "events of a socket; more wait their turn", "socket", shared=False)
READS: Final = Budget("reads", "requests that only read", _WHO, shared=False)
COMMANDS: Final = Budget("commands", "commands of all their sockets", _WHO, shared=False)
_PERSON: Final = "person, or order of a guest"
MESSAGES: Final = Budget("messages", "messages that are written or changed", _PERSON)
TYPING: Final = Budget("typing", "times that somebody says whether they type", _PERSON, shared=False)
RECEIPTS: Final = Budget("receipts", "times that somebody says how far they have read", _PERSON, shared=False)
QUOTES: Final = Budget("quotes", "quotes of a cart", _WHO, shared=False)
ORDERS: Final = Budget("orders", "orders that are tried", _WHO)
DECLINED_CARDS: Final = Budget("declined_cards", "cards that are declined", _WHO)
PROMOTION_GUESSES: Final = Budget("promotion_guesses", "promotion codes that do not hold", _WHO)
DELIVERY_CODES: Final = Budget("delivery_codes", "codes given for a delivery, right or wrong", "order and person")
NOT_FOUND: Final = Budget("not_found", "questions for what is not there", _WHO, shared=False)
REFUSED_TOKENS: Final = Budget("refused_tokens", "tokens and cookies that are refused, or missing", _ADDRESS)
SIGN_INS: Final = Budget("sign_ins", "sign-ins that fail, of devices unknown to the account", _ADDRESS)
ACCOUNT_GUESSES: Final = Budget("account_guesses", "sign-ins that fail", "account and address")
ACCOUNT_STRANGERS: Final = Budget("account_strangers", "sign-ins that fail, of devices unknown to it", "account")
REGISTRATIONS: Final = Budget("registrations", "accounts that are asked for", _ADDRESS)
MAIL_REQUESTS: Final = Budget("mail_requests", "mails that are asked for", _ADDRESS)
ACCOUNT_MAILS: Final = Budget(
    "account_mails",
    "mails about an account; more are not sent, and nobody is told",
    "mail address and kind",
    shared=False,
)
ORDER_MAILS: Final = Budget(
    "order_mails", "mails about orders; more are not sent, and nobody is told", "mail address", shared=False
)
WEBHOOKS: Final = Budget("webhooks", "webhooks with a wrong signature", _ADDRESS)

BUDGETS: Final = (
    HANDSHAKES,
    SOCKET_EVENTS,
    READS,
    COMMANDS,
    MESSAGES,
    TYPING,
    RECEIPTS,
    QUOTES,
    ORDERS,
    DECLINED_CARDS,
    PROMOTION_GUESSES,
    DELIVERY_CODES,
    NOT_FOUND,
    REFUSED_TOKENS,
    SIGN_INS,
    ACCOUNT_GUESSES,
    ACCOUNT_STRANGERS,
    REGISTRATIONS,
    MAIL_REQUESTS,
    ACCOUNT_MAILS,
    ORDER_MAILS,
    WEBHOOKS,
)

_SIGN_IN: Final = (SIGN_INS, ACCOUNT_GUESSES, ACCOUNT_STRANGERS)

# Budgets of requests without a valid token. All others answer 401, charged to `refused_tokens`; 404s are charged to
# `not_found`.
ANONYMOUS_ROUTES: Final[Mapping[str, tuple[Budget, ...]]] = {
    "POST /api/orders": (ORDERS, DECLINED_CARDS, PROMOTION_GUESSES, REFUSED_TOKENS, ORDER_MAILS),
    "POST /api/orders/lookup": (MAIL_REQUESTS, ACCOUNT_MAILS),
    "POST /api/checkout/quote": (QUOTES, PROMOTION_GUESSES, REFUSED_TOKENS),
    "POST /api/bookings": (ORDERS, DECLINED_CARDS, REFUSED_TOKENS),
    "GET /api/services": (READS,),
    "GET /api/shop/opening": (READS,),
    "GET /api/shop/order-times": (READS,),
    "GET /api/services/{service_id}": (READS, NOT_FOUND),
    "GET /api/services/{service_id}/slots": (READS, QUOTES, NOT_FOUND),
    "POST /api/auth/login": _SIGN_IN,
    "POST /api/auth/register": (REGISTRATIONS, ACCOUNT_MAILS),
    "POST /api/auth/forgot-password": (MAIL_REQUESTS, ACCOUNT_MAILS),
    "POST /api/auth/resend-verification": (MAIL_REQUESTS, ACCOUNT_MAILS),
    "POST /api/auth/reset-password": (REFUSED_TOKENS,),
    "POST /api/auth/verify-email": (REFUSED_TOKENS, *_SIGN_IN),
    "POST /api/auth/refresh": (REFUSED_TOKENS,),
    "POST /api/auth/logout": (REFUSED_TOKENS,),
    "POST /api/payments/webhook/{provider}": (WEBHOOKS, NOT_FOUND),
    "GET /api/products": (READS,),
    "GET /api/products/{product_id}": (READS, NOT_FOUND),
    "GET /api/shop": (READS,),
    "GET /api/config": (READS,),
    "GET /api/push/key": (READS,),
    "GET /api/status-flow": (READS,),
    "GET /health/live": (READS,),
    "GET /health/ready": (READS,),
    "GET /metrics": (READS,),
}

# The same for sockets without a token.
ANONYMOUS_COMMANDS: Final[Mapping[str, tuple[Budget, ...]]] = {
    "handshake": (HANDSHAKES,),
    "CONNECT": (REFUSED_TOKENS,),
    "echo": (SOCKET_EVENTS,),
    "auth_refresh": (REFUSED_TOKENS, SOCKET_EVENTS),
    "a command": (COMMANDS, SOCKET_EVENTS),
    "any other event": (SOCKET_EVENTS,),
}


def budget_key(identity: Identity, caller: str) -> str | None:
    """The key of a caller's budgets: the person, or a guest's address; None if not limited."""
    if identity.actor.role in TRUSTED:
        return None
    if identity.own_role:
        return f"by {identity}"
    return f"at {caller}" if identity.actor.role is Role.GUEST else f"by {identity.actor}"


def person_key(identity: Identity) -> str | None:
    """The key of a participant's chat budgets; a guest's is the order; None if not limited."""
    return None if identity.actor.role in TRUSTED else f"by {identity}"


class SharedBuckets(Protocol):
    """Counts shared by the nodes; raises OSError or RedisError if unavailable."""

    async def take(self, key: str, rate: Rate) -> float: ...
    async def give_back(self, key: str, rate: Rate) -> None: ...
    async def mark(self, key: str, for_s: int) -> None: ...
    async def is_marked(self, key: str) -> bool: ...


class Budgets:
    """All budgets of a node. The clock is monotonic, in seconds."""

    def __init__(
        self,
        rates: Mapping[str, Rate] | None = None,
        shared: SharedBuckets | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = dict(rates or {})
        self._shared = shared
        self._clock = clock
        self._buckets = TokenBuckets() if self._rates else TokenBuckets(1)
        self._known = TokenBuckets(16_384) if self._rates else TokenBuckets(1)
        self._shared_again_s = 0.0

    def __repr__(self) -> str:
        return f"<Budgets {len(self._rates)}{' shared' if self._shared is not None else ''}>"

    # Counting

    async def take(self, budget: Budget, key: str | None) -> None:
        """Charge one to `key`; None is unlimited. Raises TooManyAttempts."""
        rate = self._rates.get(budget.name)
        if key is None or rate is None:
            return
        named = f"{budget.name} {key}"
        wait_s = await self._take_shared(named, rate) if budget.shared and self._may_share() else None
        if wait_s is None:
            wait_s = self._buckets.take(named, rate, self._clock())
        _check(budget, wait_s)

    def take_local(self, budget: Budget, key: str | None) -> None:
        """As `take`, for a budget counted per node. Raises TooManyAttempts."""
        rate = self._rates.get(budget.name)
        if key is not None and rate is not None:
            _check(budget, self._buckets.take(f"{budget.name} {key}", rate, self._clock()))

    async def give_back(self, budget: Budget, key: str | None) -> None:
        """Refund one `take`."""
        rate = self._rates.get(budget.name)
        if key is None or rate is None:
            return
        named = f"{budget.name} {key}"
        if budget.shared and self._may_share():
            assert self._shared is not None
            try:
                await self._shared.give_back(named, rate)
            except Exception as error:  # noqa: BLE001 - as below
                self._shared_lost(error)
            else:
                return
        self._buckets.give_back(named, rate)

    @asynccontextmanager
    async def counting(self, budget: Budget, key: str | None, *failures: type[Exception]) -> AsyncIterator[None]:
        """Charge work that raises one of `failures`. Charged at the beginning and refunded on success, so that
        concurrent attempts count. Raises TooManyAttempts.
        """
        await self.take(budget, key)
        try:
            yield
        except failures:
            raise
        except BaseException:
            await self.give_back(budget, key)
            raise
        await self.give_back(budget, key)

    # Known devices

    async def remember_device(self, key: str) -> None:
        """Remember for a month that `key` has authenticated."""
        if not self._rates:
            return
        self._known.mark(key, self._clock() + KNOWN_S)
        if self._may_share():
            assert self._shared is not None
            try:
                await self._shared.mark(f"known {key}", KNOWN_S)
            except Exception as error:  # noqa: BLE001 - as below
                self._shared_lost(error)

    async def is_known_device(self, key: str) -> bool:
        if not self._rates:
            return False
        if self._known.is_marked(key, self._clock()):
            return True
        if self._may_share():
            assert self._shared is not None
            try:
                return await self._shared.is_marked(f"known {key}")
            except Exception as error:  # noqa: BLE001 - as below
                self._shared_lost(error)
        return False

    # Redis

    def _may_share(self) -> bool:
        return self._shared is not None and self._clock() >= self._shared_again_s

    async def _take_shared(self, named: str, rate: Rate) -> float | None:
        assert self._shared is not None
        try:
            return await self._shared.take(named, rate)
        except Exception as error:  # noqa: BLE001 - whatever it is, a bound that is the node's own still holds
            self._shared_lost(error)
            return None

    def _shared_lost(self, error: Exception) -> None:
        if self._may_share():
            log.warning("budgets are counted by this node alone for %.0f s: %s", REDIS_REST_S, type(error).__name__)
        self._shared_again_s = self._clock() + REDIS_REST_S


def _check(budget: Budget, wait_s: float) -> None:
    if wait_s > 0:
        BUDGET_REFUSALS.labels(budget.name).inc()
        raise TooManyAttempts(math.ceil(wait_s), budget.name)


def make_budgets(settings: Settings, shared: SharedBuckets | None = None) -> Budgets:
    """The budgets of the settings."""
    rates = {budget.name: settings.rate(budget.name) for budget in BUDGETS}
    return Budgets({name: Rate.parse(rate) for name, rate in rates.items() if rate}, shared)
