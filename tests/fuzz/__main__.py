"""Fuzzes every reader of outside data, each in a process of its own, as many at a time as there are cores.

Prints a line for each target. Exits with 1 when an input failed; that input is kept beside the seeds.

    python -m tests.fuzz [--minutes 10] [TARGET...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.fuzz.targets import TARGETS

LEAST_S = 5.0
START_S = 60.0
"""Seconds that a target may take to start and to end besides its own time."""
SHOWN_LINES = 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of the whole")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    names = options.targets or list(TARGETS)
    at_once = min(len(names), len(os.sched_getaffinity(0)))
    seconds = max(LEAST_S, options.minutes * 60 * at_once / len(names))
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here: the inputs are broken seeds and not guided by coverage", flush=True)
    print(f"{len(names)} targets, {seconds:.0f} s each, {at_once} at a time", flush=True)
    with ThreadPoolExecutor(at_once) as threads:
        codes = list(threads.map(lambda name: fuzz(name, seconds), names))
    failed = [name for name, code in zip(names, codes, strict=True) if code]
    print(f"failed: {', '.join(failed)}" if failed else "nothing found")
    return 1 if failed else 0


def fuzz(name: str, seconds: float) -> int:
    """Run one target in its process; print its last line, or all that it says of a failure."""
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=2 * seconds + START_S)
    except subprocess.TimeoutExpired:
        print(f"{name}: FOUND no end after {2 * seconds + START_S:.0f} s", flush=True)
        return 1
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        printed = [line for line in lines if not line.startswith(("INFO: Instrumenting", "#"))]
        print("\n".join([f"{name}: exit code {done.returncode}", *printed[-SHOWN_LINES:]]), flush=True)
    else:
        ends = [line for line in lines if line.startswith((f"{name}:", "Done "))]
        print(f"{name}: {ends[-1].removeprefix(f'{name}: ')}" if ends else f"{name}: no count", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
