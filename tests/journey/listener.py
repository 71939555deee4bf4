"""A stock client in a process of its own, and an account of what it heard."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).parent.parent / "clients"


class Listener:
    """`socket.io-client`, unmodified, as `script` of `tests/clients` uses it, or python-socketio's where that is one of
    Python. `heard` grows as it hears.
    """

    def __init__(self, url: str, *, script: str = "listener.mjs", **options: object) -> None:
        node = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
        self.heard: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable if script.endswith(".py") else node, script, json.dumps({"url": url, **options})],
            cwd=CLIENTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.heard.append({**json.loads(line), "at": time.monotonic()})
                self._news.notify_all()

    def emit(self, event: str, *args: Any) -> None:
        self.tell(event=event, args=args)

    def tell(self, **command: Any) -> None:
        """Have the script do what it has words for."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.heard if entry["kind"] == kind]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.of_kind("event") if entry["event"] == name]

    def wait_for(self, found: Callable[[Listener], Any], timeout_s: float = 60.0) -> Any:
        """Wait until `found(self)` is true; gives it."""
        with self._news:
            self._news.wait_for(lambda: found(self), timeout_s)
            result = found(self)
        assert result, self.heard
        return result

    def wait_for_event(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        self.wait_for(lambda listener: len(listener.events(name)) >= count)
        return self.events(name)

    def wait_for_connection(self, count: int = 1) -> dict[str, Any]:
        self.wait_for(lambda listener: len(listener.of_kind("connect")) >= count)
        return self.of_kind("connect")[-1]

    def close(self) -> None:
        """End the client process by itself, which closes its connection as a closed tab does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=60)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
