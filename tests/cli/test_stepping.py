"""Where there are more workers, Python looks for dead cycles less often."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from metabonk_tui.cli.stepping import LEAST_NEW, NEW_A_WORKER, stepper
from metabonk_tui.core.model.sample import Observation, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step import pipeline
from tests.support.refs import w
from tests.support.samples import CONFIG


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_the_limit_follows_the_most_workers_of_a_sample() -> None:
    step, plain = stepper(CONFIG), pipeline.stepper(CONFIG)
    snapshot: Snapshot | None = None
    expected: Snapshot | None = None
    found = []
    for t, workers in enumerate((0, 5, 64, 5)):
        sample = Sample(t=1000.0 + t, workers={w(slot): Observation(error="refused") for slot in range(workers)})
        snapshot, expected = step(snapshot, sample), plain(expected, sample)
        found.append(gc.get_threshold()[0])
    assert found == [LEAST_NEW + NEW_A_WORKER * most for most in (0, 5, 64, 64)]
    assert snapshot is not None
    assert expected is not None
    assert (snapshot.tick, snapshot.workers) == (expected.tick, expected.workers)
