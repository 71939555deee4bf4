from __future__ import annotations

import re
from pathlib import Path

from ordercast.api.problems import problem_types, type_of
from ordercast.commerce.errors import Conflict, ShopError

from .client import Client, problem

SOURCES = Path(__file__).parents[2] / "src/ordercast"


def told_types() -> set[str]:
    """Every type of problem that stands in the source, wherever it is made."""
    written = {
        slug for path in SOURCES.rglob("*.py") for slug in re.findall(r"/problems/([a-z-]+)\"", path.read_text())
    }
    return written | set(problem_types())


def test_every_type_of_problem_has_its_words() -> None:
    assert told_types() == set(problem_types())


def test_an_error_has_the_status_of_its_base_class_and_is_called_as_it_is() -> None:
    for each in Conflict.__subclasses__():
        found = type_of(each)
        assert found is not None
        assert (found.status, found.name != "refused") == (409, True), f"{each.__name__}: words in api/problems.py"
    assert type_of(ShopError) is None


async def test_every_type_of_problem_answers_a_page(client: Client) -> None:
    for slug in told_types():
        page = await client.get(f"/problems/{slug}")
        assert page.status_code == 200, slug
        assert page.headers["content-type"].startswith("text/html")
        assert "What to do" in page.text
        assert f"/problems/{slug}" in page.text
        assert slug in (await client.get("/problems")).text


async def test_a_refusals_type_leads_to_its_page(client: Client) -> None:
    refused = problem(await client.get("/api/orders"), 401, "sign-in-required")
    assert "POST /api/auth/login" in (await client.get(refused["type"])).text
    problem(await client.get("/problems/made-up"), 404, "not-found")
