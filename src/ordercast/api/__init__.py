"""FRONT DOOR: an HTTP request or a socket command becomes one command, and its outcome one answer.

Upstream: browsers, shop back ends, payment providers. Downstream: ``db``, which runs the decision of ``commerce`` and
commits it; ``hub``, on which the socket commands are registered.
Stays true: nothing here emits an event; the feed delivers each change to those entitled to it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import create_api
    from .auth import Identity, TokenRefused, issue_token, verify_token
    from .authenticator import Authenticator, make_authenticator

__all__ = [
    "Authenticator",
    "Identity",
    "TokenRefused",
    "create_api",
    "issue_token",
    "make_authenticator",
    "verify_token",
]

# Imported on first use (PEP 562): whoever signs a token needs neither the web framework nor the database.
_MODULES = {"create_api": "application", "Authenticator": "authenticator", "make_authenticator": "authenticator"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'auth')}"), name)
