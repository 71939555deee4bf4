"""Which addresses may be sent to: those of the internet, and private ones that the operator has allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address

URL_CHARACTERS_MAX: Final = 2_000
# As urllib and httpcore read it, a URL of visible ASCII has one meaning; what else browsers would mend, is refused.
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no backslash, which browsers read as a slash
# RFC 6052: an IPv4 address within an IPv6 one, which a gateway on the way takes out again.
_NAT64: Final = IPv6Network("64:ff9b::/96")


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
        address = _meant_by(address)
        return _is_public(address) or self.allow(address)

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def allow(self, address: Address) -> bool:
        """Whether the operator has named it."""
        address = _meant_by(address)
        return any(address in network for network in self._allowed)


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
    if parts.username is not None or parts.fragment:
        raise AddressRefused("A URL without user, password and fragment is wanted.")
    address = address_in(host)
    if address is not None and not networks.admit(address):
        raise AddressRefused("Private addresses are not sent to; the operator may allow some.")
    if address is None and not networks and not _is_name(host):
        raise AddressRefused("Names of this machine and of private networks are not sent to.")
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
    return address.is_global and not address.is_multicast


def _meant_by(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, which is where a packet ends."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo is not None else address)
