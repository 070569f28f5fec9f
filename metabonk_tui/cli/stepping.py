"""Makes the function that steps, and lets Python search for dead cycles as seldom as the number of workers allows."""

from __future__ import annotations

import gc

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import Step
from metabonk_tui.core.step import pipeline

LEAST_NEW, NEW_A_WORKER = 5_000, 100
"""New objects before a search. Python has 700, the objects of two workers' samples, of which none is garbage."""
SEARCHES = 20
"""Searches before one that looks at older objects; Python has 10."""


def stepper(config: Config) -> Step:
    """Return `step` with this configuration, as `pipeline.stepper` does."""
    step, most = pipeline.stepper(config), -1

    def step_and_set(previous: Snapshot | None, sample: Sample) -> Snapshot:
        nonlocal most
        if len(sample.workers) > most:
            most = len(sample.workers)
            gc.set_threshold(LEAST_NEW + NEW_A_WORKER * most, SEARCHES, SEARCHES)
        return step(previous, sample)

    return step_and_set
