"""Sends by HTTP, each request to an address that was checked a moment before, and reads no more of an answer than it
keeps.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore
import httpx

from ordercast.commerce.errors import InvalidField

from .addresses import AddressRefused, AddressRules
from .sender import Answer

# Standard Webhooks asks senders for 15 to 30 seconds; a receiver that takes longer is to answer first and work then.
ATTEMPT_S_MAX: Final = 15.0
CONNECT_S_MAX: Final = 5.0
# A page of an error says what is wrong in its beginning.
BODY_BYTES_KEPT: Final = 1_024
HEADERS_BYTES_KEPT: Final = 2_048
# As many as all endpoints together may have under way: nobody waits for a connection.
CONNECTIONS_MAX: Final = 256
KEPT_ALIVE_MAX: Final = 32
KEPT_ALIVE_S: Final = 30.0
# A name server that does not answer holds a thread for some seconds. Those of the loop itself are others' too, and each
# name is looked up once at a time.
LOOKUPS_MAX: Final = 8
# More addresses than any name has that means well.
ADDRESSES_MAX: Final = 8

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name. Raises OSError."""


class HttpSender:
    """`resolve` is the machine's own, unless another is given."""

    def __init__(self, rules: AddressRules, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._rules = rules
        self._resolver = Resolver()
        self._resolve = resolve or self._resolver.resolve
        self._tls = tls
        self._pools: dict[bool, httpcore.AsyncConnectionPool] = {}

    def __repr__(self) -> str:
        return f"<HttpSender {self._rules!r}>"

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._resolver.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it, once, and follow no redirect: a signed request is for this address."""
        try:
            parts = self._rules.check_url(url)  # the rules may be others than when it was written
            pool = await self._pool(is_plain=parts.scheme == "http")
            async with asyncio.timeout(ATTEMPT_S_MAX):
                return await _answer(pool, url, {**headers, "Host": parts.netloc}, body)
        except TimeoutError:
            return Answer(None, problem=f"No answer came within {ATTEMPT_S_MAX:.0f} seconds.")
        except Exception as error:  # noqa: BLE001 - whatever a receiver, or what stands before it, does to us
            return Answer(None, problem=_problem(error))

    async def _pool(self, *, is_plain: bool) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(is_plain)
        if pool is None:
            if self._tls is None and not is_plain:
                # The certificates that are believed take 46 ms to be read; SSL_CERT_FILE names others.
                self._tls = await asyncio.to_thread(httpx.create_ssl_context)
            backend = GuardedBackend(self._rules, self._resolve, is_plain=is_plain)
            pool = self._pools[is_plain] = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=KEPT_ALIVE_MAX,
                keepalive_expiry=KEPT_ALIVE_S,
                network_backend=backend,
            )
        return pool


async def _answer(pool: httpcore.AsyncConnectionPool, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    times = {"timeout": {"connect": CONNECT_S_MAX, "read": ATTEMPT_S_MAX, "write": ATTEMPT_S_MAX}}
    async with pool.stream("POST", url, headers=given, content=body, extensions=times) as response:
        kept = await _beginning(response)
        found = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
        retry_after = next((value for name, value in found if name == "retry-after"), "")
        return Answer(
            response.status,
            _shown("\n".join(f"{name}: {value}" for name, value in found).encode()[:HEADERS_BYTES_KEPT]),
            _shown(kept),
            retry_after,
            _refusal(response.status),
        )


async def _beginning(response: httpcore.Response) -> bytes:
    """What is kept of the body. Where there is more, the connection is closed behind it."""
    kept = bytearray()
    async for chunk in response.aiter_stream():
        kept += chunk[: BODY_BYTES_KEPT - len(kept)]
        if len(kept) == BODY_BYTES_KEPT:
            break
    return bytes(kept)


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed; name the address that it leads to."
    return f"It answered {status}."


def _shown(content: bytes) -> str:
    """As a database keeps it, and a page shows it."""
    return content.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _problem(error: Exception) -> str:
    """Why no answer came, without what a receiver said."""
    for cause in (*_causes(error), error):
        if isinstance(cause, AddressRefused | InvalidField):
            return str(cause)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate is not believed: {cause.verify_message[:200]}."
        for kind, sentence in _PROBLEMS:
            if isinstance(cause, kind):
                return sentence
    return f"It could not be sent ({type(error).__name__})."


# The first that fits; of what lies behind an error before the error itself.
_PROBLEMS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLError, "TLS could not be spoken with it."),
    (socket.gaierror, "Its name could not be resolved."),
    (httpcore.ConnectTimeout, "It could not be connected to in time."),
    (httpcore.TimeoutException, "It was too slow."),
    (httpcore.ConnectError, "It could not be connected to."),
    (httpcore.NetworkError, "The connection broke off before an answer had come."),
    (httpcore.ProtocolError, "What it answered is no HTTP."),
)


def _causes(error: BaseException) -> list[BaseException]:
    """What lies behind an error, the first cause first."""
    found = list[BaseException]()
    while (behind := error.__cause__ or error.__context__) is not None and behind not in found:
        error = behind
        found.insert(0, error)
    return found


# --- Connecting -------------------------------------------------------------------------------------------------------


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, and connects to those of its addresses that the rules allow: no other look at the name follows,
    so that it cannot mean something else a moment later. TLS is spoken with the name, by the pool.
    """

    def __init__(self, rules: AddressRules, resolve: Resolve, *, is_plain: bool) -> None:
        self._rules = rules
        self._resolve = resolve
        self._is_plain = is_plain
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused."""
        addresses = self._rules.allowed(await self._resolve(host, port), is_plain=self._is_plain)
        failure: Exception | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(self, *_args: Any, **_options: Any) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Resolver:
    """Asks the machine's own resolver, each name once at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, "webhook-names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int) -> list[str]:
        """Raises OSError."""
        key = host, port
        asked = self._asked.get(key)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port)
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._found(key, done))
        return await asyncio.shield(asked)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _found(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
