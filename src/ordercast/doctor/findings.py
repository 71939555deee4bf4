"""What an examination finds."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    GOOD = "good"
    NOTE = "note"
    """Worth knowing; clients work."""
    FAULT = "fault"
    """Some client does not work, or not well."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    """A word of what was looked at: ``websocket``."""
    verdict: Verdict
    sentence: str
    remedy: str = ""
    """What to change, and where; of a fault."""


class StopExamination(Exception):
    """What was found makes further looking pointless."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def good(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.GOOD, sentence)


def note(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.NOTE, sentence)


def fault(check: str, sentence: str, remedy: str) -> Finding:
    return Finding(check, Verdict.FAULT, sentence, remedy)
