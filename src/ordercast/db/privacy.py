"""Units of work on personal data: export and erasure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.booking_transitions import BOOKING_TERMINAL
from ordercast.commerce.errors import BookingsOpen, NotFound, OrdersOpen
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.redaction import Redaction
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import TERMINAL

from . import access, accounts, erasures, events, feed, idempotency, mails, saved_cards, sessions
from .conversations.triggers import ERASED_TEXT
from .lenient_json import read_json
from .noun import ERASED_ACTOR, PersonalData
from .nouns import PERSONAL_DATA
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction
from .types import ChangeKind
from .webhooks import statements as webhooks

_JSON_COLUMNS: Final = frozenset(
    {
        "attachments", "billing_info", "cart_items", "data", "document", "former_attachments", "payment_info",
        "shipping_info", "topics",
    }
)  # fmt: skip
_ADDRESS_TEXTS: Final = ("name", "line1", "line2")


# Rows, or orders with their rows, per read.
EXPORTED_AT_ONCE_MAX: Final = 200
_OF_MESSAGES: Final = frozenset({ChangeKind.MESSAGE_SENT, ChangeKind.MESSAGE_CHANGED})
_NUMBERS: Final = frozenset({"number", "entry", "+entry", "through"})
"""Numeric keys."""
_BOOKINGS: Final = "bookings:"
"""Prefix of positions of bookings' rows, after those of orders."""


class ExportPage(NamedTuple):
    """Rows as members of a JSON array, and the next page's key; None at the end."""

    rows: bytes
    next_after: int | str | None


@dataclass(frozen=True, slots=True)
class StoredCopies:
    """Where copies of a customer's data were found, and up to which row and time was searched."""

    at: Timestamp
    newest_seq: int
    feed_keys: list[int]
    answers: list[tuple[str, str]]
    pids: list[str]
    deliveries: list[str]
    """Webhook deliveries."""


_BOUGHT: Final = ("orders", "bookings")
"""Tables with a customer and an id that documents contain."""

# --- Statements: made from what each noun says of its tables ----------------------------------------------------------


def _identity(table: str, holding: PersonalData) -> Statement:
    return Statement(f"SELECT {', '.join(holding.shown)} FROM {table} WHERE {holding.whose}")


def _export_page(table: str, holding: PersonalData) -> Statement:
    """A page of rows after the key ``after``, key first; or the rows of the orders ``ids``."""
    shown = ", ".join(holding.shown)
    if holding.goes_with_orders:
        return Statement(f"SELECT {shown} FROM {table} WHERE {holding.owner} IN (@json_texts(:ids))")
    return Statement(f"""
        SELECT {holding.key}, {shown} FROM {table}
        WHERE {holding.whose} AND {holding.key} > :after ORDER BY {holding.key} LIMIT :limit
    """)


def _erase(table: str, holding: PersonalData) -> Statement | None:
    which = f"WHERE {holding.whose} AND {holding.touched}"
    if holding.left is None:
        return Statement(f"DELETE FROM {table} {which}")
    if not holding.left:
        return None
    left = ", ".join(f"{column} = {value}" for column, value in holding.left.items())
    return Statement(f"UPDATE {table} SET {left} {which}")


# Documents that contain the id of the customer, or of one of their orders or bookings.
def _mentions(column: str) -> str:
    theirs = (
        f"EXISTS (SELECT 1 FROM {table} WHERE customer_id = :customer_id AND @contains({column}, {table}.id))"
        for table in _BOUGHT
    )
    return f"(@contains({column}, :customer_id) OR {' OR '.join(theirs)})"


def _is_theirs(column: str) -> str:
    return " OR ".join(f"{column} IN (SELECT id FROM {table} WHERE customer_id = :customer_id)" for table in _BOUGHT)


