"""What the service manager is told of this process, and the time in which it ends."""

from __future__ import annotations

import logging
import os
import socket
import threading

log = logging.getLogger("ordercast.systemd")


def notify(state: str) -> None:
    """Send `READY=1` or `STOPPING=1` to systemd, if it asked for it (sd_notify(3), `Type=notify`)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract one
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
            notifying.connect(address)
            notifying.send(state.encode())
    except OSError as error:
        log.warning("the service manager could not be told %s: %s", state, error)


def exit_after(seconds: float) -> None:
    """End the process by then, whatever it still waits for, such as a database: what was confirmed is committed."""

    def end() -> None:
        log.error("could not stop within %g s; ending", seconds)
        os._exit(1)

    deadline = threading.Timer(seconds, end)
    deadline.daemon = True
    deadline.start()
