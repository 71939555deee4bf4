from __future__ import annotations

import re
from pathlib import Path

from ordercast.api.errors import kinds
from ordercast.api.problem_pages import ADVICE

from .client import Client, problem

SOURCES = Path(__file__).parents[2] / "src/ordercast"


def told_types() -> set[str]:
    """Every type of problem that stands in the source, wherever it is made."""
    written = {
        slug for path in SOURCES.rglob("*.py") for slug in re.findall(r"/problems/([a-z-]+)\"", path.read_text())
    }
    return written | set(kinds())


def test_every_type_of_problem_has_its_advice_and_none_stands_there_for_nothing() -> None:
    assert told_types() == set(ADVICE)


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
