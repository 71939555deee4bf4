"""The texts of mails, in English and Bengali.

They contain no user input but addresses and our numbers: who enters a stranger's address must not choose what the
stranger reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

RESET_MINUTES: Final = 30
"""Validity of a password reset link: its owner waits for it."""
VERIFY_DAYS: Final = 3
"""Validity of a verification link: over a weekend."""


class Language(StrEnum):
    ENGLISH = "en"
    BENGALI = "bn"


class MailKind(StrEnum):
    VERIFY = "verify"
    """Verify an address; to its owner if it is registered already."""
    RESET = "reset"
    """Reset a password."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    ORDER_PLACED = "order_placed"
    ORDER_PROMISED = "order_promised"
    """When an order will be ready, as it is promised or promised anew."""
    ORDER_LINK = "order_link"
    """The link to an order, once more, for whoever placed it and says its number and their telephone."""
    BOOKING_REMINDER = "booking_reminder"
    ORDERS_UNSEEN = "orders_unseen"
    """Unopened orders, to staff."""
    BOOKINGS_UNSEEN = "bookings_unseen"
    WEBHOOK_DISABLED = "webhook_disabled"
    """A disabled webhook endpoint, to admins."""


class MailState(StrEnum):
    DUE = "due"
    SENT = "sent"
    REFUSED = "refused"
    """Rejected permanently by the mail server, or expired."""
    DROPPED = "dropped"
    """The recipient or the reason is gone."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's text: `action` is the text of its link, if any."""

    subject: str
    paragraphs: tuple[str, ...]
    action: str = ""
    link: str = ""
    call: str = ""
    """The text of a link to the shop's telephone, if it has one."""
    telephone: str = ""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The data of an order confirmation; amounts are formatted."""

    number: int
    lines: tuple[tuple[int, str, str], ...]
    """Quantity, name and sum of each line."""
    total: str
    promised: str = ""
    """When it will be ready, formatted; empty where nothing is promised yet."""


@dataclass(frozen=True, slots=True)
class UnseenFacts:
    """The data of a mail about unopened orders or bookings: numbers, and the oldest's time."""

    count: int
    first: int
    last: int
    since: str
    """A formatted time."""


def verify(language: Language, link: str) -> Letter:
    return _letter(_VERIFY, language, link, days=_number(VERIFY_DAYS, language))


def already_registered(language: Language, link: str) -> Letter:
    """To the owner of an address with which somebody registers again."""
    return _letter(_ALREADY_REGISTERED, language, link)


def reset(language: Language, link: str) -> Letter:
    return _letter(_RESET, language, link, minutes=_number(RESET_MINUTES, language))


def unconfirmed(language: Language, link: str) -> Letter:
    """For a password reset of an account whose address is not verified."""
    return _letter(_UNCONFIRMED, language, link)


def password_changed(language: Language, link: str) -> Letter:
    return _letter(_PASSWORD_CHANGED, language, link)


def webhook_disabled(language: Language, places: str, link: str) -> Letter:
    """`places` are the hosts of the disabled endpoints."""
    return _letter(_WEBHOOK_DISABLED, language, link, places=places)


def order_placed(language: Language, order: OrderFacts, link: str) -> Letter:
    subject, opening, total, action = _ORDER_PLACED[language]
    number = _number(order.number, language)
    lines = tuple(f"{_number(count, language)} x {name}: {amount}" for count, name, amount in order.lines)
    promised = (_READY[language].format(when=order.promised),) if order.promised else ()
    paragraphs = (opening.format(number=number), *lines, total.format(total=order.total), *promised)
    return Letter(subject.format(number=number), paragraphs, action, link)


def order_promised(language: Language, number: int, when: str, link: str, *, is_anew: bool) -> Letter:
    """`when` is formatted; `is_anew` says that another time was promised before."""
    subject, anew, action = _ORDER_PROMISED[language]
    values = {"number": _number(number, language), "when": when}
    paragraphs = (*((anew,) if is_anew else ()), _READY[language])
    return Letter(subject.format(**values), tuple(text.format(**values) for text in paragraphs), action, link)


