"""The page on adding a noun is true of the nouns that there are."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import ordercast.api
import ordercast.db
from ordercast.api import nouns
from ordercast.db.noun import Noun
from ordercast.db.nouns import NOUNS

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \|", re.MULTILINE)
STEPS = ROW.findall((ROOT / "docs/adding-a-noun.md").read_text(encoding="utf-8"))


def test_the_page_lists_files() -> None:
    assert len(STEPS) > 10


@pytest.mark.parametrize(("file", "example"), STEPS)
def test_what_the_page_says_of_a_file_stands_there(file: str, example: str) -> None:
    assert example in (ROOT / file).read_text(encoding="utf-8")


def test_every_module_that_is_a_noun_is_in_the_list_of_nouns() -> None:
    names = [module.name for module in pkgutil.walk_packages(ordercast.db.__path__, "ordercast.db.")]
    modules = [importlib.import_module(name) for name in names if ".migrations" not in name]
    found = {id(noun) for module in modules if isinstance(noun := getattr(module, "NOUN", None), Noun)}
    assert found == {id(noun) for noun in NOUNS}
    assert len({noun.name for noun in NOUNS}) == len(NOUNS)


def test_every_table_is_one_nouns_which_says_what_of_it_is_personal() -> None:
    tables = [table.name for noun in NOUNS for table in noun.tables]
    assert len(set(tables)) == len(tables)
    for noun in NOUNS:
        assert noun.personal.keys() == {table.name for table in noun.tables}, noun.name


def test_every_module_of_the_api_that_has_routes_or_commands_is_in_their_list() -> None:
    names = [module.name for module in pkgutil.iter_modules(ordercast.api.__path__, "ordercast.api.")]
    modules = [importlib.import_module(name) for name in names if name != nouns.__name__]
    for kind in ("ROUTES", "COMMANDS"):
        lists = [getattr(module, kind, None) for module in modules]
        found = [each for one in lists if isinstance(one, list) for each in one]
        assert {id(each) for each in found} == {id(each) for each in getattr(nouns, kind)}, kind
