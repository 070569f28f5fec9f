"""Builds Snapshots of rare states: every exit reason, an OOM kill, swap thrashing, GPUs."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.memory import BlackBox, BlackBoxPoint, Forecast, GpuMemory, SwapView
from metabonk_tui.core.model.minutes import MIB, RunMinutes
from metabonk_tui.core.model.obituary import DeathMemory, Obituary, Remedy
from metabonk_tui.core.model.process_exit import ExitReason, ProcessExit
from metabonk_tui.core.model.sample import EnvFileReading, WorkerStatus
from metabonk_tui.core.model.snapshot import Cause, Check, CheckPart, Gate, NextStep, Snapshot, Verdict, VerdictKind
from metabonk_tui.core.model.worker import ComponentState as S
from metabonk_tui.core.model.worker import EnvView, GameplayView, Generation, Reach
from metabonk_tui.core.step.obituaries import last_answer
from metabonk_tui.core.verdict.ended import ended_verdict
from metabonk_tui.core.verdict.next_steps import READ_REPORT
from tests.support.draw import defaults
from tests.support.refs import w
from tests.support.snapshots import (
    GB,
    GONE,
    HOSTILE,
    MB,
    SCENES,
    START,
    accused,
    components,
    event,
    hosts_of,
    leak,
    memory,
    mixed,
    node,
    snapshot,
    stop,
    worker,
)


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
    page = died().obituaries[-1]
    page = replace(page, signs=(HOSTILE,) * 4, log=(HOSTILE,) * 12, ended=replace(death, strength=60), memory=(
        DeathMemory(page.t - 1, 10**18, None), DeathMemory(page.t, 0, 10**18)), around=tuple(
            replace(each, text=HOSTILE) for each in page.around), remedies=(Remedy("X", HOSTILE),))  # fmt: skip
    return replace(
        base, workers=workers, hosts=hosts_of(replace(memory(base.t, 4.2), black_box=box, kernel_log=HOSTILE)),
        log_lines={w(0): (HOSTILE, "x"), w(3): (HOSTILE,)}, obituaries=(page,), earlier_obituaries=10**9,
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


PARTIAL_SHOWS = (
    *((S.UNPROVEN, 226, None), (S.ABSENT, None, None), (S.ACTIVE, 0, 2), (S.ABSENT, None, None), (S.ZERO, 0, 0)),
)
PARTIAL_FILE = {key: value for key, value in defaults().required_environment.items() if "INTRINSIC_APPLY" not in key}
EXPORT = "relaunch with the file exported: set -a; source game_agnostic_24h_config.env; set +a"


def partial() -> Snapshot:
    """Two workers of the real launcher without the exported file, after the gate: PARTIAL. Only System2 moves."""
    elapsed_s = 5666.0
    t = START + elapsed_s
    keys = tuple(key for key in defaults().required_environment if key != "METABONK_SYSTEM2_ENABLED")
    workers = []
    for slot in range(2):
        one = worker(
            slot, t, PARTIAL_SHOWS, ui_state="uncertain", epsilon=0.9, gameplay=GameplayView(False, (), False, None),
            env=EnvView(1, len(keys) + 1, keys, (), None), environment={"METABONK_SYSTEM2_ENABLED": "1"},
        )  # fmt: skip
        changed = {
            "ui_exploration": {"proof": "dynamic_ui_text_density"},
            "system2": {"companion": ("vlm_hints_used", 14.0), "launcher_sets": True},
        }
        parts = tuple(replace(part, **changed.get(part.id, {})) for part in one.components)
        workers.append(replace(one, components=parts))
    never = "never shown on any worker: UI exploration, intrinsic reward"
    judged = (CheckPart("ui expl", S.UNPROVEN), CheckPart("intrinsic", S.ABSENT), CheckPart("system2", S.ACTIVE))
    gate_checks = tuple(Check(n, START + 3 + 300 * n, "PARTIAL", never, True, judged) for n in range(1, 7))
    cause = Cause(
        "config-not-loaded", "config not loaded", 0.91,
        "METABONK_DYNAMIC_UI_EXPLORATION, METABONK_INTRINSIC_REWARD and 2 more unset in the process, all set right "
        "in game_agnostic_24h_config.env, without export, on 2/2 workers",
        "grep -zc ^METABONK_ /proc/41207/environ", EXPORT, (w(0), w(1)),
    )  # fmt: skip
    verdict = Verdict(
        VerdictKind.PARTIAL, START + 1806, ("config not loaded 0.91", never, f"fix: {EXPORT}", "do NOT run 24 h"),
        (
            node(0, "partly", "PARTIAL", "caution", True, "1/3 due shown", "due components shown: 1/3"),
            node(1, "yes", "LAUNCH 24H", "go", False, "min 4.5 GB"),
            node(2, "not yet", "on track", "go", False, "0/2"),
        ),
        None, "a worker shows UI exploration and intrinsic reward, held for 2 evaluations",
        (
            NextStep(None, EXPORT, None),
            NextStep("X", "stop the pool", "metabonk-tui stop", "or"),
            NextStep("L", "relaunch 2 workers with the env file", "metabonk-tui launch 2", "then"),
        ),
        VerdictKind.VALIDATING,
    )  # fmt: skip
    return snapshot(
        elapsed_s, tuple(workers), verdict, memory(t, 4.6),
        gate=Gate("gameplay", START + 3, START + 1803, START + 7200, gate_checks),
        causes=(cause,),
        env_file=EnvFileReading("/srv/metabonk/game_agnostic_24h_config.env", PARTIAL_FILE, frozenset()),
        events=(event(START + 1806, "warn", f"verdict VALIDATING → PARTIAL: {never}", "verdict"),),
    )  # fmt: skip


def over() -> Snapshot:
    """The same run after its orchestrator died: a STOP that is over."""
    base = partial()
    end = RunEnd("service died", "orchestrator exited with -9 and took the stack down", base.t - 30, base.t - 31)
    steps = (READ_REPORT, NextStep("L", "launch 2 workers", "metabonk-tui launch 2", "then"))
    verdict = ended_verdict(base.verdict, base.verdict, end, base.gate, steps)
    gone = tuple(
        replace(each, reach=Reach.DOWN, error="refused", reach_since_t=end.t, components=components(GONE, each.slot))
        for each in base.workers
    )
    return replace(base, verdict=verdict, workers=gone)


def last_run() -> Snapshot:
    """The run of `over`, two hours later, in a monitor that opened after its end; the kernel had killed w1."""
    base = over()
    end_s = base.run.elapsed_s - 31
    kill = ProcessExit("OOM-killed", "the kernel's log: killed process 41217 (python3)", START + end_s - 4, -9, 9, 60)
    page = Obituary(
        t=START + end_s - 4, seen_t=START + end_s - 5, who=w(1), pid=41217, generation=1, port=5001, lived_s=5600.0,
        ended=kill, rss_bytes=int(1.1 * GB), floor_bytes=GB,
    )  # fmt: skip
    watched = int(end_s // 60)
    lowest = tuple(int((6.2 - 5.6 * place / watched) * GB) // MIB for place in range(watched))
    minutes = RunMinutes(
        verdicts="1" * 30 + "2" * (watched - 30), worst="6" * watched, lowest_mib=lowest,
        open_verdict="3", open_worst="8", open_lowest_mib=int(0.5 * GB) // MIB,
    )  # fmt: skip
    run = replace(base.run, elapsed_s=end_s, observed_s=end_s)
    hosts = hosts_of(replace(base.memory, min_available_bytes=int(0.5 * GB)))
    return replace(base, t=base.t + 7200, run=run, hosts=hosts, obituaries=(page,), minutes=minutes, ended_unseen=True)


def died() -> Snapshot:
    """The stopped run after the kernel killed w2, as w4 before it; w2 was the largest and raced."""
    base = replace(stop(), t=stop().t + 1200)
    death_t = base.t - 54
    view = next(each for each in base.workers if each.ref == w(2))
    parts = tuple(replace(part, known_state=part.state, known_since_t=part.since_t) for part in view.components)
    view = replace(view, components=parts)
    dead = replace(view, reach=Reach.DOWN, error="refused", reach_since_t=death_t, rss_bytes=None)
    base = replace(base, workers=(*base.workers[:2], dead, *base.workers[3:]))
    answer = last_answer(replace(view, last_good_t=death_t - 3, step=25089.0, step_rate=13.9))
    proof = "the kernel's log: killed process 41227 (python3) in /user.slice/metabonk"
    kill = ProcessExit("OOM-killed", proof, death_t, -9, 9, 60)
    points = tuple(
        DeathMemory(death_t - 1 - before_s, int((0.08 + before_s / 160) * GB), int((1.68 - before_s / 600) * GB))
        for before_s in range(300, -1, -10)
    )
    after = DeathMemory(death_t + 18, int(1.5 * GB), None)
    around = (
        event(death_t - 30, "warn", "available 0.3 GB, PSI 41", "memory.low"),
        event(death_t - 12, "warn", "Ollama answers after 19 s", "alert.firing"),
        event(death_t, "crit", "w2 (pid 41227) is gone: OOM-killed; the kernel's log: killed process 41227 (python3)",
              "process.gone", 2, pid=41227),
        event(death_t + 1, "crit", "verdict STOP: kernel OOM kill, latched", "verdict"),
    )  # fmt: skip
    log = (
        "step 24158 state=uncertain eps=0.90 reward=0.000",
        "replay buffer 41280 frames, 962 MB",
        "WARN system2 request timed out (ollama 30 s)",
        "step 25075 state=uncertain eps=0.90 reward=0.000",
        "RuntimeWarning: cuMemAlloc retry 3, host allocation of 512 MiB requested",
    )
    page = Obituary(
        t=death_t, seen_t=death_t - 1, who=w(2), pid=41227, generation=2, port=5002, lived_s=1991.0, ended=kill,
        rss_bytes=int(1.68 * GB), floor_bytes=GB, memory=(*points, after), answer=answer, log=log, log_ends=True,
        around=around,
        signs=("it was the largest of 5 workers, 1.68 GB, +14 M/m, the fastest",
               "w2 racing: 13.90 steps/s, ×200 of its own past"),
        remedies=(Remedy("-", "resize to 3 workers: 5 need 16.1 GB of 15.6"),
                  Remedy("W", "arm the memory watch: it acts before the kernel does")),
    )  # fmt: skip
    before = replace(page, t=death_t - 900, seen_t=death_t - 901, who=w(4), pid=40991, generation=1, memory=(), log=(),
                     around=(), signs=(), answer=None, rss_bytes=int(1.71 * GB))  # fmt: skip
    return replace(base, obituaries=(before, page))


RARE: dict[str, Callable[[], Snapshot]] = {
    "killed": killed,
    "thrashing": thrashing,
    "logged": logged,
    "hostile-ends": hostile_ends,
    "partial": partial,
    "over": over,
    "died": died,
    "last-run": last_run,
}
ALL = SCENES | RARE
