"""Which fields an edit names."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


def given(edit: Struct, *, besides: frozenset[str]) -> dict[str, Any]:
    """The fields that a request names, by their own names, without those in `besides`."""
    values = {name: getattr(edit, name) for name in edit.__struct_fields__ if name not in besides}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}
