"""Responses that are the same for everybody for as long as the process runs, with an ETag."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from litestar import Response

from .context import AnyRequest

# RFC 9110 section 15.4.5: what a 304 repeats of the 200 that it stands for.
_REPEATED: Final = frozenset({"cache-control", "vary"})


class StaticResponse:
    """One such answer, with a strong validator (RFC 9110 section 8.8.3)."""

    def __init__(self, content: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.content = content
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        self._media_type = media_type
        self._headers = {"cache-control": "no-cache", **(headers or {}), "etag": self.etag}

    def __repr__(self) -> str:
        return f"<StaticResponse {self._media_type} {len(self.content)} bytes {self.etag}>"

    def answer(self, request: AnyRequest) -> Response[Any]:
        """The response, or 304 where the client has it already."""
        if self._is_known(request.headers.get("if-none-match", "")):
            kept = {name: value for name, value in self._headers.items() if name in _REPEATED}
            return Response(None, status_code=304, headers={**kept, "etag": self.etag})
        return Response(self.content, media_type=self._media_type, headers=self._headers)

    def _is_known(self, if_none_match: str) -> bool:
        # Section 13.1.2: compared weakly; a proxy that compressed the answer has made the validator weak.
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return self.etag in known or "*" in known
