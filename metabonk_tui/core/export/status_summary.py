"""Reduces a Snapshot to plain values for one line of a status bar. Pure.

Does not: write a file or a line. Every `*_s` is seconds of the run; `interval_s` and `written_at` are real time.
"""

from __future__ import annotations

from typing import Any, cast

from metabonk_tui.core.export.status_line import SCHEMA
from metabonk_tui.core.model.condition import condition, needs_attention
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach

_NO_DIGITS = str.maketrans("", "", "0123456789")


def summarize(
    snapshot: Snapshot, *, speed: float, pool: tuple[str, int], written_at: float, pid: int
) -> dict[str, object]:
    """Return the state of the run. `pool`: its host and base port; `pid`: the writing monitor."""
    run, verdict, gate, memory = snapshot.run, snapshot.verdict, snapshot.gate, snapshot.memory
    forecast = memory.forecast
    step = verdict.next_steps[0] if verdict.next_steps else None
    return {
        "schema": SCHEMA,
        "written_at": written_at,
        "interval_s": round(run.interval_s / speed, 3),
        "ended": False,
        "pid": pid,
        "host": pool[0],
        "base_port": pool[1],
        "t": snapshot.t,
        "speed": speed,
        "run": {"name": run.name, "elapsed_s": run.elapsed_s},
        "verdict": {
            "word": str(verdict.kind),
            "level": verdict.level,
            "ended": verdict.ended is not None,
            "since_s": verdict.since_t - run.started_at,
            "because": list(verdict.because[:1]),
        },
        "workers": {
            "up": sum(worker.reach is Reach.UP for worker in snapshot.workers),
            "desired": max(len(snapshot.workers), run.desired or 0),
            "attention": sum(needs_attention(condition(worker)) for worker in snapshot.workers),
            "waiting": len(snapshot.pool.waiting),
        },
        "memory": {
            "available_bytes": memory.available_bytes,
            "floor_bytes": memory.floor_bytes,
            "level": memory.level,
            "oom_kills": memory.known_kills,
            "forecast": {"state": forecast.state, "text": forecast.text} if forecast is not None else None,
        },
        "gate": {
            "phase": gate.phase,
            "checks": len(gate.checks),
            "passed": gate.count("PASS"),
            "failed": gate.count("FAIL"),
            "to_come": gate.count("TO COME"),
        },
        "next": {"key": step.key, "text": step.text} if step is not None else None,
        "recording": snapshot.recording,
        "demo": run.demo or None,
    }


def content_of(summary: dict[str, object]) -> dict[str, object]:
    """Return what was judged and counted, without what moves while that stands: times, and the amount of memory."""
    content = {key: value for key, value in summary.items() if key not in ("written_at", "t")}
    run, verdict, memory = (cast(dict[str, Any], summary[key]) for key in ("run", "verdict", "memory"))
    forecast = memory["forecast"]
    return content | {
        "run": run["name"],
        "verdict": verdict | {"because": [text.translate(_NO_DIGITS) for text in verdict["because"]]},
        "memory": memory
        | {
            "available_bytes": memory["available_bytes"] is None,
            "forecast": None if forecast is None else forecast["state"],
        },
    }
