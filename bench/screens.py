"""Measures one program with a screen: start, idle, keys and quit. Does not: judge."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import farm as farms
from bench.arithmetic import percentile
from bench.painted import paints
from bench.process_tree import PeakRss
from bench.programs import Program, environment
from bench.terminal import COLUMNS, LINES, Terminal

SETTLE_S = 8.0
"""Real seconds after which a screen has settled: every value was seen, and windows over seconds are full."""
PRESSES = 20
START = frozenset({"first_byte_ms", "first_frame_ms", "full_paint_ms", "paint_cpu_s"})
IDLE = frozenset({"cpu_s_per_min", "sample_cpu_us", "bytes_per_s", "peak_rss_mib", "polls_done"})
KEYS = frozenset({"key_p50_ms", "key_p95_ms"})
QUIT = frozenset({"quit_ms"})
METRICS = START | IDLE | KEYS | QUIT
MIB = 2**20


def measure(program: Program, wanted: Collection[str], seconds: float) -> dict[str, float | None]:
    """Run a program once, for as long as the wanted metrics need, and return what was seen."""
    found: dict[str, float | None] = {}
    with (
        _folder() as folder,
        _farm_of(program) as farm,
        Terminal(program.command(farm, folder), environment(folder), str(folder)) as terminal,
    ):
        peak = PeakRss(terminal.pid)
        chunks = terminal.start(SETTLE_S)
        if START & set(wanted):
            seen = paints(chunks, COLUMNS, LINES)
            found["first_byte_ms"] = chunks[0].t_s * 1e3 if chunks else None
            found["first_frame_ms"] = seen.first.t_s * 1e3 if seen.first else None
            found["full_paint_ms"] = seen.full.t_s * 1e3 if seen.full else None
            found["paint_cpu_s"] = seen.full.cpu_s if seen.full else None
        if IDLE & set(wanted):
            found |= _idle(terminal, peak, farm, seconds)
        if KEYS & set(wanted):
            found |= _keys(terminal, program)
        if "peak_rss_mib" in wanted:
            found["peak_rss_mib"] = peak.peak_bytes / MIB
        if QUIT & set(wanted):
            quit_s = terminal.quit(program.quit_key)
            found["quit_ms"] = None if quit_s is None else quit_s * 1e3
    return found


def _idle(terminal: Terminal, peak: PeakRss, farm: farms.Farm | None, seconds: float) -> dict[str, float | None]:
    if farm is not None:
        farm.counts()
    passed_s, cpu_s, written = terminal.idle(seconds, peak)
    found: dict[str, float | None] = {"cpu_s_per_min": cpu_s / passed_s * 60, "bytes_per_s": written / passed_s}
    if farm is not None:
        counts = farm.counts()
        polls = sum(count for count, _, _ in counts)
        found["polls_done"] = farms.done_of_due(counts, 1.0)
        found["sample_cpu_us"] = cpu_s / polls * 1e6 if polls else None
    return found


def _keys(terminal: Terminal, program: Program) -> dict[str, float | None]:
    """Press two keys in turn, at moments that do not depend on the program's own rhythm."""
    phase = random.Random(1)
    answers_s = [terminal.press(program.keys[number % 2], phase) for number in range(PRESSES)]
    seen_ms = [answer_s * 1e3 for answer_s in answers_s if answer_s is not None]
    # Too few answers would make a program that ignores keys the fastest.
    if len(seen_ms) < 0.9 * PRESSES:
        return {"key_p50_ms": None, "key_p95_ms": None}
    return {"key_p50_ms": percentile(seen_ms, 0.5), "key_p95_ms": percentile(seen_ms, 0.95)}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _farm_of(program: Program) -> Iterator[farms.Farm | None]:
    if program.pool is None:
        yield None
        return
    with farms.running(program.pool.workers, program.pool.change) as farm:
        yield farm
