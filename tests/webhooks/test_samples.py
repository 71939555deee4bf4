"""The receivers of `samples/`, each as a process of its own, believe us and nobody else, and do a thing once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from ordercast.commerce.webhook_signatures import sign_standard
from ordercast.outgoing import Networks
from ordercast.webhooks.http_sender import HttpSender
from ordercast.webhooks.secret_box import new_secret
from tests.payments.services import NODE

from .test_delivery_worker import now_ms

SAMPLES = Path(__file__).parents[2] / "samples/webhook_receiver"
COMMANDS = {
    "python": [sys.executable, str(SAMPLES / "receiver.py"), "0"],
    "node": [NODE, str(SAMPLES / "receiver.mjs"), "0"],
}
BODY = b'{"id":"evt_1","type":"order.placed","timestamp":"2026-11-24T09:15:00.000Z","data":{}}'


@dataclass
class Sample:
    url: str
    output: IO[str]


@contextmanager
def running(language: str, secret: str) -> Iterator[Sample]:
    environ = {**os.environ, "WEBHOOK_SECRET": secret}
    process = subprocess.Popen(COMMANDS[language], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # once it listens
        assert line.startswith("Taking webhooks on "), line
        yield Sample(line.split()[-1], process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("language", ["python", pytest.param("node", marks=pytest.mark.node)])
async def test_a_sample_believes_us_alone_and_does_a_thing_once(language: str) -> None:
    ours, next_one, others = (new_secret() for _ in range(3))
    now_s = now_ms() / 1000
    sender = HttpSender(Networks(["127.0.0.1"]))
    with running(language, ours) as sample:
        for headers, body, status in (
            (sign_standard([ours], "evt_1", BODY, now_s), BODY, 204),
            (sign_standard([ours], "evt_1", BODY, now_s), BODY, 204),
            (sign_standard([next_one, ours], "evt_1", BODY, now_s), BODY, 204),  # while it is rotated
            (sign_standard([others], "evt_1", BODY, now_s), BODY, 401),
            (sign_standard([ours], "evt_1", BODY, now_s), BODY + b" ", 401),
            (sign_standard([ours], "evt_1", BODY, now_s - 3_600), BODY, 401),
            ({}, BODY, 401),
        ):
            assert (await sender.send(sample.url, headers, body)).status == status
        last = BODY.replace(b"evt_1", b"evt_2")
        await sender.send(sample.url, sign_standard([ours], "evt_2", last, now_s), last)
        assert [sample.output.readline().split() for _ in range(2)] == [
            ["order.placed", "evt_1"],
            ["order.placed", "evt_2"],
        ]
    await sender.close()
