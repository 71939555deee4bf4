"""Rules of rooms that are asked for, as the mapping file has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.attach.mapping import MappingError, read
from ordercast.attach.questions import late_rules
from ordercast.attach.room_rules import Rule, parameters, with_parameters
from ordercast.attach.templates import parse
from ordercast.commerce.room_access import RoomRequester

RULE = """\
[shop]
built_in = false
[rooms]
vendor = []
[[room]]
name = "order_{id}"
sql = 'SELECT 1 FROM "Order" WHERE id = :id AND "customerId" = :sub'
roles = ["customer", "vendor"]
tables = ["Order", "Order"]
[[room]]
name = "case_{id}"
authorize = "http://localhost:4000/authorize"
every = 5
"""


def requester(role: str = "customer", **claims: Any) -> RoomRequester:
    return RoomRequester("c1", role, (role,), claims)


def test_a_rule_is_read_with_what_it_depends_on(tmp_path: Path) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text(RULE)
    mapping = read(path)
    order, case = mapping.rules
    assert (order.name, order.tables, order.every_s) == ("order_{id}", ("Order",), 60)
    assert order.roles == {"customer", "vendor"}
    assert (case.authorize, case.every_s, case.line) == ("http://localhost:4000/authorize", 5, 10)
    (told,) = mapping.emits
    assert (told.table, told.on, told.line) == ("Order", ("insert", "update", "delete"), 5)
    assert mapping.events == 0
    assert [(note.line, note.sentence[:70]) for note in late_rules(mapping.rules)] == [
        (10, "case_{id}: without `tables` a right that is taken away ends when it is")
    ]
    assert order.may_ask(requester("vendor"))
    assert not order.may_ask(requester("driver"))
    assert case.may_ask(requester("driver"))


FAULTS = [
    ('name = "orders"\nsql = "SELECT 1"', "4: orders: a room that is asked for has a place in its name"),
    ('name = "{id}"\nsql = "SELECT 1"', "4: {id}: a claim would name the whole room"),
    ('name = "o_{id}_{id}"\nsql = "SELECT 1"', "each place of a room's name is a word of its own"),
    ('name = "o_{id.x}"\nsql = "SELECT 1"', "each place of a room's name is a word of its own"),
    ('name = "t_{a}{b}"\nsql = "SELECT 1"', "two places of a room's name need a text between them"),
    ('name = "t_{sub}"\nsql = "SELECT 1"', ":sub and :role are who asks"),
    ('name = "t_{id}"', "3: a room has a question, `sql`, or a webhook"),
    ('name = "t_{id}"\nsql = "SELECT 1"\nauthorize = "https://x.example"', "3: a room has a question"),
    ('name = "t_{id}"\nsql = "DELETE FROM t"', "5: a question is a SELECT"),
    ('name = "t_{id}"\nsql = "SELECT 1; DROP TABLE t"', "5: a question is one SELECT"),
    ('name = "t_{id}"\nauthorize = "ftp://x"', "5: An https URL with a host is wanted."),
    ('name = "t_{id}"\nsql = "SELECT 1"\nroles = ["nurse"]', "6: there is no role nurse"),
    ('name = "t_{id}"\nsql = "SELECT 1"\nevery = 0', "6: every: expected a number >= 1"),
    ('name = "t_{id}"\nsql = "SELECT 1"\nnever = 0', "6: never is no word of this section"),
]


@pytest.mark.parametrize(("text", "sentence"), FAULTS, ids=[text for text, _ in FAULTS])
def test_what_is_wrong_with_a_rule_is_told_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text(f"[shop]\nbuilt_in = false\n[[room]]\n{text}\n")
    with pytest.raises(MappingError) as refused:
        read(path)
    assert sentence in str(refused.value)


def test_rooms_of_ours_are_asked_for_by_our_own_commands_while_our_shop_is_served(tmp_path: Path) -> None:
    path = tmp_path / "ordercast.toml"
    path.write_text('[[room]]\nname = "order_{id}"\nsql = "SELECT 1"\n')
    with pytest.raises(MappingError, match=r"ordercast\.toml:2: order_\{id\}: rooms that begin with order_ are ours"):
        read(path)


# --- Whose room it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "room", "fields"),
    [
        ("order_{id}", "order_4_7", {"id": "4_7"}),
        ("order_{id}", "order_", None),
        ("order_{id}", "orders_4", None),
        ("order_{id}", "order_4\n", None),
        ("order_{id}", "order_" + "4" * 200, None),
        ("a_{x}_b_{y}", "a_1_b_2", {"x": "1", "y": "2"}),
        ("a_{x}_b_{y}", "a_1_b_2_b_3", None),
        ("a.{x}*", "a.1*", {"x": "1"}),
        ("a.{x}*", "ab1*", None),
    ],
)
def test_a_rooms_name_has_one_reading_or_none(template: str, room: str, fields: dict[str, str] | None) -> None:
    assert Rule(parse(template)).fields_in(room) == fields


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_two_rooms_that_are_made_alike_are_no_ones_to_ask_for(x: str, y: str) -> None:
    fields = Rule(parse("a_{x}_b_{y}")).fields_in(f"a_{x}_b_{y}")
    assert fields in (None, {"x": x, "y": y})


# --- What it is asked with --------------------------------------------------------------------------------------------

SQL = """SELECT ':no', "a:b", x::text, $$ :no $$ -- :no
 /* :no */ FROM t WHERE a = :id AND b = :sub AND c % 2 = :n AND d = :sub"""


def test_parameters_stand_outside_of_quotes_casts_and_comments() -> None:
    assert parameters(SQL) == ["id", "sub", "n"]
    assert with_parameters(SQL) == (
        """SELECT ':no', "a:b", x::text, $$ :no $$ -- :no
 /* :no */ FROM t WHERE a = %(id)s AND b = %(sub)s AND c %% 2 = %(n)s AND d = %(sub)s"""
    )


def test_a_question_is_asked_with_the_room_the_bearer_and_claims() -> None:
    rule = Rule(parse("order_{id}"), sql="SELECT :id, :sub, :role, :shop, :list, :flag, :address, :missing")
    values = rule.values({"id": "7"}, requester(shop=5, list=["a", 2, None], flag=True, address={"x": 1}, id="forged"))
    assert values == {
        "id": "7", "sub": "c1", "role": "customer", "shop": "5", "list": ("a", "2"), "flag": "true",
        "address": '{"x":1}', "missing": None,
    }  # fmt: skip
    assert re.fullmatch(r"order_\{id\}", rule.name)
