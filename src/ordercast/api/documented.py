"""The refusals that the OpenAPI document tells of."""

from __future__ import annotations

from typing import Final

from litestar.openapi.datastructures import ResponseSpec

from .errors import CONTENT_TYPE, Problem


def _refused(description: str) -> ResponseSpec:
    return ResponseSpec(Problem, description=description, generate_examples=False, media_type=CONTENT_TYPE)


REFUSALS: Final = {
    400: _refused("The request cannot be read"),
    401: _refused("A token is needed, or the one sent is refused"),
    403: _refused("This role may not do it"),
    404: _refused("There is none, or none that the asker may know of"),
    422: _refused("A field cannot be taken; `field` names it"),
}
CONFLICTS: Final = {
    402: _refused("The payment was declined"),
    409: _refused("The present state does not allow it"),
    503: _refused("Too much is waiting; come back after `Retry-After` seconds"),
}
