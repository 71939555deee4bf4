"""Settings of the listener, origins, hosts and proxies."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from .database import DatabaseSettings
from .errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOCAL_PAGES = tuple(
    f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]")
)


class NetworkSettings(DatabaseSettings, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 3000
    metrics_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    """Address of the metrics port; ``off``: no metrics."""
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """The metrics port; the same as `port`: public. None: `port` + 6000."""
    cors_origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call us; ``*`` allows every one. Our own pages always may."""
    socket_url: str = ""
    """Where the pages connect their sockets; empty means the page's own origin."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that requests may be addressed to, such as ``shop.example.com`` or ``*.example.com``; ``*`` for every one.
    Loopback names, addresses, and names without a dot always are."""
    hsts_s: Annotated[int, Meta(ge=0, le=63_072_000)] = 31_536_000
    """For how long a browser that came by https comes by nothing else (RFC 6797); 0 says nothing of it."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    node: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{0,16}$")] = ""
    """This node's name: the prefix of its Engine.IO session ids, by which a proxy keeps polling clients on it."""
    outgoing_networks: tuple[str, ...] = ()
    """Private addresses and networks, such as ``10.0.0.0/8``, to which requests may go whose address somebody else has
    named; empty: none but those of the internet.
    """
    public_url: str = ""
    """Where people reach the pages, for links in mails; empty: where we listen."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    ping_interval_ms: Annotated[int, Meta(ge=100, le=600_000)] = 25_000
    ping_timeout_ms: Annotated[int, Meta(ge=100, le=600_000)] = 20_000
    drain_s: Annotated[float, Meta(ge=0, le=300)] = 10.0
    """The longest that a stop takes to send clients away, a few at a time; 0 for all at once."""
    body_bytes_max: Annotated[int, Meta(ge=1024, le=64 * 1024 * 1024)] = 1_000_000

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of other sites that are let in. A demo that shows itself on its own machine alone lets in what is
        developed beside it: a page's own server there has another port.
        """
        return (*self.cors_origins, *_LOCAL_PAGES) if self.is_development else self.cors_origins

    @property
    def is_development(self) -> bool:
        """Whether nobody but this machine's own user sees the shop, which is the demo."""
        return self.host in LOOPBACK and self.is_demo

    @property
    def metrics_beside(self) -> bool:
        """Whether metrics are served on the shop's own port."""
        return self.metrics_host != "off" and self.metrics_port == self.port != 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of ours: `allowed_hosts`, and those that other settings give us."""
        named = (self.host, urlsplit(self.socket_url).hostname or "")
        return (*self.allowed_hosts, *filter(None, named))


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_places(settings: NetworkSettings) -> None:
    """Check each of the names and networks that we come from, or go to."""
    for origin in settings.cors_origins:
        if origin != "*" and not _is_origin(origin):
            raise ConfigError("cors_origins", f"{origin!r} is not an origin such as https://shop.example.com")
    for host in settings.allowed_hosts:
        if re.fullmatch(r"\*|(\*?\.)?[\w-]+(\.[\w-]+)*", host) is None:
            raise ConfigError("allowed_hosts", f"{host!r} is not a host such as shop.example.com or *.example.com")
    for name in ("trusted_proxies", "outgoing_networks"):
        _check_networks(name, getattr(settings, name))
    if settings.socket_url and urlsplit(settings.socket_url).scheme not in {"http", "https", "ws", "wss"}:
        raise ConfigError("socket_url", "must be an http(s) or ws(s) URL")
    parts = urlsplit(settings.public_url)
    if settings.public_url and not (
        parts.scheme in {"http", "https"} and parts.hostname and not parts.query + parts.fragment
    ):
        raise ConfigError("public_url", f"{settings.public_url!r} is no URL such as https://shop.example.com")


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        if not _is_network(network):
            raise ConfigError(name, f"{network!r} is not an address or network such as 10.0.0.0/8")


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not (parts.path or parts.query)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def wrong_service_url(url: str) -> str | None:
    """What is wrong with the address of the HTTP provider. Whoever is on the way to it could take every payment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no URL"
    if not re.fullmatch(r"[!-~]+", url) or not parts.hostname or port == 0:
        return "must be a URL such as https://payments.example.com/ordercast"
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        return "must be an https URL, but on this machine itself"
    if parts.username is not None or parts.fragment:
        return "must have neither a name and password, for requests are signed, nor a fragment"
    return None
