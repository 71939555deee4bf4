"""The commands that a socket may send, a file to a subject: the same units of work as over HTTP, answered by acks.

An ack is one argument: ``{data, error: null}``, or for a refusal ``{data: null, error: {code, message, ...}}``, which
closes no connection. A command that carries a `clientId` is done once: sent again, it is answered as it was the first
time.
"""

from __future__ import annotations

from typing import TypeAlias

from ordercast.api.desk import FrontDesk
from ordercast.api.whereabouts import TellsDeliveries, Whereabouts
from ordercast.hub import Server

from . import drivers, notifications, orders, watching
from .answering import Commands
from .watching import Watches

__all__ = ["Telling", "Watches", "register_commands"]

Telling: TypeAlias = TellsDeliveries


def register_commands(server: Server, desk: FrontDesk, watches: Watches, telling: Telling) -> None:
    """Have every socket of `server` served."""
    commands = Commands(server, desk)
    orders.register(commands)
    drivers.register(commands, Whereabouts(desk.store, telling, desk.deliveries, desk.now, server.spawn))
    notifications.register(commands)
    watching.register(commands, watches)
