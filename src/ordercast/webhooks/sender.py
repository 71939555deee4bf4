"""The port: whoever carries a request to an endpoint is one of these, and says what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ordercast.commerce.webhook_endpoints import DisabledBy


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered, as far as it is kept; without a `status`, why nothing came."""

    status: int | None
    headers: str = ""
    body: str = ""
    retry_after: str = ""
    problem: str | None = None


class Sender(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it, once. Whatever goes wrong is an answer too."""

    async def close(self) -> None: ...


DISABLED_SENTENCES = {
    DisabledBy.GONE: "it answered 410 Gone",
    DisabledBy.FAILING: "nothing was delivered to it for too long",
}
"""Why an endpoint was switched off, for people and the log."""
