"""The refusals that the OpenAPI document tells of."""

from __future__ import annotations

from typing import Final

from litestar.openapi.datastructures import ResponseSpec

from .errors import CONTENT_TYPE, Problem


def refused(description: str) -> ResponseSpec:
    """A refusal of one route's own."""
    return ResponseSpec(Problem, description=description, generate_examples=False, media_type=CONTENT_TYPE)


REFUSALS: Final = {
    400: refused("The request cannot be read"),
    401: refused("A token is needed, or the one sent is refused"),
    403: refused("This role may not do it"),
    404: refused("There is none, or none that the asker may know of"),
    422: refused("A field cannot be taken; `field` names it"),
}
SIGNED_OUT: Final = {204: ResponseSpec(None, description="Signed out", generate_examples=False)}
CONFLICTS: Final = {
    402: refused("The payment was declined"),
    409: refused("The present state does not allow it"),
    503: refused("Too much is waiting; come back after `Retry-After` seconds"),
}
