"""Handlers by event name."""

from __future__ import annotations

from ordercast.hub.listeners import Listeners


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
