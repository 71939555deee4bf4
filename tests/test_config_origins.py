"""Which origins a node lets in by itself."""

from __future__ import annotations

import pytest

from ordercast.config import load
from ordercast.hub.origins import is_listed

SECRET = {"ORDERCAST_SECRET": "a secret of at least thirty-two bytes"}
LOCAL = ("http://localhost:5173", "http://127.0.0.1:8080", "https://localhost", "http://[::1]:4200")
OTHERS = ("https://evil.example", "http://localhost.evil.example:80", "http://192.168.0.7:3000", "null")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_demo_on_loopback_lets_in_what_is_developed_beside_it(host: str) -> None:
    origins = load({**SECRET, "ORDERCAST_HOST": host, "ORDERCAST_CORS_ORIGINS": "https://shop.example"}).origins

    assert all(is_listed(origin, origins) for origin in (*LOCAL, "https://shop.example"))
    assert not any(is_listed(origin, origins) for origin in OTHERS)


@pytest.mark.parametrize(
    "changes",
    [
        {"ORDERCAST_HOST": "::"},
        {"ORDERCAST_HOST": "192.168.0.7"},
        {"ORDERCAST_DEMO": "false"},
        {"ORDERCAST_DATABASE_URL": "postgresql://db.example/shop"},
    ],
    ids=lambda changes: next(iter(changes.values())),
)
def test_any_other_shop_lets_in_what_is_named_and_nobody_else(changes: dict[str, str]) -> None:
    assert load({**SECRET, **changes}).origins == ()
