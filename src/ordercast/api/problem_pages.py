"""Serves a page for each problem type: its meaning and what to do (RFC 9457 section 3.1.1)."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from ordercast.commerce.errors import NotFound

from .context import AnyRequest
from .problems import ProblemType, problem_types
from .static_response import StaticResponse

_HEADERS: Final = {
    "cache-control": "public, max-age=3600",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Ordercast</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1.5rem }}
code, pre {{ font: .875rem/1.5 ui-monospace, monospace }}
pre {{ background: #8882; border-radius: .5rem; overflow-x: auto; padding: .75rem }}
</style>
<h1>{title}</h1>
{body}
<p><a href="/problems">All problems</a> · <a href="/docs">API reference</a></p>
</html>
"""


def _page(type_: ProblemType) -> StaticResponse:
    example = msgspec.json.format(msgspec.json.encode(type_.problem(_plain(type_.means)))).decode()
    parts = [
        f"<p>HTTP status {type_.status}, <code>/problems/{type_.name}</code></p>",
        f"<h2>What it means</h2><p>{_marked(type_.means)}</p>",
        f"<h2>What to do</h2><p>{_marked(type_.to_do)}</p>",
        f"<h2>Example</h2><pre>{escape(example)}</pre>",
    ]
    return StaticResponse(
        _PAGE.format(title=escape(type_.title), body="\n".join(parts)).encode(), MediaType.HTML, _HEADERS
    )


def _plain(text: str) -> str:
    return text.replace("`", "")


def _marked(text: str) -> str:
    """With code between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _list() -> StaticResponse:
    rows = [
        f'<li><a href="/problems/{each.name}">{escape(each.title)}</a> <code>{each.name}</code> ({each.status})</li>'
        for each in sorted(problem_types().values(), key=lambda each: (each.status, each.name))
    ]
    content = _PAGE.format(title="Problems", body=f"<ul>{''.join(rows)}</ul>")
    return StaticResponse(content.encode(), MediaType.HTML, _HEADERS)


_PAGES: Final = {name: _page(type_) for name, type_ in problem_types().items()}
_LIST: Final = _list()


@get("/problems", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def problems(request: AnyRequest) -> Response[Any]:
    return _LIST.answer(request)


@get("/problems/{slug:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def problem_page(slug: FromPath[str], request: AnyRequest) -> Response[Any]:
    page = _PAGES.get(slug)
    if page is None:
        raise NotFound("problem")
    return page.answer(request)


ROUTES: Final = [problems, problem_page]
