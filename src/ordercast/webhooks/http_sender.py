"""Sends deliveries by HTTP to allowed addresses, and keeps the beginning of each response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing import http as outgoing

from .sender import AttemptResponse

# Standard Webhooks recommends 15 to 30 seconds; a receiver should answer first and work afterwards.
ATTEMPT_S_MAX: Final = 15.0
# The beginning of an error page says what is wrong.
BODY_BYTES_KEPT: Final = 1_024
HEADERS_BYTES_KEPT: Final = 2_048
# The sum of all endpoints' concurrent requests, so none waits for a connection.
CONNECTIONS_MAX: Final = 512


class HttpSender:
    """Does not follow redirects: a signature is for one address."""

    def __init__(self, networks: Networks, *, attempt_s_max: float = ATTEMPT_S_MAX) -> None:
        self._http = outgoing.OutgoingHttp(networks, response_s_max=attempt_s_max, connections_max=CONNECTIONS_MAX)

    def __repr__(self) -> str:
        return f"<HttpSender by {self._http!r}>"

    async def close(self) -> None:
        await self._http.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> AttemptResponse:
        """Make one attempt."""
        try:
            response = await self._http.post(url, headers, body)
        except AddressRefused as refusal:
            return AttemptResponse(None, problem=str(refusal))
        except outgoing.RequestFailed as reason:
            return AttemptResponse(None, problem=f"No answer came: {reason}.")
        payload = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        return AttemptResponse(
            response.status,
            _shown(payload.encode()[:HEADERS_BYTES_KEPT]),
            _shown(response.body[:BODY_BYTES_KEPT]),
            response.headers.get("retry-after", ""),
            _refusal(response.status),
        )


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed; name the address that it leads to."
    return f"It answered {status}."


def _shown(content: bytes) -> str:
    """As text without NUL, for the database and pages."""
    return content.decode("utf-8", "replace").replace("\x00", "\ufffd")
