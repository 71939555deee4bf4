"""What is the same for everybody is made once."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from litestar._openapi.plugin import OpenAPIPlugin

from ordercast.api.application import openapi_document
from ordercast.api.static_response import StaticResponse

from .client import Client


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that described the API."""
    threads: list[str] = []
    describe = OpenAPIPlugin.provide_openapi

    def noting(plugin: OpenAPIPlugin) -> Any:
        threads.append(threading.current_thread().name)
        return describe(plugin)

    monkeypatch.setattr(OpenAPIPlugin, "provide_openapi", noting)
    return threads


async def test_the_api_is_described_once_when_it_is_asked_for_and_not_on_the_loop(
    described: list[str], client: Client
) -> None:
    assert described == []
    answers = [await client.get("/openapi.json") for _ in range(3)]
    for _ in range(2):
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/docs/openapi.json")).content == answers[0].content
    assert len({answer.content for answer in answers}) == 1
    assert len(described) == 1
    assert described[0] != threading.main_thread().name
    assert msgspec.json.decode(answers[0].content) == msgspec.json.decode(openapi_document())


async def test_who_has_the_document_is_not_sent_it_again(client: Client) -> None:
    first = await client.get("/openapi.json")
    for known in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}', "*"):
        again = await client.get("/openapi.json", {"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await client.get("/openapi.json", {"If-None-Match": '"other"'})).status_code == 200


def test_a_constant_says_what_it_is() -> None:
    assert repr(StaticResponse(b"{}", "application/json")).startswith("<StaticResponse application/json 2 bytes")
