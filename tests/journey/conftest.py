from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from . import browsers
from .listener import Listener
from .shop import Shop

if TYPE_CHECKING:
    from tests.postgres import Postgres


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.start()
    yield shop
    shop.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One process for all tests of a file; each page that is opened in it is of a browser of its own, as far as a shop
    can know.
    """
    with sync_playwright() as playwright, browsers.browser(playwright) as running:
        yield running


@pytest.fixture(autouse=True)
def close_pages() -> Iterator[None]:
    yield
    browsers.close_pages()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Start stock JavaScript clients, ended with the test."""
    listeners: list[Listener] = []

    def start(url: str, **options: Any) -> Listener:
        listeners.append(Listener(url, **options))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.stop()


@pytest.fixture(scope="session")
def demo_template(postgres_server: Postgres, postgres_template: str) -> str:
    """A database with the demo shop, to be copied."""
    from .nodes import seed_demo

    name = postgres_server.new_database(postgres_template)
    seed_demo(postgres_server.url(name))
    return name
