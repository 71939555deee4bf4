from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as some
from tests.mongodb.data import Ambiguous, difference

from ordercast.contrib.mongodb.deltas import updated


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
        # A newer server would have said that the field `a.b` is meant.
        ({"a.b": 1, "a": {}}, {"updatedFields": {"a.b": 2}, "disambiguatedPaths": {}}, {"a.b": 1, "a": {"b": 2}}),
        ({"a.b": 1, "a": {"b": 1}}, {"removedFields": ["a.b"], "disambiguatedPaths": {}}, {"a.b": 1, "a": {}}),
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


@given(before=_documents, after=_documents)
@example(before={"a.b": 1, "a": {"c": 1}}, after={"a.b": 1, "a": {"c": 1, "b": 2}})
def test_whatever_an_update_did_is_done_again(before: dict[str, Any], after: dict[str, Any]) -> None:
    try:
        described = difference(before, after)
    except Ambiguous:
        reject()
    assert updated(before, described) == after
