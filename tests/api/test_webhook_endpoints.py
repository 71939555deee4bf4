"""Outgoing webhooks, as an admin works on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.config import Settings
from ordercast.db import Store, Transaction
from ordercast.webhooks import DeliveryWorker, SecretBox
from ordercast.webhooks.sender import AttemptResponse

from .client import SECRET, STORE, Client, problem, signed_in

ADMIN = signed_in("admin", "usr_1")
ENDPOINTS = "/api/webhook-endpoints"
URL = "https://erp.example.com/hook"


class Systems:
    """All of the shop's own systems: they take what they are sent, unless they are `down`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []
        self.down = False

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> AttemptResponse:
        self.sent.append((url, headers, body))
        return (
            AttemptResponse(503, "content-type: text/html", "busy", problem="It answered 503.")
            if self.down
            else AttemptResponse(204)
        )

    async def close(self) -> None: ...


@pytest.fixture
def systems() -> Systems:
    return Systems()


async def send_due(store: Store, systems: Systems) -> None:
    worker = DeliveryWorker(store, lambda: systems, SecretBox([SECRET]), disabled_after_ms=1_000_000)
    try:
        await worker.run_due()
    finally:
        await worker.close()


async def made(client: Client, **more: Any) -> dict[str, Any]:
    response = await client.post(ENDPOINTS, {"url": URL, **more}, ADMIN)
    assert response.status_code == 201, response.text
    endpoint: dict[str, Any] = response.json()
    return endpoint


async def edited(client: Client, endpoint: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"version": endpoint["version"], **changes}
    response = await client.http.patch(f"{ENDPOINTS}/{endpoint['id']}", json=body, headers=dict(ADMIN))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def log_of(client: Client, endpoint: Mapping[str, Any], query: str = "") -> list[dict[str, Any]]:
    response = await client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries{query}", ADMIN)
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def test_an_endpoint_is_made_and_its_secret_shown_once(client: Client, store: Store) -> None:
    endpoint = await made(client, events=["order.*", "payment.mismatch", "order.*"], description="ERP")
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    assert endpoint["events"] == ["order.*", "payment.mismatch"]
    assert (await client.get(f"{ENDPOINTS}/{endpoint['id']}", ADMIN)).json() == endpoint
    assert (await client.get(ENDPOINTS, ADMIN)).json() == {"items": [endpoint], "nextCursor": None}
    kept = await store.read(
        lambda t: t.all("SELECT secrets FROM webhook_endpoints") + t.all("SELECT answer FROM idempotency")
    )
    assert secret not in str(kept)


