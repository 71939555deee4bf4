"""Turns errors into responses (RFC 9457) and socket ack errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from ordercast.commerce import errors as shop
from ordercast.db import NotCommitted, RuleBroken, Unstorable, is_database_error
from ordercast.telemetry import BUDGET_REFUSALS

from .body import in_words
from .budgets import NOT_FOUND, Budgets
from .context import AnyRequest, ApiContext
from .errors import TooManyAttempts
from .problems import CONTENT_TYPE, HTTP_TYPES, INTERNAL, REFUSED, Problem, ProblemType, problem_types, type_of
from .request_log import id_of

log = logging.getLogger("ordercast.api")

_MALFORMED: Final = problem_types()["malformed-body"]
_INVALID_FIELD: Final = problem_types()["invalid-field"]

# Litestar's message; it has no class for this.
_HUNG_UP: Final = "client disconnected prematurely"


def handle_error(context: ApiContext, request: AnyRequest, error: Exception) -> Response[bytes]:
    """The response to an uncaught error."""
    error = charged(context.budgets, _known(error), context.budget_key(request))
    type_ = type_of(type(error))
    if isinstance(error, (Unstorable, RuleBroken)):
        log.warning(
            "%s %s did not reject a value that the database cannot store",
            request.method,
            _route(request),
            exc_info=error,
        )
    if type_ is not None:
        return _respond(_problem(type_, error), _headers(type_, error))
    if isinstance(error, ValidationException):
        return _respond(_of_parameters(request, error), {})
    if isinstance(error, HTTPException) and error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        error = HTTPException(f"A body has {request.app.request_max_body_size} bytes at most", status_code=413)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _respond(_of_http(error), error.headers or {})
    if isinstance(error, HTTPException) and error.detail == _HUNG_UP:
        # Not logged: clients that disconnect could fill the log. Nobody reads the response.
        return _respond(_of_http(HTTPException(error.detail, status_code=400)), {})
    log.error("request %s failed: %s %s", id_of(request.scope), request.method, _route(request), exc_info=error)
    detail = "Something went wrong on our side. It has been noted."
    return _respond(INTERNAL.problem(detail), {})


def _route(request: AnyRequest) -> str:
    """The route's template, without values such as tokens."""
    template: str = request.scope.get("path_template") or "-"
    return template


def charged(budgets: Budgets, error: Exception, whose: str | None) -> Exception:
    """Charge a NotFound to the caller's guesses; return the error to answer with, perhaps TooManyAttempts."""
    if isinstance(error, shop.NotFound):
        try:
            budgets.take_local(NOT_FOUND, whose)
        except TooManyAttempts as enough:
            return enough
    if isinstance(error, shop.TooManyWaiting):
        BUDGET_REFUSALS.labels(error.budget).inc()
    return error


def refused_fields(error: Exception) -> dict[str, Any] | None:
    """The error in a socket's ack: ``code``, ``message``, and the problem's members. None for an unexpected error."""
    error = _known(error)
    type_ = type_of(type(error))
    if type_ is None:
        return None
    members: dict[str, Any] = msgspec.to_builtins(_problem(type_, error))
    for name in ("type", "title", "status", "detail"):
        del members[name]
    if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
        members["retryAfter"] = retry_after_s  # acks have no headers
    return {**members, "code": members.get("code") or type_.name.replace("-", "_"), "message": str(error)}


def _known(error: Exception) -> Exception:
    """Wrap unexpected database errors, and log them."""
    if (broken := RuleBroken.of(error)) is not None:
        return broken
    if not is_database_error(error):
        return error
    log.error("the database raised an error of its own", exc_info=error)
    return NotCommitted(error)


def _respond(problem: Problem, headers: Mapping[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers={**headers, "Cache-Control": "no-store"},
    )


def _problem(type_: ProblemType, error: Exception) -> Problem:
    members: dict[str, Any] = {}
    for name in ("field", "budget", "code", "left", "refundable", "version", "changed_by", "changed_at"):
        if (value := getattr(error, name, None)) not in {None, ""}:
            members[name] = value
    if isinstance(error, shop.StateConflict):
        members |= {"current": error.state.status, "version": error.state.version, "allowed": error.allowed}
    if isinstance(error, shop.ShopClosed):
        members |= {"closed_for": error.closed_for, "opens_at": error.opens_at}
    if isinstance(error, shop.TimeNotFree):
        members["nearest"] = error.nearest
    if isinstance(error, shop.TotalDiffers):
        members |= {"given": error.given.minor, "computed": error.computed.minor}
    return type_.problem(str(error), **members)


def _headers(type_: ProblemType, error: Exception) -> dict[str, str]:
    if type_.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="ordercast"'}
    retry_after_s = getattr(error, "retry_after_s", None)
    return {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


def _of_parameters(request: AnyRequest, error: ValidationException) -> Problem:
    """The problem of what Litestar validates: query parameters, headers, missing bodies."""
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    field = str(first.get("key", "")) or None
    if field is None or field.split(".", maxsplit=1)[0] == "data":
        return _MALFORMED.problem("The request needs a JSON body.")
    field = _sent_as(request, field)
    return _INVALID_FIELD.problem(f"{field}: {in_words(str(first.get('message', 'is not valid')))}.", field=field)


def _sent_as(request: AnyRequest, parameter: str) -> str:
    """The public name of a parameter."""
    definition = request.route_handler.parsed_fn_signature.parameters.get(parameter)
    return getattr(getattr(definition, "kwarg_definition", None), "name", None) or parameter


def _of_http(error: HTTPException) -> Problem:
    type_ = HTTP_TYPES.get(error.status_code, REFUSED._replace(status=error.status_code))
    return type_.problem(f"{error.detail or type_.title}.")
