"""SOCKETS: authentication of sockets, the rooms that they join, and the commands that they send.

Upstream: clients, through ``hub``. Downstream: ``api``, whose nouns implement most commands, and ``feed``, for
subscriptions and driver positions. Stays true: nothing here emits the shop's events, which come from the feed; only
events about a socket's own token.
"""

from ordercast.api.token_rooms import rooms_of

from .auth import SocketAuth
from .notice_recorder import NoticeRecorder
from .server import describe_sockets, serve_sockets

__all__ = ["NoticeRecorder", "SocketAuth", "describe_sockets", "rooms_of", "serve_sockets"]
