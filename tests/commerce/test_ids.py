from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.ids import ALPHABET, RANDOM_BYTES, new_id
from tests.commerce.ids import is_id

times = st.integers(min_value=0, max_value=2**48 - 1)
chances = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_an_id_is_written_as_its_bits_say() -> None:
    assert new_id("ord", 0, bytes(10)) == "ord_" + "0" * 26
    assert new_id("ord", 1, bytes(10)) == "ord_" + "0" * 9 + "1" + "0" * 16
    assert new_id("cus", 0, b"\x00" * 9 + b"\x1f") == "cus_" + "0" * 25 + "z"


@given(times, chances)
def test_an_id_has_all_of_its_time_and_chance(now_ms: int, chance: bytes) -> None:
    digits = new_id("ord", now_ms, chance).removeprefix("ord_")
    read = 0
    for digit in digits:
        read = read * len(ALPHABET) + ALPHABET.index(digit)
    assert read == now_ms << 80 | int.from_bytes(chance, "big")


@given(times, times, chances, chances)
def test_ids_sort_by_the_time_of_their_making(one: int, other: int, chance: bytes, other_chance: bytes) -> None:
    ids = new_id("ord", one, chance), new_id("ord", other, other_chance)
    if one != other:
        assert (ids[0] < ids[1]) == (one < other)
    else:
        assert (ids[0] < ids[1]) == (chance < other_chance)


@given(times, chances)
def test_an_id_reads_as_one_of_its_kind_only(now_ms: int, chance: bytes) -> None:
    made = new_id("prd", now_ms, chance)
    assert is_id(made, "prd")
    assert not is_id(made, "ord")
    assert not is_id(made[:-1], "prd")
    assert not is_id(made[:-1] + "u", "prd")
    assert "u" not in ALPHABET


def test_too_little_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        new_id("ord", 0, b"short")
