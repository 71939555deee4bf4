"""Constant responses of the process, with an ETag."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from litestar import Response

from .context import AnyRequest

# RFC 9110 section 15.4.5: headers that a 304 repeats.
_REPEATED: Final = frozenset({"cache-control", "vary"})


class StaticResponse:
    """A constant response with a strong validator (RFC 9110 section 8.8.3), in several codings.

    `encoded` has the content by coding, best first.
    """

    def __init__(
        self,
        content: bytes,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        encoded: Mapping[str, bytes] | None = None,
    ) -> None:
        self.content = content
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        self._media_type = media_type
        self._encoded = dict(encoded or {})
        self._headers = {"cache-control": "no-cache", **(headers or {}), "etag": self.etag}
        if self._encoded:
            self._headers["vary"] = ", ".join(filter(None, (self._headers.get("vary"), "Accept-Encoding")))

    def __repr__(self) -> str:
        return f"<StaticResponse {self._media_type} {len(self.content)} bytes {self.etag}>"

    def answer(self, request: AnyRequest) -> Response[Any]:
        """The response, or 304 if the client has it."""
        encoding = self._encoding(request.headers.get("accept-encoding", ""))
        # Section 8.8.3.3: each coding has its own validator.
        etag = f'{self.etag[:-1]}-{encoding}"' if encoding else self.etag
        if _is_known(etag, request.headers.get("if-none-match", "")):
            kept = {name: value for name, value in self._headers.items() if name in _REPEATED}
            return Response(None, status_code=304, headers={**kept, "etag": etag})
        headers = {**self._headers, "etag": etag}
        if not encoding:
            return Response(self.content, media_type=self._media_type, headers=headers)
        headers["content-encoding"] = encoding
        return Response(self._encoded[encoding], media_type=self._media_type, headers=headers)

    def _encoding(self, accept_encoding: str) -> str:
        """The first of our codings that the client accepts (section 12.5.3); "" for none."""
        accepted = dict(_weighted(part) for part in accept_encoding.lower().split(","))
        return next((coding for coding in self._encoded if accepted.get(coding, accepted.get("*", False))), "")


def _weighted(part: str) -> tuple[str, bool]:
    """A coding, and whether it is accepted: weight 0 refuses it."""
    name, _, parameter = part.partition(";")
    weight = parameter.strip().removeprefix("q=").strip()
    return name.strip(), weight.strip("0.") != "" or weight == ""


def _is_known(etag: str, if_none_match: str) -> bool:
    # Section 13.1.2: weak comparison, as compressing proxies weaken validators.
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known
