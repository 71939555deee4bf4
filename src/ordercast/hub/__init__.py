"""HUB: a Socket.IO server: namespaces, sockets, rooms, acks, recovery, without a transport.

Upstream: ``feed`` emits, ``sockets`` registers commands; any Python program may do both. Downstream: ``protocol``
encodes; connections are made by ``wire``. Stays true: nothing here knows a shop or a TCP socket, nor loads a database
by itself; the data path is synchronous.

::

    server = Server()

    @server.event("add")
    def add(socket, a, b):
        return a + b

    server.to("store-owners").emit("stock_low", {"sku": "A1"})
"""

from .acks import CommandAck, failure, success
from .broadcast import BroadcastOperator, RemoteSocket
from .bus import Bus, NodesTimedOut
from .bus.memory import MemoryBus
from .callers import caller_of
from .connection import Application, Connection, Receiver
from .disconnect_reason import DisconnectReason
from .errors import (
    AckTimeout,
    ConnectRefused,
    EventRefused,
    GapTooOld,
    HubError,
    LimitReached,
    NotConnected,
    RetryLater,
)
from .event_dispatch import NO_ACK
from .handshake import Handshake
from .namespace import Namespace
from .options import Cookie, Options
from .parent_namespace import ParentNamespace
from .recovery import Recovery, Session
from .recovery.memory import MemoryRecovery
from .server import Server
from .socket import Socket
from .token_bucket import Rate, TokenBuckets

__all__ = [
    "NO_ACK",
    "AckTimeout",
    "Application",
    "BroadcastOperator",
    "Bus",
    "CommandAck",
    "ConnectRefused",
    "Connection",
    "Cookie",
    "DisconnectReason",
    "EventRefused",
    "GapTooOld",
    "Handshake",
    "HubError",
    "LimitReached",
    "MemoryBus",
    "MemoryRecovery",
    "Namespace",
    "NodesTimedOut",
    "NotConnected",
    "Options",
    "ParentNamespace",
    "Rate",
    "Receiver",
    "Recovery",
    "RemoteSocket",
    "RetryLater",
    "Server",
    "Session",
    "Socket",
    "TokenBuckets",
    "caller_of",
    "failure",
    "success",
]
