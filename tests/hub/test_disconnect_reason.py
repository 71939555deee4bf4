"""The words that a disconnect handler is given."""

from __future__ import annotations

from ordercast.hub import DisconnectReason


def test_reasons_are_the_references_words_and_then_ours() -> None:
    assert [reason.value for reason in DisconnectReason] == [
        "server namespace disconnect",
        "client namespace disconnect",
        "server shutting down",
        "forced server close",
        "parse error",
        "ping timeout",
        "transport close",
        "transport error",
        "backlog full",
        "inbox full",
        "taken over",
    ]


def test_a_reason_prints_as_its_words() -> None:
    reason = DisconnectReason("transport close")

    assert reason is DisconnectReason.TRANSPORT_CLOSE
    assert f"{reason}" == "transport close"
