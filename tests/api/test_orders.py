from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ordercast.commerce.masking import masked
from ordercast.commerce.orders import Order
from ordercast.db import SqliteStore
from tests.commerce.orders import BY_ID, PRODUCTS, request_json

from .client import CUSTOMER, DRIVER, SERVICE, STORE, STRANGER, Client, bearer, problem, token
from .drivers_at_work import on_duty

ANSWERED = {
    "id", "number", "status", "paymentStatus", "fulfilment", "version", "subtotal", "tax", "shippingFee", "discount",
    "total", "currency", "amountPaid", "amountRefunded", "amountRefunding",
    "customerInfo", "billingInfo", "shippingInfo", "cartItems", "paymentInfo", "customerId",
    "driverId", "heldFrom", "createdAt", "updatedAt", "statusSince", "promisedAt", "promoCode", "pricesIncludeTax",
    "requestedTime",
}  # fmt: skip


# --- Placing ----------------------------------------------------------------------------------------------------------


async def test_the_smallest_order_is_answered_whole(client: Client) -> None:
    order = await client.place()
    assert order.keys() == ANSWERED | {"trackingToken"}
    assert (order["status"], order["paymentStatus"], order["version"]) == ("pending", "unpaid", 1)
    assert (order["subtotal"], order["tax"], order["shippingFee"], order["total"]) == (5_000, 250, 6_000, 11_250)
    (line,) = order["cartItems"]
    assert (line["name"], line["unitPrice"], line["lineTotal"]) == ("Samosa", 2_500, 5_000)
    assert re.fullmatch(r"trk_[0-9a-f]{32}", order["trackingToken"])
    assert msgspec.convert(order, Order).total == 11_250


async def test_a_card_is_paid_by_its_token_which_is_kept_nowhere(client: Client, store: SqliteStore) -> None:
    order = await client.place(paymentInfo={"method": "card", "token": "tok_visa"})
    assert order["paymentStatus"] == "paid"
    assert order["paymentInfo"] == {"method": "card", "brand": "visa", "last4": "4242"}
    assert b"tok_visa" not in (store.path.with_name("shop.db-wal").read_bytes() + store.path.read_bytes())


async def test_a_declined_card_orders_nothing(client: Client, store: SqliteStore) -> None:
    body = request_json(paymentInfo={"method": "card", "token": "tok_declined"})
    problem(await client.post("/api/orders", body), 402, "payment-declined")
    assert store.last_seq == 0


async def test_the_tracking_token_is_stored_as_a_hash_alone(client: Client, store: SqliteStore) -> None:
    order = await client.place()
    written = store.path.with_name("shop.db-wal").read_bytes() + store.path.read_bytes()
    assert order["id"].encode() in written
    assert order["trackingToken"].encode() not in written


async def test_a_signed_in_customer_owns_the_order_and_needs_no_tracking_token(client: Client) -> None:
    order = await client.place(CUSTOMER)
    assert order.keys() == ANSWERED
    assert order["customerId"] == "cus_1"


async def test_a_total_that_differs_is_answered_with_both(client: Client) -> None:
    body = problem(await client.post("/api/orders", request_json(total=1)), 422, "total-differs", "total")
    assert (body["given"], body["computed"]) == (1, 11_250)
    assert (await client.place(total=11_250))["total"] == 11_250


async def test_the_last_ten_go_to_ten_of_sixty_four_buyers(client: Client, store: SqliteStore) -> None:
    product = PRODUCTS["fruit-box"].id
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 10 WHERE id = :id", id=product))
    body = request_json(cartItems=[{"productId": product, "quantity": 1}])
    responses = await asyncio.gather(*(client.post("/api/orders", body) for _ in range(64)))
    assert sorted(response.status_code for response in responses) == [201] * 10 + [409] * 54
    refused = next(response for response in responses if response.status_code == 409)
    assert problem(refused, 409, "out-of-stock", "cartItems[0].quantity")["left"] == 0
    assert (await client.get(f"/api/products/{product}")).json()["stock"] == 0


