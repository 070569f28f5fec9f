"""Prints what a poll costs with the monitor's own client, aiohttp and httpx, and how many of the due polls are done.

    python -m bench.poll_cost [--workers 5,64,256,1000] [--seconds 8] [--rounds 3] [--peers PYTHON] [--busy]

`bench/poll_probe.py` polls `bench/farm.py`. Each client runs in a process of its own, one after the other, in every
round; figures are medians, with the least and the most CPU. A client that is not installed is skipped;
`--peers PYTHON` names a Python that has them. Exits with 1 where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import farm, machine
from bench.arithmetic import Spread, spread
from bench.commands import Settings, poll
from bench.documents import Change
from bench.programs import PYTHON, VENV
from bench.targets import EVERY_POLL

OURS, PEERS = ("ours", "decoded", "samples"), ("aiohttp", "httpx")
MOST_OF_AIOHTTP = 0.5
"""The most that ours may cost of aiohttp's poll; both only read the body."""
JUDGED_FROM = 64
"""The fewest workers for which that counts: with 5, half of the cost is the wake-ups of the loop, which all share."""
EXACT_WORKERS = 1000
"""With as many workers every due poll must be done."""
HTTPX_GIVES_UP = 256
"""httpx searches its whole pool at every request; 1000 workers take it minutes."""

Key = tuple[int, str]
Readings = Mapping[Key, list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default="5,64,256,1000", help="numbers of workers, comma-separated")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=str(VENV / "python"), help="Python with aiohttp and httpx")
    parser.add_argument("--busy", action="store_true", help="measure on a busy machine too; only ratios count then")
    options = parser.parse_args()
    busy = machine.why_too_busy(machine.look())
    if busy and not options.busy:
        print(f"the machine is too busy to judge by: {busy}", file=sys.stderr)
        return 1
    peers = [name for name in PEERS if is_installed(options.peers, name)]
    for name in PEERS:
        if name not in peers:
            print(f"{name}: skipped, not installed in {options.peers}", file=sys.stderr)
    cpu_us: dict[Key, list[float]] = {}
    done: dict[Key, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-") as folder:
        settings = Settings(0.0, 1.0, options.seconds, Path(folder))
        for workers in [int(word) for word in options.workers.split(",")] * options.rounds:
            for client in (*OURS, *peers):
                if client == "httpx" and workers > HTTPX_GIVES_UP:
                    continue
                with farm.running(workers, Change.USUAL) as running:
                    found = poll(options.peers if client in PEERS else PYTHON, client, running, settings)
                for name, readings in (("poll_cpu_us", cpu_us), ("polls_done", done)):
                    if (value := found.get(name)) is not None:
                        readings.setdefault((workers, client), []).append(value)
    print(table(cpu_us, done))
    wrong = failures(cpu_us, done)
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong))


def is_installed(python: str, name: str) -> bool:
    try:
        return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def table(cpu_us: Readings, done: Readings) -> str:
    lines = ["| workers | client | CPU us/poll | of aiohttp | done of due |", "|---|---|---|---|---|"]
    for key in sorted(cpu_us, key=lambda key: key[0]):
        cost = spread(cpu_us[key])
        ratio = of_aiohttp(cpu_us, *key)
        cells = (f"{key[0]}", key[1], _with_range(cost), _number(ratio), _number(median(done, key)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def of_aiohttp(cpu_us: Readings, workers: int, client: str) -> float | None:
    """Return the CPU of a poll divided by aiohttp's; None: one of them was not measured."""
    own, other = median(cpu_us, (workers, client)), median(cpu_us, (workers, "aiohttp"))
    return own / other if own and other else None


def median(readings: Readings, key: Key) -> float | None:
    found = spread(readings.get(key, []))
    return None if found is None else found.median


def failures(cpu_us: Readings, done: Readings) -> list[str]:
    """Return the limits that are exceeded."""
    wrong = []
    for workers, client in cpu_us:
        ratio = of_aiohttp(cpu_us, workers, client)
        if client == "ours" and workers >= JUDGED_FROM and ratio is not None and ratio > MOST_OF_AIOHTTP:
            wrong.append(f"{workers} workers: a poll costs {ratio:.2f} of aiohttp's, more than {MOST_OF_AIOHTTP}")
        share = median(done, (workers, client))
        if client in OURS and workers <= EXACT_WORKERS and share is not None and share < EVERY_POLL.value:
            wrong.append(f"{workers} workers: {client} has done {share:.3f} of the due polls")
    return wrong


def _with_range(cost: Spread | None) -> str:
    return "-" if cost is None else f"{cost.median:.0f} ({cost.low:.0f}-{cost.high:.0f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
