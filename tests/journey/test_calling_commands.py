"""The page on commands is true: each of its samples runs with the stock client against a shop."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import socketio

from .shop import Shop

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/guides/calling-commands.md").read_text()
SAMPLES: Final = dict(re.findall(r"<!-- sample: (\w+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))

PRELUDE: Final = """
import { io } from "socket.io-client";
const [url, token, orderId] = process.argv.slice(-3);
const socket = io(url, { auth: { token } });
"""


def say(sample: str, shop: Shop, order_id: str) -> list[str]:
    """Run a sample of JavaScript; gives the lines that it wrote."""
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    program = f"{PRELUDE}\n{SAMPLES[sample]}\nsocket.close();"
    done = subprocess.run(
        [node, "--input-type=module", "-e", program, "--", shop.url, shop.login(), order_id],
        cwd=ROOT / "tests/clients",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.node
def test_a_command_is_awaited(shop: Shop) -> None:
    order = shop.place()

    (line,) = say("await", shop, order["id"])
    (refused,) = say("await", shop, "ord_nothing")

    assert re.fullmatch(r"watching pending from \w+:\d+(\.\d+)?", line)
    assert refused.startswith("refused: not_found ")


@pytest.mark.node
def test_a_command_with_a_timeout_is_done_once(shop: Shop) -> None:
    order = shop.place()

    first, again = say("timeout", shop, order["id"]), say("timeout", shop, order["id"])

    assert first == again == ["now processing, version 2"]


@pytest.mark.node
def test_a_command_calls_back_with_and_without_a_timeout(shop: Shop) -> None:
    order = shop.place()

    assert say("callback", shop, order["id"]) == ["no longer watching true", "refused: invalid_field orderId"]


@pytest.mark.node
def test_a_client_that_retries_is_held_up_by_nothing(shop: Shop) -> None:
    order = shop.place()

    assert say("retries", shop, order["id"]) == ["refused: unknown_event", "watching true"]


async def test_the_python_client_calls(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    order = await asyncio.to_thread(shop.place)
    token = await asyncio.to_thread(shop.login)
    sio = socketio.AsyncClient()
    await sio.connect(shop.url, auth={"token": token}, wait_timeout=60)
    try:
        for order_id in (order["id"], "ord_nothing"):
            await run_python(SAMPLES["python"], sio=sio, order_id=order_id)
        with pytest.raises(KeyError):
            (await sio.call("echo", {"a": 1}))["error"]
    finally:
        await sio.shutdown()

    watching, refused = capsys.readouterr().out.splitlines()
    assert watching.startswith("watching pending from ")
    assert refused.startswith("refused: not_found ")


async def run_python(code: str, **names: Any) -> None:
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    namespace: dict[str, Any] = dict(names)
    exec(f"async def sample():\n{lines}", namespace)  # noqa: S102 - the page's own code
    await namespace["sample"]()
