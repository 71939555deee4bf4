"""Asking many sockets at once, and gathering what they acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import LimitReached

if TYPE_CHECKING:
    from .broadcast import Broadcast
    from .socket import Socket


class Gathered(NamedTuple):
    answers: list[list[Any]]
    """Each acknowledgement's arguments, in the order in which the sockets were asked."""
    complete: bool
    """Whether nobody is left who might still answer."""


async def ask(audience: Broadcast, event: str, args: Sequence[Any]) -> Gathered:
    """Send an event to everybody and wait for their acks, at most as long as the audience's timeout.

    Raises UnencodableValue.
    """
    namespace, flags = audience.namespace, audience.flags
    ack_id = namespace.new_ack_id()
    # One id for all, so that it is encoded once for all.
    message = namespace.encode_question(event, args, ack_id, flags)
    waits = [wait for socket in audience.sockets() if (wait := _expect(socket, ack_id)) is not None]
    namespace.deliver(message, audience.rooms, audience.excluded)
    if not waits:
        return Gathered([], complete=True)
    try:
        _, late = await asyncio.wait(waits, timeout=flags.timeout_s)
        answers = [wait.result() for wait in waits if wait not in late and wait.exception() is None]
    finally:
        for wait in waits:
            wait.cancel()
    return Gathered(answers, complete=not late)


def _expect(socket: Socket, ack_id: int) -> asyncio.Future[list[Any]] | None:
    try:
        return socket.expect(ack_id)
    except LimitReached:
        return None  # it owes so many answers already that this one will not come either
