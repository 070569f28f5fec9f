"""The interlock: what must be so before a long run, what breaks it, and that a missing fact never passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.interlock import BUDGET_KEPT_S, FRESH_S, check_interlock, checklist, with_last_budget
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.memory import KernelView
from metabonk_tui.core.model.pool import Launch, Resize, Restart, Stop
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.core.launch.test_preflight import PASSED, RIGHT, TEST, env_file, with_tests
from tests.support import snapshots as scenes
from tests.support.several_hosts import roomy
from tests.support.snapshots import hosts_of

CONFIG = with_tests(TEST)
REASON = "we accept the risk"
FEW, MANY = 3, 500


def proved() -> Snapshot:
    """A run in which everything is as a long one wants it."""
    scene = scenes.healthy()
    gameplay = replace(scene.workers[0].gameplay, reached_t=scene.t - 60)
    workers = tuple(replace(worker, environment=RIGHT, gameplay=gameplay) for worker in scene.workers)
    assert scene.memory.reading is not None
    memory = replace(scene.memory, watch_armed=True, reading=replace(scene.memory.reading, oom_kills=0))
    return replace(scene, workers=workers, hosts=hosts_of(memory), env_file=env_file(RIGHT), recording=True)


def flight(scene: Snapshot, *items: ChecklistItem, ago_s: float = 1.0) -> PreflightView:
    began_t = scene.t - ago_s - 1
    return PreflightView(FEW, began_t, scene.t - ago_s, items, (replace(PASSED, ended_t=scene.t - 100),))


def silent(scene: Snapshot) -> Snapshot:
    parts = tuple(replace(c, shown_in_run=False, window_activity="silent") for c in scene.workers[0].components)
    return replace(scene, workers=tuple(replace(worker, components=parts) for worker in scene.workers))


def unobserved(scene: Snapshot) -> Snapshot:
    parts = tuple(replace(c, shown_in_run=False, window_activity="unknown") for c in scene.workers[0].components)
    return replace(scene, workers=tuple(replace(worker, components=parts) for worker in scene.workers))


def gameplay(scene: Snapshot, started: bool | None) -> Snapshot:
    none = replace(scene.workers[0].gameplay, started=started, reached_t=None, corroborated=False)
    return replace(scene, workers=tuple(replace(worker, gameplay=none) for worker in scene.workers))


def environs(scene: Snapshot, values: Any) -> Snapshot:
    return replace(scene, workers=(*scene.workers[1:], replace(scene.workers[0], environment=values)))


def node(scene: Snapshot, answer: Any) -> Snapshot:
    nodes = tuple(replace(one, answer=answer) if one.id == "memory" else one for one in scene.verdict.nodes)
    return replace(scene, verdict=replace(scene.verdict, nodes=nodes))


def word(scene: Snapshot, kind: VerdictKind) -> Snapshot:
    return replace(scene, verdict=replace(scene.verdict, kind=kind))


def one_never_shown(scene: Snapshot) -> Snapshot:
    """What is due only after gameplay counts as well: the checklist wants every component."""

    def without_last(worker: Any) -> Any:
        *rest, final = worker.components
        return replace(worker, components=(*rest, replace(final, shown_in_run=False, window_activity="silent")))

    return replace(scene, workers=tuple(without_last(worker) for worker in scene.workers))


WORDS = {
    **dict.fromkeys((VerdictKind.STOP, VerdictKind.PARTIAL, VerdictKind.ADD_MEMORY_WATCH), "FAIL"),
    **dict.fromkeys((VerdictKind.TUNE_EPSILON, VerdictKind.CONTINUE), "FAIL"),
    **dict.fromkeys((VerdictKind.UNDECIDED, VerdictKind.VALIDATING, VerdictKind.WAITING), "UNKNOWN"),
}


def test_a_proved_run_may_go_on_for_a_day() -> None:
    scene = proved()
    assert [item.standing for item in checklist(scene, flight(scene), FEW, CONFIG, stays_open=True)] == ["PASS"] * 10
    assert not check_interlock(Launch(FEW, hours=24), scene, flight(scene), CONFIG).blocking


@pytest.mark.parametrize(
    ("change", "of", "standing"),
    [
        (lambda s: replace(s, t=s.t + 10**6), "tests", "UNKNOWN"),
        (lambda s: replace(s, env_file=None), "environment", "UNKNOWN"),
        (lambda s: replace(s, env_file=env_file({})), "environment", "FAIL"),
        (lambda s: environs(s, None), "environment", "UNKNOWN"),
        (lambda s: environs(s, {}), "environment", "FAIL"),
        (lambda s: replace(s, workers=()), "environment", "UNKNOWN"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, budget=None))), "memory", "UNKNOWN"),
        (silent, "components", "FAIL"),
        (unobserved, "components", "UNKNOWN"),
        (lambda s: gameplay(s, False), "gameplay", "FAIL"),
        (lambda s: gameplay(s, True), "gameplay", "UNKNOWN"),
        (lambda s: gameplay(s, None), "gameplay", "UNKNOWN"),
        *((lambda s, k=kind: word(s, k), "verdict", standing) for kind, standing in WORDS.items()),
        (one_never_shown, "components", "FAIL"),
        (lambda s: node(s, "no"), "memory-stable", "FAIL"),
        (lambda s: node(s, "unknown"), "memory-stable", "UNKNOWN"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, oom_kills_in_run=1))), "oom", "FAIL"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, reading=None))), "oom", "UNKNOWN"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, kernel=KernelView(kills=1)))), "oom", "FAIL"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, kernel=KernelView(kills_unsure=1)))), "oom", "UNKNOWN"),
        (lambda s: replace(s, recording=None), "recorder", "UNKNOWN"),
        (lambda s: replace(s, recording=False), "recorder", "FAIL"),
        (lambda s: replace(s, hosts=hosts_of(replace(s.memory, watch_armed=False))), "memory-watch", "FAIL"),
    ],
)
def test_each_thing_that_is_not_so_stops_a_long_run(change: Any, of: str, standing: str) -> None:
    before = proved()
    scene = change(before)
    (item,) = [one for one in checklist(scene, flight(before), FEW, CONFIG, stays_open=True) if one.id == of]
    assert item.standing == standing
    judged = check_interlock(Launch(FEW, hours=24), scene, flight(before), CONFIG)
    assert judged.closed
    assert of in {one.id for one in judged.blocking}
    overridden = check_interlock(Launch(FEW, hours=24, override=REASON), scene, flight(before), CONFIG)
    assert not overridden.closed
    assert overridden.overridden


@pytest.mark.parametrize(
    ("by", "recording", "recorded_by", "standing"),
    [
        ("key", True, "", "PASS"),
        ("key", True, "pid 7", "PASS"),
        ("key", None, "", "UNKNOWN"),
        ("key", False, "", "FAIL"),
        ("cli", True, "", "FAIL"),  # it records itself, and ends with the launch
        ("cli", None, "", "FAIL"),
        ("cli", True, "pid 7", "PASS"),
        ("cli", None, "pid 7", "UNKNOWN"),
        ("cli", False, "pid 7", "FAIL"),
    ],
)
def test_a_recorder_that_ends_with_the_launch_is_none(
    by: str, recording: bool | None, recorded_by: str, standing: str
) -> None:
    scene = replace(proved(), recording=recording, recorded_by=recorded_by)
    judged = check_interlock(Launch(FEW, hours=24, by=by), scene, flight(scene), CONFIG)
    (item,) = [one for one in judged.items if one.id == "recorder"]
    assert item.standing == standing
    assert judged.closed == (standing != "PASS")
    if by == "cli" and not recorded_by:
        assert "metabonk-tui record" in item.fix


def test_nothing_seen_passes_nothing() -> None:
    assert not [item for item in checklist(None, None, FEW, CONFIG, stays_open=True) if item.standing == "PASS"]


@given(
    st.sets(st.sampled_from(["env_file", "recording", "workers", "budget", "reading"]), min_size=1), st.integers(1, 3)
)
def test_a_missing_fact_never_yields_a_pass(missing: set[str], workers: int) -> None:
    scene = before = proved()
    if "env_file" in missing:
        scene = replace(scene, env_file=None)
    if "recording" in missing:
        scene = replace(scene, recording=None)
    if "workers" in missing:
        scene = replace(scene, workers=())
    for name in missing & {"budget", "reading"}:
        scene = replace(scene, hosts=hosts_of(replace(scene.memory, **{name: None})))
    assert check_interlock(Launch(workers, hours=24), scene, flight(before), CONFIG).closed


@pytest.mark.parametrize("make", [Launch, Resize, Restart])
def test_what_does_not_fit_is_refused_with_the_arithmetic(make: Any) -> None:
    judged = check_interlock(make(MANY), proved(), None, CONFIG)
    assert judged.closed
    assert f"{MANY} x" in judged.why
    assert "measured" in judged.why
    assert not check_interlock(make(MANY, override=REASON), proved(), None, CONFIG).closed
    assert check_interlock(make(MANY, override="do it"), proved(), None, CONFIG).closed, "two words are no reason"
    assert not check_interlock(make(FEW), proved(), None, CONFIG).closed


@pytest.mark.parametrize(
    ("ago_s", "closed"), [(0.0, True), (BUDGET_KEPT_S, True), (BUDGET_KEPT_S + 1, False), (-1.0, False)]
)
def test_one_late_reading_of_memory_opens_no_door(ago_s: float, closed: bool) -> None:
    last = proved()
    late = replace(last, t=last.t + ago_s, hosts=hosts_of(replace(last.memory, budget=None)))
    assert late.memory.budget is None
    assert not check_interlock(Launch(MANY), late, None, CONFIG).closed
    assert check_interlock(Launch(MANY), with_last_budget(late, last), None, CONFIG).closed is closed
    assert with_last_budget(last, None) is last
    assert with_last_budget(late, None) is late


def test_a_short_run_is_stopped_by_what_is_known_not_by_what_is_not() -> None:
    scene = unobserved(replace(proved(), env_file=None))
    assert not check_interlock(Launch(FEW), scene, flight(scene), CONFIG).closed
    bad = ChecklistItem("ports", "ports", "FAIL", ("5000 is held",))
    assert check_interlock(Launch(FEW), scene, flight(scene, bad), CONFIG).closed
    assert not check_interlock(Launch(FEW), scene, flight(scene, bad, ago_s=FRESH_S + 1), CONFIG).closed
    processes = ChecklistItem("env-processes", "", "FAIL")
    assert not check_interlock(Launch(FEW), scene, flight(scene, processes), CONFIG).closed, "a launch replaces them"
    failed = replace(flight(scene), tests=(replace(PASSED, outcome="failed"),))
    assert check_interlock(Launch(FEW), scene, failed, CONFIG).closed


def test_stopping_is_never_stopped() -> None:
    assert not check_interlock(Stop(), None, None, CONFIG).closed


@pytest.mark.parametrize(("hours", "long"), [(None, False), (0.5, False), (2.0, False), (2.1, True), (24.0, True)])
def test_from_where_a_run_is_long(hours: float | None, long: bool) -> None:
    assert check_interlock(Launch(FEW, hours=hours), unobserved(proved()), None, CONFIG).closed == long


def test_fewer_workers_than_run_are_never_refused_for_their_memory() -> None:
    seen = scenes.healthy(5)
    budget = replace(seen.memory.budget, budget_bytes=0, fits=0) if seen.memory.budget else None
    seen = replace(seen, hosts=hosts_of(replace(seen.memory, budget=budget)))
    assert check_interlock(Resize(5), seen, None, with_tests()).closed
    assert not check_interlock(Resize(4), seen, None, with_tests()).closed
    assert check_interlock(Launch(4), seen, None, with_tests()).closed


def test_an_engine_places_each_worker_where_its_memory_is_free() -> None:
    seen = proved()
    assert check_interlock(Launch(MANY), seen, None, CONFIG).closed
    placed = replace(seen, pool=replace(seen.pool, placed=True))
    assert not check_interlock(Launch(MANY), placed, None, CONFIG).closed
    long = check_interlock(Launch(FEW, hours=24.0), placed, None, CONFIG)
    assert ("memory", "UNKNOWN") in [(item.id, item.standing) for item in long.blocking], "not checked is no pass"


def test_the_memory_watch_is_not_held_up() -> None:
    seen = scenes.healthy(5)
    budget = replace(seen.memory.budget, budget_bytes=0, fits=0) if seen.memory.budget else None
    seen = replace(seen, hosts=hosts_of(replace(seen.memory, budget=budget)))
    assert not check_interlock(Resize(5, by="watch"), seen, None, with_tests()).closed


@pytest.mark.parametrize(("returns", "standing"), [("", "FAIL"), ("pid 7 since 14:02", "PASS")])
def test_a_watch_that_comes_back_after_the_verb_counts(returns: str, standing: str) -> None:
    scene = replace(proved(), recorded_by="pid 7")
    scene = replace(scene, hosts=hosts_of(replace(scene.memory, watch_armed=False)))
    action = Launch(FEW, hours=24, by="cli")
    judged = check_interlock(action, scene, flight(scene), CONFIG, watch_returns=returns)
    (item,) = [one for one in judged.items if one.id == "memory-watch"]
    assert (item.standing, judged.closed) == (standing, standing != "PASS")
    assert returns in item.evidence[0]


class TestMemoryOfSeveralHosts:
    """Each host that gets workers needs the memory for them; the others do not count."""

    def full(self) -> Snapshot:
        scene = roomy()
        node2 = scene.hosts["node2"]
        assert node2.memory.budget is not None
        budget = replace(node2.memory.budget, budget_bytes=1, fits=0)
        return replace(
            scene, hosts={**scene.hosts, "node2": replace(node2, memory=replace(node2.memory, budget=budget))}
        )

    @pytest.mark.parametrize(
        ("action", "standing"),
        [
            (Launch(3), "FAIL"),
            (Launch(3, hosts=("node1", "node2")), "FAIL"),
            (Launch(3, hosts=("node2",)), "FAIL"),
            (Launch(3, hosts=("node1",)), ""),
            (Resize(1, hosts=("node2",)), ""),
            (Resize(3, hosts=("node2",)), "FAIL"),
            (Restart(0, hosts=("node2",)), "FAIL"),
            (Restart(0, hosts=("node1",)), ""),
        ],
    )
    def test_of_which_hosts_it_is_asked(self, action: Launch | Resize | Restart, standing: str) -> None:
        blocking = check_interlock(action, self.full(), None, CONFIG).blocking
        assert [item.standing for item in blocking] == ([standing] if standing else [])
        assert all(line.startswith("node2: ") for item in blocking for line in item.evidence)
