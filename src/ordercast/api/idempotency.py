"""Idempotency of requests and commands (``Idempotency-Key``, `clientId`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Response

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.people import Actor
from ordercast.db import Row, Transaction, UnitOfWork
from ordercast.db.idempotency import KEY_MAX, Outcome, RequestKey, earlier_outcome, once

from .auth import Identity
from .commands import IdempotentCommand
from .context import AnyRequest, ApiContext
from .responses import json_response

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX}}}")


async def run_once(
    context: ApiContext,
    request: AnyRequest,
    actor: Actor,
    command: msgspec.Struct | dict[str, Any],
    effect: Callable[[Transaction], bytes],
    *,
    rows: frozenset[Row] = frozenset(),
) -> Outcome:
    """Run `effect`, which locks `rows`, in a unit of work; with a key, store its response in the same transaction, or
    return the earlier one.
    """
    key = request_key(request, actor, command)
    with context.exclusive(key):
        return await commit_once(context, key, effect, rows=rows)


async def create_once(
    context: ApiContext,
    request: AnyRequest,
    actor: Actor,
    command: msgspec.Struct | dict[str, Any],
    effect: Callable[[Transaction], bytes],
) -> Response[Any]:
    """As `run_once`, with a 201 response."""
    outcome = await run_once(context, request, actor, command, effect)
    return created(outcome, outcome.answer, 201)


def request_key(request: AnyRequest, actor: Actor, command: msgspec.Struct | dict[str, Any]) -> RequestKey | None:
    """The request's key, if it has one. Raises InvalidField.

    Keys are per actor and route; guests share a scope, so theirs must be hard to guess.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if _KEY.fullmatch(key) is None:
        raise InvalidField(HEADER, f"An Idempotency-Key is 1 to {KEY_MAX} visible ASCII characters.")
    return RequestKey(f"{actor} {request.url.path}", key, _fingerprint(command))


def command_key(identity: Identity, name: str, command: IdempotentCommand) -> RequestKey | None:
    """The key of a socket command: its client id."""
    if command.client_id is None:
        return None
    return RequestKey(f"{identity} socket:{name}", command.client_id, _fingerprint(command))


def _fingerprint(command: msgspec.Struct | dict[str, Any]) -> bytes:
    """The digest of the decoded command, as clients may reorder JSON."""
    return hashlib.sha256(msgspec.json.encode(command, order="sorted")).digest()


async def find_outcome(context: ApiContext, key: RequestKey | None) -> Outcome | None:
    """The outcome of an earlier request with the key. Raises KeyReused."""
    if key is None:
        return None
    return await context.store.read(lambda transaction: earlier_outcome(transaction, key))


async def commit_once(
    context: ApiContext,
    key: RequestKey | None,
    effect: Callable[[Transaction], bytes],
    *,
    rows: frozenset[Row] = frozenset(),
) -> Outcome:
    now = context.now()
    return await context.store.write(UnitOfWork(lambda transaction: once(transaction, key, now, effect), rows))


def created(outcome: Outcome, content: bytes, status_code: int) -> Response[Any]:
    """The response to a creating request, new or repeated."""
    headers = {REPLAYED: "true"} if outcome.replayed else {}
    return json_response(content, status_code=status_code, headers=headers)
