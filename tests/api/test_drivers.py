from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.commerce.people import Role
from ordercast.commerce.states import Fulfilment
from ordercast.commerce.states import OrderStatus as S
from ordercast.commerce.transitions import MOVES, TRANSITIONS, Transition
from ordercast.db import SqliteStore

from .client import CUSTOMER, DRIVER, SERVICE, STORE, Client, bearer, problem, token


async def demo_driver(client: Client) -> str:
    (driver,) = (await client.get("/api/drivers", STORE)).json()["items"]
    driver_id: str = driver["id"]
    return driver_id


async def ready(client: Client) -> dict[str, Any]:
    order = await client.place(CUSTOMER)
    for status in ("processing", "ready_for_delivery"):
        order = (await client.move(order, status)).json()
    return order


async def assign(
    client: Client,
    order: dict[str, Any],
    driver_id: str,
    headers: Mapping[str, str] = STORE,
    version: int | None = None,
) -> Any:
    body = {"driverId": driver_id, "version": version or order["version"]}
    return await client.post(f"/api/orders/{order['id']}/driver", body, headers)


async def test_the_shop_gives_an_order_to_a_driver(client: Client) -> None:
    order, driver_id = await ready(client), await demo_driver(client)
    given = (await assign(client, order, driver_id)).json()
    assert (given["status"], given["driverId"], given["version"]) == ("driver_assigned", driver_id, 4)
    assert (await assign(client, given, driver_id)).json() == given
    theirs = await client.get("/api/orders", bearer(token("driver", driver_id)))
    assert [one["id"] for one in theirs.json()["items"]] == [order["id"]]


async def test_drivers_are_listed_for_the_shop_alone(client: Client, store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.run("UPDATE accounts SET active = 0 WHERE role = 'driver'"))
    listed = (await client.get("/api/drivers", STORE)).json()
    assert [(one["name"], one["active"]) for one in listed["items"]] == [("Demo Driver", False)]
    assert listed["nextCursor"] is None
    for headers in (CUSTOMER, DRIVER, SERVICE):
        problem(await client.get("/api/drivers", headers), 403, "not-permitted")
    problem(await client.get("/api/drivers"), 401, "sign-in-required")


async def test_only_an_active_driver_is_given_an_order(client: Client, store: SqliteStore) -> None:
    order, driver_id = await ready(client), await demo_driver(client)
    store_account = "SELECT id FROM accounts WHERE role = 'store'"
    ((not_a_driver,),) = await store.read(lambda transaction: transaction.all(store_account))
    for wrong in ("drv_nobody", not_a_driver):
        problem(await assign(client, order, wrong), 422, "invalid-field", "driverId")
    await store.write(lambda transaction: transaction.run("UPDATE accounts SET active = 0 WHERE role = 'driver'"))
    problem(await assign(client, order, driver_id), 422, "invalid-field", "driverId")


async def test_who_may_not_choose_and_when_it_is_too_late_or_too_early(client: Client, store: SqliteStore) -> None:
    order, driver_id = await ready(client), await demo_driver(client)
    problem(await assign(client, order, driver_id, version=1), 409, "stale-version")
    for headers in (CUSTOMER, DRIVER):
        problem(await assign(client, order, driver_id, headers), 403, "not-permitted")
    problem(await assign(client, {"id": "ord_nothing", "version": 1}, driver_id), 404, "not-found")
    problem(await assign(client, await client.place(), driver_id), 409, "illegal-transition")
    await assign(client, order, driver_id)
    other = "INSERT INTO accounts (id, email, name, password_hash, role) VALUES ('drv_2', 'd2', 'Two', '', 'driver')"
    await store.write(lambda transaction: transaction.run(other))
    problem(await assign(client, {**order, "version": 4}, "drv_2"), 409, "state-conflict")


# --- The whole table --------------------------------------------------------------------------------------------------


def way_to(state: S, fulfilment: Fulfilment) -> list[Transition]:
    """A shortest way from `pending` that an order of the kind can go, without holding it."""
    ways: dict[S, list[Transition]] = {S.PENDING: []}
    queue = [S.PENDING]
    for source in queue:
        for move in TRANSITIONS:
            fits = move.fulfilment in {None, fulfilment} and S.ON_HOLD not in {move.source, move.target}
            if move.source is source and fits and move.target not in ways:
                ways[move.target] = [*ways[source], move]
                queue.append(move.target)
    return ways[state]


async def walk(client: Client, order: dict[str, Any], move: Transition, driver_id: str) -> dict[str, Any]:
    if move.target is S.DRIVER_ASSIGNED and move.source is S.READY_FOR_DELIVERY:
        answer = await assign(client, order, driver_id)
    elif Role.STORE in move.roles:
        answer = await client.move(order, move.target, reason="because")
    else:
        acting = SERVICE if Role.SERVICE in move.roles else bearer(token("driver", driver_id))
        answer = await client.move(order, move.target, acting, reason="because")
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    assert moved["status"] == move.target
    return moved


@pytest.mark.parametrize("move", TRANSITIONS, ids=lambda move: f"{move.source}-{move.target}")
async def test_every_move_of_the_table_can_be_made_over_http(client: Client, move: Transition) -> None:
    driver_id = await demo_driver(client)
    of_pickup = S.READY_FOR_PICKUP in {move.source, move.target} or move.fulfilment is Fulfilment.PICKUP
    fulfilment = Fulfilment.PICKUP if of_pickup else Fulfilment.DELIVERY
    if move.source is S.ON_HOLD:
        held = S.PENDING if move.target is S.CANCELLED else move.target
        way = [*way_to(held, fulfilment), MOVES[held, S.ON_HOLD]]
    else:
        way = way_to(move.source, fulfilment)
    order = await client.place(fulfilment=fulfilment)
    for step in [*way, move]:
        order = await walk(client, order, step, driver_id)
