"""Each fuzz target still runs over what it begins from, and notices a parser that lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import targets

from ordercast.protocol import engineio, json, socketio

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
SEEDS = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))


def test_each_target_has_a_corpus() -> None:
    assert {seed.partition("/")[0] for seed in SEEDS} == set(targets.TARGETS)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_must_hold_holds(seed: str) -> None:
    targets.TARGETS[seed.partition("/")[0]]((CORPUS / seed).read_bytes())


def test_a_packet_that_loses_a_byte_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "parse_packet", lambda data: engineio.parse_packet(data[:-1]))
    with pytest.raises(AssertionError):
        targets.engineio_packet(b"4hello")


def test_json_that_means_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "decode_json", lambda text: json.decode_json(text.replace(b"1", b"2")))
    with pytest.raises(AssertionError):
        targets.json_text(b'{"a":1}')


def test_an_exception_of_another_kind_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(socketio.Decoder):
        def receive_text(self, data: bytes) -> socketio.Packet | None:
            raise KeyError(data)

    monkeypatch.setattr(targets, "Decoder", Careless)
    with pytest.raises(KeyError):
        targets.socketio_packets(b'2["hello"]')
