from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest

from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, STORE, STRANGER, Client, bearer, over, problem
from .drivers_at_work import driver, given, hire, moved, on_duty, ready


async def nearest(client: Client, order: dict[str, Any], **headers: str) -> Any:
    body = {"nearest": True, "version": order["version"]}
    return await client.post(f"/api/orders/{order['id']}/driver", body, {**STORE, **headers})


async def place(store: SqliteStore, driver_id: str, lat: float, at: str = "2099-01-01T00:00:00.000Z") -> None:
    set_place = "UPDATE driver_states SET lat = :lat, lng = 90.4074, located_at = :at WHERE driver_id = :id"
    await store.write(lambda transaction: transaction.run(set_place, lat=lat, at=at, id=driver_id))


async def look(client: Client, order: dict[str, Any], headers: Mapping[str, str] = STORE) -> dict[str, Any]:
    answer = await client.get(f"/api/orders/{order['id']}/delivery", headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- Choosing ---------------------------------------------------------------------------------------------------------


async def test_the_nearest_of_those_who_work_and_are_free_is_chosen(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_near", "drv_far", "drv_busy", "drv_home")
    for driver_id, lat in (("drv_near", 23.79), ("drv_far", 23.9), ("drv_busy", 23.7806), ("drv_home", 23.7806)):
        await on_duty(client, driver_id)
        await place(store, driver_id, lat)
    await on_duty(client, "drv_home", working=False)
    await given(client, await ready(client), "drv_busy")
    first, second, third = await ready(client), await ready(client), await ready(client)
    assert (await nearest(client, first)).json()["driverId"] == "drv_near"
    assert (await nearest(client, second)).json()["driverId"] == "drv_far"
    refused = problem(await nearest(client, third), 409, "state-conflict")
    assert refused["detail"] == "No driver who is on duty is free."
    assert refused["current"] == "ready_for_delivery"


async def test_a_place_of_long_ago_counts_for_nothing(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_stale", "drv_fresh")
    for driver_id, lat, at in (("drv_stale", 23.7806, "2020-01-01T00:00:00.000Z"), ("drv_fresh", 24.5, None)):
        await on_duty(client, driver_id)
        await place(store, driver_id, lat, *([at] if at else []))
    assert (await nearest(client, await ready(client))).json()["driverId"] == "drv_fresh"


async def test_who_has_delivered_is_free_again(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    await on_duty(client, "drv_a")
    order = (await nearest(client, await ready(client))).json()
    await moved(client, order, "picked_up", "in_transit", "delivered", by="drv_a")
    assert (await nearest(client, await ready(client))).json()["driverId"] == "drv_a"


async def test_choosing_the_nearest_again_under_one_key_chooses_once(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a", "drv_b")
    for driver_id in ("drv_a", "drv_b"):
        await on_duty(client, driver_id)
    order, key = await ready(client), {"Idempotency-Key": "k-1"}
    first = await nearest(client, order, **key)
    again = await nearest(client, order, **key)
    assert again.json() == first.json()


@pytest.mark.parametrize("body", [{}, {"driverId": "drv_1", "nearest": True}, {"nearest": False}])
async def test_either_a_driver_or_the_nearest_is_asked_for(client: Client, body: dict[str, Any]) -> None:
    order = await ready(client)
    answer = await client.post(f"/api/orders/{order['id']}/driver", {**body, "version": 3}, STORE)
    problem(answer, 422, "invalid-field", "driverId")


async def test_an_order_that_cannot_be_given_away_asks_for_nobody(client: Client) -> None:
    problem(await nearest(client, await client.place()), 409, "illegal-transition")
    problem(await nearest(client, {**await ready(client), "version": 1}), 409, "stale-version")


async def test_duty_is_a_drivers_own_or_the_shops_to_set(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    assert (await on_duty(client, "drv_a"))["onDuty"] is True
    by_shop = await client.post("/api/drivers/drv_a/duty", {"onDuty": False}, STORE)
    assert by_shop.json() == {
        "id": "drv_a", "name": "A", "active": True, "onDuty": False, "position": None, "orders": 0,
    }  # fmt: skip
    for headers in (driver("drv_b"), CUSTOMER):
        problem(await client.post("/api/drivers/drv_a/duty", {"onDuty": True}, headers), 403, "not-permitted")
    problem(await client.post("/api/drivers/drv_nobody/duty", {"onDuty": True}, STORE), 404, "not-found")
    problem(await client.post("/api/drivers/drv_a/duty", {"onDuty": 1}, STORE), 422, "invalid-field", "onDuty")


async def test_the_list_tells_who_works_where_and_with_how_much(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    await on_duty(client, "drv_a")
    await place(store, "drv_a", 23.79)
    await given(client, await ready(client), "drv_a")
    listed = (await client.get("/api/drivers", STORE)).json()["items"]
    (mine,) = [one for one in listed if one["id"] == "drv_a"]
    assert (mine["onDuty"], mine["orders"], mine["position"]["lat"]) == (True, 1, 23.79)


# --- Looking ----------------------------------------------------------------------------------------------------------


async def test_the_buyer_sees_driver_place_and_arrival_while_it_is_carried(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    await on_duty(client, "drv_a")
    order = await ready(client, None)
    guest = bearer(order["trackingToken"])
    assert await look(client, order, guest) | {"code": ""} == {
        "orderId": order["id"], "stage": "ready_for_delivery", "driver": None, "attempts": 0, "position": None,
        "eta": None, "proof": None, "code": "",
    }  # fmt: skip
    order = await given(client, order, "drv_a")
    await place(store, "drv_a", 23.7806)
    seen = await look(client, order, guest)
    assert (seen["stage"], seen["driver"]["name"], seen["position"]) == ("driver_assigned", "A", None)
    order = await moved(client, order, "picked_up", by="drv_a")
    seen = await look(client, order, guest)
    assert (seen["position"]["lat"], seen["position"]["lng"]) == (23.7806, 90.4074)
    left_s = (datetime.fromisoformat(seen["eta"]) - datetime.now().astimezone()).total_seconds()
    assert 300 < left_s < 460  # a kilometre, with its detours, at 18 km/h, and three minutes at the door
    order = await moved(client, order, "in_transit", "delivered", by="drv_a")
    seen = await look(client, order, guest)
    assert (seen["position"], seen["eta"]) == (None, None)


async def test_who_may_not_know_of_an_order_may_not_see_its_delivery(client: Client) -> None:
    order = await ready(client)
    for headers in (STRANGER, bearer((await client.place())["trackingToken"])):
        problem(await client.get(f"/api/orders/{order['id']}/delivery", headers), 404, "not-found")
    problem(await client.get(f"/api/orders/{order['id']}/delivery"), 401, "sign-in-required")
    problem(await client.get("/api/orders/ord_x/delivery", STORE), 404, "not-found")


async def test_an_address_of_another_program_that_is_no_place_is_no_fault(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order = await given(client, await ready(client), "drv_a")
    nowhere = """UPDATE orders SET shipping_info = '{"location":{"lat":"north"}}' WHERE id = :id"""
    await store.write(lambda transaction: transaction.run(nowhere, id=order["id"]))
    assert (await look(client, order))["eta"] is None


# --- Handing over -----------------------------------------------------------------------------------------------------


async def carried(client: Client, store: SqliteStore) -> dict[str, Any]:
    await hire(store, "drv_a")
    order = await given(client, await ready(client), "drv_a")
    return await moved(client, order, "picked_up", "in_transit", by="drv_a")


async def test_the_code_that_the_buyer_was_shown_proves_a_delivery(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    code = (await look(client, order, CUSTOMER))["code"]
    assert (await look(client, order, driver("drv_a")))["code"] is None
    wrong = {"kind": "code", "value": f"{(int(code) + 1) % 1_000_000:06d}"}
    problem(await client.move(order, "delivered", driver("drv_a"), proof=wrong), 422, "invalid-field", "proof.value")
    await moved(client, order, "delivered", by="drv_a", proof={"kind": "code", "value": code})
    told = (await look(client, order))["proof"]
    assert (told["kind"], told["value"]) == ("code", code)
    assert (await look(client, order, CUSTOMER))["proof"] | {"at": ""} == {"kind": "code", "value": None, "at": ""}


@pytest.mark.parametrize(
    ("proof", "field"),
    [
        ({"kind": "kiss", "value": "x"}, "proof.kind"),
        ({"kind": "note"}, "proof.value"),
        ({"kind": "note", "value": ""}, "proof.value"),
        ({"kind": "note", "value": "4111 1111 1111 1111"}, "proof.value"),
        ("a note", "proof"),
    ],
)
async def test_a_wrong_proof_is_named(client: Client, store: SqliteStore, proof: Any, field: str) -> None:
    order = await carried(client, store)
    answer = await client.move(order, "delivered", driver("drv_a"), proof=proof)
    problem(answer, 422, "card-number" if "4111" in str(proof) else "invalid-field", field)


async def test_a_shop_may_require_proof_and_bound_the_attempts(store: SqliteStore, settings: Settings) -> None:
    strict = msgspec.structs.replace(settings, delivery_proof="required", delivery_attempts_max=2)
    async with over(strict, store) as http:
        client = Client(http)
        order = await carried(client, store)
        problem(await client.move(order, "delivered", driver("drv_a")), 422, "proof-required", "proof")
        for _ in range(2):
            order = await moved(client, order, "delivery_failed", by="drv_a", reason="nobody at home")
            last, order = order, {**order, "status": "delivery_failed"}
            answer = await client.move(order, "in_transit", driver("drv_a"))
            order = answer.json() if answer.status_code == 200 else order
        refused = problem(answer, 409, "state-conflict")
        assert "in_transit" not in refused["allowed"]
        assert "returning" in refused["allowed"]
        assert (await look(client, order))["attempts"] == 2
        await moved(client, last, "returning", "returned", by="drv_a")


# --- What is told -----------------------------------------------------------------------------------------------------


async def test_every_stage_is_written_down_whoever_moved_it(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    by_psql = "UPDATE orders SET status = 'delivery_failed' WHERE id = :id"
    await store.write(lambda transaction: transaction.run(by_psql, id=order["id"]))
    stages = "SELECT stage, driver_id, former_driver_id FROM deliveries WHERE order_id = :id ORDER BY entry"
    rows = await store.read(lambda transaction: transaction.all(stages, id=order["id"]))
    assert [row[0] for row in rows] == ["driver_assigned", "picked_up", "in_transit", "delivery_failed"]
    assert {row[1:] for row in rows} == {("drv_a", None)}


async def test_the_answer_to_a_move_is_the_order_and_not_what_else_was_told(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    assert order["status"] == "in_transit"
    assert "cartItems" in order
    kinds = [change.kind for change in store.changes(0, 100)]
    assert kinds.count("delivery.moved") == 3
