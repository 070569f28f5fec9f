"""Measures the monitor beside the programs that a user would run instead, and judges every row of its limits.

Each round measures every program once, one after the other, so that a change of the machine meets all of them.
CPU time is that of the program's whole process tree, read from outside. Every program draws on a terminal of 120x40
of its own, and an emulator replays its output to find when the screen was painted. All programs refresh at 1 Hz. The
workers are one process that serves many ports on the loopback. Exits with 0 when every measured row is met, 1 when one
is missed, and 2 when the machine is too busy to judge by.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import machine, tables
from bench.arithmetic import Judgement
from bench.commands import Settings
from bench.programs import PROGRAMS
from bench.subjects import SUBJECTS, Plan, plan
from bench.tables import LEAST_ROUNDS, Result
from bench.targets import ROWS, Values

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
TOO_BUSY = 2


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    if options.list:
        print("\n".join([*(f"{row.name:20} {row.text}" for row in ROWS), "", "subjects: " + " ".join(SUBJECTS)]))
        return 0
    try:
        chosen = plan([name for name in options.only.split(",") if name])
    except KeyError as error:
        print(f"no such row or subject: {error.args[0]}; to list them: make bench ARGS=--list", file=sys.stderr)
        return 64
    busy = machine.why_too_busy(machine.look())
    if busy and not options.force:
        print(f"the machine is too busy to judge by: {busy}; to measure all the same: make bench FORCE=1")
        return TOO_BUSY
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-") as folder:
        settings = Settings(options.hours, options.interval, options.seconds, Path(folder))
        began = machine.totals()
        values, missing = measure(chosen, settings, options.rounds)
        busy = busy or machine.why_too_busy(machine.while_measuring(began))
    result = Result(
        values=values,
        rows=chosen.rows,
        machine=machine.description(),
        rounds=options.rounds,
        settings=described(options),
        missing=missing,
        versions=tuple(filter(None, (PROGRAMS[name].version() for name in values if name in PROGRAMS))),
        doubt="; ".join(filter(None, (f"the machine was too busy, {busy}" if busy else "", too_few(options.rounds)))),
    )
    text = tables.markdown(result)
    print(text)
    if options.json is not None:
        options.json.write_text(tables.as_json(result) + "\n", encoding="utf-8")
    if options.docs:
        tables.write_between_marks(PAGE, text)
    if busy and not options.force:
        return TOO_BUSY
    return int(any(tables.judgement(row, result) is Judgement.MISSED for row in chosen.rows))


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="measure these rows or subjects; see --list")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="length of an idle window")
    parser.add_argument("--hours", type=float, default=24.0, metavar="H", help="length of the recordings")
    parser.add_argument("--interval", type=float, default=1.0, metavar="S", help="between two samples of a recording")
    parser.add_argument("--force", action="store_true", help="measure on a busy machine, without a judgement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every reading to a file")
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/performance.md")
    parser.add_argument("--list", action="store_true", help="list rows and subjects, and measure nothing")
    return parser.parse_args(argv)


def described(options: argparse.Namespace) -> str:
    """Return the settings of a measurement for the reader of its tables."""
    recording = f"recordings of {options.hours:g} h, 5 workers, every {options.interval:g} s"
    rounds = f"{options.rounds} round{'s' if options.rounds != 1 else ''}"
    return f"{rounds}, terminal of 120x40, idle windows of {options.seconds:g} s, {recording}"


def too_few(rounds: int) -> str:
    return "" if rounds >= LEAST_ROUNDS else f"{rounds} of at least {LEAST_ROUNDS} rounds"


def measure(chosen: Plan, settings: Settings, rounds: int) -> tuple[Values, dict[str, str]]:
    """Measure every subject once a round; return the readings, and why a subject was left out."""
    missing = {name: SUBJECTS[name].missing for name in chosen.metrics if SUBJECTS[name].missing}
    for name, reason in missing.items():
        print(f"skipped: {name}: {reason}", file=sys.stderr)
    values: Values = {}
    for number in range(rounds):
        for name, wanted in chosen.metrics.items():
            if name in missing:
                continue
            began_s = time.monotonic()
            try:
                found = SUBJECTS[name].measure(wanted, settings)
            except Exception:
                # One program that fails must not cost the half hour in which the others were measured.
                traceback.print_exc()
                found = {}
            for metric in sorted(wanted):
                values.setdefault(name, {}).setdefault(metric, []).append(found.get(metric))
            print(f"round {number + 1}: {name} in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    return values, missing


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        # A measurement that is stopped must end the programs that it started. A shell may have SIGINT ignored.
        signal.signal(number, _stop)
    raise SystemExit(main())
