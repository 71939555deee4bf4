from __future__ import annotations

import re

import msgspec
import pytest

from ordercast.api.application import openapi_document
from ordercast.config import Settings
from ordercast.db import SqliteStore
from tests.commerce.orders import request_json

from .client import STORE, Client, over, problem


async def test_products_are_listed_for_everyone_in_pages(client: Client) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(f"/api/products?limit=5{cursor and f'&cursor={cursor}'}")).json()
        seen += [product["id"] for product in page["items"]]
        cursor = page["nextCursor"]
    assert len(seen) == len(set(seen)) == 14
    product = (await client.get(f"/api/products/{seen[0]}")).json()
    assert product.keys() == {
        "id", "slug", "name", "nameBn", "description", "descriptionBn", "price", "currency", "stock", "taxClass",
        "image", "active", "soldOutUntil", "version",
    }  # fmt: skip
    problem(await client.get("/api/products/prd_nothing"), 404, "not-found")


def test_every_refusal_is_documented_as_a_problem() -> None:
    paths = msgspec.json.decode(openapi_document())["paths"]
    operations = [(f"{method} {path}", what) for path, methods in paths.items() for method, what in methods.items()]
    for name, what in operations:
        for status, answer in what["responses"].items():
            if status.startswith(("4", "5")):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
        if "requestBody" in what:
            assert what["responses"].keys() >= {"400", "422"}, name


async def test_the_status_flow_is_the_table(client: Client) -> None:
    flow = (await client.get("/api/status-flow")).json()
    assert {"from": "pending", "to": "processing", "roles": ["admin", "store"], "needsReason": False}.items() <= flow[
        "order"
    ][0].items()
    assert flow["labels"]["delivered"]["en"] == "Delivered"
    assert flow["pickupLabels"]["delivered"]["en"] == "Collected"
    assert flow["legacy"]["ready"] == {"pickup": "ready_for_pickup", "delivery": "ready_for_delivery"}
    assert {"from": "unpaid", "to": "authorized"} in flow["payment"]


async def test_a_button_made_from_the_flow_works(client: Client) -> None:
    order = await client.place()
    flow = (await client.get("/api/status-flow")).json()["order"]
    buttons = [
        move["to"]
        for move in flow
        if move["from"] == "pending" and "store" in move["roles"] and move["fulfilment"] in {None, "delivery"}
    ]
    refused = (await client.move(order, "delivered")).json()
    assert sorted(buttons) == sorted(refused["allowed"])


async def test_health_and_figures(client: Client, store: SqliteStore) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
    figures = await client.get("/metrics")
    assert figures.headers["content-type"].count("charset") == 1
    assert "ordercast_units_committed_total" in figures.text
    await store.close()
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200
    problem(await client.get("/api/products"), 503, "store-unavailable")


async def test_the_pages_are_told_where_to_connect(store: SqliteStore, settings: Settings) -> None:
    elsewhere = msgspec.structs.replace(settings, socket_url="wss://live.example.com")
    async with over(elsewhere, store) as http:
        config = (await http.get("/api/config")).json()
    assert (config.pop("paymentProvider"), config.pop("paymentProviderName")) == ("sandbox", "Sandbox")
    assert config.pop("paymentMethods") == ["cash", "card", "saved_card"]
    assert "no money moves" in config.pop("paymentNotice")
    assert config.pop("hasAdmin") is True
    assert config.pop("sendsMail") is True
    digits = config.pop("currencyDigits")
    assert (digits["ISK"], digits["JOD"], digits["CLF"]) == (0, 3, 4)
    assert not {"BDT", "HUF", "IDR", "XXX"} & set(digits)
    assert config == {
        "socketUrl": "wss://live.example.com", "currency": "BDT", "locales": ["en", "bn"], "telephone": None,
        "preparationMinutes": 0,
        "timeZone": "UTC",
    }  # fmt: skip


async def test_head_is_get_without_its_body(client: Client) -> None:
    got, headed = await client.get("/api/products"), await client.http.head("/api/products")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"]
    assert (await client.http.head("/api/nothing")).status_code == 404


