"""Replaces Ollama: holds memory like a loaded model, and answers `/api/tags`."""

from __future__ import annotations

from metabonk_tui.demo.memory import Ballast
from metabonk_tui.demo.orphan import live
from metabonk_tui.demo.serve import Server


def run_ollama(port: int, memory_mb: float) -> int:
    """Serve on `port` until killed; return 3 if the port is taken."""
    ballast = Ballast()

    def answer(method: str, path: str, body: bytes) -> tuple[int, object]:
        if path == "/api/tags":
            return 200, {"models": [{"name": "llava:7b", "model": "llava:7b", "size": 4_733_363_377}]}
        return 404, {"error": "not found"}

    try:
        server = Server(port, answer)
    except OSError as error:
        print(f"[ollama] port {port}: {error.strerror}", flush=True)
        return 3
    print(f"[ollama] http://127.0.0.1:{port}", flush=True)
    live(server, lambda: ballast.grow_to(memory_mb), 5.0)
    return 0
