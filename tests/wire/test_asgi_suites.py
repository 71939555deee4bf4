"""The official lists of both protocols, by the hub as an ASGI application: our own port's tests, on others'."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.asgi_servers import HYPERCORN, WRAPPED, running_asgi
from tests.peers import Peer
from tests.servers import Running, official_server
from tests.wire.test_engine import (  # noqa: F401 - they are collected here once more
    PATH,
    Echo,
    echo,
    poller,
    test_a_held_poll_is_answered_when_there_is_something_to_say,
    test_a_malformed_polling_packet_closes_the_session,
    test_a_malformed_websocket_packet_closes_at_once,
    test_a_poll_that_is_given_up_closes_the_session,
    test_a_polling_client_is_pinged_again_and_again,
    test_a_polling_client_says_goodbye,
    test_a_polling_client_that_is_silent_is_gone_after_interval_and_timeout,
    test_a_polling_handshake_has_exactly_the_five_fields,
    test_a_request_that_cannot_be_served_is_told_why,
    test_a_websocket_client_says_goodbye,
    test_a_websocket_echoes_text_and_binary,
    test_a_websocket_handshake_offers_no_upgrade,
    test_a_websocket_handshake_that_cannot_be_served_is_refused,
    test_a_websocket_is_pinged_again_and_again,
    test_a_websocket_that_does_not_answer_is_closed,
    test_two_polls_at_once_close_the_session,
    test_what_is_posted_is_answered_ok_and_polled_back,
)
from tests.wire.test_socketio import (  # noqa: F401
    test_a_malformed_packet_closes_at_once,
    test_a_namespace_is_entered_and_the_payload_handed_on,
    test_a_packet_before_connect_closes_at_once,
    test_an_unknown_namespace_is_refused,
    test_binary_attachments,
    test_binary_attachments_with_an_ack,
    test_leaving_another_namespace_leaves_the_main_one,
    test_leaving_the_main_namespace_leaves_the_connection,
    test_plain_text,
    test_plain_text_with_an_ack,
    test_who_awaits_frame_by_frame_hears_of_its_connection_before_the_first_event,
)


@pytest.fixture(autouse=True)
def answers_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers wait for it, uvicorn for ten seconds."""
    monkeypatch.setattr(Peer, "answers_closes", True)


@pytest.fixture(params=[WRAPPED, HYPERCORN])
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server(echo: Echo, by: str) -> AsyncIterator[Running]:  # noqa: F811
    async with running_asgi(echo, by) as server:
        yield server


@pytest.fixture
async def at(by: str) -> AsyncIterator[Running]:
    async with running_asgi(official_server(), by) as at:
        yield at


@pytest.fixture
async def opened(at: Running) -> AsyncIterator[Peer]:
    async with await Peer.open(at.port) as peer:
        await peer.take_open()
        yield peer


@pytest.fixture
async def peer(opened: Peer) -> Peer:
    await opened.enter()
    await opened.expect('42["auth",{}]')
    return opened
