"""Section 4: whose kernel kill it is, what makes memory unknown, and that "none" needs a source that could see one."""

from collections.abc import Callable

import pytest

from metabonk_tui.core.model.host import KernelKill, KernelLogReading, MemoryReading, ProcessReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import (
    MIN,
    NO_HOLD,
    Life,
    by_slot,
    changed,
    coarse,
    down,
    healthy,
    kinds,
    last,
    node,
    phases,
    room,
)

KILL_S = 1200.0
END_S = 31 * MIN
NEAR_THE_KILL = ((KILL_S - 30, KILL_S + 60),)
Table = Callable[[float], tuple[ProcessReading, ...] | None]


def table(*without: tuple[str, int | None], from_s: float = KILL_S) -> Table:
    """The processes of a pool; these (role, slot) are gone from a time on."""
    whole = (
        *(ProcessReading("worker", 10, w(slot), pid=40 + slot) for slot in range(3)),
        ProcessReading("launcher", 10, pid=39),
        ProcessReading("ollama", 10, pid=30),
    )
    left = tuple(p for p in whole if (p.role, p.worker.slot if p.worker else None) not in without)
    return lambda t: left if t >= from_s else whole


def killed(scope: str = "cgroup", at_s: float = KILL_S) -> Callable[[float], MemoryReading | None]:
    return lambda t: room(8.0, int(t >= at_s), scope)


def seen(life: Life = healthy, **how: object) -> Snapshot:
    values = {"memory": killed(), "processes": table(), "for_s": END_S, "fine": NEAR_THE_KILL} | how
    return last(coarse(life, **values), NO_HOLD)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["cgroup", "host"])
@pytest.mark.parametrize("gone", [("worker", 1), ("ollama", None)])
def test_a_kill_in_the_moment_in_which_one_of_ours_vanished_is_ours(scope: str, gone: tuple[str, int | None]) -> None:
    found = seen(memory=killed(scope), processes=table(gone))
    assert (found.verdict.kind, found.memory.oom_kills_in_run) == (VerdictKind.STOP, 1)
    assert found.verdict.because[0].startswith("kernel OOM kill")


def test_the_table_may_show_the_loss_a_moment_later() -> None:
    assert seen(processes=table(("worker", 1), from_s=KILL_S + 10)).verdict.kind is VerdictKind.STOP


def test_any_other_kill_in_the_workers_memory_makes_b_no_and_is_no_stop() -> None:
    found = seen()
    assert found.memory.other_kills_in_run == 1
    assert (node(found, "memory").answer, found.verdict.kind) == ("no", VerdictKind.ADD_MEMORY_WATCH)
    assert kinds(found, "memory.oom", "memory.oom_elsewhere") == ["memory.oom_elsewhere"]


def test_a_kill_elsewhere_on_the_host_is_not_in_the_workers_memory() -> None:
    found = seen(memory=killed("host"))
    assert (found.memory.other_kills_in_run, found.verdict.kind) == (0, VerdictKind.LAUNCH_24H)


@pytest.mark.parametrize("scope", ["cgroup", "host"])
def test_a_worker_whose_process_was_never_seen_may_be_the_victim(scope: str) -> None:
    # A worker in a container: it answers, and no process of this machine is its own.
    life = by_slot(healthy, phases((0, healthy), (KILL_S, down)), healthy)
    found = seen(life, memory=killed(scope), processes=lambda _t: (ProcessReading("ollama", 10, pid=30),))
    assert found.verdict.kind is VerdictKind.STOP
    assert found.memory.oom_victims == (w(1),)
    texts = [event.text for event in found.events if event.kind.startswith("memory.oom")]
    assert len(texts) == 1
    assert "its process cannot be seen from here" in texts[0]


def test_a_kill_in_a_gap_counts_as_ours_where_one_of_ours_is_gone_after_it() -> None:
    blind = lambda t: KILL_S - 5 < t < KILL_S + 600  # noqa: E731
    found = seen(processes=table(("worker", 1)), blind=blind, for_s=KILL_S + 620)
    assert found.verdict.kind is VerdictKind.STOP


# A counter counts; it names no process


