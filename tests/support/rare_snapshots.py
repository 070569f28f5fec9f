"""Builds Snapshots of rare states: every exit reason, an OOM kill, swap thrashing, GPUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from metabonk_tui.core.model.memory import BlackBox, BlackBoxPoint, Forecast, GpuMemory, SwapView
from metabonk_tui.core.model.process_exit import ExitReason, ProcessExit
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Generation
from tests.support.refs import w
from tests.support.snapshots import GB, HOSTILE, MB, SCENES, START, accused, hosts_of, leak, memory, mixed, worker


def ended(word: ExitReason, evidence: str, after_s: float, code: int | None = None) -> ProcessExit:
    """Return the exit of a process, `after_s` seconds after the start of the run."""
    return ProcessExit(word, evidence, START + after_s, code, None if code is None or code >= 0 else -code, 50)


LIVES = (
    (2, "first seen", ended("exited", "exit 3 in the launcher's log", 480, 3)),
    (510, "new pid 41227 → 41311", ended("killed", "exit -9 in the launcher's log", 905, -9)),
    (930, "new pid 41311 → 41398", ended("stopped by us", "stop worker 2 (pid 41398)", 1210, -15)),
    (1240, "new pid 41398 → 41467",
     ended("probably OOM", "the host's counter of OOM kills moved by 1 as it vanished", 1800)),
    (1830, "new pid 41467 → 41520", ended("unknown", "nothing says why", 2100)),
    (2130, "new pid 41520 → 41588",
     ended("OOM-killed", "the kernel's log: killed process 41588 (python3) in /user.slice/metabonk", 2551, -9)),
    (2580, "new pid 41588 → 41640", None),
)  # fmt: skip


def killed() -> Snapshot:
    """Every exit reason, all in one slot; the last is an OOM kill with a black box."""
    base = mixed()
    pids = (41227, 41311, 41398, 41467, 41520, 41588, 41640)
    lives = tuple(
        Generation(n, START + began_s, pid, why, death)
        for n, ((began_s, why, death), pid) in enumerate(zip(LIVES, pids, strict=True), 1)
    )
    tried = worker(
        2, base.t, pid=41640, pid_started_at=START + 2578, generation=len(lives), generations=lives,
        resets_t=tuple(life.began_t for life in lives[1:]), last_good_t=base.t,
    )  # fmt: skip
    kill_t = START + 2551
    points = []
    for before_s in (300, 180, 60, 20, 10, 5, 0):
        w2 = () if before_s == 0 else (("w2", int((4.6 - before_s / 100) * GB)),)
        held = (("w0", int(1.02 * GB)), ("w1", int(1.07 * GB)), *w2, ("ollama", int(4.9 * GB)), ("launcher", 60 * MB))
        points.append(BlackBoxPoint(kill_t - before_s, int((0.3 + before_s / 80) * GB), held))
    because = ("kernel OOM kill: w2 at 14:44:34, latched for this run",)
    return replace(
        base,
        verdict=replace(base.verdict, because=because),
        workers=(*base.workers[:2], tried, *base.workers[3:]),
        hosts=hosts_of(replace(base.memory, black_box=BlackBox(kill_t, tuple(points)), kernel_log="readable",
                       oom_victims=(w(2),), oom_since_t=kill_t)),
    )  # fmt: skip


def thrashing() -> Snapshot:
    """Swap grows while tasks stall; of three GPUs the forecasts are CRITICAL, WARNING and LEARNING."""
    base = leak()
    t = base.t
    swap_text = "swap thrashing: +412 MB/min, PSI 63"

    def outlook(text: str, state: str) -> Forecast:
        return Forecast(None, None, 0.0, text, state=state, since_t=t - 60)  # type: ignore[arg-type]

    gpus = (
        GpuMemory(0, int(7.9 * GB), 8 * GB, outlook("OOM in ~3m ±1m, if this trend holds", "CRITICAL")),
        GpuMemory(1, int(21.2 * GB), 24 * GB, outlook("OOM in ~18m ±4m, if this trend holds", "WARNING")),
        GpuMemory(2, int(2.1 * GB), 24 * GB, outlook("forecast learning, 2m of 5m", "LEARNING")),
    )
    reading = base.memory.reading
    assert reading is not None
    reading = replace(
        reading, swap_used_bytes=int(3.6 * GB), pressure_some_avg10=63.4, pressure_full_avg10=21.9
    )  # fmt: skip
    swap = SwapView("crit", int(3.6 * GB), 4 * GB, 412.0 * MB, swap_text)
    return replace(base, hosts=hosts_of(replace(base.memory, reading=reading, swap=swap, gpus=gpus)))


def hostile_ends() -> Snapshot:
    """A black box and exits with hostile texts: controls, wide characters, 1000 letters."""
    base = killed()
    death = ProcessExit("OOM-killed", HOSTILE, base.t - 5)
    workers = tuple(replace(w, generations=(Generation(1, START, 7, HOSTILE, death),)) for w in base.workers)
    box = BlackBox(base.t, (BlackBoxPoint(base.t - 5, 10**15, ((HOSTILE, 10**15),)), BlackBoxPoint(base.t, None, ())))
    return replace(
        base, workers=workers, hosts=hosts_of(replace(memory(base.t, 4.2), black_box=box, kernel_log=HOSTILE)),
        log_lines={w(0): (HOSTILE, "x"), w(3): (HOSTILE,)},
    )  # fmt: skip


SHAPER = "WARN: intrinsic reward shaper unavailable (No module named 'src.worker.reward_shaper'); disabling"


def logged() -> Snapshot:
    """Worker logs: one line is common to all, one worker has more, and one file names another worker."""
    base = accused()
    common = "omega: GPU memory fraction could not be set: UserWarning: expandable_segments not supported"
    lines = {
        w(0): (common, "[worker:omega-2] WARN: not mine, though it stands in my file"),
        w(1): (common, "System2 request failed: HTTPConnectionPool(host='127.0.0.1', port=11434): Read timed out."),
        w(2): (common, f"[worker:omega-2] {SHAPER}",
            "Traceback (most recent call last):",
            "ModuleNotFoundError: No module named 'src.worker.reward_shaper'"),
    }  # fmt: skip
    workers = tuple(
        replace(w, status=WorkerStatus({"instance_id": f"omega-{w.slot}", "game_log_path": "/srv/metabonk/run"}))
        for w in base.workers
    )
    return replace(base, workers=workers, log_lines=lines)


RARE: dict[str, Callable[[], Snapshot]] = {
    "killed": killed,
    "thrashing": thrashing,
    "logged": logged,
    "hostile-ends": hostile_ends,
}
ALL = SCENES | RARE
