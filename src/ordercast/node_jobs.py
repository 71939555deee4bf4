"""Which jobs a node has, by its settings: what one node does for all, and what each does about attached tables."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ordercast.api.mail_links import MailLinks
from ordercast.api.signing_keys import SigningKeys
from ordercast.commerce.letters import Language
from ordercast.commerce.stats import zone
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.config import ConfigError, Settings
from ordercast.config.secrets import SIGNING_KEY
from ordercast.db import Store, StoreError, UnitOfWork, events, shop
from ordercast.db.bookings.reminders import ReminderSettings
from ordercast.feed import NoTables, WatchableTables
from ordercast.jobs import (
    Job,
    expire_bookings,
    expire_orders,
    forget_unverified,
    index_orders,
    notify_shop,
    prune,
    publish_mapping_gaps,
    remind_of_bookings,
    send_mails,
    send_notifications,
    send_webhooks,
    watch_unseen,
)
from ordercast.mail import Letters, MailWorker, mailer_of
from ordercast.notify import NotificationWorker, Planner, senders_of
from ordercast.outgoing import Networks
from ordercast.payments import Providers
from ordercast.payments.jobs import payment_jobs
from ordercast.redis_services import RedisServices
from ordercast.webhooks import DeliveryWorker, SecretBox, Sender

if TYPE_CHECKING:
    from ordercast.attach import Mapping
    from ordercast.attach.mysql.snapshots import MysqlTables
    from ordercast.attach.outbox_relay import Outbox
    from ordercast.attach.questions import Authorizer, Questions
    from ordercast.attach.rule_answers import RuleAnswers
    from ordercast.attach.sqlite.snapshots import SqliteTables
    from ordercast.contrib.mongodb import Collections, MongoSource

log = logging.getLogger("ordercast.attach")

_OUR_OWN_HOSTS: Final = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::", "localhost"})  # noqa: S104 - as they were named


async def leading_jobs(
    settings: Settings, store: Store, port: int, providers: Providers, redis_services: RedisServices
) -> list[Job]:
    """What one node does for all."""
    leading = [prune(store, settings.notification_days)]
    if settings.built_in:
        leading += _of_the_shop(settings, store, port, providers)
    if settings.mongodb_url:
        source = await _mongo_source(settings, store)
        # Where another node follows it, nothing is missing here.
        redis_services.add("mongodb", lambda: source.state if store.leads else "up")
        leading.append(source.run)
    return leading


def _of_the_shop(settings: Settings, store: Store, port: int, providers: Providers) -> list[Job]:
    """What one node does for all about the shop of ours."""
    leading = [notify_shop(store), index_orders(store), *payment_jobs(store, providers)]
    if settings.pending_minutes_max > 0:
        leading.append(expire_orders(store, settings.pending_minutes_max))
    leading.append(expire_bookings(store))
    leading += watch_unseen(store, settings)
    if settings.booking_reminder_s > 0:
        reminding = ReminderSettings(zone(settings.timezone), Language(settings.language), bool(settings.mailbox))
        leading.append(remind_of_bookings(store, settings.booking_reminder_s, reminding))
    leading += _mailing(settings, store, port)
    leading += _notifying(settings, store, port)
    leading += _sending_webhooks(settings, store)
    return leading


def _mailing(settings: Settings, store: Store, port: int) -> list[Job]:
    """What one node does for all about mails; nothing where none are sent."""
    mailer = mailer_of(settings)
    if mailer is None:
        return []
    public_url = _public_url(settings, port)
    letters = Letters(MailLinks(public_url, SigningKeys.of(settings)), zone(settings.timezone), settings.shop_telephone)
    worker = MailWorker(store, mailer, letters, sender=settings.mail_sender, public_url=public_url)
    return [*send_mails(store, worker), forget_unverified(store)]


def _sending_webhooks(settings: Settings, store: Store) -> list[Job]:
    """What one node does for all about the shop's own systems; nothing to speak of where there are no endpoints."""

    def make_sender() -> Sender:
        from ordercast.webhooks.http_sender import HttpSender  # noqa: PLC0415 - its client is slow to load

        return HttpSender(Networks(settings.outgoing_networks))

    worker = DeliveryWorker(
        store,
        make_sender,
        SecretBox(SigningKeys.of(settings).all),
        disabled_after_ms=settings.webhook_disable_hours * 3_600_000,
        mailed_in=Language(settings.language) if settings.mailbox else None,
    )
    return send_webhooks(store, worker, settings.webhook_log_days)


