from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.money import BASIS_POINTS, Money, tax_on_line


@pytest.mark.parametrize(
    ("amount", "rate_bp", "tax"),
    [(1000, 500, 50), (10, 500, 1), (9, 500, 0), (30, 500, 2), (2995, 1500, 449), (0, 1500, 0), (100, 0, 0)],
)
def test_tax_is_rounded_half_up(amount: int, rate_bp: int, tax: int) -> None:
    assert tax_on_line(amount, rate_bp) == tax


@given(st.integers(0, 10**13), st.integers(0, 5000))
def test_tax_is_never_half_a_unit_away_from_the_exact_one(amount: int, rate_bp: int) -> None:
    exact = Fraction(amount * rate_bp, BASIS_POINTS)
    assert Fraction(-1, 2) < tax_on_line(amount, rate_bp) - exact <= Fraction(1, 2)


def test_money_is_written_with_its_currencys_digits() -> None:
    assert str(Money(14400, "BDT")) == "BDT 144.00"
    assert str(Money(-5, "EUR")) == "EUR -0.05"
    assert str(Money(500, "JPY")) == "JPY 500"
    assert str(Money(1234, "KWD")) == "KWD 1.234"
