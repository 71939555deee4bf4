"""What the first load of each page weighs, as it is sent: compressed by brotli, in English."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from ordercast.api.page_translations import read_page_manifest
from ordercast.api.pages import PAGES

APPLICATION: Final = "index.html"
BYTES_MAX: Final = {
    "home": 125_000,
    "shop": 132_000,
    "orders": 125_000,
    "driver": 125_000,
    "chat": 130_000,
    "admin": 190_000,
    "archive": 130_000,
    "test-socket": 125_000,
    "not-found": 125_000,
}
"""Of the application, whose first page brings what all of them share."""
TRACK_BYTES_MAX: Final = 65_000
BENGALI_BYTES_MAX: Final = 12_000


@cache
def build_manifest() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((PAGES / "build-manifest.json").read_bytes())
    return found


def files_of(entry: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The files of an entry of the build, and of all that it imports at once."""
    if entry in seen:
        return set()
    chunk = build_manifest()[entry]
    imported = (files_of(each, seen | {entry}) for each in chunk.get("imports", ()))
    return {chunk["file"], *chunk.get("css", ())}.union(*imported)


def weight(paths: set[str]) -> int:
    return sum(sent_bytes(PAGES / path.removeprefix("/")) for path in paths)


def sent_bytes(path: Path) -> int:
    compressed = path.with_name(f"{path.name}.br")
    return (compressed if compressed.is_file() else path).stat().st_size


@pytest.mark.parametrize("page", BYTES_MAX)
def test_a_page_of_the_application_stays_within_its_weight(page: str) -> None:
    files = {APPLICATION} | files_of(APPLICATION) | files_of(f"src/features/{page}/index.tsx")
    assert 40_000 < weight(files) <= BYTES_MAX[page], f"{page} weighs {weight(files)} bytes"


def test_an_orders_page_is_small_enough_for_a_slow_line() -> None:
    manifest = read_page_manifest(PAGES)
    assert manifest is not None
    files = {"track.html", *manifest.scripts, *manifest.styles}
    assert 20_000 < weight(files) <= TRACK_BYTES_MAX, f"weighs {weight(files)} bytes"
    sentences = set(manifest.languages["bn"].scripts)
    assert 2_000 < weight(sentences) <= BENGALI_BYTES_MAX
