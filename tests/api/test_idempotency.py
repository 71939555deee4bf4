from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.api import Authenticator
from ordercast.api.context import ApiContext
from ordercast.api.errors import StillRunning
from ordercast.api.signing_keys import SigningKeys
from ordercast.commerce.payments import Charge, PaymentTaken
from ordercast.db import SqliteStore
from ordercast.db.idempotency import RequestKey
from ordercast.payments.providers.sandbox import SandboxProvider
from tests.commerce.orders import request_json

from .client import CUSTOMER, NOBODY, SERVICE, STORE, STRANGER, Client, problem
from .conftest import Settle

KEY = {"Idempotency-Key": "8f14e45f-ceea-467f-ab1e-0e0c3e3b1b6f"}


async def test_the_same_request_is_answered_again_and_done_once(client: Client, store: SqliteStore) -> None:
    first = await client.post("/api/orders", request_json(), KEY)
    again = await client.post("/api/orders", request_json(), KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert store.last_seq == 1


async def test_the_same_json_in_another_order_is_the_same_request(client: Client) -> None:
    body = request_json()
    first = await client.post("/api/orders", body, KEY)
    turned = dict(reversed(body.items()))
    assert (await client.post("/api/orders", turned, KEY)).json() == first.json()


async def test_the_first_answer_is_given_even_after_the_order_went_on(client: Client) -> None:
    first = (await client.post("/api/orders", request_json(), KEY)).json()
    await client.move(first, "processing")
    assert (await client.post("/api/orders", request_json(), KEY)).json() == first


async def test_another_request_under_the_same_key_is_refused(client: Client, store: SqliteStore) -> None:
    await client.post("/api/orders", request_json(), KEY)
    other = await client.post("/api/orders", request_json(fulfilment="pickup"), KEY)
    problem(other, 422, "idempotency-key-reused")
    assert store.last_seq == 1


async def test_a_refusal_leaves_the_key_free(client: Client) -> None:
    declined = request_json(paymentInfo={"method": "card", "token": "tok_declined"})
    problem(await client.post("/api/orders", declined, KEY), 402, "payment-declined")
    assert (await client.post("/api/orders", request_json(), KEY)).status_code == 201


async def test_each_actor_has_keys_of_their_own(client: Client, store: SqliteStore) -> None:
    for actor in (CUSTOMER, STRANGER, NOBODY):
        response = await client.post("/api/orders", request_json(), {**KEY, **actor})
        assert (response.status_code, "idempotency-replayed" in response.headers) == (201, False)
    assert store.last_seq == 3


async def test_of_two_at_once_one_runs_and_the_other_is_told_so(client: Client, store: SqliteStore) -> None:
    both = await asyncio.gather(*(client.post("/api/orders", request_json(), KEY) for _ in range(2)))
    first, second = sorted(both, key=lambda response: response.status_code)
    assert first.status_code == 201
    problem(second, 409, "request-running")
    assert second.headers["retry-after"] == "1"
    assert store.last_seq == 1


async def test_a_key_is_free_again_once_its_request_failed(store: SqliteStore) -> None:
    context = ApiContext(store, SigningKeys("secret"), Authenticator("secret", store))
    request = RequestKey("scope", "key", b"")

    def fails() -> None:
        with context.exclusive(request):
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    with context.exclusive(request), pytest.raises(StillRunning), context.exclusive(request):
        pass
    with context.exclusive(None), context.exclusive(None):
        pass
    assert context.running == set()


BY_CARD = {"paymentInfo": {"method": "card", "token": "tok_visa"}}


async def charges(store: SqliteStore) -> list[tuple[int, int]]:
    """What the sandbox took and gave back, in the order of its payments' keys."""
    question = "SELECT captured, refunded FROM sandbox_payments ORDER BY key"
    rows = await store.read(lambda transaction: transaction.all(question))
    return [(captured, refunded) for captured, refunded in rows]


async def test_a_repeated_request_is_not_paid_again(client: Client, store: SqliteStore) -> None:
    first = await client.post("/api/orders", request_json(**BY_CARD), KEY)
    again = await client.post("/api/orders", request_json(**BY_CARD), KEY)
    other = await client.post("/api/orders", request_json(fulfilment="pickup", **BY_CARD), KEY)
    assert again.json() == first.json()
    problem(other, 422, "idempotency-key-reused")
    assert await charges(store) == [(11_250, 0)]


async def test_a_payment_whose_order_is_refused_is_given_back(
    client: Client, store: SqliteStore, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, authorize = asyncio.Barrier(2), SandboxProvider.authorize

    async def authorize_both(provider: SandboxProvider, charge: Charge) -> PaymentTaken:
        taken = await authorize(provider, charge)
        await both.wait()
        return taken

    monkeypatch.setattr(SandboxProvider, "authorize", authorize_both)
    # That somebody else has used the code meanwhile is known when the order is placed, not when its payment is taken.
    once = {"code": "ONCE", "kind": "percent", "value": 1_000, "usesMax": 1}
    assert (await client.post("/api/promotions", once, STORE)).status_code == 201
    order, keys = request_json(promoCode="ONCE", **BY_CARD), [{"Idempotency-Key": name} for name in ("one", "two")]
    answers = await asyncio.gather(*(client.post("/api/orders", order, key) for key in keys))
    taken, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert taken.status_code == 201
    problem(refused, 422, "promotion-refused", "promoCode")
    monkeypatch.undo()
    retried = await client.post("/api/orders", request_json(**BY_CARD), keys[answers.index(refused)])
    assert retried.status_code == 201
    await settle()
    assert sorted(await charges(store)) == [(10_725, 0), (10_725, 10_725), (11_250, 0)]


async def test_nobody_pays_for_what_is_sold_out_already(client: Client, store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 0"))
    refused = await client.post("/api/orders", request_json(**BY_CARD), KEY)
    problem(refused, 409, "out-of-stock", "cartItems[0].quantity")
    assert await charges(store) == []


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ"])
async def test_a_wrong_key_is_named(client: Client, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    response = await client.http.post("/api/orders", json=request_json(), headers=headers)  # type: ignore[arg-type]
    problem(response, 422, "invalid-field", "Idempotency-Key")


async def test_publishing_repeats_harmlessly_too(client: Client, store: SqliteStore) -> None:
    body: dict[str, Any] = {"event": "hi", "rooms": ["a"], "args": [{"n": 1}]}
    answers = [(await client.post("/api/emit", body, {**KEY, **SERVICE})).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert store.last_seq == 1