IDENTITY: Final = {table: _identity(table, holding) for table, holding in PERSONAL_DATA.items() if holding.identifies}
EXPORT_PAGE: Final = {table: _export_page(table, holding) for table, holding in PERSONAL_DATA.items()}
ERASE: Final = {
    table: statement for table, holding in PERSONAL_DATA.items() if (statement := _erase(table, holding)) is not None
}
ORDERS_OF: Final = Statement("""
    SELECT number, id FROM orders WHERE customer_id = :customer_id AND number > :after ORDER BY number LIMIT :limit
""")
BOOKINGS_OF: Final = Statement("""
    SELECT number, id FROM bookings WHERE customer_id = :customer_id AND number > :after ORDER BY number LIMIT :limit
""")
OPEN_ORDERS: Final = Statement(f"""
    SELECT count(*) FROM orders
    WHERE customer_id = :customer_id AND status IN ({literals({*OrderStatus} - {*TERMINAL})})
""")
OPEN_BOOKINGS: Final = Statement(f"""
    SELECT count(*) FROM bookings
    WHERE customer_id = :customer_id AND status IN ({literals({*BookingStatus} - {*BOOKING_TERMINAL})})
""")
IS_KNOWN: Final = Statement("""
    SELECT EXISTS (SELECT 1 FROM customers WHERE id = :customer_id)
      OR EXISTS (SELECT 1 FROM orders WHERE customer_id = :customer_id)
      OR EXISTS (SELECT 1 FROM bookings WHERE customer_id = :customer_id)
      OR EXISTS (SELECT 1 FROM mirrored_orders WHERE customer_id = :customer_id)
      OR EXISTS (SELECT 1 FROM bookings WHERE customer_id = :customer_id)
""")
TRACKED: Final = Statement("SELECT id FROM orders WHERE customer_id = :customer_id AND tracking_hash IS NOT NULL")
TRACKED_BOOKINGS: Final = Statement("""
    SELECT id FROM bookings WHERE customer_id = :customer_id AND tracking_hash IS NOT NULL
""")
# The indexed condition first. Unnumbered rows, this transaction's too, are after every number.
FEED_KEYS: Final = Statement(f"""
    SELECT feed.@feed_key FROM feed
    WHERE @sqlite(seq > :after)@postgresql((seq > :after OR seq IS NULL)) AND (
      {_is_theirs("entity_id")}
      OR {_mentions("after")} OR {_mentions("before")} OR @contains(actor, :customer_id))
""")
FEED_ROW: Final = Statement("""
    SELECT kind, entity_id, actor, reason, before, after FROM feed WHERE @feed_key = :feed_key @for_update
""")
REWRITE_FEED: Final = Statement("""
    UPDATE feed SET actor = :new_actor, reason = :new_reason, before = :new_before, after = :new_after
    WHERE @feed_key = :feed_key
""")
ANSWERS: Final = Statement(f"""
    SELECT scope, key FROM idempotency
    WHERE created_at >= :since AND ({_mentions("answer")} OR @contains(scope, :customer_id))
""")
# Socket identities are `customer:<id>`, or `guest:<order's or booking's id>`.
SESSIONS: Final = Statement(f"SELECT pid FROM sessions WHERE {_mentions('@text_of(identity)')}")
WEBHOOKS: Final = Statement(f"""
    SELECT id FROM webhook_deliveries
    WHERE created_at >= :since AND (
      {_is_theirs("subject")} OR {_mentions("body")})
""")

STATEMENTS: Final = statements_in(globals())

# --- Telling ----------------------------------------------------------------------------------------------------------


def check_known(transaction: Transaction, customer_id: str) -> None:
    """Raise NotFound if nothing is known of the customer."""
    if not _one(transaction, IS_KNOWN, customer_id):
        raise NotFound("customer")


def export(transaction: Transaction, table: str, customer_id: str, after: int | str | None) -> ExportPage:
    """A page of a table's rows of a customer, in JSON names, after `after`, None for the first. Rows of orders or
    bookings come by so many of these.
    """
    holding, statement = PERSONAL_DATA[table], EXPORT_PAGE[table]
    if after is None:
        after = 0 if holding.goes_with_orders or holding.key in _NUMBERS else ""
    values = {"customer_id": customer_id, "after": after, "limit": EXPORTED_AT_ONCE_MAX}
    if holding.goes_with_orders:
        found, next_after = _owners(transaction, holding, customer_id, after)
        ids = msgspec.json.encode([id_ for _, id_ in found]).decode()
        rows = transaction.all(statement, ids=ids) if found else []
    else:
        found = transaction.all(statement, **values)
        rows = [row[1:] for row in found]
        next_after = found[-1][0] if len(found) == EXPORTED_AT_ONCE_MAX else None
    return ExportPage(msgspec.json.encode([_named(holding, row) for row in rows])[1:-1], next_after)


def _owners(
    transaction: Transaction, holding: PersonalData, customer_id: str, after: int | str
) -> tuple[list[tuple[Any, ...]], int | str | None]:
    """The next orders after `after`, then bookings if rows belong to those too; and the next position."""
    is_of_bookings = isinstance(after, str)
    number = int(after.removeprefix(_BOOKINGS)) if isinstance(after, str) else after
    statement = BOOKINGS_OF if is_of_bookings else ORDERS_OF
    found = transaction.all(statement, customer_id=customer_id, after=number, limit=EXPORTED_AT_ONCE_MAX)
    if len(found) == EXPORTED_AT_ONCE_MAX:
        return found, f"{_BOOKINGS}{found[-1][0]}" if is_of_bookings else found[-1][0]
    return found, None if is_of_bookings or not holding.goes_with_bookings else f"{_BOOKINGS}0"


