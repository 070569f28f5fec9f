"""`fit`: reads memory and processes once and prints how many workers fit. Needs no pool. Does not: act."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.adapters.host.memory import KernelMemory
from metabonk_tui.adapters.host.names import why_unresolved
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import check_ports
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.config_files import load_config, state_dir
from metabonk_tui.adapters.state.peaks import PeaksFile, pool_key
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_KNOWN
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory.capacity import (
    NO_PEAKS,
    arithmetic,
    compute_capacity,
    counts,
    describe_source,
    held_bytes,
    judge_fit,
    what_if,
)
from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.memory import Budget, PeakSource
from metabonk_tui.core.text.numbers import day, gigabytes
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.engine.clock import RunClock

SCHEMA = 1


class FitReading(Struct, frozen=True):
    """One reading of this machine, and the budget computed from it."""

    memory: MemoryReading | None
    processes: tuple[ProcessReading, ...]
    budget: Budget | None
    problem: str = ""
    unseen_ports: tuple[int, ...] = ()
    """Ports of wanted workers whose process cannot be seen: container, hidepid, another user."""

    @property
    def is_unseen(self) -> bool:
        """Whether what the pool holds is not known: workers run, and none of their processes is seen."""
        return bool(self.unseen_ports) and not any(process.role == "worker" for process in self.processes)


SEVERAL_HOSTS = "the pool is on several hosts: the monitor shows how many workers fit on each, or use fit there"


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the budget with the source of each number; return 0 fits, 1 does not fit, 3 memory not readable."""
    config = load_config(getattr(options, "config", None), overrides(options)).config
    wanted = config.pool.workers
    reading = take_reading(config, getattr(options, "speed", 1.0))
    print(json.dumps(tree(reading, wanted), indent=2) if options.json else "\n".join(lines(reading, wanted)))
    if reading.budget is None:
        return NOT_KNOWN
    return DONE if judge_fit(reading.budget, wanted) == "fits" else FAILED


def take_reading(config: Config, speed: float) -> FitReading:
    """Read memory and processes of this machine once; `problem` says why there is no budget."""
    if not is_this_machine(config.pool.host):
        problem = SEVERAL_HOSTS if config.is_spread else why_unresolved(config.pool.host)
        return FitReading(None, (), None, problem or f"the memory of {config.pool.host} cannot be read from here")
    clock = RunClock(speed)
    table = ProcessTable(config)
    found = table.read(fresh=True)
    ours = tuple(process for process in found if process.role in ("worker", "ollama"))
    memory = KernelMemory().read([process.pid for process in ours if process.pid is not None])
    held = sum(held_bytes(process) for process in ours)
    on_run_clock = [
        replace(process, started_at=None if process.started_at is None else clock.at(process.started_at))
        for process in ours
    ]
    measured = NO_PEAKS.observe(on_run_clock, clock.now())
    earlier = PeaksFile(state_dir(), pool_key(config.pool)).read()
    budget = compute_capacity(memory.available_bytes, held, measured, earlier, config, memory.total_bytes)
    by = f" ({memory.limited_by})" if memory.limited_by else ""
    ports = check_ports(LaunchSpec(config, state_dir()), table, config.pool.workers, Proc())
    unseen = tuple(each.port for each in ports if each.state == "unknown")
    return FitReading(memory, ours, budget, "" if budget else f"available memory cannot be read{by}", unseen)


