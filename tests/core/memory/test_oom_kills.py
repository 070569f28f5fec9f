"""The crash of the failed run as a script, for machines without a group to limit; its twin runs on real processes."""

from __future__ import annotations

from functools import cache

from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import changes, kinds, node, play, script, silent

GB = 1_000_000_000
MINUTE = 60.0
END_S = 66.9 * MINUTE
LEAK = 53e6
"""Bytes a minute: what the five workers leaked together."""


def held(slot: int, t: float) -> int:
    return int(1.1 * GB + LEAK / 5 * t / MINUTE)


def memory(t: float) -> MemoryReading:
    """From 3.6 GB to nothing; the victim frees what it held."""
    left = 3.6 * GB - LEAK * t / MINUTE + (4.9 * GB if t >= END_S else 0)
    noise = 3e6 * ((int(t) * 2654435761 >> 7) % 100 - 50) / 50
    return MemoryReading(
        total_bytes=15_600_000_000,
        available_bytes=max(0, int(left + noise)),
        oom_kills=1 if t >= END_S else 0,
        oom_scope="cgroup",
    )


def processes(t: float) -> tuple[ProcessReading, ...]:
    workers = [ProcessReading("worker", held(slot, t), w(slot), 4000 + slot, 0.0, held(slot, t)) for slot in range(5)]
    ollama = [] if t >= END_S else [ProcessReading("ollama", int(4.9 * GB), None, 900, 0.0, int(4.9 * GB))]
    return (*workers, *ollama)


@cache
def story() -> list[Snapshot]:
    return play(script(silent, workers=5, every_s=10.0, for_s=75 * MINUTE, memory=memory, processes=processes))


def test_the_end_is_predicted_twenty_minutes_before_and_once() -> None:
    found = [e for e in story()[-1].events if e.kind == "memory.forecast" and e.t < END_S]
    assert [e.severity for e in found] == ["warn", "crit"]
    assert END_S - found[0].t >= 20 * MINUTE
    assert END_S - found[1].t >= 5 * MINUTE
    assert "if this trend holds" in found[0].text


def test_the_kill_is_attributed_and_the_verdict_stays_while_the_gauge_is_green_again() -> None:
    end = story()[-1]
    assert end.memory.oom_victims == ("ollama",)
    assert [e.text for e in end.events if e.kind == "process.gone" and "ollama" in e.text and "OOM" in e.text]
    assert end.memory.level == "ok"
    assert end.verdict.kind is VerdictKind.STOP
    assert node(end, "memory").answer == "no"
    assert [kind for t, kind in changes(end) if t >= END_S] in (["STOP"], [])
    assert kinds(end).count("memory.oom") == 1


def test_the_minutes_before_the_kill_are_kept_whole() -> None:
    box = story()[-1].memory.black_box
    assert box is not None
    assert box.points[0].t <= END_S - 4.5 * MINUTE
    assert box.points[-1].t >= END_S
    assert dict(box.points[0].held)["ollama"] == int(4.9 * GB)
