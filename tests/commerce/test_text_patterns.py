"""Patterns of texts, with what is said in their place."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import msgspec
import pytest

from ordercast.api.body import in_words
from ordercast.commerce import text_patterns
from ordercast.commerce.text_patterns import explanation_of, text_matching

EVEN = r"^('|\"|\\d)+$"


def test_a_text_of_another_form_is_refused_by_what_is_wanted() -> None:
    wanted = Annotated[str, text_matching(EVEN, "Quotes and digits are wanted")]
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert("a", wanted)
    assert in_words(str(refused.value)) == "Quotes and digits are wanted"


def test_a_pattern_that_nobody_explained_is_not_shown() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert("a", Annotated[str, msgspec.Meta(pattern="^b$")])
    assert in_words(str(refused.value)) == "It is not written as is wanted here"
    assert in_words("Expected `int`, got `str`") == "Expected `int`, got `str`"


@pytest.mark.parametrize(
    ("text", "wanted"), [("2026-12-01", "A moment is wanted"), ("2026-12-01T09:00:00", "A moment needs its offset")]
)
def test_a_moment_is_asked_for_by_an_example(text: str, wanted: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)])
    assert in_words(str(refused.value)).startswith(wanted)


def test_every_sentence_is_of_a_pattern_and_ends_where_a_full_stop_is_put() -> None:
    for quoted, sentence in text_patterns._WANTED.items():
        assert re.compile(eval(quoted)).pattern  # noqa: S307 - as we quoted it
        assert explanation_of(quoted) == sentence
        assert sentence[0].isupper()
        assert sentence[-1] != "."
