"""Calls the HTTP provider: one signed POST per request, one bounded response, retried if there is none.

Retrying is safe: each request has an idempotency key. A response is either fully valid, or counts as none; what
happened is then unknown, and found out later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.webhook_signatures import sign_standard

from .messages import ErrorObject, RefusalAnswer, Request

log = logging.getLogger("ordercast.payments")

T = TypeVar("T")

# All attempts together: a customer waits for it; tasks are repeated by the payment worker.
CALL_S_MAX: Final = 20.0
# One attempt: a silently dropped connection leaves time for another.
ATTEMPT_S_MAX: Final = 10.0
CONNECT_S_MAX: Final = 3.0
# Before the second and third attempt: a restart takes about as long.
RETRY_AFTER_S: Final = (0.25, 1.0)
# The largest response is a payment, 3 KB with every field at its limit.
ANSWER_BYTES_MAX: Final = 16_384
CONNECTIONS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=8)

_DONE: Final = 200
# Only this status with our error object is a refusal: a proxy's 404 or 403 says nothing about a payment.
_REFUSED: Final = 422
# Busy: the same key in progress (409), overloaded, or starting.
_BUSY: Final = frozenset({408, 409, 425, 429})


class Refused(Exception):
    """The service's error: final, and nothing was done."""

    def __init__(self, refusal: ErrorObject) -> None:
        self.code = refusal.code
        self.sentence = refusal.sentence
        super().__init__(self.sentence)


class _NoResponse(Exception):
    """No valid response. `again`: a retry may help."""

    def __init__(self, why: str, *, again: bool) -> None:
        self.again = again
        super().__init__(why)


class HttpClient:
    """Calls the service. Raises Refused for its error, ProviderUnavailable without a valid response.

    `secrets` are Standard Webhooks secrets, each of which signs every request.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[str],
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._secrets = tuple(secrets)
        self._retry_after_s = retry_after_s
        self._now_s = now_s
        # No redirects: a signed request is for the configured address.
        self._http = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "ordercast"},
            timeout=httpx.Timeout(ATTEMPT_S_MAX, connect=CONNECT_S_MAX),
            limits=CONNECTIONS,
            follow_redirects=False,
            # Without TLS the certificates are not loaded: 46 ms.
            verify=urlsplit(url).scheme != "http",
        )

    def __repr__(self) -> str:
        return f"<HttpClient {self.place}>"

    @property
    def place(self) -> str:
        """The service's host and port; the path may be secret."""
        return urlsplit(self._url).netloc

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, request: Request, answer: type[T]) -> T:
        body = msgspec.json.encode(request)
        try:
            async with asyncio.timeout(CALL_S_MAX):
                return msgspec.json.decode(await self._answered(request, body), type=answer)
        except TimeoutError:
            log.warning("%s of %s: no answer within %.0f s", request.operation, request.key, CALL_S_MAX)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.warning("%s of %s: the answer cannot be used: %s", request.operation, request.key, error)
        raise ProviderUnavailable

    async def _answered(self, request: Request, body: bytes) -> bytes:
        """The body of its 200 response. Raises Refused and ProviderUnavailable."""
        for wait_s in (*self._retry_after_s, None):
            try:
                async with asyncio.timeout(ATTEMPT_S_MAX):
                    return await self._attempt(request, body)
            except (_NoResponse, httpx.HTTPError, TimeoutError) as cause:
                log.warning("%s of %s: %s", request.operation, request.key, str(cause) or type(cause).__name__)
                if wait_s is None or (isinstance(cause, _NoResponse) and not cause.again):
                    break
            await asyncio.sleep(wait_s)
        raise ProviderUnavailable

    async def _attempt(self, request: Request, body: bytes) -> bytes:
        headers = sign_standard(self._secrets, quote(request.key, safe=":"), body, self._now_s())
        headers["Content-Type"] = "application/json"
        async with self._http.stream("POST", self._url, content=body, headers=headers) as response:
            status = response.status_code
            if status not in {_DONE, _REFUSED}:
                # 401 and 403: it rejects our signature. 3xx: it has moved.
                raise _NoResponse(f"it answered {status}", again=status in _BUSY or status >= 500)
            content = await _read(response)
        if status == _REFUSED:
            raise Refused(msgspec.json.decode(content, type=RefusalAnswer).error)
        return content


async def _read(response: httpx.Response) -> bytes:
    """The body up to its limit; compression is rejected, as its size is unknown."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _NoResponse("the response is compressed, which was not requested", again=False)
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise _NoResponse(f"the answer is longer than {ANSWER_BYTES_MAX} bytes", again=False)
    return bytes(content)
