"""A mapping over documents: its filters, and words that are another database's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ordercast import attach
from ordercast.attach.filters import faults_of_filter, matches

NEW = {
    "status": "paid",
    "total": 12.5,
    "vip": True,
    "place": {"city": "Dhaka"},
    "tags": ["a", "b"],
    "items": [{"sku": "x", "n": 1}, {"sku": "y", "n": 2}],
    "nothing": None,
}
OLD = {"status": "new", "total": 12}


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ('{ status = "paid" }', True),
        ('{ status = "paid", "old.status" = "paid" }', False),
        ('{ "new.status" = "paid", "old.status" = { "$ne" = "paid" } }', True),
        ('{ "place.city" = { "$in" = ["Sylhet", "Dhaka"] } }', True),
        ('{ "place.city" = { "$nin" = ["Sylhet", "Dhaka"] } }', False),
        ('{ total = { "$gt" = 12, "$lte" = 12.5 } }', True),
        ('{ total = { "$gt" = "12" } }', False),
        ("{ vip = 1 }", False),
        ("{ vip = true }", True),
        ('{ tags = "b" }', True),
        ('{ tags = { "$ne" = "b" } }', False),
        ('{ "items.sku" = "y", "items.0.n" = 1 }', True),
        ('{ "items.1.n" = { "$lt" = 2 } }', False),
        ('{ missing = { "$exists" = false }, nothing = { "$exists" = true } }', True),
        ('{ missing = { "$ne" = 1 } }', True),
        ('{ "$or" = [{ status = "new" }, { vip = true }] }', True),
        ('{ "$nor" = [{ status = "new" }, { vip = true }] }', False),
        ('{ "$and" = [{ status = "paid" }, { vip = false }] }', False),
    ],
)
def test_a_filter_takes_what_a_query_of_mongodb_would(filter_: str, expected: bool) -> None:
    parsed = tomllib.loads(f"it = {filter_}")["it"]
    assert [*faults_of_filter(parsed)] == []
    assert matches(parsed, NEW, OLD) is expected


HEAD = '[[emit]]\ntable = "a"\non = "insert"\nevent = "x"\nrooms = ["r"]\n'


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("{ }", 'a filter is a table, as { status = "paid" }'),
        ('{ "$where" = "1" }', "$where is none of $and, $or, $nor"),
        ('{ "$or" = { a = 1 } }', "$or has a list of filters"),
        ('{ "$or" = [{ a = 1 }, 5] }', 'a filter is a table, as { status = "paid" }'),
        ('{ a = { "$regex" = "b" } }', "$regex is none of $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists"),
        ('{ a = { "$in" = 5 } }', "$in has a list"),
        ('{ a = { "$gt" = [5] } }', "$gt has one value"),
        ('{ a = { "$exists" = 1 } }', "$exists is true or false"),
        ('{ "a..b" = 1 }', "'a..b' names no field"),
        ("{ a = 2026-11-30 }", "a filter compares texts, numbers, true and false; write a moment as a text"),
        ("{ a = { b = 1 } }", "a filter compares texts, numbers, true and false; write a moment as a text"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_line(tmp_path: Path, when: str, sentence: str) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text(f"{HEAD}when = {when}\n")
    with pytest.raises(attach.MappingError) as refused:
        attach.read(path)
    assert [(fault.line, fault.sentence) for fault in refused.value.faults] == [(6, sentence)]


def test_words_of_another_kind_of_database_are_refused_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text(f'{HEAD}when = "a = 1"\nview = "v"\nat = "commit"\non_error = "fail"\n[emit.sql]\nb = "SELECT 1"\n')
    with pytest.raises(attach.MappingError) as refused:
        attach.check_query_language(attach.read(path), of_documents=True)
    assert [fault.line for fault in refused.value.faults] == [6, 7, 8, 9, 10]
    attach.check_query_language(attach.read(path), of_documents=False)
    path.write_text(f"{HEAD}when = {{ a = 1 }}\n")
    with pytest.raises(attach.MappingError, match=":6: `when` is SQL here, a text"):
        attach.check_query_language(attach.read(path), of_documents=False)
