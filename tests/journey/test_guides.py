"""Guides that attach a shop are followed from an empty folder, and then the shop is killed in every way.

Commands, answers and changes of files are read from the page. What is looked at is the shop's own page, as it is in
`samples/`, in Chromium.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.waiting import eventually

from .browsers import page_errors
from .guide_shops import GuideShop, MongooseShop, PrismaShop, WoocommerceShop, running_stand_in

pytestmark = [pytest.mark.browser, pytest.mark.node]


@contextmanager
def made(name: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[GuideShop]:
    match name:
        case "prisma":
            yield PrismaShop(folder, request.getfixturevalue("postgres_server"))
        case "woocommerce":
            yield WoocommerceShop(folder, request.getfixturevalue("mariadb_server"))
        case _:
            with running_stand_in() as mongodb:
                yield MongooseShop(folder, mongodb)


@pytest.fixture(params=["prisma", "mongoose", "woocommerce"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GuideShop]:
    with made(request.param, tmp_path, request) as shop:
        yield shop
        shop.end()


def orders(page: Page) -> Locator:
    return page.get_by_role("listitem")


def shown(page: Page) -> list[str]:
    """Whose orders are on the page, each as often as it stands there."""
    return sorted(text.partition(":")[0].strip() for text in orders(page).all_inner_texts())


def test_every_order_is_on_the_shops_own_page_once_whatever_is_killed(shop: GuideShop, chromium: Browser) -> None:
    shop.follow("What you have")
    page = shop.open_page(chromium)
    expect(orders(page)).to_contain_text([f"Asha Rahman: 80.00 {shop.is_new}"])
    shop.order("as emitted")  # by the shop itself, without Ordercast
    expect(orders(page).first).to_contain_text("as emitted")
    page.context.close()
    for section in shop.steps:
        shop.follow(section)

    page = shop.open_page(chromium)
    shop.order("just placed")
    expect(orders(page).first).to_have_text(f"just placed: 320.00 {shop.is_new}")
    shop.move("just placed")
    expect(orders(page).first).to_contain_text(shop.moved)
    shop.look_further()

    shop.node.kill()
    shop.order("while Ordercast was dead")
    shop.order_beside("by another program")
    shop.node.start()
    shop.order("after the kill")
    expect(orders(page).first).to_contain_text("after the kill")
    assert shown(page) == sorted(shop.committed())

    answered = shop.crash_under_buyers()
    shop.order("after the crash")
    expect(orders(page).filter(has_text="after the crash")).to_have_count(1)
    # A commit that was under way at the kill may come to its end now.
    eventually(lambda: shown(page) == sorted(shop.committed()))
    assert answered <= {*shown(page)}
    assert page.evaluate("window.loadedOnce") is True
    assert page_errors(page) == []
