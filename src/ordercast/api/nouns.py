"""The list of nouns: what each offers over HTTP, and which of it by a socket too."""

from __future__ import annotations

from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

from . import (
    accounts,
    addresses,
    bookings,
    carers,
    conversations,
    deliveries,
    docs_page,
    drivers,
    emit,
    health,
    messages,
    notices,
    notification_preferences,
    notifications,
    orders,
    password_reset,
    payments,
    privacy,
    problem_pages,
    products,
    profile,
    promotions,
    push,
    quotes,
    refresh,
    revocations,
    sandbox_page,
    services,
    shop,
    sign_in,
    stats,
    status_flow,
    webhook_deliveries,
    webhook_endpoints,
    webhooks,
)
from .commands import Command

ROUTES: Final[list[HTTPRouteHandler]] = [
    *orders.ROUTES,
    *drivers.ROUTES,
    *deliveries.ROUTES,
    *conversations.ROUTES,
    *messages.ROUTES,
    *notices.ROUTES,
    *stats.ROUTES,
    *payments.ROUTES,
    *webhooks.ROUTES,
    *webhook_endpoints.ROUTES,
    *webhook_deliveries.ROUTES,
    *sandbox_page.ROUTES,
    *notifications.ROUTES,
    *notification_preferences.ROUTES,
    *push.ROUTES,
    *products.ROUTES,
    *promotions.ROUTES,
    *services.ROUTES,
    *carers.ROUTES,
    *bookings.ROUTES,
    *quotes.ROUTES,
    *shop.ROUTES,
    *status_flow.ROUTES,
    *sign_in.ROUTES,
    *refresh.ROUTES,
    *profile.ROUTES,
    *addresses.ROUTES,
    *password_reset.ROUTES,
    *accounts.ROUTES,
    *privacy.ROUTES,
    *revocations.ROUTES,
    *emit.ROUTES,
    *health.ROUTES,
    *docs_page.ROUTES,
    *problem_pages.ROUTES,
]

# `watch_order` and `driver_location` need the feed: they stand in ``sockets``, which is above both.
COMMANDS: Final[list[Command[Any]]] = [
    *orders.COMMANDS,
    *drivers.COMMANDS,
    *bookings.COMMANDS,
    *notifications.COMMANDS,
    *messages.COMMANDS,
]
