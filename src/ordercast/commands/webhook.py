"""``ordercast webhook``."""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, NoReturn

import uvloop
from cyclopts import App, Parameter
from cyclopts.validators import Number

from ordercast.commerce.currencies import is_in_use
from ordercast.commerce.errors import ProviderRefused
from ordercast.commerce.money import AMOUNT_MAX, Money
from ordercast.config import Settings
from ordercast.payments.sample_events import CAPTURED, SamplePayment, provider_called, sample, sign

from .process import DatabaseUrl, load_settings, started_store

if TYPE_CHECKING:
    import httpx

webhook = App(name="webhook", help="Webhooks of payment providers.")

# 2 is a missing or wrong setting, as for every command.
REFUSED: Final = 1
"""Exit code: the server rejected it, or there is no such order or booking."""
NOT_THERE: Final = 3
"""Exit code: no server answers."""
ANSWERED_WITHIN_S: Final = 10.0
SHOWN_MAX: Final = 400

Provider = Literal["stripe", "http", "sandbox", "standard"]


class _PaymentOptions(NamedTuple):
    """The payment's options."""

    provider: str
    amount: int | None
    currency: str | None
    pays_for: tuple[str, str] | None

    def sum_of(self, amount: int, currency: str) -> Money:
        """The given amount and currency, with these defaults."""
        return _money(amount if self.amount is None else self.amount, self.currency or currency)


class _Target(NamedTuple):
    payment: SamplePayment
    title: str


@webhook.command(name="send")
def send(
    *,
    provider: Annotated[
        Provider | None, Parameter(help="Who says it; who takes cards, if left out. `standard`: http or the sandbox.")
    ] = None,
    event: Annotated[
        str | None, Parameter(help="Its type, as the provider calls it; if left out, that all was captured.")
    ] = None,
    order: Annotated[str | None, Parameter(help="The order that it is about, by its id.")] = None,
    booking: Annotated[str | None, Parameter(help="The booking that it is about, by its id.")] = None,
    payment: Annotated[str | None, Parameter(help="The provider's name for the payment; no database is read.")] = None,
    amount: Annotated[
        int | None,
        Parameter(help="In minor units; if left out, all of it.", validator=Number(gte=0, lte=AMOUNT_MAX)),
    ] = None,
    currency: Annotated[str | None, Parameter(help="By ISO 4217; that of the order, if left out.")] = None,
    url: Annotated[str | None, Parameter(help="Where the shop is; this machine, if left out.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Post a sample of a payment provider's webhook, signed as the provider signs it: a payment reaches the screens
    without one.

    Ends with 0 where it was taken, 1 where the server refused it or there is no such order or booking, 2 where a
    setting is missing, 3 where no server answers.
    """
    settings = load_settings(make_secret=False, database_url=database_url)
    name = provider_called(settings, provider)
    sign(settings, name, "", b"", 0.0)  # before the database is read: report missing settings first
    if order is not None and booking is not None:
        _stop("a webhook is about an order or a booking, not both.")
    options = _PaymentOptions(name, amount, currency, _payable(order, booking))
    if options.pays_for is None or payment is not None:
        target = _Target(SamplePayment(payment or _fresh(), options.sum_of(100, "BDT"), options.pays_for), "")
    else:
        target = uvloop.run(_find(settings, options))
    _post(settings, name, event or CAPTURED[name], target, (url or _local(settings)).rstrip("/"))


def _payable(order: str | None, booking: str | None) -> tuple[str, str] | None:
    if order is not None:
        return "order", order
    return None if booking is None else ("booking", booking)


def _fresh() -> str:
    """The id of an unknown payment."""
    return f"pay_sample_{secrets.token_hex(6)}"


async def _find(settings: Settings, options: _PaymentOptions) -> _Target:
    """The payment of an order or booking; a new one that names it, if there is none."""
    from ordercast.db import ledger, payables  # noqa: PLC0415 - slow to load; a payment may be named without

    assert options.pays_for is not None
    noun, id_ = options.pays_for
    async with started_store(settings) as store:
        found = await store.read(lambda transaction: payables.find(transaction, id_))
        known = await store.read(lambda transaction: ledger.payment_of(transaction, id_))
    if found is None or found.noun != noun:
        _stop(f"there is no {noun} {id_} in this shop.")
    if known is not None and known[0] != options.provider:
        _stop(f"{noun} {found.number} is paid by {known[0]}: say so by --provider {known[0]}.")
    reference, pays_for = (_fresh(), options.pays_for) if known is None else (known[1], None)
    payment = SamplePayment(reference, options.sum_of(found.total, found.currency), pays_for)
    return _Target(payment, f" ({noun} {found.number})")


def _money(amount: int, currency: str) -> Money:
    if not is_in_use(currency.upper()):
        _stop(f"{currency} is no currency of ISO 4217.")
    return Money(amount, currency.upper())


def _local(settings: Settings) -> str:
    from ordercast.node_jobs import listener_url  # noqa: PLC0415 - slow to load; the address may be named

    return listener_url(settings, settings.port)


# --- Posting ----------------------------------------------------------------------------------------------------------


def _post(settings: Settings, provider: str, kind: str, target: _Target, url: str) -> None:
    event_id, now_s = f"evt_sample_{secrets.token_hex(8)}", time.time()
    try:
        body = sample(provider, kind, target.payment, event_id, now_s)
    except ProviderRefused as error:
        _stop(str(error))
    address = f"{url}/api/payments/webhook/{provider}"
    print(f"POST {address}")
    print(f"{kind} of {target.payment.reference}, {target.payment.amount}{target.title}")
    answer = _answer(address, body, sign(settings, provider, event_id, body, now_s))
    print(f"{answer.status_code} {answer.text[:SHOWN_MAX]}")
    if answer.status_code == 200:
        print(f"See what became of it: GET /api/payments/webhooks ({event_id}).")
        return
    if answer.status_code == 404:
        _stop(f"the server at {url} does not know the provider {provider}: it runs with other settings, or is no shop.")
    if answer.status_code == 400:
        _stop(f"the server at {url} does not believe it: it runs with another secret than this command.")
    _stop(f"the server at {url} did not take it.")


def _answer(address: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    import httpx  # noqa: PLC0415 - slow to load

    try:
        with httpx.Client(timeout=ANSWERED_WITHIN_S, trust_env=False) as client:
            return client.post(address, content=body, headers={**headers, "Content-Type": "application/json"})
    except httpx.InvalidURL as error:
        _stop(f"{address} is no address: {error}.")
    except httpx.UnsupportedProtocol:
        _stop(f"{address} is no address: it begins with http:// or https://.")
    except httpx.ConnectError:
        _stop(f"no server answers at {address}: is it running (`ordercast serve`)?", NOT_THERE)
    except httpx.HTTPError as error:
        _stop(f"no answer came from {address} ({type(error).__name__}).", NOT_THERE)


def _stop(sentence: str, code: int = REFUSED) -> NoReturn:
    print(f"ordercast: {sentence}", file=sys.stderr)
    sys.exit(code)
