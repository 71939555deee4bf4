from __future__ import annotations

import subprocess
import sys

import pytest

from ordercast.config import ConfigError, Settings, load
from ordercast.db import Unusable
from ordercast.db.postgresql.store import PostgresqlStore

SECRET = "a secret of at least thirty-two bytes"


def shown(url: str) -> str:
    return Settings(database_url=url).shown_database_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://shop:hush@db.example.com:5432/shop", "postgresql://db.example.com:5432/shop"),
        ("postgres://shop:hu%40s%2Fh@db/shop", "postgresql://db/shop"),
        ("postgresql://shop:hu?s[h@db/shop", "postgresql://db/shop"),
        ("postgresql://db/shop?password=hush&sslpassword=hush&user=shop", "postgresql://db/shop"),
        ("postgresql://shop:hush@one:1,two:2/shop", "postgresql://one:1,two:2/shop"),
        ("postgresql://shop:hush@one,two:2/shop", "postgresql://one,two:2/shop"),
        ("postgresql://one,two/shop?port=6432", "postgresql://one:6432,two:6432/shop"),
        ("postgresql://shop:hush@[::1]:5432/shop", "postgresql://[::1]:5432/shop"),
        ("postgresql:///shop?host=/run/postgresql&passfile=/hush", "postgresql://%2Frun%2Fpostgresql/shop"),
        ("sqlite:///shop.db", "sqlite:///shop.db"),
    ],
)
def test_a_database_is_shown_by_its_place_alone(url: str, place: str) -> None:
    assert shown(url) == place
    assert load({"ORDERCAST_DATABASE_URL": url, "ORDERCAST_SECRET": SECRET}).database_url == url


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("postgresql://shop:hush@db/shop?schema=public", "postgresql://shop:hush@db/shop"),
        (
            "postgres://db/shop?connection_limit=5&sslmode=require&schema=public&pgbouncer=true",
            "postgres://db/shop?sslmode=require",
        ),
        ("postgresql://shop:a?schema=b@db/shop", "postgresql://shop:a?schema=b@db/shop"),
        ("sqlite:///a?schema=public", "sqlite:///a?schema=public"),
    ],
)
def test_what_a_url_says_to_prisma_alone_is_left_out(url: str, taken: str) -> None:
    assert load({"ORDERCAST_DATABASE_URL": url, "ORDERCAST_SECRET": SECRET}).database_url == taken


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:hu@sh@db.example.com/shop",
        "postgresql://shop:hu#sh/1@db.example.com:5432/shop",
        "postgresql://shop:1/hush@db.example.com/shop",
        "postgresql://shop:hu sh@db.example.com/shop",
        "postgresql://shop:100%hush@db.example.com/shop",
        "postgresql://shop:hu%00sh@db.example.com/shop",
        "postgresql://db.example.com/shop?pasword=hush",
        "postgresql://db.example.com:hush/shop",
        "postgresql://db.example.com:70000/hush",
    ],
)
def test_of_a_url_that_is_none_nothing_is_repeated(url: str) -> None:
    assert shown(url) == "postgresql://..."
    with pytest.raises(ConfigError) as refused:
        load({"ORDERCAST_DATABASE_URL": url, "ORDERCAST_SECRET": SECRET})
    messages = [str(refused.value)]
    store = PostgresqlStore(url)
    for attempt in (store.prepare, store.migrate):
        with pytest.raises(Unusable) as unusable:
            attempt()
        messages.append(str(unusable.value))
    for message in messages:
        assert "is no URL that PostgreSQL understands" in message
        assert not any(part in message for part in ("hu@", "hu#", "hush", "sh/1", "sh@", "100%", "hu ", "shop:"))


def test_a_shop_on_sqlite_starts_without_the_driver_of_the_other() -> None:
    program = (
        f"import sys; from ordercast.config import load; load({{}}, secret='{SECRET}').shown_database_url;"
        " sys.exit('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
