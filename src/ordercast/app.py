"""The composition root: joins the rooms into a running node."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from signal import Signals as Signal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from msgspec import structs

from ordercast import process_resources, systemd, telemetry
from ordercast.api import Authenticator, create_api, make_authenticator
from ordercast.api.attachments import attachment_rules
from ordercast.api.budgets import make_budgets
from ordercast.api.context import ApiContext
from ordercast.api.delivery_rules import delivery_rules
from ordercast.api.middleware import CORS_SETTING
from ordercast.api.pages import Pages, connect_sources
from ordercast.api.signing_keys import SigningKeys
from ordercast.bootstrap import NO_ADMIN
from ordercast.commerce.room_access import RoomRules
from ordercast.commerce.sandbox import SANDBOX
from ordercast.commerce.stats import Stats, day_of, zone
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.config import OWN_SCHEMA, ConfigError, Settings
from ordercast.db import ChangeKind, SqliteStore, Store, Transaction, Unusable, accounts, stats
from ordercast.db.migrate import NEWEST, revision_of
from ordercast.db.sqlite.space import Space
from ordercast.demo import seed_at_start
from ordercast.feed import (
    EphemeralEvents,
    FeedRecovery,
    LiveStats,
    NoTables,
    Presence,
    PresencePeers,
    Relay,
    Subscriptions,
    TableSubscriptions,
    TableWatches,
    TypingNotices,
    WatchableTables,
)
from ordercast.hub import Bus, Options, Rate, Server
from ordercast.jobs import (
    Jobs,
    forget_revocations,
)
from ordercast.listening import listen, listen_for_operators, served_metrics_port
from ordercast.mail import mail_summary
from ordercast.node_jobs import attached_tables, leading_jobs, rule_answers
from ordercast.notify import channels_summary
from ordercast.payments import payments_summary, providers_of
from ordercast.redis_services import RedisServices
from ordercast.row_inspector import RowInspector
from ordercast.signals import SignalHandlers
from ordercast.sockets import NoticeRecorder, describe_sockets, serve_sockets
from ordercast.wire import AsgiApplication, make_server

if TYPE_CHECKING:
    from pathlib import Path

    from ordercast.attach import Mapping

log = logging.getLogger("ordercast.app")

OnReady = Callable[[Settings, int, list[str]], None]

# After draining: ten seconds for requests in progress (GRACEFUL_STOP_S), ten for last commits and connections. A
# service manager's limit (`TimeoutStopSec`) must be above this plus `drain_s`.
STOP_S_MAX: Final = 20.0


def migrate(settings: Settings) -> None:
    """Bring the shop's database to the newest schema. Raises ConfigError for one that we cannot use."""
    _must_not_be_elsewhere(settings)
    store = _store(settings)
    try:
        store.migrate()
    except Unusable as error:
        raise ConfigError("database_url", str(error)) from None


def _must_not_be_elsewhere(settings: Settings) -> None:
    """Raise ConfigError where a shop of ours would be left behind for an empty one, because a mapping file has come."""
    if settings.sqlite_path is not None or settings.database_schema or settings.store_url == settings.database_url:
        return
    import psycopg  # noqa: PLC0415 - as in `_store`

    try:
        revision = revision_of(settings.database_url)
    except psycopg.Error as error:
        raise ConfigError("database_url", str(error).strip()) from None
    if revision == NEWEST:
        raise ConfigError(
            "database_schema",
            f"this database has tables of ours outside of the schema {OWN_SCHEMA} already: say public to go on with"
            f" those, or {OWN_SCHEMA} for others beside them",
        )


def read_mapping(settings: Settings) -> Mapping | None:
    """Read the mapping of attached tables; None if there is none. Raises ConfigError with each fault's line."""
    path = settings.mapping_path
    if path is None:
        return None
    _check_source(settings)
    return mapping_at(path, of_documents=bool(settings.source_mongodb))