def with_telephone(letter: Letter, language: Language, telephone: str) -> Letter:
    """The letter with the shop's telephone, if it has one."""
    return replace(letter, call=_CALL[language], telephone=telephone) if telephone else letter


def dialled(telephone: str) -> str:
    """A telephone number as a link has it (RFC 3966)."""
    return re.sub(r"[^+\d]", "", telephone)


def order_link(language: Language, number: int, link: str) -> Letter:
    subject, paragraphs, action = _ORDER_LINK[language]
    values = {"number": _number(number, language)}
    return Letter(subject.format(**values), tuple(text.format(**values) for text in paragraphs), action, link)


def unseen(kind: MailKind, language: Language, unseen: UnseenFacts, link: str) -> Letter:
    one, many = _UNSEEN[kind]
    subject, paragraphs, action = (one if unseen.count == 1 else many)[language]
    numbers = {"count": unseen.count, "first": unseen.first, "last": unseen.last}
    values = {"since": unseen.since, **{name: _number(number, language) for name, number in numbers.items()}}
    return Letter(subject.format(**values), tuple(text.format(**values) for text in paragraphs), action, link)


def booking_reminder(language: Language, *, number: int, service: str, when: str) -> Letter:
    """For a customer whose booking begins soon; `when` is formatted."""
    subject, paragraphs, _ = _BOOKING_REMINDER[language]
    values = {"number": _number(number, language), "service": service, "when": when}
    return Letter(subject.format(**values), tuple(text.format(**values) for text in paragraphs))


_Text = tuple[str, tuple[str, ...], str]

_BOOKING_REMINDER: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Your booking {number}: {when}",
        (
            "This is to remind you of your booking {number}: {service}.",
            "It begins on {when}.",
            "If you cannot be there, cancel it or choose another time, so that somebody else can have this one.",
        ),
        "",
    ),
    Language.BENGALI: (
        "আপনার বুকিং {number}: {when}",
        (
            "আপনার বুকিং {number} মনে করিয়ে দিচ্ছি: {service}।",
            "শুরু হবে {when}।",
            "আসতে না পারলে বাতিল করুন বা অন্য সময় নিন, যাতে অন্য কেউ এই সময়টি পান।",
        ),
        "",
    ),
}

