"""Checks a configuration before a shop is opened to the world: one finding per line."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ordercast import config
from ordercast.api.passwords import Passwords
from ordercast.bootstrap import HOW_TO
from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.timestamps import timestamp
from ordercast.commerce.webhook_endpoints import DisabledBy
from ordercast.config import Settings
from ordercast.db import Store, Transaction, accounts
from ordercast.db.seed import DEMO_PEOPLE
from ordercast.db.webhooks import endpoints
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.payments import Providers

# Larger networks are no proxy.
_PROXY_BITS_MIN: Final = 8
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Verdict(StrEnum):
    FINE = "ok"
    NOTE = "note"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    about: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.verdict:<7} {self.about:<10} {self.sentence}"


def fine(about: str, sentence: str) -> Finding:
    return Finding(Verdict.FINE, about, sentence)


def note(about: str, sentence: str) -> Finding:
    return Finding(Verdict.NOTE, about, sentence)


def unsafe(about: str, sentence: str) -> Finding:
    return Finding(Verdict.UNSAFE, about, sentence)


# Of the settings alone


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Yield the findings about the settings."""
    yield from _listening(settings)
    yield from _proxies(settings)
    yield from _hosts(settings)
    yield from _origins(settings)
    yield from _secret(settings)
    yield from _budgets(settings)
    yield from _metrics(settings)
    yield from _mail(settings)
    yield from _notifying(settings)
    yield from _neighbours(settings)


def _listening(settings: Settings) -> Iterator[Finding]:
    place = f"{settings.host}:{settings.port}"
    if settings.host in _LOOPBACK:
        yield fine("listening", f"On {place}: reached through a proxy of this machine alone.")
    elif settings.trusted_proxies:
        yield fine("listening", f"On {place}, behind a proxy.")
    else:
        yield unsafe(
            "listening",
            f"On {place} without a proxy: passwords and cookies cross the network in the clear. Put one that speaks "
            "https in front, and name it in ORDERCAST_TRUSTED_PROXIES.",
        )


def _proxies(settings: Settings) -> Iterator[Finding]:
    wide = [each for each in settings.trusted_proxies if ip_network(each).prefixlen < _PROXY_BITS_MIN]
    if wide:
        yield unsafe(
            "proxies",
            f"ORDERCAST_TRUSTED_PROXIES={','.join(wide)} believes nearly everybody who says whose request they bring: "
            "budgets and logs then hold whatever address is claimed.",
        )
    elif settings.trusted_proxies:
        yield fine("proxies", f"Believed: {', '.join(settings.trusted_proxies)}.")
    else:
        yield note("proxies", "None is named (ORDERCAST_TRUSTED_PROXIES): behind one, all callers would count as one.")


def _hosts(settings: Settings) -> Iterator[Finding]:
    if "*" in settings.allowed_hosts:
        yield unsafe("hosts", "ORDERCAST_ALLOWED_HOSTS=* answers to names that others own (DNS rebinding).")
    elif settings.allowed_hosts:
        yield fine("hosts", f"Ours: {', '.join(settings.allowed_hosts)}.")
    else:
        yield note("hosts", "No name is ours yet: shop.example.com would get 421; set ORDERCAST_ALLOWED_HOSTS.")


def _origins(settings: Settings) -> Iterator[Finding]:
    plain = [
        each
        for each in settings.cors_origins
        if each.startswith("http://") and urlsplit(each).hostname not in _LOOPBACK
    ]
    if "*" in settings.cors_origins:
        yield unsafe("origins", "ORDERCAST_CORS_ORIGINS=* lets the pages of every site call us.")
    elif plain:
        yield unsafe("origins", f"{', '.join(plain)}: whoever is on the way to a page without https can change it.")
    elif settings.origins != settings.cors_origins:
        yield note("origins", "Pages of any localhost port are let in, as this is a demo on loopback.")
    else:
        yield fine("origins", f"Of other sites: {', '.join(settings.cors_origins) or 'none'}.")


def _secret(settings: Settings) -> Iterator[Finding]:
    file = settings.secret_file
    if file is not None and file.is_file() and _is_open_to_others(file):
        yield unsafe("secret", f"{file} can be read by others on this machine: `chmod 600 {file}`.")
    else:
        yield fine("secret", "Long, and not to be guessed.")


