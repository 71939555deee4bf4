from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
import pytest

from ordercast.api import create_api
from ordercast.api.page_translations import Translations, read_page_manifest
from ordercast.api.pages import PAGES, Pages
from ordercast.commerce.letters import Language
from ordercast.commerce.tracking import TRACKED_AFTER_END_S
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import STORE, Client, bearer, signed_in
from .drivers_at_work import given, hire, moved, ready
from .endings import bring

TYPED = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp; {count}"
# The API takes no such character; another program may.
HOSTILE = f"{TYPED} \u202eevil"
# What is written in Latin letters on a page in Bengali: the brand, and names that people have.
NAMES = {"Ordercast", "Dhaka"}


@pytest.fixture
async def http(store: SqliteStore, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The built pages; a shop of the demo knows where it is."""
    application = create_api(settings, store, pages=Pages())
    transport = httpx.ASGITransport(application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield http


class Page(HTMLParser):
    """What a browser without scripts makes of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.lang = ""
        self.states: list[tuple[str, str]] = []
        self.data: Any = None
        self._words: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.lang = named.get("lang") or self.lang
        if "data-state" in named:
            self.states.append((named["data-status"] or "", named["data-state"] or ""))
        if tag in {"script", "style", "title", "noscript"}:
            self._inside.append("initial-data" if named.get("id") == "initial-data" else tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and (self._inside[-1] == tag or (tag == "script" and self._inside[-1] == "initial-data")):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._words.append(data)
        elif self._inside[-1] == "initial-data":
            self.data = msgspec.json.decode(data)

    @property
    def text(self) -> str:
        return " ".join("".join(f"{each} " for each in self._words).split())


async def look(http: httpx.AsyncClient, order: dict[str, Any], **headers: str) -> Page:
    answer = await http.get(f"/track/{order['id']}?token={order['trackingToken']}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    return Page(answer.text)


async def test_an_order_is_read_without_scripts_its_arrival_first(
    http: httpx.AsyncClient, client: Client, store: SqliteStore
) -> None:
    order = await ready(client, None)
    page = await look(http, order)
    assert page.states[:3] == [("pending", "done"), ("processing", "done"), ("ready_for_delivery", "now")]
    assert {state for _, state in page.states[3:]} == {"ahead"}

    await hire(store, "drv_rahim")
    order = {**order, **await given(client, order, "drv_rahim")}
    page = await look(http, await moved(client, order, "picked_up", "in_transit", by="drv_rahim"))
    assert page.lang == "en-GB"
    text = page.text
    assert f"Order {order['number']}" in text
    assert text.index("It should be there in about") < text.index("Your order is on its way to you.")
    assert "Rahim brings your order." in text
    assert "2 \u00d7 Samosa" in text
    assert f"BDT {order['total'] // 100}" in text.replace("\u00a0", " ")
    assert "You pay BDT" in text
    assert page.states[5:] == [("in_transit", "now"), ("delivered", "ahead")]


async def test_a_promised_time_and_a_lines_note_are_read_without_scripts(
    http: httpx.AsyncClient, client: Client
) -> None:
    order = await client.place()
    line = {"productId": order["cartItems"][0]["productId"], "quantity": 1, "note": "No chilli, please"}
    order = await client.place(cartItems=[line])
    assert "promised" not in (await look(http, order)).text
    answer = await client.move(order, "processing", STORE, preparationMinutes=20)
    assert answer.status_code == 200
    text = (await look(http, order)).text
    assert text.index("The shop has promised it for") < text.index("Preparing")
    assert "No chilli, please" in text


async def test_the_scripts_begin_with_what_they_would_ask_for(http: httpx.AsyncClient, client: Client) -> None:
    order = await client.place()
    page = await look(http, order)
    guest = bearer(order["trackingToken"])
    path = f"/api/orders/{order['id']}"
    assert page.data["orderId"] == order["id"]
    assert page.data["order"] == (await client.get(path, guest)).json()
    assert page.data["history"] == (await client.get(f"{path}/history", guest)).json()["items"]
    assert page.data["delivery"] == (await client.get(f"{path}/delivery", guest)).json()
    assert page.data["config"] == (await client.get("/api/config")).json()
    # Who bought it is hinted at, as for everybody who comes by a link.
    assert "asha@example.com" not in str(page.data)


async def test_nothing_that_somebody_typed_becomes_a_part_of_the_page(
    http: httpx.AsyncClient, client: Client, store: SqliteStore
) -> None:
    plain = await client.place()
    tags = {lang: sorted((await look(http, plain, **{"accept-language": lang})).tags) for lang in ("en", "bn")}
    names = {"name": HOSTILE, "like": "%samosa%"}
    rename = "UPDATE products SET name = :name, name_bn = :name WHERE lower(name) LIKE :like"
    await store.write(lambda transaction: transaction.run(rename, **names))
    address = {"name": TYPED, "line1": TYPED, "city": TYPED, "country": "BD"}
    order = await client.place(billingInfo=address, shippingInfo=address)
    for language in ("en", "bn"):
        page = await look(http, order, **{"accept-language": language})
        assert sorted(page.tags) == tags[language]
        assert HOSTILE in page.text
        assert page.data["order"]["cartItems"][0]["name"] == HOSTILE
        assert page.data["order"]["shippingInfo"]["city"] == TYPED


async def test_it_speaks_the_language_that_was_chosen_else_the_browsers(
    http: httpx.AsyncClient, client: Client
) -> None:
    order = await client.place()
    asked = {"accept-language": "fr-FR, bn-BD;q=0.9, en;q=0.5"}
    by_browser = await look(http, order, **asked)
    chosen = await look(http, order, **asked, cookie="ordercast.locale=en")
    nonsense = await look(http, order, **asked, cookie="ordercast.locale=xx")
    assert (by_browser.lang, chosen.lang, nonsense.lang) == ("bn-BD", "en-GB", "bn-BD")
    assert "দোকান আপনার অর্ডার পেয়েছে" in by_browser.text
    latin = set(re.findall(r"[A-Za-z]{2,}", by_browser.text))
    assert latin <= NAMES, latin


@pytest.mark.parametrize("token", ["trk_nothing", "x", "trk_" + "0" * 5000, "%00", "a&token=b"])
async def test_a_link_that_opens_nothing_says_so(http: httpx.AsyncClient, client: Client, token: str) -> None:
    order = await client.place()
    answer = await http.get(f"/track/{order['id']}?token={token}", headers={"accept": "text/html"})
    if token == "%00":  # refused before any handler
        assert answer.status_code == 422
        return
    assert answer.status_code == 404
    page = Page(answer.text)
    assert "This link opens no order." in page.text
    assert page.data is None
    assert f"{order['number']}" not in page.text


async def test_a_link_opens_its_own_order_alone(http: httpx.AsyncClient, client: Client) -> None:
    order, other = await client.place(), await client.place()
    answer = await http.get(f"/track/{other['id']}?token={order['trackingToken']}")
    assert (answer.status_code, "This link opens no order." in answer.text) == (404, True)
    answer = await http.get(f"/track/{order['id']}%22%3E%3Cscript%3E?token={order['trackingToken']}")
    assert (answer.status_code, "<script>" in answer.text) == (404, False)


async def test_a_link_of_long_ago_says_that_it_has_ended(
    http: httpx.AsyncClient, client: Client, store: SqliteStore
) -> None:
    order = await client.place()
    await bring(store, order["id"], "delivered", seconds_ago=TRACKED_AFTER_END_S + 1)
    answer = await http.get(f"/track/{order['id']}?token={order['trackingToken']}")
    assert (answer.status_code, "This link is good no more" in answer.text) == (404, True)


async def test_without_a_token_in_the_address_it_is_the_application(http: httpx.AsyncClient, client: Client) -> None:
    order = await client.place(signed_in("customer", "cus_9"))
    answer = await http.get(f"/track/{order['id']}", headers={"cookie": "x=1"})
    assert (await http.get(f"/track/{order['id']}?token=")).text == answer.text
    assert (answer.status_code, Page(answer.text).data) == (200, None)
    assert answer.headers["etag"]


def test_sums_are_written_as_the_pages_write_them() -> None:
    manifest = read_page_manifest(PAGES)
    assert manifest is not None, "run `make pages`"
    english, bengali = Translations(manifest, Language.ENGLISH, UTC), Translations(manifest, Language.BENGALI, UTC)
    assert english.money(123_456_700, "BDT") == "BDT\u00a01,234,567"
    assert english.money(-1_050, "USD") == "-US$10.50"
    assert english.money(299_000, "HUF") == "HUF\u00a02,990"
    assert english.money(5_125, "JOD") == "JOD\u00a05.125"
    assert bengali.money(123_456_750, "BDT") == "১২,৩৪,৫৬৭.৫০৳"
    assert english.money(100, "XXQ") == "XXQ\u00a01"
    assert bengali.t("order.line", count=12, name="{count}") == "১২ \u00d7 {count}"
    assert english.moment("2026-11-30T10:05:00Z", "2026-11-30T23:00:00Z") == "10:05"
    assert bengali.moment("2026-11-30T10:05:00Z", "2026-12-01T09:00:00Z") == "৩০ নভেম্বর, ১০:০৫"
