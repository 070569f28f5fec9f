"""An unread place is shown from the nearest kept Snapshot, and means what it means when all is read."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.seek import EventMoment
from metabonk_tui.engine.replay_far import MOST, FarWindow
from tests.engine.test_replay_player import ListRecording, judge, player, reached, recorded, same, state
from tests.support.waiting import wait_for

EVERY = 50


class KeptRecording(ListRecording):
    """A list that keeps the Snapshot of every fiftieth sample."""

    def __init__(self, samples: list[Sample], straight: list[Snapshot]) -> None:
        super().__init__(samples, ends_t=samples[-1].t)
        self._straight = straight
        self.is_readable = True

    def kept_before(self, t: float) -> int | None:
        found = [number for number in range(EVERY, len(self._samples), EVERY) if self._samples[number - 1].t <= t]
        return max(found, default=None)

    def kept(self, number: int) -> Snapshot | None:
        return self._straight[number - 1] if self.is_readable else None


def first_run() -> tuple[list[Sample], list[Snapshot]]:
    samples, straight = recorded(10.0)
    count = next(place for place, sample in enumerate(samples) if place and sample.run is not None)
    return list(samples[:count]), list(straight[:count])


@pytest.mark.parametrize("places", [[60, 61, 120, 55, 130], [199, 51, 50], [130, 129, 131, 52, 52]])
def test_any_place_means_what_it_meant_straight(places: list[int]) -> None:
    samples, straight = first_run()
    far = FarWindow(KeptRecording(samples, straight), judge)
    for place in places:
        place = min(place, len(samples) - 1)
        found = far.at(samples[place].t + 0.1, 0)
        assert found is not None
        assert same(found, straight[place])


def test_a_seek_reads_from_the_nearest_snapshot_and_going_on_reads_on() -> None:
    samples, straight = first_run()
    recording = KeptRecording(samples, straight)
    far = FarWindow(recording, judge)
    for place in (110, 111, 112, 148, 111):
        far.at(samples[place].t, 0)
    assert recording.asked == [100]


def test_samples_forward_and_back_also_to_before_the_snapshot() -> None:
    samples, straight = first_run()
    far = FarWindow(KeptRecording(samples, straight), judge)
    t = samples[105].t
    assert far.shifted(t, 3, 0) == samples[108].t
    assert far.shifted(t, 70, 0) == samples[175].t if len(samples) > 175 else True
    assert far.shifted(t, -3, 0) == samples[102].t
    assert far.shifted(t, -30, 0) == samples[75].t
    assert far.shifted(samples[52].t, -40, 0) is None
    assert far.shifted(samples[-1].t, 5, 0) == samples[-1].t
    assert MOST > EVERY


def test_nothing_kept_beyond_what_is_read_or_nothing_readable_is_none() -> None:
    samples, straight = first_run()
    recording = KeptRecording(samples, straight)
    far = FarWindow(recording, judge)
    assert far.at(samples[20].t, 0) is None
    assert far.at(samples[120].t, 100) is None
    recording.is_readable = False
    assert far.at(samples[120].t, 0) is None


def test_a_seek_to_an_unread_place_need_not_wait_and_reading_on_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples, straight = first_run()
    monkeypatch.setattr("metabonk_tui.engine.replay_player.SLICE_S", 0.0)
    recording = KeptRecording(samples, straight)
    with player(recording) as one:
        wait_for(lambda: one.latest() is not None)
        one.seek(EventMoment(samples[140].t))
        shown = reached(one, samples[140].t)
        assert shown.sample_t == samples[140].t
        assert not shown.seek_text
        one.step(1)
        reached(one, samples[141].t)
        one.step(-2)
        reached(one, samples[139].t)
        latest = one.latest()
        assert latest is not None
        assert same(latest, straight[139])
        wait_for(lambda: state(one).whole)
        assert state(one).t == samples[139].t
        latest = one.latest()
        assert latest is not None
        assert same(latest, straight[139])
