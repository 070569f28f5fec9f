"""Remembers the command line of every process and the role that it has, so that a scan reads only what may be new.

Does not: decide which process belongs to a pool, or answer for an action: a fresh scan forgets everything first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import Struct

from metabonk_tui.adapters.process.proc import ProcessStat
from metabonk_tui.adapters.process.roles import Match

YOUNG_S = 15.0
"""Seconds for which a new process is read at every scan: between fork and exec it has its parent's command line."""
AGAIN_S = 60.0
"""Seconds after which any command line is read again: a process may write another one over its own."""

Arguments = tuple[str, ...]


class _Line(Struct, frozen=True):
    """A command line, with what shows that it is still the same program of the same process."""

    program: tuple[int, str, tuple[bytes, ...]]
    found_at: float
    read_at: float
    arguments: Arguments
    match: Match | None


class CommandLines:
    """The command lines of all processes, by pid. They are read again of a reused pid and after an exec."""

    def __init__(
        self,
        read: Callable[[int], Arguments],
        recognise: Callable[[Arguments], Match | None],
        monotonic: Callable[[], float],
    ) -> None:
        self._read = read
        self._recognise = recognise
        self._monotonic = monotonic
        self._known: dict[int, _Line] = {}

    def read(self, stat: ProcessStat) -> tuple[Arguments, Match | None]:
        """Return a process's arguments and its match, or what they were within the last minute."""
        now = self._monotonic()
        known = self._known.get(stat.pid)
        program = (stat.start_ticks, stat.name, stat.image)
        if known is not None and known.program == program:
            if now - known.found_at >= YOUNG_S and now - known.read_at < AGAIN_S:
                return known.arguments, known.match
        else:
            known = None
        arguments = self._read(stat.pid)
        match = known.match if known is not None and known.arguments == arguments else self._recognise(arguments)
        if arguments:
            found_at = now if known is None else known.found_at
            self._known[stat.pid] = _Line(program, found_at, now, arguments, match)
        return arguments, match

    def keep(self, pids: Collection[int]) -> None:
        """Forget every process that is not among these."""
        self._known = {pid: line for pid, line in self._known.items() if pid in pids}

    def forget(self) -> None:
        """Read every command line anew at the next scan."""
        self._known.clear()
