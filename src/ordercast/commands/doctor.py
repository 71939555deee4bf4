"""``ordercast doctor``: why a client does not connect."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import msgspec
import uvloop
from cyclopts import Parameter

from ordercast.doctor import Finding, Target, Verdict, examine

_MARKS = {Verdict.GOOD: "ok", Verdict.NOTE: "note", Verdict.FAULT: "FAULT"}


def doctor(
    url: str,
    *,
    path: Annotated[str, Parameter(help="The server's path, as `path` in a client's options.")] = "/socket.io/",
    namespace: Annotated[str, Parameter(help="Where to connect, as behind the host in `io(url)`.")] = "/",
    origin: Annotated[str | None, Parameter(help="Of the page that shall connect: https://shop.example.")] = None,
    token: Annotated[
        str | None, Parameter(help="That the client sends as `auth.token`.", env_var="ORDERCAST_TOKEN")
    ] = None,
    patience: Annotated[float, Parameter(help="Seconds to wait for each answer.")] = 30.0,
    json: Annotated[bool, Parameter(name="--json", help="A line of JSON each.", negative="")] = False,
) -> None:
    """Examine a Socket.IO server from here, as a client meets it, and say of each fault what to change.

    Ends with 1 where there is a fault.

    Parameters
    ----------
    url
        Scheme, host and port, as a page has it in `io(url)`.
    """
    try:
        target = Target(
            url=url.rstrip("/"),
            path=f"/{path.strip('/')}/",
            namespace=f"/{namespace.lstrip('/')}",
            origin=origin,
            token=token,
            patience_s=patience,
        )
    except ValueError as error:
        print(f"ordercast: {error}.", file=sys.stderr)
        sys.exit(2)
    faults = uvloop.run(_examine(target, _print_json if json else _print))
    if faults:
        sys.exit(1)


async def _examine(target: Target, show: Callable[[Finding], None]) -> int:
    faults = 0
    async for finding in examine(target):
        show(finding)
        faults += finding.verdict is Verdict.FAULT
    return faults


def _print(finding: Finding) -> None:
    print(f"{_MARKS[finding.verdict]:<6}{finding.check:<11}{finding.sentence}")
    if finding.remedy:
        print(f"{'':<17}-> {finding.remedy}")


def _print_json(finding: Finding) -> None:
    print(msgspec.json.encode(finding).decode())
