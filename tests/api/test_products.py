"""The catalogue as the shop works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ordercast.db import SqliteStore
from tests.commerce.orders import PRODUCTS

from .client import CUSTOMER, STORE, Client, bearer, problem, token

SAMOSA = f"/api/products/{PRODUCTS['samosa'].id}"
CHUTNEY = {"slug": "chutney", "name": "Chutney", "price": 1_500, "stock": 12, "taxClass": "reduced"}


async def edit(client: Client, path: str = SAMOSA, headers: Mapping[str, str] = STORE, **fields: Any) -> Any:
    return await client.http.patch(path, json={"version": 1, **fields}, headers=headers)


async def test_a_product_is_added_told_and_sold(client: Client, store: SqliteStore) -> None:
    added = await client.post("/api/products", CHUTNEY, STORE)
    assert added.status_code == 201
    product = added.json()
    assert (product["currency"], product["version"], product["active"]) == ("BDT", 1, True)
    assert product == (await client.get(f"/api/products/{product['id']}")).json()
    (change,) = store.changes(store.last_seq - 1, 1)
    assert (change.kind, change.actor) == ("product.added", "store:usr_1")
    assert change.after is not None
    assert msgspec.json.decode(change.after) == product
    order = await client.place(cartItems=[{"productId": product["id"], "quantity": 2}])
    assert order["subtotal"] == 3_000


async def test_a_price_is_changed_for_the_next_order(client: Client) -> None:
    before = await client.place()
    assert (await edit(client, price=3_000)).json()["version"] == 2
    after = await client.place()
    assert (before["subtotal"], after["subtotal"]) == (5_000, 6_000)
    assert (await client.get(f"/api/orders/{before['id']}", STORE)).json()["subtotal"] == 5_000


async def test_stock_is_counted_by_its_difference_with_a_reason(client: Client, store: SqliteStore) -> None:
    await client.place()
    problem(await edit(client, stockBy=5), 422, "invalid-field", "reason")
    counted = await edit(client, stockBy=-8, reason="eaten by mice")
    assert counted.json()["stock"] == 500_000 - 2 - 8
    refused = problem(await edit(client, version=2, stockBy=-600_000, reason="fire"), 422, "invalid-field", "stockBy")
    assert refused["left"] == 499_990
    (change,) = store.changes(store.last_seq - 1, 1)
    assert (change.kind, change.version, change.actor, change.reason) == (
        "product.changed", 2, "store:usr_1", "eaten by mice",
    )  # fmt: skip


async def test_of_two_edits_of_one_version_one_is_made(client: Client) -> None:
    other = bearer(token("store", "usr_2"))
    responses = await asyncio.gather(edit(client, price=1), edit(client, headers=other, name="Singara"))
    assert sorted(response.status_code for response in responses) == [200, 409]
    refused = next(response for response in responses if response.status_code == 409)
    assert problem(refused, 409, "stale-version")["changedBy"] in {"store:usr_1", "store:usr_2"}


async def test_an_edit_of_nothing_is_no_edit(client: Client, store: SqliteStore) -> None:
    before = store.last_seq
    assert (await edit(client, price=2_500)).json()["version"] == 1
    assert store.last_seq == before


async def test_what_is_not_for_sale_is_seen_by_the_shop_alone(client: Client) -> None:
    assert (await edit(client, active=False)).json()["active"] is False
    problem(await client.get(SAMOSA), 404, "not-found")
    problem(await client.get(SAMOSA, CUSTOMER), 404, "not-found")
    assert (await client.get(SAMOSA, STORE)).json()["active"] is False
    assert len((await client.get("/api/products")).json()["items"]) == 13
    assert len((await client.get("/api/products?every=true", STORE)).json()["items"]) == 14
    problem(await client.get("/api/products?every=true"), 401, "sign-in-required")
    body = {"cartItems": [{"productId": PRODUCTS["samosa"].id, "quantity": 1}]}
    problem(await client.post("/api/checkout/quote", body), 422, "unknown-product", "cartItems[0].productId")


async def test_a_rule_that_another_program_has_brought_us_up_against_is_no_fault_of_ours(
    client: Client, store: SqliteStore
) -> None:
    full = "UPDATE products SET stock = 1000000000000, sold = 0 WHERE slug = 'samosa'"
    await store.write(lambda transaction: transaction.run(full))
    refused = problem(await edit(client, version=2, stockBy=5, reason="found five"), 422, "rule-broken")
    assert "stock_within_bounds" in refused["detail"]


async def test_the_history_tells_every_edit(client: Client) -> None:
    await edit(client, price=3_000)
    await edit(client, version=2, stockBy=1, reason="found one")
    await client.place()
    entries = (await client.get(f"{SAMOSA}/history", STORE)).json()["items"]
    assert [(entry["version"], entry["actor"], entry["reason"]) for entry in entries] == [
        (1, "service:demo", None),
        (2, "store:usr_1", None),
        (3, "store:usr_1", "found one"),
    ]
    assert (entries[1]["before"]["price"], entries[1]["after"]["price"]) == (2_500, 3_000)
    first = (await client.get(f"{SAMOSA}/history?limit=2", STORE)).json()
    second = (await client.get(f"{SAMOSA}/history?limit=2&cursor={first['nextCursor']}", STORE)).json()
    assert (first["items"] + second["items"], second["nextCursor"]) == (entries, None)
    problem(await client.get(f"{SAMOSA}/history", CUSTOMER), 403, "not-permitted")
    problem(await client.get("/api/products/prd_nothing/history", STORE), 404, "not-found")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slug": "masala-chai"}, "slug"),
        ({"taxClass": "luxury"}, "taxClass"),
        ({"price": -1}, "price"),
        ({"price": 1.5}, "price"),
        ({"image": "javascript:alert(1)"}, "image"),
        ({"image": "//elsewhere.example/x.png"}, "image"),
        ({"stock": 5}, "stock"),
        ({"currency": "EUR"}, "currency"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
    ],
)
async def test_an_edit_that_cannot_be_is_refused_by_its_field(
    client: Client, fields: dict[str, Any], field: str
) -> None:
    problem(await edit(client, **fields), 422, "invalid-field", field)


async def test_the_catalogue_is_the_shops(client: Client) -> None:
    problem(await client.post("/api/products", CHUTNEY), 401, "sign-in-required")
    problem(await client.post("/api/products", CHUTNEY, CUSTOMER), 403, "not-permitted")
    problem(await edit(client, headers=CUSTOMER, price=0), 403, "not-permitted")
    problem(await edit(client, "/api/products/prd_nothing"), 404, "not-found")
    problem(await client.post("/api/products", {**CHUTNEY, "slug": "samosa"}, STORE), 422, "invalid-field", "slug")


async def test_a_repeated_request_adds_one_product(client: Client) -> None:
    key = {**STORE, "Idempotency-Key": "clerk-1"}
    first, again = [await client.post("/api/products", CHUTNEY, key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
