"""A shop without the demo: its first admin, and what is said before it is opened to the world."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx

from tests.forked import run

from .shop import Shop

PASSWORD = "a good long phrase"


def ordercast(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
    environ |= {"ORDERCAST_DEMO": "false", "ORDERCAST_DATABASE_URL": f"sqlite:///{folder / 'shop.db'}"}
    return run(words, cwd=folder, env=environ, typed=typed)


def test_the_first_admin_is_made_beside_the_running_shop_and_signs_in(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"ORDERCAST_DEMO": "false"})
    shop.start()
    try:
        assert httpx.get(f"{shop.url}/api/config").json()["hasAdmin"] is False
        assert "ordercast account create --email" in shop.output

        made = ordercast(tmp_path, "account", "create", "--email", "boss@example.com", typed=f"{PASSWORD}\n")
        assert made.stdout == "boss@example.com (admin) can sign in.\n", made.stderr
        again = ordercast(tmp_path, "account", "create", "--email", "Boss@example.com", typed=f"{PASSWORD}\n")
        assert (again.returncode, again.stderr) == (1, "ordercast: There is an account with this address already.\n")
        short = ordercast(tmp_path, "account", "create", "--email", "b@example.com", typed="short\n")
        assert short.returncode == 1
        assert "password" in short.stderr

        person = {"email": "boss@example.com", "password": PASSWORD}
        assert httpx.post(f"{shop.url}/api/auth/login", json=person).json()["user"]["role"] == "admin"
        assert httpx.get(f"{shop.url}/api/config").json()["hasAdmin"] is True

        checked = ordercast(tmp_path, "check")
        assert "There is an admin" in checked.stdout, checked.stderr
        assert checked.returncode == ("unsafe " in checked.stdout)
    finally:
        shop.kill()
