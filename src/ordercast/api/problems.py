"""Types of problems (RFC 9457): the type of an error by its class, and texts for people.

An error's HTTP status is that of its base class: a new kind of ``Conflict`` is 409 without a line here. A type is
called as its class is, in kebab case, if `_WORDS` has words of that name; else the error is of its base class's type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce import errors as shop
from ordercast.commerce.slots import FreeTime
from ordercast.db import DamagedRow, ReadLockedElsewhere, RuleBroken, StoreError, Unstorable
from ordercast.db.idempotency import KeyReused

from .auth import TokenRefused
from .errors import (
    BodyMalformed,
    IssuerUnavailable,
    LinkRefused,
    NoMail,
    NoPush,
    OriginRefused,
    RefreshRefused,
    SignInRefused,
    SignInRequired,
    StillRunning,
    TooManyAttempts,
    TooManyWatches,
    UnsupportedBody,
)

CONTENT_TYPE: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A problem. `type` is stable, `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    """The invalid field, as a path such as ``cartItems[0].quantity``."""
    budget: str | None = None
    """The exceeded budget, as ``orders``."""
    code: str | None = None
    """For tokens: ``token_expired``, ``token_malformed``, ``token_invalid`` or ``token_revoked``."""
    current: str | None = None
    """The current status of the order or booking."""
    version: int | None = None
    allowed: tuple[str, ...] | None = None
    """The statuses to which the caller may move it now."""
    changed_by: str | None = None
    """Who changed it since the client's version, and when; only the role for customers."""
    changed_at: str | None = None
    given: int | None = None
    computed: int | None = None
    """The request's total, and ours, in minor units."""
    left: int | None = None
    """Pieces in stock; or open orders."""
    refundable: int | None = None
    """The refundable rest, in minor units."""
    closed_for: str | None = None
    """Why the shop is closed: ``paused``, or its ``hours``."""
    opens_at: str | None = None
    """When it takes orders again; left out where that is not known."""
    nearest: tuple[FreeTime, ...] | None = None
    """The nearest free times, nearest first."""


class ProblemType(NamedTuple):
    status: int
    name: str
    """As in its URL, ``/problems/{name}``."""
    title: str
    means: str
    to_do: str

    def problem(self, detail: str, **members: Any) -> Problem:
        """Make a problem of this type."""
        return Problem(f"/problems/{self.name}", self.title, self.status, detail, **members)


class Advice(NamedTuple):
    """Texts of a problem type: title, meaning, and what to do."""

    title: str
    means: str
    to_do: str


# By an error's class or nearest base class.
_STATUSES: Final[dict[type[Exception], int]] = {
    shop.InvalidField: 422,
    shop.NotPermitted: 403,
    shop.AddressUnverified: 403,
    shop.NotFound: 404,
    shop.Conflict: 409,
    shop.PaymentDeclined: 402,
    shop.ProviderUnavailable: 503,
    shop.ProviderRefused: 502,
    shop.WebhookRefused: 400,
    shop.TooManyWaiting: 429,
    StoreError: 503,
    DamagedRow: 503,
    KeyReused: 422,
    Unstorable: 422,
    RuleBroken: 422,
    TokenRefused: 401,
    SignInRequired: 401,
    SignInRefused: 401,
    RefreshRefused: 401,
    BodyMalformed: 400,
    UnsupportedBody: 415,
    OriginRefused: 403,
    IssuerUnavailable: 503,
    LinkRefused: 422,
    NoMail: 409,
    NoPush: 409,
    TooManyAttempts: 429,
    TooManyWatches: 429,
    StillRunning: 409,
}

