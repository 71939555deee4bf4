"""Starting and stopping, as an operator meets it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from ordercast.app import STOP_S_MAX
from tests.forked import run
from tests.waiting import eventually

from .shop import Shop


def ordercast(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(arguments, cwd=folder, env={"PATH": "/usr/bin:/bin", **environ})


def test_start_up_prints_the_pages_and_the_demo_logins_and_a_second_start_the_same(tmp_path: Path) -> None:
    shop = Shop(tmp_path, executed=True)
    shop.start()
    first = shop.output
    shop.stop()
    shop.output = ""
    shop.start()

    assert f"> Ready on http://localhost:{shop.port}" in first
    assert "> Socket.io server initialized" in first
    for page in ("/shop", "/admin", "/test-socket"):
        assert f"http://localhost:{shop.port}{page}" in first
    assert shop.password in first
    assert shop.login("driver@example.com")
    shop.kill()


def test_logs_keep_their_level_and_format_while_it_serves(tmp_path: Path) -> None:
    environ = {**os.environ, "ORDERCAST_LOG_FORMAT": "json", "ORDERCAST_LOG_LEVEL": "info", "ORDERCAST_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "ordercast", "serve"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("> Ready on ").strip()
        polling = f"{url}/socket.io/?EIO=4&transport=polling"
        sid = json.loads(httpx.get(polling).text[1:])["sid"]
        httpx.post(f"{polling}&sid={sid}", content="40")  # CONNECT, which the hub notes
        httpx.get(f"{polling}&sid={sid}")
        process.terminate()
        _, errors = process.communicate(timeout=60)

    lines = [json.loads(line) for line in errors.splitlines()]
    assert {"level", "timestamp", "event"} <= lines[-1].keys()


def test_a_stop_that_is_asked_for_ends_in_time_with_clients_connected(shop: Shop) -> None:
    with httpx.stream("GET", f"{shop.url}/socket.io/?EIO=4&transport=polling") as answer:
        assert answer.status_code == 200
    began = time.monotonic()

    assert shop.stop() == 0

    assert time.monotonic() - began < STOP_S_MAX


def test_a_shop_that_is_stopped_says_so_and_still_takes_the_orders_that_reach_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.start()
    order, clients = shop.order(), [httpx.Client(base_url=shop.url) for _ in range(500)]
    for client in clients:
        client.get("/socket.io/?EIO=4&transport=polling")  # so many that sending them away takes a second

    os.kill(shop.pid, signal.SIGTERM)

    ready = eventually(lambda: (answer := clients[0].get("/health/ready")).status_code == 503 and answer)
    placed = clients[1].post("/api/orders", json=order)
    assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
    assert placed.status_code == 201
    assert shop.stop() == 0
    with sqlite3.connect(shop.database) as connection:
        assert connection.execute("SELECT id FROM orders").fetchall() == [(placed.json()["id"],)]
    connection.close()
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ORDERCAST_PORT", "many"),
        ("ORDERCAST_PORT", "70000"),
        ("ORDERCAST_DATABASE_URL", "mysql://x"),
        ("ORDERCAST_CORS_ORIGINS", "shop.example.com"),
        ("ORDERCAST_SECRET", "short"),
        ("ORDERCAST_NODE", "a b"),
        ("ORDERCAST_TRUSTED_PROXIES", "nginx"),
        ("ORDERCAST_BUDGETS", "some"),
        ("ORDERCAST_BUDGET_ORDERS", "many"),
        ("ORDERCAST_SESSIONS_PER_CALLER_MAX", "-1"),
        ("ORDERCAST_LOG_LEVEL", "loud"),
        ("ORDERCAST_PING_INTERVAL_MS", "-1"),
        ("ORDERCAST_DATABASE_URL", "sqlite:///:memory:"),
        ("ORDERCAST_DATABASE_URL", "sqlite:///."),
        ("ORDERCAST_DATABASE_URL", "sqlite:///nowhere/shop.db"),
        ("ORDERCAST_DATABASE_URL", "sqlite:///letter.txt"),
        ("ORDERCAST_REDIS_URL", "localhost:6379"),
        ("ORDERCAST_REDIS_URL", "redis://localhost:many"),
        ("ORDERCAST_REDIS_PREFIX", "a b"),
        ("ORDERCAST_REDIS_EMITTERS", "socket.io"),
        ("ORDERCAST_MONGODB_URL", "mongodb://localhost"),
        ("ORDERCAST_MONGODB_URL", "mongodb://localhost/?replicaSet=rs0"),
        ("ORDERCAST_MONGODB_URL", "mongodb://localhost:many/shop"),
        ("ORDERCAST_MONGODB_URL", "http://localhost/shop"),
        ("ORDERCAST_MONGODB_COLLECTION", "system.users"),
        ("ORDERCAST_MONGODB_CURRENCY", "taka"),
        ("ORDERCAST_STRIPE_WEBHOOK_SECRET", "whsec_without_a_key"),
        ("ORDERCAST_STRIPE_API_URL", "ftp://stripe.example"),
        ("ORDERCAST_SANDBOX_WEBHOOK_SECRET", "whsec_short"),
        ("ORDERCAST_DATABASE_URL", "postgresql://localhost/shop"),
    ],
)
def test_a_wrong_value_is_refused_at_start_with_the_variables_name(tmp_path: Path, variable: str, value: str) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader, this is no database. " * 99)

    result = ordercast(tmp_path, "serve", **{"ORDERCAST_PORT": "0", variable: value})

    assert result.returncode == 2
    assert "ORDERCAST_" in result.stderr
    assert "Traceback" not in result.stderr
    if not value.startswith("postgresql"):  # which is refused for the secret that a database server needs
        assert variable in result.stderr


@pytest.mark.parametrize(("proxies", "last"), [("127.0.0.1", 200), ("", 429)])
def test_callers_behind_a_trusted_proxy_are_told_apart(tmp_path: Path, proxies: str, last: int) -> None:
    shop = Shop(
        tmp_path,
        {"ORDERCAST_TRUSTED_PROXIES": proxies, "ORDERCAST_BUDGETS": "on", "ORDERCAST_BUDGET_ACCOUNT_GUESSES": "10/10h"},
    )
    shop.start()

    def sign_in(password: str, caller: str) -> int:
        person = {"email": "admin@example.com", "password": password}
        headers = {"x-forwarded-for": caller}
        return httpx.post(f"{shop.url}/api/auth/login", json=person, headers=headers).status_code

    try:
        assert {sign_in("wrong", "192.0.2.1") for _ in range(10)} == {401}
        assert sign_in("wrong", "192.0.2.1") == 429
        assert sign_in(shop.password, "192.0.2.2") == last
        warned = shop.output.count("ORDERCAST_TRUSTED_PROXIES=127.0.0.1")
        assert warned == (0 if proxies else 1), shop.output
    finally:
        shop.kill()


def test_an_order_that_nobody_answers_expires(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.start()
    try:
        order = shop.place()
        shop.stop()
        with sqlite3.connect(shop.database) as connection:
            connection.execute("UPDATE orders SET version = version + 1, updated_at = '2026-01-01T00:00:00.000Z'")
        connection.close()
        shop.output = ""
        shop.start()
        token = shop.login()
        eventually(lambda: shop.get_order(order["id"], token)["status"] == "expired")
    finally:
        shop.kill()


def test_the_password_that_is_printed_works_after_the_secret_was_changed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.start()
    first = shop.password
    shop.stop()
    shop.database.with_suffix(".secret").unlink()
    shop.output = ""
    try:
        shop.start()
        assert shop.password != first
        assert shop.login("driver@example.com")
    finally:
        shop.kill()


def test_a_port_that_is_taken_is_told_by_name(shop: Shop, tmp_path: Path) -> None:
    result = ordercast(tmp_path, "serve", ORDERCAST_PORT=str(shop.port))

    assert result.returncode == 2
    assert "ORDERCAST_PORT" in result.stderr


def test_a_dotenv_file_is_read_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ORDERCAST_DATABASE_URL=mysql://from-dotenv\n")

    assert "ORDERCAST_DATABASE_URL" in ordercast(tmp_path, "migrate").stderr
    assert ordercast(tmp_path, "migrate", "--database-url", "sqlite:///other.db").returncode == 0
    assert (tmp_path / "other.db").exists()


def test_a_token_from_the_command_line_opens_the_api(shop: Shop) -> None:
    result = ordercast(
        shop.database.parent, "token", "--role", "admin", "--ttl", "60", "--database-url", f"sqlite:///{shop.database}"
    )

    answer = httpx.get(f"{shop.url}/api/orders", headers={"authorization": f"Bearer {result.stdout.strip()}"})
    assert answer.status_code == 200
    refused = httpx.get(f"{shop.url}/api/orders", headers={"authorization": f"Bearer {result.stdout.strip()}x"})
    assert refused.status_code == 401
    assert refused.headers["content-type"].startswith("application/problem+json")


def test_a_token_is_signed_with_the_shops_secret_or_not_at_all(tmp_path: Path) -> None:
    result = ordercast(tmp_path, "token", "--role", "admin")

    assert result.returncode == 2
    assert "ORDERCAST_SECRET" in result.stderr
    assert "ordercast.secret" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_misspelt_variable_is_told_by_name(tmp_path: Path) -> None:
    result = ordercast(tmp_path, "migrate", ORDERCAST_PROT="3000")

    assert result.returncode == 0
    assert "ORDERCAST_PROT" in result.stderr
    assert "ORDERCAST_PORT" in result.stderr


def test_the_database_and_its_secret_are_their_owners_alone(tmp_path: Path) -> None:
    assert ordercast(tmp_path, "migrate").returncode == 0

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"ordercast.db": 0o600, "ordercast.secret": 0o600}


def test_processes_that_start_together_make_one_secret(tmp_path: Path) -> None:
    program = "from ordercast import config; print(config.load().secret)"
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    secrets = {process.communicate(timeout=60)[0].strip() for process in started}

    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["ordercast.secret"]


def test_demo_fills_a_database_once(tmp_path: Path) -> None:
    first, second = (ordercast(tmp_path, "demo", "--database-url", "sqlite:///shop.db") for _ in range(2))

    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    assert "customer@example.com" in first.stdout


# --- What an operator gets wrong --------------------------------------------------------------------------------------


def test_a_host_that_is_none_of_ours_is_said_to_be_the_host(tmp_path: Path) -> None:
    for host in ("203.0.113.7", "no-such-host.invalid"):
        done = ordercast(tmp_path, "serve", "--host", host, "--port", "0")
        assert done.returncode == 2
        assert done.stderr.startswith("ordercast: ORDERCAST_HOST: "), done.stderr


@pytest.mark.parametrize("ttl", ["0", "-5"])
def test_a_token_that_would_be_expired_is_not_printed(tmp_path: Path, ttl: str) -> None:
    done = ordercast(
        tmp_path, "token", "--role", "store", "--ttl", ttl, ORDERCAST_SECRET="a secret of at least thirty-two bytes"
    )
    assert (done.returncode != 0, done.stdout.count("eyJ")) == (True, 0)


def test_a_new_epoch_is_not_begun_unasked(shop: Shop) -> None:
    url = f"sqlite:///{shop.database}"
    refused = ordercast(shop.database.parent, "new-epoch", "--database-url", url)
    assert (refused.returncode, "--yes" in refused.stderr) == (1, True)
    done = ordercast(shop.database.parent, "new-epoch", "--yes", "--database-url", url)
    assert (done.returncode, done.stdout.startswith("The new epoch is ")) == (0, True), done.stderr

    # The running node goes on in a new one, and refuses until it does.
    eventually(lambda: httpx.get(f"{shop.url}/api/products").status_code == 200)
    order = shop.place()
    assert shop.move(order, "processing", shop.login()).status_code == 200


def test_a_running_shop_is_backed_up_and_put_back(shop: Shop, tmp_path: Path) -> None:
    url, file = f"sqlite:///{shop.database}", tmp_path / "backup.db"
    kept = shop.place()
    done = ordercast(tmp_path, "backup", str(file), "--database-url", url)
    assert (done.returncode, "was copied to" in done.stdout) == (0, True), done.stderr
    lost, headers = shop.place(), {"Authorization": f"Bearer {shop.login()}"}
    refused = ordercast(tmp_path, "restore", str(file), "--database-url", url)
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    done = ordercast(tmp_path, "restore", str(file), "--replace", "--json", "--database-url", url)
    assert (done.returncode, json.loads(done.stdout)["replaced"]) == (0, f"{shop.database}.replaced"), done.stderr

    known = f"{shop.url}/api/orders/{kept['id']}"
    eventually(lambda: httpx.get(known, headers=headers).status_code == 200)
    assert httpx.get(f"{shop.url}/api/orders/{lost['id']}", headers=headers).status_code == 404
    shop.place()


def test_revoking_a_name_that_nobody_has_says_so(shop: Shop) -> None:
    url = f"sqlite:///{shop.database}"
    done = ordercast(shop.database.parent, "revoke", "nobody", "--database-url", url)
    assert (done.returncode, done.stdout) == (0, "nobody is revoked.\n")
    assert "No account, customer, order or sign-in of this shop has that name" in done.stderr


def test_a_database_of_another_program_is_left_alone_with_the_way_on(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ordercast.db") as connection:
        connection.execute("CREATE TABLE orders (id integer)")
    connection.close()

    done = ordercast(tmp_path, "migrate", ORDERCAST_SECRET="a secret of at least thirty-two bytes")

    assert done.returncode == 2
    assert done.stderr == (
        "ordercast: ORDERCAST_DATABASE_URL: The database cannot be opened: it holds tables of another program (orders);"
        " name another file in ORDERCAST_DATABASE_URL.\n"
    )
