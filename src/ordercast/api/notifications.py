"""Notifications: listing them and marking them read."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.notifications import recipients_for
from ordercast.commerce.people import Actor
from ordercast.db import Transaction
from ordercast.db import notifications as units
from ordercast.db.notifications import Notification

from .context import AnyRequest, ApiContext, Context
from .paging import LIMIT_DEFAULT, Limit, NewestFirst
from .responses import REFUSALS, json_response

# Ids per request; see ``receipts`` for the command.
IDS_MAX: Final = 100


class NotificationPage(Struct, frozen=True, rename="camel", omit_defaults=True):
    items: list[Notification]
    next_cursor: str | None
    unread: int
    """The unread count, up to a thousand."""
    unread_more: bool = False
    """There are more, which were not counted."""


class Seen(Struct, frozen=True, rename="camel", omit_defaults=True):
    unread: int
    """The remaining unread count, up to a thousand."""
    unread_more: bool = False
    """There are more, which were not counted."""


@get("/api/notifications", tags=["notifications"], responses=REFUSALS)
async def list_notifications(
    request: AnyRequest,
    context: Context,
    unread: Annotated[bool, QueryParameter()] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: NewestFirst = None,
) -> Response[NotificationPage]:
    """List the caller's notifications, newest first; with `unread`, only unread ones, of which a page may be short and
    not the last. Staff share theirs, but each marks them read separately.
    """
    actor = (await context.require_identity(request)).actor
    recipients = recipients_of(actor)
    before = None if cursor is None else int(cursor)

    def query(transaction: Transaction) -> units.Page:
        return units.page(transaction, recipients, actor.id, unread_only=unread, before=before, limit=limit)

    found = await context.store.read(query)
    next_cursor = None if found.next_before is None else str(found.next_before)
    page = NotificationPage(found.items, next_cursor, found.unread.count, found.unread.more)
    return json_response(msgspec.json.encode(page))


@post("/api/notifications/{notification_id:str}/read", status_code=200, tags=["notifications"], responses=REFUSALS)
async def read_notification(notification_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Seen]:
    """Mark a notification as read; idempotent."""
    actor = (await context.require_identity(request)).actor
    return json_response(msgspec.json.encode(await mark_read(context, actor, [notification_id])))


@post("/api/notifications/read", status_code=200, tags=["notifications"], responses=REFUSALS)
async def read_notifications(request: AnyRequest, context: Context) -> Response[Seen]:
    """Mark all notifications as read."""
    actor = (await context.require_identity(request)).actor
    return json_response(msgspec.json.encode(await mark_read(context, actor, None)))


async def mark_read(context: ApiContext, actor: Actor, ids: list[str] | None) -> Seen:
    """Mark notifications as read, all if None; return how many are unread. Raises NotPermitted, NotFound."""
    recipients, now = recipients_of(actor), context.now()
    left = await context.store.write(lambda transaction: units.mark_read(transaction, recipients, actor.id, ids, now))
    return Seen(left.count, left.more)


def recipients_of(actor: Actor) -> tuple[str, ...]:
    """The recipients whose notifications the actor sees. Raises NotPermitted without an account."""
    names = recipients_for(actor)
    if not names:
        raise NotPermitted(actor, "have notifications")
    return names


ROUTES: Final = [list_notifications, read_notification, read_notifications]
