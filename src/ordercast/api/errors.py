"""Errors as HTTP has them (RFC 9457): one table from an error's class to its answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from ordercast.commerce import errors as shop
from ordercast.db import (
    DamagedRow,
    LockedElsewhere,
    NotCommitted,
    Overloaded,
    ReadLockedElsewhere,
    RuleBroken,
    StoreError,
    Unstorable,
    is_database_error,
)
from ordercast.db.idempotency import KeyReused
from ordercast.telemetry import BUDGET_REFUSALS

from .auth import TokenRefused
from .budgets import NOT_FOUND, Budgets
from .context import AnyRequest, ApiContext
from .refusals import (
    BodyMalformed,
    IssuerUnavailable,
    OriginRefused,
    RefreshRefused,
    SignInRefused,
    SignInRequired,
    StillRunning,
    TooManyAttempts,
    TooManyWatches,
    UnsupportedBody,
)
from .request_log import id_of

log = logging.getLogger("ordercast.api")

CONTENT_TYPE: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Why a request was refused. `type` is stable, `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    """The request's field at fault, as a path such as ``cartItems[0].quantity``."""
    budget: str | None = None
    """Which of the caller's budgets is spent, as ``orders``."""
    code: str | None = None
    """For tokens: ``token_expired``, ``token_malformed``, ``token_invalid`` or ``token_revoked``."""
    current: str | None = None
    """The order's status now."""
    version: int | None = None
    allowed: tuple[str, ...] | None = None
    """Where the asker may move the order now."""
    changed_by: str | None = None
    """Who changed it since the asker looked, and when; a customer is told the role alone."""
    changed_at: str | None = None
    given: int | None = None
    computed: int | None = None
    """The total of the request, and ours, in minor units."""
    left: int | None = None
    """Pieces in stock; or orders that are under way."""
    refundable: int | None = None
    """What is left of the payment, in minor units."""


class Kind(NamedTuple):
    status: int
    slug: str
    title: str


