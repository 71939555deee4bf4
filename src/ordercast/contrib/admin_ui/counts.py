"""What went over the wire between two updates of the dashboard."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ordercast.hub.disconnect_reason import DisconnectReason
from ordercast.protocol.message import Message


class Counts:
    """Plain additions on the data path; no clock is read there, because the dashboard groups by ten seconds anyhow."""

    __slots__ = ("_bytes_in", "_bytes_out", "_connections", "_disconnections", "_packets_in", "_packets_out")

    def __init__(self) -> None:
        self._connections = 0
        self._disconnections: Counter[DisconnectReason] = Counter()
        self._packets_in = self._bytes_in = 0
        self._packets_out = self._bytes_out = 0

    def __repr__(self) -> str:
        return f"<Counts in={self._packets_in} out={self._packets_out}>"

    def connected(self) -> None:
        self._connections += 1

    def disconnected(self, reason: DisconnectReason) -> None:
        self._disconnections[reason] += 1

    def received(self, data: bytes) -> None:
        self._packets_in += 1
        self._bytes_in += len(data)

    def sent(self, message: Message) -> None:
        self._packets_out += 1 + len(message.attachments)
        self._bytes_out += len(message) - 1  # without the Engine.IO packet's type, as the reference counts

    def describe(self, now_s: float) -> list[dict[str, Any]]:
        """The dashboard's ``aggregatedEvents``: one of each kind that occurred."""
        timestamp_ms = int(now_s) * 1000
        figures = {
            "rawConnection": self._connections,
            "packetsIn": self._packets_in,
            "bytesIn": self._bytes_in,
            "packetsOut": self._packets_out,
            "bytesOut": self._bytes_out,
        }
        events: list[dict[str, Any]] = [
            {"timestamp": timestamp_ms, "type": kind, "count": count} for kind, count in figures.items() if count
        ]
        for reason, count in self._disconnections.items():
            events.append(
                {"timestamp": timestamp_ms, "type": "rawDisconnection", "subType": reason.value, "count": count}
            )
        return events
