"""What a step leaves to the first reader."""

import pytest

from metabonk_tui.core.model.deferred import Deferred
from tests.support.samples import healthy, play, script


def test_the_length_alone_computes_nothing() -> None:
    def compute() -> tuple[int, ...]:
        pytest.fail("the caller asked only how many there are")

    known = Deferred(compute, 3)
    assert len(known) == 3
    assert known


def test_the_number_of_workers_is_that_of_their_views() -> None:
    for seen in play(script(healthy, for_s=60)):
        assert len(seen.workers) == len(tuple(seen.workers))
