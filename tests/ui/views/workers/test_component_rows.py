"""A component's kept rows are those of a drawing from nothing, and what they do not show does not draw them anew."""

from __future__ import annotations

from itertools import product

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentView, WorkerView
from metabonk_tui.ui.style.spans import width
from metabonk_tui.ui.views.workers import component_rows as drawing
from tests.support.draw import frame_of
from tests.support.rare_snapshots import ALL


def parts(snapshot: Snapshot) -> list[tuple[WorkerView, ComponentView]]:
    return [(worker, part) for worker in snapshot.workers[:5] for part in worker.components]


@pytest.mark.parametrize("scene", ["healthy", "mixed", "stop", "hostile"])
def test_kept_rows_are_those_of_a_drawing_from_nothing(scene: str) -> None:
    """A minute later ages have grown and marks of what is new are gone, in the same component."""
    snapshot = ALL[scene]()
    moved = replace(snapshot, t=snapshot.t + 60.0, run=replace(snapshot.run, elapsed_s=snapshot.run.elapsed_s + 60.0))
    gameplay = [replace(worker, gameplay=replace(worker.gameplay, corroborated=False)) for worker in snapshot.workers]
    scenes = (snapshot, moved, replace(snapshot, workers=tuple(gameplay)), replace(snapshot, trend_bucket_s=1.0))
    for wide, roomy, ascii_ in product((34, 38, 60), (True, False), (True, False)):
        kept = [
            [
                drawing.component_rows(frame_of(seen, 120, 40, ascii=ascii_), seen, *pair, wide, roomy)
                for pair in parts(seen)
            ]
            for seen in scenes
        ]
        for seen, rows in zip(scenes, kept, strict=True):
            drawing._drawn.cache_clear()
            frame = frame_of(seen, 120, 40, ascii=ascii_)
            assert rows == [drawing.component_rows(frame, seen, *pair, wide, roomy) for pair in parts(seen)]
        assert {width(row) for rows in kept for each in rows for row in each} == {wide}


def test_another_sample_of_the_same_component_draws_nothing() -> None:
    snapshot = ALL["healthy"]()
    frame = frame_of(snapshot, 120, 40)
    worker, part = parts(snapshot)[0]
    drawing.component_rows(frame, snapshot, worker, part, 38, False)
    drawn = drawing._drawn.cache_info().misses
    later = replace(snapshot, t=snapshot.t + 1.0)
    counted = replace(part, samples=part.samples + 1, samples_with_key=part.samples_with_key + 1)
    drawing.component_rows(frame, later, worker, counted, 38, False)
    assert drawing._drawn.cache_info().misses == drawn
    drawing.component_rows(frame, later, worker, replace(counted, value=4711.0), 38, False)
    assert drawing._drawn.cache_info().misses == drawn + 1
