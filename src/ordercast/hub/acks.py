"""Pending acknowledgements of a client."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple, TypedDict

from .errors import AckTimeout, HubError, LimitReached


class Acks:
    """The pending acks of a socket, by id. A namespace never reuses an id, so a late answer matches nothing else."""

    __slots__ = ("_pending", "_pending_max")

    def __init__(self, pending_max: int) -> None:
        self._pending_max = pending_max
        self._pending: dict[int, asyncio.Future[list[Any]]] = {}

    def __repr__(self) -> str:
        return f"<Acks pending={len(self._pending)}>"

    def expect(self, ack_id: int) -> asyncio.Future[list[Any]]:
        """Register an ack; return the future of its arguments, which may be cancelled. Raises LimitReached."""
        if len(self._pending) >= self._pending_max:
            raise LimitReached("acks_pending_max", self._pending_max)
        answer = asyncio.get_running_loop().create_future()
        self._pending[ack_id] = answer
        answer.add_done_callback(lambda _: self._pending.pop(ack_id, None))
        return answer

    @staticmethod
    async def wait(answer: asyncio.Future[list[Any]], event: str, timeout_s: float | None) -> Any:
        """Wait for an ack's value: None, its one argument, or a tuple. Raises AckTimeout, or the error given to
        `fail`.
        """
        try:
            # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes with the answer.
            async with asyncio.timeout(timeout_s):
                args = await answer
        except TimeoutError:
            raise AckTimeout(event, timeout_s) from None
        return value_of(args)

    def resolve(self, ack_id: int, args: list[Any]) -> asyncio.Future[list[Any]] | None:
        """Resolve an ack with the client's arguments; return its future, None for an unknown id."""
        answer = self._pending.pop(ack_id, None)
        if answer is None or answer.done():
            return None
        answer.set_result(args)
        return answer

    def fail(self, error: HubError) -> None:
        """Fail all pending acks: the client is gone."""
        for answer in tuple(self._pending.values()):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # retrieved, as perhaps only a callback waited
        self._pending.clear()


class AckResponses(NamedTuple):
    """The acknowledgements of a broadcast."""

    responses: list[list[Any]]
    """Each acknowledgement's arguments, in the order of sockets."""
    complete: bool
    """Whether every socket answered or disconnected."""


def value_of(args: list[Any]) -> Any:
    """The value of an acknowledgement: None, its one argument, or a tuple of several."""
    if len(args) > 1:
        return tuple(args)
    return args[0] if args else None


# --- What a command's acknowledgement carries ------------------------------------------------------------------------


class CommandAck(TypedDict):
    """The one argument of a command's acknowledgement; either member is null.

    One argument, because ``emitWithAck`` of the JavaScript client resolves with the first alone, and python-socketio's
    ``call`` makes a tuple of several; and not the error first, because the JavaScript client puts its own error there.
    """

    data: Any
    error: dict[str, Any] | None


def success(data: Any) -> CommandAck:
    """Acknowledge a command that was carried out with what JSON can carry: ``{data, error: null}``."""
    return {"data": data, "error": None}


def failure(error: dict[str, Any]) -> CommandAck:
    """Acknowledge a command that was not: ``{data: null, error: {code, message, ...}}``."""
    return {"data": None, "error": error}
