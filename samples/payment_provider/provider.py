"""A payment provider for Ordercast: copy it, and speak to your bank where this keeps rows. Python's own library alone.

    export PAYMENTS_SECRET=whsec_$(openssl rand -base64 32)
    python3 provider.py 127.0.0.1:4000 payments.db http://127.0.0.1:3000
    ORDERCAST_PAYMENTS=http ORDERCAST_PAYMENTS_HTTP_URL=http://127.0.0.1:4000/ \\
        ORDERCAST_PAYMENTS_HTTP_SECRET=$PAYMENTS_SECRET ordercast serve

The protocol is docs/guides/payment-provider.md. Whatever comes with a key is done once, in one transaction with its
answer: so Ordercast may ask as often as it has to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRETS = os.environ["PAYMENTS_SECRET"].split()  # two, while one is changed: both sign, and either is believed
TOLERANCE_S = 300
BODY_BYTES_MAX = 65_536
SEND_AGAIN_S = 5.0
WAKE = threading.Event()
SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS payments (
        reference TEXT PRIMARY KEY, key TEXT UNIQUE, currency TEXT, exponent INT, amount INT, status TEXT,
        captured INT DEFAULT 0, refunded INT DEFAULT 0, return_url TEXT
    );
    CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, question TEXT, status INT, answer TEXT);
    CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, body TEXT);
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>Pay</title><h1>Pay {amount} {currency}?</h1><form method="post">
<button name="answer" value="yes">Pay</button> <button name="answer" value="no">Do not</button></form>"""
DONE = b'<!doctype html><meta charset="utf-8"><title>Pay</title><p>Done. You can close this page.</p>'


class Refused(Exception):
    """Nothing was done, and never will be: `declined`, `unknown_token`, `unknown_payment` or `refused`."""


# --- Signatures: Standard Webhooks, both ways ------------------------------------------------------------------------


def signature(secret: str, message_id: str, sent_at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), sent_at.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def is_signed(headers, body: bytes) -> bool:
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    given = headers.get("webhook-signature", "").split()
    ours = [signature(secret, message_id, sent_at, body) for secret in SECRETS]
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in ours for other in given)


# --- What is asked ---------------------------------------------------------------------------------------------------


def authorize(db: sqlite3.Connection, ask: dict) -> dict:
    token = ask.get("token", "tok_saved")
    if token == "tok_declined":
        raise Refused("declined", "The bank said no.")
    if token not in ("tok_visa", "tok_redirect", "tok_saved"):
        raise Refused("unknown_token", "There is no such card.")
    status = "action_required" if token == "tok_redirect" else "authorized"
    reference = "pay_" + uuid.uuid4().hex
    names = "reference, key, currency, exponent, amount, status, return_url"
    row = (reference, ask["key"], ask["currency"], ask["exponent"], ask["amount"], status, ask.get("returnUrl", ""))
    db.execute(f"INSERT INTO payments ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    answer = payment(db, reference)
    answer["payment"]["card"] = {"brand": "visa", "last4": "4242"}
    if "save" in ask and status == "authorized":
        answer["payment"]["saved"] = {"reference": f"card_{token[4:]}", "owner": ask["save"]["customerId"]}
    return answer


def capture(db: sqlite3.Connection, ask: dict) -> dict:
    found = payment(db, ask["reference"], must=True)["payment"]
    if found["status"] == "authorized":
        change = "UPDATE payments SET status = 'captured', captured = ? WHERE reference = ?"
        db.execute(change, (ask["amount"], ask["reference"]))
    elif found["status"] != "captured":
        raise Refused("refused", f"The payment is {found['status']}.")
    return payment(db, ask["reference"])


def void(db: sqlite3.Connection, ask: dict) -> dict:
    payment(db, ask["reference"], must=True)
    change = "UPDATE payments SET status = 'voided' WHERE reference = ? AND status <> 'captured'"
    db.execute(change, (ask["reference"],))
    return payment(db, ask["reference"])


def refund(db: sqlite3.Connection, ask: dict) -> dict:
    found = payment(db, ask["reference"], must=True)["payment"]
    if found["refunded"] + ask["amount"] > found["captured"]:
        raise Refused("refused", "That is more than is left of the payment.")
    change = "UPDATE payments SET refunded = refunded + ? WHERE reference = ?"
    db.execute(change, (ask["amount"], ask["reference"]))
    name = "re_" + uuid.uuid4().hex
    made = {"reference": name, "status": "succeeded", "amount": ask["amount"], "currency": ask["currency"]}
    return {"refund": made}


def payment(db: sqlite3.Connection, value: str, *, by: str = "reference", must: bool = False) -> dict:
    names = ("reference", "currency", "amount", "status", "captured", "refunded")
    row = db.execute(f"SELECT {', '.join(names)} FROM payments WHERE {by} = ?", (value,)).fetchone()
    if row is None and must:
        raise Refused("unknown_payment", "There is no such payment.")
    if row is None:
        return {"payment": None}
    found = dict(zip(names, row, strict=True))
    if found["status"] == "action_required":
        found["action"] = {"url": f"{Service.url}/pay/{found['reference']}"}
    return {"payment": found}


def forget_card(_db: sqlite3.Connection, _ask: dict) -> dict:
    return {}


DEEDS = {"authorize": authorize, "capture": capture, "void": void, "refund": refund, "forget_card": forget_card}
QUESTIONS = {
    "lookup": lambda db, ask: payment(db, ask["reference"]),
    "find": lambda db, ask: payment(db, ask["paymentKey"], by="key"),
}


def answered(db: sqlite3.Connection, body: bytes) -> tuple[int, bytes]:
    """Do it once, whatever the number of times that it is asked for."""
    ask = json.loads(body)
    if ask["operation"] in QUESTIONS:
        return 200, json.dumps(QUESTIONS[ask["operation"]](db, ask)).encode()
    db.execute("BEGIN IMMEDIATE")
    known = db.execute("SELECT question, status, answer FROM answers WHERE key = ?", (ask["key"],)).fetchone()
    if known is not None:
        if known[0] != body.decode():
            return 422, b'{"error":{"code":"refused","message":"Another request had this key."}}'
        return known[1], known[2].encode()
    try:
        if ask["operation"] not in DEEDS:
            raise Refused("refused", "This service does not know how.")
        status, answer = 200, DEEDS[ask["operation"]](db, ask)
    except Refused as refused:
        code, message = refused.args
        status, answer = 422, {"error": {"code": code, "message": message}}
    row = (ask["key"], body.decode(), status, json.dumps(answer))
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", row)
    return status, row[3].encode()


# --- What is told ----------------------------------------------------------------------------------------------------


def note_event(db: sqlite3.Connection, kind: str, **data: object) -> None:
    """Keep an event, in the transaction of what it tells; it is sent until it was answered with 200."""
    event = json.dumps({"type": kind, "data": data})
    db.execute("INSERT INTO events VALUES (?, ?)", (f"evt_{uuid.uuid4().hex}", event))


def send_events() -> None:
    db = connect()
    while True:
        for event_id, body in db.execute("SELECT id, body FROM events ORDER BY rowid").fetchall():
            try:
                send(event_id, body.encode())
            except OSError as error:
                print(f"{event_id} was not taken, and is sent again: {error}", file=sys.stderr)
                break
            db.execute("DELETE FROM events WHERE id = ?", (event_id,))
        WAKE.wait(SEND_AGAIN_S)
        WAKE.clear()


def send(event_id: str, body: bytes) -> None:
    sent_at = str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(signature(secret, event_id, sent_at, body) for secret in SECRETS),
    }
    message = urllib.request.Request(f"{Service.shop}/api/payments/webhook/http", body, headers)
    urllib.request.urlopen(message, timeout=10).close()


