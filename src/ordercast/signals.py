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


# Each asks for an end: by a person, a service manager, a machine whose power goes, or a bound on CPU time, of which
# SIGXCPU is the warning. Not every system has them all.
ENDING: Final = _present("SIGINT", "SIGTERM", "SIGQUIT", "SIGPWR", "SIGXCPU")
# Nothing here asks for these, and unheeded each kills: a log rotation, or a habit from other servers, cost a node.
NOTED: Final = _present("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO")


class SignalHandlers:
    """The handlers of one process.

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

    def install(self) -> None:
        """Install the handlers, on the main thread, before what is slow to load."""
        for each in ENDING:
            signal.signal(each, self._end)
        for each in NOTED:
            if signal.getsignal(each) is signal.SIG_DFL:  # nohup, a profiler: somebody has decided otherwise
                signal.signal(each, self._handle)

    def run_command(self, command: Callable[[], None]) -> None:
        """Run a command that has nothing to drain: what asks for an end is an exception in it, so that it cleans up."""
        signal.signal(signal.SIGINT, self._interrupted)
        for each in {*ENDING, *NOTED} - {signal.SIGINT}:
            if signal.getsignal(each) in {self._end, self._handle}:
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

    def _handle(self, number: int, frame: FrameType | None) -> None:
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


SIGNALS: Final = SignalHandlers()
"""The handlers of this process, installed by ``__main__``."""
