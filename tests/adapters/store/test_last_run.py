"""Until when a run that is over is still recorded: its last sample must know how it ended."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.store.last_run import is_settled
from metabonk_tui.core.model.host import ExitReading, ProcessReading
from metabonk_tui.core.model.snapshot import VerdictKind
from tests.support.refs import w
from tests.support.samples import CONFIG, changed, down, header, healthy, phases, play, script

GONE_T = 600.0


@pytest.mark.parametrize("every_s", [1.0, 5.0, 30.0])
def test_what_is_recorded_of_a_run_knows_its_end(every_s: float) -> None:
    """Two readers of one run never disagree, so the sample that settles the end is recorded, at every interval."""
    whole = (
        *(ProcessReading("worker", 10, w(slot), pid=40 + slot, started_at=0.0) for slot in range(2)),
        ProcessReading("orchestrator", 10, pid=8, started_at=0.0),
        ProcessReading("launcher", 10, pid=7, started_at=0.0),
    )
    line = "[start_omega] orchestrator exited with -9"
    samples = script(
        phases((0, healthy), (GONE_T, down)),
        workers=2,
        every_s=every_s,
        from_s=GONE_T - 300,
        for_s=900,
        run=header(0.0, 2, every_s),
        processes=lambda t: whole if t < GONE_T else (),
    )
    end = {"exits": (ExitReading("orchestrator", "-9", line=line),)}
    samples = [changed(each, **end) if each.t == GONE_T else each for each in samples]
    recorded = [
        snap for sample, snap in zip(samples, play(samples, CONFIG), strict=True) if not is_settled(sample, snap)
    ]
    assert recorded[-1].verdict.kind is VerdictKind.STOP
    assert recorded[-1].verdict.because[0].startswith("the run is over: orchestrator exited with -9")
    assert recorded[-1].t < samples[-1].t, "a run that is over is not recorded for ever"
