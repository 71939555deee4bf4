"""A rate limit on log lines of a kind; those left out are counted. A stranger could otherwise fill a disk."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Final

# Enough to see what happens and from where; of tracebacks, which are alike, one says it all.
LINES_PER_MINUTE: Final = 20
TRACEBACKS_PER_MINUTE: Final = 1
WINDOW_S: Final = 60.0
# A kind of line is its template and where its exception was raised: there are some hundred in all our source.
KINDS_MAX: Final = 1_000
# Who logs about strangers: ours, and the libraries' that their input reaches.
LOGGERS: Final = ("ordercast.wire", "ordercast.hub", "ordercast.api", "picows.server", "uvicorn.error", "asyncio")
_LIMITED_BELOW_WARNING: Final = "ordercast.wire"


class _Window:
    __slots__ = ("began_s", "left_out", "logged")

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.logged = 0
        self.left_out = 0


class LogRateLimit(logging.Filter):
    """Lets a kind of line through some times a minute; the first one after that says how many were left out.

    Of the hub, lines of less than WARNING are wanted by the operator, one per socket that connects or disconnects.
    """

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[Any, _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING and record.name != _LIMITED_BELOW_WARNING:
            return True
        window = self._window((record.name, str(record.msg), _raised_at(record)))
        window.logged += 1
        if window.logged > (TRACEBACKS_PER_MINUTE if record.exc_info else LINES_PER_MINUTE):
            window.left_out += 1
            return False
        return True

    def _window(self, kind: Any) -> _Window:
        now_s = time.monotonic()
        window = self._windows.get(kind)
        if window is not None and now_s - window.began_s < WINDOW_S:
            return window
        if window is not None and window.left_out:
            logging.getLogger(kind[0]).warning("%d more lines like the next one were left out", window.left_out)
        if len(self._windows) >= KINDS_MAX:
            self._windows.clear()
        window = self._windows[kind] = _Window(now_s)
        return window


def _raised_at(record: logging.LogRecord) -> Any:
    """Where the exception was raised: the same template may stand for different faults of a program."""
    if not record.exc_info or record.exc_info[2] is None:
        return None
    last: TracebackType = record.exc_info[2]
    while last.tb_next is not None:
        last = last.tb_next
    return last.tb_frame.f_code, last.tb_lineno, record.exc_info[0]


def limit_log_rate() -> LogRateLimit:
    """Install the limit in this process, with new counts."""
    limit = LogRateLimit()
    unlimit_log_rate()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(limit)
    return limit


def unlimit_log_rate() -> None:
    """Undo `limit_log_rate`."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        for one in tuple(logger.filters):
            if isinstance(one, LogRateLimit):
                logger.removeFilter(one)
