"""A token bucket, with time moved by hand; and a socket that has one."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.hub import DisconnectReason, Options, Rate, Server, TokenBuckets
from ordercast.hub.token_bucket import TokenBucket
from tests.hub.links import connect, settle
from tests.waiting import until


def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    budget = TokenBucket(10, burst=3)

    assert [budget.take(100.0) for _ in range(3)] == [0, 0, 0]
    assert budget.take(100.0) == pytest.approx(0.1)
    assert budget.take(100.1) == 0
    assert budget.take(100.1) == pytest.approx(0.1)


def test_a_silence_fills_it_up_and_no_further() -> None:
    budget = TokenBucket(10, burst=2)
    for _ in range(2):
        budget.take(0.0)

    assert [budget.take(1_000.0) for _ in range(2)] == [0, 0]
    assert budget.take(1_000.0) > 0


@given(st.floats(0.5, 1_000), st.integers(1, 20), st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_nobody_gets_more_than_a_burst_beyond_the_rate(rate: float, burst: int, pauses: list[float]) -> None:
    budget = TokenBucket(rate, burst)
    now_s = taken = 0
    for pause in pauses:
        now_s += pause  # type: ignore[assignment]
        taken += not budget.take(now_s)

    assert taken <= burst + rate * now_s + 1e-6


@given(st.floats(0.5, 1_000), st.integers(1, 20), st.floats(0, 1e6))
def test_who_waits_as_long_as_given_gets_one(rate: float, burst: int, now_s: float) -> None:
    budget = TokenBucket(rate, burst)
    while not (wait_s := budget.take(now_s)):
        pass

    assert budget.take(now_s + wait_s) == 0


async def test_events_past_the_rate_wait_in_order_and_none_is_lost() -> None:
    server = Server(Options(events_per_second_max=200, events_burst_max=3))
    handled: list[int] = []
    server.event("e", lambda _socket, n: handled.append(n))
    fast, other = connect(server), connect(server)

    began = server.loop.time()
    fast.receive(*[f'2["e",{n}]' for n in range(9)])
    other.receive('2["e",100]')
    assert handled == [0, 1, 2, 100], "others are not held"
    await until(lambda: len(handled) == 10)

    assert handled == [0, 1, 2, 100, 3, 4, 5, 6, 7, 8]
    assert server.loop.time() - began >= 6 / 200


async def test_only_who_never_stops_is_closed() -> None:
    server = Server(Options(events_per_second_max=1, events_burst_max=1, inbox_packets_max=5))
    link = connect(server)

    link.receive(*['2["e"]'] * 6)
    assert len(server.clients) == 1
    link.receive('2["e"]')

    assert link.closed_for is DisconnectReason.INBOX_FULL
    await server.close()


async def test_the_end_of_a_socket_ends_its_waiting_events() -> None:
    server = Server(Options(events_per_second_max=100, events_burst_max=1))
    handled: list[int] = []
    server.event("e", lambda _socket: handled.append(1))
    link = connect(server)
    link.receive('2["e"]', '2["e"]')

    link.lose()
    await asyncio.sleep(0.02)
    await settle()

    assert handled == [1]


TEN_A_MINUTE = Rate.parse("10/1m")


def test_buckets_are_each_keys_own() -> None:
    buckets = TokenBuckets()
    assert [buckets.take("a", TEN_A_MINUTE, 0.0) for _ in range(10)] == [0] * 10
    assert buckets.take("a", TEN_A_MINUTE, 0.0) == pytest.approx(6)
    assert buckets.take("b", TEN_A_MINUTE, 0.0) == 0
    assert buckets.take("a", TEN_A_MINUTE, 6.0) == 0
    assert buckets.take("a", TEN_A_MINUTE, 6.0) == pytest.approx(6)
    assert [buckets.take("a", TEN_A_MINUTE, 1_000.0) for _ in range(11)][-2:] == [0, pytest.approx(6)]
    assert repr(buckets) == "<TokenBuckets 3 x 131072>"


def test_what_is_given_back_can_be_taken_again() -> None:
    buckets = TokenBuckets()
    for _ in range(10):
        buckets.take("a", TEN_A_MINUTE, 0.0)
    buckets.give_back("a", TEN_A_MINUTE)
    assert buckets.take("a", TEN_A_MINUTE, 0.0) == 0
    assert buckets.take("a", TEN_A_MINUTE, 0.0) > 0


def test_no_number_of_made_up_keys_refills_a_bucket() -> None:
    """What an attacker can evict is no bound."""
    buckets = TokenBuckets(cells=1_024)
    for _ in range(10):
        buckets.take("spent", TEN_A_MINUTE, 0.0)
    for number in range(20_000):
        buckets.take(f"made up {number}", TEN_A_MINUTE, 0.0)
    assert buckets.take("spent", TEN_A_MINUTE, 0.0) > 0


def test_few_share_a_budget_with_those_who_have_spent_theirs() -> None:
    buckets = TokenBuckets()
    for number in range(2_000):
        for _ in range(10):
            buckets.take(f"spent {number}", TEN_A_MINUTE, 0.0)
    assert sum(buckets.take(f"new {number}", TEN_A_MINUTE, 0.0) > 0 for number in range(5_000)) <= 3


def test_a_key_is_marked_until_its_time() -> None:
    buckets = TokenBuckets()
    buckets.mark("a", 5.0)
    assert buckets.is_marked("a", 4.0)
    assert not buckets.is_marked("a", 5.0)
    assert not buckets.is_marked("b", 0.0)


@pytest.mark.parametrize(
    ("text", "burst", "period_s"), [("30/5m", 30, 300), ("1000/10s", 1_000, 10), ("1/1h", 1, 3_600)]
)
def test_a_rate_is_read_as_people_write_it(text: str, burst: int, period_s: float) -> None:
    assert Rate.parse(text) == Rate(burst, period_s)
    assert Rate.parse(text).interval_s == period_s / burst


@pytest.mark.parametrize("text", ["", "30", "30/5", "0/5m", "30/0m", "-1/5m", "30/5d", "1e3/5m", " 30/5m"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30/5m"):
        Rate.parse(text)
    assert str(Rate.parse("30/5m")) == "30 in 300 s"
