"""Calls Stripe: forms out, JSON in, each POST with its Idempotency-Key."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import httpx

from ordercast.commerce.errors import ProviderUnavailable

log = logging.getLogger("ordercast.payments")

# Responses are parsed as of this version, whatever the account's default.
API_VERSION: Final = "2024-06-20"
# Stripe's libraries wait 80 seconds; our customers wait less.
TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
CONNECTIONS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=8)

# 409: same key in progress; 429: rate limit; 401, 403: our key is wrong, which no customer can fix.
_UNDECIDED: Final = frozenset({401, 403, 409, 429})


class StripeRefusal(Exception):
    """Stripe's error object: final."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        self.status = status
        self.kind = str(error.get("type", ""))
        self.code = str(error.get("code", ""))
        self.param = str(error.get("param", ""))
        self.intent: Mapping[str, Any] = error.get("payment_intent") or {}
        self.intent_status = str(self.intent.get("status", ""))
        self.sentence = str(error.get("message") or "The payment provider refused.")
        super().__init__(self.sentence)


class StripeApi:
    """A client of Stripe's API. Raises ProviderUnavailable if it is unreachable, busy or rejects our key; else
    StripeRefusal.
    """

    def __init__(self, secret_key: str, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            auth=(secret_key, ""),
            headers={"Stripe-Version": API_VERSION},
            timeout=TIMEOUT,
            limits=CONNECTIONS,
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"<StripeApi {self._url}>"

    async def close(self) -> None:
        await self._http.aclose()

    async def post(self, path: str, fields: Mapping[str, str], key: str) -> dict[str, Any]:
        return await self._call("POST", path, data=dict(fields), headers={"Idempotency-Key": key})

    async def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return await self._call("GET", path, params=dict(query))

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **more)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as cause:
            log.warning("%s %s: %r", method, path, cause)
            raise ProviderUnavailable from None
        if not isinstance(answer, dict):
            raise ProviderUnavailable
        if response.status_code == 200:
            # An object or page of Stripe's: a proxy's page is no response.
            if isinstance(answer.get("id"), str) or isinstance(answer.get("data"), list):
                return answer
            log.warning("%s %s: 200 with nothing of Stripe's", method, path)
            raise ProviderUnavailable
        refusal = StripeRefusal(response.status_code, answer.get("error") or {})
        # Its message may quote the request; type and code do not.
        log.warning("%s %s: %d %s %s", method, path, refusal.status, refusal.kind, refusal.code)
        if refusal.status in _UNDECIDED or refusal.status >= 500:
            raise ProviderUnavailable
        raise refusal
