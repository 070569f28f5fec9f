"""Stands for Ollama: answers every chat with the same hint, with a place to click at random."""

from __future__ import annotations

import http.server
import json
import random
import time
from typing import Any

MODEL = "llava:7b"
PORT = 11434
THINKS_S = 0.2


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        model = {"name": MODEL, "model": MODEL, "size": 5_000_000_000, "size_vram": 0}
        listed = self.path.startswith(("/api/tags", "/api/ps"))
        self._answer({"models": [model]} if listed else {"version": "0.12.0"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        time.sleep(THINKS_S)
        target = [round(random.uniform(0.3, 0.7), 2), round(random.uniform(0.3, 0.8), 2)]
        hint = {
            "goal": "start the game",
            "reasoning": "there is a button",
            "confidence": 0.7,
            "directive": {"action": "click", "target": target, "duration_seconds": 1.0},
        }
        message = {"role": "assistant", "content": json.dumps(hint)}
        self._answer({"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": True})

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Api).serve_forever()
