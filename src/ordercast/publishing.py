"""For back ends in Python: durable events for the sockets of a site, in one's own transaction, or by HTTP.

::

    with connection:  # psycopg's, sqlite3's, SQLAlchemy's or Django's
        connection.execute("UPDATE products SET price = 1200 WHERE sku = 'lamp'")
        publish(connection, "price", {"sku": "lamp", "price": 1200}, rooms=["store-owners"])

    HttpPublisher("https://live.shop.example", token).publish("price", {"sku": "lamp"}, rooms=["store-owners"])

Either is told once it is committed, in order, once to each socket, and again to whoever was away. What only matters
now, and to a site that has Redis, is an emitter's (`ordercast.emitter`).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import httpx

# The forms of `ordercast.db.publish_by_sql`, by what databases are called. SQLAlchemy and Django name them alike.
_SQLITE: Final = "INSERT INTO ordercast_publish (event, rooms, args) VALUES ({0}, {0}, {0})"
_POSTGRESQL: Final = "SELECT ordercast.publish({0}, CAST({0} AS jsonb), CAST({0} AS jsonb))"
_MYSQL: Final = "CALL ordercast_publish({0}, {0}, {0})"
_STATEMENTS: Final = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MYSQL, "mariadb": _MYSQL}
# Drivers, by the package that their connections and cursors are of: which database, and how parameters are written.
_DRIVERS: Final = {
    "sqlite3": ("sqlite", "?"),
    "aiosqlite": ("sqlite", "?"),
    "psycopg": ("postgresql", "%s"),
    "psycopg2": ("postgresql", "%s"),
    "pymysql": ("mysql", "%s"),
    "MySQLdb": ("mysql", "%s"),
}
# Attempts at one event over HTTP, each waiting twice as long as the one before: a node that restarts is back by then,
# and a request's caller can still be told.
ATTEMPTS_MAX: Final = 4
FIRST_WAIT_S: Final = 0.25
TIMEOUT_S: Final = 10.0
_RETRIED: Final = frozenset({409, 429, 502, 503, 504})


def publish(connection: Any, event: str, *args: Any, rooms: Sequence[str]) -> Any:
    """Publish an event in the transaction that `connection` is in; what rolls back was never told.

    A connection or cursor of sqlite3, psycopg, psycopg2, PyMySQL (cursors, where connections execute nothing), a cursor
    of Django's (``django.db.connection.cursor()``), or a connection or session of SQLAlchemy's. Returns what its
    `execute` returns: of an asynchronous one an awaitable. What the database refuses is raised as its driver has it.
    Raises ValueError without rooms, TypeError for what is no such connection or cannot be JSON.
    """
    values = [event, _json(_named(rooms)), _json(args)]
    database, style = _kind_of(connection)
    if style is None:
        return _execute_by_sqlalchemy(connection, _STATEMENTS[database], values)
    return connection.execute(_STATEMENTS[database].format(style), values)


def _named(rooms: Sequence[str]) -> list[str]:
    """Return `rooms` as a list: a text would be taken for as many rooms as it has letters."""
    if isinstance(rooms, str) or not rooms:
        raise ValueError("rooms: name at least one, in a list")
    return list(rooms)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _kind_of(connection: Any) -> tuple[str, str | None]:
    """Which database it is, and how parameters are written there; None for SQLAlchemy, which writes them itself."""
    vendor = getattr(getattr(connection, "db", None), "vendor", None)
    if vendor in _STATEMENTS:  # Django's cursors, which translate %s for every database
        return str(vendor), "%s"
    for kind in type(connection).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in _DRIVERS:
            return _DRIVERS[package]
        if package == "sqlalchemy":
            bind = connection.get_bind() if hasattr(connection, "get_bind") else connection
            return str(bind.dialect.name), None
    raise TypeError(f"cannot publish by {type(connection).__qualname__}: give a connection, session or cursor")


def _execute_by_sqlalchemy(connection: Any, statement: str, values: list[str]) -> Any:
    from sqlalchemy import text  # noqa: PLC0415 - its caller has loaded it already

    named = statement.replace("{0}", ":event", 1).replace("{0}", ":rooms", 1).replace("{0}", ":args", 1)
    return connection.execute(text(named), dict(zip(("event", "rooms", "args"), values, strict=True)))


class PublishRefused(Exception):
    """The server will not publish it, however often it is asked: `problem` is its answer (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP {status}"))


class HttpPublisher:
    """Publishes by ``POST /api/emit``, with a service token (``ordercast token --role service``).

    Each event has an `Idempotency-Key`, so that it is asked for again, where no answer came, without being told twice.
    """

    def __init__(self, url: str, token: str, *, client: httpx.Client | None = None) -> None:
        """`url` is the site's; `client` is used instead of one of its own, for a proxy or certificates."""
        self._url = f"{url.rstrip('/')}/api/emit"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = client or httpx.Client(timeout=TIMEOUT_S)

    def publish(self, event: str, *args: Any, rooms: Sequence[str], key: str | None = None) -> str:
        """Publish an event; return its id once it is committed.

        `key` names what has happened, such as an order's number: the same again, also by another process, is told once.
        Raises PublishRefused, and httpx.HTTPError where it has not been answered after `ATTEMPTS_MAX` attempts; it may
        have been published then, and is safe to publish again under the same `key`.
        """
        body = _json({"event": event, "rooms": _named(rooms), "args": args}).encode()
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            is_last = attempt == ATTEMPTS_MAX
            try:
                response = self._client.post(self._url, content=body, headers=headers)
            except httpx.TransportError:
                if is_last:
                    raise
            else:
                if response.is_success:
                    return str(response.json()["id"])
                if response.status_code not in _RETRIED:
                    raise PublishRefused(response.status_code, _problem(response))
                if is_last:
                    response.raise_for_status()
            time.sleep(FIRST_WAIT_S * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:  # a proxy's own page
        return {}
    return problem if isinstance(problem, dict) else {}
