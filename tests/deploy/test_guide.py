"""The guide to several nodes names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ordercast import telemetry
from ordercast.config import Settings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/from-one-process-to-ten-nodes.md").read_text()


def test_the_figures_to_watch_are_served() -> None:
    assert telemetry.PARTS_UP is not None  # loaded, so they are registered
    served = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    served |= {metric.name + suffix for metric in REGISTRY.collect() for suffix in ("", "_total")}
    named = set(re.findall(r"`((?:ordercast|process)_\w+)`", GUIDE))
    assert len(named) > 8
    assert named <= served


def test_every_variable_is_a_setting() -> None:
    fields = {f"ORDERCAST_{field.upper()}" for field in Settings.__struct_fields__}
    assert set(re.findall(r"ORDERCAST_[A-Z_]*[A-Z]", GUIDE)) <= fields


@pytest.mark.parametrize("path", sorted(set(re.findall(r"deploy/[\w./@-]*\w", GUIDE))))
def test_the_files_that_it_copies_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_builds_the_package_is_installed_or_fetched() -> None:
    """Without isolation pip builds with what is there already, which no requirements of serving bring."""
    assert "--no-build-isolation" not in GUIDE or "requirements-build.txt" in GUIDE
