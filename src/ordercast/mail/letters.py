"""Renders due mails: recipient and text are read from the database when a mail is sent."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ordercast.commerce import letters as words
from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.booking_transitions import COMING
from ordercast.commerce.letters import Language, Letter, MailKind, OrderFacts, UnseenFacts
from ordercast.commerce.local_times import written_out
from ordercast.commerce.money import Money
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.tracking import is_looked_up
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import Transaction, accounts, bookings, mails, orders
from ordercast.db.mails import Mail
from ordercast.db.notices import escalation
from ordercast.db.orders.lookup import placed_as
from ordercast.db.webhooks import endpoints

from .links import Links

UNSEEN: Final = frozenset({MailKind.ORDERS_UNSEEN, MailKind.BOOKINGS_UNSEEN})
ABOUT_ORDERS: Final = frozenset({MailKind.ORDER_PLACED, MailKind.ORDER_PROMISED, MailKind.ORDER_LINK})
# Lines listed; larger carts are summed up.
LINES_MAX: Final = 50


class AddressedLetter(NamedTuple):
    address: str
    letter: Letter


class _Buyer(msgspec.Struct):
    email: str | None


class _Line(msgspec.Struct, rename="camel"):
    name: str
    quantity: int
    line_total: int


class _Order(msgspec.Struct, rename="camel"):
    number: int
    status: OrderStatus
    total: int
    currency: str
    customer_info: _Buyer
    cart_items: list[_Line]
    promised_at: str | None = None


class _Booking(msgspec.Struct, rename="camel"):
    number: int
    status: BookingStatus
    starts_at: str
    service_name: str
    service_name_bn: str
    customer_info: _Buyer


_ORDER: Final = msgspec.json.Decoder(_Order)
_BOOKING: Final = msgspec.json.Decoder(_Booking)


class Letters:
    """Renders mails with one shop's links and time zone."""

    def __init__(self, links: Links, zone: tzinfo = UTC, telephone: str = "") -> None:
        """`telephone` is the shop's, for buyers."""
        self._links = links
        self._zone = zone
        self._telephone = telephone

    def write(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        """Render a mail; None if it has no recipient or reason any more. Raises the errors of reading rows."""
        if mail.kind in ABOUT_ORDERS:
            found = self._about_order(transaction, mail)
            return found and found._replace(letter=words.with_telephone(found.letter, mail.language, self._telephone))
        if mail.kind is MailKind.BOOKING_REMINDER:
            return self._booking_reminder(transaction, mail)
        if mail.kind in UNSEEN:
            return self._unseen(transaction, mail)
        if mail.kind is MailKind.WEBHOOK_DISABLED:
            return self._webhook_disabled(transaction, mail)
        letter = self._to_address(transaction, mail)
        return None if letter is None or mail.address is None else AddressedLetter(mail.address, letter)

    def _about_order(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        if mail.kind is MailKind.ORDER_LINK:
            return self._order_link(transaction, mail)
        document = None if mail.order_id is None else orders.order_document(transaction, mail.order_id)
        if document is None or mail.order_id is None:
            return None
        order = _ORDER.decode(document)
        if order.customer_info.email is None:  # erased
            return None
        link = self._links.order(mail.order_id, orders.TRACKING.hash_of(transaction, mail.order_id))
        if mail.kind is MailKind.ORDER_PLACED:
            return AddressedLetter(order.customer_info.email, self._order_placed(order, mail.language, link))
        # Another time has its own mail, and what has ended is ready or never will be.
        is_as_it_was = order.promised_at and mail.id == mails.mail_of_promise(mail.order_id, order.promised_at)
        if not is_as_it_was or order.status in TERMINAL:
            return None
        letter = words.order_promised(
            mail.language,
            order.number,
            self._promised(order, mail.language),
            link,
            is_anew=mails.was_promised(transaction, mail),
        )
        return AddressedLetter(order.customer_info.email, letter)

    def _promised(self, order: _Order, language: Language) -> str:
        return "" if order.promised_at is None else written_out(order.promised_at, self._zone, language)

    def _order_placed(self, order: _Order, language: Language, link: str) -> Letter:
        lines = order.cart_items if len(order.cart_items) <= LINES_MAX else []
        facts = OrderFacts(
            order.number,
            tuple((line.quantity, line.name, str(Money(line.line_total, order.currency))) for line in lines),
            str(Money(order.total, order.currency)),
            self._promised(order, language),
        )
        return words.order_placed(language, facts, link)

    def _order_link(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        """None where no order has that number and telephone, or nobody to be mailed."""
        key = mail.address or ""
        found = placed_as(transaction, key.partition(" ")[0])
        if found is None or found.email is None or not is_looked_up(key, found.number, found.mobile):
            return None
        link = self._links.order(found.id, found.tracking_hash)
        return AddressedLetter(found.email, words.order_link(mail.language, found.number, link))

    def _booking_reminder(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        """None for a booking that was called off, has begun, or was moved to another time meanwhile."""
        document = None if mail.booking_id is None else bookings.booking_document(transaction, mail.booking_id)
        if document is None or mail.booking_id is None:
            return None
        booking = _BOOKING.decode(document)
        is_as_it_was = mail.id == mails.mail_of_reminder(mail.booking_id, booking.starts_at)
        if booking.status not in COMING or not is_as_it_was or booking.customer_info.email is None:
            return None
        is_bengali = mail.language is Language.BENGALI
        letter = words.booking_reminder(
            mail.language,
            number=booking.number,
            service=(is_bengali and booking.service_name_bn) or booking.service_name,
            when=written_out(booking.starts_at, self._zone, mail.language),
        )
        return AddressedLetter(booking.customer_info.email, letter)

    def _unseen(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        """What is unopened now; None if nothing is."""
        waiting = escalation.waiting(transaction, mail.kind, mail.created_at)
        if waiting is None or mail.address is None or not escalation.is_staff(transaction, mail.address):
            return None
        since = datetime.fromisoformat(waiting.since).astimezone(self._zone).strftime("%Y-%m-%d %H:%M")
        facts = UnseenFacts(len(waiting.numbers), min(waiting.numbers), max(waiting.numbers), since)
        letter = words.unseen(mail.kind, mail.language, facts, self._links.board())
        return AddressedLetter(mail.address, letter)

    def _webhook_disabled(self, transaction: Transaction, mail: Mail) -> AddressedLetter | None:
        """Lists all endpoints disabled by now; None if none is."""
        hosts = {urlsplit(url).netloc for url in endpoints.disabled_urls(transaction)}
        if not hosts or mail.address is None:
            return None
        letter = words.webhook_disabled(mail.language, ", ".join(sorted(hosts)), self._links.home())
        return AddressedLetter(mail.address, letter)

    def _to_address(self, transaction: Transaction, mail: Mail) -> Letter | None:  # noqa: PLR0911 - each letter's
        """The letter to an address. It reveals to nobody but its mailbox whether there is an account."""
        address, language, links = mail.address or "", mail.language, self._links
        owner = accounts.find(transaction, address)
        if owner is not None and not owner.active:
            return None
        is_claimed = owner is not None or bool(accounts.find_unverified(transaction, address))
        if not is_claimed:
            return None
        match mail.kind:
            case MailKind.VERIFY:
                if owner is not None:
                    return words.already_registered(language, links.forgot())
                return words.verify(language, links.verify(address))
            case MailKind.RESET:
                if owner is not None:
                    return words.reset(language, links.reset(owner))
                return words.unconfirmed(language, links.home())
            case _:
                return words.password_changed(language, links.forgot())
