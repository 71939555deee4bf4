"""What a service manager is told of this process, and what it may rely on."""

from __future__ import annotations

import logging
import os
import socket
import threading

log = logging.getLogger("ordercast.supervision")


def tell(state: str) -> None:
    """Say `READY=1` or `STOPPING=1` to systemd, if it asked to be told (sd_notify(3), `Type=notify`)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract one
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.connect(address)
            telling.send(state.encode())
    except OSError as error:
        log.warning("the service manager could not be told %s: %s", state, error)


def end_by(seconds: float) -> None:
    """End the process then, whatever it still waits for, such as a silent database: what was confirmed is committed."""

    def end() -> None:
        log.error("could not stop within %g s; ending", seconds)
        os._exit(1)

    deadline = threading.Timer(seconds, end)
    deadline.daemon = True
    deadline.start()
