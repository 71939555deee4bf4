"""The ``ordercast`` command."""

from __future__ import annotations

import gc

from ordercast.signals import SIGNALS

# Before slow imports: a signal may come at any moment.
SIGNALS.install()
# Imports stay alive: scanning them for garbage takes a fifth of a start.
gc.disable()

import os
import signal
import sys
from importlib.metadata import version
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cyclopts import App

HELP: Final = "Every committed change of a shop on every screen entitled to see it."

COMMANDS: Final = {
    "serve": "serve:serve",
    "migrate": "database:migrate",
    "demo": "database:demo",
    "token": "tokens:token",
    "openapi": "openapi:openapi",
    "asyncapi": "asyncapi:asyncapi",
    "revoke": "tokens:revoke",
    "new-epoch": "database:new_epoch",
    "repair": "repair:repair",
    "watch": "watch:watch",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "attach": "attach:attach",
    "detach": "attach:detach",
    "account": "account:account",
    "check": "check:check",
    "doctor": "doctor:doctor",
    "webhook": "webhook:webhook",
}
"""The module of each command, imported when it is called or listed."""


def make_app(called: str) -> App:
    """Make the command line: only the called command is imported, or all for help."""
    from cyclopts import App  # noqa: PLC0415 - whoever asks for the version has no use for it

    app = App(name="ordercast", help=HELP, version=version("ordercast"))
    for name, place in COMMANDS.items():
        path = f"ordercast.commands.{place}"
        if called in COMMANDS:
            app.command(path, name=name)
        else:
            app.command(resolve_name(path))
    return app


def main() -> None:
    """Run the command line; expected errors are printed without a traceback."""
    if sys.argv[1:] == ["--version"]:
        print(version("ordercast"))
        _flush()
        return
    from ordercast.config import ConfigError  # noqa: PLC0415 - as above

    called = "".join(sys.argv[1:2])
    app = make_app(called)
    try:
        if called == "serve":
            app()
        else:
            SIGNALS.run_command(app)
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
    """Flush output while an error can be caught: `ordercast openapi | head` reads no more."""
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
