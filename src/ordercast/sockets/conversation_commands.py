"""``watch_conversation``, ``unwatch_conversation`` and ``typing``: an open conversation.

Messages and receipts reach the own rooms of all participants. Watching or typing also makes a socket present in the
conversation's room, where it gets typing and presence.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.api.auth import Identity
from ordercast.api.body import IdText
from ordercast.api.budgets import TYPING, person_key
from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.api.context import ApiContext
from ordercast.api.conversation_access import Access, access, check_may_write, participant_in
from ordercast.api.conversations import ConversationView, view
from ordercast.api.errors import TooManyWatches
from ordercast.api.messages import EXAMPLE
from ordercast.api.paging import LIMIT_DEFAULT
from ordercast.commerce.conversations import CUSTOMER_SIDE, STORE_SIDE
from ordercast.commerce.errors import Blocked, NotFound
from ordercast.commerce.rooms import STORE_OWNERS, conversation_room, is_conversation_room
from ordercast.db import Change, Transaction, feed
from ordercast.db.conversations import Parties, messages
from ordercast.db.conversations.messages import Message
from ordercast.feed import Subscriptions, TypingNotices
from ordercast.feed.audience import chat_rooms
from ordercast.feed.presence import participant_of
from ordercast.feed.subscriptions import SubscriptionTarget
from ordercast.hub import LimitReached, Server, Socket

from .command_router import Caller, CommandRouter

# A page shows one conversation, or a few.
OPEN_MAX: Final = 100
# Conversations with recent typing whose audience is cached.
AUDIENCES_MAX: Final = 10_000


class WatchConversation(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which conversation."""

    conversation_id: IdText


class WatchedConversation(Struct, frozen=True, rename="camel"):
    """The conversation as ``GET /api/conversations/{id}`` returns it, its newest messages, and the feed position of
    that snapshot.
    """

    conversation: ConversationView
    """Its state at `position`."""
    messages: list[Message]
    """The newest messages, oldest first."""
    next_before: int | None
    """The `before` of the next older page; null at the end."""
    position: str
    """``epoch:seq``: later changes follow as events."""


class UnwatchedConversation(Struct, frozen=True, rename="camel"):
    """The conversation that is no longer watched."""

    conversation_id: str


