"""Why a socket ended, as data: a code, a name, a sentence and a verdict."""

from __future__ import annotations

import pytest

from ordercast.hub import DisconnectReason


def test_reasons_are_the_references_names_and_then_ours_each_with_a_code_that_never_changes() -> None:
    assert {reason.value: reason.code for reason in DisconnectReason} == {
        "server namespace disconnect": 1,
        "client namespace disconnect": 2,
        "server shutting down": 100,
        "forced server close": 101,
        "parse error": 102,
        "ping timeout": 103,
        "transport close": 104,
        "transport error": 105,
        "backlog full": 110,
        "inbox full": 111,
        "taken over": 112,
    }


@pytest.mark.parametrize("reason", DisconnectReason)
def test_a_stock_client_comes_back_unless_the_end_was_meant(reason: DisconnectReason) -> None:
    assert reason.reconnects is (reason.code >= 100)
    assert reason.sentence.endswith(".")


def test_a_reason_is_found_by_its_name_and_prints_as_it() -> None:
    reason = DisconnectReason("transport close")

    assert reason is DisconnectReason.TRANSPORT_CLOSE
    assert f"{reason}" == reason.value == "transport close"


def test_what_is_no_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a valid DisconnectReason"):
        DisconnectReason("no such reason")
