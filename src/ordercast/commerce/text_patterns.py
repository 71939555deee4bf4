"""Patterns of texts, each with the sentence for whoever wrote something else.

The pattern is for the API document; the sentence is for the error's text.
"""

from __future__ import annotations

from typing import Any

from msgspec import Meta

_WANTED: dict[str, str] = {}


def text_matching(pattern: str, wanted: str, **more: Any) -> Meta:
    """The constraint of a text that matches `pattern`; `wanted` is what a refusal says, such as "A day is wanted"."""
    return Meta(pattern=with_explanation(pattern, wanted), **more)


def with_explanation(pattern: str, wanted: str) -> str:
    """Register `wanted` as the error text for the pattern, and return the pattern."""
    _WANTED[repr(pattern)] = wanted
    return pattern


def explanation_of(quoted: str) -> str | None:
    """What is wanted in place of a text that did not match the pattern, as msgspec quotes it; None for one that is not
    known here.
    """
    return _WANTED.get(quoted)
