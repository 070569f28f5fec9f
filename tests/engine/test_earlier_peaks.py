"""What earlier runs held, in the Samples: told once and again to a new run; a bug costs only it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from metabonk_tui.core.model.host import RunPeaks
from metabonk_tui.engine.collector import Collector
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import Scene, configured, gather_until

ONE = (RunPeaks(1.0, 5, 7),)


@dataclass
class Peaks:
    known: tuple[RunPeaks, ...] = ONE
    error: Exception | None = None
    calls: int = 0

    def read(self) -> tuple[RunPeaks, ...]:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.known


def source_of(peaks: Peaks) -> Collector:
    scene = Scene(config=configured(workers=1, interval_s=10.0))
    return Collector(scene.config, scene.readers(peaks=peaks), scene.clock, FaultLog(scene.clock))


@pytest.mark.asyncio
async def test_it_is_reported_once_and_again_to_a_new_run() -> None:
    peaks = Peaks()
    source = source_of(peaks)
    assert (await gather_until(source, lambda s: s.only_host.earlier_peaks is not None)).only_host.earlier_peaks == ONE
    assert (await source.gather()).only_host.earlier_peaks is None
    assert peaks.calls == 1
    peaks.known = ()
    source.resend_all()
    assert (await gather_until(source, lambda s: s.only_host.earlier_peaks is not None)).only_host.earlier_peaks == ()
    await source.aclose()


@pytest.mark.asyncio
async def test_a_bug_in_reading_it_costs_only_itself() -> None:
    source = source_of(Peaks(error=ZeroDivisionError("a bug")))
    sample = await gather_until(source, lambda s: any(event.kind == "monitor.error" for event in s.events))
    assert sample.only_host.earlier_peaks is None
    assert sample.workers
    await source.aclose()
