"""The hub in ASGI servers that are programs of their own: Granian and Daphne, and uvicorn as it is started by hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.peers import PATIENCE_S, Peer, Poller
from tests.ports import free_port
from tests.waiting import until
from tests.wire.test_hub_app import echoes

ROOT = Path(__file__).parents[2]
APP = "tests.asgi_apps.echo:app"
COMMANDS = {
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", APP],
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", "-v", "0", APP],
    "uvicorn": ["uvicorn", "--port", "{port}", "--log-level", "warning", APP],
}


@contextlib.asynccontextmanager
async def started(by: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    port = free_port()
    command = [part.format(port=port) for part in COMMANDS[by]]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    # In a group of its own: Granian leaves its worker behind when it is killed alone.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=ROOT, env=environ, start_new_session=True
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def answers() -> bool:
                assert process.returncode is None, f"{by} did not start"
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get(f"http://127.0.0.1:{port}/nothing")).status_code == 404
                return False

            await until(answers)
        yield port, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.mark.parametrize("by", COMMANDS)
async def test_it_serves_both_transports_and_goes_in_peace(by: str) -> None:
    async with started(by) as (port, process):
        await echoes(port)
        async with await Peer.start(port) as peer, Poller(port) as poller:
            await poller.start()
            peer.send("41", "40")
            assert str(await peer.receive()).startswith('40{"sid"')
            if by == "uvicorn":  # it waits for whoever has a request under way
                process.send_signal(signal.SIGTERM)
                assert (await poller.poll()).endswith("1")
                assert await peer.closing() == 1000
                async with asyncio.timeout(PATIENCE_S):
                    assert await process.wait() in {0, -signal.SIGTERM}