def _known(transaction: Transaction, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """The customer's identifying data, by table."""
    check_known(transaction, customer_id)
    return {
        camel(table): [_named(PERSONAL_DATA[table], row) for row in transaction.all(statement, customer_id=customer_id)]
        for table, statement in IDENTITY.items()
    }


def _named(holding: PersonalData, row: tuple[Any, ...]) -> dict[str, Any]:
    return {camel(column): _shown(column, value) for column, value in zip(holding.shown, row, strict=True)}


def _shown(column: str, value: Any) -> Any:
    if column not in _JSON_COLUMNS or value is None:
        return value
    try:
        return read_json(value)
    except ValueError:
        return value  # damaged: as stored


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


# --- Forgetting -------------------------------------------------------------------------------------------------------


def find_copies(transaction: Transaction, customer_id: str, now: Timestamp) -> StoredCopies:
    """Search all documents for copies; may take seconds, so it runs in a reader before the erasure."""
    return StoredCopies(
        now,
        feed.newest_seq(transaction),
        _feed_keys(transaction, customer_id, 0),
        _answers(transaction, customer_id, ""),
        [pid for (pid,) in transaction.all(SESSIONS, customer_id=customer_id)],
        _deliveries(transaction, customer_id, ""),
    )


def erase(
    transaction: Transaction, erasure_id: str, customer_id: str, copies: StoredCopies, *, actor: Actor, now: Timestamp
) -> int:
    """Erase a customer: orders and sums stay, personal data is removed, tokens are revoked. Return how many orders they
    had. Idempotent. Raises NotFound, and OrdersOpen or BookingsOpen while one is open.
    """
    known = _known(transaction, customer_id)
    if left := _one(transaction, OPEN_ORDERS, customer_id):
        raise OrdersOpen(left)
    if left := _one(transaction, OPEN_BOOKINGS, customer_id):
        raise BookingsOpen(left)
    by = ERASED_ACTOR if actor.role is Role.CUSTOMER else str(actor)
    _refuse_tokens(transaction, customer_id, by, now)
    for card in known["paymentMethods"]:
        saved_cards.remove(transaction, card["id"], customer_id, now)
    for account in known["accounts"]:
        owner = accounts.find(transaction, account["email"])
        if owner is None or owner.id == customer_id:  # else the address is another account's
            mails.forget_address(transaction, account["email"])
    for statement in ERASE.values():
        transaction.run(statement, customer_id=customer_id, actor=by, now=now)
    _rewrite(transaction, customer_id, copies, Redaction(_texts(known)))
    transaction.run(erasures.RECORD, id=erasure_id, customer_id=customer_id, actor=by, at=now)
    return len(known["orders"])


def _refuse_tokens(transaction: Transaction, customer_id: str, by: str, now: Timestamp) -> None:
    theirs = [
        customer_id,
        *(order_id for (order_id,) in transaction.all(TRACKED, customer_id=customer_id)),
        *(booking_id for (booking_id,) in transaction.all(TRACKED_BOOKINGS, customer_id=customer_id)),
    ]
    for name in theirs:
        access.revoke(transaction, name, since=now, until=None, actor=by, reason="The personal data was erased.")


def _texts(known: dict[str, list[dict[str, Any]]]) -> list[str | None]:
    """All texts that identify the person."""
    people = ([row["name"], row["email"], row.get("mobile")] for row in chain(known["customers"], known["accounts"]))
    bought = chain(known["orders"], known["bookings"])
    buyers = ([row["customerName"], row["customerEmail"], row["customerMobile"], row.get("note")] for row in bought)
    elsewhere = [row["document"] for row in known["mirroredOrders"] if isinstance(row["document"], dict)]
    places = (
        [address.get(text) for text in _ADDRESS_TEXTS]
        for row in chain(known["orders"], elsewhere)
        for address in (row.get("billingInfo"), row.get("shippingInfo"))
        if isinstance(address, dict)
    )
    customers = (order["customerInfo"].values() for order in elsewhere if isinstance(order.get("customerInfo"), dict))
    found = chain.from_iterable(chain(people, buyers, places, customers))
    return [text for text in found if text is None or isinstance(text, str)]


def _rewrite(transaction: Transaction, customer_id: str, copies: StoredCopies, redaction: Redaction) -> None:
    # Including rows since the search, this unit's own too.
    for feed_key in chain(copies.feed_keys, _feed_keys(transaction, customer_id, copies.newest_seq)):
        _rewrite_change(transaction, feed_key, customer_id, redaction)
    for scope, key in chain(copies.answers, _answers(transaction, customer_id, copies.at)):
        if scope.startswith(f"{Role.CUSTOMER}:{customer_id} "):
            transaction.run(idempotency.REMOVE, of_scope=scope, of_key=key)  # the key cannot be used again
        else:
            _rewrite_answer(transaction, scope, key, redaction)
    for delivery_id in chain(copies.deliveries, _deliveries(transaction, customer_id, copies.at)):
        _rewrite_delivery(transaction, delivery_id, redaction)
    for pid in copies.pids:
        transaction.run(sessions.FORGET, pid=pid)


def _rewrite_change(transaction: Transaction, feed_key: int, customer_id: str, redaction: Redaction) -> None:
    row = transaction.one(FEED_ROW, feed_key=feed_key)
    if row is None:  # pruned
        return
    kind, entity_id, actor, reason, before, after = row
    if kind == ChangeKind.EVENT_PUBLISHED:
        # A back end's event has no known form: it is removed.
        transaction.run(events.REMOVE, id=entity_id)
        after = msgspec.json.encode({"event": _event_in(after), "rooms": [], "args": []}).decode()
    if kind == ChangeKind.ROW_CHANGED:
        # Nor has a row of another program's table.
        after = msgspec.json.encode({"table": "erased", "was": None, "now": None}).decode()
    if kind in _OF_MESSAGES:
        after = _without_text(after)
    was_theirs = actor == f"{Role.CUSTOMER}:{customer_id}"
    transaction.run(
        REWRITE_FEED,
        feed_key=feed_key,
        new_actor=ERASED_ACTOR if was_theirs else actor,
        new_reason=None if was_theirs else redaction.without(reason),
        new_before=_forgotten(before, redaction),
        new_after=_forgotten(after, redaction),
    )


def _event_in(published: str) -> str:
    try:
        return str(read_json(published)["event"])
    except (ValueError, LookupError, TypeError):
        return "erased"  # never published


def _without_text(document: str) -> str:
    """A message's feed row, which stays, without the text."""
    try:
        return msgspec.json.encode({**read_json(document), "text": ERASED_TEXT, "attachments": []}).decode()
    except (ValueError, TypeError):
        return "null"


def _rewrite_answer(transaction: Transaction, scope: str, key: str, redaction: Redaction) -> None:
    row = transaction.one(idempotency.ANSWER_FOR_UPDATE, of_scope=scope, of_key=key)
    if row is not None:
        transaction.run(idempotency.REWRITE, of_scope=scope, of_key=key, new_answer=_forgotten(row[0], redaction))


def _rewrite_delivery(transaction: Transaction, delivery_id: str, redaction: Redaction) -> None:
    row = transaction.one(webhooks.BODY_FOR_UPDATE, delivery_id=delivery_id)
    if row is None:
        return
    event, body = row
    # Back ends' events and messages have free text.
    is_free = event == ChangeKind.EVENT_PUBLISHED or event.startswith("message.")
    new_body = _without_data(body) if is_free else _forgotten(body, redaction)
    transaction.run(webhooks.REWRITE, delivery_id=delivery_id, new_body=new_body)
    transaction.run(webhooks.FORGET_ANSWERS, delivery_id=delivery_id)


def _without_data(body: str) -> str:
    """An event's body without its data."""
    try:
        return msgspec.json.encode({**read_json(body), "data": {"erased": True}}).decode()
    except (ValueError, TypeError):
        return "null"  # of another program


def _forgotten(document: str | None, redaction: Redaction) -> str | None:
    if document is None:
        return None
    try:
        return msgspec.json.encode(redaction.without(read_json(document))).decode()
    except (ValueError, RecursionError):
        return "null"  # damaged


def _feed_keys(transaction: Transaction, customer_id: str, after: int) -> list[int]:
    rows = transaction.all(FEED_KEYS, customer_id=customer_id, after=after)
    return [key for (key,) in rows]


def _answers(transaction: Transaction, customer_id: str, since: str) -> list[tuple[str, str]]:
    rows = transaction.all(ANSWERS, customer_id=customer_id, since=since)
    return [(scope, key) for scope, key in rows]


def _deliveries(transaction: Transaction, customer_id: str, since: str) -> list[str]:
    return [id_ for (id_,) in transaction.all(WEBHOOKS, customer_id=customer_id, since=since)]


def _one(transaction: Transaction, question: Statement, customer_id: str) -> int:
    row = transaction.one(question, customer_id=customer_id)
    return row[0] if row is not None else 0
