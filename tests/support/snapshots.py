"""Builds Snapshots by hand, one for every state that a screen must show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.model.alert import Acknowledged, Alert
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.memory import Budget, Forecast, GpuMemory, Growth, MemoryView, Owner, SwapView
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.model.sample import BadValue, Event, Operation, OperationStep, PoolReading, WorkerStatus
from metabonk_tui.core.model.snapshot import (
    Cause,
    Check,
    CheckResult,
    Gate,
    HostView,
    NextStep,
    Node,
    RunView,
    Snapshot,
    Verdict,
    VerdictKind,
)
from metabonk_tui.core.model.worker import (
    Attention,
    ComponentState,
    ComponentView,
    EnvView,
    GameplayView,
    Generation,
    Reach,
    WindowActivity,
    WorkerView,
)
from metabonk_tui.core.text.clean import clean_text
from tests.support.refs import w

S = ComponentState
START = 1767362523.0
"""14:02:03 UTC."""
GB = 1_000_000_000
MB = 1_000_000

PARTS: tuple[dict[str, Any], ...] = (
    {
        "id": "ui_exploration", "label": "ui expl", "title": "UI exploration", "expected_min": 5, "expected_max": 20,
        "due": "validation", "field": "dynamic_ui_exploration_actions", "proof": "dynamic_ui_text_density",
    },
    {
        "id": "intrinsic_reward", "label": "intrinsic", "title": "intrinsic reward", "expected_min": 0.05,
        "expected_max": 0.5, "due": "validation", "field": "intrinsic_reward_total", "decimals": 2,
    },
    {
        "id": "system2", "label": "system2", "title": "System2", "expected_min": 2, "expected_max": 10,
        "due": "validation", "field": "system2_trigger_engaged_count",
    },
    {
        "id": "meta", "label": "meta-seq", "title": "meta-sequences", "expected_min": 1, "due": "gameplay",
        "field": "meta_success_sequences",
    },
    {
        "id": "ui_to_gameplay", "label": "ui→game", "title": "UI→gameplay", "expected_min": 1, "due": "gameplay",
        "field": "gameplay_started", "expected_by_s": 7200.0, "derived": True,
    },
)  # fmt: skip

BEARINGS: dict[ComponentState, WindowActivity] = {
    S.ACTIVE: "showing",
    S.STALLED: "silent",
    S.ZERO: "silent",
    S.ABSENT: "silent",
    S.UNPROVEN: "silent",
}


def trend(seed: int, scale: float, n: int = 60) -> tuple[float, ...]:
    """Return growth per minute with bursts and gaps, equal for equal seeds."""
    grown = []
    for i in range(n):
        wave = (math.sin(i * 1.7 + seed) + math.sin(i * 0.61 + 2 * seed)) * 0.5
        grown.append(round(max(0.0, wave) * scale, 3) if scale < 1 else float(int(max(0.0, wave) * scale + 0.4)))
    return tuple(grown)


def component(i: int, state: ComponentState, value: float | None = None, **over: Any) -> ComponentView:
    """Return component number `i` of the five."""
    known = value is not None and state not in (S.STALE, S.DOWN)
    part: dict[str, Any] = {
        "state": state,
        "window_activity": BEARINGS.get(state, "unknown"),
        "since_t": START + 300,
        "value": value if known else None,
        "last_value": value,
        "decimals": 0,
        "change_5m": None,
        "trend": (),
        "expected_max": None,
        "expected_by_s": 1800.0,
        "derived": False,
        "proof": None,
        "samples": 1804,
        "samples_with_key": 0 if state is S.ABSENT else 1804,
        "shown_in_run": state in (S.ACTIVE, S.STALLED),
        "last_grew_t": None,
        **PARTS[i],
        **over,
    }
    return ComponentView(**part)


def components(states: tuple[tuple[ComponentState, float | None, float | None], ...], seed: int) -> Any:
    """Return all five components from (state, value, change)."""
    scales = (6, 0.09, 2, 1, 1)
    return tuple(
        component(
            i, state, value, change_5m=change, trend=trend(seed + i, scales[i]) if state is S.ACTIVE else (0.0,) * 60
        )
        for i, (state, value, change) in enumerate(states)
    )


HEALTHY = (
    ((S.ACTIVE, 113, 9), (S.ACTIVE, 0.31, 0.04), (S.ACTIVE, 12, 2), (S.ACTIVE, 4, 1), (S.ACTIVE, 1, 0)),
    ((S.ACTIVE, 208, 14), (S.ACTIVE, 1.84, 0.21), (S.ACTIVE, 9, 1), (S.ACTIVE, 6, 1), (S.ACTIVE, 3, 1)),
    ((S.ACTIVE, 97, 7), (S.ACTIVE, 0.22, 0.02), (S.ACTIVE, 7, 1), (S.ZERO, 0, 0), (S.ZERO, 0, 0)),
)
SILENT = ((S.ABSENT, None, None),) * 4 + ((S.ZERO, 0, 0),)
GONE = ((S.DOWN, 104, None), (S.DOWN, 0.27, None), (S.DOWN, 5, None), (S.DOWN, 2, None), (S.DOWN, 0, None))

_ENV_KEYS = tuple(f"METABONK_KEY_{i}" for i in range(14))


def worker(slot: int, t: float, states: Any = None, **over: Any) -> WorkerView:
    """Return a healthy worker with the fields in `over` replaced."""
    states = HEALTHY[slot % 3] if states is None else states
    playing = slot % 3 == 1
    fields: dict[str, Any] = {
        "ref": w(slot),
        "port": 5000 + slot,
        "reach": Reach.UP,
        "reach_since_t": START + 12,
        "error": None,
        "detail": "",
        "pid": 41207 + 10 * slot,
        "pid_started_at": START + 1,
        "ui_state": "gameplay" if playing else "menu_ui",
        "generation": 1,
        "generations": (Generation(1, START + 2, 41207 + 10 * slot, "first seen"),),
        "resets_t": (),
        "components": components(states, slot * 7),
        "step": 612.0 + slot,
        "step_rate": (0.34, 0.51, 0.29, 0.31, 0.42)[slot % 5],
        "step_rate_ratio": None,
        "epsilon": (0.8, 0.55, 0.8)[slot % 3],
        "frames_rate": 60.0,
        "episode": 2,
        "rss_bytes": int((1.02, 1.07, 0.98, 1.16, 1.20)[slot % 5] * GB),
        "rss_growth_bytes_per_min": (2.0, 3.0, 1.0)[slot % 3] * MB,
        "tree_bytes": int((1.46, 1.53, 1.40, 1.58, 1.64)[slot % 5] * GB),
        "rss_peak_bytes": int(1.66 * GB),
        "env": EnvView(14, 14, (), (), None),
        "gameplay": GameplayView(playing, ("hud_present", "reward rising") if playing else (), playing, None),
        "last_error": None,
        "last_error_t": None,
        "last_good_t": t,
        "age_s": 0.2,
        "latency_s": 0.004,
        "observed_s": t - START,
        "attention": (),
        "status": WorkerStatus(
            {
                "step": 612.0 + slot,
                "dynamic_ui_state_type": "menu_ui",
                "dynamic_ui_exploration_actions": 113,
                "intrinsic_reward_total": 0.31,
                "stream_enabled": False,
                "stream_ok": None,
                "worker_id": f"omega-{slot}",
            }
        ),
        **over,
    }
    return WorkerView(**fields)


def checks(results: str) -> tuple[Check, ...]:
    """Return the six checks from letters: P F U S, and - for to come."""
    names: dict[str, CheckResult] = {"P": "PASS", "F": "FAIL", "U": "UNKNOWN", "S": "SKIPPED", "-": "TO COME"}
    return tuple(Check(i + 1, START + 303 + 300 * i, names[letter], "") for i, letter in enumerate(results))


def node(which: int, answer: Any, leads_to: str, level: Any, on_path: bool, short: str, *evidence: str) -> Node:
    """Return one of the three questions of the verdict matrix."""
    ids: tuple[Any, ...] = ("components", "memory", "gameplay")
    questions = ("Are the metrics still zero?", "Memory stable, > 1 GB?", "Gameplay within 2 h?")
    return Node(ids[which], questions[which], answer, leads_to, level, on_path, short, evidence)


def history(t: float, points: list[float], minutes: int = 30) -> tuple[tuple[float, int], ...]:
    """Return (t, available bytes) once per minute through these points in GB; the last point is now."""
    values = []
    for i in range(minutes + 1):
        x = i / minutes * (len(points) - 1)
        k = min(int(x), len(points) - 2)
        values.append((t - (minutes - i) * 60, int((points[k] + (points[k + 1] - points[k]) * (x - k)) * GB)))
    return tuple(values)


def memory(t: float, available: float, points: list[float] | None = None, **over: Any) -> MemoryView:
    """Return a memory view with 15.6 GB in total and a floor of 1.0 GB."""
    level = "ok" if available >= 1.0 else "warn"
    fields: dict[str, Any] = {
        "reading": MemoryReading(
            total_bytes=int(15.6 * GB),
            available_bytes=int(available * GB),
            limited_by="host",
            swap_total_bytes=4 * GB,
            swap_used_bytes=0,
            oom_kills=0,
            oom_scope="host",
            pressure_some_avg10=0.1,
            pressure_full_avg10=0.0,
        ),
        "level": level,
        "floor_bytes": GB,
        "min_available_bytes": int(available * GB * 0.97),
        "below_floor_since_t": None if level == "ok" else t - 620,
        "above_floor_since_t": START if level == "ok" else None,
        "history": history(t, points or [6.0, 4.6, 4.5, 4.5, 4.3, available]),
        "owners": (
            Owner("ollama", int(4.9 * GB), 0.0),
            Owner("workers 3", int(3.1 * GB), 6.0 * MB),
            Owner("other", int(1.9 * GB), 1.0 * MB),
        ),
        "oom_kills_in_run": 0,
        "oom_since_t": None,
        "oom_victims": (),
        "budget": Budget(
            int(1.2 * GB),
            "this run",
            int(4.9 * GB),
            "this run",
            GB,
            int((available + 8.0) * GB),
            int((available + 2.1) / 1.2),
            8 * GB,
        ),
        **over,
    }
    return MemoryView(**fields)


def event(t: float, severity: Any, text: str, kind: str = "check", on: int | None = None, **facts: Any) -> Event:
    return Event(t, kind, severity, text, None if on is None else w(on), facts)


def hosts_of(memory: MemoryView) -> Mapping[HostName, HostView]:
    """Return the only host of a Snapshot."""
    return {ONLY_HOST: HostView(memory)}


def snapshot(
    elapsed_s: float, workers: tuple[WorkerView, ...], verdict: Verdict, mem: MemoryView, **over: Any
) -> Snapshot:
    """Return a Snapshot of a run that started at 14:02:03 UTC."""
    t = START + elapsed_s
    fields: dict[str, Any] = {
        "t": t,
        "tick": int(elapsed_s),
        "run": RunView(
            "run-1767309258", START, elapsed_s, len(workers), "live", "launched by us", "24hr_test", 1.0,
            int(elapsed_s), elapsed_s, (),
        ),
        "workers": workers,
        "hosts": hosts_of(mem),
        "gate": Gate("gameplay", START + 3, START + 1803, START + 7200, checks("PPPPPP")),
        "verdict": verdict,
        "pool": PoolReading("launcher", len(workers), 40991, START, True, "us"),
        "events": (),
        "verdicts": (),
        "causes": (),
        "lag_s": 0.012,
        "trend_bucket_s": 60.0,
        "memory_bucket_s": 60.0,
        "ended_runs": (),
        "state": None,
        **over,
    }  # fmt: skip
    return Snapshot(**fields)


LAUNCH_VERDICT = Verdict(
    VerdictKind.LAUNCH_24H,
    START + 1804,
    ("due components 3/3", "memory stable", "gameplay 1/3 on track"),
    (
        node(0, "no", "CONTINUE", "go", True, "3/3 due shown", "13 of 15 components showing"),
        node(1, "yes", "LAUNCH 24H", "go", True, "min 4.1 GB", "available above 1.0 GB for 25 min", "no OOM kill"),
        node(2, "not yet", "on track", "go", False, "1/3 corroborated", "w1: hud_present, reward rising"),
    ),
    None,
    "every component is silent for 30 min, or available falls below 1.0 GB",
    (),
    VerdictKind.VALIDATING,
)


def healthy(n: int = 3, elapsed_s: float = 1804) -> Snapshot:
    """Three workers, LAUNCH 24H."""
    t = START + elapsed_s
    workers = [worker(slot, t) for slot in range(n)]
    if n > 2:
        workers[2] = replace(workers[2], last_error="system2 timeout 30 s", last_error_t=t - 372)
    return snapshot(
        elapsed_s,
        tuple(workers),
        LAUNCH_VERDICT,
        memory(t, 4.2),
        events=(
            event(START + 2, "info", "environment verified 14/14 in 3/3 processes", "run.start"),
            event(START + 1500, "ok", "check 5/6 passed"),
            event(t - 57, "ok", "gameplay corroborated: hud_present + reward", "component.active", 1),
            event(START + 1803, "ok", "check 6/6 passed, verdict LAUNCH 24H", "verdict"),
        ),
    )


def stop(n: int = 5) -> Snapshot:
    """Five workers, four of five components absent everywhere: STOP, with its causes."""
    elapsed_s = 3304.0
    t = START + elapsed_s
    rates = (0.03, 0.06, 13.9, 0.11, 0.12)
    workers = []
    for slot in range(n):
        fields: dict[str, Any] = {
            "ui_state": "uncertain",
            "step_rate": rates[slot % 5],
            "epsilon": 0.8,
            "env": EnvView(0, 14, _ENV_KEYS, (), None),
            "rss_growth_bytes_per_min": (11.0, 9.0, 14.0, 10.0, 9.0)[slot % 5] * MB,
            "gameplay": GameplayView(False, (), False, None),
        }
        if slot < 3:
            fields["generation"] = 2
            fields["resets_t"] = (START + 900 + slot * 400,)
        if slot == 2:
            fields["step_rate_ratio"] = 200.0
            fields["attention"] = (Attention("×200", "caution", "step rate 0.07 → 13.90 /s, actions flat"),)
        workers.append(worker(slot, t, SILENT, **fields))
    verdict = Verdict(
        VerdictKind.STOP,
        START + 1804,
        ("4/4 components ABSENT on 5/5 workers", "0 of 1804 samples had a key"),
        (
            node(0, "yes", "STOP", "stop", True, "25/25 silent", "every component silent on 5/5 workers for 30 min",
                 "1804/1804 samples observed"),
            node(1, "no", "ADD MEMORY WATCH", "caution", False, "0.9 GB", "available 0.9 GB < 1.0 GB for 10 min"),
            node(2, "not yet", "on track", "unknown", False, "0/5 corroborated", "65 min left"),
        ),
        None,
        "any component key appears on at least 1 worker, held for 2 evaluations",
        (
            NextStep("X", "stop the pool", "metabonk-tui stop"),
            NextStep("L", "relaunch 3 workers with the env file", "metabonk-tui launch 3", "then"),
        ),
        VerdictKind.VALIDATING,
    )  # fmt: skip
    return snapshot(
        elapsed_s,
        tuple(workers),
        verdict,
        memory(
            t,
            0.9,
            [6.0, 4.2, 3.8, 3.3, 2.9, 2.4, 1.9, 1.4, 0.9],
            level="warn",
            owners=(
                Owner("workers 5", int(6.1 * GB), 53.0 * MB),
                Owner("ollama", int(4.9 * GB), 0.0),
                Owner("other", int(2.2 * GB), 0.0),
            ),
        ),
        gate=Gate("gameplay", START + 3, START + 1803, START + 7200, checks("FFFFFF")),
        causes=(
            Cause(
                "config-not-loaded", "config not loaded", 0.93,
                "METABONK_INTRINSIC_REWARD unset in 5/5 processes, set to 1 in the env file without export",
                "tr '\\0' '\\n' < /proc/41207/environ | grep -c METABONK_",
                "relaunch from here (L): passes the env file",
            ),
            Cause("classifier-no-frames", "classifier stuck, no frames", 0.60,
                  "uncertain in 80% of samples, text_density absent", "", ""),
            Cause("wrong-names", "polling the wrong names", 0.20, "3 of 11 names were never seen on any worker",
                  "", ""),
        ),
        events=(
            event(START + 2, "info", "attached to launch.py pid 40991, 5 workers", "run.start"),
            event(START + 4, "crit", "environment 0/14 in 5/5 processes", "env.mismatch"),
            event(START + 300, "crit", "component keys absent on 5/5 workers for 5 min", "component.silent"),
            event(START + 900, "warn", "gen 2: counters were reset, new pid 41207", "worker.generation", 0),
            event(START + 1804, "crit", "verdict VALIDATING → STOP: check 6/6 failed", "verdict"),
            event(t - 600, "warn", "step rate 0.07 → 13.90 /s, actions flat", "worker.rate", 2),
            event(t - 90, "warn", "available below 1.0 GB", "memory.low"),
        ),
    )  # fmt: skip


def mixed() -> Snapshot:
    """Six workers: healthy, UNPROVEN, BAD NaN, DOWN by OOM kill, STALE, STALLED."""
    elapsed_s = 2681.0
    t = START + elapsed_s
    unproven = list(HEALTHY[2])
    unproven[0] = (S.UNPROVEN, 121, 6)
    nan = worker(2, t, HEALTHY[1], ui_state="gameplay", attention=(Attention("BAD", "stop", "intrinsic reward NaN"),))
    parts = list(nan.components)
    parts[1] = component(1, S.BAD, None, last_value=0.41, since_t=t - 130, bad=BadValue("nan", "NaN"))
    nan = replace(
        nan, components=tuple(parts), last_error="reward NaN since 14:44:34", last_error_t=t - 130, step_rate=0.47
    )
    stalled = worker(
        5, t, ((S.STALLED, 74, 0), (S.ACTIVE, 0.19, 0.01), (S.STALLED, 3, 0), (S.ZERO, 0, 0), (S.ZERO, 0, 0)),
        attention=(Attention("stalled", "caution", "ui expl and system2 stalled 12m"),),
        last_error="ollama timeout", last_error_t=t - 720, ui_state="menu_ui",
    )  # fmt: skip
    stalled = replace(
        stalled,
        components=tuple(replace(c, since_t=t - 720) if c.state is S.STALLED else c for c in stalled.components),
    )
    workers = (
        worker(0, t),
        worker(1, t, tuple(unproven), ui_state="menu_ui", attention=(Attention("unproven", "unknown", "ui expl"),)),
        nan,
        worker(
            3, t, GONE, reach=Reach.DOWN, reach_since_t=t - 130, error="refused", age_s=130.0,
            rss_bytes=int(4.61 * GB), tree_bytes=None, rss_growth_bytes_per_min=None,
            last_error="exit 137, killed by kernel", last_error_t=t - 130, env=None,
            attention=(Attention("OOM KILL", "stop", "exit 137, kernel oom_kill 0 → 1, last RSS 4.61 GB"),),
        ),
        worker(
            4, t, tuple((S.STALE, value, None) for _, value, _ in HEALTHY[0]), reach=Reach.STALE,
            reach_since_t=t - 34, age_s=34.0, error="timeout", last_error="/status timed out 6 times",
            last_error_t=t - 2, attention=(Attention("stale", "unknown", "/status timed out 6 times"),),
        ),
        stalled,
    )  # fmt: skip
    verdict = Verdict(
        VerdictKind.STOP, t - 130, ("kernel OOM kill: w3 at 14:44:34, latched for this run",),
        (
            node(0, "no", "CONTINUE", "go", True, "3/3 due shown"),
            node(1, "no", "STOP", "stop", True, "oom_kill 1", "kernel OOM kill at 14:44:34: w3"),
            node(2, "not yet", "on track", "go", False, "1/6 corroborated"),
        ),
        None, "a new run begins: an OOM kill is latched for this one",
        (NextStep("X", "stop the pool", "metabonk-tui stop"),
         NextStep("L", "relaunch 4 workers", "metabonk-tui launch 4", "then")),
        VerdictKind.LAUNCH_24H, True,
    )  # fmt: skip
    return snapshot(
        elapsed_s, workers, verdict,
        memory(
            t, 3.9, [6.0, 4.5, 4.5, 4.4, 4.5, 4.4, 4.4, 4.3, 3.4, 2.4, 1.4, 0.4, 4.0, 3.9],
            oom_kills_in_run=1, oom_since_t=t - 130, oom_victims=(w(3),), level="crit",
        ),
        events=(
            event(START + 300, "ok", "check 1/6 passed"),
            event(t - 130, "crit", "intrinsic reward NaN, was 0.41", "component.silent", 2),
            event(t - 130, "crit", "DOWN: exit 137, kernel oom_kill 0 → 1", "worker.down", 3),
            event(t - 34, "warn", "STALE: /status timed out", "worker.down", 4),
        ),
    )  # fmt: skip


def waiting(n: int = 3) -> Snapshot:
    """Start-up: no worker answers yet, nothing is known."""
    elapsed_s = 8.0
    t = START + elapsed_s
    pending = tuple((S.PENDING, None, None) for _ in range(5))
    workers = tuple(
        worker(
            slot, t, pending, reach=Reach.STARTING, error="refused", pid=None, ui_state=None, generations=(),
            step=None, step_rate=None, epsilon=None, frames_rate=None, rss_bytes=None, tree_bytes=None,
            rss_growth_bytes_per_min=None, rss_peak_bytes=None, env=None, last_good_t=None, age_s=None,
            latency_s=None, observed_s=0.0, status=None, gameplay=GameplayView(None, (), False, None), generation=1,
        )
        for slot in range(n)
    )  # fmt: skip
    verdict = Verdict(
        VerdictKind.WAITING, START, ("no worker has answered yet",),
        (
            node(0, "unknown", "UNDECIDED", "unknown", True, "nothing seen yet"),
            node(1, "unknown", "CONTINUE", "unknown", False, "too early"),
            node(2, "not yet", "on track", "unknown", False, "0/3 corroborated"),
        ),
        None, "a worker answers", (), None,
    )  # fmt: skip
    return snapshot(
        elapsed_s, workers, verdict,
        memory(t, 9.1, history=history(t, [9.3, 9.1], 1), owners=(), budget=None),
        gate=Gate("start-up", None, None, None, checks("------")), lag_s=None,
    )  # fmt: skip


def validating() -> Snapshot:
    """24 minutes in; a worker died eight seconds ago and another reached gameplay ten seconds ago."""
    elapsed_s = 1466.0
    t = START + elapsed_s
    played = worker(1, t)
    parts = list(played.components)
    parts[4] = replace(parts[4], since_t=t - 1)
    parts[3] = replace(parts[3], since_t=t - 30)
    played = replace(played, components=tuple(parts))
    gone = worker(
        3, t, tuple((S.DOWN, v, None) for _, v, _ in HEALTHY[0]), reach=Reach.DOWN, reach_since_t=t - 1,
        error="refused", last_error="exit 137", last_error_t=t - 1, step_rate=None,
        attention=(Attention("DOWN", "stop", "exit 137, kernel oom_kill unchanged"),),
    )  # fmt: skip
    gone = replace(gone, components=tuple(replace(c, since_t=t - 1) for c in gone.components))
    verdict = Verdict(
        VerdictKind.VALIDATING, START + 180, ("4/6 checks",),
        (
            node(0, "no", "CONTINUE", "go", True, "3/3 due shown"),
            node(1, "yes", "LAUNCH 24H", "go", False, "min 2.8 GB"),
            node(2, "not yet", "on track", "go", False, "2/5 corroborated"),
        ),
        VerdictKind.CONTINUE, "the gate ends in 05:34", (), VerdictKind.WAITING,
    )  # fmt: skip
    return snapshot(
        elapsed_s, (worker(0, t), played, worker(2, t), gone, worker(4, t)), verdict, memory(t, 2.9),
        gate=Gate("validation", START + 3, START + 1803, START + 7200, checks("PPUP--")),
        events=(
            event(START + 180, "info", "verdict WAITING → VALIDATING", "verdict"),
            event(START + 303, "ok", "check 1/6 passed"),
            event(START + 603, "ok", "check 2/6 passed"),
            event(START + 903, "warn", "check 3/6 unknown, 41% of the interval observed"),
            event(START + 1203, "ok", "check 4/6 passed"),
            event(t - 10, "ok", "gameplay corroborated: hud_present + reward", "component.active", 1),
            event(t - 8, "crit", "DOWN, exit 137, kernel oom_kill unchanged", "worker.down", 3),
        ),
    )  # fmt: skip


def accused() -> Snapshot:
    """Three workers, still validating; two are already known to lack a component."""
    base = validating()
    return replace(
        base,
        causes=(
            Cause(
                "init-failed", "import or init failed", 0.97,
                'intrinsic reward absent: "WARN: intrinsic reward shaper unavailable (No module named '
                "'src.worker.reward_shaper'); disabling\", on w2",
                "grep -nE 'WARN|Traceback|Error' /proc/41209/fd/1",
                'repair what the log says: "WARN: intrinsic reward shaper unavailable"; then relaunch', (w(2),),
            ),
            Cause(
                "classifier-no-frames", "classifier stuck, no frames", 0.85,
                "uncertain, dynamic_ui_text_density absent while steps advance and other components are on, on w1",
                "curl -s http://127.0.0.1:5001/status | tr ',' '\\n' | grep -E 'dynamic_ui_|obs_fps'",
                "repair the capture of this worker (game window, capture source), relaunch it", (w(1),),
            ),
        ),
    )  # fmt: skip


def memory_watch() -> Snapshot:
    """Five healthy workers, memory below the floor for ten minutes: ADD MEMORY WATCH."""
    base = healthy(5)
    t = base.t
    workers = list(base.workers)
    w3 = worker(3, t, (*HEALTHY[2][:3], (S.STALLED, 2, 0), (S.ZERO, 0, 0)))
    w3 = replace(
        w3,
        components=tuple(replace(c, since_t=t - 720) if c.state is S.STALLED else c for c in w3.components),
        attention=(Attention("stalled", "caution", "meta-seq stalled 12m"),),
    )
    workers[3] = w3
    verdict = Verdict(
        VerdictKind.ADD_MEMORY_WATCH, START + 1720,
        ("avail 0.8 < 1.0 GB for 10 min", "3/3 due components shown", "gameplay 2/5 on track"),
        (
            node(0, "no", "CONTINUE", "go", True, "3/3 due shown"),
            node(1, "no", "ADD MEMORY WATCH", "caution", True, "0.8 GB for 10 min",
                 "available 0.8 < 1.0 GB for 10 min"),
            node(2, "not yet", "on track", "go", False, "2/5 corroborated"),
        ),
        None, "a watch is armed, or available stays above 1.0 GB for 10 min",
        (NextStep("-", "resize 5 → 3, frees 3.3 GB, restarts all workers", "metabonk-tui resize 3"),),
        VerdictKind.CONTINUE,
    )  # fmt: skip
    return replace(
        base,
        workers=tuple(workers),
        verdict=verdict,
        hosts=hosts_of(memory(
            t, 0.8, [6.0, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9, 0.8],
            owners=(
                Owner("workers 5", 6 * GB, 19.0 * MB),
                Owner("ollama", int(4.9 * GB), 0.0),
                Owner("other", int(1.7 * GB), 0.0),
                Owner("launcher", int(0.06 * GB), None),
            ),
        )),
        events=(*base.events, event(t - 84, "warn", "verdict CONTINUE → ADD MEMORY WATCH", "verdict")),
    )  # fmt: skip


def leak() -> Snapshot:
    """Five workers leak; memory ends in about 19 minutes; three workers would fit."""
    base = stop()
    t = base.t
    forecast = Forecast(
        reaches_zero_t=t + 19 * 60, plus_minus_s=360.0, slope_bytes_per_min=-53.0 * MB,
        text="OOM in ~19m ±6m, if this trend holds", state="WARNING", reaches_floor_t=None,
        zero_lo_t=t + 13 * 60, zero_hi_t=t + 25 * 60, since_t=t - 120, falling_since_t=t - 1900,
    )  # fmt: skip
    sizes = {"w2": (1.32, 14), "w0": (1.21, 11), "w3": (1.20, 10), "w4": (1.22, 9), "w1": (1.18, 9)}
    growth = (
        *(Growth(name, int(size * GB), rate * MB, t - 1900) for name, (size, rate) in sizes.items()),
        Growth("ollama", int(4.9 * GB), 0.0, None),
        Growth("launcher", int(0.06 * GB), 0.0, None),
        Growth("other", int(3.5 * GB), None, None),
    )
    room = int(1.0 * GB) + int(11.03 * GB)
    seen = memory(
        t, 1.0, [6.0, 4.1, 3.6, 3.0, 2.6, 2.0, 1.4, 1.0], level="crit", below_floor_since_t=t - 40,
        forecast=forecast, growth=growth, swap=SwapView("ok", 0, 4 * GB, 0.0, ""), gpus=(),
        budget=Budget(
            int(1.32 * GB), "this run", int(4.9 * GB), "earlier run", GB, room,
            (room - GB - int(4.9 * GB)) // int(1.32 * GB), int(11.03 * GB), None, 1_767_225_600.0,
        ),
    )  # fmt: skip
    reading = replace(
        seen.reading or MemoryReading(), limited_by="/user.slice/metabonk", limit_bytes=int(15.6 * GB),
        pressure_some_avg10=4.7, pressure_full_avg10=1.2,
    )  # fmt: skip
    return replace(base, hosts=hosts_of(replace(seen, reading=reading)))


def learning() -> Snapshot:
    """The first minutes: no forecast yet, peaks assumed, a GPU, swap in use."""
    base = waiting()
    t = base.t
    unknown = Forecast(None, None, 0.0, "learning: 2 of 5 min", state="LEARNING", since_t=t - 60)
    seen = memory(
        t, 6.5, history=history(t, [6.6, 6.5], 2), owners=(), forecast=unknown,
        budget=Budget(int(1.2 * GB), "config", int(4.9 * GB), "config", GB, int(6.5 * GB), 0),
        swap=SwapView("warn", 2 * GB, 4 * GB, 120.0 * MB, "swap thrashing: +120 MB/min, PSI 32"),
        gpus=(GpuMemory(0, 3 * GB, 8 * GB, replace(unknown, text="OOM in ~40m ±9m, if this trend holds",
              state="WARNING")),),
    )  # fmt: skip
    return replace(base, hosts=hosts_of(seen))


def many(n: int) -> Snapshot:
    """Many workers, a few of them sick."""
    base = healthy(n, 2470)
    t = base.t
    workers = list(base.workers)
    for slot in range(n):
        if slot == 13:
            workers[slot] = worker(
                slot, t, GONE, reach=Reach.DOWN, reach_since_t=t - 130, error="refused",
                rss_bytes=int(7.4 * GB), last_error="exit 137",
                attention=(Attention("OOM KILL", "stop", "exit 137, kernel oom_kill +1, last RSS 7.40"),),
            )  # fmt: skip
        if slot in (21, 22):
            workers[slot] = worker(
                slot, t, (*SILENT[:2], *HEALTHY[2][2:]), generation=2,
                attention=(Attention("ABSENT", "stop", "ui, intrinsic keys gone since gen 2: relaunch lost env"),),
            )  # fmt: skip
        if slot == 40:
            workers[slot] = worker(
                slot, t, tuple((S.STALE, v, None) for _, v, _ in HEALTHY[0]), reach=Reach.STALE, age_s=34.0,
                reach_since_t=t - 34, error="timeout",
                attention=(Attention("stale", "unknown", "/status timed out 6 times"),),
            )  # fmt: skip
    mem = memory(t, 27.1, [36, 30, 27.1], level="ok")
    assert mem.reading is not None
    mem = replace(mem, reading=replace(mem.reading, total_bytes=257 * GB))
    return replace(base, workers=tuple(workers), hosts=hosts_of(mem))


def no_memory() -> Snapshot:
    """Memory cannot be read."""
    base = healthy()
    mem = replace(
        base.memory, reading=None, level="unknown", history=(), owners=(), budget=None, min_available_bytes=None,
        above_floor_since_t=None,
    )  # fmt: skip
    workers = tuple(
        replace(w, rss_bytes=None, tree_bytes=None, rss_growth_bytes_per_min=None, rss_peak_bytes=None)
        for w in base.workers
    )
    nodes = (
        base.verdict.nodes[0],
        node(1, "unknown", "CONTINUE", "unknown", True, "not observed"),
        base.verdict.nodes[2],
    )
    verdict = replace(base.verdict, kind=VerdictKind.CONTINUE, nodes=nodes, because=("memory was not observed",))
    return replace(base, hosts=hosts_of(mem), workers=workers, verdict=verdict)


def observer() -> Snapshot:
    """A second monitor: another monitor controls the pool."""
    base = healthy()
    pool = replace(base.pool, controller="other", holder="pid 4711 on pts/3 since 14:02", launched_by_us=False)
    return replace(base, pool=pool)


def launching() -> Snapshot:
    """A launch is in progress."""
    operation = Operation(
        "launch 3 workers", START + 1,
        (OperationStep("stop what runs", "done"), OperationStep("start the launcher", "done", "pid 40991"),
         OperationStep("wait for 3 workers", "running", "1/3"), OperationStep("verify the environment", "waiting")),
        ("starting orchestrator", "starting worker 1"),
    )  # fmt: skip
    base = waiting()
    return replace(base, pool=replace(base.pool, operation=operation))


HOSTILE = clean_text(
    "\x1b[31mred\x07 [/oops] [@click=app.quit]x[/] 漢字かな \u202eabc\u202c \u200b" + "é" * 40 + "W" * 1000, 1200
)
"""Text from outside after `clean_text`: without control characters, but of any length and width."""


def hostile() -> Snapshot:
    """Hostile text in every field that comes from outside."""
    base = mixed()
    workers = tuple(
        replace(
            w, ui_state=HOSTILE, last_error=HOSTILE, detail=HOSTILE, error=HOSTILE,
            attention=(Attention(HOSTILE, "stop", HOSTILE),), step_rate=1e12, step=1e15, rss_bytes=10**15,
            env=EnvView(3, 14, (HOSTILE,), ((HOSTILE, HOSTILE, HOSTILE),), None),
            components=tuple(replace(c, label=HOSTILE[:9], title=HOSTILE, value=1e14, change_5m=-1e14)
                             for c in w.components),
            status=WorkerStatus({HOSTILE: HOSTILE, "nested": {"a": [1, HOSTILE]}, "nan": BadValue("nan", "NaN")}),
        )
        for w in base.workers
    )  # fmt: skip
    verdict = replace(
        base.verdict, because=(HOSTILE, HOSTILE), changes_when=HOSTILE,
        next_steps=(NextStep("X", HOSTILE, HOSTILE), NextStep(None, HOSTILE, None, "or")),
        nodes=tuple(replace(n, question=HOSTILE, short=HOSTILE, evidence=(HOSTILE,)) for n in base.verdict.nodes),
    )  # fmt: skip
    return replace(
        base, workers=workers, verdict=verdict,
        run=replace(base.run, name=HOSTILE, profile=HOSTILE),
        causes=(Cause(HOSTILE, HOSTILE, 0.5, HOSTILE, HOSTILE, HOSTILE),),
        events=(event(base.t - 5, "warn", HOSTILE, "check", 2),),
        hosts=hosts_of(replace(base.memory, owners=(Owner(HOSTILE, 10**15, 1e12),), oom_victims=(HOSTILE,))),
        pool=replace(base.pool, controller="other", holder=HOSTILE),
    )  # fmt: skip


def alarmed() -> Snapshot:
    """The failed run with its alerts: firing (acknowledged and not), pending, resolved."""
    s = stop()
    t = s.t
    absent = "meta-sequences: meta_success_sequences is not in /status"
    alerts = (
        Alert(
            "MemCritical", "", "crit", "firing", "0.48 GB available, below half the floor", t - 120, t - 110,
            value=0.48 * GB, least=0.41 * GB, most=0.5 * GB, unit="bytes", times=3,
        ),
        Alert(
            "ComponentAbsent", "meta", "crit", "firing", absent, t - 3000, t - 2880, workers=tuple(map(w, range(5))),
        ),
        Alert(
            "RateRegime", "", "warn", "firing", "steps 220 times its own past", t - 420, t - 300, workers=(w(2),),
            value=13.9, least=8.0, most=14.2, unit="per s",
        ),
        Alert(
            "OomForecast", "", "warn", "firing", "OOM ~19m ±6m, if this trend holds", t - 320, t - 320, value=1140.0,
            least=1000.0, most=1300.0, unit="s", acknowledged=Acknowledged(t - 100, "key"),
        ),
        Alert(
            "ComponentZero", "system2", "warn", "pending", "System2: system2_trigger_engaged_count stays at 0",
            t - 320, workers=(w(3),),
        ),
        Alert(
            "WorkerDown", "", "warn", "resolved", "not reachable: refused", t - 2320, t - 2290, t - 1800, (w(3),),
            times=2,
        ),
        Alert(
            "GenerationChange", "", "info", "resolved", "gen 2: step fell 202 → 19", t - 2820, t - 2820, t - 2819,
            workers=(w(0), w(1), w(3)),
        ),
    )  # fmt: skip
    return replace(s, alerts=alerts)


SCENES: dict[str, Callable[[], Snapshot]] = {
    "accused": accused,
    "healthy": healthy,
    "stop": stop,
    "mixed": mixed,
    "waiting": waiting,
    "launching": launching,
    "validating": validating,
    "memory-watch": memory_watch,
    "leak": leak,
    "learning": learning,
    "one": lambda: healthy(1),
    "two": lambda: healthy(2),
    "16": lambda: many(16),
    "64": lambda: many(64),
    "no-memory": no_memory,
    "observer": observer,
    "alarmed": alarmed,
    "hostile": hostile,
}
