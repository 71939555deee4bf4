#!/usr/bin/env python3
"""Count what makes a house easy or hard to take over, of a commit or of the tree as it lies here.

    scripts/house_figures.py              the working tree
    scripts/house_figures.py v1 HEAD      two commits side by side

The files that one POST passes are those in which a function runs between an order's request and its frame on a
listening socket; a server is started for that, on an embedded database in a folder of its own.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import httpx
import socketio

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ("web/src/api/schema.ts", "src/ordercast/db/migrations/versions/*.sql")
ANSWER_S_MAX = 60.0

# Runs a commit's own server. From the file `begin` on it notes in which source files functions run; `end` writes them.
_TRACED_SERVER = """
import json, sys, threading, time
from pathlib import Path

source, seen = sys.argv.pop(1) + "/", set()

def note(frame, event, argument):
    seen.add(frame.f_code.co_filename)

def watch():
    while not Path("begin").exists():
        time.sleep(0.01)
    seen.clear()
    while not Path("end").exists():
        time.sleep(0.01)
    files = sorted(each.removeprefix(source) for each in [*seen] if each.startswith(source))
    Path("files.part").write_text(json.dumps(files))
    Path("files.part").rename("files.json")

threading.Thread(target=watch, daemon=True).start()
threading.setprofile(note)
sys.setprofile(note)
from ordercast.__main__ import main
sys.exit(main())
"""
_PERSON = {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"}
_ADDRESS = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}


def main(commits: list[str]) -> int:
    if not commits:
        columns = {"here": figures(ROOT)}
    else:
        columns = {}
        for commit in commits:
            with tempfile.TemporaryDirectory() as folder:
                _extract(commit, Path(folder))
                columns[commit] = figures(Path(folder))
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in next(iter(columns.values())):
        print(f"| {name} | {' | '.join(str(column[name]) for column in columns.values())} |")
    return 0


def figures(tree: Path) -> dict[str, int]:
    source = tree / "src" / "ordercast"
    files = sorted(source.rglob("*.py"))
    homes = Counter(name for path in files for name in _classes(path))
    return {
        "source files": len(files),
        "lines of Python": sum(map(_lines, files)),
        "lines of Python that are neither blank, comment nor docstring": sum(map(_statement_lines, files)),
        "files over 400 lines": sum(_lines(path) > 400 for path in files),
        "files that a POST passes to its frame": len(passed_by_a_post(tree)),
        "files in the hub's circles of types": len(_in_circles("ordercast.hub", tree / "src")),
        "lines of SQL and TypeScript in git that are generated": sum(
            map(_lines, (path for pattern in GENERATED for path in _tracked(tree, pattern)))
        ),
        "class names with two homes or more": sum(count > 1 for count in homes.values()),
    }


def passed_by_a_post(tree: Path) -> list[str]:
    """The source files in which functions run from an order's request until a store's socket has its `newOrder`."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONSAFEPATH": "1"}
        server = subprocess.Popen(
            [sys.executable, "-c", _TRACED_SERVER, str(tree / "src" / "ordercast"), "serve", "--port", "0"],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            url = next(line for line in server.stdout if "Ready on" in line).split()[-1]
            token = subprocess.run(
                [sys.executable, "-m", "ordercast", "token", "--role", "store"],
                cwd=folder, env=environment, check=True, capture_output=True, text=True,
            ).stdout.strip()  # fmt: skip
            asyncio.run(_order_watched(url, token, Path(folder)))
            return _written(Path(folder) / "files.json")
        finally:
            server.kill()
            server.wait()


def _written(path: Path) -> list[str]:
    end_s = time.monotonic() + ANSWER_S_MAX
    while not path.exists() and time.monotonic() < end_s:
        time.sleep(0.01)
    files: list[str] = json.loads(path.read_text())
    return files


async def _order_watched(url: str, token: str, folder: Path) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S_MAX) as http, asyncio.timeout(ANSWER_S_MAX):
        product = (await http.get("/api/products")).json()["items"][0]["id"]
        order = {
            "fulfilment": "delivery", "customerInfo": _PERSON, "billingInfo": _ADDRESS, "shippingInfo": _ADDRESS,
            "cartItems": [{"productId": product, "quantity": 1}], "paymentInfo": {"method": "cash"},
        }  # fmt: skip
        emitted = asyncio.Event()
        listener = socketio.AsyncClient()
        listener.on("newOrder", lambda *_: emitted.set())
        await listener.connect(url, auth={"token": token}, transports=["websocket"])
        # Once without being watched: what is loaded or cached by the first order is no step of an order's way.
        (await http.post("/api/orders", json=order)).raise_for_status()
        await emitted.wait()
        emitted.clear()
        (folder / "begin").touch()
        await asyncio.sleep(0.1)
        (await http.post("/api/orders", json=order)).raise_for_status()
        await emitted.wait()
        (folder / "end").touch()
        await listener.disconnect()


def _extract(commit: str, folder: Path) -> None:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(folder, filter="data")


def _tracked(tree: Path, pattern: str) -> list[Path]:
    """What matches; in the working tree, what git does not ignore."""
    found = sorted(tree.glob(pattern))
    if tree != ROOT:
        return found
    return [
        path for path in found if subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode
    ]


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _statement_lines(path: Path) -> int:
    text = path.read_text()
    numbers: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and not _is_docstring(node):
            numbers.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and _is_docstring(node):
            numbers.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = text.splitlines()
    return sum(bool(stripped := lines[number - 1].strip()) and stripped[0] != "#" for number in numbers)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _classes(path: Path) -> set[str]:
    """The names of its public and private classes, without those within functions."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}


def _in_circles(package: str, source: Path) -> set[str]:
    """The files that can only be read together with another one: each strongly connected set of more than one."""
    cycles = _script("import-cycles")
    known = cycles.files_of(package, source)
    imports = {name: {*cycles.imports_of(name, path, known)} for name, path in known.items()}
    reached = {name: _reachable(name, imports) for name in imports}
    return {name for name in imports if any(name in reached[other] for other in reached[name] if other != name)}


def _reachable(name: str, imports: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for target in imports[waiting.pop()] - found:
            found.add(target)
            waiting.append(target)
    return found


def _script(name: str) -> ModuleType:
    loader = SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
