from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from ordercast.api import token_policy
from ordercast.api.context import ApiContext
from ordercast.api.refresh_tokens import RefreshToken
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.db.access import SIGN_INS_MAX

from .client import PASSWORD, Client, bearer, over, problem

LISTED = {"Origin": "https://shop.example.com"}
FOREIGN = {"Origin": "https://evil.example"}


async def sign_in(client: Client, role: str = "store", **headers: str) -> httpx.Response:
    body = {"email": f"{role}@example.com", "password": PASSWORD}
    response = await client.post("/api/auth/login", body, headers)
    assert response.status_code == 200, response.text
    return response


async def refresh(client: Client, token: str | None = None, **headers: str) -> httpx.Response:
    """With the client's own cookie, or with that one alone."""
    if token is not None:
        client.http.cookies.clear()
        headers["Cookie"] = f"ordercast_refresh={token}"
    return await client.http.post("/api/auth/refresh", headers=headers)


def cookie_of(response: httpx.Response) -> str:
    return response.cookies["ordercast_refresh"]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the shop's clock be so many seconds ahead from then on."""
    now_ms, ahead_s = ApiContext.now_ms, 0.0

    def by(seconds: float) -> None:
        nonlocal ahead_s
        ahead_s += seconds
        monkeypatch.setattr(ApiContext, "now_ms", lambda context: now_ms(context) + round(ahead_s * 1000))

    return by


async def test_the_cookie_is_for_the_browser_and_for_signing_in_alone(client: Client) -> None:
    cookie = (await sign_in(client)).headers["set-cookie"]
    assert cookie.startswith("ordercast_refresh=rft_")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "path=/api/auth",
        "samesite=strict",
        f"max-age={14 * 24 * 3600}",
    }


async def test_behind_https_the_cookie_never_leaves_it(store: SqliteStore, settings: Settings) -> None:
    async with over(settings, store) as http:
        http.base_url = httpx.URL("https://shop.test")
        assert "; Secure" in (await sign_in(Client(http))).headers["set-cookie"]


async def test_a_refresh_gives_a_fresh_token_and_the_next_cookie(client: Client) -> None:
    first = await sign_in(client)
    second = await refresh(client)
    assert second.status_code == 200
    assert second.headers["cache-control"] == "no-store"
    assert second.json()["user"] == first.json()["user"]
    assert second.json()["token"] != first.json()["token"]
    assert cookie_of(second) != cookie_of(first)
    assert (await client.get("/api/orders", bearer(second.json()["token"]))).status_code == 200
    assert (await refresh(client)).status_code == 200


async def test_no_token_is_kept_as_it_is(client: Client, store: SqliteStore) -> None:
    token = cookie_of(await sign_in(client))
    (row,) = await store.read(lambda t: t.all("SELECT * FROM sign_ins"))
    parsed = RefreshToken.parse(token)
    assert parsed is not None
    for half in (parsed.family, parsed.turn):
        assert half not in repr(row)
        assert bytes.fromhex(half) not in row
    assert token not in repr(parsed)


