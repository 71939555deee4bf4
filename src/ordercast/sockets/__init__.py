"""THE SOCKET'S DOOR: who a connecting socket is, which rooms that opens, and the commands it may send.

Upstream: clients, through ``hub``. Downstream: ``api``, whose nouns answer most commands, and ``feed``, which a watch
and a driver's position need: so it stands above both.
Stays true: nothing here emits events of the shop, which come from the feed; only what concerns a socket's own token.
"""

from .auth import SocketAuth, rooms_of
from .notice_recorder import NoticeRecorder
from .server import describe_sockets, serve_sockets

__all__ = ["NoticeRecorder", "SocketAuth", "describe_sockets", "rooms_of", "serve_sockets"]
