"""The acknowledgements that one client owes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.hub import AckTimeout, LimitReached, NotConnected
from ordercast.hub.acks import Acks, value_of


@pytest.mark.parametrize(
    ("args", "value"), [([], None), ([None], None), ([1], 1), ([[1, 2]], [1, 2]), ([None, 2], (None, 2))]
)
def test_an_answer_is_none_one_value_or_a_tuple(args: list[Any], value: Any) -> None:
    assert value_of(args) == value


async def test_each_answer_finds_its_question_once() -> None:
    acks = Acks(10)
    first, second = acks.expect(1), acks.expect(2)

    acks.resolve(2, ["two"])
    acks.resolve(2, ["again"])
    acks.resolve(99, ["nobody's"])
    acks.resolve(1, [])

    assert await Acks.wait(first, "e", 1) is None
    assert await Acks.wait(second, "e", 1) == "two"
    assert repr(acks) == "<Acks pending=0>"


async def test_a_wait_that_is_over_gives_its_place_back() -> None:
    acks = Acks(1)

    with pytest.raises(AckTimeout, match=r"no ack of 'e' within 0\.001 s") as caught:
        await Acks.wait(acks.expect(1), "e", 0.001)
    assert caught.value.answers == []

    acks.expect(2).cancel()
    await asyncio.sleep(0)
    acks.expect(3)
    with pytest.raises(LimitReached, match="acks_pending_max = 1 is reached"):
        acks.expect(4)


async def test_an_end_is_raised_where_somebody_waits_and_is_no_warning_where_nobody_does() -> None:
    acks = Acks(10)
    answered, waited, ignored = acks.expect(1), acks.expect(2), acks.expect(3)
    acks.resolve(1, [1])
    del ignored  # a future with an exception that nobody fetched would be logged as it goes

    acks.fail(NotConnected("sid"))
    acks.resolve(2, ["too late"])

    with pytest.raises(NotConnected, match="socket sid is not connected"):
        await Acks.wait(waited, "e", None)
    assert await Acks.wait(answered, "e", None) == 1
    assert repr(acks) == "<Acks pending=0>"
