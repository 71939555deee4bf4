"""Notifies systemd, and bounds the time of a stop."""

from __future__ import annotations

import logging
import os
import socket
import threading

log = logging.getLogger("ordercast.systemd")


def notify(state: str) -> None:
    """Send `READY=1` or `STOPPING=1` to systemd (sd_notify(3), `Type=notify`), if configured."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # abstract socket
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
            notifying.connect(address)
            notifying.send(state.encode())
    except OSError as error:
        log.warning("could not notify the service manager (%s): %s", state, error)


def exit_after(seconds: float) -> None:
    """Exit after so many seconds, whatever is still pending: confirmed changes are committed."""

    def end() -> None:
        log.error("could not stop within %g s; ending", seconds)
        os._exit(1)

    deadline = threading.Timer(seconds, end)
    deadline.daemon = True
    deadline.start()
