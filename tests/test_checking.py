from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from ordercast.bootstrap import make_account
from ordercast.checking import Verdict, check_payment_service, check_payments, check_settings, check_store
from ordercast.commerce.errors import AddressTaken, InvalidField
from ordercast.commerce.people import Role
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.db.seed import CHANCE_BYTES, seed_demo
from ordercast.demo import demo_password
from ordercast.payments import providers_of
from tests.payments.services import SECRET as SIGNING_KEY
from tests.payments.services import SECRET_PREVIOUS as OTHER_KEY
from tests.payments.services import python_service

SECRET = "8f3b1c9d7e5a4f6082b4c6d8e0f1a3b5"
MAIL = {
    "mail_url": "smtps://me:secret@mail.example.com",
    "mail_from": "orders@shop.example.com",
    "public_url": "https://shop.example.com",
}
SAFE = {
    **MAIL,
    "host": "10.0.0.1",
    "trusted_proxies": ("10.0.0.2",),
    "allowed_hosts": ("shop.example.com",),
    "secret": SECRET,
}


def verdicts(**changes: object) -> dict[str, Verdict]:
    return {each.about: each.verdict for each in check_settings(Settings(**{**SAFE, **changes}))}  # type: ignore[arg-type]


def test_a_node_behind_its_proxy_is_fine() -> None:
    assert set(verdicts().values()) == {Verdict.FINE}


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ("listening", {"trusted_proxies": ()}),
        ("proxies", {"trusted_proxies": ("0.0.0.0/0",)}),
        ("proxies", {"trusted_proxies": ("10.0.0.2", "::/0")}),
        ("hosts", {"allowed_hosts": ("*",)}),
        ("origins", {"cors_origins": ("*",)}),
        ("origins", {"cors_origins": ("http://shop.example.com",)}),
        ("budgets", {"budgets": "off"}),
        ("budgets", {"budget_sign_ins": "off"}),
        ("metrics", {"metrics_port": 3000}),
        ("mail", {"mail_url": ""}),
        ("mail", {"mail_url": "file:///var/mails"}),
        ("mail", {"public_url": ""}),
        ("mail", {"public_url": "http://shop.example.com"}),
        ("outgoing", {"outgoing_networks": ("0.0.0.0/0",)}),
    ],
)
def test_what_is_unsafe_is_said(about: str, changes: dict[str, object]) -> None:
    assert verdicts(**changes)[about] is Verdict.UNSAFE


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ("proxies", {"trusted_proxies": (), "host": "127.0.0.1"}),
        ("hosts", {"allowed_hosts": ()}),
        ("metrics", {"metrics_host": "off"}),
        ("mail", {"mail_url": "off"}),
        ("mail", {"mail_url": "", "host": "127.0.0.1", "trusted_proxies": (), "allowed_hosts": ()}),
        ("metrics", {"metrics_host": "10.0.0.1"}),
        ("redis", {"redis_url": "redis://10.0.0.3"}),
        ("push", {"push": "off"}),
        ("push", {"database_url": "postgresql://db/shop"}),
        ("push", {"mail_url": "off", "mail_from": "", "public_url": ""}),
        ("sms", {"sms_url": "file:///var/texts"}),
        ("outgoing", {"outgoing_networks": ("10.0.0.0/8",)}),
    ],
)
def test_what_should_be_known_is_said(about: str, changes: dict[str, object]) -> None:
    assert verdicts(**changes)[about] is Verdict.NOTE


async def started(folder: Path) -> tuple[Settings, SqliteStore]:
    settings = Settings(database_url=f"sqlite:///{folder / 'shop.db'}", secret=SECRET)
    store = SqliteStore(folder / "shop.db")
    store.prepare()
    await store.start()
    return settings, store


async def test_demo_people_are_unsafe_and_a_shop_without_an_admin_is_told_how(tmp_path: Path) -> None:
    settings, store = await started(tmp_path)
    try:
        empty = {each.about: each for each in await check_store(settings, store, demo_password(settings))}
        assert empty["people"].verdict is Verdict.NOTE
        assert "ordercast account create" in empty["people"].sentence
        assert empty["readiness"].verdict is Verdict.FINE

        now_ms = 1_795_241_719_608
        await seed_demo(store, demo_password(settings), mark="m", now_ms=now_ms, random_bytes=os.urandom(CHANCE_BYTES))
        seeded = {each.about: each for each in await check_store(settings, store, demo_password(settings))}
        assert seeded["people"].verdict is Verdict.UNSAFE
        assert "admin@example.com" in seeded["people"].sentence
        assert next(check_payments(settings, providers_of(settings, store))).verdict is Verdict.UNSAFE
    finally:
        await store.close()


async def test_a_payment_service_of_the_shops_own_is_named_and_an_old_secret_of_it_too(tmp_path: Path) -> None:
    settings, store = await started(tmp_path)
    urls = {
        "payments": "http",
        "payments_http_url": "https://pay.example.com/path",
        "payments_http_secret": "whsec_MQ==",
        "stripe_secret_key": "sk_test_1",  # kept for what Stripe took: it takes no more
    }
    settings = msgspec.structs.replace(settings, **urls, payments_http_secret_previous="whsec_MA==")
    providers = providers_of(settings, store)
    try:
        taken, note = check_payments(settings, providers)
    finally:
        await providers.close()
        await store.close()
    assert (taken.verdict, note.verdict) == (Verdict.FINE, Verdict.NOTE)
    assert "pay.example.com," in taken.sentence


@pytest.mark.parametrize(
    ("secret", "verdict"), [(SIGNING_KEY, Verdict.FINE), (OTHER_KEY, Verdict.UNSAFE)], ids=["ours", "another"]
)
async def test_a_payment_service_is_asked_whether_it_believes_us(tmp_path: Path, secret: str, verdict: Verdict) -> None:
    settings, store = await started(tmp_path)
    with python_service(tmp_path) as url:
        settings = msgspec.structs.replace(settings, payments_http_url=url, payments_http_secret=secret)
        providers = providers_of(settings, store)
        try:
            (found,) = await check_payment_service(providers)
        finally:
            await providers.close()
            await store.close()
    assert found.verdict is verdict


async def test_the_first_admin_is_made_by_the_rules_of_every_account(tmp_path: Path) -> None:
    _, store = await started(tmp_path)
    try:
        made = await make_account(store, "Boss@Example.com", "Boss", Role.ADMIN, "a long enough phrase")
        assert (made.email, made.role) == ("boss@example.com", Role.ADMIN)
        with pytest.raises(AddressTaken):
            await make_account(store, "boss@example.com", "Boss", Role.ADMIN, "a long enough phrase")
        for email, name, password in (
            ("boss", "Boss", "a long enough phrase"), ("b@example.com", " ", "a long enough phrase"),
            ("c@example.com", "C", "short"), ("d@example.com", "", "a long enough phrase"),
        ):  # fmt: skip
            with pytest.raises(InvalidField):
                await make_account(store, email, name, Role.ADMIN, password)
    finally:
        await store.close()
