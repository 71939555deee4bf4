"""Rights that end while somebody is connected, seen from outside: the stock client, the command line, plain SQL."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import httpx
import pytest

from tests.forked import run

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]


def command_line(shop: Shop, *args: str) -> str:
    environ = {**os.environ, "ORDERCAST_DATABASE_URL": f"sqlite:///{shop.database}"}
    done = run(args, cwd=shop.database.parent, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def is_over(listener: Listener) -> bool:
    return bool(listener.events("auth_revoked")) and bool(listener.of_kind("disconnect"))


@pytest.mark.node
def test_a_token_that_the_operator_revokes_ends_its_client_for_good(shop: Shop, listen: Listen) -> None:
    token, other = (command_line(shop, "token", "--role", "store", "--sub", "usr_1") for _ in range(2))
    lost, kept = (listen(shop.url, auth={"token": each}) for each in (token, other))
    lost.wait_for_event("ready")
    kept.wait_for_event("ready")
    assert "is revoked" in command_line(shop, "revoke", token, "--reason", "found in a log")
    lost.wait_for(is_over)
    refused = httpx.get(f"{shop.url}/api/orders", headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    order = shop.place()
    (heard,) = kept.wait_for_event("new_order")
    assert heard["args"][0]["order"]["id"] == order["id"]
    assert len(lost.of_kind("connect")) == 1
    assert not lost.events("new_order")


@pytest.mark.node
def test_an_account_closed_by_another_program_is_out_at_once(shop: Shop, listen: Listen) -> None:
    with httpx.Client(base_url=shop.url) as browser:
        login = {"email": "store@example.com", "password": shop.password}
        token = browser.post("/api/auth/login", json=login).json()["token"]
        listener = listen(shop.url, auth={"token": token})
        listener.wait_for_event("ready")
        assert browser.post("/api/auth/refresh").status_code == 200
        close = "UPDATE accounts SET active = 0 WHERE email = 'store@example.com'"
        subprocess.run(["sqlite3", str(shop.database), close], check=True)
        listener.wait_for(is_over)
        assert browser.post("/api/auth/refresh").status_code == 401
        assert browser.post("/api/auth/login", json=login).status_code == 401


def test_a_revocation_outlives_the_process(shop: Shop) -> None:
    token = shop.token("store", "usr_9")
    command_line(shop, "revoke", "usr_9")
    shop.kill()
    shop.start()
    refused = httpx.get(f"{shop.url}/api/orders", headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