async def test_of_two_clerks_one_moves_the_order_and_the_other_is_told_by_whom(client: Client) -> None:
    order = await client.place(CUSTOMER)
    clerks = [bearer(token("store", "usr_1")), bearer(token("store", "usr_2"))]
    wanted = [("processing", clerks[0]), ("rejected", clerks[1])]
    responses = await asyncio.gather(*(client.move(order, status, clerk) for status, clerk in wanted))
    assert sorted(response.status_code for response in responses) == [200, 409]
    winner = [response.status_code for response in responses].index(200)
    refused = problem(responses[1 - winner], 409, "stale-version")
    assert refused["changedBy"] == f"store:usr_{winner + 1}"
    assert refused["changedAt"] == responses[winner].json()["updatedAt"]
    assert f"store:usr_{winner + 1} changed it" in refused["detail"]
    assert (refused["current"], refused["version"]) == (responses[winner].json()["status"], 2)
    assert refused["allowed"] == (["ready_for_delivery", "cancelled", "on_hold"] if winner == 0 else [])


async def test_a_customer_is_told_in_which_role_somebody_was_faster(client: Client) -> None:
    order = await client.place(CUSTOMER)
    await client.move(order, "processing", STORE)
    body = {"version": order["version"], "reason": "changed my mind"}
    refused = problem(await client.post(f"/api/orders/{order['id']}/cancel", body, CUSTOMER), 409, "stale-version")
    assert refused["changedBy"] == "store"
    assert "usr_1" not in refused["detail"]


# --- Looking ----------------------------------------------------------------------------------------------------------


async def test_a_guest_reads_the_one_order_of_the_token(client: Client) -> None:
    order, other = await client.place(), await client.place()
    token = order.pop("trackingToken")
    assert (await client.get(f"/api/orders/{order['id']}", bearer(token))).json() == masked(order)
    assert (await client.get(f"/api/orders/{order['id']}?token={token}")).json() == masked(order)
    history = (await client.get(f"/api/orders/{order['id']}/history?token={token}")).json()
    assert [entry["toStatus"] for entry in history["items"]] == ["pending"]
    problem(await client.get(f"/api/orders/{other['id']}?token={token}"), 404, "not-found")
    problem(await client.get(f"/api/orders/{other['id']}/history", bearer(token)), 404, "not-found")
    problem(await client.get("/api/orders", bearer(token)), 403, "not-permitted")


async def test_without_a_token_no_order_is_shown(client: Client) -> None:
    order = await client.place()
    for path in ("/api/orders", f"/api/orders/{order['id']}", f"/api/orders/{order['id']}/history"):
        response = await client.get(path)
        problem(response, 401, "sign-in-required")
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_another_customers_order_is_not_there(client: Client) -> None:
    order = await client.place(CUSTOMER)
    path = f"/api/orders/{order['id']}"
    assert (await client.get(path, CUSTOMER)).json() == order
    for suffix in ("", "/history"):
        problem(await client.get(path + suffix, STRANGER), 404, "not-found")
    problem(await client.move(order, "cancelled", STRANGER, reason="mine now"), 404, "not-found")
    problem(await client.post(path + "/cancel", {"reason": "mine now"}, STRANGER), 404, "not-found")


async def test_each_lists_what_is_theirs_newest_first(client: Client) -> None:
    mine, guests, theirs = await client.place(CUSTOMER), await client.place(), await client.place(STRANGER)

    async def listed(headers: Mapping[str, str]) -> list[str]:
        response = await client.get("/api/orders", headers)
        return [order["id"] for order in response.json()["items"]]

    everything = [theirs["id"], guests["id"], mine["id"]]
    assert await listed(STORE) == await listed(SERVICE) == everything
    assert await listed(CUSTOMER) == [mine["id"]]
    assert await listed(DRIVER) == []
    for status in ("processing", "ready_for_delivery"):
        mine = (await client.move(mine, status)).json()
    assert await listed(DRIVER) == []
    await on_duty(client, "drv_1")
    assert await listed(DRIVER) == [mine["id"]]
    assert (await client.move(mine, "driver_assigned", DRIVER)).json()["driverId"] == "drv_1"
    assert await listed(DRIVER) == [mine["id"]]


