"""``GET /api/chat/user/booking``: what a page that shows a booking and its chat needs at first, in one answer."""

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

# As many as a list beside the chat shows; `GET /api/bookings` has the others.
BOOKINGS_MAX: Final = 20
# Of another issuer's people, as of ours.
ID_MAX: Final = SUBJECT_CHARACTERS_MAX


class ChatUser(Struct, frozen=True):
    """Whose booking it is, as far as the asker may know."""

    id: str | None
    role: str
    name: str | None
    email: str | None
    mobile: str | None


class ChatOfBooking(Struct, frozen=True, kw_only=True, rename="camel"):
    """A booking with its chat; where somebody has no booking, nulls and empty lists."""

    user: ChatUser
    """Whose booking it is."""
    booking: Booking | None
    """As ``GET /api/bookings/{id}`` answers it to the asker: the one that was named, or the newest that is not over, or
    the newest."""
    bookings: list[Booking]
    """The newest of the user's, this one among them as a rule."""
    conversation: ConversationView | None
    """As ``GET /api/conversations/{id}`` answers it; null where the asker takes no part in it any more."""
    participants: list[ParticipantView]
    """The conversation's."""
    messages: list[Message]
    """The newest, oldest first."""
    next_before: int | None
    """Give it as `before` for the page of older messages; null where there are none."""
    position: str = ""
    """``epoch:seq`` of the feed in the same moment: live events go on from here."""


@get("/api/chat/user/booking", tags=["conversations"], responses=REFUSALS)
async def get_chat_of_booking(
    request: AnyRequest,
    context: Context,
    *,
    booking_id: Annotated[str | None, QueryParameter(name="bookingId", min_length=1, max_length=ID_MAX)] = None,
    user_id: Annotated[str | None, QueryParameter(name="userId", min_length=1, max_length=ID_MAX)] = None,
) -> Response[ChatOfBooking]:
    """A user, their booking, its conversation and participants, and the newest messages: of a booking, for the shop of
    a user, and without a parameter the caller's own.
    """
    identity = await context.require_identity(request)
    if booking_id is not None and user_id is not None:
        raise InvalidField("userId", "Name a booking or a user, and not both.")
    query = _Query(context, identity, booking_id, user_id)
    found, position = await read_with_position(context.store, query, _Query.entities)
    return json_response(msgspec.json.encode(msgspec.structs.replace(found, position=position)))


class _Query:
    """What is looked up in one snapshot."""

    def __init__(self, context: ApiContext, identity: Identity, booking_id: str | None, user_id: str | None) -> None:
        self._identity = identity
        self._present: Present = context.present
        self._booking_id = booking_id or (identity.booking_id if user_id is None else None)
        self._whose = None if self._booking_id is not None else self._whose_bookings(user_id)

    def _whose_bookings(self, user_id: str | None) -> BookingOwner:
        """Raises NotPermitted for who may look at nobody's, or not at this user's."""
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