def connect() -> sqlite3.Connection:
    return sqlite3.connect(Service.database, isolation_level=None)


# --- HTTP ------------------------------------------------------------------------------------------------------------


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer in one write
    database = url = shop = ""

    def setup(self) -> None:
        """Each connection has a thread and a database connection, which end with it: half done is undone."""
        super().setup()
        self.db = connect()

    def finish(self) -> None:
        self.db.close()
        super().finish()

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        if not 0 <= length <= BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413, b"{}")
        body = self.rfile.read(length)
        if self.path.startswith("/pay/"):
            return self.choose(self.path.removeprefix("/pay/"), is_let=body == b"answer=yes")
        if not is_signed(self.headers, body):
            return self.answer(401, b"{}")
        answer = answered(self.db, body)
        if self.db.in_transaction:
            self.db.execute("COMMIT")  # before it is told: what was told has happened
        return self.answer(*answer)

    def do_GET(self) -> None:
        """The page to which a customer is sent who pays with `tok_redirect`: here would be your bank's."""
        wanted = "SELECT amount, exponent, currency FROM payments WHERE reference = ?"
        row = self.db.execute(wanted, (self.path.removeprefix("/pay/"),)).fetchone()
        if row is None:
            return self.answer(404, b"")
        amount, exponent, currency = row
        page = PAGE.format(amount=f"{amount / 10**exponent:,.{exponent}f}", currency=html.escape(currency))
        return self.answer(200, page.encode(), "text/html; charset=utf-8")

    def choose(self, reference: str, *, is_let: bool) -> None:
        """The customer has confirmed, or has not."""
        db = self.db
        status = "authorized" if is_let else "failed"
        change = "UPDATE payments SET status = ? WHERE reference = ? AND status = 'action_required' RETURNING 1"
        db.execute("BEGIN IMMEDIATE")
        if db.execute(change, (status, reference)).fetchone():
            note_event(db, f"payment.{status}", payment=reference)
        db.execute("COMMIT")
        WAKE.set()
        row = db.execute("SELECT return_url FROM payments WHERE reference = ?", (reference,)).fetchone()
        if row is None:
            return self.answer(404, b"")
        if not row[0]:  # an order that came from no page has none to come back to
            return self.answer(200, DONE, "text/html; charset=utf-8")
        return self.answer(303, b"", location=row[0])

    def answer(self, status: int, body: bytes, kind: str = "application/json", location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet: a request may carry a token."""


def main() -> None:
    address, Service.database, Service.shop = sys.argv[1:4]
    host, _, port = address.rpartition(":")
    connect().executescript(SCHEMA)
    server = ThreadingHTTPServer((host, int(port)), Service)
    Service.url = os.environ.get("PAYMENTS_URL", f"http://{host}:{server.server_address[1]}")  # where browsers find it
    print(f"Taking payments on {Service.url}", flush=True)
    threading.Thread(target=send_events, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
