"""The digits of each currency are the standard's."""

from __future__ import annotations

import pytest

from ordercast.commerce.currencies import exponent_of, is_in_use, minor_digits, unusual_digits
from ordercast.commerce.money import Money


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(2_990, "ISK"), "ISK 2990"),
        (Money(5_125, "JOD"), "JOD 5.125"),
        (Money(299_000, "HUF"), "HUF 2990.00"),
        (Money(299_000, "IDR"), "IDR 2990.00"),
        (Money(45_000, "UGX"), "UGX 45000"),
        (Money(12_345, "CLF"), "CLF 1.2345"),
        (Money(100, "HRK"), "HRK 1.00"),  # of before the euro
    ],
    ids=str,
)
def test_an_amount_is_written_with_the_digits_of_its_currency(amount: Money, text: str) -> None:
    assert str(amount) == text


def test_the_table_is_whole() -> None:
    assert len(minor_digits()) > 150
    assert {exponent_of(code) for code in minor_digits()} == {0, 2, 3, 4}
    assert unusual_digits() == {code: digits for code, digits in minor_digits().items() if digits != 2}
    assert not any(is_in_use(code) for code in ("ABC", "XXX", "XAU", "bdt", ""))
