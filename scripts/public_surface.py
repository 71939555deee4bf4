#!/usr/bin/env python3
"""Print what outsiders see of a commit, or how two commits differ in it: nothing, where they do not.

    scripts/public_surface.py HEAD            everything of one commit
    scripts/public_surface.py v1 HEAD         the difference; ends with 1 where there is one

It reads the OpenAPI and AsyncAPI documents, the help of every command, the settings, the metrics, the types of
problems, the socket's commands and events as the TypeScript client and the reference have them. Only what has a name
outside is asked for, so that commits whose modules are called otherwise can be compared.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_CLIENT = ("events.ts", "commands.ts", "orders.ts", "payloads.ts")
_DOCUMENTS = ("docs/reference/events.md",)

# Run with a commit's `src` on the path: what its modules are called must not matter.
_METRICS = """
import ordercast.app
from prometheus_client import REGISTRY
for metric in sorted(REGISTRY.collect(), key=lambda metric: metric.name):
    if metric.name.startswith("ordercast_"):
        print(metric.name, metric.type, metric.documentation)
"""
_SETTINGS = """
import msgspec
from ordercast.config import Settings
for field in msgspec.structs.fields(Settings):
    print(f"ORDERCAST_{field.name.upper()} = {field.default!r}: {field.type}")
"""
_COMMANDS = """
import importlib, json, pkgutil
import msgspec
import ordercast
for module in pkgutil.walk_packages(ordercast.__path__, "ordercast."):
    if not any(part in module.name for part in ("__main__", "migrations", "mongodb", "contrib")):
        importlib.import_module(module.name)

def structs(class_):
    for each in class_.__subclasses__():
        yield each
        yield from structs(each)

names = {"WatchOrder", "MarkSeen", "DriverLocation"}
found = {}
for each in structs(msgspec.Struct):
    repeats = {"client_id", "order_id"} <= set(each.__struct_fields__)
    if each.__module__.startswith("ordercast.") and (repeats or each.__name__ in names):
        schema = msgspec.json.schema(each)["$defs"][each.__name__]
        schema["properties"] = dict(sorted(schema["properties"].items()))
        for name in ("title", "description"):
            schema.pop(name, None)
        found[json.dumps(sorted(each.__struct_encode_fields__))] = schema
print(json.dumps(found, indent=1, sort_keys=True))
"""
_PROBLEMS = """
import asyncio, re
from pathlib import Path
from ordercast.api import create_api
from ordercast.config import Settings
from ordercast.db import SqliteStore

application = create_api(Settings(secret="-" * 32), SqliteStore(Path("not-opened.db")))

async def get(path):
    said = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"accept", b"text/html")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 3000),
    }
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        said.append(message)
    await application(scope, receive, send)
    return b"".join(message.get("body", b"") for message in said).decode()

async def main():
    listed = await get("/problems")
    print(listed)
    for slug in re.findall(r'href="/problems/([a-z-]+)"', listed):
        print(await get(f"/problems/{slug}"))

asyncio.run(main())
"""


def surface(tree: Path) -> Iterator[tuple[str, str]]:
    """Each part's name and text."""
    document = json.loads(_python(tree, "-m", "ordercast", "openapi"))
    yield "OpenAPI", json.dumps(document, indent=1, ensure_ascii=False)
    yield "paths", "\n".join(f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item)
    yield "AsyncAPI", _python(tree, "-m", "ordercast", "asyncapi")
    yield from _helps(tree)
    yield "settings", _python(tree, "-c", _SETTINGS)
    yield "metrics", _python(tree, "-c", _METRICS)
    yield "problems", _python(tree, "-c", _PROBLEMS)
    yield "socket commands", _python(tree, "-c", _COMMANDS)
    for name in _CLIENT:
        yield f"client {name}", (tree / "web/client/src" / name).read_text()
    for name in _DOCUMENTS:
        yield name, (tree / name).read_text()


def _helps(tree: Path) -> Iterator[tuple[str, str]]:
    text = _python(tree, "-m", "ordercast", "--help")
    yield "ordercast --help", text
    for command in re.findall(r"^│ ([a-z][a-z-]*) {2,}", text, re.MULTILINE):
        yield f"ordercast {command} --help", _python(tree, "-m", "ordercast", command, "--help")


def _python(tree: Path, *args: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "PYTHONHASHSEED": "0",
    }
    run = subprocess.run(
        [sys.executable, *args], cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=120
    )
    return run.stdout + (f"ended with {run.returncode}\n" if run.returncode else "")


def surface_of(commit: str) -> str:
    """The surface of a commit of this repository."""
    packed = subprocess.run(
        ["git", "archive", commit, "src", "docs", "web/client"], cwd=_ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        return "".join(f"=== {name}\n{text.rstrip()}\n" for name, text in surface(Path(folder)))


def main() -> None:
    commits = sys.argv[1:]
    if not 1 <= len(commits) <= 2:
        sys.exit(__doc__)
    texts = [surface_of(commit) for commit in commits]
    if len(texts) == 1:
        print(texts[0], end="")
        return
    before, after = (text.splitlines() for text in texts)
    changes = difflib.unified_diff(before, after, commits[0], commits[1], lineterm="")
    found = "\n".join(changes)
    if found:
        print(found)
        sys.exit(1)


if __name__ == "__main__":
    main()
