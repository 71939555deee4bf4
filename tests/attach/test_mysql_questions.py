"""Questions whether somebody may be in a room, asked of MariaDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordercast import attach
from ordercast.attach.mysql.questions import MysqlQuestions
from ordercast.attach.questions import QuestionRefused, faults_of
from ordercast.attach.rule_answers import RuleAnswers
from tests.mariadb import Mariadb

from .mysql_shop import MysqlShop

MINE = "SELECT 1 FROM orders WHERE id = :id AND customer_id = :sub -- whose"


@pytest.fixture
def shop(mariadb_server: Mariadb, tmp_path: Path) -> Iterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    shop.do("INSERT INTO orders (id, customer_id) VALUES (7, 'c1')")
    yield shop
    shop.close()


@pytest.fixture
def questions(shop: MysqlShop) -> Iterator[MysqlQuestions]:
    questions = MysqlQuestions(shop.url)
    yield questions
    questions.close()


def test_a_row_that_begins_with_neither_null_false_nor_0_is_yes(questions: MysqlQuestions) -> None:
    assert questions.ask(MINE, {"id": "7", "sub": "c1"})
    assert not questions.ask(MINE, {"id": "7", "sub": "c2"})
    assert not questions.ask(MINE, {"id": "7", "sub": None})
    assert not questions.ask(MINE, {"id": "7", "sub": "' OR '1' = '1"})
    assert not questions.ask(MINE, {"id": "7", "sub": "\\' OR 1 -- "})
    assert not questions.ask("SELECT count(*) FROM orders WHERE customer_id = :sub", {"sub": "c2"})
    assert questions.ask("SELECT EXISTS (SELECT 1 FROM orders WHERE customer_id LIKE 'c%');", {})
    assert not questions.ask("SELECT NULL", {})
    among = "customer_id IN (SELECT j.v FROM JSON_TABLE(:of, '$[*]' COLUMNS (v VARCHAR(20) PATH '$')) j)"
    assert questions.ask(f"SELECT 1 FROM orders WHERE {among}", {"of": ("c1", "c9")})
    assert not questions.ask(f"SELECT 1 FROM orders WHERE {among}", {"of": ()})


@pytest.mark.parametrize("of", ["usr_1", "7x", "7;", "x", "7e", "7 OR 1"])
def test_a_text_that_would_be_cut_down_to_a_number_is_no(shop: MysqlShop, questions: MysqlQuestions, of: str) -> None:
    """A guest's order is customer 0's in WooCommerce, and 'usr_1' = 0 is true."""
    shop.do("CREATE TABLE guests (id INT PRIMARY KEY, customer BIGINT, name VARCHAR(9)) ENGINE=InnoDB")
    shop.do("INSERT INTO guests VALUES (0, 0, '0'), (7, 7, '7')")
    assert questions.ask("SELECT 1 FROM guests WHERE id = :of", {"of": "7"})
    for column in ("id", "customer", "id + 0", "CAST(id AS DECIMAL(9, 2))"):
        with pytest.raises(QuestionRefused):
            questions.ask(f"SELECT 1 FROM guests WHERE {column} = :of", {"of": of})
    assert not questions.ask("SELECT 1 FROM guests WHERE CAST(id AS CHAR) = :of", {"of": of})
    assert not questions.ask("SELECT 1 FROM guests WHERE id = :of", {"of": "8"})


def test_a_question_writes_nothing_and_takes_not_long(
    questions: MysqlQuestions, shop: MysqlShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.do("CREATE FUNCTION wipe() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM orders; RETURN 1; END")
    with pytest.raises(questions.errors, match="READ ONLY"):
        questions.ask("SELECT wipe()", {})
    assert questions.ask(MINE, {"id": "7", "sub": "c1"})
    monkeypatch.setattr("ordercast.attach.mysql.questions.QUESTION_S_MAX", 0.02)
    slow = MysqlQuestions(shop.url)
    with pytest.raises(questions.errors):
        slow.ask("SELECT COUNT(*) FROM seq_1_to_900000 a JOIN seq_1_to_900000 b ON a.seq <> b.seq", {})
    assert slow.ask("SELECT 1", {})
    slow.close()


def test_a_question_that_cannot_be_read_is_told_before_it_is_asked(questions: MysqlQuestions) -> None:
    assert questions.fault(MINE) is None
    assert "the server cannot read this: Table" in (questions.fault("SELECT 1 FROM bookings WHERE id = :id") or "")
    assert "Unknown column" in (questions.fault("SELECT 1 FROM orders WHERE idd = :id") or "")
    with pytest.raises(questions.errors):
        questions.ask("SELECT 1 FROM bookings", {})


def test_a_name_in_double_quotes_is_no_text_that_somebody_may_be_called(questions: MysqlQuestions) -> None:
    mine = 'SELECT 1 FROM "orders" WHERE "customer_id" = :sub AND `id` = 7'
    assert questions.ask(mine, {"sub": "c1"})
    assert not questions.ask(mine, {"sub": "customer_id"})
    gone = 'SELECT 1 FROM "orders" WHERE "owner_id" = :sub'
    assert "Unknown column" in (questions.fault(gone) or "")
    with pytest.raises(questions.errors):
        questions.ask(gone, {"sub": "owner_id"})


def test_connections_that_ended_are_made_anew(questions: MysqlQuestions, shop: MysqlShop) -> None:
    ((mine,),) = shop.do("SELECT CONNECTION_ID()")
    assert questions.ask("SELECT 1", {})
    others = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = %s AND ID <> %s"
    for (other,) in shop.do(others, shop.name, mine):
        shop.do(f"KILL {other}")
    assert questions.ask("SELECT 1", {})


async def test_what_a_rule_depends_on_is_told_by_the_outbox(shop: MysqlShop, questions: MysqlQuestions) -> None:
    shop.apply(f'[shop]\nbuilt_in = false\n[[room]]\nname = "order_{{id}}"\nsql = "{MINE}"\ntables = ["orders"]\n')
    mapping = attach.read(shop.mapping_path)
    assert (shop.check(), faults_of(questions, mapping.rules)) == ([], [])
    answers = RuleAnswers(mapping, None)
    await shop.store.start()
    async with shop.relayed():
        shop.do("UPDATE orders SET customer_id = 'c2'")
        shop.do("DELETE FROM orders")
        for row in await shop.told(2):
            changes = answers.changes_in(json.dumps(row).encode())
            assert changes is not None
            assert (sorted(changes.rules), changes.texts) == ([0], frozenset({"7"}))
    await shop.store.close()
