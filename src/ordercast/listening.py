"""Opens the sockets that a node listens on: the public one, and the operators' for metrics."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Final

from ordercast.config import ConfigError, Settings

log = logging.getLogger("ordercast.app")

# Connections that may wait to be accepted: a herd that comes back after a restart must not be refused by the kernel.
LISTEN_BACKLOG: Final = 4_096
# 3000 and 9000, 3001 and 9001: nodes of one machine do not collide.
METRICS_PORT_OFFSET: Final = 6_000
# Errors of `socket.create_server` for foreign or unknown addresses.
_NO_ADDRESS_OF_OURS: Final = frozenset({errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_NODATA})


def listen(settings: Settings) -> socket.socket:
    """Listen on the public address. Raises ConfigError."""
    return _listen_on(settings.host, settings.port, "")


def _listen_on(host: str, port: int, setting: str) -> socket.socket:
    """Listen on an address. Raises ConfigError for a setting with the prefix `setting`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=LISTEN_BACKLOG)
    except OSError as error:
        if error.errno in _NO_ADDRESS_OF_OURS:
            raise ConfigError(f"{setting}host", f"{host!r} is no address of this machine") from None
        raise ConfigError(f"{setting}port", f"cannot listen on {host}:{port} ({error.strerror})") from None


def listen_for_operators(settings: Settings, port: int) -> socket.socket | None:
    """The metrics port's socket, if it has its own. Raises ConfigError for a configured port; a default one is left
    out: a shop without metrics is better than none.
    """
    if settings.metrics_host == "off" or settings.metrics_beside:
        return None
    metrics_port = settings.metrics_port
    if metrics_port is None:
        metrics_port = _own_metrics_port(port) if settings.port else 0
    try:
        listening = _listen_on(settings.metrics_host, metrics_port, "metrics_")
    except ConfigError as error:
        if settings.metrics_port is not None:
            raise
        log.warning("metrics are not served: %s; set another port, or `off` in ORDERCAST_METRICS_HOST", error)
        return None
    log.info("metrics for Prometheus on http://%s:%d/metrics", settings.metrics_host, listening.getsockname()[1])
    return listening


def _own_metrics_port(port: int) -> int:
    """The default metrics port, at a fixed offset."""
    return port + METRICS_PORT_OFFSET if port + METRICS_PORT_OFFSET < 65_536 else port - METRICS_PORT_OFFSET


def served_metrics_port(settings: Settings, listening: socket.socket | None) -> int:
    """The port that serves metrics, with `listening` of ``listen_for_operators``; 0 for none."""
    if listening is not None:
        own: int = listening.getsockname()[1]
        return own
    return settings.port if settings.metrics_beside else 0
