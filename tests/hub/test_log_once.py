"""Names that strangers send: one line for each, and no more than so many."""

from __future__ import annotations

import pytest

from ordercast.hub.log_once import LOGGED_MAX, SHOWN_MAX, LogOnce


def test_a_name_is_logged_once_and_its_sentence_given_each_time(caplog: pytest.LogCaptureFixture) -> None:
    refused = LogOnce(lambda name: f"{name} is refused.")

    assert [refused.report("a"), refused.report("b"), refused.report("a")] == [
        "a is refused.",
        "b is refused.",
        "a is refused.",
    ]
    assert caplog.messages == ["a is refused.", "b is refused."]
    assert repr(refused) == "<LogOnce 2 logged>"


def test_a_name_is_shown_in_printable_characters_and_not_at_any_length(caplog: pytest.LogCaptureFixture) -> None:
    refused = LogOnce(str)

    assert refused.report("a b\n\x1b[31mé%s") == "a?b??[31m?%s"
    assert refused.report("x" * 1_000) == "x" * SHOWN_MAX
    assert caplog.messages == ["a?b??[31m?%s", "x" * SHOWN_MAX]


def test_made_up_names_fill_neither_log_nor_memory(caplog: pytest.LogCaptureFixture) -> None:
    refused = LogOnce(str)
    for number in range(LOGGED_MAX + 50):
        refused.report(f"name{number}")

    assert (len(caplog.messages), len(refused)) == (LOGGED_MAX, LOGGED_MAX)
