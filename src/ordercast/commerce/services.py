"""Services that can be booked, and the carers who do them."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from msgspec import Struct

from .catalogue import DEMO_CURRENCY
from .ids import RANDOM_BYTES, new_id
from .slots import DAY_MINUTES, WEEKDAYS, Offer, WeekHours, weekly

DURATION_MIN: Final = 5
DURATION_MAX: Final = DAY_MINUTES
"""The longest service: a night; longer ones are several bookings."""
CARERS_MAX: Final = 200
"""Carers per service: a search for free times reads all their diaries."""
DAYS_AHEAD_MAX: Final = 2 * 366
"""How far ahead bookings are allowed."""


class Service(Struct, frozen=True, rename="camel"):
    """A service that can be booked. `price` is in minor units of `currency`."""

    id: str
    name: str
    name_bn: str
    description: str
    description_bn: str
    duration_minutes: int
    slot_minutes: int
    """The interval of slots in minutes, from the beginning of a shift."""
    price: int
    currency: str
    carer_ids: list[str]
    """The carers who can do it."""
    active: bool = True
    """Whether it can be booked now."""
    version: int = 1

    @property
    def offer(self) -> Offer:
        return Offer(self.duration_minutes, self.slot_minutes)


DEMO_HOURS: Final = weekly({day: [("08:00", "12:00"), ("13:00", "20:00")] for day in WEEKDAYS})
"""Every day, so that the demo works on weekends."""


def _demo(slug: str, duration: int, price: int, *, en: tuple[str, str], bn: tuple[str, str]) -> Service:
    # Derived from the slug, so that seeding twice is idempotent.
    service_id = new_id("svc", 1_760_000_000_000, sha256(slug.encode()).digest()[:RANDOM_BYTES])
    return Service(service_id, en[0], bn[0], en[1], bn[1], duration, 30, price, DEMO_CURRENCY, [])


DEMO_SERVICES: Final = (
    _demo(
        "home-care", 60, 50_000,
        en=("Home care", "An hour of help at home: washing, dressing, company."),
        bn=("বাড়িতে সেবা", "বাড়িতে এক ঘণ্টার সহায়তা: গোসল, পোশাক, সঙ্গ।"),
    ),
    _demo(
        "nurse-visit", 45, 80_000,
        en=("Nurse's visit", "Dressings, injections, blood pressure, by a trained nurse."),
        bn=("নার্সের ভিজিট", "ড্রেসিং, ইনজেকশন, রক্তচাপ, প্রশিক্ষিত নার্সের হাতে।"),
    ),
    _demo(
        "physiotherapy", 90, 120_000,
        en=("Physiotherapy", "Exercises after an operation, a fall or a stroke."),
        bn=("ফিজিওথেরাপি", "অপারেশন, পড়ে যাওয়া বা স্ট্রোকের পরের ব্যায়াম।"),
    ),
)  # fmt: skip


class Carer(Struct, frozen=True, rename="camel"):
    """A carer: an account of that role, with working hours in the shop's time zone."""

    id: str
    name: str
    active: bool
    hours: WeekHours
    days_off: list[str]
    version: int
    """The version of the hours and days off."""
