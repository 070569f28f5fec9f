"""What a part raises costs that part only."""

from __future__ import annotations

from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.isolated import Isolated
from metabonk_tui.engine.single_flight import FaultLog


def test_a_part_that_raises_is_noted_once_under_its_name() -> None:
    fault_log = FaultLog(RunClock())
    isolated = Isolated(fault_log)

    def fails() -> int:
        raise ValueError("broken")

    assert [isolated.run("recording", fails), isolated.run("recording", fails)] == [None, None]
    assert isolated.run("recording", lambda: 7) == 7
    assert [event.text for event in fault_log.take_events()] == ["recording failed: ValueError; the log says where"]
