"""How processes ended: the strongest evidence wins, late evidence may raise it and never lowers it."""

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.memory.flight_recorder import table as table_of
from metabonk_tui.core.model.host import ExitReading, KernelKill, KernelLogReading, ProcessReading
from metabonk_tui.core.model.memory import BlackBox, BlackBoxPoint
from metabonk_tui.core.model.refs import label_of
from metabonk_tui.core.model.sample import Event, Operation, PoolReading, Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import GB, changed, coarse, down, healthy, kinds, phases, play, room, script, worker

GONE_T = 500.0
RSS = {"w0": GB, "w1": GB, "w2": GB, "ollama": 5 * GB, "launcher": GB // 30}


def table(*gone: str, at_t: float = GONE_T) -> Any:
    """Three workers, Ollama and their launcher; some are gone from a time on."""
    everyone = [
        ProcessReading("worker", GB, worker=w(s), pid=41 + s, started_at=0.0, name="python3 -m w") for s in range(3)
    ]
    everyone.append(ProcessReading("ollama", 5 * GB, pid=9, started_at=0.0, name="ollama serve"))
    everyone.append(ProcessReading("launcher", GB // 30, pid=7, started_at=0.0, name="python3 launch.py"))
    return lambda t: tuple(p for p in everyone if t < at_t or label_of(p.who) not in gone)


def lived(*gone: str, add: dict[float, dict[str, Any]] | None = None, for_s: float = 900, **fields: Any) -> Snapshot:
    """Play a run in which some vanish; `add` lays fields over the sample of a time."""
    fine = [*fields.pop("fine", ()), (GONE_T - 20, GONE_T + 100), *((t - 20, t + 20) for t in add or {})]
    samples = coarse(processes=fields.pop("processes", table(*gone)), for_s=for_s, fine=fine, **fields)
    return play([changed(sample, **(add or {}).get(sample.t, {})) for sample in samples])[-1]


def ends(seen: Snapshot, slot: int = 1) -> list[str]:
    return [life.ended.text for life in worker(seen, slot).generations if life.ended is not None]


def exit_texts(seen: Snapshot) -> list[str]:
    return [event.text for event in seen.events if event.kind == "process.gone"]


def exit_of(code: int, slot: int = 1) -> dict[str, Any]:
    return {"exits": (ExitReading("worker", str(code), worker=w(slot)),)}


def engine_says(reason: Any, code: int | None = -15) -> dict[str, Any]:
    """The engine of a cluster says how the job of a worker ended, and its exit code unless that is None."""
    said = exit_of(code or 0)["exits"][0]
    exit_text = "" if code is None else said.exit
    return {"exits": (replace(said, exit=exit_text, reason=reason, engine="Slurm: job 12_1 on n1: ITS WORD"),)}


def kernel(pid: int | None, name: str = "python3", rss_bytes: int = GB) -> dict[str, Any]:
    kill = KernelKill(pid, name, rss_bytes, "/pool", "/pool/w1")
    return {"kernel_log": KernelLogReading(kills=(kill,))}


def counter(scope: Any, kills: int = 1, available: float = 8.0) -> Any:
    return lambda t: room(available, kills if t >= GONE_T else 0, scope)


STOPPED = {"events": (Event(510.0, "pool.stop", "info", "worker 1 has ended", w(1), {"pid": 42}),)}
OTHER = {"events": (Event(510.0, "pool.stop", "info", "worker 2 has ended", w(2), {"pid": 43}),)}
FAILED = {"events": (Event(510.0, "pool.stop", "crit", "stop failed", w(1), {"pid": 42}),)}


@pytest.mark.parametrize(
    ("add", "memory", "expected"),
    [
        ({}, None, "cause unknown"),
        ({510.0: exit_of(3)}, None, "exited 3"),
        ({510.0: exit_of(0)}, None, "exited 0"),
        ({510.0: exit_of(-9)}, None, "killed (signal 9)"),
        ({510.0: exit_of(137)}, None, "killed (signal 9)"),
        ({510.0: exit_of(-15)}, None, "killed (signal 15)"),
        ({510.0: exit_of(-15, slot=2)}, None, "cause unknown"),
        ({900.0: exit_of(3)}, None, "cause unknown"),
        ({510.0: exit_of(-9)}, counter("host"), "probably OOM"),
        ({510.0: exit_of(137)}, lambda _t: room(0.1), "probably OOM"),
        ({510.0: exit_of(-9)}, counter("cgroup"), "OOM-killed"),
        ({}, counter("cgroup"), "OOM-killed"),
        ({}, counter("host"), "probably OOM"),
        ({500.0: exit_of(3)}, counter("host"), "exited 3"),
        ({500.0: exit_of(-15)}, counter("cgroup"), "killed (signal 15)"),
        ({510.0: exit_of(3)}, lambda _t: room(0.1), "exited 3"),
        ({510.0: kernel(42)}, None, "OOM-killed"),
        ({510.0: kernel(4242)}, None, "cause unknown"),
        ({510.0: kernel(None)}, None, "OOM-killed"),
        ({510.0: kernel(None, "java")}, None, "cause unknown"),
        ({510.0: kernel(None, rss_bytes=3 * GB)}, None, "cause unknown"),
        ({510.0: STOPPED}, None, "stopped by us"),
        ({510.0: OTHER}, None, "cause unknown"),
        ({510.0: FAILED}, None, "cause unknown"),
        ({510.0: STOPPED, 520.0: exit_of(-15)}, None, "stopped by us"),
        ({510.0: exit_of(-15), 520.0: STOPPED | {"events": (replace(STOPPED["events"][0], t=520.0),)}}, None,
         "stopped by us"),
        ({510.0: exit_of(-9), 530.0: kernel(42)}, None, "OOM-killed"),
        ({510.0: kernel(42), 530.0: exit_of(-15)}, None, "OOM-killed"),
        ({510.0: STOPPED}, counter("cgroup"), "OOM-killed"),
        ({510.0: engine_says("preempted")}, None, "preempted"),
        ({510.0: engine_says("out of time")}, None, "out of time"),
        ({510.0: engine_says("cancelled")}, None, "cancelled"),
        ({510.0: engine_says("cancelled") | STOPPED}, None, "stopped by us"),
        ({510.0: engine_says("OOM-killed", -9)}, counter("host"), "OOM-killed"),
        ({510.0: engine_says(None, 3)}, None, "exited 3"),
        ({510.0: engine_says("killed by Ray", None)}, None, "killed by Ray"),
        ({510.0: engine_says("cancelled", None)}, None, "cancelled"),
        ({510.0: engine_says("cancelled", None) | STOPPED}, None, "stopped by us"),
        ({510.0: engine_says("killed by Ray", None) | kernel(42)}, None, "OOM-killed"),
    ],
)  # fmt: skip
def test_the_strongest_evidence_says_how_it_ended(add: Any, memory: Any, expected: str) -> None:
    seen = lived("w1", add=add, **({} if memory is None else {"memory": memory}))
    assert ends(seen) == [expected]
    assert ends(seen, 0) == []


def test_an_end_that_an_engine_names_has_its_words_as_evidence() -> None:
    (life,) = worker(lived("w1", add={510.0: engine_says("preempted")}), 1).generations
    assert life.ended is not None
    assert life.ended.evidence == "Slurm: job 12_1 on n1: ITS WORD"


def test_an_exit_that_no_engine_names_is_not_invented() -> None:
    (life,) = worker(lived("w1", add={510.0: engine_says("killed by Ray", None)}), 1).generations
    assert life.ended is not None
    assert (life.ended.exit_code, life.ended.signal) == (None, None)


def test_a_resize_that_keeps_a_worker_did_not_stop_it() -> None:
    for ends_pids, expected in (((43,), "cause unknown"), ((42, 43), "stopped by us"), (None, "stopped by us")):
        running = Operation("resize to 2 workers", 495.0, (), ends=ends_pids)
        pool = {"pool": PoolReading(operation=running)}
        seen = lived("w1", add={t: pool for t in (498.0, 499.0, 500.0, 501.0, 510.0)})
        assert ends(seen) == [expected], ends_pids


def test_a_late_exit_code_is_added_to_what_was_believed() -> None:
    seen = lived("w1", add={510.0: kernel(42), 530.0: exit_of(-9)})
    (life,) = [life for life in worker(seen, 1).generations if life.ended]
    assert life.ended is not None
    assert (life.ended.exit_code, life.ended.signal) == (-9, 9)


def test_of_more_that_vanish_than_were_killed_none_is_named() -> None:
    seen = lived("w1", "w2", memory=counter("cgroup"))
    assert (ends(seen, 1), ends(seen, 2)) == (["cause unknown"], ["cause unknown"])
    both = lived("w1", "w2", memory=counter("cgroup", 2))
    assert (ends(both, 1), ends(both, 2)) == (["OOM-killed"], ["OOM-killed"])
    known = lived("w1", "w2", memory=counter("cgroup"), add={500.0: exit_of(3)})
    assert (ends(known, 1), ends(known, 2)) == (["exited 3"], ["OOM-killed"])


def test_ollama_counts_as_much_as_a_worker_and_the_verdict_is_latched() -> None:
    seen = lived("ollama", memory=counter("cgroup"))
    assert any(text.startswith("ollama (pid 9) is gone: OOM-killed") for text in exit_texts(seen))
    assert seen.verdict.kind is VerdictKind.STOP
    assert seen.memory.oom_victims == ("ollama",)


def test_a_kill_that_only_the_kernels_log_names_is_latched_too() -> None:
    seen = lived("ollama", memory=lambda _t: room(8.0, None, None), add={510.0: kernel(9, "ollama", 5 * GB)})
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (1, ("ollama",))
    assert seen.verdict.kind is VerdictKind.STOP


def test_a_kill_in_somebody_elses_group_is_not_ours() -> None:
    seen = lived(memory=counter("host"), add={510.0: kernel(4242, "java")})
    assert exit_texts(seen) == []
    assert "memory.oom_elsewhere" in kinds(seen)
    assert seen.memory.oom_kills_in_run == 0
    assert seen.memory.black_box is None


def test_the_end_of_the_launcher_is_reported_with_its_code() -> None:
    seen = lived("launcher", add={510.0: {"exits": (ExitReading("launcher", "1", pid=7),)}})
    assert exit_texts(seen) == ["launcher (pid 7) is gone: exited 1; exit 1 to us, its parent"]


def test_a_death_is_reported_once_and_again_when_more_is_known() -> None:
    seen = lived("w1", add={510.0: exit_of(-9), 530.0: kernel(42)})
    assert [text.partition(";")[0] for text in exit_texts(seen)] == [
        "w1 (pid 42) is gone: killed (signal 9)", "w1 (pid 42) is gone: OOM-killed",
    ]  # fmt: skip


def operating(action: str, from_t: float = 490.0) -> dict[float, dict[str, Any]]:
    reading = PoolReading(desired=3, operation=Operation(action, from_t, ()))
    return {t: {"pool": reading} for t in (490.0, 500.0, 510.0)} | {520.0: {"pool": PoolReading(desired=3)}}


def test_what_goes_while_we_stop_the_pool_is_our_doing() -> None:
    assert ends(lived("w1", add=operating("stop the pool"))) == ["stopped by us"]


def test_stopping_one_worker_explains_no_other() -> None:
    assert ends(lived("w1", add=operating("stop worker 2 (pid 43)"))) == ["cause unknown"]


def test_a_worker_that_dies_while_its_own_pool_is_launched_was_not_stopped_by_us() -> None:
    young = ProcessReading("worker", GB, worker=w(1), pid=42, started_at=495.0)
    seen = lived(processes=lambda t: (young,) if t == 500.0 else (), add=operating("launch 3 workers"))
    assert ends(seen) == ["cause unknown"]


def test_an_end_that_is_reported_late_is_not_laid_upon_the_next_process() -> None:
    """Process 42 goes at 500, and at 520 the log tells how; 52 goes at 530, seen only at the next look."""
    pids = ((500.0, 42), (510.0, None), (530.0, 52), (1e9, None))

    def pid(t: float) -> int | None:
        return next(one for until_t, one in pids if t < until_t)

    def processes(t: float) -> tuple[ProcessReading, ...]:
        there = pid(t) or (52 if t == 530 else None)
        return (ProcessReading("worker", GB, worker=w(0), pid=there, started_at=0.0),) if there else ()

    def life(slot: int, t: float) -> Any:
        return healthy(slot, t, 510.0 if t >= 510 else 0.0) if pid(t) else "refused"

    samples = script(life, workers=1, processes=processes, pid=lambda _s, t: pid(t), for_s=600)
    add = {520.0: exit_of(-9, 0)}
    seen = play([changed(sample, **add.get(sample.t, {})) for sample in samples])[-1]
    fell = [event.text for event in seen.events if event.kind == "worker.down"]
    assert fell == ["w0 not reachable: refused, pid 42", "w0 not reachable: refused, pid 52"]
    assert exit_texts(seen)[0].startswith("w0 (pid 42) is gone: killed (signal 9)")


def test_each_generation_carries_its_own_end() -> None:
    def processes(t: float) -> tuple[ProcessReading, ...]:
        pid = 42 if t < 500 else 52 if t < 700 else 62
        return (ProcessReading("worker", GB, worker=w(0), pid=pid, started_at=0.0),)

    born = (0.0, 500.0, 700.0)
    samples = script(
        lambda s, t: healthy(s, t, max(b for b in born if b <= t)), workers=1, processes=processes, for_s=900
    )
    add = {510.0: exit_of(3, 0), 710.0: exit_of(-9, 0)}
    seen = play([changed(sample, **add.get(sample.t, {})) for sample in samples])[-1]
    lives = worker(seen, 0).generations
    assert [(life.number, life.ended.text if life.ended else None) for life in lives] == [
        (1, "exited 3"), (2, "killed (signal 9)"), (3, None),
    ]  # fmt: skip


# The black box


def test_the_minutes_before_a_kill_are_kept_whole() -> None:
    seen = lived("ollama", memory=counter("cgroup"))
    box = seen.memory.black_box
    assert box is not None
    assert box.kill_t == GONE_T
    assert box.points[0].t <= GONE_T - 290
    assert GONE_T + 50 <= box.points[-1].t <= GONE_T + 60
    before = box.at(10)
    assert before is not None
    assert dict(before.held) == RSS
    at_kill = box.at(0)
    assert at_kill is not None
    assert "ollama" not in dict(at_kill.held)


def test_the_victim_had_what_was_last_seen_of_it() -> None:
    minutes_before = ((190.0, GONE_T),)
    box = lived("ollama", memory=counter("cgroup"), fine=minutes_before).memory.black_box
    assert box is not None
    rows = {name: cells for name, *cells in table_of(box)}
    assert rows["ollama"] == ["5.00", "5.00", "5.00", "had 5.00"]
    assert rows["w0"] == ["1.00", "1.00", "1.00", "1.00"]
    assert rows["available"][-1] == "8.00"
    gone = table("ollama", at_t=GONE_T - 100)
    earlier = lived(processes=gone, memory=counter("cgroup"), fine=minutes_before).memory.black_box
    assert earlier is None, "a kill that hit none of ours"


def test_in_a_young_run_the_victim_still_had_something() -> None:
    points = tuple(BlackBoxPoint(t, GB, held) for t, held in ((98.0, (("w0", GB),)), (100.0, ())))
    assert table_of(BlackBox(100.0, points))[-1] == ["w0", "-", "-", "-", "had 1.00"]


def test_without_a_kill_there_is_no_black_box() -> None:
    assert lived("w1", add={510.0: exit_of(-9)}).memory.black_box is None


def test_what_the_kernels_log_is_stays_known() -> None:
    denied = {0.0: {"kernel_log": KernelLogReading(error="not readable: Operation not permitted")}}
    assert lived(add=denied, for_s=100).memory.kernel_log == "not readable: Operation not permitted"
    assert lived(for_s=100).memory.kernel_log is None
    assert isinstance(lived(add={0.0: {"kernel_log": KernelLogReading()}}, for_s=100), Snapshot)
    assert Sample(t=0.0).only_host.kernel_log is None


def test_a_worker_that_died_before_its_process_was_seen_leaves_an_event_of_its_log_line() -> None:
    # Killed at 500 and seen; its two successors died within a second, between two readings of the table.
    seen = lived("w1", add={500.0: exit_of(-9), 510.0: exit_of(-9), 520.0: exit_of(3)})
    assert exit_texts(seen) == [
        "w1 (pid 42) is gone: killed (signal 9); exit -9 in the launcher's log",
        "w1 is gone: killed (signal 9); exit -9 in the launcher's log; its process was never seen",
        "w1 is gone: exited 3; exit 3 in the launcher's log; its process was never seen",
    ]
    assert [event.t for event in seen.events if event.kind == "process.gone"][1:] == [510.0, 520.0]


def test_the_launchers_last_line_about_a_worker_is_no_second_death() -> None:
    last = ExitReading("worker", "-9", worker=w(1), line="[start_omega] omega-1 exited with -9")
    seen = lived("w1", add={500.0: exit_of(-9), 510.0: {"exits": (last,)}})
    assert exit_texts(seen) == ["w1 (pid 42) is gone: killed (signal 9); exit -9 in the launcher's log"]


@pytest.mark.parametrize(("unconfirmed", "events"), [(None, 1), (True, 0)])
def test_a_launcher_that_may_be_another_pools_is_not_mourned(unconfirmed: bool | None, events: int) -> None:
    known = table("launcher")
    other = lambda t: tuple(  # noqa: E731
        replace(p, unconfirmed=unconfirmed) if p.role == "launcher" else p for p in known(t)
    )
    assert len(exit_texts(lived(processes=other))) == events


def test_a_process_that_another_one_followed_did_not_end_with_the_run() -> None:
    """w1 died unexplained and came back; 20 s later the orchestrator ended, and all with it."""

    def processes(t: float) -> tuple[ProcessReading, ...]:
        pid = 42 if t < GONE_T else 52
        alive = [ProcessReading("worker", GB, w(0), pid=41), ProcessReading("worker", GB, w(1), pid=pid)]
        services = [ProcessReading("orchestrator", GB, pid=8), ProcessReading("launcher", GB, pid=7)]
        return tuple([*alive, *services]) if t < GONE_T + 20 else ()

    line = "[start_omega] orchestrator exited with -9"
    end = {"exits": (ExitReading("orchestrator", "-9", line=line),)}
    life = phases((0, healthy), (GONE_T + 20, down))
    seen = lived(
        processes=processes,
        fields=life,
        workers=2,
        add={GONE_T + 20: end},
        pid=lambda s, t: 41 + s + 10 * (s and t >= GONE_T),
    )
    assert seen.verdict.ended is not None
    assert [text for text in exit_texts(seen) if text.startswith("w1 (pid 42)")] == [
        "w1 (pid 42) is gone: cause unknown; nothing says why"
    ]
    assert any(text.startswith("w1 (pid 52) is gone: end of the run") for text in exit_texts(seen)), exit_texts(seen)
    gameplay = next(node for node in seen.verdict.nodes if node.id == "gameplay")
    assert (gameplay.leads_to, gameplay.short) == ("the run ended", "0/2")
