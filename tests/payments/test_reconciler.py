from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.payments import ProviderPayment
from ordercast.db import SqliteStore
from ordercast.db import payments as units
from ordercast.payments import Providers
from ordercast.payments import reconciler as module
from ordercast.payments.reconciler import Reconciler
from tests.api.client import STORE, Client
from tests.api.conftest import Settle


async def place(client: Client, token: str) -> dict[str, Any]:
    return await client.place(paymentInfo={"method": "card", "token": token})


async def tamper(store: SqliteStore, assignment: str) -> None:
    """Somebody moves money at the provider's without us."""
    await store.write(lambda transaction: transaction.run(f"UPDATE sandbox_payments SET {assignment}"))


async def cards(client: Client, resolved: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await client.get(f"/api/payment-mismatches?resolved={str(resolved).lower()}", STORE)
    ).json()["items"]
    return found


@pytest.fixture
def reconciler(store: SqliteStore, providers: Providers) -> Reconciler:
    return Reconciler(store, providers)


async def test_books_that_agree_raise_nothing(client: Client, settle: Settle, reconciler: Reconciler) -> None:
    await client.place()
    await place(client, "tok_visa")
    held = await place(client, "tok_authorize_only")
    refunded = await place(client, "tok_visa")
    await client.move(refunded, "cancelled", reason="sold out")
    failed = await place(client, "tok_capture_fails")
    await client.move(failed, "processing")
    await settle()
    before = len(await cards(client))
    assert await reconciler.reconcile() == 0
    await client.move(held, "cancelled", reason="sold out")
    await settle()
    assert await reconciler.reconcile() == 0
    assert len(await cards(client)) == before


@pytest.mark.parametrize(
    ("token", "assignment", "kind", "ours", "theirs"),
    [
        ("tok_visa", "captured = captured - 1", "captured", 11_250, 11_249),
        ("tok_visa", "refunded = 500", "refunded", 0, 500),
        ("tok_visa", "disputed = 1", "disputed", False, True),
        ("tok_visa", "currency = 'USD'", "currency", "BDT", "USD"),
        ("tok_visa", "reference = 'sbx_gone'", "unknown_payment", "paid", None),
        ("tok_authorize_only", "held = 0", "held", True, False),
    ],
)
async def test_each_difference_is_one_card_told_to_the_shop(
    client: Client,
    store: SqliteStore,
    reconciler: Reconciler,
    *,
    token: str,
    assignment: str,
    kind: str,
    ours: Any,
    theirs: Any,
) -> None:
    order = await place(client, token)
    await tamper(store, assignment)

    assert [await reconciler.reconcile() for _ in range(3)] == [1, 0, 0]

    (card,) = await cards(client)
    assert (card["orderId"], card["kind"], card["ours"], card["theirs"]) == (order["id"], kind, ours, theirs)
    (change,) = store.changes(store.last_seq - 1, 10)
    assert (change.kind, change.entity_id, change.actor) == ("payment.mismatch", card["id"], "service:payments")


async def test_the_sandbox_can_be_told_to_differ_by_a_token(client: Client, reconciler: Reconciler) -> None:
    await place(client, "tok_mismatch")
    assert await reconciler.reconcile() == 1
    assert (await cards(client))[0]["kind"] == "captured"


async def test_a_difference_that_is_gone_is_taken_off_the_board(
    client: Client, store: SqliteStore, reconciler: Reconciler
) -> None:
    await place(client, "tok_visa")
    await tamper(store, "captured = captured - 1")
    await reconciler.reconcile()
    await tamper(store, "captured = captured + 1")
    assert await reconciler.reconcile() == 0
    assert await cards(client) == []
    (card,) = await cards(client, resolved=True)
    assert (card["resolvedBy"], card["note"]) == ("service:payments", "The books agree again.")


async def test_what_is_being_asked_for_just_now_is_not_compared(
    client: Client, settle: Settle, reconciler: Reconciler
) -> None:
    order = await place(client, "tok_visa")
    await client.move(order, "cancelled", reason="sold out")
    assert await reconciler.reconcile() == 0
    await settle()
    assert await reconciler.reconcile() == 0


async def test_an_order_that_changes_during_the_look_is_left_for_the_next(
    client: Client, store: SqliteStore, providers: Providers, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await place(client, "tok_visa")
    await tamper(store, "captured = captured - 1")
    lookup = providers.current.lookup

    async def meanwhile(reference: str) -> ProviderPayment | None:
        await client.move(order, "processing")
        return await lookup(reference)

    monkeypatch.setattr(providers.current, "lookup", meanwhile)
    assert await reconciler.reconcile() == 0
    monkeypatch.undo()
    assert await reconciler.reconcile() == 1


async def test_a_silent_provider_says_nothing_about_its_books(
    client: Client, providers: Providers, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place(client, "tok_visa")

    async def silent(_reference: str) -> ProviderPayment | None:
        raise ProviderUnavailable

    monkeypatch.setattr(providers.current, "lookup", silent)
    assert await reconciler.reconcile() == 0
    assert await cards(client) == []


async def test_a_provider_that_is_away_is_asked_for_few_payments_of_a_round_and_those_behind_have_their_turn(
    client: Client, store: SqliteStore, providers: Providers, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(module.SILENT_MAX + 1):
        await place(client, "tok_visa")
    await tamper(store, "captured = captured - 1")
    asked: list[str] = []

    async def away(reference: str) -> ProviderPayment | None:
        asked.append(reference)
        raise ProviderUnavailable

    monkeypatch.setattr(providers.current, "lookup", away)
    assert await reconciler.reconcile() == 0
    assert len(asked) == module.SILENT_MAX
    monkeypatch.undo()
    # The one behind them, then from the beginning.
    assert [await reconciler.reconcile() for _ in range(3)] == [1, module.SILENT_MAX, 0]


async def test_each_sweep_goes_on_behind_the_last_and_begins_again_at_the_end(
    client: Client, store: SqliteStore, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPARED_AT_ONCE_MAX", 2)
    for _ in range(3):
        await place(client, "tok_visa")
    await tamper(store, "captured = captured - 1")
    assert [await reconciler.reconcile() for _ in range(3)] == [2, 1, 0]
    assert len(await cards(client)) == 3
    assert await store.read(lambda transaction: units.owing(transaction, 10)) == []
