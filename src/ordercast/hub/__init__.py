"""WHO HEARS: namespaces, sockets, rooms, acks, recovery.

Upstream: ``feed`` publishes, ``api`` registers commands, any Python program may do both. Downstream: ``protocol``
encodes; a connection, made by ``wire``, carries.
Stays true: nothing here knows a shop or a TCP socket, nor loads a database unasked; the data path is synchronous.
"""

from .acks import CommandAck, failure, success
from .broadcast import Broadcast
from .budget import Buckets, Rate
from .bus import Bus, NodesSilent
from .callers import caller_of
from .connection import Application, Connection, Handshake, Receiver
from .dynamic import ParentNamespace
from .errors import AckTimeout, ComeLater, ConnectRefused, EventRefused, GapTooOld, HubError, LimitReached, NotConnected
from .memory import MemoryRecovery
from .memory_bus import MemoryBus
from .namespace import Namespace
from .options import Cookie, Options
from .reasons import DisconnectReason
from .recovery import Recovery, Session
from .remote import RemoteSocket
from .server import Server
from .socket import Socket
from .turns import NO_ACK

__all__ = [
    "NO_ACK",
    "AckTimeout",
    "Application",
    "Broadcast",
    "Buckets",
    "Bus",
    "ComeLater",
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
    "NodesSilent",
    "NotConnected",
    "Options",
    "ParentNamespace",
    "Rate",
    "Receiver",
    "Recovery",
    "RemoteSocket",
    "Server",
    "Session",
    "Socket",
    "caller_of",
    "failure",
    "success",
]
