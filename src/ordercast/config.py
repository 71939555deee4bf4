"""Configuration: what may be set from outside, its bounds and its defaults.

Every setting is an environment variable ``ORDERCAST_<NAME>`` or a line of ``.env``; the defaults suit development.
A value that cannot be used is refused at start with the variable's name, before anything is opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import zlib
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from ipaddress import ip_network
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

PREFIX = "ORDERCAST_"
OWN_ISSUER = "ordercast"
OWN_SCHEMA = "ordercast"
MAPPING_FILE = "ordercast.toml"
TOKEN_ROLES = ("admin", "store", "customer", "driver", "carer", "service")
"""Those that a token may name."""
_MAIL_FROM = re.compile(r'([^<>"\\\x00-\x1f\x7f,;:]*<)?[^<>@\s,;:"\\()]+@[^<>@\s,;:"\\()]+(?(1)>)')
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOCAL_PAGES = tuple(
    f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]")
)
_NOT_UNDERSTOOD = "is no URL that PostgreSQL understands; in its password write @ as %40, and / # % and spaces alike"
_RATE = re.compile(r"[1-9]\d{0,8}/[1-9]\d{0,5}[smh]")  # as `hub.Rate` reads it
# By chance 32 hex digits have sixteen different ones, and cannot be packed below their 32 bytes and zlib's frame.
SECRET_DISTINCT_MIN = 8
SECRET_COMPRESSED_MIN = 32
_EXAMPLE = re.compile(
    r"(?i)change[ _-]?(me|this|it)|your[\w -]{0,12}secret|replace[ _-]?(me|this)|qwertyuiop|asdfghjkl"
)
_SIGNING_KEY = "must be `whsec_` and at least 24 bytes in base64, as from `openssl rand -base64 32`"
SECRET_BYTES_MIN = 32  # RFC 7518 section 3.2: an HS256 key is at least as long as its hash


class ConfigError(Exception):
    """A setting that cannot be used; the sentence names the variable."""

    def __init__(self, name: str, problem: str) -> None:
        self.variable = f"{PREFIX}{name.upper()}"
        super().__init__(f"{self.variable}: {problem}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One node's configuration; field ``x_y`` is the variable ``ORDERCAST_X_Y``."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 3000
    metrics_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    """Address of the metrics port; ``off``: no metrics."""
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """The metrics port; the same as `port`: public. None: `port` + 6000."""
    database_url: str = "sqlite:///ordercast.db"
    database_schema: Annotated[str, Meta(pattern=r"^([a-z_][a-z0-9_]{0,62})?$")] = ""
    """PostgreSQL's schema of our tables, beside those of other programs. Empty: ``ordercast`` where there is a mapping
    file, else where the connection leads, which is ``public`` unless `database_url` says more.
    """
    mapping_file: Annotated[str, Meta(min_length=1)] = MAPPING_FILE
    """Where it is said what is told of tables that are not ours; nothing is, where there is no such file."""
    built_in: bool = True
    """Whether the shop of ours is served: its API, pages and demo; else the live server alone, for a shop that is there
    already. The mapping file may say no too.
    """
    source_url: str = ""
    """The database whose tables the mapping file is about, where that is not the one that is served: a shop's SQLite
    file. Empty: what the file says of it, else `database_url`; on SQLite ours is then a file beside it.
    """
    secret: str = ""
    secret_previous: str = ""
    """The secret before this one, while what was made with it is still to be good."""
    cors_origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call us; ``*`` allows every one. Our own pages always may."""
    socket_url: str = ""
    """Where the pages connect their sockets; empty means the page's own origin."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that requests may be addressed to, such as ``shop.example.com`` or ``*.example.com``; ``*`` for every one.
    Loopback names, addresses, and names without a dot always are."""
    hsts_s: Annotated[int, Meta(ge=0, le=63_072_000)] = 31_536_000
    """For how long a browser that came by https comes by nothing else (RFC 6797); 0 says nothing of it."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    node: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{0,16}$")] = ""
    """This node's name: the prefix of its Engine.IO session ids, by which a proxy keeps polling clients on it."""
    redis_url: str = ""
    """Redis or Valkey: the bus between a shop's nodes."""
    redis_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "ordercast"
    """Prefix of this shop's channels in Redis."""
    redis_emitters: Annotated[str, Meta(max_length=64)] = ""
    """The key of other back ends' Socket.IO Redis emitters, which are trusted; empty: off."""
    mongodb_url: str = ""
    """A MongoDB replica set, with the database: its orders are mirrored and published like ours."""
    mongodb_collection: Annotated[str, Meta(pattern=r"^(?!system\.)[^$\x00]{1,200}$")] = "orders"
    mongodb_currency: Annotated[str, Meta(pattern=r"^([A-Z]{3})?$")] = ""
    """The currency of its amounts; empty: the shop's."""
    payments: Literal["", "cash", "sandbox", "stripe", "http"] = ""
    """Who takes new card payments. Empty: the provider that is configured, else the sandbox for a demo on an embedded
    database, else nobody: `cash` alone. With ``sandbox`` no money moves.
    """
    stripe_secret_key: str = ""
    """With it, cards are charged through Stripe."""
    stripe_webhook_secret: str = ""
    """Verifies webhooks at ``/api/payments/webhook/stripe`` (``whsec_...``)."""
    stripe_api_url: str = "https://api.stripe.com"
    payments_http_url: str = ""
    """URL of the shop's own payment service."""
    payments_http_secret: str = ""
    """A Standard Webhooks secret (``whsec_...``): signs requests to that service, and its webhooks."""
    payments_http_secret_previous: str = ""
    """The secret before it, while the service may still use that one."""
    payments_http_name: Annotated[str, Meta(max_length=40)] = ""
    """The provider's display name, such as ``bKash``."""
    sandbox_webhook_secret: str = ""
    """A Standard Webhooks secret, for messages to ``/api/payments/webhook/sandbox``."""
    mail_url: str = ""
    """Who takes our mails: ``smtp://``, ``smtps://``, a folder as ``file:///...``, or ``off``. Empty: a folder beside
    an embedded database, nobody with a database server.
    """
    mail_from: str = ""
    """Whom they are from, as ``Our Shop <orders@shop.example.com>``."""
    push: Literal["on", "off"] = "on"
    """Whether Web Push is on. On a database server it needs `vapid_private_key`."""
    vapid_private_key: str = ""
    """The VAPID key (RFC 8292): 32 bytes in base64. Empty: generated once beside an embedded database."""
    vapid_subject: str = ""
    """The operator's contact for push services, as ``mailto:ops@shop.example.com``; empty: `mail_from`, or
    `public_url`.
    """
    sms_url: str = ""
    """The SMS gateway: a service's URL, a folder as ``file:///...``, or ``off``; empty: off."""
    sms_secret: str = ""
    """A Standard Webhooks secret (``whsec_...``): signs requests to that service."""
    outgoing_networks: tuple[str, ...] = ()
    """Private addresses and networks, such as ``10.0.0.0/8``, to which requests may go whose address somebody else has
    named; empty: none but those of the internet.
    """
    public_url: str = ""
    """Where people reach the pages, for links in mails; empty: where we listen."""
    language: Literal["en", "bn"] = "en"
    """Of mails to whoever does not say theirs."""
    demo: bool = True
    """Fill a new embedded database with the demo shop."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    ping_interval_ms: Annotated[int, Meta(ge=100, le=600_000)] = 25_000
    ping_timeout_ms: Annotated[int, Meta(ge=100, le=600_000)] = 20_000
    drain_s: Annotated[float, Meta(ge=0, le=300)] = 10.0
    """The longest that a stop takes to send clients away, a few at a time; 0 for all at once."""
    pending_minutes_max: Annotated[int, Meta(ge=0, le=525_600)] = 30
    """An order that the shop has not answered for so long expires; 0 lets it wait for ever."""
    booking_reminder_s: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400
    """So long before a booking begins its customer and its carer are reminded of it; 0 for never."""
    token_minutes: Annotated[int, Meta(ge=1, le=1440)] = 60
    """How long an access token of a sign-in is good; a refresh gives the next."""
    sign_in_days: Annotated[int, Meta(ge=1, le=365)] = 14
    """A sign-in that is not used for so long ends; it ends after six times that in any case."""
    shop_location: Annotated[str, Meta(pattern=r"^$|^-?\d{1,2}(\.\d+)?, ?-?\d{1,3}(\.\d+)?$")] = ""
    """Latitude and longitude of where goods are picked up, such as ``23.7806,90.4074``; the demo shop has its own."""
    delivery_speed_kmh: Annotated[float, Meta(ge=1, le=200)] = 18.0
    delivery_stop_minutes: Annotated[float, Meta(ge=0, le=120)] = 3.0
    """What a driver needs at the counter and at a door, each."""
    delivery_attempts_max: Annotated[int, Meta(ge=1, le=100)] = 3
    """After so many failed attempts an order can only come back."""
    delivery_proof: Literal["optional", "required"] = "optional"
    notice_escalation: Literal["on", "off"] = "on"
    """Whether anything is done about orders and bookings that nobody of the shop has opened."""
    notice_board_s: Annotated[int, Meta(ge=0, le=86_400)] = 60
    """Seconds unopened until the board rings louder; 0 leaves this step out."""
    notice_push_s: Annotated[int, Meta(ge=0, le=86_400)] = 120
    """Seconds until staff are notified and pushed to; 0 leaves this step out."""
    notice_mail_s: Annotated[int, Meta(ge=0, le=86_400)] = 300
    """Seconds until staff are mailed; 0 leaves this step out."""
    notice_webhook_s: Annotated[int, Meta(ge=0, le=86_400)] = 600
    """Seconds to the last step, an event for the shop's systems; 0 leaves this step out."""
    notice_unsent_s: Annotated[int, Meta(ge=0, le=86_400)] = 30
    """Each step is taken after so long, if that is sooner, of what no screen was there for; 0 for no such."""
    timezone: Annotated[str, Meta(max_length=64)] = "UTC"
    """The shop's time zone, as ``Asia/Dhaka``: when its day begins, and which hour it is there."""
    stats_every_ms: Annotated[int, Meta(ge=100, le=3_600_000)] = 2_000
    """How often today's figures are counted anew at most, while they change."""
    notification_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    """How long notifications that were read are kept."""
    webhook_log_days: Annotated[int, Meta(ge=7, le=365)] = 30
    """How long it is kept what was sent to webhook endpoints and what they answered; longer than it is tried."""
    webhook_disable_hours: Annotated[int, Meta(ge=1, le=720)] = 120
    """A webhook endpoint to which nothing was delivered for so long is switched off."""
    jwks_url: str = ""
    """Where another issuer publishes its keys; its tokens are then taken beside our own."""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_role_claim: Annotated[str, Meta(min_length=1, max_length=200)] = "role"
    """Which claim of a back end's or issuer's tokens names the role; within another, by a path such as
    ``realm_access.roles``."""
    jwt_subject_claims: tuple[str, ...] = ("sub",)
    """Which claims of those tokens name the bearer: the first that is there."""
    jwt_roles: tuple[str, ...] = ()
    """Their names of roles and ours, such as ``user:customer,store_owner:store``."""
    disk_free_mb_min: Annotated[int, Meta(ge=0, le=1_000_000)] = 256
    """With less left on the embedded database's disk, the node says `degraded`."""
    wal_mb_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 256
    """With a longer write-ahead log of the embedded database, the node says `degraded`."""
    body_bytes_max: Annotated[int, Meta(ge=1024, le=64 * 1024 * 1024)] = 1_000_000
    budgets: Literal["on", "off"] = "on"
    """Whether callers are bounded at all; ``off`` is for load generators and test suites."""
    # What each budget counts, and by whom, stands in ``api/budgets.py``; why so many, in docs/reference/budgets.md.
    budget_handshakes: str = "1000/10s"
    budget_socket_events: str = "500/5s"
    budget_reads: str = "2000/10s"
    budget_commands: str = "600/1m"
    budget_messages: str = "120/1m"
    budget_typing: str = "240/1m"
    budget_receipts: str = "240/1m"
    budget_quotes: str = "300/30s"
    budget_orders: str = "60/2m"
    budget_declined_cards: str = "20/10m"
    budget_promotion_guesses: str = "30/5m"
    budget_delivery_codes: str = "10/5m"
    budget_not_found: str = "300/1m"
    budget_refused_tokens: str = "600/1m"
    budget_sign_ins: str = "100/5m"
    budget_account_guesses: str = "10/5m"
    budget_account_strangers: str = "50/1h"
    budget_registrations: str = "30/5m"
    budget_mail_requests: str = "30/5m"
    budget_account_mails: str = "10/1h"
    budget_order_mails: str = "60/1h"
    budget_webhooks: str = "60/1m"
    connections_per_caller_max: Annotated[int, Meta(ge=0)] = 10_000
    """HTTP connections that one address may have on a node, and half of what it may have open at most; 0 for none."""
    sessions_per_caller_max: Annotated[int, Meta(ge=0)] = 5_000
    """Connections of sockets that one address may have on a node; 0 for no bound."""
    sockets_per_identity_max: Annotated[int, Meta(ge=0)] = 500
    """Sockets of one person on a node; 0 for no bound."""
    chat_attachment_secret: str = ""
    """Signs files in conversations, as the shop's back end vouches for them; empty: none are taken."""
    chat_attachment_secret_previous: str = ""
    """The secret before it, while what was signed with it is still to be good."""
    chat_attachment_hosts: tuple[str, ...] = ()
    """Where those files are: names such as ``files.shop.example.com`` or ``*.example.com``."""
    chat_attachment_types: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf")
    chat_attachment_bytes_max: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000_000
    guest_orders_open_max: Annotated[int, Meta(ge=0)] = 100
    """Orders of guests of one address that wait for the shop unpaid; 0 for no bound."""
    guest_pieces_max: Annotated[int, Meta(ge=0)] = 500
    """Pieces that one order of a guest may set aside; 0 for no bound."""
    guest_pieces_open_max: Annotated[int, Meta(ge=0)] = 2_000
    """Pieces that those orders of one address may set aside together; 0 for no bound."""

    def rate(self, budget: str) -> str:
        """The rate of a budget, as ``30/5m``; empty where it does not bound."""
        value: str = getattr(self, f"budget_{budget}")
        return "" if "off" in {self.budgets, value} else value

    def bound(self, name: str) -> int | None:
        """A bound on how many there may be of something at a time; None where there is none."""
        value: int = getattr(self, name)
        return None if self.budgets == "off" else value or None

    @property
    def notice_steps(self) -> dict[str, int]:
        """What is done about an order that nobody has opened, and after how many seconds."""
        if self.notice_escalation == "off":
            return {}
        steps = {name: getattr(self, f"notice_{name}_s") for name in ("board", "push", "mail", "webhook")}
        return {name: seconds for name, seconds in steps.items() if seconds}

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of other sites that are let in. A demo that shows itself on its own machine alone lets in what is
        developed beside it: a page's own server there has another port.
        """
        return (*self.cors_origins, *_LOCAL_PAGES) if self.is_development else self.cors_origins

    @property
    def is_development(self) -> bool:
        """Whether nobody but this machine's own user sees the shop, which is the demo."""
        return self.host in _LOOPBACK and self.is_demo

    @property
    def metrics_beside(self) -> bool:
        """Whether metrics are served on the shop's own port."""
        return self.metrics_host != "off" and self.metrics_port == self.port != 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of ours: `allowed_hosts`, and those that other settings give us."""
        named = (self.host, urlsplit(self.socket_url).hostname or "")
        return (*self.allowed_hosts, *filter(None, named))

    @property
    def is_demo(self) -> bool:
        """Whether this is the demo shop on a file of its own."""
        return self.demo and self.built_in and self.sqlite_path is not None

    @property
    def card_provider(self) -> str | None:
        """Who takes new card payments, by its name; None where cash alone is taken."""
        if self.payments:
            return None if self.payments == "cash" else self.payments
        if self.stripe_secret_key:
            return "stripe"
        if self.payments_http_url:
            return "http"
        return "sandbox" if self.is_demo else None

    @property
    def sandbox_secret(self) -> str:
        """What signs messages to the sandbox's webhook. While it takes cards and no secret is set, it is one that is
        made of the shop's own: whoever has that can do more than move money that there is not.
        """
        if self.sandbox_webhook_secret or self.card_provider != "sandbox" or not self.secret:
            return self.sandbox_webhook_secret
        made = hmac.new(self.secret.encode(), b"sandbox webhook", hashlib.sha256).digest()
        return f"whsec_{base64.b64encode(made).decode()}"

    @property
    def http_secrets(self) -> tuple[str, ...]:
        """Those that the HTTP provider may sign with, the one of now first."""
        return tuple(filter(None, (self.payments_http_secret, self.payments_http_secret_previous)))

    @property
    def http_place(self) -> str:
        """The host of the HTTP provider: its path may be a secret."""
        return urlsplit(self.payments_http_url).netloc

    @property
    def role_names(self) -> dict[str, str]:
        """`jwt_roles`, read: the role of ours for each of theirs."""
        return {theirs: ours for theirs, _, ours in (pair.rpartition(":") for pair in self.jwt_roles)}

    @property
    def sqlite_path(self) -> Path | None:
        """The embedded database's file, or None when the shop lives on a database server."""
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def mapping_path(self) -> Path | None:
        """The mapping file, if it is there."""
        path = Path(self.mapping_file)
        return path if path.is_file() else None

    @property
    def source_path(self) -> Path | None:
        """The shop's own SQLite file, whose tables are attached."""
        if not self.source_url.startswith("sqlite:///"):
            return None
        return Path(self.source_url.removeprefix("sqlite:///"))

    @property
    def store_url(self) -> str:
        """`database_url` of a server, with the schema of our tables."""
        options = parts_of_postgresql_url(self.database_url).get("options", "")
        schema = self.database_schema
        if not schema and self.mapping_path is not None and "search_path" not in options:
            schema = OWN_SCHEMA
        if not schema:
            return self.database_url
        # Alone: nothing of another program's can be taken for ours. Of two options of a name libpq takes the last.
        asked = quote(f"{options} -csearch_path={schema}".strip(), safe="")
        return f"{self.database_url}{'&' if '?' in self.database_url else '?'}options={asked}"

    @property
    def secret_file(self) -> Path | None:
        """Where an embedded database keeps the secret that was made for it."""
        return None if self.sqlite_path is None else self.sqlite_path.with_suffix(".secret")

    @property
    def mailbox(self) -> str:
        """Who takes our mails: `mail_url`, or the folder in its place; empty for nobody."""
        if self.mail_url:
            return "" if self.mail_url == "off" else self.mail_url
        return "" if self.sqlite_path is None else self.sqlite_path.absolute().with_suffix(".mail").as_uri()

    @property
    def shown_mailbox(self) -> str:
        """The same for people and logs, without user and password."""
        parts = urlsplit(self.mailbox)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else "off"

    @property
    def mail_sender(self) -> str:
        """The sender of mails; by default one that cannot be answered."""
        return self.mail_from or "Ordercast <noreply@localhost>"

    @property
    def pushes(self) -> bool:
        """Whether browsers can be pushed to."""
        return not self.push_off_because

    @property
    def push_off_because(self) -> str:
        """The setting by which nobody is pushed to; empty where somebody may be."""
        if self.push == "off":
            return f"{PREFIX}PUSH"
        return "" if self.vapid_private_key or self.sqlite_path is not None else f"{PREFIX}VAPID_PRIVATE_KEY"

    @property
    def vapid_contact(self) -> str:
        """`vapid_subject`, or what other settings give in its place; a push service may refuse the last resort."""
        if self.vapid_subject:
            return self.vapid_subject
        if self.mail_from:
            return f"mailto:{self.mail_from.rpartition('<')[2].rstrip('>')}"
        return self.public_url if self.public_url.startswith("https:") else "mailto:noreply@localhost"

    @property
    def shown_database_url(self) -> str:
        """Where the database is, for people and logs; of a server's URL nothing that may be, or hold, a password."""
        if self.sqlite_path is not None:
            return self.database_url
        try:
            parts = parts_of_postgresql_url(self.database_url)
        except ValueError:
            return "postgresql://..."
        hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
        places = [_place(host, port) for host, port in zip_longest(hosts, ports, fillvalue=ports[-1])]
        return f"postgresql://{','.join(places)}/{quote(parts.get('dbname', ''))}"


