"""Every stage of a step reads and writes what it declares, in an order in which nothing is read before it is there."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest

from metabonk_tui.core.step import pipeline
from metabonk_tui.core.step.stages import STAGES, Stage, stage
from metabonk_tui.core.step.state import State, Tick
from tests.support.samples import CONFIG, healthy, script

GIVEN = {"previous", "sample", "config", "before", "events", "pool", "desired"}
TICK_FIELDS = set(Tick.__annotations__) - GIVEN - {"now"}
STATE_FIELDS = set(State.__struct_fields__)


class SpyState(State):
    """Notes which of its fields are read."""

    reads: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in STATE_FIELDS:
            SpyState.reads.add(f"now.{name}")
        return super().__getattribute__(name)


class SpyTick(Tick):
    """Notes which fields of it, and of `now`, a stage reads and writes."""

    reads: ClassVar[set[str]] = set()
    writes: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in TICK_FIELDS:
            SpyTick.reads.add(name)
        if name == "now":
            state = super().__getattribute__("now")
            return SpyState(**{field: object.__getattribute__(state, field) for field in STATE_FIELDS})
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in TICK_FIELDS:
            SpyTick.writes.add(name)
        super().__setattr__(name, value)

    def update(self, **changes: Any) -> None:
        SpyTick.writes.update(f"now.{name}" for name in changes)
        state = super().__getattribute__("now")
        kept = {field: object.__getattribute__(state, field) for field in STATE_FIELDS}
        super().__setattr__("now", State(**{**kept, **changes}))


def run_spied(one: Stage, tick: Tick) -> tuple[set[str], set[str]]:
    SpyTick.reads, SpyTick.writes, SpyState.reads = set(), set(), set()
    one.run(tick)
    return SpyTick.reads | SpyState.reads, set(SpyTick.writes)


def undeclared(one: Stage, tick: Tick, written: set[str]) -> list[str]:
    """List what a stage does and does not declare."""
    reads, writes = run_spied(one, tick)
    # Before its stage has run, a field of `now` is that of the step before.
    foreign = {name for name in reads if name not in one.writes and (name in TICK_FIELDS or name in written)}
    found = [f"{one.name} reads {name}" for name in sorted(foreign - set(one.needs))]
    found += [f"{one.name} writes {name}" for name in sorted(writes - set(one.writes))]
    return found + [f"{one.name} does not write {name}" for name in sorted(set(one.writes) - writes)]


def test_what_a_stage_needs_was_written_by_an_earlier_one() -> None:
    written: set[str] = set()
    for one in STAGES:
        missing = set(one.needs) - written
        assert not missing, f"{one.name} needs {missing}"
        written |= set(one.writes)


def test_no_two_stages_write_one_field_and_every_field_has_its_stage() -> None:
    written = Counter(name for one in STAGES for name in one.writes)
    assert [name for name, count in written.items() if count > 1] == []
    assert set(written) == TICK_FIELDS | {f"now.{name}" for name in STATE_FIELDS}


def test_nothing_else_is_read_or_written(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def spied(one: Stage) -> Any:
        def run(tick: Tick) -> None:
            written = {name for earlier in STAGES[: STAGES.index(one)] for name in earlier.writes}
            found.extend(undeclared(one, tick, written))

        return run

    stages = tuple(spied(one) for one in STAGES)
    monkeypatch.setattr(pipeline, "Tick", SpyTick)
    monkeypatch.setattr(pipeline, "RUNS", stages)
    snapshot = None
    for sample in script(healthy, for_s=60):
        snapshot = pipeline.step(snapshot, sample, CONFIG)
    assert sorted(set(found)) == []


def test_a_stage_that_declares_too_little_is_found() -> None:
    @stage(writes=("workers",))
    def sly(tick: Tick) -> None:
        tick.workers = ()
        tick.update(env_file=tick.timing and None)

    tick = SpyTick(*[None] * 7)  # type: ignore[list-item]
    state = State(*[None] * 5)  # type: ignore[arg-type]
    object.__setattr__(tick, "now", state)
    tick.timing = None  # type: ignore[assignment]
    assert undeclared(sly, tick, set()) == ["sly reads timing", "sly writes now.env_file"]
