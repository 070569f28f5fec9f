"""Injects the faults of docs/reliability.md and prints the table with the results.

Exits with 1 when a fault was not survived or was not injected without a reason.

    python -m tests.faults [--list | --write] [PART OR ID...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.conditions import FAULTS as RUN_ALL
from tests.faults.fault import Fault
from tests.faults.judge import Outcome, Result, judge, of, read
from tests.faults.outcomes import OUTCOMES
from tests.faults.table import FAULTS, PARTS, write_document
from tests.support.paths import ROOT

PROCESSES = 3
"""Tests at a time: most of them wait. More would make each other late on two cores."""
HEAD = f"{'fault':<20} {'injected by':<38} {'result':<9} {'s':>6}  promised"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", metavar="PART OR ID", help="the faults of these names or parts of titles")
    parser.add_argument("--list", action="store_true", help="print the faults without a run")
    parser.add_argument("--write", action="store_true", help="write the table of docs/reliability.md")
    options = parser.parse_args()
    if options.write:
        write_document()
        return 0
    faults = chosen(options.only)
    if not faults:
        parser.error("no such fault; --list lists them")
    print(HEAD, flush=True)
    if options.list:
        for fault in faults:
            print_row(Result(fault, "", 0.0))
        return 0
    results = run(faults)
    counts = {word: sum(one.word == word for one in results) for word in dict.fromkeys(one.word for one in results)}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if {"FAILED", "NOT RUN"} & counts.keys() else 0


def chosen(names: Sequence[str]) -> list[Fault]:
    """Return the faults with these ids, or of parts whose title has the word; all without a name."""
    if not names:
        return list(FAULTS)
    return [
        fault
        for title, part in PARTS
        for fault in part
        if any(name == fault.id or name.lower() in title.lower() for name in names)
    ]


def run(faults: Sequence[Fault]) -> list[Result]:
    """Run the tests of the faults, and print their rows."""
    nodes = list(dict.fromkeys(node for fault in faults for node in (*fault.tests, *fault.twin)))
    with tempfile.TemporaryDirectory(prefix="metabonk-faults-") as folder:
        lines, log = Path(folder) / "outcomes", Path(folder) / "log"
        lines.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.faults.outcomes", "-p", "no:cacheprovider"]
        command += ["-n", str(PROCESSES), "--dist", "worksteal"] if len(nodes) > PROCESSES else []
        with log.open("w") as output:
            tests = subprocess.Popen(
                [*command, *nodes],
                cwd=ROOT,
                env={**os.environ, RUN_ALL: "1", OUTCOMES: str(lines)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                results = follow(tests, lines, faults)
            finally:
                tests.terminate()
                tests.wait()
        if any(one.word in ("FAILED", "NOT RUN") for one in results):
            print(log.read_text()[-20_000:], file=sys.stderr)
    return results


def follow(tests: subprocess.Popen[bytes], lines: Path, faults: Sequence[Fault]) -> list[Result]:
    """Say how far the tests are until they have ended; then print the row of each fault."""
    seen = -1
    while tests.poll() is None:
        text = lines.read_text().splitlines(keepends=True)
        if len(text) != seen:
            seen = len(text)
            progress(read(text), faults)
        time.sleep(0.5)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    outcomes = read(lines.read_text().splitlines(keepends=True))
    results = [judge(fault, outcomes) for fault in faults]
    for result in results:
        print_row(result)
    return results


def progress(outcomes: Sequence[Outcome], faults: Sequence[Fault]) -> None:
    """Say on a terminal how far it is: a fault has parameters, so only all of them together can be judged."""
    if sys.stderr.isatty():
        met = sum(all(of((node,), outcomes) for node in fault.tests) for fault in faults)
        failed = sum(one.outcome == "failed" for one in outcomes)
        print(
            f"\r\x1b[K{met} of {len(faults)} faults injected, {failed} tests failed",
            end="",
            file=sys.stderr,
            flush=True,
        )


def print_row(result: Result) -> None:
    fault = result.fault
    row = f"{fault.id:<20} {fault.injected[:38]:<38} {result.word:<9} {result.seconds:>6.1f}  {fault.promised}"
    print(row + (f"  ({result.note})" if result.note else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
