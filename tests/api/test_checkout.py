"""What a checkout comes to: quotes, promotions, and the shop's rules."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.db import SqliteStore
from tests.commerce.orders import ADDRESS, PRODUCTS, request_json

from .client import CUSTOMER, STORE, Client, problem, signed_in

ADMIN = signed_in("admin", "usr_admin")
SAMOSAS = {"productId": PRODUCTS["samosa"].id, "quantity": 10}  # 250.00, at 5 % tax
SWEETS = {"productId": PRODUCTS["jilapi"].id, "quantity": 3}  # 89.85, at 15 %


async def make(client: Client, **promotion: Any) -> dict[str, Any]:
    body = {"code": "EID-10", "kind": "percent", "value": 1_000, **promotion}
    response = await client.post("/api/promotions", body, STORE)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def edit(client: Client, path: str, body: dict[str, Any], headers: Mapping[str, str] = STORE) -> Any:
    return await client.http.patch(path, json=body, headers=headers)


async def charge(client: Client, **rules: Any) -> dict[str, Any]:
    """Let the shop charge otherwise."""
    now = (await client.get("/api/shop")).json()
    del now["updatedAt"]
    response = await client.http.put("/api/shop", json={**now, **rules}, headers=ADMIN)
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()
    return changed


async def quote(client: Client, headers: Mapping[str, str] | None = None, **cart: Any) -> dict[str, Any]:
    response = await client.post("/api/checkout/quote", {"cartItems": [SAMOSAS, SWEETS], **cart}, headers)
    assert response.status_code == 200, response.text
    quoted: dict[str, Any] = response.json()
    return quoted


async def place(client: Client, **changes: Any) -> Any:
    return await client.post("/api/orders", request_json(cartItems=[SAMOSAS, SWEETS], **changes))


SUMS = ("cartItems", "subtotal", "discount", "tax", "shippingFee", "total", "currency", "pricesIncludeTax", "promoCode")


# --- Quotes -----------------------------------------------------------------------------------------------------------


async def test_a_quote_is_what_the_order_then_comes_to(client: Client) -> None:
    await make(client)
    quoted = await quote(client, promoCode="eid-10", destination={"country": "BD", "postcode": "1207"})
    # 339.85, less 33.99 (rounded up from 33.985): 25.00 of the samosas and 8.99 of the sweets.
    assert [line["discount"] for line in quoted["cartItems"]] == [2_500, 899]
    assert [line["tax"] for line in quoted["cartItems"]] == [1_125, 1_213]
    assert (quoted["subtotal"], quoted["discount"], quoted["tax"]) == (33_985, 3_399, 2_338)
    assert (quoted["shippingFee"], quoted["total"]) == (6_000, 38_924)
    order = (await place(client, promoCode="eid-10", total=quoted["total"])).json()
    assert {name: order[name] for name in SUMS} == quoted
    assert order["promoCode"] == "EID-10"


async def test_a_quote_takes_nothing(client: Client, store: SqliteStore) -> None:
    await make(client, usesMax=1)
    before = store.last_seq
    await quote(client, promoCode="EID-10")
    await quote(client, promoCode="EID-10")
    assert store.last_seq == before
    assert (await client.get("/api/promotions/eid-10", STORE)).json()["uses"] == 0


async def test_what_cannot_be_ordered_is_not_quoted(client: Client) -> None:
    unknown = {"cartItems": [{"productId": "prd_nothing", "quantity": 1}]}
    problem(await client.post("/api/checkout/quote", unknown), 422, "unknown-product", "cartItems[0].productId")
    await edit(
        client, f"/api/products/{SAMOSAS['productId']}", {"version": 1, "stockBy": -499_995, "reason": "counted"}
    )
    cart = {"cartItems": [SAMOSAS]}
    body = problem(await client.post("/api/checkout/quote", cart), 409, "out-of-stock", "cartItems[0].quantity")
    assert body["left"] == 5


# --- Promotions -------------------------------------------------------------------------------------------------------


async def test_a_promotion_used_up_at_once_is_used_as_often_as_it_may_be(client: Client) -> None:
    await make(client, usesMax=5)
    responses = await asyncio.gather(*(place(client, promoCode="EID-10") for _ in range(30)))
    assert sorted(response.status_code for response in responses) == [201] * 5 + [422] * 25
    refused = next(response for response in responses if response.status_code == 422)
    assert "EID-10 has been used" in problem(refused, 422, "promotion-refused", "promoCode")["detail"]
    assert (await client.get("/api/promotions/EID-10", STORE)).json()["uses"] == 5


async def test_an_order_that_ends_gives_its_use_back(client: Client) -> None:
    await make(client, usesMax=1, usesPerCustomerMax=1)
    order = await client.place(CUSTOMER, promoCode="EID-10")
    problem(await place(client, promoCode="EID-10"), 422, "promotion-refused", "promoCode")
    assert (await client.move(order, "rejected")).status_code == 200
    assert (await client.get("/api/promotions/EID-10", STORE)).json()["uses"] == 0
    assert (await client.place(CUSTOMER, promoCode="EID-10"))["promoCode"] == "EID-10"


async def test_nobody_uses_up_what_others_may_use_by_typing_their_address(client: Client) -> None:
    await make(client, usesPerCustomerMax=1)
    for _ in range(2):
        assert (await place(client, promoCode="EID-10")).status_code == 201
    await client.place(CUSTOMER, promoCode="EID-10")
    refused = problem(
        await client.post("/api/orders", request_json(promoCode="EID-10"), CUSTOMER),
        422,
        "promotion-refused",
        "promoCode",
    )
    assert refused["detail"] == "EID-10 has been used by this customer as often as it may be."
    quoted = await client.post("/api/checkout/quote", {"cartItems": [SAMOSAS], "promoCode": "EID-10"}, CUSTOMER)
    problem(quoted, 422, "promotion-refused", "promoCode")


@pytest.mark.parametrize(
    ("promotion", "sentence"),
    [
        ({"active": False}, "EID-10 has ended."),
        ({"endsAt": "2026-01-01T00:00:00Z"}, "EID-10 has ended."),
        ({"startsAt": "2199-01-01T06:00:00+06:00"}, "EID-10 begins at 2199-01-01T00:00:00.000Z."),
        ({"minSubtotal": 40_000}, "EID-10 needs goods for BDT 400.00, and these come to BDT 339.85."),
    ],
)
async def test_a_promotion_that_does_not_hold_says_why(
    client: Client, promotion: dict[str, Any], sentence: str
) -> None:
    await make(client, **promotion)
    body = problem(await place(client, promoCode="EID-10"), 422, "promotion-refused", "promoCode")
    assert body["detail"] == sentence


async def test_a_code_that_nobody_made_is_refused_by_its_field(client: Client) -> None:
    body = problem(await place(client, promoCode=" nothing "), 422, "promotion-refused", "promoCode")
    assert body["detail"] == "There is no promotion 'NOTHING'."


async def test_free_delivery_and_amounts(client: Client) -> None:
    await make(client, code="FREE", kind="free_delivery", value=0)
    await make(client, code="MUCH", kind="amount", value=99_999)
    quoted = await quote(client, promoCode="FREE")
    assert (quoted["discount"], quoted["shippingFee"]) == (0, 0)
    quoted = await quote(client, promoCode="MUCH")
    assert (quoted["discount"], quoted["tax"], quoted["total"]) == (33_985, 0, 6_000)


@pytest.mark.parametrize(
    ("promotion", "field"),
    [
        ({"value": 0}, "value"),
        ({"value": 10_001}, "value"),
        ({"kind": "free_delivery", "value": 5}, "value"),
        ({"code": "lower"}, "code"),
        ({"kind": "gift"}, "kind"),
        ({"startsAt": "2026-02-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}, "endsAt"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt"),
        ({"startsAt": "2026-02-01T00:00:00"}, "startsAt"),
        ({"usesMax": 0}, "usesMax"),
        ({"uses": 3}, "uses"),
    ],
)
async def test_a_promotion_that_cannot_be_is_refused(client: Client, promotion: dict[str, Any], field: str) -> None:
    body = {"code": "EID-10", "kind": "percent", "value": 1_000, **promotion}
    problem(await client.post("/api/promotions", body, STORE), 422, "invalid-field", field)


async def test_promotions_are_the_shops(client: Client) -> None:
    made = await make(client, usesMax=3)
    again = {"code": "EID-10", "kind": "percent", "value": 5}
    problem(await client.post("/api/promotions", again, STORE), 422, "invalid-field", "code")
    problem(await client.post("/api/promotions", again, CUSTOMER), 403, "not-permitted")
    problem(await client.get("/api/promotions"), 401, "sign-in-required")
    listed = (await client.get("/api/promotions", STORE)).json()
    assert listed == {"items": [made], "nextCursor": None}
    ended = await edit(client, "/api/promotions/eid-10", {"version": 1, "active": False, "endsAt": None})
    assert (ended.json()["active"], ended.json()["version"]) == (False, 2)
    stale = await edit(client, "/api/promotions/EID-10", {"version": 1, "active": True}, ADMIN)
    assert problem(stale, 409, "stale-version")["changedBy"] == "store:usr_1"
    problem(await edit(client, "/api/promotions/NONE", {"version": 1}), 404, "not-found")


async def test_a_promotion_cannot_be_bounded_below_its_uses(client: Client) -> None:
    await make(client)
    assert (await place(client, promoCode="EID-10")).status_code == 201
    assert (await place(client, promoCode="EID-10")).status_code == 201
    body = problem(
        await edit(client, "/api/promotions/EID-10", {"version": 1, "usesMax": 1}), 422, "invalid-field", "usesMax"
    )
    assert "2 times" in body["detail"]


async def test_a_repeated_request_makes_one_promotion(client: Client) -> None:
    key = {**STORE, "Idempotency-Key": "clerk-1"}
    body = {"code": "ONE", "kind": "percent", "value": 5}
    responses = [await client.post("/api/promotions", body, key) for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()


# --- The shop's rules -------------------------------------------------------------------------------------------------


async def test_the_rules_are_read_by_everyone_and_changed_by_an_admin(client: Client) -> None:
    rules = (await client.get("/api/shop")).json()
    assert (rules["currency"], rules["deliveryFee"], rules["freeDeliveryFrom"]) == ("BDT", 6_000, 150_000)
    assert rules["taxRatesBp"] == {"exempt": 0, "reduced": 500, "standard": 1_500}
    body = {**rules, "deliveryFee": 0}
    del body["updatedAt"]
    problem(await client.http.put("/api/shop", json=body, headers=STORE), 403, "not-permitted")
    assert (await client.http.put("/api/shop", json=body, headers=ADMIN)).json()["version"] == 2
    stale = problem(await client.http.put("/api/shop", json=body, headers=ADMIN), 409, "stale-version")
    assert (stale["version"], stale["changedBy"]) == (2, "admin:usr_admin")
    assert (await quote(client))["shippingFee"] == 0


async def test_prices_may_include_their_tax(client: Client) -> None:
    await charge(client, pricesIncludeTax=True)
    quoted = await quote(client)
    # 250.00 * 5/105 is 11.904..., 89.85 * 15/115 is 11.719...
    assert [line["tax"] for line in quoted["cartItems"]] == [1_190, 1_172]
    assert (quoted["tax"], quoted["total"]) == (2_362, 33_985 + 6_000)
    assert (await place(client, total=quoted["total"])).json()["pricesIncludeTax"] is True


async def test_the_first_zone_that_holds_says_what_delivery_costs(client: Client) -> None:
    zones = [
        {"country": "BD", "postcodes": ["12", "1310"], "fee": 3_000, "freeFrom": 30_000},
        {"country": "BD", "fee": 9_000},
        {"fee": 50_000},
    ]
    await charge(client, deliveryZones=zones)
    fees = [
        (await quote(client, cartItems=[SWEETS], destination=where))["shippingFee"]
        for where in (
            {"country": "BD", "postcode": "1207"}, {"country": "BD", "postcode": "13 10"}, {"country": "BD"},
            {"country": "BD", "postcode": "9000"}, {"country": "IN", "postcode": "1207"},
        )
    ]  # fmt: skip
    assert fees == [3_000, 3_000, 9_000, 9_000, 50_000]
    order = (await place(client, shippingInfo={**ADDRESS, "postcode": "1310"})).json()
    assert (order["shippingFee"], order["subtotal"]) == (0, 33_985)
    assert (await quote(client))["shippingFee"] == 6_000


async def test_a_tax_class_in_use_keeps_its_rate(client: Client) -> None:
    rules = (await client.get("/api/shop")).json()
    del rules["updatedAt"]
    body = {**rules, "taxRatesBp": {"reduced": 500, "standard": 1_500}}
    answer = problem(await client.http.put("/api/shop", json=body, headers=ADMIN), 422, "invalid-field", "taxRatesBp")
    assert "'exempt'" in answer["detail"]


async def test_goods_in_another_currency_are_not_sold(client: Client) -> None:
    await charge(client, currency="EUR")
    refused = problem(await place(client), 422, "invalid-field", "cartItems[0].productId")
    assert "priced in BDT" in refused["detail"]
    for item in (SAMOSAS, SWEETS):
        await edit(client, f"/api/products/{item['productId']}", {"version": 1, "price": 100})
    assert (await place(client)).json()["currency"] == "EUR"


async def test_uses_that_another_program_set_back_keep_no_order_from_ending(client: Client, store: SqliteStore) -> None:
    await make(client)
    order = await client.place(CUSTOMER, promoCode="EID-10")
    await store.write(lambda transaction: transaction.run("UPDATE promotions SET uses = 0"))
    assert (await client.move(order, "cancelled", reason="sold out")).status_code == 200
    assert (await client.get("/api/promotions/EID-10", STORE)).json()["uses"] == 0