BUDGETS = tuple(
    field.name.removeprefix("budget_") for field in msgspec.structs.fields(Settings) if field.name.startswith("budget_")
)


def load(environ: Mapping[str, str] | None = None, *, make_secret: bool = True, **overrides: Any) -> Settings:
    """Read the settings: `overrides` (from the command line) before the environment before ``.env``.

    An embedded database without a secret has one made, unless `make_secret` is false.
    Raises ConfigError for the first value that cannot be used.
    """
    environ = _environment() if environ is None else environ
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        raw = overrides.get(field.name)
        if raw is None:
            raw = environ.get(f"{PREFIX}{field.name.upper()}")
        if raw is not None and raw != "":
            values[field.name] = _convert(field.name, raw, field.type)
    settings = _with_source(Settings(**values))
    _check(settings)
    return _with_secret(settings, make_secret)


def misspelt(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each variable with our prefix that is no setting."""
    known = [f"{PREFIX}{field.name.upper()}" for field in msgspec.structs.fields(Settings)]
    strange = {name for name in (_environment() if environ is None else environ) if name.startswith(PREFIX)} - {*known}
    return [_misspelt(name, get_close_matches(name, known, 1)) for name in sorted(strange)]


def _misspelt(name: str, near: list[str]) -> str:
    return f"{name} is no setting, and is not read" + (f"; did you mean {near[0]}?" if near else "")


def _environment() -> Mapping[str, str]:
    return {**{k: v for k, v in dotenv_values(".env").items() if v is not None}, **os.environ}


def _convert(name: str, raw: Any, type_: Any) -> Any:
    if type_ == tuple[str, ...] and isinstance(raw, str):
        return tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())
    try:
        return msgspec.convert(raw, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(name, f"{str(error)[:1].lower()}{str(error)[1:]} (given: {raw!r})") from None


def _with_source(settings: Settings) -> Settings:
    """With a mapping file `database_url` names the shop's database. What of ours is in it on a server, in a schema of
    its own, is a file of its own beside an embedded one.
    """
    path = settings.mapping_path
    if path is None:
        return settings
    source, own = settings.source_url or _source_in(path), settings.sqlite_path
    if source or own is None:
        return msgspec.structs.replace(settings, source_url=source)
    beside = own.with_name(f"{own.stem}.ordercast.db")
    return msgspec.structs.replace(settings, source_url=settings.database_url, database_url=f"sqlite:///{beside}")


def _source_in(path: Path) -> str:
    """What a mapping file says; what is wrong with it is told by who reads it whole."""
    import tomllib  # noqa: PLC0415 - most shops have no such file

    try:
        said = tomllib.loads(path.read_text(encoding="utf-8")).get("source", {}).get("url", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return said if isinstance(said, str) else ""


def _check(settings: Settings) -> None:
    _check_database(settings)
    _check_claims(settings)
    _check_issuer(settings)
    _check_redis(settings)
    _check_mongodb(settings)
    _check_payments(settings)
    _check_mail(settings)
    _check_notifying(settings)
    _check_places(settings)
    if settings.socket_url and urlsplit(settings.socket_url).scheme not in {"http", "https", "ws", "wss"}:
        raise ConfigError("socket_url", "must be an http(s) or ws(s) URL")
    _check_place_and_time(settings)
    _check_budgets(settings)
    _check_attachments(settings)
    for name in ("secret", "secret_previous"):
        _check_secret(name, getattr(settings, name))
    if settings.secret_previous and settings.secret_previous == settings.secret:
        raise ConfigError("secret_previous", "is the secret of now; it names the one before")


def _check_places(settings: Settings) -> None:
    """Check each of the names and networks that we come from, or go to."""
    for origin in settings.cors_origins:
        if origin != "*" and not _is_origin(origin):
            raise ConfigError("cors_origins", f"{origin!r} is not an origin such as https://shop.example.com")
    for host in settings.allowed_hosts:
        if re.fullmatch(r"\*|(\*?\.)?[\w-]+(\.[\w-]+)*", host) is None:
            raise ConfigError("allowed_hosts", f"{host!r} is not a host such as shop.example.com or *.example.com")
    for name in ("trusted_proxies", "outgoing_networks"):
        _check_networks(name, getattr(settings, name))


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        if not _is_network(network):
            raise ConfigError(name, f"{network!r} is not an address or network such as 10.0.0.0/8")


def _check_secret(name: str, secret: str) -> None:
    if secret and len(secret.encode()) < SECRET_BYTES_MIN:
        raise ConfigError(name, f"must be at least {SECRET_BYTES_MIN} bytes long, e.g. from `openssl rand -hex 32`")
    if secret and _is_guessable(secret):
        raise ConfigError(
            name, "can be guessed: it repeats itself, counts on, or is an example; `openssl rand -hex 32`"
        )


def _is_guessable(secret: str) -> bool:
    """Whether it was not made by chance: few different characters or steps between them, repetition, or an example's
    words. Whoever guesses it signs tokens for everybody.
    """
    steps = {ord(after) - ord(before) for before, after in pairwise(secret)}
    return (
        min(len(set(secret)), len(steps)) < SECRET_DISTINCT_MIN
        or len(zlib.compress(secret.encode(), 9)) < SECRET_COMPRESSED_MIN
        or _EXAMPLE.search(secret) is not None
    )


def _check_budgets(settings: Settings) -> None:
    for name in BUDGETS:
        value = getattr(settings, f"budget_{name}")
        if value != "off" and _RATE.fullmatch(value) is None:
            raise ConfigError(f"budget_{name}", f"{value!r} is not a count and a time, such as 30/5m, nor `off`")


def _check_attachments(settings: Settings) -> None:
    for name in ("chat_attachment_secret", "chat_attachment_secret_previous"):
        _check_secret(name, getattr(settings, name))
    if bool(settings.chat_attachment_secret) is not bool(settings.chat_attachment_hosts):
        name = "hosts" if settings.chat_attachment_secret else "secret"
        raise ConfigError(f"chat_attachment_{name}", "is required where files are taken: both, or neither")
    if settings.chat_attachment_secret_previous and not settings.chat_attachment_secret:
        raise ConfigError("chat_attachment_secret_previous", "is of no use without ORDERCAST_CHAT_ATTACHMENT_SECRET")
    for host in settings.chat_attachment_hosts:
        if re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host) is None:
            raise ConfigError("chat_attachment_hosts", f"{host!r} is not a host such as files.shop.example.com")
    for type_ in settings.chat_attachment_types:
        if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", type_) is None:
            raise ConfigError("chat_attachment_types", f"{type_!r} is not a media type such as image/png")


def _check_payments(settings: Settings) -> None:
    if settings.payments == "stripe" and not settings.stripe_secret_key:
        raise ConfigError("payments", "stripe takes no payment without ORDERCAST_STRIPE_SECRET_KEY")
    if urlsplit(settings.stripe_api_url).scheme not in {"http", "https"}:
        raise ConfigError("stripe_api_url", "must be an http(s) URL")
    if settings.stripe_webhook_secret and not settings.stripe_secret_key:
        raise ConfigError("stripe_webhook_secret", "is of no use without ORDERCAST_STRIPE_SECRET_KEY")
    if not settings.payments and settings.stripe_secret_key and settings.payments_http_url:
        raise ConfigError("payments", "must say who takes new payments: stripe or http, for both are configured")
    _check_http_provider(settings)
    secret = settings.sandbox_webhook_secret
    if secret and not _is_standard_secret(secret):
        raise ConfigError("sandbox_webhook_secret", _SIGNING_KEY)


def _check_http_provider(settings: Settings) -> None:
    url = settings.payments_http_url
    if not url:
        if settings.payments == "http":
            raise ConfigError("payments", "http takes no payment without ORDERCAST_PAYMENTS_HTTP_URL")
        for name in ("secret", "secret_previous", "name"):
            if getattr(settings, f"payments_http_{name}"):
                raise ConfigError(f"payments_http_{name}", "is of no use without ORDERCAST_PAYMENTS_HTTP_URL")
        return
    if (problem := _wrong_service_url(url)) is not None:
        raise ConfigError("payments_http_url", problem)
    if not settings.payments_http_secret:
        raise ConfigError("payments_http_secret", "is required with ORDERCAST_PAYMENTS_HTTP_URL: " + _SIGNING_KEY)
    _check_http_secrets(settings)


def _check_http_secrets(settings: Settings) -> None:
    for name in ("payments_http_secret", "payments_http_secret_previous"):
        secret = getattr(settings, name)
        if secret and not _is_standard_secret(secret):
            raise ConfigError(name, _SIGNING_KEY)
        # Whoever guesses it says that orders are paid.
        if secret and not settings.is_development and _is_guessable(secret.removeprefix("whsec_")):
            raise ConfigError(name, "can be guessed: it repeats itself, counts on, or is an example")
    if settings.payments_http_secret_previous == settings.payments_http_secret:
        raise ConfigError("payments_http_secret_previous", "is the secret of now; it names the one before")


def _wrong_service_url(url: str) -> str | None:
    """What is wrong with the address of the HTTP provider. Whoever is on the way to it could take every payment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no URL"
    if not re.fullmatch(r"[!-~]+", url) or not parts.hostname or port == 0:
        return "must be a URL such as https://payments.example.com/ordercast"
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
        return "must be an https URL, but on this machine itself"
    if parts.username is not None or parts.fragment:
        return "must have neither a name and password, for requests are signed, nor a fragment"
    return None


def _check_mail(settings: Settings) -> None:
    url, sender = settings.mail_url, settings.mail_from
    if url and url != "off":
        _check_mail_url(url)
    if url.startswith("smtp") and not sender:
        raise ConfigError("mail_from", "is required with a mail server, as Our Shop <orders@shop.example.com>")
    if sender and _MAIL_FROM.fullmatch(sender) is None:
        raise ConfigError("mail_from", f"{sender!r} is no address such as Our Shop <orders@example.com>")
    parts = urlsplit(settings.public_url)
    if settings.public_url and not (
        parts.scheme in {"http", "https"} and parts.hostname and not parts.query + parts.fragment
    ):
        raise ConfigError("public_url", f"{settings.public_url!r} is no URL such as https://shop.example.com")


def _check_notifying(settings: Settings) -> None:
    if settings.vapid_private_key and not _is_p256_number(settings.vapid_private_key):
        raise ConfigError("vapid_private_key", "must be 32 bytes in base64, as from `openssl rand -base64 32`")
    subject = settings.vapid_subject
    if subject and re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[!-~]+", subject) is None:
        raise ConfigError("vapid_subject", f"{subject!r} is neither mailto:somebody@example.com nor an https URL")
    _check_sms(settings)


def _check_sms(settings: Settings) -> None:
    url, secret = settings.sms_url, settings.sms_secret
    parts = urlsplit(url)
    is_folder = parts.scheme == "file" and not parts.netloc and len(parts.path) > 1
    if url in {"", "off"} or is_folder:
        if secret:
            raise ConfigError("sms_secret", "is of no use without a service in ORDERCAST_SMS_URL")
        return
    if (problem := _wrong_service_url(url)) is not None:
        raise ConfigError("sms_url", f"{problem}; or a folder as file:///a/folder, or off")
    if not _is_standard_secret(secret):
        raise ConfigError("sms_secret", _SIGNING_KEY)


# FIPS 186-5: what a private key of P-256 is below.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _is_p256_number(text: str) -> bool:
    try:
        key = base64.b64decode(
            text.rstrip("=").translate(_URL_SAFE) + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return False
    return len(key) == 32 and 0 < int.from_bytes(key, "big") < _P256_ORDER


_URL_SAFE = str.maketrans("-_", "+/")


def _check_mail_url(url: str) -> None:
    """Its words are not repeated: a password may be any of them."""
    try:
        parts = urlsplit(url)
        is_known = parts.port is None or parts.port > 0
    except ValueError:
        is_known = False
    rest = parts.path.strip("/") + parts.query + parts.fragment if is_known else ""
    if is_known and parts.scheme in {"smtp", "smtps"} and parts.hostname and not rest:
        return
    if is_known and parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return
    raise ConfigError(
        "mail_url",
        "is none of smtp://user:password@host:587, smtps://..., file:///a/folder and off; in a password write @ as %40",
    )


def _is_standard_secret(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) >= 24
    except binascii.Error:
        return False


def _check_claims(settings: Settings) -> None:
    if not settings.jwt_subject_claims:
        raise ConfigError("jwt_subject_claims", "must name a claim, such as sub")
    for pair in settings.jwt_roles:
        theirs, _, ours = pair.rpartition(":")
        if not theirs or ours not in TOKEN_ROLES:
            raise ConfigError(
                "jwt_roles", f"{pair!r} is no pair such as user:customer; our roles are {', '.join(TOKEN_ROLES)}"
            )


def _check_issuer(settings: Settings) -> None:
    if not settings.jwks_url:
        return
    parts = urlsplit(settings.jwks_url)
    # Whoever can answer in the issuer's place signs in as anybody.
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
        raise ConfigError("jwks_url", "must be an https URL")
    for name in ("jwt_issuer", "jwt_audience"):
        if not getattr(settings, name):
            raise ConfigError(name, "is required with ORDERCAST_JWKS_URL: an issuer signs for other programs too")
    if settings.jwt_issuer == OWN_ISSUER:
        raise ConfigError("jwt_issuer", f"{OWN_ISSUER} is the name of our own tokens")


def _check_place_and_time(settings: Settings) -> None:
    if not _is_zone(settings.timezone):
        raise ConfigError("timezone", f"{settings.timezone!r} is no time zone here; one is called Asia/Dhaka, say")
    if settings.shop_location and not _is_place(settings.shop_location):
        raise ConfigError("shop_location", "is not on the earth: latitude -90 to 90, then longitude -180 to 180")


def _check_database(settings: Settings) -> None:
    if not re.match(r"sqlite:///.|postgres(ql)?://.", settings.database_url):
        raise ConfigError("database_url", "must start with sqlite:/// or postgresql://")
    if settings.sqlite_path is None:
        try:
            parts_of_postgresql_url(settings.database_url)
        except ValueError as error:
            raise ConfigError("database_url", str(error)) from None
    path = settings.sqlite_path
    if settings.mapping_file != MAPPING_FILE and settings.mapping_path is None:
        raise ConfigError("mapping_file", f"there is no file {settings.mapping_file}")
    if settings.source_url and settings.source_path is None:
        raise ConfigError(
            "source_url", "must be a file, as sqlite:///shop.db; PostgreSQL's tables are attached where ours are too"
        )
    if path is not None and settings.database_schema:
        raise ConfigError("database_schema", "is of use with PostgreSQL alone; SQLite keeps ours in a file of its own")
    if path is not None and str(path) == ":memory:":
        raise ConfigError("database_url", "a shop in memory could not be shared by its threads; name a file")
    if path is not None and path.is_dir():
        raise ConfigError("database_url", f"{path} is a folder; name a file")


def _check_redis(settings: Settings) -> None:
    if settings.redis_url and not re.match(r"(rediss?|unix)://.", settings.redis_url):
        raise ConfigError("redis_url", "must start with redis://, rediss:// or unix://")
    if settings.redis_emitters and not settings.redis_url:
        raise ConfigError("redis_emitters", f"says nothing without {PREFIX}REDIS_URL")


def _check_mongodb(settings: Settings) -> None:
    if not settings.mongodb_url:
        return
    if not re.match(r"mongodb(\+srv)?://.", settings.mongodb_url):
        raise ConfigError("mongodb_url", "must start with mongodb:// or mongodb+srv://")
    if not re.match(r"[^:]+://[^/?]+/[^?]", settings.mongodb_url):
        raise ConfigError("mongodb_url", "must name the database, as mongodb://host/shop?replicaSet=rs0")


def parts_of_postgresql_url(url: str) -> dict[str, str]:
    """What the URL of a server says, by libpq's names. Raises ValueError, without a word of the URL: where a password
    is not percent-encoded, any of its parts may belong to that.
    """
    import psycopg  # noqa: PLC0415 - a shop on SQLite starts without it

    try:
        found = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError(_NOT_UNDERSTOOD) from None
    parts = {name: str(value) for name, value in found.items() if value is not None}
    hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
    if not all(map(_is_host, hosts)) or not all(map(_is_port, ports)) or "@" in parts.get("dbname", ""):
        raise ValueError(_NOT_UNDERSTOOD)
    return parts


def _is_host(text: str) -> bool:
    return re.fullmatch(r"[\w.:%-]*|/[^@]*", text) is not None


def _is_port(text: str) -> bool:
    return text == "" or (re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) < 65_536)


def _place(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{shown}:{port}" if port else shown


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not (parts.path or parts.query)


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_place(text: str) -> bool:
    lat, _, lng = text.partition(",")
    return abs(float(lat)) <= 90 and abs(float(lng)) <= 180


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _with_secret(settings: Settings, make: bool) -> Settings:
    """An embedded database keeps its own secret beside it; any other must be given one."""
    if settings.secret:
        return settings
    if settings.sqlite_path is None:
        raise ConfigError("secret", "is required with a database server; make one with `openssl rand -hex 32`")
    path = settings.sqlite_path.with_suffix(".secret")
    secret = _kept("secret", path)
    if secret is None and not make:
        raise ConfigError("secret", f"is not set, and there is none in {path}; `ordercast serve` makes one there")
    made = secrets.token_hex(SECRET_BYTES_MIN)
    return msgspec.structs.replace(settings, secret=secret or _keep_first("secret", path, made))


def vapid_private_key(settings: Settings) -> str:
    """The key by which push services know us: as it is set, or made once and kept beside an embedded database; base64,
    of either alphabet. Raises ConfigError.
    """
    if settings.vapid_private_key:
        return settings.vapid_private_key
    assert settings.sqlite_path is not None
    path = settings.sqlite_path.with_suffix(".vapid")
    key = _kept("vapid_private_key", path)
    if key is None:
        number = 1 + secrets.randbelow(_P256_ORDER - 1)
        made = base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        key = _keep_first("vapid_private_key", path, made)
    if not _is_p256_number(key):
        raise ConfigError("vapid_private_key", f"{path} holds none; remove it to have a new one made")
    return key


def _kept(name: str, path: Path) -> str | None:
    """What was made once; None where it was not."""
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(name, f"cannot be read from {path} ({error.strerror})") from None
    if not kept:
        raise ConfigError(name, f"{path} is empty; remove it to have a new one made")
    return kept


def _keep_first(name: str, path: Path, made: str) -> str:
    """Keep what was `made` for a database, or take what another process has made meanwhile."""
    # Written whole under another name and then linked: nobody can read half a secret, and the first one stays.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(made + "\n")
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigError("database_url", f"cannot write beside the database ({error.strerror})") from None
    kept = _kept(name, path)
    assert kept is not None
    return kept
