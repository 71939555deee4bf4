"""The sandbox's bank page, for customers with ``tok_3ds``. No money moves."""

from __future__ import annotations

import html
import logging
from typing import Annotated, Final
from urllib.parse import quote

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, QueryParameter

from ordercast.commerce.errors import NotFound, ProviderRefused
from ordercast.commerce.sandbox import SANDBOX, SANDBOX_NOTICE
from ordercast.payments.jobs import apply_sandbox_event
from ordercast.payments.providers.sandbox import CONFIRM_PATH, SandboxProvider

from .context import ApiContext, Context

log = logging.getLogger("ordercast.payments")

_POLICY: Final = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The sandbox's bank</title>
<h1>Is it you who pays {amount}?</h1>
<p>{notice}</p>
<form method="post" action="{path}/confirm?back={back}"><button>Confirm</button></form>
<form method="post" action="{path}/decline?back={back}"><button>Decline</button></form>
</html>
"""
Back = Annotated[str, QueryParameter(max_length=4_000, pattern=r"^/([^/\\\\].*)?$")]


@get(f"{CONFIRM_PATH}/{{reference:str}}", include_in_schema=False, media_type=MediaType.HTML)
async def show_confirmation(reference: FromPath[str], context: Context, back: Back = "/") -> Response[str]:
    """Show the confirmation page."""
    entry = await _sandbox(context).entry(reference)
    if entry is None:
        raise NotFound("payment")
    path, amount = html.escape(f"{CONFIRM_PATH}/{reference}"), html.escape(str(entry.amount))
    page = _PAGE.format(amount=amount, notice=SANDBOX_NOTICE, path=path, back=quote(back, safe=""))
    # Without a referrer, forms send `Origin: null`; this page sends its origin only.
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "strict-origin"}
    return Response(page, headers=headers)


@post(f"{CONFIRM_PATH}/{{reference:str}}/{{answer:str}}", include_in_schema=False, status_code=303)
async def take_answer(
    reference: FromPath[str], answer: FromPath[str], context: Context, back: Back = "/"
) -> Response[None]:
    """Accept the customer's choice, and redirect back."""
    if answer not in {"confirm", "decline"}:
        raise NotFound("answer")
    try:
        await _sandbox(context).confirm(reference, apply_sandbox_event, is_let=answer == "confirm")
    except ProviderRefused as error:
        log.info("the sandbox's page: %s", error)
    return Response(None, status_code=303, headers={"Location": back})


def _sandbox(context: ApiContext) -> SandboxProvider:
    provider = context.providers.by_name.get(SANDBOX)
    if not isinstance(provider, SandboxProvider):
        raise NotFound("payment provider")
    return provider


ROUTES: Final = [show_confirmation, take_answer]