_VERIFY: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Confirm your address",
        (
            "Somebody registered at our shop with this address.",
            "If that was you, confirm it by the link below. It is good for {days} days.",
            "If it was not you, do nothing: nobody can use your address without this link.",
        ),
        "Confirm the address",
    ),
    Language.BENGALI: (
        "আপনার ইমেইল ঠিকানা নিশ্চিত করুন",
        (
            "এই ঠিকানা দিয়ে আমাদের দোকানে কেউ নিবন্ধন করেছেন।",
            "আপনি হলে নিচের লিংকে গিয়ে নিশ্চিত করুন। লিংকটি {days} দিন কাজ করবে।",
            "আপনি না হলে কিছুই করতে হবে না: এই লিংক ছাড়া কেউ আপনার ঠিকানা ব্যবহার করতে পারবে না।",
        ),
        "ঠিকানা নিশ্চিত করুন",
    ),
}
_ALREADY_REGISTERED: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "You already have an account",
        (
            "Somebody wanted to register at our shop with this address, which has an account already.",
            "If that was you, sign in with the password that you have, or choose another one by the link below.",
            "If it was not you, do nothing: your account is as it was.",
        ),
        "Choose another password",
    ),
    Language.BENGALI: (
        "আপনার অ্যাকাউন্ট আগেই আছে",
        (
            "কেউ এই ঠিকানা দিয়ে আমাদের দোকানে নিবন্ধন করতে চেয়েছেন, কিন্তু এর অ্যাকাউন্ট আগেই আছে।",
            "আপনি হলে আগের পাসওয়ার্ড দিয়ে সাইন ইন করুন, অথবা নিচের লিংকে নতুন পাসওয়ার্ড নিন।",
            "আপনি না হলে কিছুই করতে হবে না: আপনার অ্যাকাউন্ট যেমন ছিল তেমনই আছে।",
        ),
        "নতুন পাসওয়ার্ড নিন",
    ),
}
_RESET: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Choose another password",
        (
            "Somebody asked for another password for the account with this address.",
            "If that was you, choose it by the link below. It is good once, for {minutes} minutes.",
            "If it was not you, do nothing: your password stays as it is.",
        ),
        "Choose another password",
    ),
    Language.BENGALI: (
        "নতুন পাসওয়ার্ড নিন",
        (
            "এই ঠিকানার অ্যাকাউন্টের জন্য কেউ নতুন পাসওয়ার্ড চেয়েছেন।",
            "আপনি হলে নিচের লিংকে গিয়ে নতুন পাসওয়ার্ড দিন। লিংকটি একবারই, {minutes} মিনিট পর্যন্ত কাজ করবে।",
            "আপনি না হলে কিছুই করতে হবে না: আপনার পাসওয়ার্ড যেমন ছিল তেমনই থাকবে।",
        ),
        "নতুন পাসওয়ার্ড নিন",
    ),
}
_UNCONFIRMED: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "This address is not confirmed yet",
        (
            "Somebody asked for another password, but no account with this address was ever confirmed.",
            "If that was you, register once more, with a new password, and open the link that you are then sent.",
        ),
        "To the shop",
    ),
    Language.BENGALI: (
        "এই ঠিকানা এখনো নিশ্চিত করা হয়নি",
        (
            "কেউ নতুন পাসওয়ার্ড চেয়েছেন, কিন্তু এই ঠিকানার কোনো অ্যাকাউন্ট নিশ্চিত করা হয়নি।",
            "আপনি হলে নতুন পাসওয়ার্ড দিয়ে আবার নিবন্ধন করুন, এবং তারপর যে লিংক পাবেন সেটি খুলুন।",
        ),
        "দোকানে যান",
    ),
}
_PASSWORD_CHANGED: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Your password was changed",
        (
            "The password of your account has just been changed.",
            "Everything that was signed in with the former one is signed out.",
            "If that was not you, choose another one by the link below at once.",
        ),
        "Choose another password",
    ),
    Language.BENGALI: (
        "আপনার পাসওয়ার্ড বদলানো হয়েছে",
        (
            "আপনার অ্যাকাউন্টের পাসওয়ার্ড এইমাত্র বদলানো হয়েছে।",
            "আগের পাসওয়ার্ডে যা যা সাইন ইন করা ছিল সব সাইন আউট করা হয়েছে।",
            "আপনি না হলে এখনই নিচের লিংকে নতুন পাসওয়ার্ড নিন।",
        ),
        "নতুন পাসওয়ার্ড নিন",
    ),
}
_WEBHOOK_DISABLED: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "A webhook was switched off",
        (
            "Nothing is sent any more to: {places}.",
            "Deliveries have failed for too long, or were answered with 410 Gone.",
            "When the receiver is mended, switch the endpoint on again: what was missed is then sent, in order.",
        ),
        "To the shop",
    ),
    Language.BENGALI: (
        "একটি ওয়েবহুক বন্ধ হয়েছে",
        (
            "এখানে আর কিছু পাঠানো হচ্ছে না: {places}।",
            "অনেকক্ষণ ধরে পাঠানো ব্যর্থ হয়েছে, অথবা উত্তর এসেছে 410 Gone।",
            "গ্রহীতা ঠিক হলে এন্ডপয়েন্টটি আবার চালু করুন: যা বাদ পড়েছে তা তখন ক্রমানুসারে পাঠানো হবে।",
        ),
        "দোকানে যান",
    ),
}
# Subject, opening, total, link.
_ORDER_PLACED: Final[dict[Language, tuple[str, str, str, str]]] = {
    Language.ENGLISH: (
        "Order {number}",
        "Thank you: we have received order {number}.",
        "In all: {total}",
        "Follow the order",
    ),
    Language.BENGALI: (
        "অর্ডার {number}",
        "ধন্যবাদ: আমরা অর্ডার {number} পেয়েছি।",
        "মোট: {total}",
        "অর্ডারটি দেখুন",
    ),
}
_READY: Final = {
    Language.ENGLISH: "It will be ready on {when}.",
    Language.BENGALI: "তৈরি হবে {when}।",
}
# Subject, what precedes another time, link.
_ORDER_PROMISED: Final[dict[Language, tuple[str, str, str]]] = {
    Language.ENGLISH: (
        "Order {number}: {when}",
        "The time for order {number} has changed.",
        "Follow the order",
    ),
    Language.BENGALI: (
        "অর্ডার {number}: {when}",
        "অর্ডার {number}-এর সময় বদলেছে।",
        "অর্ডারটি দেখুন",
    ),
}
_CALL: Final = {Language.ENGLISH: "Call the shop", Language.BENGALI: "দোকানে ফোন করুন"}
_ORDER_LINK: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "The link to your order {number}",
        (
            "Somebody asked for the link to order {number}, and knew the telephone that it was placed with.",
            "If it was not you, do nothing: the link came to you alone.",
        ),
        "Follow the order",
    ),
    Language.BENGALI: (
        "আপনার অর্ডার {number}-এর লিংক",
        (
            "অর্ডার {number}-এর লিংক কেউ চেয়েছেন, যিনি অর্ডারের মোবাইল নম্বরটি জানেন।",
            "আপনি না হলে কিছুই করতে হবে না: লিংকটি কেবল আপনার কাছেই এসেছে।",
        ),
        "অর্ডারটি দেখুন",
    ),
}
_ONE_UNSEEN: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Nobody has seen order {first}",
        ("Order {first} has waited since {since}, and nobody has opened it.",),
        "Open the orders",
    ),
    Language.BENGALI: (
        "অর্ডার {first} কেউ দেখেননি",
        ("অর্ডার {first} {since} থেকে অপেক্ষায়, কেউ খোলেননি।",),
        "অর্ডারগুলো খুলুন",
    ),
}
_MANY_UNSEEN: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Nobody has seen {count} orders",
        ("{count} orders wait, {first} to {last}, the first since {since}, and nobody has opened them.",),
        "Open the orders",
    ),
    Language.BENGALI: (
        "{count}টি অর্ডার কেউ দেখেননি",
        ("{count}টি অর্ডার অপেক্ষায়, {first} থেকে {last}, প্রথমটি {since} থেকে; কেউ খোলেননি।",),
        "অর্ডারগুলো খুলুন",
    ),
}
_ONE_BOOKING_UNSEEN: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Nobody has seen booking {first}",
        ("Booking {first} has waited since {since}, and nobody has opened it.",),
        "Open the bookings",
    ),
    Language.BENGALI: (
        "বুকিং {first} কেউ দেখেননি",
        ("বুকিং {first} {since} থেকে অপেক্ষায়, কেউ খোলেননি।",),
        "বুকিংগুলো খুলুন",
    ),
}
_MANY_BOOKINGS_UNSEEN: Final[dict[Language, _Text]] = {
    Language.ENGLISH: (
        "Nobody has seen {count} bookings",
        ("{count} bookings wait, {first} to {last}, the first since {since}, and nobody has opened them.",),
        "Open the bookings",
    ),
    Language.BENGALI: (
        "{count}টি বুকিং কেউ দেখেননি",
        ("{count}টি বুকিং অপেক্ষায়, {first} থেকে {last}, প্রথমটি {since} থেকে; কেউ খোলেননি।",),
        "বুকিংগুলো খুলুন",
    ),
}
# For one, and for many.
_UNSEEN: Final = {
    MailKind.ORDERS_UNSEEN: (_ONE_UNSEEN, _MANY_UNSEEN),
    MailKind.BOOKINGS_UNSEEN: (_ONE_BOOKING_UNSEEN, _MANY_BOOKINGS_UNSEEN),
}
_BENGALI_DIGITS: Final = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def _letter(texts: dict[Language, _Text], language: Language, link: str, **values: str) -> Letter:
    subject, paragraphs, action = texts[language]
    return Letter(subject, tuple(text.format(**values) for text in paragraphs), action, link)


def _number(number: int, language: Language) -> str:
    text = str(number)
    return text.translate(_BENGALI_DIGITS) if language is Language.BENGALI else text
