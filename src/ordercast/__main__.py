"""The ``ordercast`` command."""

from __future__ import annotations

from ordercast.supervision import Signals

# Before what is slow to load: a signal may come at any moment.
signals = Signals()
signals.heed()

import logging
import os
import signal
import sys
import time
from collections import Counter
from getpass import getpass
from typing import Annotated, Any, Literal

import uvloop
from cyclopts import App, Parameter
from cyclopts.validators import Number

from ordercast import checking, config, telemetry
from ordercast.api.application import openapi_document
from ordercast.api.auth import TokenRefused, issue_token, verify_token
from ordercast.api.keys import Keys
from ordercast.app import begin, demo_password, open_store, seed, serve
from ordercast.app import migrate as migrate_database
from ordercast.checking import Finding, Verdict
from ordercast.commerce.errors import ShopError
from ordercast.commerce.moments import moment
from ordercast.commerce.people import Actor, Role
from ordercast.config import ConfigError, Settings
from ordercast.db import access
from ordercast.db.accounts import Account
from ordercast.db.epochs import begin_epoch
from ordercast.db.repair import Deed
from ordercast.db.sqlite_file import begin_epoch_of
from ordercast.founding import make_account
from ordercast.inspecting import repair as repair_rows
from ordercast.payments import payments_sentence, providers_of

app = App(name="ordercast", help="Every committed change of a shop on every screen entitled to see it.")

log = logging.getLogger("ordercast.config")

DatabaseUrl = Annotated[str | None, Parameter(help="Instead of ORDERCAST_DATABASE_URL.")]


