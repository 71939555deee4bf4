"""The image and the compose file, as far as they can be judged without building them."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ordercast.app import STOP_S_MAX
from ordercast.config import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
NODES = ("n1", "n2")
FIELDS = {f"ORDERCAST_{field.upper()}" for field in Settings.__struct_fields__}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.splitlines()) if word]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


# The image


def test_every_image_that_it_starts_from_has_a_version_and_no_host() -> None:
    for image in [rest.split()[0] for word, rest in instructions() if word == "FROM"]:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)?-slim", image), image


def test_what_is_served_is_not_run_by_root() -> None:
    words = [word for word, _ in stages()[-1]]
    [user] = [rest for word, rest in stages()[-1] if word == "USER"]
    assert user.isdecimal(), "a number, so that an orchestrator can see that it is not root"
    assert int(user) > 0
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#!*"]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in [source.rstrip("/") for sources in copied for source in sources]:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in allowed, source
        assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source


def test_nothing_is_fetched_from_a_place_that_is_named_here() -> None:
    for name in ("deploy/Dockerfile", "deploy/compose.yaml"):
        text = re.sub(r"http://(127\.0\.0\.1|localhost)|(postgresql|redis)://", "", (ROOT / name).read_text())
        assert "://" not in text
        assert "ADD" not in [word for word, _ in instructions()]
        assert not re.search(r"index-url|--registry|curl -|wget", text)


def test_pip_leaves_no_cache_in_a_layer() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert runs
    assert all("--no-cache-dir" in run for run in runs)


def test_commands_that_stay_get_signals_themselves() -> None:
    last = dict(stages()[-1])
    for word in ("ENTRYPOINT", "CMD"):
        assert last[word].startswith("["), "a shell would keep SIGTERM to itself"
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert "/health/ready" in last["HEALTHCHECK"]


# The compose file


def test_each_node_has_its_name_and_all_else_in_common() -> None:
    environs = [dict(COMPOSE["services"][name]["environment"]) for name in NODES]
    assert [environ.pop("ORDERCAST_NODE") for environ in environs] == list(NODES)
    assert environs[0] == environs[1]
    assert set(environs[0]) <= FIELDS


def test_a_node_is_given_the_time_that_it_takes_to_stop() -> None:
    for name in NODES:
        assert seconds(COMPOSE["services"][name]["stop_grace_period"]) > Settings().drain_s + STOP_S_MAX


def test_no_secret_stands_in_it() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if "SECRET" in name or "PASSWORD" in name:
                assert str(value).startswith("${"), name


def test_nobody_starts_before_what_it_needs() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed] or needed in NODES, f"{name} would wait for ever for {needed}"
    assert set(services["nginx"]["depends_on"]) == set(NODES)


def test_only_nginx_is_reached_from_outside_and_only_nginx_is_believed() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    address = services["nginx"]["networks"]["shop"]["ipv4_address"]
    assert services["n1"]["environment"]["ORDERCAST_TRUSTED_PROXIES"] == address


@pytest.mark.parametrize(("written", "node"), [("127.0.0.1:3001", "n1"), ("127.0.0.1:3002", "n2")])
def test_nginx_is_given_the_nodes_addresses(written: str, node: str) -> None:
    address = COMPOSE["services"][node]["networks"]["shop"]["ipv4_address"]
    assert f"s/{written}/{address}:3000/" in COMPOSE["services"]["nginx"]["command"][-1]
    assert written in (ROOT / "deploy/nginx/ordercast.conf").read_text()


def test_every_image_has_a_version() -> None:
    for name, service in COMPOSE["services"].items():
        if service["image"] != "ordercast":
            assert re.fullmatch(r"[a-z/]+:\d+(\.\d+)?", service["image"]), name


def test_no_service_has_or_gains_more_privileges_than_it_needs() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert set(service.get("cap_add", [])) <= {
            "CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID",
        }, name  # fmt: skip


# What is installed


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt", "requirements-dev.txt"])
def test_every_pin_has_the_hashes_of_its_files(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.findall(r"^[\w.-]+==[^\n]*(?:\n    --hash=sha256:[0-9a-f]{64}[^\n]*)*", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-zA-Z]", text, re.MULTILINE)) > 2
    assert all("--hash=" in pin for pin in pins)
    # A wheel for every platform, and the sources: never one file of one machine.
    assert "index-url" not in text
    assert "find-links" not in text


def test_everything_is_installed_by_its_hash() -> None:
    installed = DOCKERFILE + (ROOT / "Makefile").read_text()
    lines = [line for line in installed.splitlines() if "install" in line and "-r requirements" in line]
    assert len(lines) == 5
    assert all("--require-hashes" in line for line in lines)


def test_what_builds_is_not_in_what_is_served() -> None:
    pins = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"^(hatchling|editables|pluggy|pathspec)==", pins, re.MULTILINE)
    assert "uninstall --yes polyfactory faker" in DOCKERFILE
    assert "--without-pip /opt/ordercast" in DOCKERFILE
