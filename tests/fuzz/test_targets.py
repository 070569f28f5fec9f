"""Every reader of outside data takes any bytes: broken seeds, and every input that ever failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import CORPUS, TARGETS
from tests.support.examples import examples

SEEDS = {name: sorted(path for path in (CORPUS / name).iterdir()) for name in TARGETS}
CASES = [pytest.param(name, path, id=f"{name}-{path.name}") for name, paths in SEEDS.items() for path in paths]
SLOW = ("cgroup-files", "config", "jsonl", "process-files", "state-files")
"""Targets of which one example takes milliseconds: they write files, or judge many samples."""


@pytest.mark.parametrize(("name", "path"), CASES)
def test_every_seed_and_every_input_that_failed_once(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_no_damage_raises(name: str) -> None:
    seeds = [path.read_bytes() for path in SEEDS[name]]

    @settings(deadline=None, max_examples=examples(90 if name in SLOW else 240), database=None)
    @given(st.sampled_from(seeds), st.randoms(use_true_random=False), st.binary(max_size=12))
    def damaged(seed: bytes, random: object, more: bytes) -> None:
        TARGETS[name](mutated(seed, random) + more)  # type: ignore[arg-type]

    damaged()


def test_every_folder_of_seeds_has_its_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
