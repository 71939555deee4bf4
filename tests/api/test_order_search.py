"""Search among all orders: by every part of them, in any writing, whoever wrote them; and nobody who was erased."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.timestamps import Timestamp
from ordercast.contrib.mongodb.mapping import map_order
from ordercast.db import Transaction, mirrored
from ordercast.db.mirrored import MirroredState
from ordercast.db.orders import search, word_matches
from ordercast.db.orders.index_upkeep import index_new_orders

from .client import CUSTOMER, DRIVER, STORE, Client, problem, signed_in
from .stores import AnyStore

ADMIN = signed_in("admin")
BUYERS = (
    {"name": "Asha Rahman", "email": "asha.r@example.com", "mobile": "+880 1711-223344"},
    {"name": "মোঃ রহমান", "email": "mo@example.com", "mobile": "01811556677"},
    {"name": 'Jo "AND" O\'Neil-Smith NEAR(x)', "email": "jo@example.org", "mobile": "+44 20 7946 0000"},
)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


async def product(client: Client, name: str) -> str:
    items = (await client.get("/api/products")).json()["items"]
    return next(str(each["id"]) for each in items if each["name"] == name)


async def placed(client: Client, **changes: Any) -> list[dict[str, Any]]:
    return [await client.place(customerInfo=buyer, **changes) for buyer in BUYERS]


async def page(client: Client, **params: Any) -> dict[str, Any]:
    answer = await client.http.get("/api/orders", params=params, headers=STORE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def found(client: Client, q: str, **params: Any) -> list[int]:
    return [order["number"] for order in (await page(client, q=q, **params))["items"]]


async def test_an_order_is_found_by_each_of_its_parts_in_any_writing(client: Client) -> None:
    tea, samosa = await product(client, "Masala chai"), await product(client, "Samosa")
    first, second, third = (each["number"] for each in await placed(client))
    fourth = await client.place(
        customerInfo=BUYERS[0],
        cartItems=[{"productId": tea, "quantity": 1}, {"productId": samosa, "quantity": 1}],
    )
    of_asha = [fourth["number"], first]
    total, day = fourth["total"], fourth["createdAt"][:10]
    for q, numbers in {
        f"#{first}": [first], f"{first}": [first], f"#{fourth['number']} asha": [fourth["number"]], "#99999": [],
        "asha": of_asha, "ASHA rahman": of_asha, "ash": of_asha, "sha": [], "asha.r@example.com": of_asha,
        "রহমান": [second], "রহ": [second], "মান": [], "মোঃ রহমান": [second],
        "+8801711223344": of_asha, "01711 223344": of_asha, "1711-223344": of_asha, "880 1711 22 33 44": of_asha,
        "+880 1811 556677": [second], "০১৮১১৫৫৬৬৭৭": [second], "6677": [second], "020 7946 0000": [third],
        "chai": [fourth["number"]], "masala samosa": [fourth["number"]], "asha zeppelin": [],
        f"{total // 100}.{total % 100:02}": [fourth["number"]], f"৳{total / 100}": [fourth["number"]],
        f"{day} asha": of_asha, day: [fourth["number"], third, second, first], "1999-12-31": [],
    }.items():  # fmt: skip
        assert await found(client, q) == numbers, q
    assert await found(client, "asha", sort="oldest") == of_asha[::-1]
    assert await found(client, "", **{"from": day, "to": day}) == [fourth["number"], third, second, first]
    assert await found(client, "asha", **{"from": "1999-01-01", "to": "1999-12-31"}) == []


async def test_what_is_typed_is_never_a_sign_of_the_databases_language(client: Client) -> None:
    third = (await placed(client))[2]["number"]
    for q in ('"AND"', "O'Neil-Smith", "NEAR(x)", 'Jo "AND" O\'Neil-Smith NEAR(x)', "and neil", "(smith)", "-smith"):
        assert await found(client, q) == [third], q
    for q in (
        '"', "'", "*", "%", "-", "NEAR", "AND", "asha AND", "NOT asha", "asha OR jo", "^asha", "name:asha", "a*", "{x}",
        "a + b", "<->", "!asha", "asha & jo", ":*", "\\", "\\'", "--", ";", "\N{COMBINING ACUTE ACCENT}", "x" * 200,
        "\U0001f355", "٣ ٤", "1" * 200, "(" * 50, "+(", "1,,,", ".5", "-0.1", "NaN",
        "2026-02-30", "9999-99-99", "#", "##", "#1 #2", " ".join("abcdefghijklmn"), "ready for", "on",
    ):  # fmt: skip
        await found(client, q)
    assert await found(client, "* - !") == []
    problem(await client.http.get("/api/orders", params={"q": "x" * 201}, headers=STORE), 422, "invalid-field", "q")
    for name, value in {"from": "2026-02-30", "to": "yesterday"}.items():
        answer = await client.http.get("/api/orders", params={name: value}, headers=STORE)
        problem(answer, 422, "invalid-field", name)
    answer = await client.http.get("/api/orders", params={"from": "2026-01-02", "to": "2026-01-01"}, headers=STORE)
    problem(answer, 422, "invalid-field", "to")


@pytest.mark.parametrize(("probed", "share"), [(1_000, 0.01), (3, 0.0), (3, 1.0)])
async def test_states_are_words_and_filters_and_pages_go_on_where_they_ended(
    client: Client, monkeypatch: pytest.MonkeyPatch, probed: int, share: float
) -> None:
    """Whichever way PostgreSQL goes through the orders."""
    monkeypatch.setattr(search, "LOOKED_AT_MAX", 8)
    monkeypatch.setattr(word_matches, "PROBED", probed)
    monkeypatch.setattr(word_matches, "LOOKED_THROUGH_MAX", probed + 2)
    monkeypatch.setattr(word_matches, "COMMON_SHARE", share)
    orders = [await client.place(customerInfo=BUYERS[n % 2]) for n in range(10)]
    numbers = [order["number"] for order in orders][::-1]
    for order in orders[:2]:
        assert (await client.move(order, "on_hold", reason="Late")).status_code == 200
    held = [order["number"] for order in orders[:2]][::-1]

    async def all_pages(**params: Any) -> list[int]:
        seen: list[int] = []
        cursor = None
        while True:
            answer = await page(client, limit=2, **params, **({} if cursor is None else {"cursor": cursor}))
            seen += [order["number"] for order in answer["items"]]
            cursor = answer["nextCursor"]
            if cursor is None:
                return seen

    for q in ("on_hold", "On hold", "ON HOLD", "স্থগিত"):
        assert await all_pages(q=q) == held, q
    assert await all_pages(q="hold asha on") == await all_pages(q="on delivered") == []
    assert await all_pages(q="pending") == [number for number in numbers if number not in held]

    assert await all_pages(q="example") == numbers
    assert await all_pages(q="example", sort="oldest") == numbers[::-1]
    # Behind those that are looked at for a page more are left: the page is short, and leads on.
    assert await all_pages(q="example", status="on_hold") == held
    assert await all_pages(q="example on hold") == held
    assert await all_pages(q="example", open="false") == []
    assert await all_pages(q="asha pending") == [order["number"] for order in orders[2::2]][::-1]


async def test_search_is_for_those_who_see_every_order(client: Client) -> None:
    for who in (CUSTOMER, DRIVER):
        answer = await client.http.get("/api/orders", params={"q": "asha"}, headers=who)
        problem(answer, 403, "not-permitted")


async def test_what_other_programs_write_is_found_as_it_is_and_whoever_is_erased_no_more(
    client: Client, store: AnyStore
) -> None:
    order = await client.place(customerInfo=BUYERS[0])
    assert await found(client, "asha") == [order["number"]]

    async def run(*steps: str) -> None:
        await store.write(lambda transaction: [transaction.run(step) for step in steps])

    far = order["number"] + 100
    await run(
        f"INSERT INTO orders (number, total, customer_name) VALUES ({far}, 4200, 'Far Ahead')",
        "UPDATE orders SET customer_name = 'Nusrat', customer_mobile = '01999000111' WHERE total <> 4200",
    )
    assert await found(client, "ahead") == await found(client, "42.00") == [far]
    # Behind what is in the index already.
    await run(f"INSERT INTO orders (number, total, customer_name) VALUES ({far - 50}, 4200, 'Came Late')")
    assert await found(client, "late") == [far - 50]
    assert await found(client, "rahman") == []
    assert await found(client, "nusrat") == await found(client, "+880 1999 000111") == [order["number"]]

    moved = await client.move((await client.get(f"/api/orders/{order['id']}", STORE)).json(), "cancelled", reason="x")
    assert moved.status_code == 200
    erased = await client.post(f"/api/customers/{order['customerId']}/erase", None, ADMIN)
    assert erased.status_code < 300, erased.text
    assert await found(client, "nusrat") == await found(client, "asha.r") == await found(client, "0111") == []
    assert await found(client, f"#{order['number']}") == [order["number"]]


async def test_orders_that_live_elsewhere_are_found_too(client: Client, store: AnyStore) -> None:
    ours = await client.place(customerInfo=BUYERS[0])
    now = Timestamp("2026-11-28T12:00:00.000Z")
    # Longer than PostgreSQL takes the words of.
    long = " ".join(map(str, range(300_000)))
    person = {"name": f"Asha Mirrored {long}", "email": "am@example.com", "phone": "+8801555000000"}

    def unit(transaction: Transaction) -> None:
        row = mirrored.begin(transaction, "mongodb:a", "65f0aa", MirroredState("{}", "", 1, None), now=now)
        whole = {"_id": "65f0aa", "status": "new", "total": 12.5, "customer": person}
        order = map_order(whole, number=row.entry, currency="BDT", now=now).order
        mirrored.save_state(transaction, "mongodb:a", row, MirroredState("{}", "", 1, order), now=now)

    await store.write(unit)
    items = (await page(client, q="asha"))["items"]
    assert [each["id"] for each in items] == ["65f0aa", ours["id"]]
    assert [each["id"] for each in (await page(client, q="mirrored pending"))["items"]] == ["65f0aa"]
    assert [each["id"] for each in (await page(client, q="01555000000", status="new"))["items"]] == ["65f0aa"]


async def test_a_damaged_row_stops_neither_its_writer_nor_the_index(client: Client, store: AnyStore) -> None:
    damaged = "CAST(x'4a6f73e9' AS TEXT)" if store.dialect.name == "sqlite" else "'Jos'"
    items = '[{"name": 5}, {}, {"name": null}, {"name": {"a": 1}}, {"name": "' + "word " * 50_000 + '"}]'

    def unit(transaction: Transaction) -> None:
        transaction.run(
            "INSERT INTO orders (total, cart_items, version, actor, customer_mobile)"
            " VALUES (1, :items, 1, 'store:x', 'call me; 12')",
            items=items,
        )
        if store.dialect.name == "sqlite":
            transaction.run(f"UPDATE orders SET customer_name = {damaged}, version = version + 1, actor = 'store:x'")

    await store.write(unit)
    after = await client.place(customerInfo=BUYERS[0])
    assert await index_new_orders(store)
    assert await found(client, "asha") == [after["number"]]
    assert len(await found(client, "word")) == 1
