"""Maps an HTTP response to an outcome: accepted, retry later, or refused."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ordercast.outgoing.http import HttpResponse

from .sender import Delayed, Gone, Refused

log = logging.getLogger("ordercast.notify")

_BUSY: Final = frozenset({408, 425, 429})


def raise_for_status(response: HttpResponse, who: str, gone: Collection[int] = ()) -> None:
    """Raise Gone, Refused or Delayed unless the status is 2xx; `who` names the server in the log."""
    status = response.status
    if 200 <= status < 300:
        return
    if status in gone:
        raise Gone(str(status))
    if status in _BUSY or status >= 500:
        raise Delayed(str(status), retry_after_s(response.headers))
    log.warning("%s answers %d: %s", who, status, _said(response.body))
    raise Refused(str(status))


def _said(body: bytes) -> str:
    """The first 200 bytes of the body on one line, for the log; push services repeat no endpoint in it."""
    return " ".join(body[:200].decode(errors="replace").split()) or "nothing"


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Parse Retry-After (RFC 9110 section 10.2.3), seconds or a date; None if absent or malformed."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return int(given[:9])
    try:
        until = parsedate_to_datetime(given)
        return max(0, int((until - datetime.now(until.tzinfo)).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
