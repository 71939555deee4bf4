"""JSON Web Key Sets (RFC 7517): an issuer's public keys, fetched on demand and cached."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

import httpx
import jwt
import msgspec

from .errors import IssuerUnavailable

# Asymmetric only: a public key must not be usable as an HMAC secret (RFC 8725 section 2.1).
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")

# How long a withdrawn key stays valid; a day if the issuer does not answer.
FRESH_S: Final = 600.0
STALE_S_MAX: Final = 24 * 3600.0
# Minimum interval of fetches, whatever keys tokens name.
ASK_EVERY_S: Final = 10.0
ASK_S_MAX: Final = 5.0
# The largest sets in use are some ten kilobytes.
BYTES_MAX: Final = 256 * 1024
KEYS_MAX: Final = 100

log = logging.getLogger("ordercast.api")


class Jwks:
    """An issuer's keys, by id; used from one loop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Jwks {self._url} {len(self._keys)} keys>"

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Find a key by id; without an id, the only one. Raises IssuerUnavailable while there are none."""
        age_s = self._age_s(self._fetched_at)
        if age_s > STALE_S_MAX:
            self._keys = {}
        if self._find(key_id) is None:
            if (asking := self._ask()) is not None:
                await asyncio.shield(asking)
        elif age_s > FRESH_S:
            self._ask()  # refresh in the background
        if not self._keys:
            raise IssuerUnavailable
        return self._find(key_id)

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _ask(self) -> asyncio.Task[None] | None:
        """Start fetching, unless it is running or was just done; callers share the task."""
        if self._asking is None and self._age_s(self._asked_at) >= ASK_EVERY_S:
            self._asked_at = time.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self._fetch())
        return self._asking

    def _age_s(self, then: float | None) -> float:
        return float("inf") if then is None else time.monotonic() - then

    async def _fetch(self) -> None:
        try:
            keys = read_keys(await _get(self._url))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.MsgspecError, ValueError) as error:
            log.warning("keys cannot be had from %s: %s", self._url, str(error) or type(error).__name__)
        else:
            self._keys, self._fetched_at = keys, time.monotonic()
        finally:
            self._asking = None


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


def read_keys(document: bytes) -> dict[str | None, jwt.PyJWK]:
    """The usable keys by id. Raises ValueError or MsgspecError if it is no key set."""
    found: dict[str | None, jwt.PyJWK] = {}
    for described in msgspec.json.decode(document, type=_Document).keys[:KEYS_MAX]:
        if described.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(described)
        except (jwt.PyJWTError, TypeError, ValueError):
            continue  # unknown or invalid; others may serve
        if key.algorithm_name in ALGORITHMS and isinstance(key.key_id, str | None):
            found[key.key_id] = key
    if not found:
        raise ValueError("it has no key that signs with " + ", ".join(ALGORITHMS))
    return found


async def _get(url: str) -> bytes:
    content = b""
    # No redirects: the configured URL is trusted.
    async with (
        asyncio.timeout(ASK_S_MAX),
        httpx.AsyncClient(timeout=ASK_S_MAX) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"it answered {answer.status_code}")
        async for piece in answer.aiter_bytes():
            content += piece
            if len(content) > BYTES_MAX:
                raise ValueError(f"it is larger than {BYTES_MAX} bytes")
    return content