# Types not named after their class.
_NAMES: Final[dict[type[Exception], str]] = {
    shop.CardNumberGiven: "card-number",
    shop.ProviderUnavailable: "payment-provider-unavailable",
    shop.ProviderRefused: "payment-provider-refused",
    shop.EditConflict: "stale-version",
    StoreError: "store-unavailable",
    ReadLockedElsewhere: "locked-elsewhere",
    DamagedRow: "row-damaged",
    KeyReused: "idempotency-key-reused",
    Unstorable: "invalid-field",
    BodyMalformed: "malformed-body",
    UnsupportedBody: "unsupported-media-type",
    IssuerUnavailable: "issuer-silent",
    StillRunning: "request-running",
}

_AGAIN: Final = (
    "Send the same again after `Retry-After` seconds, with the same `Idempotency-Key`: nothing is done twice."
)
_LOOK: Final = "Look at it anew, and decide again: the answer says how it stands now."
_WORDS: Final[dict[str, Advice]] = {
    "invalid-field": Advice(
        "A field cannot be taken", "A field has a value that cannot be taken.", "Mend the one that `field` names."
    ),
    "card-number": Advice(
        "Card numbers are not taken",
        "A card's number was sent, or something that looks like one. It was not kept.",
        "Send the payment provider's token, or the id of a saved card; and see that no text holds a card's number.",
    ),
    "unknown-product": Advice(
        "Unknown product", "A line of the cart names nothing in the catalogue.", "Read `GET /api/products` anew."
    ),
    "unknown-status": Advice(
        "Unknown status", "No state has that name.", "Take one of `GET /api/status-flow`, or an old name."
    ),
    "reason-required": Advice("A reason is required", "This move must be explained.", "Send `reason`, a sentence."),
    "proof-required": Advice(
        "A proof is required", "This shop wants to be shown that an order was handed over.", "Send `proof`."
    ),
    "promotion-refused": Advice(
        "The promotion does not hold",
        "There is no such promotion, or it does not hold for this order.",
        "Leave `promoCode` out, or take another.",
    ),
    "total-differs": Advice(
        "The total differs",
        "The total that was sent is not the one by our catalogue.",
        "Show the buyer `computed`, and ask again; or send no total.",
    ),
    "not-permitted": Advice("Not permitted", "This role may not do it.", "Sign in as somebody who may."),
    "room-out-of-scope": Advice(
        "Room out of scope",
        "The token is for other rooms.",
        "Publish to its rooms alone, or have a token made for this one (`ordercast token --role service --room`).",
    ),
    "not-found": Advice(
        "Not found", "There is none, or none that the asker may know of.", "Look at the id, and at whose it is."
    ),
    "payment-declined": Advice(
        "Payment declined", "The payment provider said no.", "Let the buyer pay with another card, or otherwise."
    ),
    "payment-provider-unavailable": Advice(
        "The payment provider does not answer", "No answer came from the payment provider in time.", _AGAIN
    ),
    "payment-provider-refused": Advice(
        "The payment provider refuses",
        "The provider will not do it, however often it is asked.",
        "See in the provider's own dashboard why.",
    ),
    "webhook-refused": Advice(
        "The webhook is not the provider's",
        "The message is not signed by the provider, or is too old.",
        "Look at the webhook's secret in the settings, and at the clock.",
    ),
    "price-changed": Advice(
        "The price has changed", "The goods cost something else by now.", "Ask for a quote, and let the buyer decide."
    ),
    "not-payable": Advice("Nothing can be paid", "Nothing of this order can be paid now.", _LOOK),
    "not-refundable": Advice("Nothing can be given back", "Nothing is left that could be given back.", _LOOK),
    "refund-too-large": Advice(
        "More than is left", "More was asked for than is left.", "Give back `refundable` at most."
    ),
    "lives-elsewhere": Advice(
        "The order lives elsewhere", "The order is another program's, which alone may change it.", "Change it there."
    ),
    "time-not-free": Advice(
        "The time is not free",
        "No carer who could do it is free at that time.",
        "Take one of `nearest`, or ask for the service's slots.",
    ),
    "address-taken": Advice(
        "Address taken", "There is an account with this address.", "Sign in with it, or take another address."
    ),
    "address-unverified": Advice(
        "The address is not confirmed",
        "The account's address was typed, and nobody has shown that it is theirs.",
        "Open the link that was mailed; `POST /api/auth/resend-verification` sends another.",
    ),
    "link-refused": Advice(
        "The link is good no more",
        "A mailed link is too old, was used, or was not copied whole.",
        "Ask for another: `POST /api/auth/forgot-password`, or `POST /api/auth/resend-verification`.",
    ),
    "no-mail": Advice(
        "No mail is sent",
        "This shop sends no mail.",
        "The shop's operator names a mail server in `ORDERCAST_MAIL_URL`.",
    ),
    "no-push": Advice(
        "Nobody is pushed to",
        "This shop pushes to no browser.",
        "The shop's operator sets `ORDERCAST_PUSH`, and on a database server `ORDERCAST_VAPID_PRIVATE_KEY`.",
    ),
    "own-account": Advice("Not one's own account", "An admin may not shut themselves out.", "Let another admin do it."),
    "last-admin": Advice(
        "The last admin stays",
        "The last admin cannot be closed or made something else: nobody could undo it.",
        "Make another admin first.",
    ),
    "orders-open": Advice(
        "Orders or bookings are under way",
        "Somebody whose orders or bookings are under way cannot be forgotten.",
        "Wait until they have ended.",
    ),
    "blocked": Advice(
        "The shop takes no messages from you",
        "The shop has said that this buyer may not write in conversations, and why.",
        "Ask the shop by another way; what was written can be read.",
    ),
    "message-gone": Advice(
        "The message was deleted", "What was deleted is not changed any more.", "Look at the conversation anew."
    ),
    "too-many-endpoints": Advice(
        "Too many webhook endpoints", "The shop has as many webhook endpoints as it may.", "Delete one first."
    ),
    "endpoint-disabled": Advice(
        "The webhook endpoint is switched off",
        "Nothing is sent to a webhook endpoint that is switched off.",
        "Switch it on with `enabled`.",
    ),
    "too-many-edits": Advice(
        "Too many edits",
        "Each change of a message keeps what it was, and a message may be changed so often.",
        "Write another message.",
    ),
    "out-of-stock": Advice("Out of stock", "Fewer pieces are left than were asked for.", "Order `left` at most."),
    "shop-closed": Advice(
        "The shop is closed",
        "It is paused, or outside of its hours.",
        "Order from `opensAt` on; where that is missing, look at `GET /api/shop/opening` again.",
    ),
    "too-many-waiting": Advice(
        "Too many orders wait",
        "Too many unpaid orders from this address wait for the shop.",
        "Wait until some are answered, or pay.",
    ),
    # Of orders and bookings alike.
    "stale-version": Advice("It has changed", "It has changed since the asker looked.", _LOOK),
    "state-conflict": Advice("Its state does not allow it", "It is in no state that allows it.", _LOOK),
    "illegal-transition": Advice("No such move", "The table of moves has no such move.", "Take one of `allowed`."),
    "row-damaged": Advice(
        "A row of the database cannot be read",
        "A row of the database, written by another program, cannot be read.",
        "The shop's operator finds and mends it with `ordercast repair`.",
    ),
    "idempotency-key-reused": Advice(
        "Idempotency-Key reused",
        "The same `Idempotency-Key` came with another body.",
        "Make a new key for each thing that is to be done.",
    ),
    "request-running": Advice(
        "The first request is still running",
        "The first request with this `Idempotency-Key` is not answered yet.",
        _AGAIN,
    ),
    "malformed-body": Advice("The body is not JSON", "The body is not JSON.", "Send one JSON object, in UTF-8."),
    "unsupported-media-type": Advice(
        "Unsupported media type", "The body is of another kind.", "Send `Content-Type: application/json`."
    ),
    "sign-in-required": Advice(
        "Sign in first", "A token is needed.", "Send `Authorization: Bearer ...`, from `POST /api/auth/login`."
    ),
    "sign-in-refused": Advice("Sign-in refused", "The address or the password is wrong.", "Type both again."),
    "refresh-refused": Advice("Sign in again", "There is no sign-in to go on with.", "Sign in again."),
    "issuer-silent": Advice(
        "The issuer does not answer", "The keys of the token's issuer cannot be had just now.", _AGAIN
    ),
    "origin-refused": Advice(
        "Not from this page",
        "A page of another site asked.",
        "The shop's operator lets it in with `ORDERCAST_CORS_ORIGINS`.",
    ),
    "host-refused": Advice(
        "Misdirected Request",
        "The request was addressed to a host that is not this shop's.",
        "The shop's operator names it in `ORDERCAST_ALLOWED_HOSTS`.",
    ),
    "token-refused": Advice(
        "Token refused",
        "The token is expired, revoked, or not signed by this shop; `code` says which.",
        "Refresh it, or sign in again.",
    ),
    "too-many-attempts": Advice(
        "Too many attempts", "A budget of the caller is spent; `budget` names it.", "Wait for `Retry-After` seconds."
    ),
    "too-many-watches": Advice(
        "Too many watches", "The socket watches as many orders as it may.", "Send `unwatch_order` for some."
    ),
    "rule-broken": Advice(
        "A rule of the database refuses it", "A rule of the database refuses the change.", "Mend what `detail` names."
    ),
    "overloaded": Advice("Too busy", "Too much is waiting to be done.", _AGAIN),
    "locked-elsewhere": Advice("Locked by another program", "Another program holds what the change needs.", _AGAIN),
    "store-unavailable": Advice("The database is not available", "The database is not available.", _AGAIN),
    "bad-request": Advice(
        "The request cannot be read", "The request cannot be read.", "Look at its line and its headers."
    ),
    "method-not-allowed": Advice(
        "Method not allowed", "This address takes other methods.", "Look at the `Allow` header."
    ),
    "body-too-large": Advice(
        "The body is too large", "The body is larger than the shop takes.", "Send less at a time."
    ),
    "refused": Advice("Refused", "The request was refused by its form.", "Read `detail`."),
    "internal": Advice(
        "Internal error",
        "Something went wrong on our side, and is in the log.",
        "Tell the shop's operator the `X-Request-ID` of the answer.",
    ),
}


