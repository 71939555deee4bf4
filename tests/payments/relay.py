"""What stands between a shop and its payment service, and may lose what the service answers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Relay:
    """Passes requests on. Of the next `losing` answers none comes through, though the service has done what it was
    asked for; each is held until `let_go` is set.
    """

    def __init__(self, url: str) -> None:
        self.losing = 0
        self.let_go = threading.Event()
        self.let_go.set()
        self._lock = threading.Lock()
        self._to = urlsplit(url).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @contextmanager
    def running(self) -> Iterator[Relay]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.let_go.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _takes(self) -> bool:
        with self._lock:
            if self.losing == 0:
                return False
            self.losing -= 1
            return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with closing(http.client.HTTPConnection(relay._to, timeout=30)) as connection:
                    connection.request("POST", "/", body, dict(self.headers))
                    response = connection.getresponse()
                    content = response.read()
                if relay._takes():
                    relay.let_go.wait()
                    self.close_connection = True
                    return
                self.send_response(response.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
