"""The `ordercast` command in processes that have loaded it already: each is forked from one that did so once.

Loading is most of what a start costs, and hundreds of tests start a server. What is forked is a process of its own all
the same: with its own arguments, folder, environment and streams, with the signals that Python starts with, and killed
as any other. But for one thing, passwords that are hashed quickly, it is as users have it. Where the start itself is
tested, or the memory, a server is executed as users do.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

from tests.quick import QUICK_HASHING

_STARTED_S_MAX = 60.0
_REQUEST_BYTES_MAX = 200_000
# An id, and then how the process with it ended.
_NUMBER = struct.Struct("q")


class Forked:
    """A running command; what tests need of `subprocess.Popen`. Its stdout is read as text."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: IO[str] | int = subprocess.DEVNULL,
        stdout: IO[str] | int = subprocess.PIPE,
        stderr: IO[str] | int = subprocess.STDOUT,
    ) -> None:
        self.args = [*arguments]
        self.returncode: int | None = None
        self.stdout: TextIO | None = None
        self._status, status = os.pipe()
        self._waiting = threading.Lock()
        ours = [status]
        if stdout == subprocess.PIPE:
            reading, stdout = os.pipe()
            ours.append(stdout)
            self.stdout = os.fdopen(reading)
        with Path(os.devnull).open("r+") as nowhere:
            given = [nowhere if stream == subprocess.DEVNULL else stream for stream in (stdin, stdout, stderr)]
            given[2] = given[1] if stderr == subprocess.STDOUT else given[2]
            files = [stream if isinstance(stream, int) else stream.fileno() for stream in given]
            request = {"arguments": self.args, "cwd": str(cwd), "env": dict(env)}
            _parent().fork(request, [*files, status])
        for file in ours:
            os.close(file)
        assert self._told(_STARTED_S_MAX), "it did not start"
        self.pid = self._number()

    def __del__(self) -> None:
        os.close(self._status)

    def _told(self, timeout_s: float | None) -> bool:
        """Whether the process that waits for this one has something to say."""
        return bool(select.select([self._status], [], [], timeout_s)[0])

    def _number(self) -> int:
        said = os.read(self._status, _NUMBER.size)
        assert said, "the process that waits for it has ended"
        number: int = _NUMBER.unpack(said)[0]
        return number

    def poll(self) -> int | None:
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not self._told(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        with self._waiting:
            if self.returncode is None:
                self.returncode = os.waitstatus_to_exitcode(self._number())
            return self.returncode

    def send_signal(self, what: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, what)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], typed: str = "", timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; gives what it wrote."""
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        stdin.write(typed)
        stdin.seek(0)
        process = Forked(arguments, cwd=cwd, env=env, stdin=stdin, stdout=out, stderr=err)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read(), err.read())


class _Parent:
    """The process that is forked, as seen by the tests. It ends with them."""

    def __init__(self) -> None:
        self._asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(asked.fileno())],
            cwd=Path(__file__).parents[1],
            pass_fds=[asked.fileno()],
            stdin=subprocess.DEVNULL,
        )
        asked.close()
        atexit.register(self.end)

    def fork(self, request: Mapping[str, object], files: list[int]) -> None:
        socket.send_fds(self._asking, [json.dumps(request).encode()], files)

    def end(self) -> None:
        self._asking.close()
        self._process.wait()


_parents: list[_Parent] = []
_beginning = threading.Lock()


def _parent() -> _Parent:
    with _beginning:
        if not _parents:
            _parents.append(_Parent())
        return _parents[0]


# --- The process that is forked ---------------------------------------------------------------------------------------


def _load() -> None:
    """Everything that the command may come to need, but for the command itself."""
    from argon2 import PasswordHasher

    import ordercast

    PasswordHasher.__init__.__defaults__ = QUICK_HASHING
    for module in pkgutil.walk_packages(ordercast.__path__, "ordercast."):
        if "__main__" not in module.name and ".migrations" not in module.name:
            importlib.import_module(module.name)
    assert threading.active_count() == 1, "what is forked has no threads"
    gc.collect()
    gc.freeze()


def _serve(asked: socket.socket) -> None:
    """Fork for each request, until nobody can ask any more; returns in each process that is to be the command."""
    while True:
        message, files, _, _ = socket.recv_fds(asked, _REQUEST_BYTES_MAX, 4)
        if not message:
            os._exit(0)
        while _reap():
            pass
        if os.fork() == 0:
            asked.close()
            *streams, status = files
            if (pid := os.fork()) == 0:
                os.close(status)
                _become(json.loads(message), streams)
                return
            _wait_and_tell(pid, streams, status)
        for file in files:
            os.close(file)


def _reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _wait_and_tell(pid: int, streams: list[int], status: int) -> NoReturn:
    """Only a parent learns how a process ended, and the tests are not that of a forked one: this process is."""
    for file in streams:
        os.close(file)
    os.write(status, _NUMBER.pack(pid))
    _, ended = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        os.write(status, _NUMBER.pack(ended))
    os._exit(0)


def _become(request: Mapping[str, Any], files: list[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in {*files} - {0, 1, 2}:
        os.close(file)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = ["ordercast", *request["arguments"]]
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal, which is for the tests
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("ordercast", run_name="__main__", alter_sys=True)
