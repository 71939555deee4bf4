"""Told with the browser closed: a commit's push outlives a kill, and a browser shows it and opens what it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from tests.notify.browsers import PushService, push_service
from tests.waiting import eventually

from .browsers import browser, open_page, page_errors
from .shop import Shop


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, {"ORDERCAST_OUTGOING_NETWORKS": "127.0.0.0/8"})
    shop.start()
    yield shop
    shop.kill()


def subscribed(shop: Shop, subscription: dict[str, Any], token: str) -> None:
    httpx.post(
        f"{shop.url}/api/push/subscriptions", json=subscription, headers={"authorization": f"Bearer {token}"}
    ).raise_for_status()


def test_what_was_committed_before_a_kill_is_pushed_once_by_the_restarted_server(
    shop: Shop, service: PushService
) -> None:
    order, later = shop.place(), shop.place()
    for each, name in ((order, "first"), (later, "second")):
        subscribed(shop, service.browser(name), each["trackingToken"])
    key = httpx.get(f"{shop.url}/api/push/key").json()["key"]
    service.answers = [503] * 1_000
    shop.move(order, "processing", shop.token()).raise_for_status()
    shop.kill()
    service.answers = []
    shop.start()
    eventually(lambda: service.titles("first"))
    # What comes after it shows that nothing of the first is still to come.
    shop.move(later, "processing", shop.token()).raise_for_status()
    eventually(lambda: service.titles("second"))
    assert service.titles() == ["Order accepted", "Order accepted"]
    assert {push.key for push in service.taken} == {key}, "browsers know the shop by its key, over a restart too"


# Headless Chromium has no push service: in its place this one answers, as the browser would.
SUBSCRIBES: str = """
const made = %s;
PushManager.prototype.subscribe = async function (options) {
  window.askedWith = options.applicationServerKey;
  window.subscribed = true;
  return { endpoint: made.endpoint, toJSON: () => made };
};
PushManager.prototype.getSubscription = async function () {
  return localStorage.getItem("ordercast.push") === null ? null : { endpoint: made.endpoint, toJSON: () => made };
};
"""


@pytest.mark.browser
def test_a_guest_asks_on_the_page_of_their_order_and_is_shown_what_became_of_it(
    shop: Shop, service: PushService
) -> None:
    order = shop.place()
    made = service.browser("phone")
    with sync_playwright() as playwright, browser(playwright) as chromium:
        page = open_page(chromium, f"{shop.url}/", permissions=["notifications"])
        page.add_init_script(SUBSCRIBES % json.dumps(made))
        cdp = page.context.new_cdp_session(page)
        registrations = _registrations(cdp)
        track = f"/track/{order['id']}?token={order['trackingToken']}"
        page.goto(f"{shop.url}{track}")
        switch = page.get_by_test_id("notify-here")
        expect(switch).to_have_attribute("aria-pressed", "false")
        switch.focus()
        page.keyboard.press("Enter")
        expect(switch).to_have_attribute("aria-pressed", "true")
        assert page.evaluate("window.askedWith") == httpx.get(f"{shop.url}/api/push/key").json()["key"]

        shop.move(order, "processing", shop.token()).raise_for_status()
        (push,) = eventually(lambda: service.taken)
        assert push.shown["navigate"].endswith(track)
        # What a push service would do with it.
        # Asked something, Playwright reads what it was told meanwhile.
        (registration,) = eventually(lambda: page.evaluate("0") or registrations)
        payload = {"web_push": 8030, "notification": push.shown}
        cdp.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": shop.url, "registrationId": registration, "data": json.dumps(payload)},
        )
        (shown,) = _shown(page, 1)
        assert (shown["title"], shown["body"]) == ("Order accepted", f"The shop is preparing order {order['number']}.")
        assert shown["data"] == {"path": track}
        # The same once more takes its own place, and what nobody can read is shown as something.
        for data in (json.dumps(payload), "no JSON"):
            cdp.send(
                "ServiceWorker.deliverPushMessage",
                {"origin": shop.url, "registrationId": registration, "data": data},
            )
        assert sorted(each["title"] for each in _shown(page, 2)) == ["Order accepted", "Ordercast"]

        page.get_by_test_id("notify-here").click()
        expect(switch).to_have_attribute("aria-pressed", "false")
        headers = {"authorization": f"Bearer {order['trackingToken']}"}
        assert httpx.get(f"{shop.url}/api/push/subscriptions", headers=headers).json() == {"items": []}
        assert page_errors(page) == []


def _registrations(cdp: CDPSession) -> list[str]:
    """The ids of the service workers that are registered, as they come."""
    found: list[str] = []

    def updated(event: dict[str, Any]) -> None:
        found[:] = [each["registrationId"] for each in event["registrations"] if not each["isDeleted"]] or found

    cdp.on("ServiceWorker.workerRegistrationUpdated", updated)
    cdp.send("ServiceWorker.enable")
    return found


def _shown(page: Page, count: int) -> list[dict[str, Any]]:
    """The notifications that are shown, once there are so many."""

    def so_many() -> list[dict[str, Any]] | None:
        # Asked again from here: Playwright's own waiting takes the promise of an answer for one that is true.
        shown: list[dict[str, Any]] = page.evaluate(
            """async () => {
              const registration = await navigator.serviceWorker.ready;
              const shown = await registration.getNotifications();
              return shown.map(({ title, body, data }) => ({ title, body, data }));
            }"""
        )
        return shown if len(shown) >= count else None

    found: list[dict[str, Any]] = eventually(so_many)
    return found
