"""The HTTP provider: what goes over the wire, and that whatever is no answer is none."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from standardwebhooks import Webhook

from ordercast.commerce.errors import InvalidField, PaymentDeclined, ProviderRefused, ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payments import (
    Captured,
    CardToken,
    Charge,
    PaymentAction,
    ProviderPayment,
    Refunded,
    RefundPending,
    SavedCard,
    Voided,
)
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_signatures import check_standard
from ordercast.payments.events import read_event
from ordercast.payments.providers.http import HttpProvider, client
from ordercast.payments.providers.http.messages import EmptyResponse, FoundAnswer, RefundAnswer, Request

from .services import SECRET, SECRET_PREVIOUS

TOTAL = Money(11_250, "BDT")
CHARGE = Charge("ord_1", "ord_1", TOTAL, CardToken("tok_visa"), "https://shop.example.com/track/ord_1")
SINCE = Timestamp("2026-01-01T00:00:00.000Z")
SAVED = SavedCard("card_7", "cus_1")


def payment(**changes: Any) -> dict[str, Any]:
    held = {"reference": "pay_7", "status": "authorized", "currency": "BDT", "amount": 11_250}
    return {"payment": {**held, **changes}}


def http(body: object, status: str = "200 OK", **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(content)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Service:
    """Answers each request with the next of `answers`, byte for byte; the last one again and again. Empty: it hangs up
    without a word; None: it says nothing.
    """

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            first, *lines = head.decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.heard.append((first, headers, await reader.readexactly(int(headers["content-length"]))))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                continue
            writer.write(answer)
            if not answer or b"\r\n\r\n" not in answer:
                break
        writer.close()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.heard]

    def hang_up(self) -> None:
        for writer in self._open:
            writer.close()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await service.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/ordercast?shop=1"
    yield service
    service.hang_up()
    listening.close()


@pytest.fixture
async def provider(service: Service) -> AsyncIterator[HttpProvider]:
    provider = HttpProvider(service.url, [SECRET, SECRET_PREVIOUS], "bKash", retry_after_s=(0, 0))
    yield provider
    await provider.close()


# --- What is asked ----------------------------------------------------------------------------------------------------


async def test_every_request_is_one_signed_post_with_its_operation_in_the_signed_body(
    service: Service, provider: HttpProvider
) -> None:
    refund = {"refund": {"reference": "re_1", "status": "succeeded", "amount": 400, "currency": "BDT"}}
    captured, voided = payment(status="captured", captured=11_250), payment(status="voided")
    service.answers = [
        *map(http, [payment(), payment(), captured, voided, refund, payment(), {"payment": None}, {}]), b""
    ]  # fmt: skip
    await provider.authorize(CHARGE)
    await provider.authorize(Charge("pay_2", "ord_1", TOTAL, SAVED))
    await provider.capture("pay_7", TOTAL, "ord_1:capture")
    await provider.void("pay_7", "ord_1:void")
    await provider.refund("pay_7", Money(400, "BDT"), "ord_1:refund:1")
    await provider.lookup("pay_7")
    await provider.find("ord_1", SINCE)
    await provider.forget_card(SAVED, "pm_1:forget")
    money = {"amount": 11_250, "currency": "BDT", "exponent": 2}
    first = {"orderId": "ord_1", "token": "tok_visa", "returnUrl": "https://shop.example.com/track/ord_1"}
    card = {"reference": "card_7", "owner": "cus_1"}
    fresh = [body["key"] for body in service.bodies[5:7]]
    assert service.bodies == [
        {"operation": "authorize", "key": "ord_1", **first, **money},
        {"operation": "authorize", "key": "pay_2", "orderId": "ord_1", "savedCard": card, **money},
        {"operation": "capture", "key": "ord_1:capture", "reference": "pay_7", **money},
        {"operation": "void", "key": "ord_1:void", "reference": "pay_7"},
        {"operation": "refund", "key": "ord_1:refund:1", "reference": "pay_7", **money, "amount": 400},
        {"operation": "lookup", "key": fresh[0], "reference": "pay_7"},
        {"operation": "find", "key": fresh[1], "paymentKey": "ord_1", "since": SINCE},
        {"operation": "forget_card", "key": "pm_1:forget", "savedCard": card},
    ]
    assert fresh[0] != fresh[1]
    for line, headers, body in service.heard:
        assert line == "POST /ordercast?shop=1 HTTP/1.1"
        assert (headers["content-type"], headers["accept-encoding"]) == ("application/json", "identity")
        assert headers["webhook-id"] == json.loads(body)["key"]
        # By the secret of now and the one before: whichever the service knows.
        for secret in (SECRET, SECRET_PREVIOUS):
            assert Webhook(secret).verify(body, headers) == json.loads(body)


async def test_a_key_that_no_header_could_carry_is_signed_under_another_name(
    service: Service, provider: HttpProvider
) -> None:
    service.answers = [http(payment(status="voided"))]
    await provider.void("pay_7", "bestellung ü\r\n:void")
    ((_, headers, body),) = service.heard
    assert headers["webhook-id"] == "bestellung%20%C3%BC%0D%0A:void"
    assert json.loads(body)["key"] == "bestellung ü\r\n:void"
    Webhook(SECRET).verify(body, headers)


# --- What is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "action"),
    [
        ({}, PaymentStatus.AUTHORIZED, None),
        ({"status": "captured", "captured": 11_250}, PaymentStatus.PAID, None),
        (
            {"status": "action_required", "action": {"url": "https://pay.example.com/7"}},
            PaymentStatus.UNPAID,
            PaymentAction("https://pay.example.com/7"),
        ),
        ({"newer": [1], "refunded": 0, "disputed": False, "action": None}, PaymentStatus.AUTHORIZED, None),
    ],
)  # fmt: skip
async def test_a_payment_is_taken_as_it_is_answered(
    service: Service, provider: HttpProvider, answer: dict[str, Any], status: PaymentStatus, action: object
) -> None:
    service.answers = [http(payment(card={"brand": "bKash", "last4": "4242"}, **answer))]
    taken = await provider.authorize(CHARGE)
    assert (taken.status, taken.action, taken.reference, taken.amount) == (status, action, "pay_7", TOTAL)
    assert (taken.info.brand, taken.info.last4, taken.provider, taken.saved) == ("bKash", "4242", "http", None)


async def test_a_card_is_kept_where_that_was_asked_for(service: Service, provider: HttpProvider) -> None:
    service.answers = [http(payment(saved={"reference": "card_7", "owner": "c"}, card={"last4": "4242"}))]
    kept = CardToken("tok_visa", save_for="cus_1")
    taken = await provider.authorize(Charge("k", "ord_1", TOTAL, kept))
    assert taken.saved == SavedCard("card_7", "c", None, "4242")
    assert service.bodies[0]["save"] == {"customerId": "cus_1"}


async def test_deeds_are_told_as_they_were_done(service: Service, provider: HttpProvider) -> None:
    refund = {"reference": "re_1", "status": "pending", "amount": 400, "currency": "BDT"}
    service.answers = [
        http(payment(status="captured", captured=600)),
        http(payment(status="captured", captured=600)),
        http(payment(status="failed")),
        http({"refund": refund}),
        http({"refund": {**refund, "status": "succeeded"}}),
        http({"refund": {**refund, "status": "failed"}}),
        http(payment(status="captured", captured=600, refunded=500, disputed=True)),
    ]
    assert await provider.capture("pay_7", TOTAL, "c") == Captured(600)
    assert await provider.void("pay_7", "v") == Captured(600)
    assert await provider.void("pay_7", "w") == Voided()
    assert await provider.refund("pay_7", Money(400, "BDT"), "r") == RefundPending("re_1", 400, "r")
    assert await provider.refund("pay_7", Money(400, "BDT"), "s") == Refunded("re_1", 400, "s")
    with pytest.raises(ProviderRefused):
        await provider.refund("pay_7", Money(400, "BDT"), "t")
    found = ProviderPayment("pay_7", "BDT", 600, 500, is_disputed=True)
    assert await provider.lookup("pay_7") == found


REFUSED = "422 Unprocessable Content"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("declined", PaymentDeclined),
        ("unknown_token", InvalidField),
        ("refused", ProviderRefused),
        ("a_code_of_tomorrow", ProviderRefused),
    ],
)
async def test_a_refusal_says_why_by_its_code(
    service: Service, provider: HttpProvider, code: str, error: type[Exception]
) -> None:
    service.answers = [http({"error": {"code": code, "message": "Not today"}}, REFUSED)]
    with pytest.raises(error):
        await provider.authorize(CHARGE)
    assert len(service.heard) == 1


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Not today", "Not today."),
        ("আজ নয়।", "আজ নয়।"),
        ("a\u202eb", "The payment provider refused."),
        ("4242424242424242", "The payment provider refused."),
    ],
)
async def test_a_refusals_words_are_shown_to_people_if_they_show_as_they_are(
    service: Service, provider: HttpProvider, message: str, shown: str
) -> None:
    service.answers = [http({"error": {"code": "refused", "message": message}}, REFUSED)]
    for deed in (
        provider.capture("pay_7", TOTAL, "c"),
        provider.void("pay_7", "v"),
        provider.refund("pay_7", TOTAL, "r"),
    ):
        with pytest.raises(ProviderRefused, match=re.escape(shown)):
            await deed


async def test_a_payment_that_has_ended_is_declined_or_refused(service: Service, provider: HttpProvider) -> None:
    service.answers = [http(payment(status="failed")), http(payment(status="voided"))]
    with pytest.raises(PaymentDeclined):
        await provider.authorize(CHARGE)
    with pytest.raises(ProviderRefused):
        await provider.capture("pay_7", TOTAL, "c")


# --- What is no answer ------------------------------------------------------------------------------------------------

NO_PAYMENT: dict[str, bytes] = {
    "no JSON": http(b"<html>"),
    "not UTF-8": http(b'{"payment":{"reference":"\xff"}}'),
    "deep": http(b"[" * 8_000),
    "nothing": http(b""),
    "null": http({"payment": None}),
    "another shape": http({"paymentId": "pay_7"}),
    "a number as text": http(payment(amount="11250")),
    "a fraction": http(payment(amount=112.5)),
    "more than there can be": http(payment(amount=10**14)),
    "a huge number": http(b'{"payment":{"amount":1e400}}'),
    "below zero": http(payment(captured=-1)),
    "an unknown status": http(payment(status="done")),
    "another currency": http(payment(currency="USD")),
    "no currency": http(payment(currency="taka")),
    "another amount": http(payment(amount=11_249)),
    "captured beyond it": http(payment(status="captured", captured=11_251)),
    "captured in part": http(payment(status="captured", captured=100)),
    "refunded beyond it": http(payment(status="captured", captured=11_250, refunded=11_251)),
    "held and captured": http(payment(captured=11_250)),
    "captured nothing": http(payment(status="captured")),
    "a name with a line break": http(payment(reference="pay\n7")),
    "a name that hides": http(payment(reference="pay\u202e7")),
    "a name too long": http(payment(reference="p" * 256)),
    "no name": http(payment(reference="")),
    "no way to the bank": http(payment(status="action_required")),
    "a script for a way": http(payment(status="action_required", action={"url": "javascript:alert(1)"})),
    "a way in the clear": http(payment(status="action_required", action={"url": "http://pay.example.com"})),
    "a broken way": http(payment(status="action_required", action={"url": "https://[::1"})),
    "a way where none is needed": http(payment(action={"url": "https://pay.example.com"})),
    "a brand that hides": http(payment(card={"brand": "\u202evisa"})),
    "a card number": http(payment(card={"brand": "4242424242424242"})),
    "five digits of it": http(payment(card={"last4": "42424"})),
    "too long": http(b" " * (client.ANSWER_BYTES_MAX + 1)),
    "packed": http(gzip.compress(json.dumps(payment()).encode()), **{"content-encoding": "gzip"}),
    "sent elsewhere": http(payment(), "302 Found", location="http://127.0.0.1:1/"),
    "moved for good": http(payment(), "308 Permanent Redirect", location="http://127.0.0.1:1/"),
    "not believed": http(b"{}", "401 Unauthorized"),
    "a proxy's not found": http(b"<html>404</html>", "404 Not Found"),
    "a refusal that is none": http(b"{}", REFUSED),
    "created": http(payment(), "201 Created"),
}


@pytest.mark.parametrize("answer", NO_PAYMENT.values(), ids=NO_PAYMENT)
async def test_what_is_no_answer_leaves_it_unknown(service: Service, provider: HttpProvider, answer: bytes) -> None:
    service.answers = [answer]
    with pytest.raises(ProviderUnavailable):
        await provider.authorize(CHARGE)
    assert len(service.heard) == 1  # asked at once, it would say the same


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda p: p.capture("pay_7", TOTAL, "c"), payment()),
        (lambda p: p.capture("pay_7", TOTAL, "c"), payment(reference="pay_8", status="captured", captured=11_250)),
        (lambda p: p.capture("pay_7", TOTAL, "c"), payment(currency="USD", status="captured", captured=11_250)),
        (lambda p: p.void("pay_7", "v"), payment()),
        (lambda p: p.void("pay_7", "v"), payment(reference="pay_8", status="voided")),
        (
            lambda p: p.refund("pay_7", TOTAL, "r"),
            {"refund": {"reference": "r", "status": "succeeded", "amount": 11_251, "currency": "BDT"}},
        ),
        (
            lambda p: p.refund("pay_7", TOTAL, "r"),
            {"refund": {"reference": "r", "status": "succeeded", "amount": 11_250, "currency": "USD"}},
        ),
        (lambda p: p.refund("pay_7", TOTAL, "r"), payment()),
        (lambda p: p.lookup("pay_7"), payment(reference="pay_8")),
        (lambda p: p.find("k", SINCE), {}),
        (lambda p: p.forget_card(SAVED, "pm_1:forget"), [1]),
    ],
)
async def test_an_answer_to_another_question_is_none(
    service: Service, provider: HttpProvider, ask: Callable[[HttpProvider], Any], answer: object
) -> None:
    service.answers = [http(answer)]
    with pytest.raises(ProviderUnavailable):
        await ask(provider)


@pytest.mark.parametrize("ask", [lambda p: p.lookup("pay_7"), lambda p: p.find("k", SINCE)])
async def test_a_question_that_is_refused_is_not_answered_by_none(
    service: Service, provider: HttpProvider, ask: Callable[[HttpProvider], Any]
) -> None:
    service.answers = [http({"error": {"code": "refused"}}, REFUSED)]
    with pytest.raises(ProviderUnavailable):
        await ask(provider)


@pytest.mark.parametrize(
    "trouble",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-le", http(b"", "503 Busy"), http(b"", "409 Conflict"), http(b"{}", "500 Oh")],
    ids=["hangs up", "hangs up in the middle", "503", "409", "500"],
)
async def test_where_no_answer_came_it_is_asked_again_with_the_same_key(
    service: Service, provider: HttpProvider, trouble: bytes
) -> None:
    service.answers = [trouble, trouble, http(payment())]
    assert (await provider.authorize(CHARGE)).reference == "pay_7"
    assert len(service.heard) == 3
    assert len({headers["webhook-id"] for _, headers, _ in service.heard}) == 1
    assert len({body for _, _, body in service.heard}) == 1
    service.answers = [trouble]
    with pytest.raises(ProviderUnavailable):
        await provider.authorize(CHARGE)
    assert len(service.heard) == 6


async def test_a_service_that_says_nothing_is_not_waited_for(
    service: Service, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ATTEMPT_S_MAX", 0.05)
    service.answers = [None]
    with pytest.raises(ProviderUnavailable):
        await provider.authorize(CHARGE)
    monkeypatch.setattr(client, "ATTEMPT_S_MAX", 10.0)
    monkeypatch.setattr(client, "CALL_S_MAX", 0.05)
    with pytest.raises(ProviderUnavailable):
        await provider.authorize(CHARGE)


async def test_nobody_at_the_address_is_no_answer() -> None:
    nobody = HttpProvider("http://127.0.0.1:9/", [SECRET], retry_after_s=())
    with pytest.raises(ProviderUnavailable):
        await nobody.authorize(CHARGE)
    await nobody.close()


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
async def test_a_service_for_whose_certificate_nobody_vouches_is_told_nothing(tmp_path: Path, scheme: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    pem, private = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), tmp_path / "service.pem"
    private.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private)
    heard: list[object] = []
    listening = await asyncio.start_server(lambda *streams: heard.append(streams), "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    provider = HttpProvider(f"{scheme}://127.0.0.1:{port}/", [SECRET], retry_after_s=())
    with pytest.raises(ProviderUnavailable):
        await provider.authorize(CHARGE)
    assert heard == []
    await provider.close()
    listening.close()


def test_its_name_is_the_shops_and_its_path_is_shown_nowhere() -> None:
    assert HttpProvider("https://pay.example.com/secret", [SECRET], "bKash").title == "bKash"
    unnamed = HttpProvider("https://pay.example.com/secret", [SECRET])
    assert (unnamed.title, repr(unnamed)) == ("pay.example.com", "<HttpProvider pay.example.com>")


# --- Its protocol, as it is written down ------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[2] / "docs/guides/payment-provider.md"


def test_the_guide_shows_what_is_asked_and_what_may_be_answered() -> None:
    shown = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)]
    asked = [msgspec.convert(each, Request) for each in shown if "operation" in each]
    assert [msgspec.to_builtins(each) for each in asked] == [each for each in shown if "operation" in each]
    assert [each.operation for each in asked] == [
        "authorize", "capture", "void", "refund", "lookup", "find", "forget_card",
    ]  # fmt: skip
    for answer in [each for each in shown if "operation" not in each]:
        kind = {"payment": FoundAnswer, "refund": RefundAnswer}.get(next(iter(answer), ""), EmptyResponse)
        msgspec.convert(answer, kind)


def test_the_guides_signed_request_is_signed() -> None:
    text = GUIDE.read_text()
    secret = re.search(r"`(whsec_\S+)`", text)
    example = re.search(r"```http\nPOST /ordercast HTTP/1.1\n(.*?)\n\n(.*?)\n```", text, re.DOTALL)
    assert secret is not None
    assert example is not None
    headers = dict(line.split(": ") for line in example[1].splitlines())
    at = float(headers["webhook-timestamp"])
    assert check_standard((secret[1],), example[2].encode(), headers, at) == "ord_01k5:capture"
    assert example[2].encode() == msgspec.json.encode(msgspec.json.decode(example[2], type=Request))


def test_the_guides_event_is_one() -> None:
    body = re.search(r"webhook/http HTTP.*?\n\n(.*?)\n```", GUIDE.read_text(), re.DOTALL)
    assert body is not None
    event = read_event("evt_1", body[1].encode(), needs_currency=True)
    assert (event.fact, event.payment) == (Refunded("re_1", 4_000, "ord_01k5:refund:1"), "pay_7")
