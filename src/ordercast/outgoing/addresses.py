"""Which addresses may be sent to: those of the internet, and private ones that the operator has allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address

URL_CHARACTERS_MAX: Final = 2_000
# As urllib and httpcore read it, a URL of visible ASCII has one meaning; what else browsers would mend, is refused.
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no backslash, which browsers read as a slash
# Those of other protocols, which would be spoken to in our name; from 1024 on they are anybody's.
_PORTS: Final = frozenset({80, 443})
_PORT_MIN: Final = 1_024
# An IPv4 address within an IPv6 one, which a gateway on the way takes out again; and how many bits stand behind it.
_CARRYING: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291 section 2.5.5.1
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, section 2.5.5.2
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# What `is_global` calls reachable, in an older Python at least, and IANA's registries of special addresses do not; and
# what is reachable within a cloud alone.
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
    """A URL or an address that is not sent to; the sentence says what would be right, and repeats nothing of it."""


class Networks:
    """Private networks that may be sent to though they are private."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises ValueError for what is no address or network."""
        self._allowed = [ip_network(each) for each in allowed]

    def __repr__(self) -> str:
        return f"<Networks {', '.join(map(str, self._allowed)) or 'public'}>"

    def admit(self, address: Address) -> bool:
        """Whether it may be sent to."""
        return _is_public(_meant_by(address)) or self.allow(address)

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def allow(self, address: Address) -> bool:
        """Whether the operator has named it."""
        return _is_in(address, self._allowed) or _is_in(_meant_by(address), self._allowed)


def check_url(url: str, networks: Networks) -> None:
    """Check what can be said of a URL before its name is looked up: https, and no address that is not sent to. Plain
    http goes to networks alone that the operator has named. Raises AddressRefused.
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
    """The address that a URL's host is; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Whether it may be a name of the internet: not this machine's own, nor a number, which some resolvers read as an
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
    """The IPv4 address that an IPv6 one carries, which is where a packet ends."""
    if isinstance(address, IPv4Address):
        return address
    for network, behind in _CARRYING:
        if address in network:
            return IPv4Address(int(address) >> behind & 0xFFFF_FFFF)
    return address
