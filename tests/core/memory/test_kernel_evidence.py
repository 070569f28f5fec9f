"""The kernel's log as evidence: kills that no counter saw, whose memory ran out, and faults of the GPU."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.memory.kernel_evidence import NO_EVIDENCE, KernelEvidence, observe, of_next_run, place, view
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import GpuFault, HostReading, KernelKill, KernelLogReading, MemoryReading
from metabonk_tui.core.model.memory import KernelView
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.samples import begin, changed, coarse, header, play, room, script

MIN = 60.0
GROUPED = replace(room(), oom_groups=("/pool",))
SPLIT = replace(room(), oom_groups=("/pool",), worker_groups=("/pool/w0", "/pool/w1"))
COUNTED = replace(GROUPED, oom_kills=1)
NO_COUNTER = replace(room(), oom_kills=None, oom_scope=None)
XID = "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."
NO_MEMORY = "NVRM: GPU0 Assertion failed: Out of memory [NV_ERR_NO_MEMORY]"


def kill(t: float | None, group: str = "/pool", pid: int | None = 41) -> KernelKill:
    return KernelKill(pid, "python3", 9, group, f"{group}/w1", t)


def log(*kills: KernelKill, from_t: float | None = 0.0, faults: tuple[GpuFault, ...] = ()) -> KernelLogReading:
    return KernelLogReading(kills=kills, gpu_faults=faults, from_t=from_t)


def take(
    *readings: tuple[float, MemoryReading | None, KernelLogReading | None], began_t: float = 100.0
) -> tuple[KernelEvidence, list[tuple[str, str, str]]]:
    evidence, emitted = NO_EVIDENCE, []
    for t, memory, found in readings:
        evidence = observe(evidence, HostReading(memory=memory, kernel_log=found), began_t, t)
        emitted += [(draft.kind, draft.severity, draft.text) for draft in evidence.drafts]
    return evidence, emitted


@pytest.mark.parametrize(
    ("group", "reading", "expected"),
    [
        ("", GROUPED, "workers"),  # the whole machine ran out
        ("", None, "workers"),
        ("/pool", GROUPED, "workers"),
        ("/pool/w1", GROUPED, "elsewhere"),  # a limit below the group that the workers are in
        ("/pool/w1", SPLIT, "workers"),
        ("/pool", SPLIT, "workers"),
        ("/pool/w1/child", SPLIT, "elsewhere"),
        ("/pool/gone", SPLIT, "unknown"),  # perhaps the group of a worker that is gone
        ("/", GROUPED, "workers"),  # above the workers
        ("/pooling", GROUPED, "elsewhere"),
        ("/docker/other", GROUPED, "elsewhere"),
        ("/docker/other", room(scope="host"), "elsewhere"),  # no group limits the workers
        ("/docker/other", room(), "unknown"),
        ("/docker/other", NO_COUNTER, "unknown"),
        ("/docker/other", None, "unknown"),
        ("/docker/other", replace(room(), oom_groups=("/",)), "unknown"),  # a namespace hides the real path
    ],
)
def test_whose_memory_ran_out(group: str, reading: MemoryReading | None, expected: str) -> None:
    assert place(kill(5.0, group), reading) == expected


@pytest.mark.parametrize(
    ("logged", "memory", "kills"),
    [
        ([kill(150.0)], COUNTED, (1, 0)),  # in the run, before the first look
        ([kill(99.0)], COUNTED, (0, 0)),  # before the run
        ([kill(250.0)], COUNTED, (0, 0)),  # the counter has it
        ([kill(250.0)], NO_COUNTER, (0, 1)),  # no counter has it
        ([kill(None)], COUNTED, (0, 0)),
        ([kill(150.0, "/other")], COUNTED, (0, 0)),
        ([kill(150.0, "")], NO_COUNTER, (1, 0)),
        ([kill(150.0), kill(152.0)], COUNTED, (1, 0)),  # one line, read twice
        ([kill(150.0), kill(152.0, pid=42)], COUNTED, (2, 0)),
        ([kill(150.0), kill(190.0)], COUNTED, (2, 0)),
    ],
)
def test_kills_of_the_run_that_no_counter_saw(
    logged: list[KernelKill], memory: MemoryReading, kills: tuple[int, int]
) -> None:
    evidence, _ = take((200.0, memory, None), (260.0, memory, log(*logged)))
    seen = view(evidence, memory, 100.0)
    assert (seen.kills, seen.kills_unsure) == kills


@pytest.mark.parametrize(("from_t", "complete"), [(None, False), (99.0, True), (100.0, True), (101.0, False)])
def test_a_log_is_complete_only_from_its_oldest_line(from_t: float | None, complete: bool) -> None:
    evidence, _ = take((200.0, GROUPED, log(from_t=from_t)), (210.0, GROUPED, None))
    assert view(evidence, GROUPED, 100.0) == KernelView(complete=complete)


def test_a_log_that_was_read_again_proves_nothing_twice() -> None:
    again = log(kill(150.004), kill(99.002, pid=7))
    evidence, emitted = take((200.0, COUNTED, log(kill(150.0), kill(99.0, pid=7))), (300.0, COUNTED, again))
    assert view(evidence, COUNTED, 100.0).kills == 1
    assert [text for kind, _, text in emitted if kind == EventKind.MEMORY_OOM_ELSEWHERE] == [
        "the kernel's log: 1 OOM kill before this run, the last 1m41s ago (python3)",
        "the kernel's log: killed python3 (pid 41) in this run, in the memory that the workers have",
        "the counter of the workers' group has 1 OOM kill from before the first look",
    ]


def test_while_no_run_has_begun_a_new_kill_is_not_before_it() -> None:
    """Without workers the run begins anew with each sample: the counter emits the kill, and the log adds nothing."""
    evidence = observe(NO_EVIDENCE, HostReading(memory=COUNTED, kernel_log=log()), 200.0, 200.0)
    found = HostReading(memory=COUNTED, kernel_log=log(kill(299.0)))
    assert observe(evidence, found, 300.0, 300.0).drafts == ()


@pytest.mark.parametrize(
    ("memory", "mentions"),
    [(COUNTED, 1), (GROUPED, 0), (NO_COUNTER, 0), (room(kills=7, scope="host"), 0), (None, 0)],
)
def test_a_kill_before_the_first_look_is_mentioned_once(memory: MemoryReading | None, mentions: int) -> None:
    _, emitted = take((200.0, memory, None), (210.0, memory, None))
    assert len(emitted) == mentions


def test_at_the_runs_start_earlier_kills_are_of_no_interest() -> None:
    assert take((110.0, COUNTED, None))[1] == []


def test_a_new_run_knows_the_log_and_reads_its_counter_anew() -> None:
    evidence, _ = take((200.0, COUNTED, log(kill(150.0))))
    following = observe(of_next_run(evidence), HostReading(memory=COUNTED), 160.0, 300.0)
    assert view(following, COUNTED, 160.0) == KernelView(complete=True)
    assert following.drafts == ()
    late = observe(following, HostReading(memory=COUNTED, kernel_log=log(kill(299.0, pid=9))), 160.0, 310.0)
    assert view(late, COUNTED, 160.0).kills == 1, "between the run's start and its first counter"


@pytest.mark.parametrize(
    ("at", "emitted"),
    [
        ([150.0], 1),
        ([99.0], 0),  # before the run
        ([150.0, 151.0, 152.0], 1),  # repeated
        ([150.0, 149.0], 1),  # read again
        ([150.0, 750.0], 2),  # it came back
        ([99.0, 150.0], 1),
    ],
)
def test_a_fault_is_news_once(at: list[float], emitted: int) -> None:
    readings = [(t, GROUPED, log(faults=(GpuFault(XID, 79, "PCI:1", t),))) for t in at]
    evidence, found = take(*readings)
    assert found == [(EventKind.GPU_FAULT, "crit", XID)] * emitted
    assert len(view(evidence, GROUPED, 100.0).faults) == (max(at) >= 100.0)


# In a run


def lived(at_t: float, found: KernelLogReading, for_s: float = 40 * MIN, **how: Any) -> list[Snapshot]:
    samples = coarse(for_s=for_s, memory=lambda _t: GROUPED, **how)
    first = next(place for place, sample in enumerate(samples) if sample.t >= at_t)
    samples[first] = changed(samples[first], kernel_log=found)
    return play(samples)


def node(seen: Snapshot) -> tuple[str, str]:
    (found,) = [each for each in seen.verdict.nodes if each.id == "memory"]
    return found.answer, found.evidence[0]


def test_without_evidence_memory_is_stable() -> None:
    assert node(lived(0.0, log())[-1])[0] == "yes"


@pytest.mark.parametrize(
    ("found", "answer", "evidence"),
    [
        (log(faults=(GpuFault(NO_MEMORY, None, "GPU0", 300.0),)), "no", NO_MEMORY),
        (log(faults=(GpuFault(XID, 79, "PCI:1", 300.0),)), "unknown", XID),
        (log(kill(5.0, ""), from_t=-9.0), "yes", ""),  # in the counter's time: the counter is asked
        (log(kill(1.0, "")), "no", "the kernel's log: 1 OOM kill in the workers' memory in this run"),
        (log(kill(1.0, "/elsewhere")), "yes", ""),
        (log(kill(-5.0, "")), "yes", ""),
    ],
)
def test_evidence_of_the_log_speaks_against_a_long_run(found: KernelLogReading, answer: str, evidence: str) -> None:
    seen = lived(300.0, found)[-1]
    assert node(seen)[0] == answer
    assert evidence in node(seen)[1]
    assert (seen.verdict.kind in (VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)) <= (answer == "yes")


def test_a_kill_of_an_unknown_group_leaves_memory_unknown() -> None:
    samples = coarse(for_s=40 * MIN, memory=lambda _t: NO_COUNTER)
    samples[1] = changed(samples[1], kernel_log=log(kill(20.0)))
    answer, evidence = node(play(samples)[-1])
    assert answer == "unknown"
    assert "not known whether in the workers' memory" in evidence


def test_the_alert_lasts_ten_minutes_and_no_gpu_memory_is_graver() -> None:
    faults = (GpuFault(XID, 79, "PCI:1", 300.0), GpuFault(NO_MEMORY, None, "GPU0", 300.0))
    seen = lived(300.0, log(faults=faults), for_s=25 * MIN, fine=((300, 330), (870, 900), (1440, 1470)))
    fires = {
        each.t: {one.about for one in each.alerts if one.name == "GpuFault" and one.state == "firing"} for each in seen
    }
    assert fires[310] == fires[880] == {"PCI:1 Xid 79", "GPU0 memory"}
    assert fires[1450] == set()


def test_a_run_that_follows_has_no_fault_of_the_one_before() -> None:
    samples = [*script(for_s=100.0), *script(for_s=100.0, from_s=200.0, run=None)]
    samples[2] = changed(samples[2], kernel_log=log(faults=(GpuFault(XID, 79, "", 20.0),)))
    place = next(index for index, sample in enumerate(samples) if sample.t == 200.0)
    samples[place] = begin(samples[place], header(200.0, name="another"))
    seen = play(samples)[-1]
    assert seen.memory.kernel.faults == ()
    assert seen.memory.kernel_log == "readable"
