"""What back ends in Python publish, by each driver into a real database, and by HTTP to the real API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from ordercast.api.auth import issue_token
from ordercast.publishing import HttpPublisher, PublishRefused, publish
from tests.api.client import SECRET, Client
from tests.api.conftest import client, providers, seeded, settings, sqlite_store, store  # noqa: F401 - fixtures
from tests.db.conftest import postgresql_program, sqlite_program  # noqa: F401
from tests.db.programs import PostgresqlProgram, Program, SqliteProgram

ARGS: tuple[Any, ...] = ({"sku": "lamp", "name": "দুই"}, None, 2.5)
ROOMS = ["store-owners", "user_7"]
PUBLISHED = {"event": "price", "rooms": ROOMS, "args": list(ARGS)}


def published(program: Program) -> list[Any]:
    return [json.loads(after) for kind, *_, after in program.feed() if kind == "event.published"]


@pytest.fixture
def sqlite(sqlite_program: SqliteProgram) -> Iterator[SqliteProgram]:  # noqa: F811
    with sqlite_program.rolled_back():
        yield sqlite_program


@pytest.fixture
def postgresql(postgresql_program: PostgresqlProgram) -> Iterator[PostgresqlProgram]:  # noqa: F811
    with postgresql_program.rolled_back():
        yield postgresql_program


def test_sqlite3s_connection_and_cursor_publish_in_their_transaction(sqlite: SqliteProgram) -> None:
    publish(sqlite.connection, "price", *ARGS, rooms=ROOMS)
    publish(sqlite.connection.cursor(), "closing", rooms=("a",))
    assert published(sqlite)[-2:] == [PUBLISHED, {"event": "closing", "rooms": ["a"], "args": []}]


def test_psycopgs_connection_publishes_in_its_transaction(postgresql: PostgresqlProgram) -> None:
    ((event_id,),) = publish(postgresql.connection, "price", *ARGS, rooms=ROOMS).fetchall()
    assert event_id.startswith("evt_")
    with postgresql.connection.cursor() as cursor:
        publish(cursor, "closing", rooms=["a"])
    assert published(postgresql)[-2:] == [PUBLISHED, {"event": "closing", "rooms": ["a"], "args": []}]


async def test_psycopgs_asynchronous_connection_is_awaited(postgresql_program: PostgresqlProgram) -> None:  # noqa: F811
    parts = postgresql_program.connection.info
    url = f"host={parts.host} port={parts.port} dbname={parts.dbname} user={parts.user} password={parts.password}"
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await publish(connection, "price", *ARGS, rooms=ROOMS)
        assert (await cursor.fetchone())[0].startswith("evt_")
        await connection.rollback()


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_sqlalchemys_connection_and_session_publish(sqlite_program: SqliteProgram, kind: str) -> None:  # noqa: F811
    engine = sqlalchemy.create_engine(f"sqlite:///{sqlite_program.do('PRAGMA database_list')[0][2]}")
    before = published(sqlite_program)
    with Session(engine) if kind == "session" else engine.connect() as connection:
        publish(connection, "price", *ARGS, rooms=ROOMS)
        assert published(sqlite_program) == before  # not yet
        connection.commit()
    engine.dispose()
    assert published(sqlite_program)[len(before) :] == [PUBLISHED]


def test_djangos_cursor_publishes(sqlite_program: SqliteProgram) -> None:  # noqa: F811
    import django
    from django.conf import settings as django_settings
    from django.db.utils import ConnectionHandler

    if not django_settings.configured:
        django_settings.configure(LOGGING_CONFIG=None)
        django.setup(set_prefix=False)
    file = sqlite_program.do("PRAGMA database_list")[0][2]
    database = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}})["default"]
    before = published(sqlite_program)
    with database.cursor() as cursor:
        publish(cursor, "price", *ARGS, rooms=ROOMS)
    database.close()
    assert published(sqlite_program)[len(before) :] == [PUBLISHED]


def test_what_cannot_be_published_is_told_where_it_is_asked(sqlite: SqliteProgram) -> None:
    none: list[str] = []
    for rooms in (none, "store-owners"):
        with pytest.raises(ValueError, match="rooms: name at least one, in a list"):
            publish(sqlite.connection, "price", rooms=rooms)
    with pytest.raises(TypeError, match="cannot publish by object"):
        publish(object(), "price", rooms=["a"])
    with pytest.raises(ValueError, match="JSON compliant"):
        publish(sqlite.connection, "price", float("nan"), rooms=["a"])
    with sqlite.refused("event: it has a name"):
        publish(sqlite.connection, "", rooms=["a"])


# By HTTP


@pytest.fixture
def publisher(client: Client) -> Callable[..., HttpPublisher]:  # noqa: F811
    """One whose requests go to the API; `lose` answers of it are lost on their way."""

    def make(lose: int = 0, role: str = "service") -> HttpPublisher:
        loop, lost = asyncio.get_running_loop(), iter(range(lose))

        def send(request: httpx.Request) -> httpx.Response:
            asked = client.http.post(request.url.path, content=request.content, headers=request.headers)
            answer = asyncio.run_coroutine_threadsafe(asked, loop).result()
            if next(lost, None) is not None:
                raise httpx.ReadTimeout("no answer", request=request)
            return httpx.Response(answer.status_code, content=answer.content)

        token = issue_token(SECRET, role, "backend", ttl_s=600)
        return HttpPublisher("http://shop.test/", token, client=httpx.Client(transport=httpx.MockTransport(send)))

    return make


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.publishing.FIRST_WAIT_S", 0.001)


async def test_an_event_whose_answer_was_lost_is_told_once(publisher: Any, store: Any) -> None:  # noqa: F811
    event_id = await asyncio.to_thread(publisher(lose=2).publish, "price", *ARGS, rooms=ROOMS)
    (change,) = store.changes(0, 9)
    assert (change.entity_id, json.loads(bytes(change.after))) == (event_id, PUBLISHED)


async def test_what_has_happened_once_is_told_once_by_its_key(publisher: Any, store: Any) -> None:  # noqa: F811
    first = await asyncio.to_thread(publisher().publish, "paid", 7, rooms=["a"], key="order-7")
    assert await asyncio.to_thread(publisher().publish, "paid", 7, rooms=["a"], key="order-7") == first
    assert len(store.changes(0, 9)) == 1


async def test_no_answer_at_all_is_raised_in_the_end(publisher: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await asyncio.to_thread(publisher(lose=9).publish, "price", rooms=["a"])


async def test_a_refusal_says_why_and_is_not_repeated(publisher: Any) -> None:
    with pytest.raises(PublishRefused, match="reserved: only the shop itself tells it") as refused:
        await asyncio.to_thread(publisher().publish, "new_order", rooms=["a"])
    assert (refused.value.status, refused.value.problem["type"]) == (422, "/problems/invalid-field")
    with pytest.raises(PublishRefused) as stranger:
        await asyncio.to_thread(publisher(role="customer").publish, "price", rooms=["a"])
    assert stranger.value.status == 403
