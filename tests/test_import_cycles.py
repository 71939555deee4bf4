"""Files of a package can be read one after another: no circle among them, imports for types included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts/import-cycles"


def count(*packages: str, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, script, *packages], capture_output=True, text=True, check=False, timeout=60)


def test_no_files_of_these_packages_need_each_other() -> None:
    counted = count("ordercast.hub", "ordercast.contrib", "ordercast.wire")

    assert counted.returncode == 0, counted.stdout


@pytest.mark.parametrize(
    ("imports", "circles"),
    [
        ("from .two import b", 1),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import two",
            1,
        ),
        ("def later() -> None:\n    from a_package.two import b", 1),
        ("from json import dumps", 0),
    ],
)
def test_a_circle_is_found_wherever_its_import_stands(tmp_path: Path, imports: str, circles: int) -> None:
    package, script = tmp_path / "src/a_package", tmp_path / "scripts/import-cycles"
    package.mkdir(parents=True)
    script.parent.mkdir()
    script.write_text(SCRIPT.read_text())
    (package / "__init__.py").touch()
    (package / "one.py").write_text(imports)
    (package / "two.py").write_text("from .one import a")

    counted = count("a_package", script=script)

    assert (counted.returncode, f"{circles} circles" in counted.stdout) == (circles, True), counted.stdout
    assert ("one -> two -> one" in counted.stdout or "two -> one -> two" in counted.stdout) is bool(circles)
