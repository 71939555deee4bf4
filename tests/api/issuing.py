"""Another issuer: keys of its own, tokens signed with them, and a real server on loopback that publishes them."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://id.example.com"
AUDIENCE = "ordercast-shop"

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
STRANGER: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def described(algorithm: str, key_id: str | None = None, key: Any = None) -> dict[str, Any]:
    """A public key as a set of keys has it."""
    public = (key or KEYS[algorithm]).public_key()
    found = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {**found, "use": "sig", "alg": algorithm, "kid": key_id or algorithm}


def public_pem(algorithm: str) -> bytes:
    pem: bytes = KEYS[algorithm].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def issued(algorithm: str = "RS256", *, key: Any = None, kid: str | None = "", **changes: Any) -> str:
    """A token as that issuer signs it; a claim that is None is left out."""
    now = int(time.time())
    claims = {"sub": "cus_7", "role": "customer", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600}
    headers = {} if kid is None else {"kid": kid or algorithm}
    wanted = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(wanted, key or KEYS[algorithm], algorithm, headers=headers)


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Whoever hangs up amid an answer that is too large, may."""


class KeyServer:
    """Publishes what `keys` holds at the moment; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [described(algorithm) for algorithm in KEYS]
        self.body: bytes | None = None
        self.status = 200
        self.delay_s = 0.0
        self.asked = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                time.sleep(owner.delay_s)
                body = owner.body or json.dumps({"keys": owner.keys}).encode()
                self.send_response(owner.status)
                if 300 <= owner.status < 400:
                    self.send_header("Location", owner.url)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
