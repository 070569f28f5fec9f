"""A day of samples: nothing in the state grows without bound, however badly the pool behaves."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.refs import MAX_WORKERS
from metabonk_tui.core.model.sample import Event, PoolReading
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot
from metabonk_tui.core.step.pipeline import step
from tests.support.refs import w
from tests.support.samples import CONFIG, GB, Answer, header, healthy, play, room, script


def sizes(thing: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """The length of every collection in a tree of Structs, by the names that lead to it."""
    if isinstance(thing, Struct):
        for name in thing.__struct_fields__:
            yield from sizes(getattr(thing, name), f"{path}.{name}")
    elif isinstance(thing, Mapping):
        yield path, len(thing)
        for key, value in thing.items():
            yield from sizes(value, f"{path}[{key}]")
    elif isinstance(thing, tuple | list | frozenset):
        yield path, len(thing)
        for value in thing:
            yield from sizes(value, f"{path}[]")


def largest(snapshot: Snapshot) -> dict[str, int]:
    """The longest collection at every place."""
    found: dict[str, int] = {}
    for path, size in sizes(snapshot):
        found[path] = max(found.get(path, 0), size)
    return found


def chaos(slot: int, t: float) -> Answer:
    """Everything that makes an entry somewhere: resets, errors, bad values, jumps, flapping."""
    n = int(t) + 7 * slot
    if n % 11 == 0:
        return ("refused", "timeout", "http 500")[n % 3]
    status: dict[str, Any] = healthy(slot, t, t - t % (37 + slot)) | {"last_error": f"trouble {n % 5}"}
    status["intrinsic_reward_total"] = (math.nan, t % 50, None, 5.0)[n % 4]
    status["step"] = (t % (37 + slot)) ** 3
    if n % 5 == 0:
        del status["dynamic_ui_exploration_actions"]
    return status


def shaken(t: float) -> MemoryReading | None:
    return None if int(t) % 50 == 0 else room((0.3, 0.8, 8.0)[int(t) % 3], int(t // 500), "cgroup")


def crowd(t: float) -> tuple[ProcessReading, ...]:
    gone = int(t) // 500 % 3
    return tuple(ProcessReading("worker", GB, worker=w(s), pid=s * 1000 + int(t // 40)) for s in range(3) if s != gone)


def test_a_bad_day_keeps_its_size() -> None:
    """Two stretches, the second much longer: what the first has filled does not grow in the second."""
    wild: dict[str, Any] = {"every_s": 7, "memory": shaken, "processes": crowd, "blind": lambda t: int(t) % 97 < 30}
    events = {float(t): (Event(float(t), "pool.note", "info", "a"),) for t in range(0, 14_001, 7)}
    samples = script(chaos, for_s=14_000, events=events, run=header(0.0, 3, 7.0), **wild)
    short = play(samples[:600])[-1]
    snapshot = short
    for sample in samples[600:]:
        snapshot = step(snapshot, sample, CONFIG)
    before, after = largest(short), largest(snapshot)
    caps = {
        "checks": CONFIG.clock.checks,
        "fields": 50,
        "keys": 50,
        "present": 50,
        "pulse": 50,
        "frames": 10,
        "events": MAX_EVENTS,
        "verdicts": 500,
        "resets_t": 1000,
        "ended_runs": 50,
        "gaps": 101,
        "items": 600,
    }
    for path, size in after.items():
        name = path.rsplit(".", 1)[-1].rstrip("[]")
        assert size <= max(before.get(path, 0) * 1.3 + 5, caps.get(name, 0)), f"{path} grew to {size}"


def test_events_alone_stay_bounded_too() -> None:
    events = {10.0 * n: tuple(Event(10.0 * n, "pool.note", "info", str(i)) for i in range(40)) for n in range(60)}
    assert len(play(script(for_s=600, events=events))[-1].events) == MAX_EVENTS
    before = play(script(for_s=20))[-1]
    only = [sample for sample in script(workers=0, memory=None, for_s=590, events=events, run=None)]
    assert len(play(only, before=before)[-1].events) == MAX_EVENTS


def test_a_worker_that_dies_a_thousand_times_keeps_the_last_of_it() -> None:
    falls = lambda slot, t: healthy(slot, 0.0) | {"step": 1e6 - t}  # noqa: E731
    one = play(script(falls, workers=1, for_s=10_100, memory=None))[-1].workers[0]
    assert one.generation == 1011
    assert len(one.resets_t) == 1000
    assert one.resets_t[-1] == 10_100


@pytest.mark.parametrize("desired", [MAX_WORKERS + 1, 10**18])
def test_a_step_never_builds_more_workers_than_a_pool_can_want(desired: int) -> None:
    first, second = script(healthy, for_s=10, run=header(0.0, desired))
    snapshot = step(None, first, CONFIG)
    assert len(snapshot.workers) == MAX_WORKERS
    wanted_by_pool = step(snapshot, replace(second, pool=PoolReading(desired=desired)), CONFIG)
    assert len(wanted_by_pool.workers) == MAX_WORKERS
