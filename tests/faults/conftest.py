"""Provides the world of a fault, and leaves out by default what takes seconds of CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Make worlds: make_world(workers=2, lines=...). Every process of them ends with the test."""
    made: list[World] = []

    def make(workers: int = 2, lines: str = "", folder: Path | None = None) -> World:
        place = folder or tmp_path / f"world{len(made)}"
        place.mkdir(exist_ok=True)
        made.append(World(place, workers, lines))
        return made[-1]

    yield make
    for world in made:
        world.close()
