"""Which address a request comes from, and what of it is one caller: the one place that decides it.

A caller is an IPv4 address or an IPv6 /64, the smallest network that is given to anybody: whoever has one address of it
has them all (RFC 6177). Behind a proxy that is named, it is that proxy's client.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

log = logging.getLogger("ordercast.hub")

_FORWARDING: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
_SCHEMES: Final = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}
# Proxies are few. Anybody can send these headers, and must not fill the log with them, nor keep us from naming a proxy:
# so strangers from outside have one line among them.
_WARNINGS_NEARBY_MAX: Final = 8
_WARNINGS_OUTSIDE_MAX: Final = 1

RawHeaders = Iterable[tuple[bytes, bytes]]


@functools.lru_cache(maxsize=4_096)
def caller_of(address: str) -> str:
    """The caller that an address belongs to; one that is none, as a Unix socket's, is a caller by itself."""
    ip = _parse(address)
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip) >> 64 << 64, 64)))
    return address if ip is None else str(ip)


class Forwarding:
    """Resolves the addresses that proxies forward, believed from `trusted` addresses and networks alone."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """Raises ValueError for what is neither an address nor a network."""
        self._networks = [ip_network(network) for network in trusted]
        self._is_trusted = functools.lru_cache(maxsize=1_024)(self._look_up)
        self._warned: set[str] = set()
        self._warned_outside = 0

    def __repr__(self) -> str:
        return f"<Forwarding trusted={len(self._networks)} warned={len(self._warned)}>"

    def is_proxy(self, peer: str) -> bool:
        """Whether what `peer` forwards is believed."""
        return self._is_trusted(peer)

    def client(self, peer: str, headers: RawHeaders) -> tuple[str, str | None]:
        """The address of the client behind `peer`, and the scheme it used, where a proxy forwards them.

        `X-Forwarded-For` is read from its end, where our own proxies write: the first address that is none of them.
        """
        if not self._is_trusted(peer):
            if any(name in _FORWARDING for name, _ in headers):
                self._warn(peer)
            return peer, None
        forwarded, scheme = [], None
        for name, value in headers:
            if name == b"x-forwarded-for":
                forwarded.append(value)
            elif name == b"x-forwarded-proto" and scheme is None:
                # Of several, in one header or in more, the first is what the client used.
                scheme = _SCHEMES.get(value.partition(b",")[0].strip().lower(), scheme)
        return self._last_stranger(peer, b",".join(forwarded)), scheme

    def _last_stranger(self, peer: str, forwarded: bytes) -> str:
        address = peer
        while forwarded and self._is_trusted(address):
            forwarded, _, hop = forwarded.rpartition(b",")
            ip = _parse(_without_port(hop.decode("latin-1").strip()))
            if ip is None:  # "unknown", or nothing that anybody could answer to
                break
            address = str(ip)
        return address

    def _look_up(self, address: str) -> bool:
        ip = _parse(address)
        return ip is not None and any(ip in network for network in self._networks)

    def _warn(self, peer: str) -> None:
        if peer in self._warned or len(self._warned) >= _WARNINGS_NEARBY_MAX + _WARNINGS_OUTSIDE_MAX:
            return
        ip = _parse(peer)
        if ip is not None and not ip.is_private:
            if self._warned_outside >= _WARNINGS_OUTSIDE_MAX:
                return
            self._warned_outside += 1
        self._warned.add(peer)
        log.warning(
            "%s sends X-Forwarded-For and is not named as a proxy, so all that come through it count as one caller; "
            "if it is your proxy, name it: ORDERCAST_TRUSTED_PROXIES=%s",
            peer,
            peer,
        )


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, IPv6Address):
        # RFC 4291 section 2.5.5.2: how a socket for both families shows an IPv4 peer.
        return ip.ipv4_mapped or IPv6Address(int(ip))
    return ip


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
