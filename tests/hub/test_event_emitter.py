"""Handlers by event name."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.hub.event_emitter import EventEmitter


def one() -> None: ...


def two() -> None: ...


def test_handlers_are_found_in_the_order_of_adding() -> None:
    emitter = EventEmitter()
    emitter.on("e", two)
    emitter.on("e", one)
    emitter.on("other", one)

    assert emitter.listeners("e") == (two, one)
    assert emitter.listeners("unknown") == ()
    assert emitter.event_names() == ["e", "other"]


def test_one_or_all_are_removed() -> None:
    emitter = EventEmitter()
    for handler in (one, two, one):
        emitter.on("e", handler)

    emitter.off("e", one)
    assert emitter.listeners("e") == (two, one)

    emitter.off("e", one)
    emitter.off("e", one)
    assert emitter.listeners("e") == (two,)

    emitter.off("e")
    emitter.off("e")
    assert emitter.listeners("e") == ()


def test_what_was_found_does_not_change_with_later_adding() -> None:
    emitter = EventEmitter()
    emitter.on("e", one)
    found = emitter.listeners("e")

    emitter.on("e", two)

    assert found == (one,)


def test_catch_alls_are_apart() -> None:
    emitter = EventEmitter()
    emitter.on_any(one)
    emitter.on_any(two)
    assert (emitter.listeners_any(), emitter.listeners("e")) == ((one, two), ())

    emitter.off_any(one)
    assert emitter.listeners_any() == (two,)
    emitter.off_any()
    assert emitter.listeners_any() == ()


@pytest.mark.parametrize("what", ["nothing", "catch-all", "middleware"])
def test_it_is_known_whether_an_event_passes_anything(what: str) -> None:
    emitter = EventEmitter()
    if what == "catch-all":
        emitter.on_any(one)
    elif what == "middleware":
        emitter.use(lambda _event, _args: None)

    assert emitter.intercepts is (what != "nothing")
    emitter.off_any()
    assert emitter.intercepts is (what == "middleware")


def test_some_come_first() -> None:
    emitter = EventEmitter()
    emitter.on("e", one)
    emitter.prepend("e", two)
    emitter.on_any(one)
    emitter.on_any(two, first=True)

    assert emitter.listeners("e") == emitter.listeners_any() == (two, one)


def test_once_is_gone_as_it_is_called_and_found_by_the_handler_itself() -> None:
    emitter = EventEmitter()
    emitter.once("e", one)
    emitter.once("e", two)

    emitter.off("e", two)
    (found,) = emitter.listeners("e")
    found()

    assert emitter.listeners("e") == ()
    assert emitter.event_names() == []


def test_everything_is_removed_at_once_but_catch_alls() -> None:
    emitter = EventEmitter()
    emitter.on("e", one)
    emitter.on("other", two)
    emitter.on_any(one)

    emitter.clear()

    assert emitter.event_names() == []
    assert emitter.listeners_any() == (one,)


@pytest.mark.parametrize(("removed", "left"), [([], True), ([one], True), ([one, two], False), ([None], False)])
def test_it_is_known_whether_anything_listens_to_what_is_sent(removed: list[Any], left: bool) -> None:
    emitter = EventEmitter()
    emitter.on_any_outgoing(one)
    emitter.on_any_outgoing(two, first=True)
    assert emitter.listeners_any_outgoing() == (two, one)

    for handler in removed:
        emitter.off_any_outgoing(handler)

    assert emitter.has_outgoing is bool(emitter.listeners_any_outgoing()) is left
