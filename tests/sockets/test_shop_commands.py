"""Who stands in the shop: by a stock client, without a token."""

from __future__ import annotations

from tests.api.client import STORE

from .stage import Stage


async def test_a_stranger_hears_of_the_shop_and_of_nothing_else(stage: Stage) -> None:
    stranger = await stage.connect()
    answer = await stranger.ask("watch_shop", {})
    assert answer["data"]["opening"]["isOpen"]

    product = (await stage.client.get("/api/products")).json()["items"][0]
    await stage.client.place()
    await stage.client.post("/api/shop/pause", {"reason": "Too many orders"}, STORE)
    await stage.client.post("/api/shop/resume", {}, STORE)
    sold_out = await stage.client.post(f"/api/products/{product['id']}/sold-out", {"soldOut": True}, STORE)
    assert sold_out.status_code == 200, sold_out.text
    told = await stranger.waits_for("availability_update")
    assert (told["productId"], told["availability"]) == (product["id"], "sold_out")
    assert [name for name, _ in stranger.heard] == [
        "watching", "opening_update", "opening_update", "availability_update",
    ]  # fmt: skip

    assert (await stranger.ask("unwatch_shop", {}))["data"] == {}
    await stage.client.post("/api/shop/pause", {}, STORE)
    await stage.clerk.waits_for("shop_update")
    assert (await stranger.ask("watch_shop", {}))["data"]["opening"]["closedFor"] == "paused"
    assert len([name for name, _ in stranger.heard if name == "opening_update"]) == 2


async def test_a_customer_is_told_why_they_are_in_the_room(stage: Stage) -> None:
    assert (await stage.buyer.ask("watch_shop", {}))["error"] is None
    rooms = (await stage.buyer.ask("whoami"))["data"]["rooms"]
    assert {"room": "shoppers", "reason": "watch", "by": "shoppers"} in rooms