def _type(status: int, name: str) -> ProblemType:
    return ProblemType(status, name, *_WORDS[name])


# Problems of requests that reach no handler, by HTTP status.
HTTP_TYPES: Final = {
    400: _type(400, "bad-request"),
    404: _type(404, "not-found"),
    405: _type(405, "method-not-allowed"),
    413: _type(413, "body-too-large"),
}
REFUSED: Final = _type(400, "refused")
INTERNAL: Final = _type(500, "internal")
# Sent by the port, before any handler.
_HOST_REFUSED: Final = _type(421, "host-refused")


def type_of(error: type[BaseException]) -> ProblemType | None:
    """The type of an error's class; None for unexpected errors."""
    status = next((_STATUSES[class_] for class_ in error.__mro__ if class_ in _STATUSES), None)
    if status is None:
        return None
    name = next((name for class_ in error.__mro__ if (name := _name(class_)) in _WORDS), "refused")
    found = _type(status, name)
    # Orders name the field; other resources share a sentence.
    return found._replace(title="It has changed") if issubclass(error, shop.EditConflict) else found


def _name(class_: type[Any]) -> str:
    return _NAMES.get(class_) or re.sub(r"(?<!^)(?=[A-Z])", "-", class_.__name__).lower()


def problem_types() -> dict[str, ProblemType]:
    """All problem types, by name."""
    types = [type_of(each) for base in _STATUSES for each in _classes(base)]
    types += [REFUSED, INTERNAL, _HOST_REFUSED, *HTTP_TYPES.values()]
    return {each.name: _type(each.status, each.name) for each in types if each is not None}


def _classes(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for each in base.__subclasses__():
        yield from _classes(each)
