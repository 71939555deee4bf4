"""The options of a Socket.IO server: names, units, bounds, and why each default is what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .handshake import Handshake
    from .parsers import ParserName
    from .token_bucket import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie with a polling client's session id, by which a proxy may find its node; the reference's defaults.

    It grants nothing: the id counts only in the query.
    """

    name: str = "io"
    path: str = "/"
    http_only: bool = True
    secure: bool = False
    same_site: Literal["strict", "lax", "none"] = "lax"

    def serialize(self, value: str) -> str:
        """Give the value of `Set-Cookie` (RFC 6265 section 4.1)."""
        flags = f"{'; HttpOnly' if self.http_only else ''}{'; Secure' if self.secure else ''}"
        return f"{self.name}={value}; Path={self.path}{flags}; SameSite={self.same_site.capitalize()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a `Server`. Times are seconds, sizes bytes."""

    path: str = "/socket.io/"
    """Where clients find it: their `path` must be the same."""
    serve_client: bool = True
    """Whether the stock client is served below it, for pages without a bundler: `socket.io.js`, `socket.io.min.js`,
    `socket.io.esm.min.js`, `socket.io.msgpack.min.js` and their maps."""
    ping_interval_s: float = 25.0
    """How long after the last sign of life a client is pinged; the reference's default."""
    ping_timeout_s: float = 20.0
    """How long the answer may take before the client counts as gone."""
    upgrade_timeout_s: float = 10.0
    """How long a probing WebSocket may wait before it must have taken over."""
    connect_timeout_s: float = 45.0
    """How long a connection may stay without joining any namespace."""
    message_bytes_max: int = 1_000_000
    """The largest message, polling body, or set of attachments taken from a client; it learns it in the handshake."""
    backlog_bytes_max: int = 4_000_000
    """What may wait for one slow client before it is closed, to recover later: some thousand orders."""
    connection_bytes_max: int = 10_000_000
    """Memory that one connection may make this node hold for what it sent: events that wait or are being handled,
    `auth` payloads, rooms; each value for what it takes when decoded, up to fifty times its text. A message that would
    pass it is refused before it is decoded; past it the client is closed. Ordinary JSON of `message_bytes_max` fits,
    and with `backlog_bytes_max` and the copies on the way all of a connection stays below 16 MB."""
    inbox_packets_max: int = 1_000
    """Packets of one socket that may wait while a handler of it is awaited; past it the client is closed."""
    events_per_second_max: float | None = None
    """Events that one socket may send in the long run. Who sends faster has them wait in its inbox, in order, and is
    closed only when that is full. None, because only the program knows what its events cost."""
    events_burst_max: int = 100
    """Events that it may send at once after a silence, where `events_per_second_max` is set."""
    answer_unknown_events: bool = True
    """Whether an event that nobody handles, and that wants an acknowledgement, is answered with the error
    `unknown_event`. False: silence, as with the reference, which a client with `retries` waits for."""
    acks_pending_max: int = 1_000
    """Acknowledgements that one socket may owe us at a time."""
    namespaces_max: int = 32
    """Namespaces that one connection may be in."""
    rooms_max: int = 1_000
    """Rooms that one socket may be in."""
    replay_burst: int | None = 60_000
    """Events that one identity (without one, one address) may have replayed at once, where each is read and encoded
    anew, or twenty times as many that are remembered: fifty screens of one account come back to some 20,000 missed
    events. Past it clients connect with `resync` and the reason `replay_budget`. None: no bound."""
    replay_per_second: float = 500
    """How fast that comes back: one identity costs at most a hundredth of a core in the long run."""
    sockets_per_identity_max: int | None = None
    """Sockets of one `Socket.identity` in one namespace; one more is refused. None, because tabs are many, and dead
    connections count until they are noticed. A recovered session takes the place that it had."""
    dynamic_namespaces_max: int = 5_000
    """Namespaces made on demand. At the bound an empty one makes room, or the client is refused. Each
    takes 2.2 KB: 11 MB, should a single client connect to all of them."""
    empty_namespace_linger_s: float | None = None
    """How long after the last socket has left such a namespace is removed, with whatever was set on it alone.

    None: never, as with the reference.
    """
    parser: ParserName = "json"
    """How packets are written; ``msgpack`` is for clients that are built with `socket.io-msgpack-parser`."""
    bus_timeout_s: float = 5.0
    """How long another node may take to answer, beyond what its clients may take; as the reference's adapters."""
    origins: Sequence[str] = ()
    """Origins of other sites whose pages may connect (`*`: every one; `http://localhost:*`: on any port). Pages of our
    own host always may."""
    origins_setting: str = "Options.origins"
    """What an operator knows that list by: a page that is refused is answered, and logged once, with this name."""
    allowed_hosts: Sequence[str] = ("*",)
    """Names that requests may be addressed to, by `Host` (``hub.hosts``), besides loopback names, addresses, and names
    without a dot; ``*`` for any."""
    allowed_hosts_setting: str = "Options.allowed_hosts"
    """What an operator knows that list by."""
    transports: Sequence[str] = ("polling", "websocket")
    """Those that are served."""
    allow_upgrades: bool = True
    """Whether a polling client may change over to a WebSocket."""
    allow_request: Callable[[Handshake], Awaitable[None] | None] | None = None
    """Called before a session is opened; it raises `ConnectRefused` to answer 403 with that message."""
    initial_headers: Callable[[Handshake], Mapping[str, str]] | None = None
    """What to add to the first answer of a session, be it to a poll or to a WebSocket's handshake."""
    headers: Callable[[Handshake], Mapping[str, str]] | None = None
    """What to add to every answer of a session; it is given the request that opened it."""
    cookie: Cookie | None = None
    """Set on the first answer of a session, for proxies that keep a client on its node by one."""
    sessions_max: int = 50_000
    """Sessions on this node: at some 12 KB each when idle, well under a gigabyte. One more is answered 503."""
    sessions_per_address_max: int | None = None
    """Sessions of one caller: an IPv4 address or an IPv6 /64; one more is answered 429. None, because all clients
    behind a proxy that is not named in `trusted_proxies` share its."""
    handshakes_per_address: Rate | None = None
    """How fast one caller may open sessions; who is faster is answered 429. None, as above."""
    connections_per_address_max: int | None = None
    """Connections of one caller that speak HTTP, polling clients' too; one more is answered 429 and closed. None, as
    above; proxies that are named have no bound."""
    trusted_proxies: Sequence[str] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    request_head_bytes_max: int = 65_536
    """Request line and headers of any HTTP request on the port; browsers send some kilobytes, mostly cookies."""
    request_headers_max: int = 256
    """How many headers that may be: browsers send some twenty, proxies add a few."""
    request_head_timeout_s: float = 10.0
    """How long a new connection, or the head of a request, may take to come."""
    request_timeout_s: float = 30.0
    """How long a whole request may take to come: the largest polling body at 270 kbit/s."""
    response_stall_s: float = 20.0
    """How long a client may take nothing at all of an answer before it is cut off; as long as it may leave a ping."""
    http_compression: bool = False
    """Compress polling answers where the client accepts it. Costs more CPU than all else of an answer together, and
    shows by its length what an answer has in common with text that a stranger may put into it (BREACH)."""
    permessage_deflate: bool = False
    """Compress WebSocket messages where the client offers it (RFC 7692). Each broadcast is compressed once, because no
    context is kept between messages; what holds of `http_compression` holds here too."""
    compression_bytes_min: int = 1_024
    """Answers and messages shorter than this stay as they are; the reference's default."""
    drain_s: float = 10.0
    """The longest that a stop takes to send clients away: 500 a second, or faster where that would take longer. 0: all
    at once. They come back by themselves, and would otherwise come in one instant."""
    sid_prefix: str = ""
    """This node's name, put before each Engine.IO session id, by which a proxy finds the node of a polling client."""
