"""A local server for webhooks: it answers as a test says, and keeps what it got."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Receiver:
    """What was posted, and what each next POST is answered with."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        """The next answers, the first one first; without one it answers 200."""
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.documents: list[dict[str, Any]] = []
        self.port = 0

    def url(self, path: str = "/topic-secret-path") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port of the loopback while the block runs."""
    receiver = Receiver()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Before the answer: the client, and with it the test, goes on as soon as it has the head.
            receiver.paths.append(self.path)
            receiver.headers.append(dict(self.headers.items()))
            receiver.documents.append(json.loads(body))
            code, headers, content = receiver.answers.pop(0) if receiver.answers else (200, {}, b"ok")
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    receiver.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