# The most particular class decides: each error's own ancestors are looked up in their order.
KINDS: Final[dict[type[Exception], Kind]] = {
    shop.InvalidField: Kind(422, "invalid-field", "A field cannot be taken"),
    shop.CardNumberGiven: Kind(422, "card-number", "Card numbers are not taken"),
    shop.UnknownProduct: Kind(422, "unknown-product", "Unknown product"),
    shop.UnknownStatus: Kind(422, "unknown-status", "Unknown status"),
    shop.ReasonRequired: Kind(422, "reason-required", "A reason is required"),
    shop.ProofRequired: Kind(422, "proof-required", "A proof is required"),
    shop.PromotionRefused: Kind(422, "promotion-refused", "The promotion does not hold"),
    shop.TotalDiffers: Kind(422, "total-differs", "The total differs"),
    shop.NotPermitted: Kind(403, "not-permitted", "Not permitted"),
    shop.NotFound: Kind(404, "not-found", "Not found"),
    shop.PaymentDeclined: Kind(402, "payment-declined", "Payment declined"),
    shop.ProviderUnavailable: Kind(503, "payment-provider-unavailable", "The payment provider does not answer"),
    shop.ProviderRefused: Kind(502, "payment-provider-refused", "The payment provider refuses"),
    shop.EventRefused: Kind(400, "webhook-refused", "The webhook is not the provider's"),
    shop.PriceChanged: Kind(409, "price-changed", "The price has changed"),
    shop.NotPayable: Kind(409, "not-payable", "Nothing can be paid"),
    shop.NotRefundable: Kind(409, "not-refundable", "Nothing can be given back"),
    shop.RefundTooLarge: Kind(409, "refund-too-large", "More than is left"),
    shop.LivesElsewhere: Kind(409, "lives-elsewhere", "The order lives elsewhere"),
    shop.AddressTaken: Kind(409, "address-taken", "Address taken"),
    shop.OwnAccount: Kind(409, "own-account", "Not one's own account"),
    shop.LastAdmin: Kind(409, "last-admin", "The last admin stays"),
    shop.OrdersOpen: Kind(409, "orders-open", "Orders are under way"),
    shop.OutOfStock: Kind(409, "out-of-stock", "Out of stock"),
    shop.TooManyWaiting: Kind(429, "too-many-waiting", "Too many orders wait"),
    shop.EditConflict: Kind(409, "stale-version", "It has changed"),
    shop.StateConflict: Kind(409, "state-conflict", "The order's state does not allow it"),
    shop.StaleVersion: Kind(409, "stale-version", "The order has changed"),
    shop.IllegalTransition: Kind(409, "illegal-transition", "No such move"),
    DamagedRow: Kind(503, "row-damaged", "A row of the database cannot be read"),
    KeyReused: Kind(422, "idempotency-key-reused", "Idempotency-Key reused"),
    StillRunning: Kind(409, "request-running", "The first request is still running"),
    BodyMalformed: Kind(400, "malformed-body", "The body is not JSON"),
    UnsupportedBody: Kind(415, "unsupported-media-type", "Unsupported media type"),
    SignInRequired: Kind(401, "sign-in-required", "Sign in first"),
    SignInRefused: Kind(401, "sign-in-refused", "Sign-in refused"),
    RefreshRefused: Kind(401, "refresh-refused", "Sign in again"),
    IssuerUnavailable: Kind(503, "issuer-silent", "The issuer does not answer"),
    OriginRefused: Kind(403, "origin-refused", "Not from this page"),
    TokenRefused: Kind(401, "token-refused", "Token refused"),
    TooManyAttempts: Kind(429, "too-many-attempts", "Too many attempts"),
    TooManyWatches: Kind(429, "too-many-watches", "Too many watches"),
    Unstorable: Kind(422, "invalid-field", "A field cannot be taken"),
    RuleBroken: Kind(422, "rule-broken", "A rule of the database refuses it"),
    Overloaded: Kind(503, "overloaded", "Too busy"),
    LockedElsewhere: Kind(503, "locked-elsewhere", "Locked by another program"),
    ReadLockedElsewhere: Kind(503, "locked-elsewhere", "Locked by another program"),
    StoreError: Kind(503, "store-unavailable", "The database is not available"),
}

_HTTP_KINDS: Final = {
    400: Kind(400, "bad-request", "The request cannot be read"),
    404: Kind(404, "not-found", "Not found"),
    405: Kind(405, "method-not-allowed", "Method not allowed"),
    413: Kind(413, "body-too-large", "The body is too large"),
}

_REFUSED: Final = Kind(400, "refused", "Refused")
_INTERNAL: Final = Kind(500, "internal", "Internal error")
# Told before any handler is asked: by the port.
_HOST_REFUSED: Final = Kind(421, "host-refused", "Misdirected Request")


def kinds() -> dict[str, Kind]:
    """Every type of problem that is told, by its name."""
    all_ = [*KINDS.values(), *_HTTP_KINDS.values(), _REFUSED, _INTERNAL, _HOST_REFUSED]
    return {kind.slug: kind for kind in all_}


# Litestar's words for it; it has no class of its own for them.
_HUNG_UP: Final = "client disconnected prematurely"


def answer(context: ApiContext, request: AnyRequest, error: Exception) -> Response[bytes]:
    """The answer to any error that a handler let through."""
    error = charged(context.budgets, _known(error), context.who(request))
    kind = _kind(error)
    if isinstance(error, (Unstorable, RuleBroken)):
        log.warning("%s %s let through what cannot be kept", request.method, _route(request), exc_info=error)
    if kind is not None:
        return _respond(_problem(kind, error), _headers(kind, error))
    if isinstance(error, ValidationException):
        return _respond(_of_parameters(error), {})
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _respond(_of_http(error), error.headers or {})
    if isinstance(error, HTTPException) and error.detail == _HUNG_UP:
        # No fault of ours: whoever hangs up amid a request could fill the log. The answer has no reader.
        return _respond(_of_http(HTTPException(error.detail, status_code=400)), {})
    log.error("request %s failed: %s %s", id_of(request.scope), request.method, _route(request), exc_info=error)
    detail = "Something went wrong on our side. It has been noted."
    return _respond(Problem(f"/problems/{_INTERNAL.slug}", _INTERNAL.title, _INTERNAL.status, detail), {})


