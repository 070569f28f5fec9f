"""The record that the judges read has the same words as the views, and stays the same object while they stand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import EnvReading, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.worker.record import PoolRecord
from tests.support.samples import (
    CONFIG,
    by_slot,
    configured,
    down,
    healthy,
    phases,
    play,
    playing,
    record_of_views,
    script,
    silent,
    unseen,
    with_fields,
)


def words(record: PoolRecord) -> PoolRecord:
    """Return the record without the times for which it is that of its workers."""
    return replace(record, workers=tuple(replace(one, from_t=0.0, until_t=0.0) for one in record.workers))


STALLED = phases((0, healthy), (400, lambda slot, _t: healthy(slot, 400)), (3000, healthy))
LATE = lambda _slot, _t: "timeout"  # noqa: E731
LOST = phases((0, healthy), (700, down), (760, healthy), (900, LATE), (3100, unseen), (3300, healthy))
RESTARTED = phases((0, playing), (800, lambda slot, t: healthy(slot, t, 800.0)), (1500, playing), (2500, silent))
BAD = phases((0, healthy), (500, with_fields(healthy, intrinsic_reward_total="x")), (900, healthy))
WINDOW_SHORTER = configured("[clock]\nvalidation_s = 300\n[verdict]\nactive_window_s = 600")
ILLS = script(by_slot(STALLED, LOST, RESTARTED, BAD, silent), workers=5, every_s=20.0, for_s=4500.0)
UNREAD = script(by_slot(healthy, silent), workers=2, every_s=30.0, observable=("step", "vlm_hints_used"))
READ_LATE = script(silent, for_s=900.0, every_s=30.0, env=lambda slot, t: EnvReading({}) if slot and t > 300 else None)


@pytest.mark.parametrize(
    ("samples", "config"),
    [(ILLS, CONFIG), (ILLS, WINDOW_SHORTER), (UNREAD, CONFIG), (READ_LATE, CONFIG)],
    ids=["ills", "ills in a short window", "fields that could not be seen", "environments"],
)
def test_the_judges_read_the_words_that_the_views_show(samples: list[Sample], config: Config) -> None:
    for seen in play(samples, config):
        assert words(seen.state.record) == words(record_of_views(seen.workers, config)), seen.t


def test_a_clock_that_is_set_back_does_not_keep_an_old_word() -> None:
    samples = script(STALLED, every_s=20.0, for_s=2600.0)
    back = [replace(sample, t=sample.t - 2000, run=None) for sample in samples[115:]]
    for seen in play([*samples, *back]):
        assert words(seen.state.record) == words(record_of_views(seen.workers)), seen.t


def test_while_no_word_changes_the_record_is_the_same_object() -> None:
    records = [seen.state.record for seen in play(script(healthy, for_s=300.0))]
    assert len({id(record) for record in records}) < 8, "components begin to move, then nothing changes"
    assert records[-1] is records[-10]


def read_at_once(samples: list[Sample]) -> list[str]:
    found, before = [], None
    for sample in samples:
        (before,) = play([sample], before=before) if before is not None else play([sample], anew=True)
        found.append(text(before))
    return found


def text(seen: Snapshot) -> str:
    return repr((tuple(seen.workers), seen.memory.owners, seen.memory.growth))


def test_a_snapshot_that_is_read_late_shows_its_own_time() -> None:
    samples = ILLS[::7]
    assert [text(seen) for seen in play(samples, anew=True)] == read_at_once(samples)
