"""Notifications: what somebody was told, kept until they read it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotFound, NotPermitted
from ordercast.commerce.notifications import addressed_as
from ordercast.commerce.people import Actor
from ordercast.db import Transaction
from ordercast.db import notifications as units
from ordercast.db.notifications import Notification

from .auth import Identity
from .body import IdText
from .commands import Command, CommandDoc
from .context import AnyRequest, ApiContext, Context
from .paging import LIMIT_DEFAULT, Limit, NewestFirst
from .responses import REFUSALS, json_response

IDS_MAX: Final = 100


class NotificationPage(Struct, frozen=True, rename="camel", omit_defaults=True):
    items: list[Notification]
    next_cursor: str | None
    unread: int
    """How many there are in all, counted as far as a thousand."""
    unread_more: bool = False
    """There are more than those, which were not counted."""


class Seen(Struct, frozen=True, rename="camel", omit_defaults=True):
    unread: int
    """How many are left, counted as far as a thousand."""
    unread_more: bool = False
    """There are more than those, which were not counted."""


class MarkSeen(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """By a socket: which notifications were read, or `all`."""

    notification_ids: Annotated[list[IdText], Meta(min_length=1, max_length=IDS_MAX)] | None = None
    """Those that were read."""
    all: bool = False
    """Whether all were."""


@get("/api/notifications", tags=["notifications"], responses=REFUSALS)
async def list_notifications(
    request: AnyRequest,
    context: Context,
    unread: Annotated[bool, QueryParameter()] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: NewestFirst = None,
) -> Response[NotificationPage]:
    """List what one was told, newest first; with `unread`, what one has not read, of which a page may be short and yet
    have a next one. The shop's people share theirs, and each reads for themselves.
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
    """Note that one has read it; again changes nothing."""
    actor = (await context.require_identity(request)).actor
    return json_response(msgspec.json.encode(await mark_read(context, actor, [notification_id])))


@post("/api/notifications/read", status_code=200, tags=["notifications"], responses=REFUSALS)
async def read_notifications(request: AnyRequest, context: Context) -> Response[Seen]:
    """Note that one has read them all."""
    actor = (await context.require_identity(request)).actor
    return json_response(msgspec.json.encode(await mark_read(context, actor, None)))


async def mark_seen(context: ApiContext, identity: Identity, command: MarkSeen) -> Any:
    """Note what was read; answers how many are left. Again changes nothing, so it needs no client id."""
    if (command.notification_ids is None) is not command.all:
        raise InvalidField("notificationIds", "Name the notifications that were read, or say all.")
    return msgspec.to_builtins(await mark_read(context, identity.actor, command.notification_ids))


async def mark_read(context: ApiContext, actor: Actor, ids: list[str] | None) -> Seen:
    """Mark notifications as read, all with None; gives how many are unread still. Raises NotPermitted, NotFound."""
    recipients, now = recipients_of(actor), context.now()
    left = await context.store.write(lambda transaction: units.see(transaction, recipients, actor.id, ids, now))
    return Seen(left.count, left.more)


def recipients_of(actor: Actor) -> tuple[str, ...]:
    """Raises NotPermitted for who has no account to keep notifications for."""
    names = addressed_as(actor)
    if not names:
        raise NotPermitted(actor, "have notifications")
    return names


ROUTES: Final = [list_notifications, read_notification, read_notifications]
COMMANDS: Final = [
    Command(
        "mark_seen",
        MarkSeen,
        mark_seen,
        CommandDoc(data=Seen, errors=(NotFound, NotPermitted), example={"all": True}, answer={"unread": 0}),
    )
]