def lines(reading: FitReading, wanted: int) -> Iterator[str]:
    """Yield the lines of text: the answer, the arithmetic behind it, the what-if table."""
    budget, memory = reading.budget, reading.memory
    if budget is None or memory is None:
        yield f"not known: {reading.problem}; unknown memory never counts as a fit"
        return
    verdict = judge_fit(budget, wanted)
    leaves = budget.leaves_bytes(wanted)
    after = {
        "fits": f"leaves {gigabytes(leaves, 2)} GB",
        "below floor": f"leaves {gigabytes(leaves, 2)} GB, below the floor of {gigabytes(budget.floor_bytes, 2)} GB",
        "does not fit": f"{gigabytes(-leaves, 2)} GB are missing, and the floor of "
        f"{gigabytes(budget.floor_bytes, 2)} GB must stay free",
    }[verdict]
    note = (
        ""
        if budget.worker_source in ("this run", "earlier run")
        else f" (peak {describe_source(budget.worker_source)})"
    )
    fits = f"{count_of(budget.fits, 'worker')} fit{'s' if budget.fits == 1 else ''}"
    yield f"{count_of(wanted, 'worker')}: {verdict}, {after}; {fits}{note}"
    yield ""
    by = f", the tightest limit: {memory.limited_by}" if memory.limited_by else ""
    of = f" of {gigabytes(memory.total_bytes, 2)}" if memory.total_bytes is not None else ""
    running = [process for process in reading.processes if process.role == "worker"]
    ollama = any(process.role == "ollama" for process in reading.processes)
    yield _line("available", budget.available_bytes, f"GB{of}, measured now{by}")
    unseen = cut_list([str(port) for port in reading.unseen_ports])
    if reading.is_unseen:
        yield f"pool holds  not known: the processes on {unseen} cannot be seen: container, hidepid or another user"
    else:
        measured = f"{count_of(len(running), 'worker')}{', Ollama' * ollama}"
        besides = f"; on {unseen} a process that cannot be seen" if unseen else ""
        yield _line("pool holds", budget.held_bytes, f"GB, measured now: {measured}{besides}")
    yield _line("to share", budget.budget_bytes, "GB in all")
    yield ""
    yield _line("worker", budget.worker_bytes, f"GB each, {_mark(budget.worker_source, budget.worker_peak_t)}")
    if budget.shared_bytes:
        yield _line("shared", budget.shared_bytes, "GB that several workers map, counted once")
    needed = "" if ollama or not budget.ollama_bytes else ", not running but needed"
    yield _line("Ollama", budget.ollama_bytes, f"GB, {_mark(budget.ollama_source, budget.ollama_peak_t)}{needed}")
    yield _line("floor", budget.floor_bytes, "GB must stay free, memory.floor_gb")
    yield ""
    yield arithmetic(budget, wanted)
    yield ""
    yield "workers  needs GB  leaves GB  verdict"
    for row in what_if(budget, counts([wanted], budget.fits)):
        needs, left = gigabytes(row.needs_bytes, 2), gigabytes(row.leaves_bytes, 2)
        marks = [
            word
            for word, is_shown in (("asked", row.workers == wanted), ("most", row.workers == budget.fits))
            if is_shown
        ]
        marks_text = f"  <- {', '.join(marks)}" if marks else ""
        yield f"{row.workers:>7}  {needs:>8}  {left:>9}  {row.verdict}{marks_text}"


def tree(reading: FitReading, wanted: int) -> dict[str, Any]:
    """Return the same as a JSON object: sizes in bytes, unknown values null."""
    budget, memory = reading.budget, reading.memory
    if budget is None or memory is None:
        return {"schema": SCHEMA, "workers": wanted, "verdict": None, "problem": reading.problem}
    return {
        "schema": SCHEMA,
        "workers": wanted,
        "verdict": judge_fit(budget, wanted),
        "fits": budget.fits,
        "total_bytes": memory.total_bytes,
        "available_bytes": budget.available_bytes,
        "limited_by": memory.limited_by,
        "held_bytes": None if reading.is_unseen else budget.held_bytes,
        "unseen_ports": list(reading.unseen_ports),
        "budget_bytes": budget.budget_bytes,
        "floor_bytes": budget.floor_bytes,
        "shared_bytes": budget.shared_bytes,
        "worker": _peak(budget.worker_bytes, budget.worker_source, budget.worker_peak_t),
        "ollama": _peak(budget.ollama_bytes, budget.ollama_source, budget.ollama_peak_t)
        | {"running": any(process.role == "ollama" for process in reading.processes)},
        "what_if": [asdict(row) for row in what_if(budget, counts([wanted], budget.fits))],
    }


def _peak(size: int, source: PeakSource, t: float | None) -> dict[str, Any]:
    return {"bytes": size, "source": source, "measured": source != "config", "measured_at": t}


def _mark(source: PeakSource, t: float | None) -> str:
    return f"{describe_source(source)}, {day(t)}" if t is not None else describe_source(source)


def _line(name: str, size: int, how: str) -> str:
    return f"{name:<11}{gigabytes(size, 2):>7} {how}"
