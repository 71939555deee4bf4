"""Conversations about an order, a booking, or with a customer; created when first opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from ordercast.commerce.conversations import CUSTOMER_SIDE, Subject
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.people import SEES_EVERY_ORDER
from ordercast.db import Transaction, privacy
from ordercast.db import conversations as units
from ordercast.db.conversations import Conversation, Participant

from .auth import Identity
from .body import IdText, JsonBody
from .booking_views import booking_for
from .context import AnyRequest, ApiContext, Context, Present
from .conversation_access import Access, access, entered
from .feed_positions import read_with_position
from .idempotency import REPLAYED, run_once
from .order_views import document_for
from .responses import CONFLICTS, REFUSALS, json_response


class OpenConversation(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The subject: exactly one of these."""

    order_id: IdText | None = None
    booking_id: IdText | None = None
    customer_id: IdText | None = None
    """For staff, who may start a conversation with a customer."""


class ParticipantView(Participant, frozen=True):
    """A participant, with presence."""

    present: bool = False
    """Whether they have it open now, on any device."""


class ConversationHead(Struct, frozen=True, kw_only=True, rename="camel"):
    """The subject, and the caller's unread count."""

    id: str
    about: Subject
    order_id: str | None
    booking_id: str | None
    customer_id: str | None
    you: str
    """The caller's participant."""
    last_position: int
    """The newest message's position; 0 if there is none."""
    last_at: str
    unread: int
    """The caller's unread count."""
    created_at: str


class ConversationView(ConversationHead, frozen=True, kw_only=True, rename="camel"):
    """A conversation, as a participant sees it."""

    participants: list[ParticipantView]


class OpenedConversation(ConversationView, frozen=True, kw_only=True, rename="camel"):
    """A conversation, and its position in the feed."""

    position: str
    """``epoch:seq`` of the feed at the same time: live events continue from here."""


@post(
    "/api/conversations",
    dto=JsonBody[OpenConversation],
    return_dto=None,
    status_code=200,
    tags=["conversations"],
    responses=REFUSALS | CONFLICTS,
)
async def open_conversation(
    data: JSONBody[OpenConversation], request: AnyRequest, context: Context
) -> Response[ConversationView]:
    """Open a conversation about an order or booking, or with a customer; returns the existing one if there is one."""
    identity = await context.require_identity(request)
    about, subject_id = _subject_of(data)
    now, conversation_id = context.now(), context.new_id("cnv")

    def effect(transaction: Transaction) -> bytes:
        _check_right_to_open(transaction, about, subject_id, identity)
        found = units.open_(transaction, conversation_id, about, subject_id, actor=identity.actor, now=now)
        return msgspec.json.encode(view(transaction, entered(found, identity), context.present))

    outcome = await run_once(context, request, identity.actor, data, effect)
    headers = {REPLAYED: "true"} if outcome.replayed else {}
    return json_response(outcome.answer, headers=headers)


def _subject_of(wanted: OpenConversation) -> tuple[Subject, str]:
    named = [
        (about, id_)
        for about, id_ in (
            (Subject.ORDER, wanted.order_id),
            (Subject.BOOKING, wanted.booking_id),
            (Subject.CUSTOMER, wanted.customer_id),
        )
        if id_ is not None
    ]
    if len(named) != 1:
        raise InvalidField("orderId", "Name the one thing that the conversation is about.")
    return named[0]


def _check_right_to_open(transaction: Transaction, about: Subject, subject_id: str, identity: Identity) -> None:
    """Check that the identity may open it. Raises NotFound, also if it may not see the subject, and NotPermitted."""
    if about is Subject.ORDER:
        document_for(transaction, subject_id, identity)
        return
    if about is Subject.BOOKING:
        booking_for(transaction, subject_id, identity)
        return
    if identity.actor.role not in SEES_EVERY_ORDER:
        raise NotPermitted(identity.actor, "open a conversation with a customer")
    privacy.check_known(transaction, subject_id)


@get("/api/conversations/{conversation_id:str}", tags=["conversations"], responses=REFUSALS)
async def get_conversation(
    conversation_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[OpenedConversation]:
    """Get a conversation, for participants; for a guest by the order's tracking token."""
    identity = await context.require_identity(request)
    return json_response(await read(context, identity, conversation_id))


async def read(context: ApiContext, identity: Identity, conversation_id: str) -> bytes:
    """The conversation as JSON, with its position in the feed."""

    def query(transaction: Transaction) -> ConversationView:
        return view(transaction, access(transaction, conversation_id, identity), context.present)

    found, position = await read_with_position(context.store, query, lambda _: (conversation_id,))
    return msgspec.json.encode(OpenedConversation(**msgspec.structs.asdict(found), position=position))


def view(transaction: Transaction, who: Access, present: Present) -> ConversationView:
    """The conversation as that participant may see it."""
    there = present(who.conversation.id)
    people = [_shown(each, who, there) for each in units.participants(transaction, who.conversation.id)]
    unread = next((each.unread for each in people if each.participant == who.participant), 0)
    known = head(who.conversation, who.participant, knows_customer=who.knows_customer, unread=unread)
    return ConversationView(**known, participants=people)


def head(conversation: Conversation, participant: str, *, knows_customer: bool, unread: int) -> dict[str, Any]:
    """The fields of a `ConversationHead`."""
    subject: dict[str, Any] = {"order_id": None, "booking_id": None}
    if conversation.about is not Subject.CUSTOMER:
        subject[f"{conversation.about}_id"] = conversation.subject_id
    return {
        "id": conversation.id,
        "about": conversation.about,
        **subject,
        "customer_id": conversation.customer_id if knows_customer else None,
        "you": participant,
        "last_position": conversation.last_position,
        "last_at": conversation.last_at,
        "unread": unread,
        "created_at": conversation.created_at,
    }


def _shown(participant: Participant, who: Access, there: Mapping[str, int]) -> ParticipantView:
    facts = msgspec.structs.asdict(participant)
    if participant.participant == CUSTOMER_SIDE:
        facts["id"] = participant.id if who.knows_customer else None
        facts["name"] = participant.name if who.knows_name else None
    return ParticipantView(**facts, present=participant.participant in there)


ROUTES: Final = [open_conversation, get_conversation]
