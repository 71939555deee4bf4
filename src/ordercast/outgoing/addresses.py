"""Decides which addresses requests may go to: public ones, and private networks that the operator allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address

URL_CHARACTERS_MAX: Final = 2_000
# Visible ASCII only: urllib and httpcore parse such a URL alike; what a browser would repair is rejected.
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no backslash: browsers read it as a slash
# Other ports below 1024 belong to other protocols; from 1024 on they are unassigned.
_PORTS: Final = frozenset({80, 443})
_PORT_MIN: Final = 1_024
# IPv6 networks that embed an IPv4 address, which a gateway extracts; and the number of bits behind it.
_CARRYING: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291 section 2.5.5.1
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, section 2.5.5.2
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# Addresses that `is_global` (of older Pythons at least) calls public and IANA's registries do not; and
# cloud-internal ones.
_SPECIAL: Final = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # Azure's own services
            "192.0.0.0/24",  # RFC 6890, with Oracle's metadata
            "192.88.99.0/24",  # 6to4 relays
            "64:ff9b:1::/48",  # NAT64 with translators of one's own, RFC 8215
            "100::/64",  # discarded, RFC 6666
            "2001::/23",  # RFC 2928, with Teredo (RFC 4380), which masks the address within
            "3fff::/20",  # documentation, RFC 9637
            "5f00::/16",  # segment routing, RFC 9602
            "fec0::/10",  # site-local, RFC 3879
        ),
    )
)
SETTING: Final = "ORDERCAST_OUTGOING_NETWORKS"


class AddressRefused(Exception):
    """The URL or address may not be requested; the message says what is allowed, and quotes nothing."""


class Networks:
    """The private networks that requests may go to."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises ValueError for an invalid address or network."""
        self._allowed = [ip_network(each) for each in allowed]

    def __repr__(self) -> str:
        return f"<Networks {', '.join(map(str, self._allowed)) or 'public'}>"

    def admit(self, address: Address) -> bool:
        """Whether requests may go to the address."""
        return _is_public(_meant_by(address)) or self.allow(address)

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def allow(self, address: Address) -> bool:
        """Whether the operator allowed the address explicitly."""
        return _is_in(address, self._allowed) or _is_in(_meant_by(address), self._allowed)


def check_url(url: str, networks: Networks) -> None:
    """Check a URL before its name is resolved: it must be https and no private address. Plain http is allowed only to
    the operator's networks. Raises AddressRefused.
    """
    if len(url) > URL_CHARACTERS_MAX or _VISIBLE.fullmatch(url) is None:
        raise AddressRefused(f"An https URL of at most {URL_CHARACTERS_MAX} visible ASCII characters is wanted.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("This is no URL.") from None
    if not host or port == 0 or parts.scheme not in {"https", "http"}:
        raise AddressRefused("An https URL with a host is wanted.")
    if "@" in parts.netloc or "#" in url:
        raise AddressRefused("A URL without user, password and fragment is wanted.")
    address = address_in(host)
    if address is not None and not networks.admit(address):
        raise AddressRefused(f"Private addresses are not sent to; the operator may allow some ({SETTING}).")
    if address is None and not networks and not _is_name(host):
        raise AddressRefused(f"Names of this machine and of private networks are not sent to ({SETTING}).")
    if not networks and port is not None and port not in _PORTS and port < _PORT_MIN:
        raise AddressRefused(f"This port is another protocol's: 443 is wanted, or one from {_PORT_MIN} on.")
    if parts.scheme == "http" and not (networks if address is None else networks.allow(address)):
        raise AddressRefused("An https URL is wanted.")


def address_in(host: str) -> Address | None:
    """Parse a URL's host as an address; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Whether the host may be a public name: not this machine's own, nor a number, which some resolvers read as an
    address (``127.1``, ``0x7f000001``).
    """
    labels = host.rstrip(".").lower().split(".")
    last = labels[-1]
    return len(labels) > 1 and last not in {"localhost", "local", "internal"} and not last[:1].isdigit()


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved and not _is_in(address, _SPECIAL)


def _is_in(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _meant_by(address: Address) -> Address:
    """The IPv4 address embedded in an IPv6 one, where packets end; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    for network, behind in _CARRYING:
        if address in network:
            return IPv4Address(int(address) >> behind & 0xFFFF_FFFF)
    return address
