"""Replaces MetaBonk's orchestrator: serves `/workers` from heartbeats, and a minimal `/overview`.

Heartbeats expire as in MetaBonk. Does not: start or stop processes.
"""

from __future__ import annotations

import json
import os
import threading
import time

from msgspec import Struct, field

from metabonk_tui.demo.orphan import live
from metabonk_tui.demo.serve import Server

WINDOW_S = 300.0


class DemoOrchestrator(Struct):
    """The latest heartbeat of each worker, and the time of its last step change."""

    ttl_s: float
    heartbeats: dict[str, dict[str, object]] = field(default_factory=dict)
    moved: dict[str, tuple[object, float | None]] = field(default_factory=dict)
    received: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Return (HTTP status, document) for one request."""
        now = time.time()
        with self.lock:
            if (method, path) == ("POST", "/heartbeat"):
                return self._take(body, now)
            self._forget(now)
            match path:
                case "/workers":
                    return 200, self._workers(now)
                case "/overview/health":
                    return 200, self._health()
                case "/overview/issues":
                    return 200, []
        return 404, {"detail": "Not Found"}

    def _take(self, body: bytes, now: float) -> tuple[int, object]:
        try:
            heartbeat = json.loads(body)
            name = str(heartbeat["instance_id"])
            step, pid = heartbeat.get("step"), heartbeat.get("worker_pid")
        except (ValueError, KeyError, TypeError, AttributeError):
            return 400, {"detail": "not a heartbeat"}
        known = self.moved.get(name)
        if name not in self.heartbeats or self.heartbeats[name].get("worker_pid") != pid:
            known = None
        if known is None:
            self.moved[name] = (step, None)
        elif known[0] != step:
            self.moved[name] = (step, now)
        self.heartbeats[name] = heartbeat | {"last_seen_ts": now}
        self.received = [t for t in self.received if now - t < WINDOW_S] + [now]
        return 200, {"ok": True}

    def _forget(self, now: float) -> None:
        for name, heartbeat in list(self.heartbeats.items()):
            if now - float(str(heartbeat["last_seen_ts"])) > self.ttl_s:
                del self.heartbeats[name], self.moved[name]

    def _workers(self, now: float) -> dict[str, object]:
        rows = []
        for name in sorted(self.heartbeats):
            moved_at = self.moved[name][1]
            rows.append(self.heartbeats[name] | {"step_age_s": None if moved_at is None else now - moved_at})
        return {"workers": rows, "workers_by_id": {str(row["instance_id"]): row for row in rows}, "count": len(rows)}

    def _health(self) -> dict[str, object]:
        count = len(self.heartbeats)
        return {
            "window_s": WINDOW_S,
            "api": {"req_rate": 0.0, "p95_ms": 2.0, "error_rate": 0.0, "total": len(self.received)},
            "heartbeat": {
                "rate": round(len(self.received) / WINDOW_S, 2),
                "late": 0,
                "workers": count,
                "ttl_s": self.ttl_s,
            },
            "stream": {"ok": 0, "stale": 0, "missing": count, "no_keyframe": count, "p95_frame_age_s": None},
        }


def run_orchestrator(port: int) -> int:
    """Serve on `port` until killed; return 3 if the port is taken."""
    orchestrator = DemoOrchestrator(float(os.environ.get("METABONK_WORKER_TTL_S", "20")))
    try:
        server = Server(port, orchestrator.answer)
    except OSError as error:
        print(f"[orchestrator] port {port}: {error.strerror}", flush=True)
        return 3
    print(f"[orchestrator] http://127.0.0.1:{port}", flush=True)
    live(server, lambda: None, 5.0)
    return 0