def _notifying(settings: Settings, store: Store, port: int) -> list[Job]:
    """What one node does for all about notifications, besides telling screens of them."""
    public_url = _public_url(settings, port)
    links, senders = MailLinks(public_url, SigningKeys.of(settings)), senders_of(settings, public_url)
    planner = Planner(links, channels=senders, language=Language(settings.language), timezone=settings.timezone)
    return send_notifications(store, NotificationWorker(store, senders, planner))


async def _mongo_source(settings: Settings, store: Store) -> MongoSource:
    """The orders of another shop, as the settings name them. Raises ConfigError for a URL that is none."""
    from ordercast.contrib.mongodb import order_source  # noqa: PLC0415 - its driver is slow to load

    currency = settings.mongodb_currency or await store.read(shop.currency)
    try:
        return order_source(
            store, settings.mongodb_url, collection=settings.mongodb_collection, currency=currency, now=_now
        )
    except ValueError as error:
        raise ConfigError("mongodb_url", str(error)) from None


def _public_url(settings: Settings, port: int) -> str:
    return settings.public_url.rstrip("/") or listener_url(settings, port)


def listener_url(settings: Settings, port: int) -> str:
    """Where whoever sits at this machine, or knows its name, finds the pages."""
    name = "localhost" if settings.host in _OUR_OWN_HOSTS else settings.host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


class AttachedJobs(NamedTuple):
    """What a node does about tables that are not ours."""

    always: tuple[Job, ...] = ()
    leading: tuple[Job, ...] = ()
    warnings: tuple[Callable[[], list[str]], ...] = ()
    tables: WatchableTables = NoTables()


def rule_answers(settings: Settings, mapping: Mapping | None) -> RuleAnswers | None:
    """What answers for the rooms that a mapping file lets people ask for. Raises ConfigError for a missing secret."""
    if mapping is None or not mapping.rules:
        return None
    from ordercast.attach.rule_answers import RuleAnswers  # noqa: PLC0415 - most shops have nothing attached

    return RuleAnswers(mapping, questions_of(settings), _authorizer(settings, mapping))


def questions_of(settings: Settings) -> Questions | None:
    """What asks the database whose tables are attached; None for one that cannot be asked."""
    if settings.source_path is not None:
        from ordercast.attach.sqlite.questions import SqliteQuestions  # noqa: PLC0415 - as above

        return SqliteQuestions(settings.source_path)
    if settings.source_mysql is not None:
        from ordercast.attach.mysql.questions import MysqlQuestions  # noqa: PLC0415 - its driver is an extra

        return MysqlQuestions(settings.source_mysql)
    if settings.source_url:
        return None
    from ordercast.attach.postgresql.questions import PostgresqlQuestions  # noqa: PLC0415 - as above

    return PostgresqlQuestions(settings.store_url)


def _authorizer(settings: Settings, mapping: Mapping) -> Authorizer | None:
    if not any(rule.authorize for rule in mapping.rules):
        return None
    if not settings.authorize_secret:
        raise ConfigError("authorize_secret", "is required where a [[room]] names a webhook: " + SIGNING_KEY)
    from ordercast.attach.webhook_authorizer import WebhookAuthorizer  # noqa: PLC0415 - its client is slow to load

    return WebhookAuthorizer(settings.authorize_secret)


