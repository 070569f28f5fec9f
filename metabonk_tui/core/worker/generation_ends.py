"""Adds to the generations of a worker how their processes ended. Does not: find out how a process ended."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.model.worker import Generation
from metabonk_tui.core.worker.process_exits import ExitedProcess


def with_process_exits(generations: Sequence[Generation], exited: Sequence[ExitedProcess]) -> tuple[Generation, ...]:
    """Add to every generation the exit of its process: matched by pid, else by time."""
    ended = []
    for index, generation in enumerate(generations):
        following_t = generations[index + 1].began_t if index + 1 < len(generations) else None
        process_exit = next(
            (
                process.process_exit
                for process in reversed(exited)
                if (
                    process.pid == generation.pid
                    if None not in (process.pid, generation.pid)
                    else _within(process.t, generation, following_t)
                )
            ),
            None,
        )
        ended.append(generation if process_exit is None else replace(generation, ended=process_exit))
    return tuple(ended)


def _within(t: float, generation: Generation, following_t: float | None) -> bool:
    # The process table shows an exit in the tick of the next generation, or earlier.
    return generation.began_t < t and (following_t is None or t <= following_t)
