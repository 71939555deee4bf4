"""NAMESPACES AND ROOMS: namespaces, sockets, rooms, acks, recovery.

Upstream: ``feed`` delivers, ``sockets`` registers commands, any Python program may do both. Downstream: ``protocol``
encodes; a connection, made by ``wire``, carries.
Stays true: nothing here knows a shop or a TCP socket, nor loads a database unasked; the data path is synchronous.
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
