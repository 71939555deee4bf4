"""`ordercast attach` where something is in its way, said in a sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.forked import run
from tests.postgres import Postgres

MAPPING = "[[emit]]\ntable = 'things'\non = 'insert'\nevent = 'e'\nrooms = ['a']\n"


def command(folder: Path, url: str, *words: str, **environ: str) -> Any:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
    return run([*words], cwd=folder, env={**known, "ORDERCAST_DATABASE_URL": url, **environ})


@pytest.fixture
def ours(postgres_server: Postgres, postgres_template: str) -> Iterator[str]:
    """A database with a shop of ours in `public`, and a table of another program beside it."""
    name = postgres_server.new_database(postgres_template)
    postgres_server.execute("CREATE TABLE things (id integer PRIMARY KEY)", name)
    yield name
    postgres_server.drop(name)


def test_a_shop_of_ours_is_not_left_behind_for_an_empty_one(
    postgres_server: Postgres, ours: str, tmp_path: Path
) -> None:
    (tmp_path / "ordercast.toml").write_text(MAPPING)
    url = postgres_server.url(ours)
    done = command(tmp_path, url, "attach", "--apply")
    assert done.returncode == 2
    assert "ORDERCAST_DATABASE_SCHEMA: this database has tables of ours outside of the schema ordercast" in done.stderr

    done = command(tmp_path, url, "attach", "--apply", ORDERCAST_DATABASE_SCHEMA="public")
    assert done.returncode == 0, done.stderr
    postgres_server.execute("INSERT INTO things VALUES (7)", ours)
    assert postgres_server.execute("SELECT entity_id FROM feed", ours) == [("things 7",)]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("attach",), 1, "say one of --check, --apply, --print and --suggest"),
        (("attach", "--check", "--apply"), 1, "say one of"),
        (("attach", "--check"), 2, "there is no ordercast.toml; `ordercast attach --suggest` writes a first one"),
        (("attach", "--suggest"), 2, "ORDERCAST_DATABASE_URL: names the shop's database"),
    ],
    ids=["none", "two", "no file", "no database"],
)
def test_what_is_in_the_way_is_a_sentence(tmp_path: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = command(tmp_path, "sqlite:///none.db", *words)
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
