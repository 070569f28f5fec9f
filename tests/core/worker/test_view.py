"""What a view shows of a worker before start-up has ended."""

from __future__ import annotations

from metabonk_tui.core.model.host import ProcessReading
from tests.support.refs import w
from tests.support.samples import GB, by_slot, down, healthy, phases, play, script


def leaking(t: float) -> tuple[ProcessReading, ...]:
    return tuple(ProcessReading("worker", int(GB + t * 1e6), worker=w(n), pid=40 + n, started_at=0.0) for n in (0, 1))


def test_no_rate_and_no_growth_is_shown_before_start_up_has_ended() -> None:
    late = phases((0, down), (150, healthy))
    seen = play(script(by_slot(healthy, late), workers=2, for_s=900, processes=leaking))
    before = [snapshot for snapshot in seen if snapshot.gate.began_t is None]
    assert before[-1].t == 140.0
    for snapshot in before:
        first = snapshot.workers[0]
        assert (first.step_rate, first.rss_growth_bytes_per_min) == (None, None), snapshot.t
        assert [each.bytes_per_min for each in snapshot.memory.growth if each.bytes_per_min is not None] == []
    assert seen[-1].workers[0].step_rate is not None
    assert seen[-1].workers[0].rss_growth_bytes_per_min is not None
