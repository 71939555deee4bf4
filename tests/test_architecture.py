"""The page that a newcomer reads first is true: its drawing is that of the import contracts."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
RIVER = "Imports only go down the river"


def layers() -> dict[str, int]:
    """How far down the river each room lies."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (river,) = [contract["layers"] for contract in contracts if contract["name"] == RIVER]
    return {
        name.strip().removeprefix("ordercast."): depth for depth, layer in enumerate(river) for name in layer.split("|")
    }


def drawn() -> list[list[str]]:
    """The rooms on each line of the drawing, from above."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    drawing = re.search(r"## Who may import whom\n+```\n(.*?)```", page, re.DOTALL)
    assert drawing is not None
    return [[word for word in re.findall(r"[a-z_]+", line) if word in layers()] for line in drawing[1].splitlines()]


def test_every_room_is_in_the_drawing() -> None:
    rooms = {path.parent.name for path in (ROOT / "src/ordercast").glob("*/__init__.py")}

    assert rooms - {room for line in drawn() for room in line} == set()
    assert rooms - set(layers()) == set(), "a room that no contract knows"


def test_who_stands_below_lies_further_down_the_river() -> None:
    depths = [[layers()[room] for room in line] for line in drawn()]

    assert all(max(above) < min(below) for above, below in pairwise(depths)), depths
