"""The units of systemd: what they say is known there, and fits what the program does."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from ordercast.app import STOP_S_MAX
from ordercast.config import Settings
from ordercast.hub import Options

UNITS = Path(__file__).parents[2] / "deploy/systemd"


def unit(name: str) -> dict[str, list[tuple[str, str]]]:
    """Its sections; an option may come several times."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            option, _, value = line.partition("=")
            section.append((option, value))
    return sections


SERVICE = unit("ordercast@.service")


def said(option: str) -> str:
    [value] = [value for name, value in SERVICE["Service"] if name == option]
    return value


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    text = (UNITS / "ordercast@.service").read_text()
    (tmp_path / "ordercast@.service").write_text(
        text.replace("/opt/ordercast/bin/ordercast", shutil.which("true") or "")
    )
    shutil.copy(UNITS / "ordercast.target", tmp_path)

    result = subprocess.run(
        ["systemd-analyze", "verify", "./ordercast@n1.service", "./ordercast.target"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ordercast" not in result.stderr, result.stderr
    assert result.returncode == 0


def test_both_units_can_be_read() -> None:
    for path in UNITS.iterdir():
        parser = configparser.RawConfigParser(strict=False, interpolation=None)
        parser.read(path)
        assert parser.has_section("Install"), path


def test_a_stop_ends_by_itself_before_systemd_would_end_it() -> None:
    assert float(said("TimeoutStopSec")) > Settings().drain_s + STOP_S_MAX
    assert said("KillSignal") == "SIGTERM"
    assert said("Type") == "notify"


def test_a_node_may_open_as_many_files_as_it_takes_sessions() -> None:
    assert int(said("LimitNOFILE")) > Options().sessions_max * 1.2


def test_a_node_is_named_by_its_instance_and_every_variable_is_a_setting() -> None:
    variables = dict(value.split("=") for name, value in SERVICE["Service"] if name == "Environment")
    assert variables["ORDERCAST_NODE"] == "%i"
    fields = {f"ORDERCAST_{field.upper()}" for field in Settings.__struct_fields__}
    assert set(variables) <= fields


@pytest.mark.parametrize(
    "option", ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictNamespaces", "LockPersonality", "DynamicUser"]
)
def test_a_node_may_do_no_more_than_it_needs(option: str) -> None:
    assert said(option) == "yes"
    assert said("ProtectSystem") == "strict"
    assert said("CapabilityBoundingSet") == ""
