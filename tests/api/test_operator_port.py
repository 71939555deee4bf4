from __future__ import annotations

from typing import Any

import httpx
import pytest

from ordercast.api import create_api
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import problem

SPELLINGS = ("/metrics", "/metrics/", "/metrics%2f", "/metrics?x=1")


def asked_at(application: Any, port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=f"http://shop:{port}")


@pytest.mark.parametrize("path", SPELLINGS)
async def test_figures_are_told_on_their_own_port_alone(path: str, store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, metrics_port=9_000)
    async with asked_at(application, 3_000) as public, asked_at(application, 9_000) as own:
        assert "ordercast_" not in (await public.get(path)).text
        problem(await public.get("/metrics"), 404, "not-found")
        assert "ordercast_units_committed_total" in (await own.get("/metrics")).text


async def test_the_port_of_operators_sells_nothing(store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, metrics_port=9_000)
    async with asked_at(application, 9_000) as own:
        assert (await own.get("/health/ready")).json() == {"status": "ready"}
        for path in ("/", "/api/products", "/docs", "/openapi.json"):
            problem(await own.get(path), 404, "not-found")


async def test_figures_are_told_beside_the_shop_when_that_is_asked_for(store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, metrics_port=settings.port)
    async with asked_at(application, settings.port) as http:
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/api/products")).status_code == 200


async def test_no_figures_are_told_where_there_is_no_place_for_them(store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, metrics_port=0)
    async with asked_at(application, settings.port) as http:
        assert (await http.get("/metrics")).status_code == 404
