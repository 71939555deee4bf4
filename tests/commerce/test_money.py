from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.money import BASIS_POINTS, Money, Rounding, allocate, divided, tax_on_line


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


@given(st.integers(0, 10**15), st.integers(1, 20_000), st.sampled_from(Rounding))
def test_a_division_is_the_nearest_whole_and_a_half_goes_where_the_shop_says(
    numerator: int, denominator: int, rounding: Rounding
) -> None:
    exact = Fraction(numerator, denominator)
    whole = divided(numerator, denominator, rounding)
    if exact - int(exact) == Fraction(1, 2):
        halves = {Rounding.HALF_UP: int(exact) + 1, Rounding.HALF_EVEN: round(exact)}
        assert whole == halves[rounding]
    else:
        assert abs(whole - exact) < Fraction(1, 2)


@pytest.mark.parametrize(("numerator", "up", "even"), [(1, 1, 0), (3, 2, 2), (5, 3, 2), (7, 4, 4)])
def test_halves(numerator: int, up: int, even: int) -> None:
    assert divided(numerator, 2, Rounding.HALF_UP) == up
    assert divided(numerator, 2, Rounding.HALF_EVEN) == even


@given(st.integers(0, 10**12), st.integers(0, BASIS_POINTS))
def test_tax_that_is_included_is_what_the_net_price_bears(gross: int, rate_bp: int) -> None:
    tax = tax_on_line(gross, rate_bp, included=True)
    exact = Fraction(gross * rate_bp, BASIS_POINTS + rate_bp)
    assert 0 <= tax <= gross
    assert abs(tax - exact) <= Fraction(1, 2)


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200), st.data())
def test_what_is_shared_out_adds_up_and_takes_no_more_than_there_is(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    shares = allocate(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight
        assert abs(share - Fraction(amount * weight, sum(weights) or 1)) < 1


def test_money_is_written_with_its_currencys_digits() -> None:
    assert str(Money(14400, "BDT")) == "BDT 144.00"
    assert str(Money(-5, "EUR")) == "EUR -0.05"
    assert str(Money(500, "JPY")) == "JPY 500"
    assert str(Money(1234, "KWD")) == "KWD 1.234"
