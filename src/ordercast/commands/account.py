"""``ordercast account``."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated, Literal

import uvloop
from cyclopts import App, Parameter

from ordercast.bootstrap import make_account
from ordercast.commerce.errors import ShopError
from ordercast.commerce.people import Role
from ordercast.config import Settings
from ordercast.db.accounts import Account

from .process import DatabaseUrl, load_settings, started_store

account = App(name="account", help="Accounts of people.")


@account.command(name="create")
def create(
    *,
    email: Annotated[str, Parameter(help="The address to sign in with.")],
    name: Annotated[str | None, Parameter(help="What others see; the address's first part without it.")] = None,
    role: Annotated[
        Literal["admin", "store", "driver", "carer", "customer"], Parameter(help="What it may do.")
    ] = "admin",
    database_url: DatabaseUrl = None,
) -> None:
    """Make an account, such as the first admin's. The password is read at the terminal, or read as the first line
    of the standard input where there is none; never from the command line, which others on the machine can see.
    """
    settings = load_settings(database_url=database_url)
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
    async with started_store(settings) as store:
        return await make_account(store, email, name, role, password)