async def test_options_is_answered_without_a_body(client: Client) -> None:
    response = await client.http.options("/api/orders")
    assert (response.status_code, response.content) == (204, b"")
    assert "POST" in response.headers["allow"]


async def test_another_sites_page_may_call_if_it_is_named(client: Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    ours = await client.http.options("/api/orders", headers={"Origin": "https://shop.example.com", **asked})
    assert ours.headers["access-control-allow-origin"] == "https://shop.example.com"
    assert "idempotency-key" in ours.headers["access-control-allow-headers"].lower()
    answer = await client.get("/api/products", {"Origin": "https://shop.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example.com"
    other = await client.get("/api/products", {"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in other.headers
    refused = await client.post("/api/orders", {}, {"Origin": "https://shop.example.com"})
    assert refused.headers["access-control-allow-origin"] == "https://shop.example.com"


async def test_openapi_describes_each_route_by_its_types(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {
        "/api/orders", "/api/orders/{order_id}", "/api/orders/{order_id}/history", "/api/orders/{order_id}/status",
        "/api/orders/{order_id}/cancel", "/api/products", "/api/products/{product_id}", "/api/status-flow",
        "/api/orders/{order_id}/driver", "/api/drivers", "/api/auth/login", "/api/emit", "/emit-booking",
        "/health/live", "/health/ready", "/metrics", "/api/config",
    } <= document["paths"].keys()  # fmt: skip
    place = document["paths"]["/api/orders"]["post"]
    assert place["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/PlaceOrder")
    assert "application/problem+json" in place["responses"]["409"]["content"]
    schemas = document["components"]["schemas"]
    assert schemas["PlaceOrder"]["properties"].keys() >= {"customerInfo", "cartItems", "paymentInfo", "fulfilment"}
    assert schemas["Order"]["properties"].keys() >= {"paymentStatus", "shippingFee", "createdAt"}


async def test_the_documents_page_fetches_nothing_from_elsewhere(client: Client) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in page.text
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


async def test_an_unexpected_error_tells_nothing_and_is_noted(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(store, "write", fails)
    response = await client.post("/api/orders", request_json())
    problem(response, 500, "internal")
    assert "hunter2" not in response.text
    assert "hunter2" in caplog.text


async def test_a_busy_store_says_when_to_come_back(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.db.writer.UNITS_WAITING_MAX", 0)
    response = await client.post("/api/orders", request_json(), STORE)
    problem(response, 503, "overloaded")
    assert response.headers["retry-after"] == "1"


async def test_a_full_disk_is_told_as_unavailable_not_as_a_fault(client: Client, store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.one("PRAGMA max_page_count = 1"))
    body = request_json(customerInfo={"name": "x" * 200, "email": "a@example.com", "mobile": "01700000000"})
    answers = [await client.post("/api/orders", body) for _ in range(30)]
    problem(answers[-1], 503, "store-unavailable")
    assert answers[-1].headers["retry-after"] == "1"


async def test_a_database_that_cannot_be_read_is_told_as_unavailable(client: Client, store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.run("ALTER TABLE products RENAME TO gone"))
    response = await client.get("/api/products")
    problem(response, 503, "store-unavailable")
    assert response.headers["retry-after"] == "1"


async def test_a_page_of_another_origin_is_logged_once_and_its_preflight_says_why(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for _ in range(2):
        refused = await client.http.options("/api/orders", headers={"Origin": "https://new.example", **asked})
        await client.get("/api/products", {"Origin": "https://new.example"})

    assert problem(refused, 403, "origin-refused")["detail"] == (
        "Pages of https://new.example may not connect here: add that origin to ORDERCAST_CORS_ORIGINS."
    )
    assert [record.message for record in caplog.records if "new.example" in record.message] == [
        "Pages of https://new.example may not connect here: add that origin to ORDERCAST_CORS_ORIGINS."
    ]


async def test_a_demo_on_loopback_answers_pages_of_any_local_port(client: Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in ("http://localhost:5173", "http://localhost", "http://127.0.0.1:8080"):
        answer = await client.http.options("/api/orders", headers={"Origin": origin, **asked})
        assert answer.headers["access-control-allow-origin"] == origin
