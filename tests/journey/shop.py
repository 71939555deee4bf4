"""A running shop: `ordercast serve` as a process of its own, and what a person or program does with it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from ordercast.db.seed import DEMO_PEOPLE
from tests.forked import Forked, run
from tests.ports import free_port
from tests.tokens import TTL_S, make_token

READY = re.compile(r"> Ready on (\S+)")
PASSWORD = re.compile(r"admin@example\.com\s+(\S+)")
START_S_MAX = 60.0
END_S_MAX = 60.0


def _url(database: Path) -> str:
    return f"sqlite:///{database}"


@cache
def _demo_files() -> list[Path]:
    """The demo's database and its secret, made once by each process of a run."""
    folder = Path(tempfile.mkdtemp(prefix="ordercast-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environ = {"PATH": os.environ["PATH"], "ORDERCAST_DATABASE_URL": _url(folder / "shop.db")}
    run(["demo"], cwd=folder, env=environ).check_returncode()
    return [folder / "shop.db", folder / "shop.secret"]


class Shop:
    """One `ordercast serve`. It may be killed and started again on the same port and database.

    That is a file in `folder`, with a secret beside it; unless `environ` names a server's, and the secret. `executed`
    as users do it, it loads and makes everything anew; else it is forked, and begins with a copy of the demo's file.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None, *, executed: bool = False) -> None:
        self.database = folder / "shop.db"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = ""
        self.node = (environ or {}).get("ORDERCAST_NODE", "")
        self._folder = folder
        self._is_demo = (environ or {}).get("ORDERCAST_DEMO", "true") == "true"
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")},
            "ORDERCAST_DATABASE_URL": _url(self.database),
            "ORDERCAST_PORT": str(self.port),
            "ORDERCAST_METRICS_PORT": str(self.port),  # beside the shop, so that a test has one address to know
            "ORDERCAST_BUDGETS": "off",  # tests are load; those of budgets turn them on
            "ORDERCAST_MAIL_URL": "off",  # likewise; those of mails say who sends them
            "ORDERCAST_NOTICE_ESCALATION": "off",  # nobody opens what tests order; those of notice say what follows
            "ORDERCAST_TOKEN_MINUTES": str(max(1, TTL_S // 60)),
            **(environ or {}),
        }
        self._executed = executed
        self._process: subprocess.Popen[str] | Forked | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()

    def change_settings(self, **environ: str) -> None:
        """For its next start."""
        self._environ |= environ

    # Its life

    def start(self) -> None:
        self._ready.clear()
        self._process = self._execute() if self._executed else self._fork()
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._ready.wait(START_S_MAX) or self._process.poll() is not None:
            self.kill()
            raise AssertionError(f"the shop did not start:\n{self.output}")

    def _execute(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ordercast", "serve"],
            cwd=self._folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _fork(self) -> Forked:
        if self._is_demo and self._has_its_own_file and not self.database.exists():
            for file in _demo_files():
                shutil.copy(file, self._folder)
        return Forked(["serve"], cwd=self._folder, env=self._environ)

    @property
    def _has_its_own_file(self) -> bool:
        return (
            self._environ["ORDERCAST_DATABASE_URL"] == _url(self.database) and "ORDERCAST_SECRET" not in self._environ
        )

    def _read(self, process: subprocess.Popen[str] | Forked) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output += line
            # The last line of what start-up prints; without the demo, one before it.
            if (DEMO_PEOPLE[-1].email if self._is_demo else "API reference") in line:
                self._ready.set()
        self._ready.set()  # it has ended

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`: no chance to say or to save anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop, as a service manager does; gives its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends, and all that it wrote is read; gives its exit code."""
        process, self._process = self._process, None
        assert process is not None, "it is not running"
        try:
            code = process.wait(timeout=END_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if self._reader is not None:
            self._reader.join(timeout=60)
        assert process.stdout is not None
        process.stdout.close()
        return code

    @property
    def pid(self) -> int:
        assert self._process is not None, "it is not running"
        return self._process.pid

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Its connections stay, and it does nothing, until the block ends."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    # What people and programs do

    def run(self, *arguments: str) -> str:
        """A command of its own, by the shop's settings; gives what it said."""
        done = run(arguments, cwd=self._folder, env=self._environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def password(self) -> str:
        found = PASSWORD.search(self.output)
        assert found is not None, self.output
        return found[1]

    def login(self, email: str = "admin@example.com") -> str:
        answer = httpx.post(f"{self.url}/api/auth/login", json={"email": email, "password": self.password})
        token: str = answer.raise_for_status().json()["token"]
        return token

    def token(self, role: str = "store", sub: str = "usr_test", ttl_s: int | None = None) -> str:
        """A token as `ordercast token` signs it, without starting a process for it."""
        secret = self._environ.get("ORDERCAST_SECRET") or self.database.with_suffix(".secret").read_text().strip()
        return make_token(secret, role, sub, ttl_s)

    def order(self, **changes: Any) -> dict[str, Any]:
        """A smallest order for one of the first product."""
        product = httpx.get(f"{self.url}/api/products").raise_for_status().json()["items"][0]
        address = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}
        return {
            "fulfilment": "delivery",
            "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
            "billingInfo": address,
            "shippingInfo": address,
            "cartItems": [{"productId": product["id"], "quantity": 2}],
            "paymentInfo": {"method": "cash"},
            **changes,
        }

    def place(self, **changes: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/api/orders", json=self.order(**changes))
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def offer(self, code: str, *, percent: int) -> None:
        """Open a promotion that takes so much off the goods."""
        promotion = {"code": code, "kind": "percent", "value": percent * 100}
        headers = {"authorization": f"Bearer {self.token('admin')}"}
        httpx.post(f"{self.url}/api/promotions", json=promotion, headers=headers).raise_for_status()

    def move(self, order: Mapping[str, Any], status: str, token: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/api/orders/{order['id']}/status",
            json={"status": status, "version": order["version"]},
            headers={"authorization": f"Bearer {token}"},
        )

    def get_order(self, order_id: str, token: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/orders/{order_id}", headers={"authorization": f"Bearer {token}"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def converse(self, order_id: str, texts: Iterable[str]) -> str:
        """Have the shop write in the conversation about an order; gives its id."""
        headers = {"authorization": f"Bearer {self.token('store')}"}
        with httpx.Client(base_url=self.url, headers=headers) as client:
            opened = client.post("/api/conversations", json={"orderId": order_id}).raise_for_status()
            conversation: str = opened.json()["id"]
            for text in texts:
                client.post(f"/api/conversations/{conversation}/messages", json={"text": text}).raise_for_status()
        return conversation