def mapping_at(path: Path, *, of_documents: bool | None = None) -> Mapping:
    """Read a mapping file, whatever there is of the database; `of_documents` where it is known which kind that is.
    Raises ConfigError with each fault's line.
    """
    from ordercast import attach  # noqa: PLC0415 - most shops have no such file

    try:
        mapping = attach.read(path)
        if of_documents is not None:
            attach.check_query_language(mapping, of_documents=of_documents)
        return mapping
    except attach.MappingError as error:
        raise ConfigError("mapping_file", f"cannot be used\n{error}") from None
    except OSError as error:
        raise ConfigError("mapping_file", f"{path} cannot be read ({error.strerror})") from None


def _check_source(settings: Settings) -> None:
    path = settings.source_path
    if path is None:
        return
    from ordercast.attach.sqlite.outbox import is_ours  # noqa: PLC0415 - as above

    if not path.is_file():
        named = "the shop's database is named here, or by [source] url in the mapping file"
        raise ConfigError("database_url", f"there is no file {path}; {named}")
    if is_ours(path):
        raise ConfigError(
            "source_url", f"{path} is a file of ours; name the shop's own, as [source] url in the mapping file"
        )


def open_store(settings: Settings, *, to_serve: bool = False) -> Store:
    """Open the database; an embedded one is migrated. Raises ConfigError for an unusable database.

    A server's is migrated by its operator: until then this raises with the command to run.
    """
    store = _store(settings, may_lead=to_serve)
    try:
        store.prepare()
    except Unusable as error:
        raise ConfigError("database_url", str(error)) from None
    return store


def _store(settings: Settings, *, may_lead: bool = False) -> Store:
    if settings.sqlite_path is not None:
        space = Space(settings.sqlite_path, free_mb_min=settings.disk_free_mb_min, log_mb_max=settings.wal_mb_max)
        return SqliteStore(settings.sqlite_path, space)
    from ordercast.db.postgresql.store import PostgresqlStore  # noqa: PLC0415 - its driver is slow to load

    return PostgresqlStore(settings.store_url, may_lead=may_lead)


async def begin(store: Store) -> None:
    """Start an opened store. Raises ConfigError if its database is gone."""
    try:
        await store.start()
    except Unusable as error:
        await store.close()
        raise ConfigError("database_url", str(error)) from None


class Hub(NamedTuple):
    """The socket half of a node."""

    server: Server
    relay: Relay
    presence: Presence


def build_hub(
    settings: Settings,
    store: Store,
    authenticator: Authenticator | None = None,
    bus: Bus | None = None,
    notices: NoticeRecorder | None = None,
    *,
    rules: RoomRules | None = None,
    tables: WatchableTables | None = None,
) -> Hub:
    """Build the socket half: authentication, commands and the feed. `authenticator` is shared with the HTTP half; the
    caller closes `notices` and `rules`, which are of rooms that are asked for.
    """
    server = Server(
        Options(
            ping_interval_s=settings.ping_interval_ms / 1000,
            ping_timeout_s=settings.ping_timeout_ms / 1000,
            origins=settings.origins,
            origins_setting=CORS_SETTING,
            allowed_hosts=settings.hosts,
            allowed_hosts_setting="ORDERCAST_ALLOWED_HOSTS",
            sid_prefix=settings.node,
            drain_s=settings.drain_s,
            trusted_proxies=settings.trusted_proxies,
            **_bounds(settings),
        ),
        bus=bus,
    )
    watches = TableWatches(server.main, tables or NoTables())
    relay = Relay(store, server.main, watches)
    server.main.recovery = recovery = FeedRecovery(store, store, relay, _now, watches)
    presence = Presence(server.main)
    if bus is not None:
        presence.peers = PresencePeers(server.main, presence)
    authenticator = authenticator or make_authenticator(settings, store)
    context = ApiContext(
        store,
        SigningKeys.of(settings),
        authenticator,
        budgets=authenticator.budgets,
        deliveries=delivery_rules(settings),
        attachments=attachment_rules(settings),
        present=presence.participants,
    )
    ephemeral = EphemeralEvents(server.main)
    notices = notices or NoticeRecorder(store, _now)
    auth, conversations, rooms = serve_sockets(
        server,
        context,
        Subscriptions(relay, server.main),
        ephemeral,
        notices=notices,
        typing=TypingNotices(server.main),
        tables=TableSubscriptions(relay, watches, recovery.remember),
        is_built_in=settings.built_in,
        rules=rules,
    )
    if rules is not None:
        recovery.rejoin = rooms.rejoin
        for kind in (ChangeKind.EVENT_PUBLISHED, ChangeKind.FEED_RESYNC):
            relay.on(kind, rooms.changed)
    relay.on(ChangeKind.ACCESS_REVOKED, auth.access_revoked)
    relay.on(ChangeKind.CUSTOMER_ERASED, lambda _: relay.clear_memory())
    relay.on(ChangeKind.ORDER_STATUS_CHANGED, auth.order_moved)
    relay.on(ChangeKind.BOOKING_STATUS_CHANGED, auth.booking_moved)
    relay.on(ChangeKind.CONVERSATION_CHANGED, conversations.changed)
    for kind in (ChangeKind.ORDER_PLACED, ChangeKind.BOOKING_PLACED):
        # After its delivery, so it was written to all connected screens.
        relay.on(kind, lambda change: notices.sent(change) if ephemeral.has_store_listeners() else None)
    telemetry.FEED_LEADING.set_function(lambda: store.leads)
    telemetry.CONNECTED_SOCKETS.set_function(lambda: len(server.main.sockets))
    return Hub(server, relay, presence)


