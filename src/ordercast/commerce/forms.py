"""Forms of texts: a pattern, and beside it the sentence for who wrote something else.

A pattern is for machines: it stands in the API document. What was refused is told in words.
"""

from __future__ import annotations

from typing import Any

from msgspec import Meta

_WANTED: dict[str, str] = {}


def form(pattern: str, wanted: str, **more: Any) -> Meta:
    """The constraint of a text that matches `pattern`; `wanted` is what a refusal says, such as "A day is wanted"."""
    return Meta(pattern=explained(pattern, wanted), **more)


def explained(pattern: str, wanted: str) -> str:
    """The pattern; that `wanted` is said where it is not matched is kept."""
    _WANTED[repr(pattern)] = wanted
    return pattern


def wanted_form(quoted: str) -> str | None:
    """What is wanted in place of a text that did not match the pattern, as msgspec quotes it; None for one that is not
    known here.
    """
    return _WANTED.get(quoted)
