"""A server that answers as Stripe's documentation says of the calls that we make: its own keys, forms, idempotency and
error objects. It is strict where Stripe is: a call that Stripe would refuse is refused here.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SECRET_KEY = "sk_test_of_the_stand_in"
CARDS = {
    "tok_visa": ("pm_visa", "visa", "4242"),
    "tok_mastercard": ("pm_mastercard", "mastercard", "4444"),
    "tok_chargeDeclined": ("pm_declined", "visa", "0002"),
    "tok_threeDSecure": ("pm_secure", "visa", "3220"),
}

Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    def __init__(self, status: int, kind: str, code: str, **more: Any) -> None:
        self.answer: Answer = (status, {"error": {"type": kind, "code": code, "message": f"No: {code}.", **more}})


class StripeStandIn:
    """Its books are open: `intents`, `refunds`. `fail_next` makes the next call end in that way: a status code that
    is answered without doing anything, ``"lost"`` for a deed whose answer never arrives.
    """

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.detached: list[str] = []
        self.disputes: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, str | None]] = []
        self.fail_next: list[int | str] = []
        self._remembered: dict[str, tuple[str, dict[str, str], Answer]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one write: apart, each answer waits 40 ms for a delayed ACK

            def do_GET(self) -> None:
                self._answer(dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                assert not body or self.headers["content-type"] == "application/x-www-form-urlencoded"
                self._answer(dict(parse_qsl(body, strict_parsing=bool(body))))

            def _answer(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                with stand_in._lock:
                    answered = stand_in._serve(
                        self.command, path, form, {name.lower(): value for name, value in self.headers.items()}
                    )
                if answered is None:
                    self.close_connection = True
                    return
                content = json.dumps(answered[1]).encode()
                self.send_response(answered[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _serve(self, method: str, path: str, form: dict[str, str], headers: dict[str, str]) -> Answer | None:
        key = headers.get("idempotency-key")
        self.calls.append((method, path, key))
        wanted = "Basic " + base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        if headers.get("authorization") != wanted:
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
        failure = self.fail_next.pop(0) if self.fail_next else None
        if isinstance(failure, int):
            return failure, {"error": {"type": "api_error", "message": "Try again"}}
        if method == "POST":
            assert key, "a POST without an Idempotency-Key could be done twice"
            answered = self._once(key, path, form)
        else:
            answered = self._do(method, path, form)
        return None if failure == "lost" else answered

    def _once(self, key: str, path: str, form: dict[str, str]) -> Answer:
        if key in self._remembered:
            former_path, former_form, answered = self._remembered[key]
            if (former_path, former_form) != (path, form):
                return 400, {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests ..."}}
            return answered
        answered = self._do("POST", path, form)
        self._remembered[key] = (path, form, answered)
        return answered

    def _do(self, method: str, path: str, form: dict[str, str]) -> Answer:
        for (verb, pattern), deed in _ROUTES.items():
            match = re.fullmatch(f"/v1/{pattern}", path)
            if verb != method or match is None:
                continue
            try:
                return 200, deed(self, form, *match.groups())
            except Refused as refused:
                return refused.answer
        return 404, {"error": {"type": "invalid_request_error", "message": "Unrecognized request URL"}}

    # --- Objects ----------------------------------------------------------------------------------------------------

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        assert form["capture_method"] == "manual"
        assert form["confirm"] == "true"
        assert form["currency"].islower()
        token = form.get("payment_method_data[card][token]", form.get("payment_method", ""))
        by_method = {card[0]: card for card in CARDS.values()}
        card = CARDS.get(token) or by_method.get(token)
        if card is None:
            raise Refused(400, "invalid_request_error", "resource_missing", param="payment_method")
        method, brand, last4 = card
        if method == "pm_declined":
            raise Refused(402, "card_error", "card_declined", decline_code="generic_decline")
        is_secure, next_action = method == "pm_secure", None
        if is_secure:
            # With a return_url by a redirect, else by Stripe's own script.
            next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            if "return_url" in form:
                redirect = {"url": "https://hooks.stripe.com/3d_secure", "return_url": form["return_url"]}
                next_action = {"type": "redirect_to_url", "redirect_to_url": redirect}
        number = next(self._numbers)
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "amount_capturable": 0 if is_secure else int(form["amount"]),
            "amount_received": 0,
            "currency": form["currency"],
            "created": int(time.time()),
            "customer": form.get("customer"),
            "metadata": {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")},
            "payment_method": method,
            "status": "requires_action" if is_secure else "requires_capture",
            "client_secret": f"pi_{number}_secret_x",
            "next_action": next_action,
            "latest_charge": None
            if is_secure
            else {
                "id": f"ch_{number}",
                "amount_refunded": 0,
                "disputed": False,
                "payment_method_details": {"type": "card", "card": {"brand": brand, "last4": last4}},
            },
        }
        self.intents[f"pi_{number}"] = intent
        return intent

    def _intent(self, name: str) -> dict[str, Any]:
        if name not in self.intents:
            raise Refused(404, "invalid_request_error", "resource_missing", param="intent")
        return self.intents[name]

    def _list(self, form: dict[str, str]) -> dict[str, Any]:
        newest_first = list(self.intents.values())[::-1]
        found = [i for i in newest_first if int(form["created[gte]"]) <= i["created"] <= int(form["created[lte]"])]
        names = [intent["id"] for intent in found]
        begin = names.index(form["starting_after"]) + 1 if "starting_after" in form else 0
        page = found[begin : begin + 2]  # a short page, so that more than one is read
        return {"object": "list", "data": page, "has_more": begin + 2 < len(found)}

    def _capture(self, form: dict[str, str], name: str) -> dict[str, Any]:
        intent = self._intent(name)
        if intent["status"] != "requires_capture":
            raise Refused(400, "invalid_request_error", "payment_intent_unexpected_state", payment_intent=intent)
        intent.update(status="succeeded", amount_received=int(form["amount_to_capture"]), amount_capturable=0)
        return intent

    def _cancel(self, _form: dict[str, str], name: str) -> dict[str, Any]:
        intent = self._intent(name)
        if intent["status"] in {"succeeded", "canceled"}:
            raise Refused(400, "invalid_request_error", "payment_intent_unexpected_state", payment_intent=intent)
        intent.update(status="canceled", amount_capturable=0)
        return intent

    def _refund(self, form: dict[str, str]) -> dict[str, Any]:
        intent = self._intent(form["payment_intent"])
        charge, amount = intent["latest_charge"], int(form["amount"])
        if charge["amount_refunded"] + amount > intent["amount_received"]:
            raise Refused(400, "invalid_request_error", "charge_already_refunded")
        charge["amount_refunded"] += amount
        refund = {
            "id": f"re_{next(self._numbers)}",
            "object": "refund",
            "amount": amount,
            "payment_intent": intent["id"],
            "status": "succeeded",
            "metadata": {"task_id": form["metadata[task_id]"]},
        }
        self.refunds.append(refund)
        return refund

    def _customer(self, _form: dict[str, str]) -> dict[str, Any]:
        return {"id": f"cus_{next(self._numbers)}", "object": "customer"}

    def _detach(self, _form: dict[str, str], name: str) -> dict[str, Any]:
        self.detached.append(name)
        return {"id": name, "object": "payment_method"}


_ROUTES: dict[tuple[str, str], Callable[..., dict[str, Any]]] = {
    ("POST", "payment_intents"): StripeStandIn._create,
    ("GET", "payment_intents"): StripeStandIn._list,
    ("GET", "payment_intents/([^/]+)"): lambda self, _form, name: self._intent(name),
    ("POST", "payment_intents/([^/]+)/capture"): StripeStandIn._capture,
    ("POST", "payment_intents/([^/]+)/cancel"): StripeStandIn._cancel,
    ("POST", "refunds"): StripeStandIn._refund,
    ("POST", "customers"): StripeStandIn._customer,
    ("POST", "payment_methods/([^/]+)/detach"): StripeStandIn._detach,
    ("GET", "disputes"): lambda self, _form: {"object": "list", "data": self.disputes, "has_more": False},
}