def _is_open_to_others(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _budgets(settings: Settings) -> Iterator[Finding]:
    off = [name for name in config.BUDGETS if not settings.rate(name)]
    if settings.budgets == "off":
        yield unsafe("budgets", "ORDERCAST_BUDGETS=off: passwords can be guessed as fast as they are typed.")
    elif off:
        yield unsafe("budgets", f"Off: {', '.join(off)}.")
    else:
        yield fine("budgets", "Every caller is bounded.")


def _mail(settings: Settings) -> Iterator[Finding]:
    is_open = settings.host not in _LOOPBACK or bool(settings.trusted_proxies or settings.allowed_hosts)
    url = urlsplit(settings.public_url)
    if not settings.mailbox:
        yield note(
            "mail", "None is sent (ORDERCAST_MAIL_URL): addresses are not confirmed, and passwords not replaced."
        )
    elif settings.mailbox.startswith("file:"):
        verdict = unsafe if is_open else note
        yield verdict("mail", "Written into a folder, where nobody reads it: name a mail server in ORDERCAST_MAIL_URL.")
    elif not url.hostname:
        yield unsafe("mail", "Links in mails lead to this machine: name the shop's address in ORDERCAST_PUBLIC_URL.")
    elif url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield unsafe("mail", f"Links in mails lead to {settings.public_url}: whoever is on the way reads their tokens.")
    else:
        yield fine("mail", f"Sent by {settings.shown_mailbox}; links lead to {settings.public_url}.")


def _notifying(settings: Settings) -> Iterator[Finding]:
    if not settings.pushes:
        yield note("push", f"No browser is pushed to ({settings.push_off_because}).")
    elif settings.vapid_contact.endswith("@localhost"):
        yield note(
            "push",
            "Push services get no contact, which some refuse: set ORDERCAST_VAPID_SUBJECT, as "
            "mailto:ops@shop.example.com.",
        )
    else:
        yield fine("push", f"Subscribed browsers are pushed to; push services may write to {settings.vapid_contact}.")
    if settings.sms_url.startswith("file:"):
        yield note("sms", "Written into a folder, and sent to nobody (ORDERCAST_SMS_URL).")
    if settings.outgoing_networks:
        networks = ",".join(settings.outgoing_networks)
        is_wide = any(ip_network(each).prefixlen < _PROXY_BITS_MIN for each in settings.outgoing_networks)
        verdict = unsafe if is_wide else note
        yield verdict(
            "outgoing", f"ORDERCAST_OUTGOING_NETWORKS={networks}: whoever names an address there has us call it."
        )


def _metrics(settings: Settings) -> Iterator[Finding]:
    if settings.metrics_beside:
        yield unsafe("metrics", "Told on the shop's own port, to whoever asks: leave ORDERCAST_METRICS_PORT out.")
    elif settings.metrics_host == "off":
        yield note("metrics", "Told nowhere (ORDERCAST_METRICS_HOST=off).")
    elif settings.metrics_host not in _LOOPBACK:
        yield note("metrics", f"Told on {settings.metrics_host}: see that only your Prometheus reaches it.")
    else:
        yield fine("metrics", "Told on loopback, on a port of their own.")


def _neighbours(settings: Settings) -> Iterator[Finding]:
    if settings.redis_emitters:
        yield note("redis", "Whoever reaches it may tell any room anything: ORDERCAST_REDIS_EMITTERS is believed.")
    if settings.redis_url and urlsplit(settings.redis_url).password is None:
        yield note("redis", "Without a password: see that only the nodes reach it.")
    if settings.log_level == "debug":
        yield note("log", "ORDERCAST_LOG_LEVEL=debug writes much.")


# Of payments


def check_payments(settings: Settings, providers: Providers) -> Iterator[Finding]:
    """Yield the findings about payments."""
    taking = "" if providers.taking is None else providers.taking.name
    if not taking:
        yield note("payments", "Nobody takes cards: orders are paid in cash.")
    elif taking == "sandbox":
        yield unsafe("payments", "The sandbox takes cards, and no money moves.")
    elif taking == "stripe" and settings.stripe_secret_key.startswith(("sk_test_", "rk_test_")):
        yield unsafe("payments", "Stripe's key is one for tests: no money moves.")
    elif taking == "stripe" and not settings.stripe_webhook_secret:
        yield unsafe("payments", "Without ORDERCAST_STRIPE_WEBHOOK_SECRET disputes and refunds are not received.")
    elif taking == "http":
        yield fine("payments", f"Taken by the service at {settings.http_place}, by signed requests.")
    else:
        yield fine("payments", f"Taken by {taking}.")
    if settings.payments_http_secret_previous:
        yield note("payments", "The HTTP provider's previous secret is believed: leave it out once nobody signs by it.")


async def check_payment_service(providers: Providers) -> list[Finding]:
    """Check whether the HTTP provider accepts our signature, by a lookup of an unknown payment."""
    provider = providers.by_name.get("http")
    if provider is None:
        return []
    try:
        await provider.find("ordercast-check", timestamp(time.time_ns() // 1_000_000))
    except ProviderUnavailable:
        return [unsafe("payments", f"{provider.title} does not answer a signed question; the log above says why.")]
    return [fine("payments", f"{provider.title} answers a signed question.")]


# Of the database


async def check_store(settings: Settings, store: Store, demo_password: str) -> list[Finding]:
    """Check the database, and who can sign in. The store is started."""
    found = [unsafe("readiness", sentence) for sentence in await store.faults()]
    found += [note("readiness", sentence) for sentence in store.warnings()]
    found = found or [fine("readiness", "Orders can be written and read.")]
    if settings.sqlite_path is None:
        found.append(_durability(await store.read(_switched_off)))
    else:
        found.append(fine("database", "SQLite writes each commit to the disk before it is answered."))
    if settings.sqlite_path is not None and _is_open_to_others(settings.sqlite_path):
        path = settings.sqlite_path
        found.append(note("database", f"{path} can be read by others on this machine: `chmod 600 {path}`."))
    return [*found, *await _people(store, demo_password)]


async def check_webhooks(store: Store) -> list[Finding]:
    """Check for webhook endpoints that are disabled or not encrypted."""
    found = await store.read(lambda t: endpoints.page(t, "", endpoints.ENDPOINTS_MAX))
    off = {_host(each) for each in found if each.disabled_by not in {None, DisabledBy.ADMIN}}
    failing = {f"{_host(each)} (since {each.failing_since})" for each in found if each.enabled and each.failing_since}
    plain = {_host(each) for each in found if each.enabled and each.url.startswith("http:")}
    notes = []
    if off:
        notes.append(f"Switched off, for nothing was delivered for too long, or they are gone: {_listed(off)}.")
    if failing:
        notes.append(f"Nothing is delivered to {_listed(failing)}; it is tried again.")
    if plain:
        notes.append(f"Sent to without TLS: {_listed(plain)}.")
    if found and not notes:
        return [fine("webhooks", f"{len(found)} endpoints, and none in trouble.")]
    return [note("webhooks", sentence) for sentence in notes]


def _host(endpoint: WebhookEndpoint) -> str:
    return urlsplit(endpoint.url).netloc


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


# PostgreSQL's settings for durable commits.
_DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")


def _switched_off(transaction: Transaction) -> list[str]:
    values = {name: transaction.one(f"SELECT current_setting('{name}')") for name in _DURABLE}
    return [name for name, value in values.items() if value == ("off",)]


def _durability(switched_off: list[str]) -> Finding:
    if not switched_off:
        return fine("database", "PostgreSQL writes each commit to the disk before it is answered.")
    return unsafe("database", f"PostgreSQL loses confirmed orders with the power: {', '.join(switched_off)} is off.")


async def _people(store: Store, demo_password: str) -> list[Finding]:
    emails = [person.email for person in DEMO_PEOPLE]
    known = await store.read(lambda t: [accounts.find(t, email) for email in emails])
    passwords = Passwords()
    hashes = {each.password_hash for each in known if each is not None and each.active}
    guessed = {each for each in hashes if await passwords.match(each, demo_password)}
    demo = [each.email for each in known if each is not None and each.active and each.password_hash in guessed]
    found = []
    if demo:
        found.append(unsafe("people", f"{', '.join(demo)} sign in with the password that each start prints."))
    if not await store.read(accounts.has_admin):
        found.append(note("people", f"There is no admin: `{HOW_TO}`."))
    return found or [fine("people", "There is an admin, and nobody of the demo.")]
