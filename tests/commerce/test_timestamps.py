from __future__ import annotations

from ordercast.commerce.timestamps import timestamp


def test_a_moment_is_rfc_3339_in_utc_with_milliseconds() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_795_241_719_608) == "2026-11-21T06:15:19.608Z"
    assert timestamp(1_795_241_719_009) == "2026-11-21T06:15:19.009Z"
