"""``ordercast serve``."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import uvloop
from cyclopts import Parameter

from ordercast.app import serve as serve_shop
from ordercast.config import Settings
from ordercast.demo import demo_password
from ordercast.mail import mail_summary
from ordercast.node_jobs import listener_url
from ordercast.payments import payments_summary
from ordercast.signals import SIGNALS

from .process import DatabaseUrl, load_settings


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Instead of ORDERCAST_HOST.")] = None,
    port: Annotated[int | None, Parameter(help="Instead of ORDERCAST_PORT; 0 takes a free one.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve the shop: pages, API and sockets on one port.

    SIGTERM, SIGINT (Ctrl-C) and SIGQUIT stop it in peace: clients are sent away to come back elsewhere, requests that
    have come are answered. The same again hastens that. SIGHUP, SIGUSR1 and SIGUSR2 are logged with the state.
    """
    settings = load_settings(host=host, port=port, database_url=database_url)
    gc.disable()  # objects made until then live as long as the process
    uvloop.run(serve_shop(settings, _say_ready, SIGNALS))


def _say_ready(settings: Settings, port: int, demo_people: list[str]) -> None:
    url = listener_url(settings, port)
    lines = [f"> Ready on {url}", "> Socket.io server initialized"]
    pages = {"Socket test": "/test-socket", "API reference": "/docs"}
    if settings.built_in:
        lines += [f"> Payments: {payments_summary(settings)}", f"> Mail: {mail_summary(settings)}"]
        pages = {"Shop": "/shop", "Admin board": "/admin", **pages}
    lines.append("")
    lines += [f"  {title:<14} {url}{path}" for title, path in pages.items()]
    if demo_people:
        password = demo_password(settings)
        lines += ["", "  Demo logins"]
        lines += [f"  {email:<22} {password}" for email in demo_people]
    if settings.budgets == "off":
        lines.insert(2, "> Budgets are off (ORDERCAST_BUDGETS): callers are not bounded")
    try:
        print("\n".join(lines), flush=True)
    except OSError:  # the reader is gone, which must not stop serving
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
