"""POST requests to user-supplied URLs; the address is checked when it is connected to."""

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

# From name lookup to the last byte; a slower server is retried later.
RESPONSE_S_MAX: Final = 10.0
CONNECT_S_MAX: Final = 5.0
# Bytes read of a response: enough for a log line. The rest is left unread, and the connection closed.
RESPONSE_BYTES_MAX: Final = 16_384
CONNECTIONS_MAX: Final = 32
KEPT_ALIVE_MAX: Final = 8
KEPT_ALIVE_S: Final = 60.0
# More than any honest name has; each address is tried for seconds.
ADDRESSES_MAX: Final = 8


class RequestFailed(Exception):
    """No response; the message says why, and contains neither the URL nor the body."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Truncated to RESPONSE_BYTES_MAX."""


class OutgoingHttp:
    """An HTTP client that does not follow redirects. One for a worker, which closes it."""

    def __init__(
        self,
        networks: Networks,
        *,
        response_s_max: float = RESPONSE_S_MAX,
        connections_max: int = CONNECTIONS_MAX,
        resolve: Resolve | None = None,
    ) -> None:
        """`resolve` returns the addresses of a name; by default the system's resolver."""
        self._networks = networks
        self._response_s_max = response_s_max
        self._connections_max = connections_max
        self._names = NameLookups()
        self._resolve = resolve or self._names.resolve
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}
        """By scheme."""

    def __repr__(self) -> str:
        return f"<OutgoingHttp to {self._networks!r}>"

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send a POST. Raises AddressRefused for a forbidden address, RequestFailed if no response came."""
        check_url(url, self._networks)
        try:
            async with asyncio.timeout(self._response_s_max):
                pool = await self._pool(urlsplit(url).scheme)
                return await _post(pool, url, headers, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise RequestFailed("it took too long") from None
        except _PrivateAddress:
            raise AddressRefused(f"Its name leads to a private address ({SETTING}).") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
            raise RequestFailed(_reason(error)) from None

    async def close(self) -> None:
        while self._pools:
            await self._pools.popitem()[1].aclose()
        self._names.close()

    async def _pool(self, scheme: str) -> httpcore.AsyncConnectionPool:
        if scheme not in self._pools:
            is_plain = scheme == "http"
            # On a thread: loading the system's certificates takes 40 ms, and would block the event loop.
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


async def _post(pool: httpcore.AsyncConnectionPool, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
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
            if len(beginning) >= RESPONSE_BYTES_MAX:
                break
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return HttpResponse(response.status, names, beginning[:RESPONSE_BYTES_MAX])


class _PrivateAddress(httpcore.ConnectError):
    """The address is private. A ConnectError, as httpcore's pool drops other errors' causes."""


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """A network backend that connects to allowed addresses only. It connects to the very address that it checked, so
    DNS rebinding leads nowhere.
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
        """Raises httpcore's own errors, and _PrivateAddress."""
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
    """The reason, without names or addresses."""
    # The error that httpcore wrapped.
    if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError):
        return "its certificate is not believed"
    if isinstance(error, httpcore.ConnectError):
        return "no connection was had"
    return "the connection broke off" if isinstance(error, httpcore.NetworkError) else "its answer cannot be read"
