"""A file can be read again from any place on, although it is read from its beginning once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.spool import SAMPLES_PER_PACK, SpooledRecording
from metabonk_tui.core.model.sample import Sample
from tests.adapters.store.test_journal import tick
from tests.support.examples import examples

COUNT = 3 * SAMPLES_PER_PACK + 7
SAMPLES = [tick(number) for number in range(COUNT)]


@settings(max_examples=examples(30), deadline=None)
@given(afters=st.lists(st.tuples(st.integers(0, COUNT + 5), st.integers(0, 150)), max_size=6))
def test_a_file_is_read_once_and_found_again_from_any_place_on(afters: list[tuple[int, int]]) -> None:
    pulled = 0

    def source() -> Iterator[Sample]:
        nonlocal pulled
        for sample in SAMPLES:
            pulled += 1
            yield sample

    with closing(SpooledRecording(source(), [])) as reel:
        _read(reel, afters)
    assert pulled <= COUNT


def _read(reel: SpooledRecording, afters: list[tuple[int, int]]) -> None:
    open_ones = []
    for after, most in afters:
        ahead = reel.samples(after)
        open_ones.append(ahead)
        got = [found for _, found in zip(range(most), ahead, strict=False)]
        wanted = list(enumerate(SAMPLES, 1))[after : after + most]
        assert [(number, sample) for number, sample in got] == wanted
    for ahead in open_ones:
        next(ahead, None)


def test_two_readers_of_a_file_do_not_disturb_each_other() -> None:
    with closing(SpooledRecording(iter(SAMPLES), [])) as reel:
        one, other = reel.samples(), reel.samples()
        got = [(next(one), next(other)) for _ in range(COUNT)]
        assert [a for a, _ in got] == [b for _, b in got] == list(enumerate(SAMPLES, 1))
        assert next(one, None) is None


def test_what_a_file_does_not_contain_is_not_known() -> None:
    problems = [Problem("x", 3, "no JSON")]
    reel = SpooledRecording(iter(SAMPLES[:2]), problems)
    assert reel.ends_t is None
    assert reel.known_events == ()
    assert reel.unread == 1
    reel.close()
    with pytest.raises(ValueError, match="closed"):
        reel._spool.read()
