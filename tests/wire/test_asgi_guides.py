"""The guides of the hub in FastAPI and in Django are true: their programs run as they stand there."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio

from tests.asgi_servers import serving
from tests.peers import PATIENCE_S
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs/guides"


def programs(guide: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (GUIDES / guide).read_text(), re.MULTILINE | re.DOTALL)


def loaded(source: str) -> dict[str, Any]:
    scope: dict[str, Any] = {"__name__": "main"}
    exec(compile(source, "main.py", "exec"), scope)  # noqa: S102 - our own page
    return scope


class Chatter:
    """A stock client that notes what is said."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.client.on("said", lambda name, text, *_offset: self.said.put_nowait((name, text)))

    async def connect(self, url: str, **options: Any) -> None:
        await self.client.connect(url, transports=["websocket"], wait_timeout=PATIENCE_S, **options)

    async def heard(self) -> tuple[str, str]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.said.get()


async def refused(url: str) -> Any:
    """What a client hears that is not let in."""
    reasons: asyncio.Queue[Any] = asyncio.Queue()
    stranger = Chatter()
    stranger.client.on("connect_error", reasons.put_nowait)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await stranger.connect(url)
    return await reasons.get()


@pytest.fixture
def chatters() -> tuple[Chatter, Chatter]:
    return Chatter(), Chatter()


async def test_the_chat_of_fastapis_guide(chatters: tuple[Chatter, Chatter]) -> None:
    source, _litestar = programs("fastapi.md")
    ann, bob = chatters
    async with serving(loaded(source)["app"]) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert await refused(str(http.base_url)) == {"message": "Say who you are."}
        await ann.connect(str(http.base_url), auth={"name": "Ann"})
        await bob.connect(str(http.base_url), auth={"name": "Bob"})
        assert await ann.client.call("say", "hello", timeout=PATIENCE_S) == "you: hello"
        assert await bob.heard() == ("Ann", "hello")
        assert (await http.post("/announcements", params={"text": "closing"})).status_code == 202
        assert await ann.heard() == await bob.heard() == ("the house", "closing")
        assert "socket.io.js" in (await http.get("/")).text
        assert (await http.post("/announcements", params={"text": ""})).json() == {"detail": "Nothing to announce."}
        await ann.client.disconnect()
        await bob.client.disconnect()


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Litestar sets up the process's logging, which is other tests' too."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.usefixtures("kept_logging")
async def test_litestars_part_of_the_guide_runs() -> None:
    async with serving(loaded(programs("fastapi.md")[1])["app"]) as port, httpx.AsyncClient() as http:
        opened = await http.get(f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling")
        assert opened.text.startswith("0{")


# What a reader does in the project, in one process; and two who are signed in.
DJANGO = """
import os, sys
from django.core.management import call_command
open("shop/asgi.py", "w").write(sys.argv[2])
sys.path.insert(0, ".")
from shop.asgi import app
from django.contrib.auth import HASH_SESSION_KEY, BACKEND_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
call_command("migrate", verbosity=0)
for name in ("ann", "bob"):
    user = get_user_model()(username=name)
    user.set_unusable_password()
    user.save()
    session = SessionStore()
    session.update({SESSION_KEY: str(user.pk), HASH_SESSION_KEY: user.get_session_auth_hash(),
                    BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend"})
    session.save()
    print(session.session_key, flush=True)
import uvicorn
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)
Server(uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")).run()
"""


async def test_the_chat_of_djangos_guide(chatters: tuple[Chatter, Chatter], tmp_path: Path) -> None:
    (source,) = programs("django.md")
    ann, bob = chatters
    port = free_port()
    begin = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "django", "startproject", "shop", ".", cwd=tmp_path
    )
    assert await begin.wait() == 0
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DJANGO, str(port), source,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            sessions = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
            assert await process.stdout.readline() == b"ready\n"
        url = f"http://127.0.0.1:{port}"
        assert await refused(url) == {"message": "Sign in first."}
        for chatter, session in zip(chatters, sessions, strict=True):
            await chatter.connect(url, headers={"Cookie": f"sessionid={session}"})
        assert await ann.client.call("say", "hello", timeout=PATIENCE_S) == "you: hello"
        assert await bob.heard() == ("ann", "hello")
        async with httpx.AsyncClient() as http:
            assert "Django" in (await http.get(f"{url}/admin/login/")).text
        await ann.client.disconnect()
        await bob.client.disconnect()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
