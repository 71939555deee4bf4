"""Logs and metrics: the format of log lines, and what is counted.

Every room logs by ``logging.getLogger("ordercast.<room>")`` with facts in the message; the metrics are process-wide
(Prometheus), served at ``/metrics``.
"""

from __future__ import annotations

import json
import logging
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import msgspec
from prometheus_client import Counter, Gauge, Histogram

CONNECTED_SOCKETS = Gauge("ordercast_connected_sockets", "Socket.IO sockets connected to this node")
CONNECTIONS_REFUSED = Counter(
    "ordercast_connections_refused_total", "Engine.IO requests that were refused, by reason", ["reason"]
)
BUDGET_REFUSALS = Counter(
    "ordercast_budget_refusals_total", "Requests and socket commands that were over their caller's budget", ["budget"]
)
DESCRIPTORS_GONE = Gauge(
    "ordercast_file_descriptors_gone", "Whether this process has no file descriptor left, so that nobody new is let in"
)
EVENTS_DELIVERED = Counter("ordercast_events_delivered_total", "Durable events written to sockets of this node")
EVENTS_REPLAYED = Counter("ordercast_events_replayed_total", "Durable events replayed to sockets that reconnected")
ROWS_UNTOLD = Counter(
    "ordercast_feed_rows_untold_total", "Feed rows that could not be delivered: clients got resync; the log says why"
)
DAMAGED_ROWS = Gauge("ordercast_damaged_rows", "Rows that were found to be unreadable; readiness names them")
SOURCE_DOCUMENTS_UNTOLD = Counter(
    "ordercast_source_documents_untold_total",
    "Documents and changes of a MongoDB source that could not be mirrored; the log says why",
)
MAILS = Counter(
    "ordercast_mails_total",
    "Mails by outcome: sent, refused, dropped, or delayed",
    ["outcome"],
)
WEBHOOK_ATTEMPTS = Counter(
    "ordercast_webhook_attempts_total",
    "Webhook attempts by outcome: delivered, retried, or failed",
    ["outcome"],
)
WEBHOOKS_PENDING = Gauge("ordercast_webhooks_pending", "Pending webhook deliveries, on the leading node")
WEBHOOKS_OLDEST_S = Gauge("ordercast_webhooks_oldest_seconds", "Age of the oldest pending webhook delivery")
NOTIFICATIONS_SENT = Counter(
    "ordercast_notifications_sent_total",
    "Notifications by channel and outcome: sent, held for quiet hours, delayed, dropped, refused, or gone",
    ["way", "outcome"],
)
UNITS_COMMITTED = Counter("ordercast_units_committed_total", "Units of work committed by this node's writer")
GROUP_SIZE = Histogram(
    "ordercast_commit_group_size", "Units of work per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
GROUPS_RUN_AGAIN = Counter(
    "ordercast_commit_groups_run_again_total", "Commit groups that were retried because of conflicting commits"
)
CHANGES_HELD = Gauge(
    "ordercast_changes_held",
    "Changes that wait for a lock of another program or node; other changes continue",
)
CHANGES_LOCKED = Counter("ordercast_changes_locked_total", "Changes refused because of another program's lock")
SESSIONS_UNSAVED = Gauge("ordercast_sessions_unsaved", "Socket sessions not yet saved in the database")
SESSIONS_GIVEN_UP = Counter("ordercast_sessions_given_up_total", "Sessions dropped unsaved: the queue was full")
DATABASE_FREE_BYTES = Gauge("ordercast_database_free_bytes", "Free bytes on an embedded database's disk")
DATABASE_LOG_BYTES = Gauge("ordercast_database_log_bytes", "Size of an embedded database's write-ahead log")
# NaN without an embedded database: 0 would be a full disk.
DATABASE_FREE_BYTES.set(math.nan)
DATABASE_LOG_BYTES.set(math.nan)
FEED_LEADING = Gauge("ordercast_feed_leading", "Whether this node numbers the feed and runs the shop's jobs")
PARTS_UP = Gauge("ordercast_part_up", "Whether an optional part of this node is up", ["part"])
BUS_DROPPED = Gauge("ordercast_bus_dropped", "Messages to other nodes dropped since the start")
DELIVERY_SECONDS = Histogram(
    "ordercast_delivery_seconds",
    "From the moment on a change to its writing to this node's sockets, of the oldest in a batch",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
NOTICE_SECONDS = Histogram(
    "ordercast_notice_seconds",
    "From the commit of an order or booking to its first screen, or to its first opening, as recorded by this node",
    ["by"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900),
)
NOTICE_ESCALATIONS = Counter(
    "ordercast_notice_escalations_total", "Escalation steps of unopened orders and bookings", ["step"]
)
NOTICES_DROPPED = Counter(
    "ordercast_notices_dropped_total",
    "Sent times dropped unrecorded: the queue was full",
)
ROOM_QUESTIONS = Counter(
    "ordercast_room_questions",
    "Questions whether somebody may be in a room: allowed, refused, or failed",
    ["answer"],
)
ATTACH_FAULTS = Gauge(
    "ordercast_attach_faults", "What keeps changes of attached tables from being told as their mapping says"
)
ATTACH_ERRORS = Gauge(
    "ordercast_attach_errors",
    "Changes of attached tables that a mapping could not tell, since it was applied",
    ["mapping"],
)
FEED_POSITION = Gauge("ordercast_feed_position", "The last feed row that this node has delivered")


REQUEST_LOG = "ordercast.requests"
REQUEST_ID_HEADER = b"x-request-id"
# Ids of proxies: UUIDs, hexadecimal; nothing that breaks a log line.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def request_ids() -> Callable[[], str]:
    """Make unique request ids; they are no secret, so not random."""
    process, numbers = secrets.token_hex(6), count(1)
    return lambda: f"{process}-{next(numbers):x}"


def given_request_id(scope: Mapping[str, Any]) -> str | None:
    """The request id of a trusted proxy; others' could be forged."""
    if not scope.get("proxied"):
        return None
    given: bytes = next((value for name, value in scope["headers"] if name == REQUEST_ID_HEADER), b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else None


class LineFormatter(logging.Formatter):
    """Formats a record as one line, ``text`` or ``json``; a traceback follows.

    A record may have `facts`: names and values. There is a line for every order, hence no library.
    """

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._is_json = log_format == "json"

    def format(self, record: logging.LogRecord) -> str:
        seconds, micros = divmod(round(record.created * 1_000_000), 1_000_000)
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micros:06}Z"
        facts: dict[str, Any] = record.__dict__.get("facts", {})
        level, message, traceback = record.levelname.lower(), record.getMessage(), self._traceback(record)
        if self._is_json:
            event = {"event": message, **facts, "level": level, "timestamp": moment, "logger": record.name}
            return _json(event if traceback is None else {**event, "exception": traceback})
        shown = "".join(f" {name}={value}" for name, value in facts.items())
        line = f"{moment} [{level:<9}] {message if facts else f'{message:<30}'}{shown} [{record.name}]"
        return line if traceback is None else f"{line}\n{traceback}"

    def _traceback(self, record: logging.LogRecord) -> str | None:
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n".join(parts) or None


def _json(event: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(event).decode()
    except UnicodeEncodeError:  # a lone surrogate, as in a file name that is no UTF-8
        return json.dumps(event)


# Libraries whose INFO repeats ours.
_TALKATIVE = ("picows", "uvicorn", "alembic", "asyncio", "httpx", "httpcore")


def configure_logging(level: str, log_format: str) -> None:
    """Send all logs to stderr in one format."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(log_format))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
