"""Handling of signals, from a process's first moment to its last."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn


def _present(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(each for each in signal.Signals if each.name in names)


# Signals that stop the process; SIGXCPU warns of the CPU limit. Not every system has them all.
ENDING: Final = _present("SIGINT", "SIGTERM", "SIGQUIT", "SIGPWR", "SIGXCPU")
# Unhandled these would kill the process: by a log rotation, or a habit from other servers.
NOTED: Final = _present("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO")


class SignalHandlers:
    """The signal handlers of the process.

    - SIGINT, SIGTERM, SIGQUIT: until serving begins the process exits with 128 + the signal's number, as in a shell.
    Then `stop` is called for each; repeated signals may hasten it.
    - SIGHUP is logged: logs go to stderr, so there is no file to reopen. If the terminal of the start is gone, it
    stops. A process started by nohup never gets it.
    - SIGUSR1, SIGUSR2 and others that would kill are logged.
    """

    def __init__(self) -> None:
        self._had_terminal = _has_terminal()
        self._interrupted = signal.getsignal(signal.SIGINT)
        self._early: list[signal.Signals] = []
        self._stop: Callable[[], None] | None = None
        self._note: Callable[[signal.Signals], None] = self._early.append

    def install(self) -> None:
        """Install the handlers on the main thread, before slow imports."""
        for each in ENDING:
            signal.signal(each, self._end)
        for each in NOTED:
            if signal.getsignal(each) is signal.SIG_DFL:  # nohup, a profiler: keep their decision
                signal.signal(each, self._handle)

    def run_command(self, command: Callable[[], None]) -> None:
        """Run a command: a stopping signal raises an exception, so that it cleans up."""
        signal.signal(signal.SIGINT, self._interrupted)
        for each in {*ENDING, *NOTED} - {signal.SIGINT}:
            if signal.getsignal(each) in {self._end, self._handle}:
                signal.signal(each, _exit)
        if self._early:
            _exit(self._early[0], None)
        command()

    def serve(self, stop: Callable[[], None], note: Callable[[signal.Signals], None]) -> None:
        """Serving begins: `stop` and `note` are called from signal handlers."""
        self._stop, self._note = stop, note

    def _end(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._stop is not None:
            self._stop()
            return
        # Nothing was confirmed, and open transactions are rolled back. An exception might be raised anywhere.
        _say(f"ordercast: ended by {signal.Signals(number).name} before it was ready\n")
        os._exit(128 + number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self._had_terminal and not _has_terminal():
            self._end(number, frame)
        else:
            self._note(signal.Signals(number))


def _has_terminal() -> bool:
    """Whether the process has a terminal; not so a service, or after the window was closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)


def _say(sentence: str) -> None:
    """Write to stderr unbuffered, as its buffer may be in use."""
    with suppress(OSError):
        os.write(2, sentence.encode())


SIGNALS: Final = SignalHandlers()
"""The process's handlers, installed by ``__main__``."""
