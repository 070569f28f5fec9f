"""How a run ended, and its verdict then: verdict.md section 4, "The run that is over", sentence by sentence."""

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.alert import alert_transitions
from metabonk_tui.core.model.host import ExitReading, GpuFault, KernelKill, KernelLogReading, ProcessReading
from metabonk_tui.core.model.refs import label_of
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    Event,
    Observation,
    PoolReading,
    RunHeader,
    Sample,
)
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.step.ended import presumed_over
from metabonk_tui.core.verdict.text import verdict_text
from tests.support.refs import w
from tests.support.samples import (
    GB,
    MIN,
    Life,
    begin,
    by_slot,
    changed,
    configured,
    down,
    header,
    healthy,
    kinds,
    phases,
    play,
    room,
    script,
    silent,
)

GONE_T = 300.0
END_T = 400.0
WHO = ("launcher", "orchestrator", "vision", "learner", "w0", "w1", "w2", "ollama")


def table(
    t: float, *, left: tuple[str, ...] = (), first: str = "", first_s: float = 10, from_pid: int = 41
) -> tuple[ProcessReading, ...]:
    """Return the whole stack before `GONE_T`, and `left` after it; `first` is gone `first_s` earlier."""
    services = [ProcessReading(role, GB // 30, pid=7 + n, started_at=0.0) for n, role in enumerate(SERVICES)]
    workers = [ProcessReading("worker", GB, worker=w(n), pid=from_pid + n, started_at=0.0) for n in range(3)]
    there = [*services, *workers, ProcessReading("ollama", GB, pid=9, started_at=0.0)]
    return tuple(
        p
        for p in there
        if (t < GONE_T or label_of(p.who) in left) and not (label_of(p.who) == first and t >= GONE_T - first_s)
    )


SERVICES: Any = ("launcher", "orchestrator", "vision", "learner")


def lived(
    add: dict[float, dict[str, Any]] | None = None,
    *,
    life: Life = healthy,
    left: tuple[str, ...] = (),
    first: str = "",
    first_s: float = 10,
    error: str = "refused",
    for_s: float = END_T,
    memory: Any = lambda _t: room(),
    run: Any = "launched",
) -> list[Snapshot]:
    """Play a run whose pool is gone from `GONE_T` on; `add` lays fields over the sample of a time."""
    ends = phases((0, life), (GONE_T, lambda _slot, _t: error))
    there = lambda t: table(t, left=left, first=first, first_s=first_s)  # noqa: E731
    samples = script(ends, for_s=for_s, memory=memory, processes=there, run=run)
    return play([changed(sample, **(add or {}).get(sample.t, {})) for sample in samples])


def exits(role: Any, code: str, line: str, asked: bool | None = None, slot: int | None = None) -> dict[str, Any]:
    worker = None if slot is None else w(slot)
    return {"exits": (ExitReading(role, code, worker=worker, line=line, asked=asked),)}


ORCHESTRATOR = exits("orchestrator", "-9", "[start_omega] orchestrator exited with -9")
VISION = exits("vision", "1", "[start_omega] vision exited with 1")
WORKER = exits("worker", "-9", "[start_omega] omega-1 exited with -9", slot=1)
ASKED = exits("launcher", "-15", "[start_omega] received 15, shutting down...", asked=True)
AFTER_ASKED = {
    "exits": (*ASKED["exits"], *exits("worker", "-15", "[start_omega] omega-0 exited with -15", slot=0)["exits"])
}
STOPPED = {"events": (Event(300.0, "pool.stop", "info", "stop: 3 workers have ended"),)}
KILL = {"kernel_log": KernelLogReading(kills=(KernelKill(42, "python3", GB, "/pool", "/pool/w1"),))}
OLLAMA_KILL = {"kernel_log": KernelLogReading(kills=(KernelKill(9, "ollama", GB, "", "/ollama"),))}


@pytest.mark.parametrize(
    ("add", "how", "reason", "stops"),
    [
        ({}, {}, "unknown", True),
        ({310.0: ORCHESTRATOR}, {}, "service died", True),
        ({310.0: VISION}, {}, "service died", True),
        ({}, {"first": "learner"}, "service died", True),
        ({}, {"first": "launcher"}, "unknown", True),
        ({310.0: WORKER}, {}, "worker died", True),
        ({310.0: ASKED}, {}, "stopped", False),
        ({310.0: AFTER_ASKED}, {}, "stopped", False),
        ({300.0: STOPPED}, {}, "stopped by us", False),
        ({300.0: STOPPED, 310.0: AFTER_ASKED}, {}, "stopped by us", False),
        ({310.0: KILL}, {}, "killed by the kernel", True),
        ({310.0: KILL | AFTER_ASKED}, {}, "killed by the kernel", True),
        ({100.0: ASKED}, {}, "unknown", True),
        ({100.0: ORCHESTRATOR}, {}, "unknown", True),
    ],
)  # fmt: skip
def test_how_it_ended_is_said_by_the_strongest_evidence(
    add: dict[float, dict[str, Any]], how: dict[str, Any], reason: str, stops: bool
) -> None:
    seen = lived(add, **how)[-1]
    end = seen.verdict.ended
    assert end is not None
    assert end.reason == reason
    assert seen.verdict.kind is (VerdictKind.STOP if stops else VerdictKind.VALIDATING)
    assert seen.verdict.title == f"{seen.verdict.kind} ended"
    assert end.last_seen_t == GONE_T - 10
    assert [event.kind for event in seen.events].count("run.end") >= 1


def exits_of(workers: tuple[WorkerView, ...]) -> list[str]:
    return [life.ended.text for each in workers for life in each.generations if life.ended is not None]


@pytest.mark.parametrize(
    ("add", "how", "ends"),
    [
        ({310.0: ORCHESTRATOR}, {}, ["end of the run"] * 3),
        ({310.0: ASKED}, {}, ["end of the run"] * 3),
        ({310.0: WORKER}, {}, ["end of the run", "killed (signal 9)", "end of the run"]),
        # An end that is not known explains nothing, and neither does one that came much later.
        ({}, {}, ["cause unknown"] * 3),
        (
            {310.0: ORCHESTRATOR},
            {"first": "w1", "first_s": 150},
            ["end of the run", "cause unknown", "end of the run"],
        ),
    ],
)
def test_the_end_of_the_run_explains_the_ends_of_its_workers(
    add: dict[float, dict[str, Any]], how: dict[str, Any], ends: list[str]
) -> None:
    seen = lived(add, **how, for_s=500)[-1]
    assert exits_of(seen.workers) == ends
    texts = [event.text for event in seen.events if event.kind == "process.gone"]
    for text, slot in zip(ends, (0, 1, 2), strict=True):
        assert [each for each in texts if f"w{slot} " in each and text in each], texts


@pytest.mark.parametrize(
    ("toml", "commands"),
    [
        ("", ["metabonk-tui report last", "metabonk-tui launch 3"]),
        ("[pool]\nworkers = 1", ["metabonk-tui report last", "metabonk-tui launch 1"]),
        ('[pool]\nbackend = "none"', ["metabonk-tui report last"]),
    ],
)
def test_the_steps_after_a_run_are_commands_that_can_be_run(toml: str, commands: list[str]) -> None:
    ends = phases((0, healthy), (GONE_T, down))
    samples = script(ends, for_s=END_T, processes=table, memory=lambda _t: room(15.0))
    seen = play(samples, configured(toml))[-1]
    assert seen.verdict.ended is not None
    assert [step.command for step in seen.verdict.next_steps] == commands


def test_ollama_does_not_end_with_the_run() -> None:
    seen = lived({310.0: ORCHESTRATOR}, for_s=500)[-1]
    texts = [event.text for event in seen.events if event.kind == "process.gone" and "ollama" in event.text.lower()]
    assert texts
    assert all("cause unknown" in text for text in texts)


def test_the_line_of_the_log_is_named_with_the_process() -> None:
    seen = lived({310.0: ORCHESTRATOR})[-1]
    assert seen.verdict.because[0] == (
        "the run is over: orchestrator exited with -9 and took the stack down"
        ' ("[start_omega] orchestrator exited with -9")'
    )
    assert "over, last seen at " in verdict_text(seen)


def test_that_no_worker_answers_does_not_count_on_once_the_run_is_over() -> None:
    """A worker that hangs on keeps the run alive; its end comes long after STOP says that no worker answers."""
    life = phases((0, healthy), (GONE_T, down))
    stays = lambda t: table(t, left=("w2",)) if t < GONE_T + 200 else ()  # noqa: E731
    snapshots = play(script(life, for_s=GONE_T + 900, processes=stays, run="launched"))
    before = next(s for s in snapshots if s.t == GONE_T + 190)
    assert before.verdict.kind is VerdictKind.STOP
    assert before.verdict.because[0].startswith("no worker answers: 0/3 for")
    over = [s.verdict for s in snapshots if s.verdict.ended is not None]
    assert len(over) > 10
    assert {verdict.because for verdict in over} == {over[-1].because}


def test_a_stop_keeps_its_cause_when_its_workers_are_gone() -> None:
    """The causes go with the workers; what the run showed stays."""
    env = lambda _slot, _t: EnvReading({"METABONK_SYSTEM2_ENABLED": "1"})  # noqa: E731
    life = phases((0, silent), (GONE_T, down))
    file = EnvFileReading(
        "pool.env", {"METABONK_DYNAMIC_UI_EXPLORATION": "1", "METABONK_INTRINSIC_REWARD": "1"}, frozenset()
    )
    samples = script(life, for_s=GONE_T + 200, processes=table, env=env, run="launched")
    snapshots = play([changed(sample, env_file=file) for sample in samples])
    before = next(s.verdict for s in snapshots if s.t == GONE_T - 10)
    assert before.kind is VerdictKind.STOP
    assert before.because[0].startswith("config not loaded 0.9")
    over = snapshots[-1].verdict
    assert over.ended is not None
    assert over.because[0].startswith("the run is over: ")
    assert over.because[1] == before.because[0]
    assert over.since_t == before.since_t


def test_a_run_that_ends_while_it_validates_leads_with_its_end() -> None:
    over = [s.verdict for s in lived(for_s=END_T + 600) if s.verdict.ended is not None]
    assert {verdict.because for verdict in over[5:]} == {
        (
            "the run is over: how it ended is not known: no log and no kernel message says it",
            "its verdict was VALIDATING",
        )
    }
    assert {verdict.since_t for verdict in over} == {GONE_T}


@pytest.mark.parametrize(
    ("how", "is_over"),
    [
        ({}, True),
        ({"left": ("ollama",)}, True),
        ({"left": ("launcher",)}, False),
        ({"left": ("vision",)}, False),
        ({"left": ("w2",)}, False),
        ({"error": "timeout"}, False),
        ({"error": "dns"}, False),
        ({"error": "http 500"}, False),
        ({"for_s": GONE_T}, False),
    ],
)
def test_a_run_is_over_only_when_no_part_of_the_pool_is_there(how: dict[str, Any], is_over: bool) -> None:
    assert (lived(**how)[-1].verdict.ended is not None) == is_over


def test_a_pool_without_a_seen_process_is_over_after_a_minute_of_refusals() -> None:
    life = phases((0, healthy), (GONE_T, down))
    snapshots = play(script(life, for_s=GONE_T + 70, processes=lambda _t: ()))
    assert next(s for s in snapshots if s.t == GONE_T + 50).verdict.ended is None, "a respawn takes 20 to 23 s"
    assert snapshots[-1].verdict.ended is not None


def test_a_table_that_was_never_read_proves_nothing() -> None:
    life = phases((0, healthy), (GONE_T, down), (GONE_T + 300, healthy))
    seen = play(script(life, for_s=GONE_T + 400))
    assert all(s.verdict.ended is None for s in seen)
    assert seen[-1].run.started_at == 0.0


def test_a_table_that_was_not_read_proves_nothing() -> None:
    life = phases((0, healthy), (GONE_T, down))
    seen = play(script(life, for_s=END_T, processes=lambda t: table(t) if t < GONE_T else None))[-1]
    assert seen.verdict.ended is None


def test_a_recording_of_another_program_has_no_end() -> None:
    run = header(0.0, 3, 10.0, source="metabonk-csv", how="recording")
    assert lived(run=run)[-1].verdict.ended is None


GO = (VerdictKind.CONTINUE, VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)


def test_a_run_that_is_over_is_never_a_go() -> None:
    life = phases((0, healthy), (35 * MIN, down))
    stopped = {35 * MIN: (Event(35 * MIN, "pool.stop", "info", "stopped"),)}
    snapshots = play(script(life, for_s=40 * MIN, events=stopped, memory=lambda _t: room(16)))
    before = next(s for s in snapshots if s.t == 34 * MIN)
    assert before.verdict.kind in GO
    assert before.verdict.exit_code in (0, 1)
    assert snapshots[-1].verdict.kind is before.verdict.kind, "a run that we stopped keeps its word"
    assert snapshots[-1].verdict.exit_code == 3
    assert snapshots[-1].verdict.level == "unknown"


def test_a_stop_stays_a_stop_with_its_reasons() -> None:
    life = phases((0, silent), (35 * MIN, down))
    stopped = {35 * MIN: (Event(35 * MIN, "pool.stop", "info", "stopped"),)}
    seen = play(script(life, for_s=40 * MIN, events=stopped))[-1]
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.STOP, 2)
    assert "ABSENT" in seen.verdict.because[0]


def test_a_run_that_is_over_is_checked_no_more() -> None:
    life = phases((0, healthy), (12 * MIN, down))
    seen = play(script(life, for_s=40 * MIN, processes=lambda t: table(t) if t < 12 * MIN else ()))[-1]
    assert seen.verdict.ended is not None
    assert [check.result for check in seen.gate.checks] == ["PASS", "PASS", *["TO COME"] * 4]
    assert not [event for event in seen.events if event.kind == "check" and event.t > 12 * MIN]


def test_a_run_that_comes_back_was_not_over() -> None:
    life = phases((0, healthy), (GONE_T, down), (GONE_T + 50, healthy))
    snapshots = play(script(life, for_s=END_T, processes=lambda t: table(0.0 if t >= GONE_T + 50 else t)))
    assert any(s.verdict.ended is not None for s in snapshots)
    assert snapshots[-1].verdict.ended is None
    assert snapshots[-1].run.started_at == 0.0


def test_another_pool_after_the_end_is_a_new_run_also_with_one_worker() -> None:
    life = phases((0, healthy), (GONE_T, down), (GONE_T + 50, lambda slot, t: healthy(slot, t, GONE_T + 45)))

    def processes(t: float) -> tuple[ProcessReading, ...]:
        if t < GONE_T + 50:
            return table(t)
        return (ProcessReading("worker", GB, worker=w(0), pid=99, started_at=GONE_T + 45),)

    seen = play(script(life, workers=1, for_s=END_T, processes=processes))[-1]
    assert seen.verdict.ended is None
    assert seen.run.started_at == GONE_T + 45
    assert [run.last.verdict.title for run in seen.ended_runs] == ["STOP ended"]


# Replaced


def launched_by_hand(t: float) -> tuple[ProcessReading, ...]:
    if t < GONE_T:
        return table(t)
    launcher = ProcessReading(
        "launcher", GB // 30, pid=6806, started_at=GONE_T - 1, name="python launch.py --workers 2"
    )
    return (launcher, *(p for p in table(0.0, from_pid=200) if p.role == "worker"))


def pool_of(t: float) -> PoolReading:
    if t < GONE_T:
        return PoolReading(desired=3, launcher_pid=7, launcher_started_at=0.0)
    return PoolReading(desired=2, launcher_pid=6806, launcher_started_at=GONE_T - 1)


def test_a_run_that_somebody_replaced_names_the_launch_and_keeps_its_size() -> None:
    life = phases((0, healthy), (GONE_T, lambda slot, t: healthy(slot, t, GONE_T - 1)))
    seen = play(script(life, for_s=END_T, processes=launched_by_hand, pool=pool_of))[-1]
    (ended,) = [run.last for run in seen.ended_runs]
    end = ended.verdict.ended
    assert end is not None
    assert (end.reason, end.text) == (
        "replaced",
        "a launch by pid 6806 (python launch.py --workers 2) replaced it, 2 workers",
    )
    assert ended.verdict.kind is VerdictKind.VALIDATING
    assert ended.verdict.next_steps == ()
    assert ended.run.desired == 3
    assert kinds(ended).count("run.end") == 1


def test_the_workers_of_a_replaced_run_ended_with_it() -> None:
    # The clean-up of the new launcher ends the old workers before the new ones are there.
    life = phases((0, healthy), (GONE_T - 10, down), (GONE_T, lambda slot, t: healthy(slot, t, GONE_T - 1)))
    processes = lambda t: table(GONE_T, left=("launcher",)) if t == GONE_T - 10 else launched_by_hand(t)  # noqa: E731
    seen = play(script(life, for_s=END_T, processes=processes, pool=pool_of))[-1]
    (ended,) = [run.last for run in seen.ended_runs]
    assert exits_of(ended.workers) == ["end of the run"] * 3


def test_our_own_resize_ends_a_run_as_stopped_by_us() -> None:
    first = script(for_s=GONE_T, pool=lambda _t: PoolReading(desired=3))
    second = script(from_s=GONE_T + 10, for_s=60, workers=2)
    second[0] = begin(second[0], header(GONE_T + 5, 2))
    seen = play([*first, *second])[-1]
    end = seen.ended_runs[-1].last.verdict.ended
    assert end is not None
    assert (end.reason, end.text) == ("stopped by us", "our next launch with 2 workers replaced it")
    assert seen.ended_runs[-1].last.run.desired == 3


# The last run, read from its recording


def looks(life: Life, *samples: Sample) -> list[Snapshot]:
    """Play a run of an hour ago whose end no monitor watched, then what a monitor sees that is opened now."""
    recorded = play(script(life, for_s=GONE_T - 10, processes=table))[-1]
    return play(samples, before=presumed_over(recorded))


def nothing(t: float, error: str = "refused") -> Sample:
    return changed(Sample(t, {w(n): Observation(error=error) for n in range(3)}), processes=())


def test_the_first_look_says_that_the_last_run_is_over() -> None:
    (seen,) = looks(healthy, nothing(4000.0))
    assert seen.verdict.title == "STOP ended", "no monitor watched it end, and no person is known to have ended it"
    assert seen.run.elapsed_s == GONE_T - 10, "the time since then is not the run's"
    assert seen.verdict.exit_code == 2


def test_evidence_that_comes_late_names_the_end() -> None:
    seen = looks(healthy, nothing(4000.0), changed(nothing(4001.0), **ORCHESTRATOR))[-1]
    assert seen.verdict.ended is not None
    assert seen.verdict.ended.reason == "service died"


def test_a_host_that_does_not_resolve_is_named() -> None:
    samples = [Sample(float(t), {w(0): Observation(error="dns")}, run=None) for t in range(3)]
    samples[0] = replace(samples[0], run=RunHeader("run-0", 0.0, None, how="first sample"))
    seen = play(samples)[-1]
    assert seen.verdict.because[0].startswith("host 127.0.0.1 does not resolve")
    assert seen.verdict.ended is None
    assert [(step.key, step.text) for step in seen.verdict.next_steps] == [
        (None, "correct the name of the host: --host, or pool.host in the configuration")
    ], "a launch does not help"


def test_a_host_that_does_not_resolve_any_more_is_named_beside_the_word() -> None:
    life = phases((0, healthy), (100, lambda _slot, _t: "dns"))
    seen = play(script(life, for_s=300))[-1]
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert any("host 127.0.0.1 does not resolve" in line for line in seen.verdict.because)


def fired(snapshots: list[Snapshot]) -> list[str]:
    """Return the ids of the alerts that fired in these Snapshots, in order."""
    found: list[str] = []
    before = snapshots[0].alerts
    for snapshot in snapshots:
        found += [change.alert.id for change in alert_transitions(before, snapshot.alerts)]
        before = snapshot.alerts
    return found


KILLED_BEFORE = KernelLogReading(
    kills=(KernelKill(45, "python3", GB, "/pool", "/pool/w0"),),
    gpu_faults=(GpuFault("NVRM: GPU0: Out of memory", gpu="GPU0", t=3900.0),),
)


@pytest.mark.parametrize(
    ("add", "alerts"),
    [
        ({}, []),
        ({"kernel_log": KILLED_BEFORE}, []),
        # Memory is this machine's, and runs low now.
        ({"memory": room(0.4)}, ["MemCritical", "MemLow"]),
    ],
    ids=["gone", "evidence in the kernel's log", "memory low now"],
)
def test_a_run_that_was_over_before_the_monitor_opened_is_no_news(add: dict[str, Any], alerts: list[str]) -> None:
    pending = by_slot(healthy, healthy, phases((0, healthy), (GONE_T - 20, down)))
    recorded = play(script(pending, for_s=GONE_T - 10, processes=table))[-1]
    assert [(alert.name, alert.state) for alert in recorded.alerts] == [("WorkerDown", "pending")]
    samples = [changed(nothing(4000.0 + 10 * n), **add) for n in range(90)]
    seen = play(samples, before=presumed_over(recorded))
    assert {one.verdict.title for one in seen} == {"STOP ended"}
    assert fired(seen) == alerts


def test_alerts_of_a_run_that_was_over_stay_as_they_were() -> None:
    ill = by_slot(healthy, healthy, phases((0, healthy), (100, down)))
    recorded = play(script(ill, for_s=GONE_T - 10, processes=table))[-1]
    assert [(alert.name, alert.state) for alert in recorded.alerts] == [("WorkerDown", "firing")]
    seen = play([nothing(4000.0 + 10 * n) for n in range(90)], before=presumed_over(recorded))
    assert fired([recorded, *seen]) == []
    assert [(alert.name, alert.state) for alert in seen[-1].alerts] == [("WorkerDown", "firing")]


def test_an_ill_pool_that_runs_is_news_once() -> None:
    recorded = play(script(healthy, for_s=GONE_T - 10, processes=table))[-1]
    ill = by_slot(healthy, healthy, down)
    samples = script(ill, for_s=4900.0, processes=lambda t: table(0.0), run=None)
    seen = play([sample for sample in samples if sample.t >= 4000.0], before=presumed_over(recorded))
    assert fired(seen) == ["WorkerDown"]
