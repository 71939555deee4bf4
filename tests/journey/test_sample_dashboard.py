"""The sample of `samples/nextjs_chat` in Chromium: a payment and a person come to a dashboard's chat by themselves.

Its route handler is run by a few lines of Node.js in place of Next.js, its component bundled with our pages' Vite.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.payments.services import NODE
from tests.waiting import eventually

from .browsers import browser, open_page, page_errors, remember
from .shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.node]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples/nextjs_chat"
HARNESS = Path(__file__).parent / "sample_page"
GUIDE = ROOT / "docs/guides/dashboard-chat.md"
CUSTOMER = "customer@example.com"


@dataclass
class Dashboard:
    """The shop, and the other program whose pages show its bookings."""

    shop: Shop
    url: str
    chromium: Browser

    def book(self) -> dict[str, Any]:
        """An hour of the first service that is free, paid by a card that the provider holds."""
        with self.client(CUSTOMER) as client:
            service = client.get("/api/services").raise_for_status().json()["items"][0]
            slots = client.get(f"/api/services/{service['id']}/slots").raise_for_status().json()["items"]
            later = slots[len(slots) // 2]  # the first of them may begin before it is booked
            wanted = {
                "serviceId": service["id"],
                "startsAt": later["startsAt"],
                "customerInfo": {"name": "Asha Rahman", "email": CUSTOMER, "mobile": "+8801700000000"},
                "paymentInfo": {"method": "card", "token": "tok_authorize_only"},
            }
            booked: dict[str, Any] = client.post("/api/bookings", json=wanted).raise_for_status().json()
        return booked

    def client(self, email: str = "store@example.com") -> httpx.Client:
        return httpx.Client(base_url=self.shop.url, headers={"authorization": f"Bearer {self.shop.login(email)}"})

    def address(self, booking: dict[str, Any], email: str = "store@example.com") -> str:
        props = {"bookingId": booking["id"], "token": self.shop.login(email), "url": self.shop.url}
        return f"{self.url}/#{urlencode(props)}"

    def open(self, booking: dict[str, Any], email: str = "store@example.com") -> Page:
        page = open_page(self.chromium, self.address(booking, email))
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        return page


@contextmanager
def served(pages: Path, shop: Shop) -> Iterator[str]:
    environ = {**os.environ, "ORDERCAST_URL": shop.url}
    process = subprocess.Popen(
        [NODE, str(HARNESS / "serve.mjs"), str(pages)], env=environ, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()  # once it listens
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("dashboard")
    pages = folder / "pages"
    subprocess.run([NODE, str(HARNESS / "build.mjs"), str(pages)], check=True)
    shop = Shop(folder)
    shop.start()
    try:
        with served(pages, shop) as url, sync_playwright() as playwright, browser(playwright) as chromium:
            yield Dashboard(shop, url, chromium)
    finally:
        shop.kill()


def texts(page: Page) -> Locator:
    return page.get_by_test_id("text")


def write(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).press_sequentially(text)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_a_payment_and_a_person_come_to_the_dashboard_and_both_talk_without_a_reload(dashboard: Dashboard) -> None:
    booking = dashboard.book()
    clerk = dashboard.open(booking)
    clerk.evaluate("window.loadedOnce = true")
    expect(clerk.get_by_test_id("booking")).to_have_text("requested, authorized")
    expect(clerk.get_by_text("Asha Rahman is away")).to_be_visible()

    dashboard.shop.run("webhook", "send", "--booking", booking["id"])
    expect(clerk.get_by_test_id("booking")).to_have_text("requested, paid")

    customer = dashboard.open(booking, CUSTOMER)
    expect(clerk.get_by_text("Asha Rahman is here")).to_be_visible()
    said = remember(clerk.get_by_test_id("typing"))
    customer.get_by_label("Message", exact=True).press_sequentially("Who")
    eventually(lambda: "Asha Rahman is typing …" in said())
    write(customer, " comes?")
    write(clerk, "Rina does.")
    for page in (clerk, customer):
        expect(texts(page)).to_have_text(["Who comes?", "Rina does."])
        expect(page.get_by_text("seen")).to_be_visible()
    expect(clerk.get_by_test_id("typing")).to_be_empty()

    customer.close()
    expect(clerk.get_by_text("Asha Rahman is away")).to_be_visible()
    assert clerk.evaluate("window.loadedOnce") is True
    assert page_errors(clerk) == page_errors(customer) == []


def test_what_is_written_between_the_fetch_and_the_listener_is_shown_once(dashboard: Dashboard) -> None:
    booking = dashboard.book()
    clerk = open_page(dashboard.chromium, "about:blank")
    with dashboard.client(CUSTOMER) as customer:
        conversation = customer.post("/api/conversations", json={"bookingId": booking["id"]}).json()["id"]
        path = f"/api/conversations/{conversation}/messages"
        customer.post(path, json={"text": "in the answer"}).raise_for_status()

        def write_behind_the_answer(route: Route) -> None:
            answer = route.fetch()
            customer.post(path, json={"text": "behind it"}).raise_for_status()
            route.fulfill(response=answer)

        clerk.route("**/api/chat/user/booking*", write_behind_the_answer)
        clerk.goto(dashboard.address(booking))
        expect(texts(clerk)).to_have_text(["in the answer", "behind it"])
        customer.post(path, json={"text": "heard live"}).raise_for_status()
        expect(texts(clerk)).to_have_text(["in the answer", "behind it", "heard live"])

        clerk.context.set_offline(True)
        expect(clerk.get_by_text("Connecting …")).to_be_visible()
        customer.post(path, json={"text": "while it was away"}).raise_for_status()
        clerk.context.set_offline(False)
        expect(texts(clerk)).to_have_text(["in the answer", "behind it", "heard live", "while it was away"])
    assert page_errors(clerk) == []


def test_a_booking_of_the_own_back_end_comes_to_the_dashboard_once(dashboard: Dashboard) -> None:
    clerk = dashboard.open(dashboard.book())
    told = {"bookingId": "665f1c2ab7e4a90012d3f8aa", "service": "elderly_care", "status": "paid", "amount": 250_000}
    script = f"import({(SAMPLE / 'lib/emit-booking.js').as_uri()!r}).then(({{ emitBooking }}) => emitBooking({told}))"
    environ = {
        **os.environ,
        "ORDERCAST_URL": dashboard.shop.url,
        "ORDERCAST_SERVICE_TOKEN": dashboard.shop.token("service"),
    }
    for _ in range(2):  # the provider's webhook may come again
        subprocess.run([NODE, "-e", script], env=environ, check=True)

    expect(clerk.get_by_label("New bookings").get_by_role("listitem")).to_have_text(["elderly_care: paid"])


def test_whoever_may_not_see_a_booking_is_told_so(dashboard: Dashboard) -> None:
    page = open_page(dashboard.chromium, dashboard.address({"id": "bkg_nothing"}, CUSTOMER))
    expect(page.get_by_role("status")).to_contain_text("booking")
    assert httpx.get(f"{dashboard.url}/api/chat/user/booking").status_code == 401


def test_the_guide_shows_the_sample_whole() -> None:
    guide = GUIDE.read_text()
    for file in sorted(SAMPLE.rglob("*")):
        if file.is_file() and file.suffix in {".js", ".jsx"}:
            assert file.read_text() in guide, f"{file.relative_to(SAMPLE)} differs from the guide"
