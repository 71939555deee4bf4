"""Sends by HTTP, to addresses that are looked at when they are connected to, and keeps the beginning of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing import http as outgoing

from .sender import Answer

# Standard Webhooks asks senders for 15 to 30 seconds; a receiver that takes longer is to answer first and work then.
ATTEMPT_S_MAX: Final = 15.0
# A page of an error says what is wrong in its beginning.
BODY_BYTES_KEPT: Final = 1_024
HEADERS_BYTES_KEPT: Final = 2_048
# As many as all endpoints together may have under way: nobody waits for a connection.
CONNECTIONS_MAX: Final = 512


class HttpSender:
    """Follows no redirect: a signed request is for its address."""

    def __init__(self, networks: Networks, *, attempt_s_max: float = ATTEMPT_S_MAX) -> None:
        self._http = outgoing.OutgoingHttp(networks, answer_s_max=attempt_s_max, connections_max=CONNECTIONS_MAX)

    def __repr__(self) -> str:
        return f"<HttpSender by {self._http!r}>"

    async def close(self) -> None:
        await self._http.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it, once."""
        try:
            answer = await self._http.post(url, headers, body)
        except AddressRefused as refusal:
            return Answer(None, problem=str(refusal))
        except outgoing.NoAnswer as reason:
            return Answer(None, problem=f"No answer came: {reason}.")
        told = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        return Answer(
            answer.status,
            _shown(told.encode()[:HEADERS_BYTES_KEPT]),
            _shown(answer.body[:BODY_BYTES_KEPT]),
            answer.headers.get("retry-after", ""),
            _refusal(answer.status),
        )


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed; name the address that it leads to."
    return f"It answered {status}."


def _shown(content: bytes) -> str:
    """As a database keeps it, and a page shows it."""
    return content.decode("utf-8", "replace").replace("\x00", "\ufffd")
