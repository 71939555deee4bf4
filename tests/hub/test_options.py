"""Options: their defaults, and that no option can be wrong in silence."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from ordercast.hub import Options
from ordercast.hub import options as options_module

FIELDS = {field.name: field for field in dataclasses.fields(Options)}


def test_the_defaults_are_the_references_where_it_has_them() -> None:
    options = Options()

    assert (options.ping_interval_s, options.ping_timeout_s, options.connect_timeout_s) == (25, 20, 45)
    assert (options.upgrade_timeout_s, options.message_bytes_max, options.path) == (10, 1_000_000, "/socket.io/")


def test_options_are_named_and_do_not_change() -> None:
    with pytest.raises(TypeError):
        Options("/socket.io/")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Options(ping_interval=25)  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().path = "/x/"  # type: ignore[misc]


@pytest.mark.parametrize("name", [name for name in FIELDS if re.search(r"interval|timeout|linger|stall", name)])
def test_the_name_of_a_time_ends_with_its_unit(name: str) -> None:
    assert name.endswith("_s")


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_is_documented(name: str) -> None:
    """A line behind it in the source, which the reference page repeats."""
    source = Path(options_module.__file__).read_text()
    declared = re.search(rf'^    {name}: .*\n    """', source, re.MULTILINE)

    assert declared, name