class Typing(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """That one is typing in a conversation, or has stopped."""

    conversation_id: IdText
    typing: bool = True
    """False: stopped."""


class TypingTaken(Struct, frozen=True):
    """What was accepted."""

    typing: bool
    """As sent."""


_EXAMPLE: Final = {"conversationId": "cnv_01JDN8WZ5A7C9E2G4J6L8N0Q2S"}
_CONVERSATION: Final = {
    "id": "cnv_01JDN8WZ5A7C9E2G4J6L8N0Q2S",
    "about": "order",
    "orderId": "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH",
    "bookingId": None,
    "customerId": "cus_01JDN8V7K4X2R6S8U0W3Z5A7CD",
    "you": "store",
    "participants": [
        {
            "participant": "store",
            "role": "store",
            "id": None,
            "name": None,
            "delivered": 3,
            "seen": 3,
            "unread": 0,
            "present": True,
        }
    ],
    "lastPosition": 3,
    "lastAt": "2026-11-24T09:15:42.318Z",
    "unread": 0,
    "createdAt": "2026-11-24T09:15:00.000Z",
}
_WATCH: Final = CommandDoc(
    data=WatchedConversation,
    errors=(NotFound, TooManyWatches),
    example=_EXAMPLE,
    answer={"conversation": _CONVERSATION, "messages": [EXAMPLE], "nextBefore": 3, "position": "a5f3c2e8b7d94061:4711"},
)
_UNWATCH: Final = CommandDoc(data=UnwatchedConversation, example=_EXAMPLE, answer=_EXAMPLE)
_TYPING: Final = CommandDoc(
    data=TypingTaken,
    errors=(NotFound, Blocked, TooManyWatches),
    example={**_EXAMPLE, "typing": True},
    answer={"typing": True},
)


class ConversationCommands:
    """The commands of one server. The feed calls `changed` when a conversation's participants change."""

    def __init__(
        self, server: Server, context: ApiContext, subscriptions: Subscriptions, typing: TypingNotices
    ) -> None:
        self._server = server
        self._context = context
        self._subscriptions = subscriptions
        self._typing = typing
        self._audiences: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """By conversation: the participants' rooms, without staff."""

    def __repr__(self) -> str:
        return f"<ConversationCommands audiences={len(self._audiences)}>"

    def register(self, router: CommandRouter) -> None:
        router.on("watch_conversation", WatchConversation, self._watch, _WATCH)
        router.on("unwatch_conversation", WatchConversation, self._unwatch, _UNWATCH)
        router.on("typing", Typing, self._type, _TYPING)

    # Watching

    async def _watch(self, caller: Caller, command: WatchConversation) -> dict[str, Any]:
        """Return the conversation, its newest messages and the position of that snapshot; later changes follow as
        events, and presence too.
        """
        id_ = command.conversation_id

        def query(transaction: Transaction) -> tuple[bytes, int | None]:
            who = access(transaction, id_, caller.identity)
            page = messages.page(transaction, who.conversation, before=None, after=None, limit=LIMIT_DEFAULT)
            found = {
                "conversation": view(transaction, who, self._context.present),
                "messages": page.items,
                "nextBefore": page.next_before,
            }
            return msgspec.json.encode(found), feed.seen_with(transaction, id_)

        _check_open(caller.socket, id_)
        try:
            document, position = await self._subscriptions.subscribe(
                caller.socket,
                SubscriptionTarget.conversation(id_),
                conversation_room(id_),
                lambda: self._context.store.read(query),
            )
        except LimitReached as error:
            raise TooManyWatches(OPEN_MAX, "conversations") from error
        return {**msgspec.json.decode(document), "position": position}

    async def _unwatch(self, caller: Caller, command: WatchConversation) -> dict[str, Any]:
        """Stop watching; without effect if it is not watched."""
        caller.socket.leave(conversation_room(command.conversation_id))
        return {"conversationId": command.conversation_id}

    def changed(self, change: Change) -> None:
        """Remove sockets from the conversation's room whose identity no longer takes part."""
        self._audiences.pop(change.entity_id, None)
        if change.after is None:
            return
        parties = msgspec.json.decode(change.after, type=Parties)
        for socket in tuple(self._server.main.rooms.members((conversation_room(change.entity_id),))):
            identity: Identity | None = getattr(socket.data, "identity", None)
            if identity is None or participant_in(parties, identity) is None:
                socket.leave(conversation_room(change.entity_id))

    # Typing

    async def _type(self, caller: Caller, command: Typing) -> dict[str, Any]:
        """Tell the other participants that the sender types, or has stopped."""
        socket, id_ = caller.socket, command.conversation_id
        self._context.budgets.take_local(TYPING, person_key(caller.identity))
        room = conversation_room(id_)
        rooms = self._audiences.get(id_)
        # Members of the room had the rights when they joined, and leave it when these end. Blocking a buyer ends no
        # membership, for they may still read: it is checked each time.
        is_checked = command.typing and participant_of(socket.identity) == CUSTOMER_SIDE
        if rooms is None or room not in socket.rooms or is_checked:
            _check_open(socket, id_)
            found = await self._context.store.read(lambda transaction: _writer(transaction, id_, caller.identity))
            rooms = self._remember(id_, found)
            if not socket.connected:
                return {"typing": False}
            try:
                socket.join(room)
            except LimitReached as error:
                raise TooManyWatches(OPEN_MAX, "conversations") from error
        participant = participant_of(socket.identity)
        self._typing.update(socket, id_, participant, self._audience(id_, rooms), is_typing=command.typing)
        return {"typing": command.typing}

    def _remember(self, conversation_id: str, found: Access) -> tuple[str, ...]:
        parties = msgspec.to_builtins(found.conversation)
        rooms = tuple(room for room in chat_rooms(conversation_id, parties) if room != STORE_OWNERS)
        self._audiences[conversation_id] = rooms
        if len(self._audiences) > AUDIENCES_MAX:
            self._audiences.popitem(last=False)
        return rooms

    def _audience(self, conversation_id: str, rooms: tuple[str, ...]) -> tuple[str, ...]:
        """The rooms to notify: staff who have it open; all staff while none has."""
        is_attended = STORE_SIDE in self._context.present(conversation_id)
        return rooms if is_attended else (STORE_OWNERS, *rooms)


def _writer(transaction: Transaction, conversation_id: str, identity: Identity) -> Access:
    """Check that the identity may write. Raises NotFound, or Blocked for a blocked customer."""
    who = access(transaction, conversation_id, identity)
    check_may_write(transaction, who)
    return who


def _check_open(socket: Socket, conversation_id: str) -> None:
    """Raise TooManyWatches if the socket has OPEN_MAX conversations open."""
    if (
        conversation_room(conversation_id) not in socket.rooms
        and sum(map(is_conversation_room, socket.rooms)) >= OPEN_MAX
    ):
        raise TooManyWatches(OPEN_MAX, "conversations")
