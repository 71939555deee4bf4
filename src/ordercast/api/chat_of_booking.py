"""``GET /api/chat/user/booking``: a booking and its chat in one response, for a page's first load."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from ordercast.commerce.booking_transitions import BOOKING_TERMINAL
from ordercast.commerce.bookings import Booking
from ordercast.commerce.conversations import Subject
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.people import SEES_EVERY_ORDER, SUBJECT_CHARACTERS_MAX, Role
from ordercast.db import Transaction, accounts, bookings, privacy
from ordercast.db import conversations as units
from ordercast.db.bookings import BookingOwner
from ordercast.db.conversations import messages
from ordercast.db.conversations.messages import Message

from .auth import Identity
from .body import INTEGER_MAX
from .booking_views import booking_for, view_for_person
from .context import AnyRequest, ApiContext, Context, Present
from .conversation_access import entered, participant_in
from .conversations import ConversationView, ParticipantView, view
from .feed_positions import read_with_position
from .paging import LIMIT_DEFAULT
from .responses import REFUSALS, json_response

# As many as a page lists beside the chat.
BOOKINGS_MAX: Final = 20
# For external users' ids too.
ID_MAX: Final = SUBJECT_CHARACTERS_MAX


class ChatUser(Struct, frozen=True):
    """The customer, as far as the caller may know."""

    id: str | None
    role: str
    name: str | None
    email: str | None
    mobile: str | None


class ChatOfBooking(Struct, frozen=True, kw_only=True, rename="camel"):
    """A booking with its chat; nulls and empty lists if the user has none."""

    user: ChatUser
    """The booking's customer."""
    booking: Booking | None
    """As ``GET /api/bookings/{id}`` returns it: the requested one, or the newest that is not over, or the newest."""
    bookings: list[Booking]
    """The user's newest bookings, usually with this one."""
    conversation: ConversationView | None
    """As ``GET /api/conversations/{id}`` returns it; null if the caller no longer takes part."""
    participants: list[ParticipantView]
    """The conversation's participants."""
    messages: list[Message]
    """The newest messages, oldest first."""
    next_before: int | None
    """The `before` of the next older page; null at the end."""
    position: str = ""
    """``epoch:seq`` of the feed at the same time: live events continue from here."""


@get("/api/chat/user/booking", tags=["conversations"], responses=REFUSALS)
async def get_chat_of_booking(
    request: AnyRequest,
    context: Context,
    *,
    booking_id: Annotated[str | None, QueryParameter(name="bookingId", min_length=1, max_length=ID_MAX)] = None,
    user_id: Annotated[str | None, QueryParameter(name="userId", min_length=1, max_length=ID_MAX)] = None,
) -> Response[ChatOfBooking]:
    """Get a booking, its customer, conversation, participants and newest messages: by booking; by user, for staff; or
    the caller's own.
    """
    identity = await context.require_identity(request)
    if booking_id is not None and user_id is not None:
        raise InvalidField("userId", "Name a booking or a user, and not both.")
    query = _Query(context, identity, booking_id, user_id)
    found, position = await read_with_position(context.store, query, _Query.entities)
    return json_response(msgspec.json.encode(msgspec.structs.replace(found, position=position)))


class _Query:
    """The lookups, in one snapshot."""

    def __init__(self, context: ApiContext, identity: Identity, booking_id: str | None, user_id: str | None) -> None:
        self._identity = identity
        self._present: Present = context.present
        self._booking_id = booking_id or (identity.booking_id if user_id is None else None)
        self._whose = None if self._booking_id is not None else self._whose_bookings(user_id)

    def _whose_bookings(self, user_id: str | None) -> BookingOwner:
        """The bookings to look at. Raises NotPermitted."""
        actor = self._identity.actor
        is_own = user_id is None or user_id == actor.id
        match actor.role:
            case Role.CUSTOMER if is_own:
                return BookingOwner(customer_id=actor.id)
            case Role.CARER if is_own:
                return BookingOwner(carer_id=actor.id)
            case Role.ADMIN | Role.STORE | Role.SERVICE:
                return BookingOwner(customer_id=user_id or actor.id)
            case _:
                raise NotPermitted(actor, "look at the bookings of this user")

    @staticmethod
    def entities(found: ChatOfBooking) -> list[str]:
        return [each.id for each in (found.booking, found.conversation) if each is not None]

    def __call__(self, transaction: Transaction) -> ChatOfBooking:
        theirs = self._theirs(transaction)
        booking = self._booking(transaction, theirs)
        return ChatOfBooking(
            user=self._user(transaction, booking), booking=booking, bookings=theirs, **self._chat(transaction, booking)
        )

    def _theirs(self, transaction: Transaction) -> list[Booking]:
        if self._whose is None:
            return []
        if self._identity.actor.role in SEES_EVERY_ORDER and self._whose.customer_id != self._identity.actor.id:
            privacy.check_known(transaction, self._whose.customer_id or "")
        rows, _ = bookings.page(transaction, self._whose, before=INTEGER_MAX, limit=BOOKINGS_MAX, status=None)
        shown = [view_for_person(each.encode(), self._identity.actor) for _, each in rows if each is not None]
        return [msgspec.json.decode(each, type=Booking) for each in shown]

    def _booking(self, transaction: Transaction, theirs: list[Booking]) -> Booking | None:
        if self._booking_id is not None:
            return msgspec.json.decode(booking_for(transaction, self._booking_id, self._identity), type=Booking)
        coming = (each for each in theirs if each.status not in BOOKING_TERMINAL)
        return next(coming, theirs[0] if theirs else None)

    def _user(self, transaction: Transaction, booking: Booking | None) -> ChatUser:
        if booking is not None:
            info = booking.customer_info
            return ChatUser(booking.customer_id, Role.CUSTOMER, info.name, info.email, info.mobile)
        id_ = (self._whose.customer_id or self._whose.carer_id) if self._whose is not None else None
        account = None if id_ is None else accounts.find_by_id(transaction, id_)
        is_own = id_ == self._identity.actor.id
        role = self._identity.actor.role if is_own else Role.CUSTOMER
        name = self._identity.actor.name if is_own else None
        return ChatUser(
            id_, role, name if account is None else account.name, None if account is None else account.email, None
        )

    def _chat(self, transaction: Transaction, booking: Booking | None) -> dict[str, Any]:
        found = None if booking is None else units.find_about(transaction, Subject.BOOKING, booking.id)
        if found is None or participant_in(found, self._identity) is None:
            return {"conversation": None, "participants": [], "messages": [], "next_before": None}
        who = entered(found, self._identity)
        shown = view(transaction, who, self._present)
        page = messages.page(transaction, who.conversation, before=None, after=None, limit=LIMIT_DEFAULT)
        return {
            "conversation": shown,
            "participants": shown.participants,
            "messages": page.items,
            "next_before": page.next_before,
        }


ROUTES: Final = [get_chat_of_booking]
