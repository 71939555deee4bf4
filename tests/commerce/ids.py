"""The form of an id, as tests of every room look at it."""

from __future__ import annotations

import re

from ordercast.commerce.ids import ALPHABET


def is_id(text: str, prefix: str) -> bool:
    return re.fullmatch(rf"{prefix}_[{ALPHABET}]{{26}}", text) is not None
