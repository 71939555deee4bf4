"""The program's hooks: headers that it adds to responses, and its callback for rejected requests."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

from ordercast.hub import Application, Handshake, Options
from ordercast.telemetry import CONNECTIONS_REFUSED

from .origins import Headers
from .transport import EngineError

log = logging.getLogger("ordercast.wire")

# RFC 9110 sections 5.1 and 5.5: what may not stand in a name, and in a value, where it would begin another header.
_NOT_IN_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]|^$")
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

Hook = Callable[[Handshake], Mapping[str, str]]


def added_headers(options: Options, handshake: Handshake, *, initial: bool) -> Headers:
    """The headers that the program's hooks add to a response; to a session's first one where it is `initial`.

    A hook that raises, or gives what is no header, is logged and adds nothing.
    """
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


def emit_connection_error(
    application: Application, handshake: Handshake, error: EngineError, message: str | None
) -> None:
    """Count a rejected request, and call the application's `connection_refused` where it has one.

    What that raises is logged. `message` takes the place of the error's own.
    """
    CONNECTIONS_REFUSED.labels(error.name.lower()).inc()
    on_error = getattr(application, "connection_refused", None)
    if on_error is None:
        return
    try:
        on_error(handshake, error.code, message or error.message)
    except Exception:
        log.exception("connection_refused failed")
