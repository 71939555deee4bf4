"""The port to HTTP: one attempt, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ordercast.commerce.webhook_endpoints import DisabledBy


@dataclass(frozen=True, slots=True)
class AttemptResponse:
    """The response to an attempt; without a `status`, `problem` says why there is none."""

    status: int | None
    headers: str = ""
    body: str = ""
    retry_after: str = ""
    problem: str | None = None


class Sender(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> AttemptResponse:
        """Make one attempt; failures are returned, not raised."""

    async def close(self) -> None: ...


DISABLED_SENTENCES = {
    DisabledBy.GONE: "it answered 410 Gone",
    DisabledBy.FAILING: "nothing was delivered to it for too long",
}
"""Reasons for disabling, for staff and the log."""
