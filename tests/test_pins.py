"""The pins are whole for every Python that may install them, not for the one that compiled them alone."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def pinned(file: str) -> dict[str, Requirement]:
    lines = (line.rstrip("\\ ") for line in (ROOT / file).read_text().splitlines() if "==" in line and line[0] != " ")
    found = map(Requirement, lines)
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def wanted(name: str, environment: dict[str, str]) -> Iterator[str]:
    for text in requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(environment | {"extra": ""}):
            yield canonicalize_name(requirement.name)


# Debian 12 has 3.11.2; between 3.11.2 and 3.11.3 alone one of ours needs another package.
@pytest.mark.parametrize("version", ["3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_what_a_pinned_package_needs_is_pinned_too(file: str, version: str) -> None:
    python = {"python_full_version": version, "python_version": ".".join(version.split(".")[:2])}
    environment = {name: str(value) for name, value in default_environment().items()} | python
    pins = pinned(file)
    missing = set()
    for name, requirement in pins.items():
        if requirement.marker is None or requirement.marker.evaluate(environment):
            try:
                missing |= {(name, need) for need in wanted(name, environment) if need not in pins}
            except PackageNotFoundError:
                continue  # it is for another Python than ours, which is seen by whoever needs it alone
    assert len(pins) > 20
    assert missing == set()
