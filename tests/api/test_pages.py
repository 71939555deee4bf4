from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ordercast.api import create_api
from ordercast.api.pages import Pages
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import problem

NAVIGATION = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"}


@pytest.fixture
async def http(store: SqliteStore, settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the application")
    application = create_api(settings, store, pages=Pages(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        yield http


@pytest.mark.parametrize("path", ["/", "/shop", "/track/ord_1", "/bookings/of/today", "/no-such-page", "/api/nothing"])
async def test_a_browser_finds_the_application_at_any_address_that_nothing_else_has(
    http: httpx.AsyncClient, path: str
) -> None:
    for headers in (NAVIGATION, {"accept": "text/html"}):  # an old browser says nothing of how it fetches
        answer = await http.get(path, headers=headers)
        assert (answer.status_code, answer.text) == (200, "<!doctype html>the application")
        assert "Accept" in answer.headers["vary"]
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert (await http.head(path, headers=headers)).status_code == 200


async def test_the_service_worker_is_at_the_root_and_looked_at_anew_each_time(
    store: SqliteStore, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "service-worker.js").write_text("self.x = 1;")
    application = create_api(settings, store, pages=Pages(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        answer = await http.get("/service-worker.js")
        assert (answer.status_code, answer.text) == (200, "self.x = 1;")
        # Browsers register no other type.
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        known = await http.get("/service-worker.js", headers={"if-none-match": answer.headers["etag"]})
        assert known.status_code == 304


@pytest.mark.parametrize(
    "headers",
    [{}, {"accept": "application/json"}, {"accept": "text/html, */*", "sec-fetch-mode": "cors"}],
    ids=["anything", "json", "fetch"],
)
async def test_a_program_is_told_that_there_is_no_such_address(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    problem(await http.get("/bookings", headers=headers), 404, "not-found")
    problem(await http.get("/api/nothing", headers=headers), 404, "not-found")


async def test_what_a_route_does_not_find_is_not_taken_for_a_page(http: httpx.AsyncClient) -> None:
    problem(await http.get("/api/products/prd_nothing", headers=NAVIGATION), 404, "not-found")
    problem(await http.get("/assets/gone.js", headers=NAVIGATION), 404, "not-found")
    problem(await http.post("/bookings", headers=NAVIGATION), 404, "not-found")


@pytest.mark.parametrize("path", ["/", "/shop", "/admin", "/track", "/track/ord_1", "/test-socket"])
async def test_the_pages_answer_programs_that_accept_anything(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.text == "<!doctype html>the application"
    again = await http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.fixture
async def built(store: SqliteStore, settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Pages as the build leaves them: with what it has compressed."""
    for folder, name in (
        ("assets", "app-Ab1.js"),
        ("assets", "app-Ab1.css"),
        ("images", "tea.svg"),
        (".", "index.html"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        for suffix in ("", ".br", ".gz"):
            (tmp_path / folder / f"{name}{suffix}").write_bytes(f"{name}{suffix}".encode())
    (tmp_path / "assets" / "tiny.js").write_text("1")
    application = create_api(settings, store, pages=Pages(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        yield http


async def _raw(http: httpx.AsyncClient, path: str, encoding: str) -> tuple[httpx.Response, bytes]:
    async with http.stream("GET", path, headers={"accept-encoding": encoding}) as answer:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])


@pytest.mark.parametrize("path", ["/assets/app-Ab1.js", "/assets/app-Ab1.css", "/images/tea.svg", "/", "/track/ord_1"])
async def test_a_file_is_sent_as_small_as_the_client_takes_it(built: httpx.AsyncClient, path: str) -> None:
    tags = set()
    for accepted, coding, suffix in (
        ("gzip, deflate, br, zstd", "br", b".br"),
        ("gzip, br;q=0", "gzip", b".gz"),
        ("*", "br", b".br"),
        ("identity", None, b""),
        ("gzip;q=0.0, *;q=0", None, b""),
    ):
        answer, content = await _raw(built, path, accepted)
        assert answer.headers.get("content-encoding") == coding
        assert content.endswith(suffix or Path(path).suffix.encode() or b".html")
        assert "Accept-Encoding" in answer.headers["vary"]
        tags.add((coding, answer.headers["etag"]))
        known = {"if-none-match": answer.headers["etag"], "accept-encoding": accepted}
        assert (await built.get(path, headers=known)).status_code == 304
    assert len({tag for _, tag in tags}) == 3


async def test_what_has_its_hash_in_its_name_is_kept_for_ever_and_a_page_is_not(built: httpx.AsyncClient) -> None:
    identity = {"accept-encoding": "identity"}
    script = await built.get("/assets/app-Ab1.js", headers=identity)
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"].startswith("text/javascript")
    style = await built.get("/assets/app-Ab1.css", headers=identity)
    assert style.headers["content-type"].startswith("text/css")
    image = await built.get("/images/tea.svg", headers=identity)
    assert (image.headers["cache-control"], image.headers["content-type"]) == ("public, max-age=86400", "image/svg+xml")
    assert (await built.get("/", headers=identity)).headers["cache-control"] == "no-cache"
    head = await built.head("/assets/app-Ab1.js", headers=identity)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")


async def test_a_file_that_does_not_shrink_is_sent_as_it_is(built: httpx.AsyncClient) -> None:
    answer, content = await _raw(built, "/assets/tiny.js", "br, gzip")
    assert (content, answer.headers.get("content-encoding")) == (b"1", None)


@pytest.mark.parametrize(
    "name", ["..%2findex.html", "%2e%2e", "%2fetc%2fpasswd", "app-Ab1.js.br", "%00", "gone.js", "."]
)
async def test_nothing_but_a_built_file_is_found_among_them(built: httpx.AsyncClient, name: str) -> None:
    assert (await built.get(f"/assets/{name}", headers={"accept-encoding": "identity"})).status_code == 404
