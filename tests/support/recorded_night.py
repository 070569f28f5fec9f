"""Makes the recordings of a night that a person asks about: the failed run, the run of the day before, 256 workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from bench import sample_runs
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvReading, Sample
from tests.support.refs import w
from tests.support.samples import PLAYING, header, healthy, room, script
from tests.support.stored_runs import stored

EVERY_S = 60.0
"""A sample a minute: a sixth of the cost of the recorder's usual 10 s."""
LAST_LINE = "RuntimeWarning: cuMemAlloc retry 3, host allocation of 512 MiB requested"
MANY, DEAD, FOUND = 256, 13, 137


def tonight() -> Iterator[Sample]:
    """Yield the failed run: the kernel kills w3 and w1 after 75 minutes, and their last log lines are read."""
    story = sample_runs.STORIES["failed"]
    story = replace(story, name="tonight", given_up_s=story.given_up_s + 50.0)
    deaths = dict(story.victims)
    environments: dict[WorkerRef, EnvReading] = {}
    for sample in sample_runs.samples(story):
        elapsed_s = sample.t - story.began_t
        environments |= sample.environments
        if elapsed_s % EVERY_S:
            continue
        ends = {
            w(slot): ("replay buffer 41280 frames, 962 MB", LAST_LINE) for slot in deaths if deaths[slot] == elapsed_s
        }
        run = sample.run and replace(sample.run, interval_s=EVERY_S)
        yield replace(sample, log_ends=ends, run=run, environments=environments)
        environments = {}


def store_night(folder: Path) -> None:
    """Store tonight and yesterday, which went better; as long as tonight at the moments that are asked about."""
    runs = folder / "runs"
    stored(runs, tonight())
    before = sample_runs.STORIES["failed"].began_t - 86_400.0
    yesterday = header(before, 3, EVERY_S, name="yesterday")
    stored(
        runs,
        script(
            lambda slot, t: healthy(slot, t, before),
            every_s=EVERY_S,
            for_s=4800.0,
            from_s=before,
            run=yesterday,
            memory=lambda _t: room(),
        ),
    )


def store_many(folder: Path) -> None:
    """Store ten minutes of 256 workers, of which one goes down after five."""

    def life(slot: int, t: float) -> dict[str, object] | str:
        return "refused" if slot == DEAD and t >= 300.0 else healthy(slot, t) | (PLAYING if slot % 9 == 0 else {})

    many = header(0.0, MANY, EVERY_S, name="many")
    stored(
        folder / "runs",
        script(life, workers=MANY, every_s=EVERY_S, for_s=600.0, run=many, memory=lambda _t: room()),
    )
