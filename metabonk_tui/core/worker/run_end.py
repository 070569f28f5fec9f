"""Explains the ends of processes by the end of their run. Does not: find out how a run ended."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.worker import WorkerView

STRENGTH = 5
"""Every evidence about the process itself is stronger."""


def end_with_run(process_exit: ProcessExit, end: RunEnd, late_s: float) -> ProcessExit:
    """Explain an exit that nothing else explains by the end of its run, if that is known and came at the time."""
    if process_exit.reason != "unknown" or end.reason == "unknown" or process_exit.t < end.last_seen_t - late_s:
        return process_exit
    return replace(process_exit, reason="end of the run", evidence=end.text, strength=STRENGTH)


def with_run_end(workers: Sequence[WorkerView], end: RunEnd, late_s: float) -> tuple[WorkerView, ...]:
    """Return the workers of a run that is over, with the ends of their processes that its end explains."""
    return tuple(
        replace(
            worker,
            generations=tuple(
                life
                # A process that another one followed did not end with the run.
                if life.ended is None or life is not worker.generations[-1]
                else replace(life, ended=end_with_run(life.ended, end, late_s))
                for life in worker.generations
            ),
        )
        for worker in workers
    )