async def test_a_request_sent_again_makes_no_second_one_and_has_the_same_answer(client: Client, store: Store) -> None:
    headers = {**ADMIN, "Idempotency-Key": "k1"}
    first = await client.post(ENDPOINTS, {"url": URL}, headers)
    again = await client.post(ENDPOINTS, {"url": URL}, headers)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    kept = await store.read(lambda t: t.all("SELECT answer FROM idempotency"))
    assert first.json()["secret"] not in str(kept)
    problem(await client.post(ENDPOINTS, {"url": f"{URL}/2"}, headers), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://erp.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "https://user:pass@erp.example.com/"}, "url"),
        ({"url": "https://erp.example.com/" + "x" * 3_000}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["order.eaten"]}, "events[0]"),
        ({"url": URL, "events": ["order.placed", "*.placed"]}, "events[1]"),
        ({"url": URL, "events": ["order"]}, "events[0]"),
        ({"url": URL, "events": ["*"] * 51}, "events"),
        ({"url": URL, "description": "x" * 501}, "description"),
        ({"url": URL, "description": "\u202eevil"}, "description"),
        ({"url": URL, "enabled": "yes"}, "enabled"),
        ({"url": URL, "secret": "mine"}, "secret"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(client: Client, body: dict[str, Any], field: str) -> None:
    response = await client.post(ENDPOINTS, body, ADMIN)
    assert response.status_code == 422, response.text
    assert response.json()["field"] == field


async def test_there_are_so_many_and_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.db.webhooks.endpoints.ENDPOINTS_MAX", 2)
    await made(client)
    await made(client)
    problem(await client.post(ENDPOINTS, {"url": URL}, ADMIN), 409, "too-many-endpoints")


async def test_the_shops_people_without_an_admin_see_none(client: Client) -> None:
    problem(await client.get(ENDPOINTS, STORE), 403, "not-permitted")


async def test_a_change_names_the_version_that_it_saw(client: Client) -> None:
    endpoint = await made(client)
    changed = await edited(client, endpoint, url="https://crm.example.com/", events=["*"], description="CRM")
    assert (changed["url"], changed["description"], changed["version"]) == ("https://crm.example.com/", "CRM", 2)
    body = {"version": 1, "enabled": False}
    stale = await client.http.patch(f"{ENDPOINTS}/{endpoint['id']}", json=body, headers=dict(ADMIN))
    problem(stale, 409, "stale-version")
    unknown = await client.http.patch(f"{ENDPOINTS}/whe_none", json=body, headers=dict(ADMIN))
    problem(unknown, 404, "not-found")


async def test_the_log_says_what_was_sent_and_answered(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["order.placed"])
    order = await client.place()
    systems.down = True
    await send_due(store, systems)
    (delivery,) = await log_of(client, endpoint)
    assert delivery["state"] == "pending"
    assert delivery["subject"] == order["id"]
    assert delivery["problem"] == "It answered 503."
    details = (await client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries/{delivery['id']}", ADMIN)).json()
    assert details["request"]["url"] == URL
    assert details["request"]["body"]["data"]["order"]["id"] == order["id"]
    (attempt,) = details["log"]
    assert (attempt["status"], attempt["body"], attempt["headers"]) == (503, "busy", "content-type: text/html")
    assert systems.sent[0][1]["webhook-id"] == details["request"]["headers"]["webhook-id"] == delivery["eventId"]


async def test_the_log_is_paged_and_cut_by_state(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["order.placed"])
    for _ in range(3):
        await client.place()
    await send_due(store, systems)
    await client.place()
    systems.down = True
    await send_due(store, systems)
    first = (await client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries?limit=3", ADMIN)).json()
    rest = (await client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries?cursor={first['nextCursor']}", ADMIN)).json()
    assert [len(first["items"]), len(rest["items"]), rest["nextCursor"]] == [3, 1, None]
    assert len(await log_of(client, endpoint, "?state=delivered")) == 3
    assert [each["state"] for each in await log_of(client, endpoint, "?state=pending")] == ["pending"]
    wrong = await client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries?state=eaten", ADMIN)
    assert wrong.status_code in {400, 422}


async def test_a_test_is_sent_whatever_the_filters(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["product.added"])
    response = await client.http.post(f"{ENDPOINTS}/{endpoint['id']}/test", headers=dict(ADMIN))
    assert response.status_code == 202
    await send_due(store, systems)
    (delivery,) = await log_of(client, endpoint)
    assert (delivery["id"], delivery["event"], delivery["state"]) == (
        response.json()["id"],
        "webhook.test",
        "delivered",
    )


async def test_a_delivery_is_replayed_under_the_same_id(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["order.placed"])
    await client.place()
    await send_due(store, systems)
    (delivery,) = await log_of(client, endpoint)
    address = f"{ENDPOINTS}/{endpoint['id']}/deliveries/{delivery['id']}/replay"
    response = await client.http.post(address, headers=dict(ADMIN))
    assert response.status_code == 202
    assert response.json()["state"] == "pending"
    await send_due(store, systems)
    assert [headers["webhook-id"] for _, headers, _ in systems.sent] == [delivery["eventId"]] * 2
    other = await made(client)
    foreign = f"{ENDPOINTS}/{other['id']}/deliveries/{delivery['id']}/replay"
    problem(await client.http.post(foreign, headers=dict(ADMIN)), 404, "not-found")


async def test_switched_on_again_it_is_sent_what_it_has_missed(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["order.placed"])
    off = await edited(client, endpoint, enabled=False)
    assert off["disabledBy"] == "admin"
    missed = await client.place()
    await send_due(store, systems)
    assert systems.sent == []
    problem(await client.http.post(f"{ENDPOINTS}/{endpoint['id']}/test", headers=dict(ADMIN)), 409, "endpoint-disabled")
    on = await edited(client, off, enabled=True)
    assert on["disabledBy"] is None
    await send_due(store, systems)
    assert [each["subject"] for each in await log_of(client, endpoint)] == [missed["id"]]


async def test_or_goes_on_with_what_comes_now(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client, events=["order.placed"])
    systems.down = True
    await client.place()
    await send_due(store, systems)
    off = await edited(client, endpoint, enabled=False)
    await client.place()
    await edited(client, off, enabled=True, resume="skip")
    systems.down = False
    systems.sent.clear()
    now = await client.place()
    await send_due(store, systems)
    assert len(systems.sent) == 1
    assert [(each["subject"] == now["id"], each["state"]) for each in await log_of(client, endpoint)] == [
        (True, "delivered"),
        (False, "skipped"),
    ]


async def test_what_came_before_there_was_an_endpoint_is_replayed_from_the_feed(
    client: Client, store: Store, systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.webhooks.replay.ROWS_MAX", 2)
    monkeypatch.setattr("ordercast.webhooks.replay.ROWS_AT_ONCE", 2)
    placed = [await client.place() for _ in range(3)]
    endpoint = await made(client, events=["order.placed"])
    address, body, count = f"{ENDPOINTS}/{endpoint['id']}/replay", {"afterSeq": 0}, 0
    while True:
        found = (await client.post(address, body, ADMIN)).json()
        count += found["count"]
        if found["nextAfterSeq"] is None:
            break
        body = {"afterSeq": found["nextAfterSeq"]}
    assert count == 3
    await send_due(store, systems)
    assert [each["subject"] for each in await log_of(client, endpoint)] == [each["id"] for each in reversed(placed)]
    # A second one finds nothing that was missed; and all of it, where that is asked for.
    monkeypatch.setattr("ordercast.webhooks.replay.ROWS_MAX", 5_000)
    assert (await client.post(address, {"since": "2020-01-01T00:00:00Z"}, ADMIN)).json()["count"] == 0
    everything = {"since": "2020-01-01T00:00:00Z", "deliveredToo": True}
    assert (await client.post(address, everything, ADMIN)).json()["count"] == 3
    later = {"since": "2190-01-01T00:00:00Z", "deliveredToo": True}
    assert (await client.post(address, later, ADMIN)).json() == {"count": 0, "nextAfterSeq": None}


@pytest.mark.parametrize("body", [{}, {"afterSeq": 1, "since": "2026-01-01T00:00:00Z"}])
async def test_a_replay_begins_somewhere(client: Client, body: dict[str, Any]) -> None:
    endpoint = await made(client)
    problem(await client.post(f"{ENDPOINTS}/{endpoint['id']}/replay", body, ADMIN), 422, "invalid-field", "since")


async def test_a_secret_is_rotated_and_the_former_ends(client: Client) -> None:
    endpoint = await made(client)
    address = f"{ENDPOINTS}/{endpoint['id']}/rotate-secret"
    rotated = (await client.post(address, {"overlapHours": 2}, ADMIN)).json()
    assert rotated["secret"] != endpoint["secret"]
    assert len(rotated["formerSecretsUntil"]) == 1
    at_once = (await client.post(address, {"overlapHours": 0}, ADMIN)).json()
    assert at_once["formerSecretsUntil"] == []
    for _ in range(4):
        assert (await client.post(address, {}, ADMIN)).status_code == 200
    problem(await client.post(address, {}, ADMIN), 422, "invalid-field", "overlapHours")
    problem(await client.post(address, {"overlapHours": 169}, ADMIN), 422, "invalid-field", "overlapHours")


async def test_what_is_deleted_leaves_nothing(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client)
    await client.place()
    await send_due(store, systems)
    gone = await client.http.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=dict(ADMIN))
    assert gone.status_code == 204
    problem(await client.http.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=dict(ADMIN)), 404, "not-found")

    def left(transaction: Transaction) -> list[Any]:
        tables = ("webhook_endpoints", "webhook_deliveries", "webhook_attempts")
        return [row for table in tables for row in transaction.all(f"SELECT * FROM {table}")]

    assert await store.read(left) == []


async def test_who_is_forgotten_is_in_no_delivery_any_more(client: Client, store: Store, systems: Systems) -> None:
    endpoint = await made(client)
    order = await client.place()
    cancelled = await client.move(order, "rejected", reason="Not today")
    assert cancelled.status_code == 200, cancelled.text
    systems.down = True
    await send_due(store, systems)
    customer = (await client.get(f"/api/orders/{order['id']}", ADMIN)).json()["customerId"]
    erased = await client.http.post(f"/api/customers/{customer}/erase", headers=dict(ADMIN))
    assert erased.status_code == 200, erased.text
    kept = await store.read(
        lambda t: t.all("SELECT body FROM webhook_deliveries") + t.all("SELECT headers, body FROM webhook_attempts")
    )
    assert order["customerInfo"]["email"] not in str(kept)
    assert order["customerInfo"]["name"] not in str(kept)
    assert "busy" not in str(kept)
    systems.down = False
    await send_due(store, systems)
    events = [each["event"] for each in await log_of(client, endpoint)]
    assert "customer.erased" in events


async def test_the_events_are_listed(client: Client) -> None:
    found = (await client.get("/api/webhook-events", ADMIN)).json()["items"]
    assert {"order.placed", "order.status_changed", "delivery.moved"} <= {each["name"] for each in found}
    assert all(each["sentence"].endswith(".") for each in found)


async def test_a_shops_own_network_is_taken_where_its_operator_names_it(store: Store, settings: Settings) -> None:
    import msgspec

    from .client import over

    async with over(msgspec.structs.replace(settings, outgoing_networks=("10.0.0.0/8",)), store) as http:
        client = Client(http)
        assert (await client.post(ENDPOINTS, {"url": "http://10.0.0.5:8080/hook"}, ADMIN)).status_code == 201
        assert (await client.post(ENDPOINTS, {"url": "http://192.168.0.5/hook"}, ADMIN)).status_code == 422