async def attached_tables(
    settings: Settings,
    store: Store,
    mapping: Mapping | None,
    rules: RuleAnswers | None,
    redis_services: RedisServices,
) -> AttachedJobs:
    """Look at what is attached to the database that is served, and watch it; or follow the outbox of another, or the
    changes of another's collections.
    """
    found = await _attached(settings, store, mapping, redis_services)
    if rules is None:
        return found
    return found._replace(always=(*found.always, rules.run), warnings=(*found.warnings, rules.warnings))


async def _attached(
    settings: Settings, store: Store, mapping: Mapping | None, redis_services: RedisServices
) -> AttachedJobs:
    if await store.read(events.are_our_event_names_reserved) != settings.built_in:
        note = partial(events.reserve_our_event_names, is_built_in=settings.built_in)
        await store.write(UnitOfWork(note, is_silent=True))
    if mapping is None:
        return AttachedJobs()
    log.info("as %s says, %s", mapping.path, mapping.summary)
    if settings.source_mongodb:
        followed = _collections(settings, store, mapping)
        # Where another node follows them, nothing is missing here.
        redis_services.add("collections", lambda: followed.state if store.leads else "up")
        return AttachedJobs((), followed.jobs, (followed.warnings,))
    outbox = _outbox(settings, mapping)
    if outbox is not None:
        from ordercast.attach.outbox_relay import OutboxRelay  # noqa: PLC0415 - as below

        relay = OutboxRelay(store, outbox, mapping, _now)
        tables = await _tables(settings, store, mapping)
        return AttachedJobs(
            () if tables is None else (tables.run,), (relay.run,), (relay.warnings,), tables or NoTables()
        )
    from ordercast.attach.attached_tables import AttachedTables  # noqa: PLC0415 - most shops have nothing attached

    attached = AttachedTables(store, mapping, _now)
    with suppress(StoreError):
        await attached.look()
    return AttachedJobs(
        (attached.run,), (publish_mapping_gaps(attached.tell_gaps),), (attached.warnings,), attached.tables
    )


def _collections(settings: Settings, store: Store, mapping: Mapping) -> Collections:
    """The collections of a MongoDB of which something is told. Raises ConfigError for a URL that is none."""
    from ordercast.attach.mongodb.events import CollectionEvents  # noqa: PLC0415 - most shops have nothing attached
    from ordercast.contrib.mongodb import Collections  # noqa: PLC0415 - its driver is slow to load

    names = list(dict.fromkeys(emit.table for emit in mapping.emits))
    try:
        return Collections(store, settings.source_mongodb, names, partial(CollectionEvents, mapping), now=_now)
    except ValueError as error:
        raise ConfigError("source_url", str(error)) from None


def _outbox(settings: Settings, mapping: Mapping) -> Outbox | None:
    """Where the triggers of another database put what is to be told; None where they write to our feed."""
    if settings.source_path is not None:
        from ordercast.attach.sqlite.outbox import SqliteOutbox  # noqa: PLC0415 - most shops have nothing attached

        return SqliteOutbox(settings.source_path, mapping)
    if settings.source_mysql is not None:
        from ordercast.attach.mysql.outbox import MysqlOutbox  # noqa: PLC0415 - its driver is an extra

        return MysqlOutbox(settings.source_mysql, mapping)
    return None


async def _tables(settings: Settings, store: Store, mapping: Mapping) -> SqliteTables | MysqlTables | None:
    """The tables of another database that may be watched."""
    if not mapping.watches:
        return None
    tables: SqliteTables | MysqlTables
    if settings.source_path is not None:
        from ordercast.attach.sqlite.snapshots import SqliteTables  # noqa: PLC0415 - as above

        tables = SqliteTables(settings.source_path, mapping, store)
    elif settings.source_mysql is not None:
        from ordercast.attach.mysql.snapshots import MysqlTables  # noqa: PLC0415 - its driver is an extra

        tables = MysqlTables(settings.source_mysql, mapping, store)
    else:
        return None
    await tables.look()
    return tables


def _now() -> Timestamp:
    return timestamp(time.time_ns() // 1_000_000)
