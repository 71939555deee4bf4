"""Answers whose JSON is already written: by the database, or by one encoding at the end of a handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response


def json_answer(
    content: bytes, *, status_code: int | None = None, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """Send `content` as it is; without `status_code`, with the handler's own."""
    return Response(content, status_code=status_code, media_type="application/json", headers=headers)
