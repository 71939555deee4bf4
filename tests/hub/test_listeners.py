"""Handlers by event name."""

from __future__ import annotations

import pytest

from ordercast.hub.listeners import Listeners, Once


def one() -> None: ...


def two() -> None: ...


def test_handlers_are_found_in_the_order_of_adding() -> None:
    listeners = Listeners()
    listeners.add("e", two)
    listeners.add("e", one)
    listeners.add("other", one)

    assert listeners.find("e") == (two, one)
    assert listeners.find("unknown") == ()
    assert list(listeners) == ["e", "other"]


def test_one_or_all_are_removed() -> None:
    listeners = Listeners()
    for handler in (one, two, one):
        listeners.add("e", handler)

    listeners.remove("e", one)
    assert listeners.find("e") == (two, one)

    listeners.remove("e", one)
    listeners.remove("e", one)
    assert listeners.find("e") == (two,)

    listeners.remove("e")
    listeners.remove("e")
    assert listeners.find("e") == ()


def test_what_was_found_does_not_change_with_later_adding() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    found = listeners.find("e")

    listeners.add("e", two)

    assert found == (one,)


def test_catch_alls_are_apart() -> None:
    listeners = Listeners()
    listeners.add_any(one)
    listeners.add_any(two)
    assert (listeners.find_any(), listeners.find("e")) == ((one, two), ())

    listeners.remove_any(one)
    assert listeners.find_any() == (two,)
    listeners.remove_any()
    assert listeners.find_any() == ()


@pytest.mark.parametrize("what", ["nothing", "catch-all", "middleware"])
def test_it_is_known_whether_an_event_passes_anything(what: str) -> None:
    listeners = Listeners()
    if what == "catch-all":
        listeners.add_any(one)
    elif what == "middleware":
        listeners.add_middleware(lambda _event, _args: None)

    assert listeners.intercepts is (what != "nothing")
    listeners.remove_any()
    assert listeners.intercepts is (what == "middleware")


def test_some_come_first() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    listeners.add("e", two, first=True)
    listeners.add_any(one)
    listeners.add_any(two, first=True)

    assert listeners.find("e") == listeners.find_any() == (two, one)


def test_once_is_gone_as_it_is_called_and_found_by_the_handler_itself() -> None:
    listeners = Listeners()
    listeners.add("e", Once(listeners, "e", one))
    listeners.add("e", Once(listeners, "e", two))

    listeners.remove("e", two)
    (found,) = listeners.find("e")
    found()

    assert listeners.find("e") == ()
    assert list(listeners) == []


def test_everything_is_removed_at_once_but_what_hears_everything() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    listeners.add("other", two)
    listeners.add_any(one)

    listeners.clear()

    assert list(listeners) == []
    assert listeners.find_any() == (one,)
