"""What an answer over HTTP means for what was sent: taken, later, or never."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ordercast.outgoing.http import Answer

from .outgoing import Delayed, Gone, Refused

log = logging.getLogger("ordercast.notify")

_BUSY: Final = frozenset({408, 425, 429})


def check_answer(answer: Answer, who: str, gone: Collection[int] = ()) -> None:
    """Raises Gone, Refused, Delayed for what is no success; `who` answered, for the log."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in gone:
        raise Gone(str(status))
    if status in _BUSY or status >= 500:
        raise Delayed(str(status), retry_after_s(answer.headers))
    log.warning("%s answers %d: %s", who, status, _said(answer.body))
    raise Refused(str(status))


def _said(body: bytes) -> str:
    """The beginning of what it says, on one line; push services repeat no endpoint in it."""
    return " ".join(body[:200].decode(errors="replace").split()) or "nothing"


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """RFC 9110 section 10.2.3: seconds, or a date."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return int(given[:9])
    try:
        until = parsedate_to_datetime(given)
        return max(0, int((until - datetime.now(until.tzinfo)).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