def _route(request: AnyRequest) -> str:
    """What was asked for, without what stood in the address: a token may."""
    template: str = request.scope.get("path_template") or "-"
    return template


def charged(budgets: Budgets, error: Exception, whose: str | None) -> Exception:
    """Charge what was not found to whoever guessed it: gives the error to be told, which may be that it is enough."""
    if isinstance(error, shop.NotFound):
        try:
            budgets.take_here(NOT_FOUND, whose)
        except TooManyAttempts as enough:
            return enough
    if isinstance(error, shop.TooManyWaiting):
        BUDGET_REFUSALS.labels(error.budget).inc()
    return error


def refused_fields(error: Exception) -> dict[str, Any] | None:
    """The same refusal as a socket's ack has it: ``code``, ``message``, and the members of the problem.

    None for an error that is no refusal.
    """
    error = _known(error)
    kind = _kind(error)
    if kind is None:
        return None
    members: dict[str, Any] = msgspec.to_builtins(_problem(kind, error))
    for name in ("type", "title", "status", "detail"):
        del members[name]
    return {**members, "code": members.get("code") or kind.slug.replace("-", "_"), "message": str(error)}


def _known(error: Exception) -> Exception:
    """The database's own errors are its troubles, also where nobody foresaw them: they are noted, and told as such."""
    if (broken := RuleBroken.of(error)) is not None:
        return broken
    if not is_database_error(error):
        return error
    log.error("the database refused what it was asked", exc_info=error)
    return NotCommitted(error)


def _kind(error: Exception) -> Kind | None:
    return next((KINDS[class_] for class_ in type(error).__mro__ if class_ in KINDS), None)


def _respond(problem: Problem, headers: Mapping[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers={**headers, "Cache-Control": "no-store"},
    )


def _problem(kind: Kind, error: Exception) -> Problem:
    members: dict[str, Any] = {}
    for name in ("field", "budget", "code", "left", "refundable", "version", "changed_by", "changed_at"):
        if (value := getattr(error, name, None)) not in {None, ""}:
            members[name] = value
    if isinstance(error, shop.StateConflict):
        members |= {"current": error.order.status, "version": error.order.version, "allowed": error.allowed}
    if isinstance(error, shop.TotalDiffers):
        members |= {"given": error.given.minor, "computed": error.computed.minor}
    return Problem(f"/problems/{kind.slug}", kind.title, kind.status, str(error), **members)


def _headers(kind: Kind, error: Exception) -> dict[str, str]:
    if kind.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="ordercast"'}
    retry_after_s = getattr(error, "retry_after_s", None)
    return {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


def _of_parameters(error: ValidationException) -> Problem:
    """A query parameter, a header, or an absent body: what Litestar checks for us."""
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    field = str(first.get("key", "")) or None
    if field is None or field.split(".", maxsplit=1)[0] == "data":
        kind = KINDS[BodyMalformed]
        return Problem(f"/problems/{kind.slug}", kind.title, kind.status, "The request needs a JSON body.")
    kind = KINDS[shop.InvalidField]
    detail = f"{field}: {first.get('message', 'is not valid')}."
    return Problem(f"/problems/{kind.slug}", kind.title, kind.status, detail, field=field)


def _of_http(error: HTTPException) -> Problem:
    kind = _HTTP_KINDS.get(error.status_code, _REFUSED._replace(status=error.status_code))
    return Problem(f"/problems/{kind.slug}", kind.title, kind.status, f"{error.detail or kind.title}.")
