"""What a start costs: CPU of a server from its exec to its first answer, for whole shops and for Socket.IO alone."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from .buyers import SECRET
from .contender import (
    COMMANDS,
    GENERATOR_CORE,
    HERE,
    ORDERCAST,
    SERVER_CORE,
    SHOPS,
    SQLITE_URL,
    START_S_MAX,
    free_port,
    prepare_shop,
    shop_environ,
    stop,
)
from .measure import Result
from .processes import cpu_s

SHOP_ABOUT: Final = "CPU from exec to the first answer of a whole shop, on the SQLite database of the day before"
HUB_ABOUT: Final = "CPU from exec to the first answer of a Socket.IO server without a shop"
OWN_ABOUT: Final = "what else is waited for"
_QUIET_MS: Final = "600000"


def measure_shops(names: Sequence[str], samples: int) -> list[Result]:
    """A first start of each makes its database, and is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        starts = {name: _shop_start(name, Path(folder) / f"{name}.db") for name in names if name in SHOPS}
        return _in_turn("start", starts, samples)


def measure_hubs(names: Sequence[str], samples: int) -> list[Result]:
    """The servers that the other workloads ask, each with its defaults."""
    return _in_turn("start_hub", {name: _hub_start(COMMANDS[name]) for name in names}, samples)


def measure_own(samples: int) -> list[Result]:
    """Of ours alone: the command line's version, a shop's first start, and the end of one."""
    version = [_child_ms([*ORDERCAST, "--version"]) for _ in range(samples)]
    first, last = [], []
    for _ in range(samples):
        with tempfile.TemporaryDirectory() as folder:
            environ = shop_environ(f"{SQLITE_URL}{Path(folder) / 'shop.db'}", SECRET)
            with _serving(lambda port: [*SHOPS["ours"], port], environ) as process:
                first.append(1000 * cpu_s(process.pid))
                began_s = time.monotonic()
                process.terminate()
                process.wait()
                last.append(1000 * (time.monotonic() - began_s))
    return [
        Result("start", "ordercast --version", "ms of CPU", version),
        Result("start", "a new shop, to the first answer", "ms of CPU", first),
        Result("start", "SIGTERM to the end, with no client", "ms", last),
    ]


def _shop_start(name: str, database: Path) -> Callable[[], float]:
    environ = shop_environ(f"{SQLITE_URL}{database}", SECRET)
    rest = [str(database), SECRET]
    if name == "ours":
        prepare_shop(environ)
        rest = []
    return lambda: _start_ms(lambda port: [*SHOPS[name], port, *rest], environ)


def _hub_start(command: Sequence[str]) -> Callable[[], float]:
    return lambda: _start_ms(lambda port: [*command, port, _QUIET_MS, _QUIET_MS, "0"], {})


def _in_turn(workload: str, starts: dict[str, Callable[[], float]], samples: int) -> list[Result]:
    """One sample of each after another, so that a slow minute of the machine falls on all of them."""
    ordered = {name: starts[name] for name in COMMANDS if name in starts}
    found = {name: Result(workload, name, "ms of CPU") for name in ordered}
    for turn in range(samples + 1):
        for name, start in ordered.items():
            spent_ms = start()
            if turn > 0:
                found[name].values.append(spent_ms)
    return list(found.values())


def _start_ms(command: Callable[[str], list[str]], environ: dict[str, str]) -> float:
    with _serving(command, environ) as process:
        return 1000 * cpu_s(process.pid)


@contextlib.contextmanager
def _serving(command: Callable[[str], list[str]], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server on its core, from its first answer to the end of the block."""
    port = free_port()
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        process = subprocess.Popen(
            command(str(port)), cwd=HERE.parent, env={**os.environ, **environ}, stdout=subprocess.DEVNULL
        )
    finally:
        os.sched_setaffinity(0, {GENERATOR_CORE})
    try:
        _await_answer(process, port)
        yield process
    finally:
        stop(process)


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    """Open a session by polling as soon as it answers: whoever listens early has not started yet."""
    end_s = time.monotonic() + START_S_MAX
    while time.monotonic() < end_s and process.poll() is None:
        asking = HTTPConnection("127.0.0.1", port, timeout=START_S_MAX)
        with contextlib.closing(asking), contextlib.suppress(OSError, HTTPException):
            asking.request("GET", "/socket.io/?EIO=4&transport=polling")
            asking.getresponse().read()
            return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} did not start")


def _child_ms(command: Sequence[str]) -> float:
    before_s = _children_s()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (_children_s() - before_s)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
