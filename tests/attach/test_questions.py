"""Questions whether somebody may be in a room, on both databases: bound values, read-only, and not for long."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ordercast.attach.postgresql.questions import PostgresqlQuestions
from ordercast.attach.questions import QuestionRefused, Questions
from ordercast.attach.sqlite.questions import SqliteQuestions

from .conftest import AttachedShop
from .test_sqlite import TABLES

ORDER = "11111111-2222-3333-4444-555555555555"
MINE = 'SELECT 1 FROM "Order" WHERE id = :id AND "customerId" = :sub -- whose'


@pytest.fixture
def sqlite_questions(tmp_path: Path) -> Iterator[Questions]:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(TABLES)
    connection.execute("""INSERT INTO "Order" (id, "customerId", total) VALUES (7, 'c1', 1)""")
    connection.commit()
    connection.close()
    questions = SqliteQuestions(tmp_path / "shop.db")
    yield questions
    questions.close()


@pytest.fixture
def postgresql_questions(shop: AttachedShop) -> Iterator[Questions]:
    shop.do("""INSERT INTO "Order" (id, "customerId", total) VALUES (%s, 'c1', 1)""", ORDER)
    questions = PostgresqlQuestions(shop.ours_url)
    yield questions
    questions.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def questions(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_questions")


def order_of(questions: Questions) -> str:
    return "7" if isinstance(questions, SqliteQuestions) else ORDER


def test_a_row_that_begins_with_neither_null_false_nor_0_is_yes(questions: Questions) -> None:
    order = order_of(questions)
    assert questions.ask(MINE, {"id": order, "sub": "c1"})
    assert not questions.ask(MINE, {"id": order, "sub": "c2"})
    assert not questions.ask(MINE, {"id": order, "sub": None})
    assert not questions.ask(MINE, {"id": order, "sub": "' OR '1' = '1"})
    assert not questions.ask('SELECT count(*) FROM "Order" WHERE "customerId" = :sub', {"sub": "c2"})
    assert questions.ask('SELECT EXISTS (SELECT 1 FROM "Order" WHERE "customerId" = :sub);', {"sub": "c1"})
    assert not questions.ask("SELECT NULL", {})


def test_a_list_is_an_array_in_postgresql_and_json_in_sqlite(questions: Questions) -> None:
    is_sqlite = isinstance(questions, SqliteQuestions)
    among = "IN (SELECT value FROM json_each(:of))" if is_sqlite else "= ANY(:of)"
    sql = f'SELECT 1 FROM "Order" WHERE "customerId" {among}'
    assert questions.ask(sql, {"of": ("c1", "c9")})
    assert not questions.ask(sql, {"of": ("c9",)})
    assert not questions.ask(sql, {"of": ()})


def test_a_question_writes_nothing(postgresql_questions: Questions, shop: AttachedShop) -> None:
    questions = postgresql_questions
    shop.do("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM \"Order\"; SELECT 1'")
    with pytest.raises(questions.errors, match="read-only"):
        questions.ask("SELECT wipe()", {})
    assert questions.ask(MINE, {"id": ORDER, "sub": "c1"})


def test_a_question_that_takes_too_long_has_no_answer(questions: Questions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.attach.sqlite.questions.QUESTION_S_MAX", 0.02)
    monkeypatch.setattr("ordercast.attach.postgresql.questions._OPTIONS", "-c statement_timeout=20")
    slow = (
        "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)"
        if isinstance(questions, SqliteQuestions)
        else "SELECT 1 FROM pg_sleep(60)"
    )
    with pytest.raises(questions.errors):
        questions.ask(slow, {})
    assert questions.ask("SELECT 1", {})


def test_a_question_that_cannot_be_read_is_told_before_it_is_asked(questions: Questions) -> None:
    assert questions.fault(MINE) is None
    assert "cannot read this" in (questions.fault('SELECT 1 FROM "Bookings" WHERE id = :id') or "")
    with pytest.raises(questions.errors):
        questions.ask('SELECT 1 FROM "Bookings"', {})


def test_percent_signs_backslashes_and_quotes_are_themselves(questions: Questions) -> None:
    sql = """SELECT 1 FROM "Order" WHERE "customerId" LIKE 'c%' AND '\\' = :slash AND 7 % 2 = 1 -- it's :so"""
    assert questions.ask(sql, {"slash": "\\", "so": None})
    assert not questions.ask(sql, {"slash": "' OR 1=1 -- ", "so": None})
    assert questions.ask("SELECT 7 % 2", {})


def test_a_column_that_has_gone_is_no_text_that_somebody_may_be_called(questions: Questions) -> None:
    gone = 'SELECT 1 FROM "Order" WHERE "ownerId" = :sub'
    assert "ownerId" in (questions.fault(gone) or "")
    with pytest.raises(questions.errors):
        questions.ask(gone, {"sub": "ownerId"})


def test_a_name_that_is_no_uuid_is_no_fault_but_no(postgresql_questions: Questions) -> None:
    for name in ("4711", "x\u0000y"[:1], "'"):
        with pytest.raises(QuestionRefused):
            postgresql_questions.ask(MINE, {"id": name, "sub": "c1"})


def test_connections_that_ended_are_made_anew(postgresql_questions: Questions, shop: AttachedShop) -> None:
    assert postgresql_questions.ask("SELECT 1", {})
    shop.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ordercast rights'")
    assert postgresql_questions.ask("SELECT 1", {})
