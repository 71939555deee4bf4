"""Errors of the API itself, before the shop's rules.

RequestRefused
├── BodyMalformed      the body is not JSON at all
├── UnsupportedBody    the body is of another media type
├── SignInRequired     a token is needed
├── SignInRefused      address or password are wrong
├── RefreshRefused     no refresh token, or one that is good no more
├── IssuerUnavailable  another issuer's keys cannot be had just now
├── OriginRefused      a page of another site tried to use somebody's cookie
├── TooManyAttempts    a caller's budget is spent
├── LinkRefused        a mailed link that is not ours, or good no more
├── NoMail             this shop sends no mail
├── NoPush             this shop pushes to no browser
├── TooManyWatches     a socket watches as many orders as it may
└── StillRunning       the first request with this Idempotency-Key has not been answered yet
"""

from __future__ import annotations


class RequestRefused(Exception):
    """An error whose message may be shown to the client."""


class BodyMalformed(RequestRefused):
    pass


class UnsupportedBody(RequestRefused):
    def __init__(self, media_type: str) -> None:
        super().__init__(f"Send application/json, not {media_type[:80]}.")


class SignInRequired(RequestRefused):
    def __init__(self) -> None:
        super().__init__("This needs a token: send it as `Authorization: Bearer ...`.")


class SignInRefused(RequestRefused):
    def __init__(self) -> None:
        # One message for both, so that nobody learns which addresses have an account.
        super().__init__("The address or the password is wrong.")


class RefreshRefused(RequestRefused):
    def __init__(self) -> None:
        # One message for all: a thief must not learn what gave them away.
        super().__init__("There is no sign-in to go on with. Sign in again.")


class IssuerUnavailable(RequestRefused):
    def __init__(self) -> None:
        self.retry_after_s = 5
        super().__init__("The keys by which this token could be checked cannot be had just now.")


class OriginRefused(RequestRefused):
    def __init__(self, origin: str) -> None:
        super().__init__(f"Pages of {origin[:80] or 'another site'} may not do this.")


class TooManyAttempts(RequestRefused):
    def __init__(self, retry_after_s: int, budget: str) -> None:
        self.retry_after_s = retry_after_s
        self.budget = budget
        super().__init__(f"Too many attempts. Try again in {retry_after_s} seconds.")


class StillRunning(RequestRefused):
    def __init__(self) -> None:
        self.retry_after_s = 1
        super().__init__("The first request with this Idempotency-Key is still running.")


class TooManyWatches(RequestRefused):
    def __init__(self, bound: int, what: str = "orders") -> None:
        super().__init__(f"A socket may watch {bound} {what}; stop watching one first.")


class LinkRefused(RequestRefused):
    """`code` is ``token_expired`` or ``token_invalid``."""

    field = "token"

    def __init__(self, code: str = "token_invalid") -> None:
        self.code = code
        # One message for all: even for a used link, a new one is the way on.
        super().__init__("This link is good no more, or not whole. Ask for another one.")


class NoMail(RequestRefused):
    def __init__(self) -> None:
        super().__init__("This shop sends no mail; ask its people.")


class NoPush(RequestRefused):
    def __init__(self) -> None:
        super().__init__("This shop pushes to no browser.")
