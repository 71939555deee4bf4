"""A page for each type of problem: what it means, and what to do. RFC 9457 section 3.1.1: a type is an address, and
whoever follows it should find words for people.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from ordercast.commerce.errors import NotFound

from .context import AnyRequest
from .errors import Kind, Problem, kinds
from .static_response import StaticResponse


class Advice(NamedTuple):
    means: str
    to_do: str


_AGAIN: Final = (
    "Send the same again after `Retry-After` seconds, with the same `Idempotency-Key`: nothing is done twice."
)
_LOOK: Final = "Look at it anew, and decide again: the answer says how it stands now."
ADVICE: Final[dict[str, Advice]] = {
    "invalid-field": Advice("A field has a value that cannot be taken.", "Mend the one that `field` names."),
    "card-number": Advice(
        "A card's number was sent, or something that looks like one. It was not kept.",
        "Send the payment provider's token, or the id of a saved card; and see that no text holds a card's number.",
    ),
    "unknown-product": Advice("A line of the cart names nothing in the catalogue.", "Read `GET /api/products` anew."),
    "unknown-status": Advice("No state has that name.", "Take one of `GET /api/status-flow`, or an old name."),
    "reason-required": Advice("This move must be explained.", "Send `reason`, a sentence."),
    "proof-required": Advice("This shop wants to be shown that an order was handed over.", "Send `proof`."),
    "promotion-refused": Advice(
        "There is no such promotion, or it does not hold for this order.", "Leave `promoCode` out, or take another."
    ),
    "total-differs": Advice(
        "The total that was sent is not the one by our catalogue.",
        "Show the buyer `computed`, and ask again; or send no total.",
    ),
    "not-permitted": Advice("This role may not do it.", "Sign in as somebody who may."),
    "not-found": Advice("There is none, or none that the asker may know of.", "Look at the id, and at whose it is."),
    "payment-declined": Advice("The payment provider said no.", "Let the buyer pay with another card, or otherwise."),
    "payment-provider-unavailable": Advice("No answer came from the payment provider in time.", _AGAIN),
    "payment-provider-refused": Advice(
        "The provider will not do it, however often it is asked.", "See in the provider's own dashboard why."
    ),
    "webhook-refused": Advice(
        "The message is not signed by the provider, or is too old.",
        "Look at the webhook's secret in the settings, and at the clock.",
    ),
    "price-changed": Advice("The goods cost something else by now.", "Ask for a quote, and let the buyer decide."),
    "not-payable": Advice("Nothing of this order can be paid now.", _LOOK),
    "not-refundable": Advice("Nothing is left that could be given back.", _LOOK),
    "refund-too-large": Advice("More was asked for than is left.", "Give back `refundable` at most."),
    "lives-elsewhere": Advice("The order is another program's, which alone may change it.", "Change it there."),
    "address-taken": Advice("There is an account with this address.", "Sign in with it, or take another address."),
    "own-account": Advice("An admin may not shut themselves out.", "Let another admin do it."),
    "last-admin": Advice(
        "The last admin cannot be closed or made something else: nobody could undo it.", "Make another admin first."
    ),
    "orders-open": Advice("Somebody whose orders are under way cannot be forgotten.", "Wait until they have ended."),
    "out-of-stock": Advice("Fewer pieces are left than were asked for.", "Order `left` at most."),
    "too-many-waiting": Advice(
        "Too many unpaid orders from this address wait for the shop.", "Wait until some are answered, or pay."
    ),
    "stale-version": Advice("It has changed since the asker looked.", _LOOK),
    "state-conflict": Advice("The order is not in a state that allows it.", _LOOK),
    "illegal-transition": Advice("The table of moves has no such move.", "Take one of `allowed`."),
    "row-damaged": Advice(
        "A row of the database, written by another program, cannot be read.",
        "The shop's operator finds and mends it with `ordercast repair`.",
    ),
    "idempotency-key-reused": Advice(
        "The same `Idempotency-Key` came with another body.", "Make a new key for each thing that is to be done."
    ),
    "request-running": Advice("The first request with this `Idempotency-Key` is not answered yet.", _AGAIN),
    "malformed-body": Advice("The body is not JSON.", "Send one JSON object, in UTF-8."),
    "unsupported-media-type": Advice("The body is of another kind.", "Send `Content-Type: application/json`."),
    "sign-in-required": Advice("A token is needed.", "Send `Authorization: Bearer ...`, from `POST /api/auth/login`."),
    "sign-in-refused": Advice("The address or the password is wrong.", "Type both again."),
    "refresh-refused": Advice("There is no sign-in to go on with.", "Sign in again."),
    "issuer-silent": Advice("The keys of the token's issuer cannot be had just now.", _AGAIN),
    "origin-refused": Advice(
        "A page of another site asked.", "The shop's operator lets it in with `ORDERCAST_CORS_ORIGINS`."
    ),
    "host-refused": Advice(
        "The request was addressed to a host that is not this shop's.",
        "The shop's operator names it in `ORDERCAST_ALLOWED_HOSTS`.",
    ),
    "token-refused": Advice(
        "The token is expired, revoked, or not signed by this shop; `code` says which.", "Refresh it, or sign in again."
    ),
    "too-many-attempts": Advice(
        "A budget of the caller is spent; `budget` names it.", "Wait for `Retry-After` seconds."
    ),
    "too-many-watches": Advice("The socket watches as many orders as it may.", "Send `unwatch_order` for some."),
    "rule-broken": Advice("A rule of the database refuses the change.", "Mend what `detail` names."),
    "overloaded": Advice("Too much is waiting to be done.", _AGAIN),
    "locked-elsewhere": Advice("Another program holds what the change needs.", _AGAIN),
    "store-unavailable": Advice("The database is not available.", _AGAIN),
    "bad-request": Advice("The request cannot be read.", "Look at its line and its headers."),
    "method-not-allowed": Advice("This address takes other methods.", "Look at the `Allow` header."),
    "body-too-large": Advice("The body is larger than the shop takes.", "Send less at a time."),
    "refused": Advice("The request was refused by its form.", "Read `detail`."),
    "internal": Advice(
        "Something went wrong on our side, and is in the log.",
        "Tell the shop's operator the `X-Request-ID` of the answer.",
    ),
}
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


def _page(kind: Kind) -> StaticResponse:
    advice = ADVICE[kind.slug]
    example = msgspec.json.format(
        msgspec.json.encode(Problem(f"/problems/{kind.slug}", kind.title, kind.status, _plain(advice.means)))
    ).decode()
    parts = [
        f"<p>HTTP status {kind.status}, <code>/problems/{kind.slug}</code></p>",
        f"<h2>What it means</h2><p>{_marked(advice.means)}</p>",
        f"<h2>What to do</h2><p>{_marked(advice.to_do)}</p>",
        f"<h2>Example</h2><pre>{escape(example)}</pre>",
    ]
    return StaticResponse(
        _PAGE.format(title=escape(kind.title), body="\n".join(parts)).encode(), MediaType.HTML, _HEADERS
    )


def _plain(text: str) -> str:
    return text.replace("`", "")


def _marked(text: str) -> str:
    """With code between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _list() -> StaticResponse:
    rows = [
        f'<li><a href="/problems/{kind.slug}">{escape(kind.title)}</a> <code>{kind.slug}</code> ({kind.status})</li>'
        for kind in sorted(kinds().values(), key=lambda kind: (kind.status, kind.slug))
    ]
    content = _PAGE.format(title="Problems", body=f"<ul>{''.join(rows)}</ul>")
    return StaticResponse(content.encode(), MediaType.HTML, _HEADERS)


_PAGES: Final = {slug: _page(kind) for slug, kind in kinds().items() if slug in ADVICE}
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