@pytest.mark.parametrize(
    ("scope", "gone", "because"),
    [
        ("cgroup", [("worker", 1)], "kernel OOM kill: w1, latched for this run"),
        ("host", [("worker", 1)], "kernel OOM kill: probably w1, latched for this run"),
        ("cgroup", [("worker", 0), ("worker", 2)], "kernel OOM kill: one of w0 w2, latched for this run"),
        ("host", [("worker", 0), ("worker", 2)], "kernel OOM kill: one of w0 w2, latched for this run"),
    ],
)
def test_one_kill_and_several_gone_names_none_of_them(
    scope: str, gone: list[tuple[str, int | None]], because: str
) -> None:
    found = seen(memory=killed(scope), processes=table(*gone))
    assert found.verdict.because[0] == because
    assert len(found.memory.oom_victims) == (len(gone) == 1)
    texts = [event.text for event in found.events if event.kind == "memory.oom"]
    assert texts == [because.replace(", latched for this run", " (counter +1)")]
    ends = {event.text for event in found.events if event.kind == "process.gone"}
    assert any("which of them were killed is not known" in text for text in ends) is (len(gone) > 1), ends
    assert any("OOM" in text.partition(";")[0] for text in ends) is (len(gone) == 1), ends


def test_as_many_kills_as_are_gone_name_them_all() -> None:
    found = seen(memory=lambda t: room(8.0, 2 * int(t >= KILL_S)), processes=table(("worker", 0), ("worker", 2)))
    assert found.memory.oom_victims == (w(0), w(2))
    assert found.verdict.because[0] == "kernel OOM kill: w0, w2, latched for this run"


def test_a_second_kill_names_those_that_one_left_in_doubt() -> None:
    counter = lambda t: room(8.0, int(t >= KILL_S) + int(t >= KILL_S + 2))  # noqa: E731
    found = seen(memory=counter, processes=table(("worker", 0), ("worker", 2)))
    assert (found.memory.oom_kills_in_run, set(found.memory.oom_victims)) == (2, {w(0), w(2)})


@pytest.mark.parametrize("scope", ["cgroup", "host"])
def test_the_kernels_log_names_the_one_among_several(scope: str) -> None:
    log = KernelLogReading(kills=(KernelKill(42, "python", 10),))
    gone = table(("worker", 0), ("worker", 2))
    samples = coarse(healthy, memory=killed(scope), processes=gone, for_s=END_S, fine=NEAR_THE_KILL)
    found = last([changed(each, kernel_log=log) if each.t == KILL_S + 10 else each for each in samples], NO_HOLD)
    assert found.memory.oom_victims == (w(2),)
    assert found.verdict.because[0] == "kernel OOM kill: w2, latched for this run"


# What makes memory unknown


@pytest.mark.parametrize("scope", ["cgroup", "host"])
def test_kills_before_the_first_look_make_memory_unknown(scope: str) -> None:
    found = seen(memory=lambda _t: room(8.0, 3, scope), from_s=60)
    assert found.memory.earlier_kills == 3
    assert node(found, "memory").answer == "unknown"
    assert node(found, "memory").evidence[0].startswith("3 kills")
    assert found.verdict.kind not in (VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)


def test_kills_before_the_run_are_no_part_of_it() -> None:
    assert node(seen(memory=lambda _t: room(8.0, 3)), "memory").answer == "yes"


def test_a_source_that_could_not_have_seen_a_kill_never_launches() -> None:
    found = seen(memory=lambda _t: room(8.0, None, None))
    assert (node(found, "memory").answer, found.verdict.kind) == ("unknown", VerdictKind.CONTINUE)


@pytest.mark.parametrize(
    ("processes", "answer"),
    [
        (lambda _t: (), "unknown"),
        (lambda _t: (ProcessReading("worker", 10, w(0), pid=40),), "unknown"),
        (table(), "yes"),
        (None, "yes"),  # a recording that has no process tables
    ],
)
def test_workers_that_answer_and_are_not_identified_make_memory_unknown(processes: Table | None, answer: str) -> None:
    found = seen(memory=lambda _t: room(), processes=processes)
    assert node(found, "memory").answer == answer


@pytest.mark.parametrize(("hole_s", "answer"), [(50, "yes"), (70, "unknown")])
def test_a_hole_of_more_than_a_minute_ends_the_time_that_was_seen(hole_s: float, answer: str) -> None:
    missing = lambda t: None if 1500 < t < 1500 + hole_s else room()  # noqa: E731
    assert node(seen(memory=missing, fine=((1470, 1600),)), "memory").answer == answer


def test_a_value_below_the_floor_counts_though_memory_is_not_observed_now() -> None:
    found = seen(memory=lambda t: None if t > END_S - 60 else room(0.5 if t > END_S - 200 else 8.0))
    assert node(found, "memory").answer == "no"
