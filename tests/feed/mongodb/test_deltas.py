from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from tests.mongodb.data import difference

from ordercast.feed.mongodb.deltas import updated


@pytest.mark.parametrize(
    ("before", "description", "after"),
    [
        ({"a": 1}, {"updatedFields": {"a": 2, "b": 3}}, {"a": 2, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"updatedFields": {"a.b": 5}, "removedFields": ["a.c"]}, {"a": {"b": 5}}),
        ({"a": [1, 2]}, {"updatedFields": {"a.1": 9}}, {"a": [1, 9]}),
        ({"a": [1]}, {"updatedFields": {"a.3": 9}}, {"a": [1, None, None, 9]}),
        ({"a": [{"b": 1}]}, {"updatedFields": {"a.0.b": 2}}, {"a": [{"b": 2}]}),
        ({"a": {"0": 1}}, {"updatedFields": {"a.0": 2}}, {"a": {"0": 2}}),
        ({"a": [1, 2, 3]}, {"truncatedArrays": [{"field": "a", "newSize": 1}]}, {"a": [1]}),
        ({"a": [1, 2, 3]}, {"removedFields": ["a.1"]}, {"a": [1, None, 3]}),
        ({"a.b": 1}, {"updatedFields": {"a.b": 2}}, {"a.b": 2}),
        ({}, {"updatedFields": {"a.b": 2}, "disambiguatedPaths": {"a.b": ["a.b"]}}, {"a.b": 2}),
        ({"a": 1}, {"updatedFields": {"a.b": 2}}, {"a": {"b": 2}}),
        ({"a": 1}, {"removedFields": ["b.c", "d"]}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
    ],
)
def test_an_update_is_applied_as_it_is_described(
    before: dict[str, Any], description: dict[str, Any], after: dict[str, Any]
) -> None:
    kept = copy.deepcopy(before)
    assert updated(before, description) == after
    assert before == kept


_names = some.sampled_from(["a", "b", "0", "1", "a.b", "items", "größe"])
_values = some.recursive(
    some.none() | some.booleans() | some.integers(-5, 5) | some.text(max_size=3),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_names, inner, max_size=4),
    max_leaves=12,
)
_documents = some.dictionaries(_names, _values, max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=_documents, after=_documents)
def test_whatever_an_update_did_is_done_again(before: dict[str, Any], after: dict[str, Any]) -> None:
    described = difference(before, after)
    # One within `a` and a field called `a.b` have one name, which a description can say of one of them alone.
    assume(set(described.get("removedFields", ())).isdisjoint(described.get("updatedFields", {})))
    assert updated(before, described) == after
