"""Describes the commands and their acks."""

from __future__ import annotations

from typing import Any, Final

from ordercast.api.commands import CommandDoc, IdempotentCommand
from ordercast.api.errors import SignInRequired, StillRunning, TooManyAttempts
from ordercast.api.openapi.descriptions import text_for_people
from ordercast.api.problems import type_of
from ordercast.commerce.bookings import Booking
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.orders import Order
from ordercast.db import DamagedRow, LockedElsewhere, Overloaded, StoreError
from ordercast.db.idempotency import KeyReused
from ordercast.feed.event_examples import BOOKING, EPOCH, ORDER
from ordercast.hub import Server
from ordercast.sockets.command_router import RoutedCommand, SocketHandler

from .schemas import Schemas

# Errors of any command.
_COMMON: Final = (SignInRequired, InvalidField, TooManyAttempts, StoreError, Overloaded, LockedElsewhere, DamagedRow)
# Further errors of commands with a `clientId`.
_REPEATED: Final = (KeyReused, StillRunning)
INTERNAL: Final = "internal_error"

# Results that are an order or booking, or contain one.
_ANSWERS: Final[dict[str, Any]] = {
    Order.__name__: ORDER,
    Booking.__name__: BOOKING,
    "WatchedOrder": {"order": ORDER, "position": f"{EPOCH}:4711"},
}

Handler = RoutedCommand[Any] | SocketHandler


class Commands:
    """The commands that are registered on a server."""

    def __init__(self, schemas: Schemas, server: Server) -> None:
        self._schemas = schemas
        found = {name: server.main.event_handlers(name)[0] for name in server.main.event_names()}
        self._handlers: dict[str, Handler] = {
            name: handler for name, handler in found.items() if isinstance(handler, RoutedCommand | SocketHandler)
        }

    def messages(self) -> dict[str, dict[str, Any]]:
        made = {}
        for name, handler in self._handlers.items():
            made[f"{name}.command"] = self._command(name, handler)
            made[f"{name}.ack"] = self._ack(name, handler)
        return made

    def operations(self, channel: str) -> dict[str, dict[str, Any]]:
        at = f"#/channels/{channel}"
        return {
            name: {
                "action": "receive",
                "channel": {"$ref": at},
                "summary": text_for_people(handler.text),
                "messages": [{"$ref": f"{at}/messages/{name}.command"}],
                "reply": {"channel": {"$ref": at}, "messages": [{"$ref": f"{at}/messages/{name}.ack"}]},
            }
            for name, handler in self._handlers.items()
        }

    def _command(self, name: str, handler: Handler) -> dict[str, Any]:
        payload = self._schemas.of(handler.type)
        return {
            "name": name,
            "title": name,
            "summary": text_for_people(handler.text),
            "payload": payload,
            **_example(handler.doc and handler.doc.example),
            "x-socketio": {"event": name, "arguments": [payload], "ack": f"{name}.ack"},
        }

    def _ack(self, name: str, handler: Handler) -> dict[str, Any]:
        doc = handler.doc
        data = Any if doc is None else doc.data
        is_echo = doc is not None and doc.is_echo
        payload = self._schemas.of(Any) if is_echo else self._ack_schema(data, errors_of(handler))
        return {
            "name": f"{name}.ack",
            "title": f"Ack of {name}",
            "summary": f"The one argument of the ack of `{name}`." if not is_echo else "The arguments, as they came.",
            "payload": payload,
            **_example(_answer(doc)),
            "x-socketio": {"ackOf": name, "arguments": [payload], "errors": [] if is_echo else errors_of(handler)},
        }

    def _ack_schema(self, data: Any, errors: list[str]) -> dict[str, Any]:
        error = {"allOf": [self._schemas.error(), {"properties": {"code": {"type": "string", "enum": errors}}}]}
        return {"oneOf": [_member(self._schemas.of(data), {"type": "null"}), _member({"type": "null"}, error)]}


def errors_of(handler: Handler) -> list[str]:
    """The error codes of a command."""
    declared = () if handler.doc is None else handler.doc.errors
    classes: tuple[type[Exception] | str, ...] = declared
    if isinstance(handler, RoutedCommand):
        repeated = _REPEATED if issubclass(handler.type, IdempotentCommand) else ()
        common = (each for each in _COMMON if not (handler.is_public and each is SignInRequired))
        classes = (*declared, *repeated, *common)
    return list(dict.fromkeys([*map(_code, classes), INTERNAL]))


def _code(error: type[Exception] | str) -> str:
    if isinstance(error, str):
        return error
    type_ = type_of(error)
    assert type_ is not None, f"{error} is no refusal"
    return type_.name.replace("-", "_")


def _member(data: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"data": data, "error": error},
        "required": ["data", "error"],
        "additionalProperties": False,
    }


def _answer(doc: CommandDoc | None) -> Any:
    if doc is None:
        return None
    data = doc.answer if doc.answer is not None else _ANSWERS.get(getattr(doc.data, "__name__", ""))
    return data if doc.is_echo or data is None else {"data": data, "error": None}


def _example(payload: Any) -> dict[str, Any]:
    return {} if payload is None else {"examples": [{"name": "example1", "payload": payload}]}