async def test_tabs_that_refresh_at_once_end_up_with_the_same_cookie(client: Client, later: Any) -> None:
    former = cookie_of(await sign_in(client))
    answers = [await refresh(client, former) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({cookie_of(answer) for answer in answers}) == 1
    later(token_policy.GRACE_S + 1)
    assert (await refresh(client, cookie_of(answers[0]))).status_code == 200


async def test_a_cookie_that_was_replaced_long_ago_ends_the_sign_in(client: Client, later: Any) -> None:
    stolen = cookie_of(await sign_in(client))
    mine = await refresh(client, stolen)
    later(token_policy.GRACE_S + 1)
    problem(await refresh(client, stolen), 401, "refresh-refused")
    problem(await refresh(client, cookie_of(mine)), 401, "refresh-refused")


async def test_a_cookie_replaced_twice_ends_the_sign_in_at_once(client: Client) -> None:
    stolen = cookie_of(await sign_in(client))
    second = await refresh(client, stolen)
    third = await refresh(client, cookie_of(second))
    problem(await refresh(client, stolen), 401, "refresh-refused")
    problem(await refresh(client, cookie_of(third)), 401, "refresh-refused")


async def test_the_access_tokens_of_a_sign_in_that_was_stolen_are_refused(
    store: SqliteStore, settings: Settings, client: Client
) -> None:
    stolen = await sign_in(client)
    second = await refresh(client, cookie_of(stolen))
    await refresh(client, cookie_of(second))
    await refresh(client, cookie_of(stolen))
    async with over(settings, store) as http:
        for answer in (stolen, second):
            refused = await Client(http).get("/api/orders", bearer(answer.json()["token"]))
            assert problem(refused, 401, "token-refused")["code"] == "token_revoked"


@pytest.mark.parametrize(
    "token",
    ["", "rft_", "rft_" + "0" * 64, "rft_" + "g" * 64, "trk_" + "0" * 64, "rft_" + "0" * 64 + "x"],
    ids=["none", "empty", "unknown", "not-hex", "other", "longer"],
)
async def test_what_is_no_cookie_of_ours_is_refused(client: Client, token: str) -> None:
    problem(await refresh(client, token), 401, "refresh-refused")


async def test_a_sign_in_ends_when_it_is_not_used(client: Client, later: Any) -> None:
    token = cookie_of(await sign_in(client))
    later(14 * 24 * 3600 + 1)
    problem(await refresh(client, token), 401, "refresh-refused")


async def test_a_sign_in_that_is_used_ends_at_last(client: Client, later: Any) -> None:
    token = cookie_of(await sign_in(client))
    for _ in range(token_policy.WHOLE_LIFE_IDLES):
        later(13.9 * 24 * 3600)
        answer = await refresh(client, token)
        assert answer.status_code == 200
        token = cookie_of(answer)
    later(24 * 3600)
    problem(await refresh(client, token), 401, "refresh-refused")


async def test_an_account_has_so_many_sign_ins_at_most(client: Client, store: SqliteStore) -> None:
    tokens = [cookie_of(await sign_in(client)) for _ in range(SIGN_INS_MAX + 1)]
    ((count,),) = await store.read(lambda t: t.all("SELECT count(*) FROM sign_ins"))
    assert count == SIGN_INS_MAX
    problem(await refresh(client, tokens[0]), 401, "refresh-refused")
    assert (await refresh(client, tokens[1])).status_code == 200


async def test_an_account_that_is_closed_is_signed_out(client: Client, store: SqliteStore) -> None:
    token = cookie_of(await sign_in(client))
    await store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE role <> 'admin'"))
    problem(await refresh(client, token), 401, "refresh-refused")


# --- Pages of other sites ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["refresh", "logout", "logout-all"])
@pytest.mark.parametrize(
    "headers",
    [FOREIGN, {"Origin": "null"}, {"Origin": "http://shop.test.evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["other", "null", "alike", "no-origin"],
)
async def test_a_page_of_another_site_cannot_use_the_cookie(
    client: Client, path: str, headers: Mapping[str, str]
) -> None:
    await sign_in(client)
    problem(await client.http.post(f"/api/auth/{path}", headers=headers), 403, "origin-refused")
    assert (await refresh(client)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [LISTED, {"Origin": "http://shop.test"}, {"Origin": "https://SHOP.test", "Sec-Fetch-Site": "same-origin"}],
    ids=["listed", "own", "own-behind-a-proxy"],
)
async def test_our_own_and_listed_pages_can(client: Client, headers: Mapping[str, str]) -> None:
    await sign_in(client, **headers)
    assert (await refresh(client, **headers)).status_code == 200


async def test_a_listed_page_of_another_origin_is_answered_with_credentials(client: Client) -> None:
    await sign_in(client)
    answer = await refresh(client, **LISTED)
    assert answer.headers["access-control-allow-origin"] == LISTED["Origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_page_of_another_site_leaves_no_cookie_behind(client: Client) -> None:
    answer = await sign_in(client, **FOREIGN)
    assert "set-cookie" not in answer.headers
    assert answer.json()["token"]


async def test_every_origin_is_not_a_listed_one(store: SqliteStore, settings: Settings) -> None:
    open_settings = Settings(secret=settings.secret, cors_origins=("*",))
    async with over(open_settings, store) as http:
        client = Client(http)
        answer = await sign_in(client, **FOREIGN)
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers
        problem(await refresh(client, **FOREIGN), 403, "origin-refused")


# --- Signing out ------------------------------------------------------------------------------------------------------


async def test_signing_out_ends_this_sign_in_alone(client: Client, store: SqliteStore, settings: Settings) -> None:
    other = await sign_in(client)
    mine = await sign_in(client)
    answer = await client.http.post("/api/auth/logout")
    assert answer.status_code == 204
    assert "ordercast_refresh" not in client.http.cookies
    problem(await refresh(client, cookie_of(mine)), 401, "refresh-refused")
    assert (await refresh(client, cookie_of(other))).status_code == 200
    async with over(settings, store) as http:
        refused = await Client(http).get("/api/orders", bearer(mine.json()["token"]))
        assert problem(refused, 401, "token-refused")["code"] == "token_revoked"
        assert (await Client(http).get("/api/orders", bearer(other.json()["token"]))).status_code == 200


async def test_a_program_without_cookies_signs_out_with_its_token(
    client: Client, store: SqliteStore, settings: Settings
) -> None:
    mine = bearer((await sign_in(client)).json()["token"])
    client.http.cookies.clear()
    assert (await client.http.post("/api/auth/logout", headers=mine)).status_code == 204
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/orders", mine), 401, "token-refused")


async def test_signing_out_twice_does_no_harm(client: Client) -> None:
    await sign_in(client)
    for headers in ({}, {}, bearer("worth.nothing.any-more")):
        assert (await client.http.post("/api/auth/logout", headers=headers)).status_code == 204


async def test_signing_out_with_an_orders_token_leaves_it_good(client: Client) -> None:
    order = await client.place()
    guest = bearer(order["trackingToken"])
    assert (await client.http.post("/api/auth/logout", headers=guest)).status_code == 204
    problem(await client.http.post("/api/auth/logout-all", headers=guest), 403, "not-permitted")
    assert (await client.get(f"/api/orders/{order['id']}", guest)).status_code == 200


async def test_signing_out_everywhere_ends_all_of_ones_own(
    client: Client, store: SqliteStore, settings: Settings
) -> None:
    others = await sign_in(client, "admin")
    one, two = await sign_in(client), await sign_in(client)
    headers = bearer(two.json()["token"])
    assert (await client.http.post("/api/auth/logout-all", headers=headers)).status_code == 204
    for answer in (one, two):
        problem(await refresh(client, cookie_of(answer)), 401, "refresh-refused")
    assert (await refresh(client, cookie_of(others))).status_code == 200
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/orders", bearer(one.json()["token"])), 401, "token-refused")
        anew = await sign_in(Client(http))
        assert (await Client(http).get("/api/orders", bearer(anew.json()["token"]))).status_code == 200
