"""What a driver sees of a buyer, at every door at which an order can be asked for or heard of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pytest

from ordercast.commerce.masking import shown_to
from ordercast.commerce.people import Actor, Role
from ordercast.db import SqliteStore
from ordercast.hub import Server
from tests.commerce.orders import ADDRESS
from tests.sockets.phone import Phone

from .client import STORE, Client, problem, token
from .drivers_at_work import DOOR, driver, given, hire, on_duty, ready

# What the order of `ready` says of its buyer; the last is the door, to the metre.
PERSON: Final = ("Asha", "asha@example.com", "01700000000", "12 Lake Road", "cus_1", "23.7896")
FOR_THE_DOOR: Final = {"Asha", "01700000000", "12 Lake Road", "23.7896"}


def of_person(text: str) -> set[str]:
    return {part for part in PERSON if part in text}


async def at_every_door(client: Client, server: Server, order_id: str, headers: Mapping[str, str], sub: str) -> str:
    """All that a driver is answered and told of an order, of whatever form."""
    answers = [await client.get("/api/orders", headers)]
    answers += [await client.get(f"/api/orders?status={name}", headers) for name in ("ready_for_delivery", "delivered")]
    answers += [await client.get(f"/api/orders/{order_id}{rest}", headers) for rest in ("", "/history", "/delivery")]
    answers += [await client.get("/api/notifications", headers), await client.get("/api/me", headers)]
    phone = await Phone.connected(server, token("driver", sub))
    for command in ({"orderId": order_id}, {"orderId": order_id}):
        await phone.answered(phone.send("watch_order", command))
    return "".join(answer.text for answer in answers) + "".join(phone.said)


@pytest.fixture
async def hired(store: SqliteStore) -> str:
    await hire(store, "drv_a", "drv_b")
    return "drv_a"


async def test_a_driver_who_does_not_work_sees_no_delivery_at_any_door(
    client: Client, server: Server, hired: str
) -> None:
    order = await ready(client)
    seen = await at_every_door(client, server, order["id"], driver(hired), hired)
    assert of_person(seen) == set()
    assert order["number"] not in [
        one["number"] for one in (await client.get("/api/orders", driver(hired))).json()["items"]
    ]
    for rest in ("", "/history", "/delivery"):
        problem(await client.get(f"/api/orders/{order['id']}{rest}", driver(hired)), 404, "not-found")


async def test_who_works_sees_of_an_offer_about_where_it_goes_and_of_whom_nothing(
    client: Client, server: Server, hired: str
) -> None:
    order = await ready(client)
    await on_duty(client, hired)
    assert of_person(await at_every_door(client, server, order["id"], driver(hired), hired)) == set()
    (offer,) = (await client.get("/api/orders", driver(hired))).json()["items"]
    assert (offer["shippingInfo"]["postcode"], offer["shippingInfo"]["location"]) == (
        "1207",
        {"lat": 23.79, "lng": 90.41},
    )
    assert (offer["amountToCollect"], len(offer["cartItems"])) == (0, 1)


async def test_the_driver_who_has_it_sees_the_door_until_the_end_and_nobody_else_does(
    client: Client, server: Server, hired: str
) -> None:
    order = await given(client, await ready(client), hired)
    await on_duty(client, "drv_b")
    seen = await at_every_door(client, server, order["id"], driver(hired), hired)
    assert of_person(seen) == FOR_THE_DOOR
    theirs = (await client.get(f"/api/orders/{order['id']}", driver(hired))).json()
    assert theirs["customerInfo"] == {"name": "Asha Rahman", "mobile": "+8801700000000", "email": None}
    assert (theirs["billingInfo"], theirs["amountToCollect"]) == (None, order["total"])
    assert of_person(await at_every_door(client, server, order["id"], driver("drv_b"), "drv_b")) == set()
    for status in ("picked_up", "in_transit"):
        moved = await client.move(order, status, driver(hired))
        assert of_person(moved.text) == FOR_THE_DOOR
        order = {**order, **moved.json()}
    ended = await client.move(order, "delivered", driver(hired))
    again = await client.move(order, "delivered", driver(hired))
    assert (of_person(ended.text), of_person(again.text)) == (set(), set())
    assert of_person(await at_every_door(client, server, order["id"], driver(hired), hired)) == set()
    kept = (await client.get("/api/orders", driver(hired))).json()["items"]
    assert [(one["id"], one["status"], one["amountToCollect"]) for one in kept] == [(order["id"], "delivered", 0)]


async def test_a_command_sent_again_after_the_end_shows_no_more_than_the_end_does(
    client: Client, server: Server, hired: str
) -> None:
    order = await given(client, await ready(client), hired)
    phone = await Phone.connected(server, token("driver", hired))
    command = {"orderId": order["id"], "status": "picked_up", "version": order["version"], "clientId": "c-1"}
    first = await phone.ask("update_order_status", command)
    assert first["customerInfo"]["name"] == "Asha Rahman"
    for status in ("in_transit", "delivered"):
        first = (await client.move(first, status, driver(hired))).json()
    again = await phone.ask("update_order_status", command)
    assert (again["status"], of_person(msgspec.json.encode(again).decode())) == ("picked_up", set())


async def test_who_gives_an_order_back_sees_no_more_of_it_than_an_offer(client: Client, hired: str) -> None:
    order = await given(client, await ready(client), hired)
    back = await client.move(order, "ready_for_delivery", driver(hired), reason="A flat tyre.")
    assert back.status_code == 200
    assert of_person(back.text) == set()


async def test_a_drivers_history_names_no_buyer_and_tells_reasons_while_they_have_the_order(
    client: Client, hired: str
) -> None:
    order = await given(client, await ready(client), hired)
    held = (await client.move(order, "on_hold", STORE, reason="The buyer asked for tomorrow.")).json()
    reasons = [(entry["actor"], entry["reason"]) for entry in await history(client, held, hired)]
    assert reasons[0] == ("customer", None)
    assert reasons[-1] == ("store:usr_1", "The buyer asked for tomorrow.")
    await client.move(held, "cancelled", STORE, reason="The buyer moved away.")
    assert {(entry["actor"], entry["reason"]) for entry in await history(client, held, hired)} == {
        ("customer", None),
        ("store", None),
    }


async def history(client: Client, order: dict[str, Any], driver_id: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await client.get(f"/api/orders/{order['id']}/history", driver(driver_id))).json()[
        "items"
    ]
    return entries


async def test_a_driver_whom_another_issuer_vouches_for_can_begin_to_work(client: Client) -> None:
    order = await ready(client)
    assert (await client.get("/api/orders", driver("drv_elsewhere"))).json()["items"] == []
    begun = await on_duty(client, "drv_elsewhere")
    assert (begun["id"], begun["onDuty"]) == ("drv_elsewhere", True)
    (offer,) = (await client.get("/api/orders", driver("drv_elsewhere"))).json()["items"]
    assert offer["id"] == order["id"]


# --- The projection itself --------------------------------------------------------------------------------------------

ORDER: Final[dict[str, Any]] = {
    "id": "ord_1", "status": "in_transit", "driverId": "drv_1", "customerId": "cus_1", "total": 500, "amountPaid": 0,
    "customerInfo": {"name": "Asha", "email": "a@example.com", "mobile": "017"}, "billingInfo": dict(ADDRESS),
    "shippingInfo": {**ADDRESS, "location": DOOR}, "paymentInfo": {"method": "card", "brand": "visa", "last4": "4242"},
    "somethingNew": "of the buyer",
}  # fmt: skip


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DRIVER])
def test_everybody_else_sees_the_order_as_it_is(role: Role) -> None:
    assert shown_to(Actor(role, "x"), ORDER) is ORDER


def test_what_is_not_named_is_not_shown() -> None:
    shown = shown_to(Actor(Role.DRIVER, "drv_1"), ORDER)
    assert "somethingNew" not in shown
    assert shown["paymentInfo"] == {"method": "card"}
    assert shown["amountToCollect"] == 0


@pytest.mark.parametrize("change", [{"driverId": "drv_2"}, {"driverId": None}, {"status": "returned"}])
def test_without_the_delivery_there_is_no_person(change: dict[str, Any]) -> None:
    shown = msgspec.json.encode(shown_to(Actor(Role.DRIVER, "drv_1"), {**ORDER, **change})).decode()
    for part in ("Asha", "017", "a@example.com", ADDRESS["line1"], "23.7896", "cus_1", "4242"):
        assert part not in shown


def test_an_order_that_another_program_wrote_may_say_little() -> None:
    shown = shown_to(Actor(Role.DRIVER, "drv_1"), {"id": "ord_1", "status": "pending", "customerInfo": None})
    assert shown["customerInfo"] == {"name": None, "mobile": None, "email": None}
