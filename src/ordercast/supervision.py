"""What a service manager is told of this process, and what it may rely on."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn

log = logging.getLogger("ordercast.supervision")


def _present(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(each for each in signal.Signals if each.name in names)


# Each asks for an end: by a person, a service manager, a machine whose power goes, or a bound on CPU time, of which
# SIGXCPU is the warning. Not every system has them all.
ENDING: Final = _present("SIGINT", "SIGTERM", "SIGQUIT", "SIGPWR", "SIGXCPU")
# Nothing here asks for these, and unheeded each kills: a log rotation, or a habit from other servers, cost a node.
NOTED: Final = _present("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO")


def files_max() -> int:
    """How many descriptors this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_files_max() -> None:
    """Have as many as the system grants: each connection holds one, and the usual 1,024 are for programs with few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # then it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


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


class Signals:
    """What the process does about signals, from its first moment to its last.

    - SIGINT, SIGTERM, SIGQUIT: until something is served the process ends with 128 + the signal's number, as a shell
      has it. From then on `stop` is called, for each of them: what it begins, the next ones may hasten.
    - SIGHUP is noted: logs go to stderr, so that there is no file to open anew. Where it tells that the terminal has
      gone in which the process was started, it asks for an end. A process started by nohup never hears of it.
    - SIGUSR1, SIGUSR2 and what else would kill is noted.
    """

    def __init__(self) -> None:
        self._had_terminal = _has_terminal()
        self._interrupted = signal.getsignal(signal.SIGINT)
        self._early: list[signal.Signals] = []
        self._stop: Callable[[], None] | None = None
        self._note: Callable[[signal.Signals], None] = self._early.append

    def heed(self) -> None:
        """Begin, on the main thread, before what is slow to load."""
        for each in ENDING:
            signal.signal(each, self._end)
        for each in NOTED:
            if signal.getsignal(each) is signal.SIG_DFL:  # nohup, a profiler: somebody has decided otherwise
                signal.signal(each, self._heard)

    def leave_to(self, command: Callable[[], None]) -> None:
        """Run a command that has nothing to drain: what asks for an end is an exception in it, so that it cleans up."""
        signal.signal(signal.SIGINT, self._interrupted)
        for each in {*ENDING, *NOTED} - {signal.SIGINT}:
            if signal.getsignal(each) in {self._end, self._heard}:
                signal.signal(each, _exit)
        if self._early:
            _exit(self._early[0], None)
        command()

    def serve(self, stop: Callable[[], None], note: Callable[[signal.Signals], None]) -> None:
        """From now on something is served. Both are called within a signal's handler."""
        self._stop, self._note = stop, note

    def _end(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._stop is not None:
            self._stop()
            return
        # Nobody was promised anything yet, and what was begun is rolled back. An exception might come up anywhere.
        _say(f"ordercast: ended by {signal.Signals(number).name} before it was ready\n")
        os._exit(128 + number)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self._had_terminal and not _has_terminal():
            self._end(number, frame)
        else:
            self._note(signal.Signals(number))


def _has_terminal() -> bool:
    """Whether a person could type at it; not so of a service, and no more when the window was closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)


def _say(sentence: str) -> None:
    """To stderr, past what is buffered there and may be in use this moment."""
    with suppress(OSError):
        os.write(2, sentence.encode())


SIGNALS: Final = Signals()
"""Those of this process; heeded once ``__main__`` says so."""
