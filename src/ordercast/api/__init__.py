"""FRONT DOOR: an HTTP request or a socket command becomes one command, and its outcome one answer.

Upstream: browsers, shop back ends, payment providers. Downstream: ``db``, which runs the decision of ``commerce`` and
commits it; ``hub``, on which the socket commands are registered.
Stays true: nothing here emits an event. Who should hear of a change learns it from the feed.
"""

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
