"""The sample payment services of `samples/`, each as a process of its own."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples/payment_provider"
NODE = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
SECRET, SECRET_PREVIOUS = ("whsec_" + base64.b64encode(os.urandom(32)).decode() for _ in range(2))
NOBODYS_SHOP = "http://127.0.0.1:9"


@contextmanager
def python_service(folder: Path, shop: str = NOBODYS_SHOP, port: int = 0, secrets: str = SECRET) -> Iterator[str]:
    """Where it answers; its payments are in `folder`, and outlive it."""
    script = [sys.executable, str(SAMPLES / "provider.py")]
    with _running([*script, f"127.0.0.1:{port}", str(folder / "payments.db"), shop], secrets) as url:
        yield url


@contextmanager
def node_service(shop: str = NOBODYS_SHOP, secrets: str = SECRET) -> Iterator[str]:
    with _running([NODE, str(SAMPLES / "provider.mjs"), "0", shop], secrets) as url:
        yield url


@contextmanager
def _running(command: list[str], secrets: str) -> Iterator[str]:
    environ = {**os.environ, "PAYMENTS_SECRET": secrets}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # once it listens
        assert line.startswith("Taking payments on "), line
        yield line.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
