"""The mapping file is read as a whole, and each of its faults is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordercast.attach.mapping import MappingError, read
from ordercast.attach.templates import Field, Template, TemplateError, parse
from ordercast.attach.toml_lines import lines_of

WHOLE = """\
[shop]
built_in = false

[[emit]]
table = "Order"
on = ["insert", "update"]
changed = ["status"]
when = "NEW.total > 0"
event = "new_order"
rooms = [
  "store-owners",
  "customer_{customerId}",
]
[emit.payload]
type = "new_order"
order = { id = "{id}", note = "{{ {shipping.note} }}", tags = ["{a}", 1, true] }
[emit.sql]
name = "SELECT 1"

[[emit]]
name = "গেল"
table = "অর্ডার"
on = "delete"
event = "gone"
rooms = ["a"]
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "ordercast.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_as_values(tmp_path: Path) -> None:
    mapping = read(file(tmp_path, WHOLE))
    first, second = mapping.emits
    assert (mapping.built_in, mapping.source) == (False, "")
    assert (first.name, first.on, first.changed, first.when) == (
        "new_order of Order", ("insert", "update"), ("status",), "NEW.total > 0",
    )  # fmt: skip
    assert first.rooms == (Template(("store-owners",)), Template(("customer_", Field("customerId"))))
    assert first.args == (
        {
            "type": Template(("new_order",)),
            "order": {
                "id": Template((Field("id"),)),
                "note": Template(("{ ", Field("shipping", ("note",)), " }")),
                "tags": [Template((Field("a"),)), 1, True],
            },
        },
    )
    assert first.columns() == {"status": 7, "customerId": 12, "id": 14, "shipping": 14, "a": 14}
    assert (second.name, second.table, second.args) == ("গেল", "অর্ডার", (Template((Field("*"),)),))


def test_every_key_and_item_has_its_line() -> None:
    text = 'a.b = 1\n[c]\n"d e" = """\n]x\n"""\nf = [ # x\n  1,\n  { g = \'"\' },\n]\n'
    text += "[[h]]\n[[h]]\n[h.i]\nj = 1979-05-27\n"
    assert lines_of(text) == {
        ("a",): 1, ("a", "b"): 1, ("c",): 2, ("c", "d e"): 3, ("c", "f"): 6, ("c", "f", 0): 7, ("c", "f", 1): 8,
        ("c", "f", 1, "g"): 8, ("h", 0): 10, ("h", 1): 11, ("h", 1, "i"): 12, ("h", 1, "i", "j"): 13,
    }  # fmt: skip


EMIT = '[[emit]]\ntable = "t"\non = "insert"\nevent = "e"\nrooms = ["a"]\n'


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("x = 1\n[shop\n", ["2: no TOML"]),
        ("[shop]\nbuilt_in = 1\n", ["2: built_in: expected true or false, got a number"]),
        ("[shop]\nbuiltin = true\n", ["2: builtin is no word"]),
        ("\n[shops]\n", ["2: [shops] is no section"]),
        ("[emit]\n", ["1: an event is written as [[emit]]"]),
        (EMIT.replace('event = "e"\n', ""), ["1: `event` is missing"]),
        (EMIT.replace('"insert"', '"upsert"'), ["3: on: "]),
        (EMIT.replace('["a"]', '["a",\n 5]'), ["6: 1: expected a text, got a number"]),
        (EMIT.replace('["a"]', '[\n"a", "b}",\n"c_{}"\n]'), ["6: a brace stands alone", "7: {} names no column"]),
        (EMIT + 'changed = ["x"]\n', ["6: changed speaks of updates"]),
        (EMIT + 'payload = "x"\nargs = []\n', ["7: an event has `payload`"]),
        (EMIT + '[emit.payload]\nx = "{"\n', ["7: a brace stands alone"]),
        (EMIT + '[emit.sql]\nold = "1"\n', ["7: no expression can be called 'old'"]),
        (EMIT.replace('"e"', '"disconnect"'), ["4: disconnect is a name"]),
        (EMIT + EMIT, ["6: 'e of t' is in line 1 already"]),
        (EMIT + EMIT.replace('"t"', "5").replace('["a"]', "[]"), ["7: table: expected a text"]),
    ],
)
def test_each_fault_is_told_with_its_line(tmp_path: Path, text: str, faults: list[str]) -> None:
    path = file(tmp_path, text)
    with pytest.raises(MappingError) as raised:
        read(path)
    told = str(raised.value).splitlines()
    assert len(told) == len(faults), told
    for line, fault in zip(told, faults, strict=True):
        assert line.startswith(f"{path}:{fault}"), line


def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_bytes(b"[shop]\nx = '\xe9'\n")
    with pytest.raises(MappingError, match="toml:2: a mapping file is UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("{{}}", ("{}",)),
        ('{"a.b".c}', (Field("a.b", ("c",)),)),
        ('{{{"a{b}""c"}}}', ("{", Field('a{b}"c'), "}")),
        ("{old.status}→{new.status}", (Field("status", (), True), "→", Field("status"))),
        ("{old}", (Field("old"),)),
        ("{গ্রাহক আইডি}", (Field("গ্রাহক আইডি"),)),
    ],
)
def test_a_template_is_its_texts_and_fields(text: str, parts: tuple[str | Field, ...]) -> None:
    assert parse(text).parts == parts


@pytest.mark.parametrize("text", ["{", "a}", "{}", "{a.}", "{.a}", "{a..b}", '{"a"b}'])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)


WATCHES = """\
[[watch]]
table = "Order"
columns = ["a{b"]
where = ["status"]
rooms = ["all", "of_{x}"]
[[watch]]
table = "t"
name = "n"
rooms = ["r"]
limit = 7
"""


def test_a_watch_is_read_as_values(tmp_path: Path) -> None:
    first, second = read(file(tmp_path, WATCHES)).watches
    assert (first.shown, first.name, first.limit, first.where) == ("Order", "watch of Order", 1_000, ("status",))
    assert first.payload == {"a{b": Template((Field("a{b"),))}
    assert first.columns() == {"x": 5, "a{b": 3, "status": 4}
    assert (second.shown, second.limit, second.payload) == ("n", 7, Template((Field("*"),)))
    asked = first.watchable({"id": "uuid"}, {"status": "text"})
    assert asked.rooms_that_count({"of_1", "of_", "rows:of_2", "user_1"}) == {"of_1"}
    assert asked.rooms_that_count({"of_1", "all"}) == {"all"}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("columns = ['a']\npayload = 1", "5: a row is told by `columns` or by `payload`"),
        ("payload = { a = '{old.a}' }", "4: a row is watched as it is; there is no `old` of it"),
        ("limit = 0", "4: limit: expected a number >= 1"),
        ("limit = 10001", "4: limit: expected a number <= 10000"),
        ("where = ['a', '']", "4: 1: expected a text of length >= 1"),
        ("sql = { view = '1' }", "4: no expression can be called 'view'"),
        ("rooms = ['{']", "3: "),
    ],
    ids=["two payloads", "old", "no rows", "too many rows", "where", "view", "room"],
)
def test_a_fault_of_a_watch_has_its_line(tmp_path: Path, lines: str, fault: str) -> None:
    rooms = "" if lines.startswith("rooms") else "rooms = ['r']\n"
    with pytest.raises(MappingError) as raised:
        read(file(tmp_path, f"[[watch]]\ntable = 't'\n{rooms}{lines}\n"))
    assert fault in str(raised.value)
