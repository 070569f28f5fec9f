"""Whose a kill on the host's counter is, where only small processes of the pool are gone: launcher or services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metabonk_tui.core.model.host import ExitReading, KernelKill, KernelLogReading, ProcessReading, Role
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import GB, changed, kinds, last, room, script

KILL_S = 1000.0
SLACK_S = 30.0
"""Three of the script's intervals."""
PIDS: dict[str, int] = {"launcher": 7, "orchestrator": 8, "vision": 11, "learner": 12}
SMALL: tuple[Role, ...] = ("launcher", "orchestrator", "vision", "learner")


def table(*gone: str, at_s: float = KILL_S) -> Callable[[float], tuple[ProcessReading, ...]]:
    """Three workers, their launcher and its services; some are gone from a time on."""
    everyone = [ProcessReading("worker", GB, w(s), pid=41 + s, started_at=0.0, name="python3 -m w") for s in range(3)]
    everyone += [ProcessReading(r, GB // 30, pid=PIDS[r], started_at=0.0, name=f"python3 {r}.py") for r in SMALL]
    return lambda t: tuple(p for p in everyone if t < at_s or p.role not in gone)


def counter(kills: int = 1, at_s: float = KILL_S, scope: Any = "host") -> Callable[[float], Any]:
    return lambda t: room(8.0, kills if t >= at_s else 0, scope)


def log(*victims: tuple[int | None, str], at_s: float = KILL_S) -> dict[str, Any]:
    return {
        "kernel_log": KernelLogReading(kills=tuple(KernelKill(pid, name, GB // 30, t=at_s) for pid, name in victims))
    }


def exit_of(role: Role, code: int) -> dict[str, Any]:
    return {"exits": (ExitReading(role, str(code), pid=PIDS[role]),)}


def asked(role: Role) -> dict[str, Any]:
    return {"exits": (ExitReading(role, "-15", pid=PIDS[role], asked=True),)}


def stopped(role: Role) -> dict[str, Any]:
    return {"events": (Event(KILL_S, "pool.stop", "info", f"{role} has ended", None, {"pid": PIDS[role]}),)}


def lived(
    *gone: str, add: dict[float, dict[str, Any]] | None = None, for_s: float = KILL_S + 200, **how: Any
) -> Snapshot:
    values = {"memory": counter(), "processes": table(*gone)} | how
    samples = script(for_s=for_s, **values)
    return last([changed(sample, **(add or {}).get(sample.t, {})) for sample in samples])


@pytest.mark.parametrize("role", SMALL)
def test_a_kill_as_only_one_of_them_vanished_is_ours(role: Role) -> None:
    seen = lived(role)
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (1, (role,))
    assert seen.memory.oom_probable == (role,)
    assert seen.verdict.kind is VerdictKind.STOP
    assert seen.verdict.because == (f"kernel OOM kill: probably {role}, latched for this run",)
    assert "memory.oom_elsewhere" not in kinds(seen)
    (end,) = [event.text for event in seen.events if event.kind == "process.gone"]
    assert "probably OOM" in end


@pytest.mark.parametrize("role", SMALL)
@pytest.mark.parametrize("gone_s", [KILL_S - 20, KILL_S + 10, KILL_S + SLACK_S])
def test_the_process_table_may_show_the_loss_before_or_after_the_counter(role: Role, gone_s: float) -> None:
    assert lived(processes=table(role, at_s=gone_s)).memory.oom_victims == (role,)


def test_in_a_group_of_the_workers_it_is_ours_at_once() -> None:
    assert lived("launcher", memory=counter(scope="cgroup"), for_s=KILL_S).verdict.kind is VerdictKind.STOP


@pytest.mark.parametrize(
    ("gone", "add", "kills", "victims"),
    [
        (["launcher"], {}, 1, ("launcher",)),
        # The kernel's log says whose the kill was.
        (["launcher"], {0.0: log((4242, "java"))}, 0, ()),
        (["launcher"], {10.0: log((4242, "java"))}, 0, ()),
        (["learner"], {10.0: log((4242, "python3"))}, 0, ()),
        (["launcher"], {10.0: log((None, "java"))}, 0, ()),
        (["launcher"], {10.0: log((None, "python3"))}, 1, ("launcher",)),
        (["launcher"], {10.0: log((4242, "java"), at_s=300.0)}, 1, ("launcher",)),
        (["orchestrator"], {10.0: log((8, "python3"))}, 1, ("orchestrator",)),
        (["orchestrator"], {50.0: log((8, "python3"))}, 1, ("orchestrator",)),
        # An exit code says that it was no kill, or that it was one.
        (["launcher"], {0.0: exit_of("launcher", 0)}, 0, ()),
        (["launcher"], {10.0: exit_of("launcher", 1)}, 0, ()),
        (["launcher"], {10.0: exit_of("launcher", -15)}, 0, ()),
        (["launcher"], {10.0: asked("launcher")}, 1, ("launcher",)),
        (["launcher"], {10.0: exit_of("launcher", -9)}, 1, ("launcher",)),
        (["vision"], {10.0: exit_of("vision", 3)}, 0, ()),
        (["vision"], {10.0: exit_of("learner", 3)}, 1, ("vision",)),
        # Our own stop ended it.
        (["launcher"], {10.0: stopped("launcher")}, 0, ()),
        (["launcher"], {10.0: stopped("learner")}, 1, ("launcher",)),
        # One of two ended for another reason.
        (["launcher", "vision"], {10.0: exit_of("launcher", 1)}, 1, ("vision",)),
        (["launcher", "vision"], {10.0: log((11, "python3"))}, 1, ("vision",)),
        (["launcher", "vision"], {}, 1, ()),
        ([], {}, 0, ()),
        ([], {10.0: log((4242, "java"))}, 0, ()),
    ],
)  # fmt: skip
def test_other_evidence_of_that_moment_decides(
    gone: list[str], add: dict[float, dict[str, Any]], kills: int, victims: tuple[str, ...]
) -> None:
    seen = lived(*gone, add={KILL_S + late_s: fields for late_s, fields in add.items()})
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (kills, victims)
    assert (seen.verdict.kind is VerdictKind.STOP) is bool(kills)
    assert ("memory.oom_elsewhere" in [event.kind for event in seen.events]) is not bool(kills)


def test_of_two_kills_the_one_that_hit_a_stranger_is_not_ours() -> None:
    seen = lived("launcher", memory=counter(2), add={KILL_S + 10: log((4242, "java"))})
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (1, ("launcher",))
    assert "memory.oom_elsewhere" in kinds(seen)


@pytest.mark.parametrize("scope", ["host", "cgroup"])
@pytest.mark.parametrize("late_s", [0.0, 10.0, 40.0])
def test_a_kill_that_the_log_names_counts_once_whatever_the_counter_shows(scope: str, late_s: float) -> None:
    """A launcher may be in another group than the counted one, and a counter may be read a moment later."""
    for moved_s in (KILL_S - 10, KILL_S, KILL_S + 10, 10 * KILL_S):
        seen = lived("launcher", memory=counter(at_s=moved_s, scope=scope), add={KILL_S + late_s: log((7, "python3"))})
        assert (seen.memory.oom_kills_in_run, seen.memory.other_kills_in_run) == (1, 0), moved_s
        assert seen.verdict.because == ("kernel OOM kill: launcher, latched for this run",), moved_s