@app.command(name="serve")
def serve_command(
    *,
    host: Annotated[str | None, Parameter(help="Instead of ORDERCAST_HOST.")] = None,
    port: Annotated[int | None, Parameter(help="Instead of ORDERCAST_PORT; 0 takes a free one.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve the shop: pages, API and sockets on one port.

    SIGTERM, SIGINT (Ctrl-C) and SIGQUIT stop it in peace: clients are sent away to come back elsewhere, requests that
    have come are answered. The same again hastens that. SIGHUP, SIGUSR1 and SIGUSR2 are logged with the state.
    """
    settings = _settings(host=host, port=port, database_url=database_url)
    uvloop.run(serve(settings, _say_ready, signals))


def _say_ready(settings: Settings, port: int, demo_people: list[str]) -> None:
    name = "localhost" if settings.host in {"127.0.0.1", "::1", "0.0.0.0", "::", "localhost"} else settings.host  # noqa: S104
    url = f"http://{name}:{port}"
    lines = [f"> Ready on {url}", "> Socket.io server initialized", f"> Payments: {payments_sentence(settings)}", ""]
    pages = {"Shop": "/shop", "Admin board": "/admin", "Socket test": "/test-socket", "API reference": "/docs"}
    lines += [f"  {title:<14} {url}{path}" for title, path in pages.items()]
    if demo_people:
        password = demo_password(settings)
        lines += ["", "  Demo logins"]
        lines += [f"  {email:<22} {password}" for email in demo_people]
    if settings.budgets == "off":
        lines.insert(2, "> Budgets are off (ORDERCAST_BUDGETS): callers are not bounded")
    try:
        print("\n".join(lines), flush=True)
    except OSError:  # whoever read it has gone, which is no reason to serve nobody
        _write_nowhere()


@app.command
def migrate(*, database_url: DatabaseUrl = None) -> None:
    """Bring the database's schema up to date."""
    settings = _settings(database_url=database_url)
    migrate_database(settings)
    print(f"{settings.shown_database_url} is up to date.")


@app.command
def demo(*, database_url: DatabaseUrl = None) -> None:
    """Fill the database with the demo catalogue and people; what is there already stays."""
    settings = _settings(database_url=database_url)
    people = uvloop.run(_seed(settings))
    if people:
        print(f"Demo people, all with the password {demo_password(settings)}: {', '.join(people)}")
    else:
        print("The demo people of this database have passwords of their own.")


async def _seed(settings: Settings) -> list[str]:
    store = open_store(settings)
    await begin(store)
    try:
        return await seed(settings, store, again=True)
    finally:
        await store.close()


@app.command
def token(
    *,
    role: Annotated[Literal["admin", "store", "customer", "driver", "service"], Parameter(help="What it may do.")],
    sub: Annotated[str | None, Parameter(help="Whose it is: a customer's, driver's or user's id.")] = None,
    ttl: Annotated[int, Parameter(help="How long it is good for, in seconds.", validator=Number(gt=0))] = 3600,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a JWT signed with the configured secret."""
    settings = _settings(make_secret=False, database_url=database_url)
    print(issue_token(settings.secret, Role(role), sub or f"{role}-cli", ttl))


@app.command
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API, as a running server gives it at /openapi.json."""
    print(openapi_document().decode())


@app.command
def revoke(
    name: Annotated[str, Parameter(help="A token, its jti, a sign-in's sid, a person's sub, or an order's id.")],
    *,
    reason: Annotated[str | None, Parameter(help="Kept with the revocation.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Refuse a token, or all that somebody was given until now. A running shop ends their sockets at once."""
    settings = _settings(make_secret=False, database_url=database_url)
    named = _name_in(settings, name)
    is_known = uvloop.run(_revoke(settings, named, reason)) or named != name
    print(f"{named} is revoked.")
    if not is_known:
        print(
            "No account, customer, order or sign-in of this shop has that name: look whether it is spelt right, unless"
            " another back end or a token gave it.",
            file=sys.stderr,
        )


def _name_in(settings: Settings, text: str) -> str:
    """What a token is revoked by, where one was given instead of a name."""
    if text.count(".") != 2:
        return text
    try:
        names = verify_token(Keys.of(settings), text).names
    except TokenRefused as error:
        raise ConfigError("secret", f"does not fit this token: {error.message}") from None
    return names[0]


async def _revoke(settings: Settings, name: str, reason: str | None) -> bool:
    """Revoke the name; gives whether this shop knows it."""
    store = open_store(settings)
    await begin(store)
    try:
        now, operator = moment(time.time_ns() // 1_000_000), Actor(Role.ADMIN, "cli")
        await store.write(lambda t: access.revoke(t, name, since=now, until=None, actor=operator, reason=reason))
        return await store.read(lambda t: access.is_known(t, name))
    finally:
        await store.close()


@app.command(name="new-epoch")
def new_epoch(
    *,
    yes: Annotated[bool, Parameter(help="Do it without asking.", negative="")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Tell clients to fetch the state anew, after a database was put back to an earlier moment by its disk or machine:
    other ways of restoring it are noticed without this.
    """
    if not yes and not _agrees("Every client will fetch everything anew, at once. Begin a new epoch?"):
        print("Nothing was done.", file=sys.stderr)
        sys.exit(1)
    settings = _settings(make_secret=False, database_url=database_url)
    if settings.sqlite_path is not None:
        open_store(settings)
        epoch = begin_epoch_of(settings.sqlite_path)
    else:
        epoch = uvloop.run(_new_epoch(settings))
    print(f"The new epoch is {epoch}.")


async def _new_epoch(settings: Settings) -> str:
    store = open_store(settings)
    await begin(store)
    try:
        return await store.write(begin_epoch)
    finally:
        await store.close()


@app.command
def repair(
    *,
    dry_run: Annotated[bool, Parameter(help="Only tell what would be done.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Find rows that cannot be read, in every table, and write the nearest values that can; beside a running shop too.

    Ends with 1 where a row is left that only a person can mend.
    """
    left = uvloop.run(_repair(_settings(make_secret=False, database_url=database_url), dry_run=dry_run))
    if left:
        sys.exit(1)


async def _repair(settings: Settings, *, dry_run: bool) -> int:
    """How many rows are left to a person."""
    store = open_store(settings)
    await begin(store)
    found: Counter[str] = Counter()
    try:
        async for row, deed in repair_rows(store, dry_run=dry_run):
            found["found" if deed is None else deed] += 1
            for flaw in row.flaws:
                told = "" if deed is None else f" ({deed})"
                print(f"{row.table} {ascii(row.name)[1:-1]}: {flaw.column} {flaw.problem}{told}")
    finally:
        await store.close()
    if not found:
        print("Every row can be read.")
    else:
        print(", ".join(f"{count} {deed}" for deed, count in found.items()) + ".")
    return found[Deed.LEFT]


account = App(name="account", help="Accounts of people.")
app.command(account)


@account.command(name="create")
def account_create(
    *,
    email: Annotated[str, Parameter(help="The address to sign in with.")],
    name: Annotated[str | None, Parameter(help="What others see; the address's first part without it.")] = None,
    role: Annotated[Literal["admin", "store", "driver", "customer"], Parameter(help="What it may do.")] = "admin",
    database_url: DatabaseUrl = None,
) -> None:
    """Make an account, such as the first admin's. The password is asked for at the terminal, or read as the first line
    of the standard input where there is none; never from the command line, which others on the machine can see.
    """
    settings = _settings(database_url=database_url)
    password = _typed_password()
    try:
        made = uvloop.run(_make_account(settings, email, name or email.partition("@")[0], Role(role), password))
    except ShopError as error:
        print(f"ordercast: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{made.email} ({made.role}) can sign in.")


def _typed_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("The same again: ") != password:
        print("ordercast: the two are not the same.", file=sys.stderr)
        sys.exit(1)
    return password


async def _make_account(settings: Settings, email: str, name: str, role: Role, password: str) -> Account:
    store = open_store(settings)
    await begin(store)
    try:
        return await make_account(store, email, name, role, password)
    finally:
        await store.close()


@app.command
def check(*, database_url: DatabaseUrl = None) -> None:
    """Print what an operator should know before a shop is opened to the world, by the settings that `serve` would have.

    Ends with 1 where something is unsafe.
    """
    settings = _settings(make_secret=False, database_url=database_url)
    found = [*checking.of_settings(settings), *uvloop.run(_look_at_store(settings))]
    print("\n".join(map(str, found)))
    unsafe = sum(each.verdict is Verdict.UNSAFE for each in found)
    print(f"\n{unsafe} unsafe." if unsafe else "\nNothing is unsafe.")
    if unsafe:
        sys.exit(1)


async def _look_at_store(settings: Settings) -> list[Finding]:
    store = open_store(settings)
    await begin(store)
    providers = providers_of(settings, store)
    try:
        found = list(checking.of_payments(settings, providers))
        return [*found, *await checking.of_store(settings, store, demo_password(settings))]
    finally:
        await providers.close()
        await store.close()


def _agrees(question: str) -> bool:
    """Ask at the terminal; where there is none, nobody agrees."""
    if not sys.stdin.isatty():
        print("There is no terminal to ask at: say --yes.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _settings(*, make_secret: bool = True, **overrides: Any) -> Settings:
    settings = config.load(make_secret=make_secret, **overrides)
    telemetry.configure_logging(settings.log_level, settings.log_format)
    for sentence in config.misspelt():
        log.warning(sentence)
    return settings


def main() -> None:
    """Run the command line; what a person can mend is told in a sentence, without a traceback."""
    try:
        if sys.argv[1:2] == ["serve"]:
            app()
        else:
            signals.leave_to(app)
    except ConfigError as error:
        print(f"ordercast: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(128 + signal.SIGPIPE)
    finally:
        _flush()


def _flush() -> None:
    """Write what was printed while its failing can still be caught: `ordercast openapi | head` reads no more."""
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        _write_nowhere()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        _write_nowhere()
        print(f"ordercast: could not write: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
