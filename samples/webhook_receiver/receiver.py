"""Takes webhooks of Ordercast: copy it, and do your work where this prints. Python 3.11 or newer, no package.

    export WEBHOOK_SECRET=whsec_...     # what POST /api/webhook-endpoints answered
    python3 receiver.py 9000

With Flask or FastAPI it is the same: verify the body as it came, before it is parsed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["WEBHOOK_SECRET"]
TOLERANCE_S = 300
BODY_BYTES_MAX = 1_000_000

# Keep these in your database, in the transaction of what you do: an event may come again, under the same id.
seen: set[str] = set()


def is_signed(headers, body: bytes) -> bool:
    """Standard Webhooks: one signature of several is enough, for two come while a secret is rotated."""
    event_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit()) or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    ours = b"v1," + base64.b64encode(digest)
    return any(hmac.compare_digest(ours, each.encode()) for each in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length) if length <= BODY_BYTES_MAX else b""
        if not is_signed(self.headers, body):
            self.answer(401)
            return
        event = json.loads(body)
        if event["id"] not in seen:
            seen.add(event["id"])
            print(event["type"], event["id"], flush=True)  # your work: briefly, or put it into a queue
        self.answer(204)  # anything but 2xx, or nothing within 15 seconds: it comes again

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None: ...


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"Taking webhooks on http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()
