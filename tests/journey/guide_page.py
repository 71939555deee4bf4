"""A guide as its reader follows it: commands, answers and changes of files are read from the page, in their turn.

Only what a reader replaces too is replaced: addresses, and packages that are there already (`npm install`).
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from tests.forked import run
from tests.payments.services import NODE
from tests.ports import free_port
from tests.waiting import eventually

from .shop import Shop

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ROOT / "tests/clients/node_modules"
BUYERS: Final = 4
CONFIRMED_FIRST: Final = 10
_SECTION: Final = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
# On every machine, what the pages use of it: `curl -s ADDRESS -H HEADER -d BODY`.
_CURL: Final = f"""\
#!{sys.executable} -ES
import sys, urllib.request
address, *options = [word for word in sys.argv[1:] if word != "-s"]
headers = [value.split(": ", 1) for name, value in zip(options, options[1:]) if name == "-H"]
body = options[options.index("-d") + 1].encode()
request = urllib.request.Request(f"http://{{address}}", data=body, headers=dict(headers))
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Reader:
    """Whoever follows a page of `docs/guides`, in a folder that is empty but for Ordercast's own. `npm start` and
    `ordercast serve` go on, and may be killed and started again.
    """

    def __init__(self, page: str, folder: Path, replaced: Mapping[str, str]) -> None:
        self._sections = dict(_SECTION.findall((ROOT / "docs/guides" / page).read_text()))
        self._folder = folder
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
        self.node = Shop(folder / "shop", {"ORDERCAST_DEMO": "false"})
        self.back_end = BackEnd(folder / "shop")
        self._replaced = {
            "localhost:3000": f"127.0.0.1:{self.node.port}",
            "localhost:4000": f"127.0.0.1:{self.back_end.port}",
            "$(openssl rand -hex 32)": secrets.token_hex(32),
            **replaced,
        }
        (folder / "ordercast").symlink_to(ROOT)
        (folder / "bin").mkdir()
        curl = folder / "bin/curl"
        curl.write_text(_CURL)
        curl.chmod(0o755)
        self._environ["PATH"] = f"{curl.parent}:{self._environ['PATH']}"

    def follow(self, section: str) -> None:
        """Do what a section says, and see what it shows."""
        for language, body in _BLOCK.findall(self._sections[section]):
            match language:
                case "console":
                    for command, answer in _commands(body):
                        written = self._do(self._of_mine(command))
                        assert answer in written, f"{command}\n{written}"
                case "diff":
                    self._change(*_change(body))
                case "toml":
                    assert any(body in file.read_text() for file in self._folder.glob("*.toml"))

    def _of_mine(self, text: str) -> str:
        for theirs, mine in self._replaced.items():
            text = text.replace(theirs, mine)
        return text

    def _change(self, name: str, before: str, after: str) -> None:
        file = self._folder / name
        text = file.read_text()
        assert text.count(before) == 1, f"{name} has not once:\n{before}"
        file.write_text(text.replace(before, after))

    def _do(self, command: str) -> str:
        match command.split()[:2]:
            case ["npm", "install"]:
                (self._folder / "node_modules").symlink_to(PACKAGES)
            case ["npm", "start"]:
                self.back_end.kill()
                self.back_end.start(self._environ)
            case ["ordercast", "serve"]:
                self.node.kill()
                own = {name: value for name, value in self._environ.items() if name.startswith("ORDERCAST_")}
                self.node.change_settings(**own)
                self.node.start()
            case ["ordercast", _]:
                return self._ordercast(command.removeprefix("ordercast "))
            case _:
                return self._shell(command)
        return ""

    def _shell(self, command: str) -> str:
        """In a shell, whose folder and variables are the next command's."""
        left = self._folder.parent / f"left-{secrets.token_hex(4)}"
        ending = f'status=$?; (env -0; printf "LEFT_IN=%s" "$PWD") > {left}; exit $status'
        lines = ["bash", "-c", f"set -a; {command}\n{ending}"]
        done = subprocess.run(lines, cwd=self._folder, env=self._environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self._environ = dict(each.split("=", maxsplit=1) for each in left.read_text().split("\0"))
        self._folder = Path(self._environ.pop("LEFT_IN"))
        return done.stdout

    def _ordercast(self, command: str) -> str:
        words, _, file = command.partition(" > ")
        if file:
            (self._folder / file).touch()  # as a shell does, before the command is run
        done = run(words.split(), cwd=self._folder, env=self._environ)
        assert done.returncode == 0, done.stderr
        if file:
            (self._folder / file).write_text(done.stdout)
        return done.stdout

    def order(self, customer: str) -> None:
        """By the shop's own HTTP. Raises httpx.TransportError where the shop does not answer."""
        raise NotImplementedError

    def crash_under_buyers(self) -> set[str]:
        """Kill the back end while it sells, and start it again; gives the customers whose orders it had confirmed."""
        numbers, answered = count(), set[str]()

        def buy() -> None:
            with suppress(httpx.TransportError):  # it was killed, in the middle of this one
                while True:
                    customer = f"crowd {next(numbers)}"
                    self.order(customer)
                    answered.add(customer)

        with ThreadPoolExecutor(BUYERS) as buyers:
            buying = [buyers.submit(buy) for _ in range(BUYERS)]
            try:
                eventually(lambda: len(answered) >= CONFIRMED_FIRST)
            finally:
                self.back_end.kill()
        for each in buying:
            each.result()
        self.back_end.start()
        return answered

    def end(self) -> None:
        self.back_end.kill()
        self.node.kill()


class BackEnd:
    """A shop's own server."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._environ: Mapping[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self, environ: Mapping[str, str] | None = None) -> None:
        """As its `npm start` does; again as before, if nothing else is said."""
        self._environ = {**(environ or self._environ), "PORT": str(self.port)}
        self._process = subprocess.Popen(
            [NODE, "server.js"], cwd=self._folder, env=self._environ, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "it did not start"  # it says so once it listens

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _commands(body: str) -> Iterator[tuple[str, str]]:
    """What stands behind `$`, indented lines among it, and what is shown below as its answer."""
    for part in body.removeprefix("$ ").split("\n$ "):
        command, *lines = part.splitlines()
        more = [line for line in lines if line.startswith("    ")]
        yield "\n".join([command, *more]), "\n".join(lines[len(more) :])


def _change(body: str) -> tuple[str, str, str]:
    """File, what stands in it, and what shall stand there."""
    name, *lines = body.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in "- ")
    after = "".join(line[1:] for line in lines if line[0] in "+ ")
    return name.removeprefix("--- ").strip(), before, after
