"""One POST to an address that somebody else has named: where it goes is looked at when it is connected to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import httpx

from .addresses import SETTING, Address, AddressRefused, Networks, address_in, check_url
from .name_lookups import NameLookups, Resolve

# From the look-up of the name to the last byte of the answer: whoever takes longer is asked again later.
ANSWER_S_MAX: Final = 10.0
CONNECT_S_MAX: Final = 5.0
# What is read of an answer: a sentence for a log. The rest is left unread, and the connection closed.
ANSWER_BYTES_MAX: Final = 16_384
CONNECTIONS_MAX: Final = 32
KEPT_ALIVE_MAX: Final = 8
KEPT_ALIVE_S: Final = 60.0
# More than any name has that means well: each is tried for some seconds.
ADDRESSES_MAX: Final = 8


class NoAnswer(Exception):
    """None came; the sentence says why, and names neither the URL nor what was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    """Its beginning, if it is longer than ANSWER_BYTES_MAX."""


class OutgoingHttp:
    """Sends requests; redirects are answers like others. One for a worker; closed by it."""

    def __init__(
        self,
        networks: Networks,
        *,
        answer_s_max: float = ANSWER_S_MAX,
        connections_max: int = CONNECTIONS_MAX,
        resolve: Resolve | None = None,
    ) -> None:
        """`resolve` gives the addresses of a name; the machine's own resolver, if none is given."""
        self._networks = networks
        self._answer_s_max = answer_s_max
        self._connections_max = connections_max
        self._names = NameLookups()
        self._resolve = resolve or self._names.resolve
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}
        """By scheme."""

    def __repr__(self) -> str:
        return f"<OutgoingHttp to {self._networks!r}>"

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises AddressRefused for where it must not go, and NoAnswer."""
        check_url(url, self._networks)
        try:
            async with asyncio.timeout(self._answer_s_max):
                pool = await self._opened(urlsplit(url).scheme)
                return await _posted(pool, url, headers, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise NoAnswer("it took too long") from None
        except _PrivateAddress:
            raise AddressRefused(f"Its name leads to a private address ({SETTING}).") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
            raise NoAnswer(_reason(error)) from None

    async def close(self) -> None:
        while self._pools:
            await self._pools.popitem()[1].aclose()
        self._names.close()

    async def _opened(self, scheme: str) -> httpcore.AsyncConnectionPool:
        if scheme not in self._pools:
            is_plain = scheme == "http"
            # To read the machine's certificates takes some 40 ms, which the loop has not got.
            tls = None if is_plain else await asyncio.to_thread(httpx.create_ssl_context)
            pool = httpcore.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=self._connections_max,
                max_keepalive_connections=KEPT_ALIVE_MAX,
                keepalive_expiry=KEPT_ALIVE_S,
                network_backend=_GuardedNetwork(
                    self._networks.allow if is_plain else self._networks.admit, self._resolve
                ),
            )
            self._pools.setdefault(scheme, pool)
        return self._pools[scheme]


async def _posted(pool: httpcore.AsyncConnectionPool, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    own = {"Content-Length": str(len(body)), "User-Agent": "ordercast", "Accept-Encoding": "identity"}
    timeouts = {"connect": CONNECT_S_MAX, "read": None, "write": None, "pool": None}
    async with pool.stream(
        "POST",
        url,
        headers=list({**own, **headers}.items()),
        content=body,
        extensions={"timeout": timeouts},
    ) as response:
        beginning = b""
        async for part in response.aiter_stream():
            beginning += part
            if len(beginning) >= ANSWER_BYTES_MAX:
                break
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, told, beginning[:ANSWER_BYTES_MAX])


class _PrivateAddress(httpcore.ConnectError):
    """A kind of what the pool passes on; it takes away whatever an error was raised from."""


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that are sent to, and to no other: what it has looked at is what it connects to, so a name
    that resolves to another address the next time leads nowhere else.
    """

    def __init__(self, admit: Callable[[Address], bool], resolve: Resolve) -> None:
        self._admit = admit
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises what httpcore's own does, and _PrivateAddress."""
        failure = httpcore.ConnectError("it has no address")
        for address in await self._resolved(host, port):
            if not self._admit(address):
                failure = _PrivateAddress("its name leads to a private address")
                continue
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _resolved(self, host: str, port: int) -> list[Address]:
        literal = address_in(host)
        if literal is not None:
            return [literal]
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError("its name is not known") from error
        addresses = map(address_in, found[:ADDRESSES_MAX])
        return list(dict.fromkeys(address for address in addresses if address is not None))


def _reason(error: Exception) -> str:
    """Why, in words that name nobody."""
    # What httpcore made it of.
    if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError):
        return "its certificate is not believed"
    if isinstance(error, httpcore.ConnectError):
        return "no connection was had"
    return "the connection broke off" if isinstance(error, httpcore.NetworkError) else "its answer cannot be read"
