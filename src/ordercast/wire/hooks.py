"""The program's hooks: headers that it adds to answers, and its being told of refusals."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

from ordercast.hub import Application, Handshake, Options
from ordercast.telemetry import CONNECTIONS_REFUSED

from .origins import Headers
from .transport import Refusal

log = logging.getLogger("ordercast.wire")

# RFC 9110 sections 5.1 and 5.5: what may not stand in a name, and in a value, where it would begin another header.
_NOT_IN_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]|^$")
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

Hook = Callable[[Handshake], Mapping[str, str]]


def added_headers(options: Options, handshake: Handshake, *, initial: bool) -> Headers:
    """What the program adds to an answer. A hook that fails is logged and adds nothing."""
    headers = _of(options.initial_headers, handshake) if initial else []
    return headers + _of(options.headers, handshake)


def _of(hook: Hook | None, handshake: Handshake) -> Headers:
    if hook is None:
        return []
    try:
        return [_header(name, value) for name, value in hook(handshake).items()]
    except Exception:
        log.exception("a hook for headers failed")
        return []


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    if _NOT_IN_NAME.search(name) or _NOT_IN_VALUE.search(value):
        raise ValueError(f"not a header: {name!r}: {value!r}")
    return name.lower().encode("ascii"), value.encode("latin-1")


def tell_refused(application: Application, handshake: Handshake, refusal: Refusal, message: str | None) -> None:
    """Count a refused request, and tell the program if it wants to know: its `connection_refused`, if it has one."""
    CONNECTIONS_REFUSED.labels(refusal.name.lower()).inc()
    told = getattr(application, "connection_refused", None)
    if told is None:
        return
    try:
        told(handshake, refusal.code, message or refusal.message)
    except Exception:
        log.exception("connection_refused failed")
