from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from ordercast.commerce.letters import Language
from ordercast.commerce.local_times import written_out


def test_a_moment_is_written_out_by_the_clock_and_in_the_language_of_its_reader() -> None:
    at = "2026-12-01T20:05:00.000Z"
    assert written_out(at, UTC, Language.ENGLISH) == "Tuesday, 1 December 2026, 20:05"
    assert written_out(at, ZoneInfo("Asia/Dhaka"), Language.ENGLISH) == "Wednesday, 2 December 2026, 02:05"
    assert written_out(at, ZoneInfo("Asia/Dhaka"), Language.BENGALI) == "বুধবার, ২ ডিসেম্বর ২০২৬, ০২:০৫"