async def test_a_list_is_paged_without_gap_or_repeat(client: Client) -> None:
    placed = [(await client.place())["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(f"/api/orders?limit=2{cursor and f'&cursor={cursor}'}", STORE)).json()
        assert len(page["items"]) <= 2
        seen += [order["id"] for order in page["items"]]
        cursor = page["nextCursor"]
        await client.place()  # what comes meanwhile belongs to the next look from the top
    assert seen == placed[::-1]


async def test_a_list_is_filtered_and_says_where_the_feed_stands(client: Client, store: SqliteStore) -> None:
    first, _second = await client.place(), await client.place()
    await client.move(first, "processing")
    page = (await client.get("/api/orders?status=processing", STORE)).json()
    assert [order["id"] for order in page["items"]] == [first["id"]]
    assert page["position"] == f"{store.epoch}:{store.last_seq}" == f"{store.epoch}:3"


async def test_a_list_is_filtered_by_former_names_too(client: Client) -> None:
    delivery, pickup = await client.place(), await client.place(fulfilment="pickup")
    for order, ready in ((delivery, "ready_for_delivery"), (pickup, "ready_for_pickup")):
        await client.move((await client.move(order, "accepted")).json(), ready)
    await client.place()

    async def listed(status: str, headers: Mapping[str, str] = STORE) -> list[str]:
        response = await client.get(f"/api/orders?status={status}", headers)
        return [order["id"] for order in response.json()["items"]]

    assert await listed("ready") == [pickup["id"], delivery["id"]]
    assert await listed("ready_for_pickup") == [pickup["id"]]
    assert await listed("packing") == []
    await on_duty(client, "drv_1")
    assert await listed("ready", DRIVER) == [delivery["id"]]
    assert await listed("in_transit", DRIVER) == []
    problem(await client.get("/api/orders?status=shipped", STORE), 422, "unknown-status", "status")


async def test_every_open_order_is_listed_oldest_first_to_the_end_and_none_that_is_over(client: Client) -> None:
    placed = [await client.place() for _ in range(7)]
    for over in placed[1:3]:
        await client.move(over, "rejected")
    held = (await client.move(placed[3], "on_hold", reason="asks the buyer")).json()
    await client.move(placed[4], "processing")

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"open=true&sort=oldest&limit=2{cursor and f'&cursor={cursor}'}"
        page = (await client.get(f"/api/orders?{query}", STORE)).json()
        seen += [order["id"] for order in page["items"]]
        if not cursor:
            placed.append(await client.place())  # what comes meanwhile is on the last page
        cursor = page["nextCursor"]

    assert held["status"] == "on_hold"
    assert seen == [order["id"] for order in (placed[0], *placed[3:])]
    over = (await client.get("/api/orders?open=false", STORE)).json()["items"]
    assert [order["id"] for order in over] == [placed[2]["id"], placed[1]["id"]]
    assert (await client.get("/api/orders?open=true&status=rejected", STORE)).json()["items"] == []
    problem(await client.get("/api/orders?open=perhaps", STORE), 422, "invalid-field", "open")
    problem(await client.get("/api/orders?sort=best", STORE), 422, "invalid-field", "sort")


async def test_the_history_tells_who_when_and_why(client: Client) -> None:
    order = await client.place()
    order = (await client.move(order, "processing")).json()
    await client.move(order, "cancelled", reason="sold out")
    response = await client.get(f"/api/orders/{order['id']}/history", STORE)
    entries: list[dict[str, Any]] = response.json()["items"]
    assert [(e["version"], e["fromStatus"], e["toStatus"], e["actor"], e["reason"]) for e in entries] == [
        (1, None, "pending", "guest", None),
        (2, "pending", "processing", "store:usr_1", None),
        (3, "processing", "cancelled", "store:usr_1", "sold out"),
    ]
    assert entries[2]["toPaymentStatus"] == "voided"


async def test_the_shop_is_told_the_names_of_who_moved_an_order_and_nobody_else_is(
    client: Client, store: SqliteStore
) -> None:
    order = await client.place(CUSTOMER)
    (clerk,) = await store.read(lambda transaction: transaction.all("SELECT id FROM accounts WHERE role = 'store'"))
    await client.move(order, "processing", bearer(token("store", clerk[0])))
    path = f"/api/orders/{order['id']}/history"
    names = [entry["actorName"] for entry in (await client.get(path, STORE)).json()["items"]]
    assert names == [None, "Demo Store"]
    assert [entry["actorName"] for entry in (await client.get(path, CUSTOMER)).json()["items"]] == [None, None]


async def test_a_long_history_is_told_in_pages(client: Client) -> None:
    order = await client.place()
    for status in ["on_hold", "pending"] * 2:
        order = (await client.move(order, status, reason="to be seen")).json()
    path = f"/api/orders/{order['id']}/history?limit=2"
    versions, cursor = [], "0"
    while cursor:
        page = (await client.get(f"{path}&cursor={cursor}", STORE)).json()
        versions.append([entry["version"] for entry in page["items"]])
        cursor = page["nextCursor"] or ""
    assert versions == [[1, 2], [3, 4], [5]]
    problem(await client.get(f"{path}&cursor=ord_1", STORE), 422, "invalid-field", "cursor")


async def test_outside_the_shop_the_history_names_roles_and_keeps_the_staffs_reasons(client: Client) -> None:
    order = await client.place(CUSTOMER)
    held = (await client.move(order, "on_hold", reason="looks like fraud")).json()
    await client.move(held, "pending")
    await client.post(f"/api/orders/{order['id']}/cancel", {"reason": "too late"}, CUSTOMER)
    path = f"/api/orders/{order['id']}/history"
    told = (await client.get(path, CUSTOMER)).json()["items"]
    assert [(entry["actor"], entry["reason"]) for entry in told] == [
        ("customer", None), ("store", None), ("store", None), ("customer", "too late"),
    ]  # fmt: skip
    known = (await client.get(path, STORE)).json()["items"]
    assert (known[1]["actor"], known[1]["reason"]) == ("store:usr_1", "looks like fraud")
    guests = await client.place()
    await client.move(guests, "rejected", reason="looks like fraud")
    shown = await client.get(f"/api/orders/{guests['id']}/history", bearer(guests["trackingToken"]))
    assert "usr_1" not in shown.text
    assert "fraud" not in shown.text


# --- Moving -----------------------------------------------------------------------------------------------------------


async def test_a_move_answers_the_order_as_it_now_is(client: Client) -> None:
    order = await client.place()
    moved = await client.move(order, "accepted")
    assert moved.status_code == 200
    assert (moved.json()["status"], moved.json()["version"]) == ("processing", 2)
    assert (await client.get(f"/api/orders/{order['id']}", STORE)).json() == moved.json()


async def test_a_stale_move_is_told_what_is_and_what_may_be(client: Client) -> None:
    order = await client.place()
    await client.move(order, "processing")
    body = problem(await client.move(order, "rejected"), 409, "stale-version")
    assert (body["current"], body["version"]) == ("processing", 2)
    assert body["allowed"] == ["ready_for_delivery", "cancelled", "on_hold"]


async def test_two_who_press_at_once_move_it_once(client: Client) -> None:
    order = await client.place()
    both = await asyncio.gather(client.move(order, "processing"), client.move(order, "rejected"))
    assert sorted(response.status_code for response in both) == [200, 409]


async def test_a_move_to_where_it_is_succeeds_and_changes_nothing(client: Client, store: SqliteStore) -> None:
    order = await client.place(CUSTOMER)
    assert (await client.move(order, "new")).json() == order
    assert (await client.move({**order, "version": 99}, "pending")).json() == order
    assert store.last_seq == 1


async def test_an_impossible_move_is_refused_with_the_possible_ones(client: Client) -> None:
    order = await client.place()
    body = problem(await client.move(order, "delivered"), 409, "illegal-transition")
    assert body["allowed"] == ["processing", "rejected", "cancelled", "on_hold"]
    problem(await client.move(order, "shipped"), 422, "unknown-status", "status")
    problem(await client.move(order, "on_hold"), 422, "reason-required", "reason")


async def test_a_customer_cancels_while_pending_only(client: Client) -> None:
    order = await client.place(CUSTOMER, paymentInfo={"method": "card", "token": "tok_visa"})
    path = f"/api/orders/{order['id']}/cancel"
    problem(await client.post(path, {}, CUSTOMER), 422, "invalid-field", "reason")
    problem(await client.post(path, {"reason": " "}, CUSTOMER), 422, "reason-required", "reason")
    problem(await client.post(path, {"reason": "late", "version": 9}, CUSTOMER), 409, "stale-version")
    cancelled = (await client.post(path, {"reason": "too\nlate"}, CUSTOMER)).json()
    assert (cancelled["status"], cancelled["amountRefunding"]) == ("cancelled", order["total"])
    order = await client.place(CUSTOMER)
    await client.move(order, "processing")
    problem(await client.post(f"/api/orders/{order['id']}/cancel", {"reason": "late"}, CUSTOMER), 403, "not-permitted")


async def test_a_guest_cancels_the_order_of_the_token_while_pending_and_moves_nothing_else(client: Client) -> None:
    order, other = await client.place(), await client.place()
    guest = bearer(order["trackingToken"])
    problem(await client.move(order, "processing", guest), 403, "not-permitted")
    problem(await client.move(other, "cancelled", guest, reason="no"), 404, "not-found")
    problem(await client.move(order, "cancelled", {}, reason="no"), 401, "sign-in-required")
    cancelled = await client.post(f"/api/orders/{order['id']}/cancel", {"reason": "Ordered twice"}, guest)
    assert cancelled.status_code == 200, cancelled.text
    # Who the buyer is stays hinted at, as in every answer to a link.
    assert (cancelled.json()["status"], cancelled.json()["customerInfo"]["email"]) == ("cancelled", "a•••@e•••")
    history = (await client.get(f"/api/orders/{order['id']}/history", guest)).json()["items"]
    assert (history[-1]["actor"], history[-1]["reason"]) == ("guest", "Ordered twice")
    told = (await client.get("/api/notifications", STORE)).json()["items"]
    assert [each["orderId"] for each in told if each["severity"] == "warning"] == [order["id"]]


async def test_who_collects_and_pays_in_cash_says_no_more_than_who_they_are(client: Client) -> None:
    body = {**request_json(fulfilment="pickup"), "billingInfo": None}
    del body["shippingInfo"]
    placed = await client.post("/api/orders", body)
    assert placed.status_code == 201, placed.text
    assert (placed.json()["billingInfo"], placed.json()["shippingInfo"]) == (None, None)
    by_card = {**body, "paymentInfo": {"method": "card", "token": "tok_visa"}}
    problem(await client.post("/api/orders", by_card), 422, "invalid-field", "billingInfo")


async def test_a_guest_does_not_cancel_what_is_prepared_already(client: Client) -> None:
    order = await client.place()
    await client.move(order, "processing")
    path, guest = f"/api/orders/{order['id']}/cancel", bearer(order["trackingToken"])
    problem(await client.post(path, {"reason": "late"}, guest), 403, "not-permitted")


async def test_prices_of_an_order_outlive_the_catalogues(client: Client, store: SqliteStore) -> None:
    order = await client.place()
    await store.write(lambda transaction: transaction.run("UPDATE products SET price = 1, name = 'Other'"))
    shown = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    assert shown["cartItems"] == order["cartItems"]
    assert BY_ID[shown["cartItems"][0]["productId"]].price == shown["cartItems"][0]["unitPrice"]
