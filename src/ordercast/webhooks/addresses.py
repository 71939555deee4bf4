"""Where webhooks may go: no private network but those that are named, whatever a name resolves to (SSRF).

An address is checked when an endpoint is written, as far as it can be without asking anybody, and each time before it
is connected to. The very address that was checked is connected to, so a name that resolves to another one meanwhile
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from ordercast.commerce.errors import InvalidField

Address: TypeAlias = IPv4Address | IPv6Address

URL_LENGTH_MAX: Final = 2_048
# Of the ports of other protocols, which would be spoken to in the shop's name; those above are anybody's.
_PORTS: Final = frozenset({80, 443})
_PORT_MIN: Final = 1_024
SETTING: Final = "ORDERCAST_WEBHOOK_NETWORKS"

_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no space, and no backslash, which some read as a slash
_HOST: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
# What ends in a number is an address (WHATWG URL section 3.5); but in its usual form it could be any.
_NUMERIC_END: Final = re.compile(r"(^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)\.?$")

# IPv4 addresses within IPv6 ones, by the bit from which on: whoever translates reaches them.
_EMBEDDING: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291 section 2.5.5.1
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, section 2.5.5.2
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# What an older Python's `is_global` calls reachable and IANA's registries of special-purpose addresses do not; and what
# is reachable within a cloud alone.
_REFUSED: Final[tuple[IPv4Network | IPv6Network, ...]] = (
    IPv4Network("168.63.129.16/32"),  # Azure's own services
    IPv4Network("192.0.0.0/24"),  # RFC 6890; Oracle's metadata
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("64:ff9b:1::/48"),  # NAT64 with translators of one's own, RFC 8215
    IPv6Network("100::/64"),  # discarded
    IPv6Network("2001::/23"),  # RFC 2928; Teredo (RFC 4380), which masks the address within
    IPv6Network("3fff::/20"),  # documentation
    IPv6Network("5f00::/16"),  # segment routing
    IPv6Network("fec0::/10"),  # site-local
)


class AddressRefused(Exception):
    """It is in a network to which nothing is sent; the sentence says which address, and what would let it be."""


class AddressRules:
    """Rules on where requests may go; `networks` are those of the shop's own that may be reached, by plain HTTP too.

    Raises ValueError for what is no network.
    """

    __slots__ = ("networks",)

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self.networks = tuple(ip_network(each) for each in networks)

    def __repr__(self) -> str:
        return f"<AddressRules {', '.join(map(str, self.networks)) or 'public addresses alone'}>"

    def check_url(self, url: str, field: str = "url") -> SplitResult:
        """The parts of an address that an endpoint may have, as far as can be said without resolving its name.

        Raises InvalidField.
        """
        parts = _parts(url, field)
        host, port = str(parts.hostname), _port(parts)
        if parts.scheme == "http" and not self.networks:
            raise InvalidField(field, f"It must be an https URL, but in the shop's own networks ({SETTING}).")
        if not self.networks and port not in _PORTS and port < _PORT_MIN:
            raise InvalidField(field, f"Port {port} is another protocol's; take 443, or one from {_PORT_MIN} on.")
        try:
            if (address := _literal(host)) is not None:
                self.check_address(address, is_plain=parts.scheme == "http")
            elif host.rstrip(".").lower().rpartition(".")[2] == "localhost" and not self.networks:
                raise AddressRefused(f"{host} is this machine. {_named('its address')}")
        except AddressRefused as refusal:
            raise InvalidField(field, str(refusal)) from None
        return parts

    def check_address(self, address: Address, *, is_plain: bool) -> None:
        """Raises AddressRefused, for a connection without TLS too that is not to one of the shop's own networks."""
        known = _embedded(address) or address
        if _is_in(address, self.networks) or _is_in(known, self.networks):
            return
        if is_plain:
            raise AddressRefused(f"{address} is in none of the shop's own networks ({SETTING}): only https goes there.")
        if not known.is_global or known.is_multicast or known.is_reserved or _is_in(known, _REFUSED):
            raise AddressRefused(f"{address} is in a private or reserved network. {_named('it')}")

    def allowed(self, addresses: Sequence[str], *, is_plain: bool) -> list[str]:
        """Those of the addresses of a name that may be connected to. Raises AddressRefused where none may."""
        found, refusal = list[str](), AddressRefused("The name has no address.")
        for each in addresses:
            try:
                self.check_address(ip_address(each.partition("%")[0]), is_plain=is_plain)
            except AddressRefused as error:
                refusal = error
            else:
                found.append(each)
        if not found:
            raise refusal
        return found


def _named(what: str) -> str:
    return f"The shop's operator lets {what} be reached with {SETTING}."


def _is_in(address: Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return None
    for network, shift in _EMBEDDING:
        if address in network:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None


def _parts(url: str, field: str) -> SplitResult:
    """Raises InvalidField."""
    wrong = InvalidField(field, "It must be a URL such as https://erp.example.com/webhooks.")
    if len(url) > URL_LENGTH_MAX:
        raise InvalidField(field, f"It is longer than {URL_LENGTH_MAX} characters.")
    if _VISIBLE.fullmatch(url) is None:
        raise InvalidField(field, "It must be of visible ASCII characters; write other names in their `xn--` form.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise wrong
    if "@" in parts.netloc:
        raise InvalidField(field, "It must have neither a name nor a password: each request is signed.")
    if "#" in url:
        raise InvalidField(field, "It must have no fragment, which is never sent.")
    host = parts.hostname
    if ":" not in host and _HOST.fullmatch(host) is None:
        raise wrong
    if _literal(host) is None and (":" in host or _NUMERIC_END.search(host) is not None):
        raise InvalidField(field, "Its host is an address that is not in its usual form.")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _literal(host: str) -> Address | None:
    """The address that a host is, in its usual form; None for a name."""
    try:
        return ip_address(host) if "%" not in host else None
    except ValueError:
        return None