def _bounds(settings: Settings) -> dict[str, Any]:
    """The hub's limits per address, person and socket."""
    handshakes, events = settings.rate("handshakes"), settings.rate("socket_events")
    events_rate = Rate.parse(events) if events else None
    return {
        "connections_per_address_max": _connections_max(settings),
        "sessions_per_address_max": settings.bound("sessions_per_caller_max"),
        "sockets_per_identity_max": settings.bound("sockets_per_identity_max"),
        "handshakes_per_address": Rate.parse(handshakes) if handshakes else None,
        **({"replay_burst": None} if settings.budgets == "off" else {}),
        **(
            {}
            if events_rate is None
            else {
                "events_per_second_max": 1 / events_rate.interval_s,
                "events_burst_max": events_rate.burst,
            }
        ),
    }


def _connections_max(settings: Settings) -> int | None:
    """Connections per address: never so many that descriptors run out."""
    bound = settings.bound("connections_per_caller_max")
    return None if bound is None else min(bound, process_resources.open_files_max() // 2)


async def serve(settings: Settings, on_ready: OnReady, signals: SignalHandlers) -> None:
    """Serve until a signal. `on_ready` is called with the port, and the addresses of the demo accounts, when requests
    are answered.

    Raises ConfigError if the port or database is unavailable.
    """
    process_resources.raise_open_files_max()
    mapping = read_mapping(settings)
    settings = structs.replace(settings, built_in=settings.built_in and (mapping is None or mapping.built_in))
    listening = listen(settings)
    port = listening.getsockname()[1]
    metrics = listen_for_operators(settings, port)
    store = open_store(settings, to_serve=True)
    await begin(store)
    try:
        demo_people = await seed_at_start(settings, store)
        redis_services = RedisServices(settings)
        authenticator = _authenticator(settings, store, redis_services, mapping)
        notices = NoticeRecorder(store, _now)
        bus = redis_services.bus or _database_bus(settings)
        rules = rule_answers(settings, mapping)
        attached = await attached_tables(settings, store, mapping, rules, redis_services)
        server, relay, presence = build_hub(
            settings, store, authenticator, bus, notices, rules=rules, tables=attached.tables
        )
        relay.start()
        redis_services.start_emitters(server)
        providers = providers_of(settings, store)
        always = [RowInspector(store).run, forget_revocations(authenticator), presence.run]
        if settings.built_in:
            every_s, today = settings.stats_every_ms / 1000, _today(settings, relay)
            always.append(LiveStats(store, EphemeralEvents(server.main), today, every_s).run)
        leading = await leading_jobs(settings, store, port, providers, redis_services)
        jobs = Jobs(store, leading=[*leading, *attached.leading], always=[*always, *attached.always])
        api = create_api(
            settings,
            store,
            authenticator=authenticator,
            providers=providers,
            parts=redis_services.parts,
            latency=relay.latency.percentiles,
            draining=lambda: uvicorn.should_exit,
            present=presence.participants,
            metrics_port=served_metrics_port(settings, metrics),
            pages=Pages(connect=connect_sources(settings), is_shop=settings.built_in),
            describe_sockets=partial(describe_sockets, server),
            warnings=attached.warnings,
        )
        uvicorn = make_server(
            server,
            http=cast(AsgiApplication, api),
        )
        process_resources.tune_gc()
        if settings.built_in:
            await _log_services(settings, store)

        def started() -> None:
            jobs.start()  # not before: their first round would delay the first requests
            _ready(on_ready, settings, port, demo_people)

        uvicorn.on_started = started
        uvicorn.on_signal = lambda: _stopping(settings.drain_s + STOP_S_MAX)
        uvicorn.handles_signals = False
        signals.serve(uvicorn.stop, _noting(lambda: f"{server!r} {relay!r} {store!r}"))
        await uvicorn.serve(sockets=[listening, *([metrics] if metrics is not None else [])])
        await jobs.stop()
        relay.stop()
        await redis_services.close()
        await server.close()
        await notices.close()
        await providers.close()
    finally:
        await store.close()


def _authenticator(
    settings: Settings, store: Store, redis_services: RedisServices, mapping: Mapping | None
) -> Authenticator:
    if settings.budgets == "off":
        log.warning("ORDERCAST_BUDGETS=off: callers are not bounded; this is for load generators and test suites")
    budgets = make_budgets(settings, redis_services.buckets)
    return make_authenticator(settings, store, budgets, None if mapping is None else mapping.rooms)


def _database_bus(settings: Settings) -> Bus | None:
    """The PostgreSQL bus, without Redis; None for an embedded database, which has one node."""
    if settings.sqlite_path is not None:
        return None
    from ordercast.postgresql_bus import PostgresqlBus  # noqa: PLC0415 - its driver is slow to load

    return PostgresqlBus(settings.store_url, name=settings.node or "node")


def _today(settings: Settings, relay: Relay) -> Callable[[], Callable[[Transaction], Stats]]:
    """Return a function that makes the query for the current day."""
    tz = zone(settings.timezone)

    def today() -> Callable[[Transaction], Stats]:
        now, latency = _now(), relay.latency.percentiles()
        return lambda transaction: stats.day(
            transaction, day_of(now, tz), tz, tz_name=settings.timezone, now=now, latency=latency
        )

    return today


async def _log_services(settings: Settings, store: Store) -> None:
    """Log the payment provider, mail and notification channels, and warn if there is no admin."""
    is_moneyless = settings.payments == SANDBOX
    log.log(logging.WARNING if is_moneyless else logging.INFO, "payments: %s", payments_summary(settings))
    log.info("mail: %s", mail_summary(settings))
    log.info("notifications: %s", channels_summary(settings))
    if not await store.read(accounts.has_admin):
        log.warning("%s", NO_ADMIN)


def _ready(on_ready: OnReady, settings: Settings, port: int, demo_people: list[str]) -> None:
    on_ready(settings, port, demo_people)
    systemd.notify("READY=1")


def _noting(state: Callable[[], str]) -> Callable[[Signal], None]:
    """Make a handler that logs a signal that does not stop the process, with the state; on the loop, as a handler may
    interrupt a log line.
    """
    loop = asyncio.get_running_loop()

    def note(which: Signal) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lambda: log.warning("%s ends nothing here; %s", which.name, state()))

    return note


def _stopping(seconds_max: float) -> None:
    systemd.notify("STOPPING=1")
    systemd.exit_after(seconds_max)


def _now() -> Timestamp:
    return timestamp(time.time_ns() // 1_000_000)
