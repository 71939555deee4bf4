"""Formats times for people in the shop's time zone, in English and Bengali."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from .letters import Language

_DAYS: Final = {
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    Language.BENGALI: ("সোমবার", "মঙ্গলবার", "বুধবার", "বৃহস্পতিবার", "শুক্রবার", "শনিবার", "রবিবার"),
}
_MONTHS: Final = {
    Language.ENGLISH: (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    Language.BENGALI: (
        "জানুয়ারি", "ফেব্রুয়ারি", "মার্চ", "এপ্রিল", "মে", "জুন", "জুলাই", "আগস্ট", "সেপ্টেম্বর", "অক্টোবর", "নভেম্বর",
        "ডিসেম্বর",
    ),
}  # fmt: skip
_BENGALI_DIGITS: Final = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def day_and_month(local: datetime, language: Language) -> str:
    """As ``1 December``."""
    text = f"{local.day} {_MONTHS[language][local.month - 1]}"
    return text.translate(_BENGALI_DIGITS) if language is Language.BENGALI else text


def written_out(at: str, zone: tzinfo, language: Language) -> str:
    """As ``Tuesday, 1 December 2026, 10:00``."""
    local = datetime.fromisoformat(at).astimezone(zone)
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    text = f"{day}, {local.day} {month} {local.year}, {local:%H:%M}"
    return text.translate(_BENGALI_DIGITS) if language is Language.BENGALI else text
