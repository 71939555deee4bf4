"""The first command on a machine that cannot make virtual environments, or has half of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/make-venv"

# What Debian's python3 does without the package python3-venv: it leaves an environment without pip.
CRIPPLED = f"""#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p "$3/bin"; ln -sf {sys.executable} "$3/bin/python"; echo "ensurepip is not available"; exit 1;;
  *"import ensurepip"*) exit 1;;
  *) exec {sys.executable} "$@";;
esac
"""


def make(python: str | Path, venv: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, python, venv], capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def crippled(tmp_path: Path) -> Path:
    path = tmp_path / "python3"
    path.write_text(CRIPPLED)
    path.chmod(0o755)
    return path


def test_a_python_without_venv_names_the_package_and_leaves_nothing_behind(tmp_path: Path, crippled: Path) -> None:
    done = make(crippled, tmp_path / "venv")

    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_half_an_environment_is_made_anew_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")

    assert make(sys.executable, venv).returncode == 0
    pip = subprocess.run([venv / "bin/python", "-m", "pip", "--version"], capture_output=True, check=True, text=True)
    assert str(venv) in pip.stdout
    made = (venv / "pyvenv.cfg").stat().st_mtime_ns
    assert make(sys.executable, venv).returncode == 0
    assert (venv / "pyvenv.cfg").stat().st_mtime_ns == made


def test_a_python_that_is_none_is_named(tmp_path: Path) -> None:
    done = make("python-that-is-none", tmp_path / "venv")

    assert done.returncode == 1
    assert "Ordercast needs Python 3.11 or newer" in done.stderr
