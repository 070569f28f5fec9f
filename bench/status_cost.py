"""Measures the CPU time of `metabonk-tui status` against `python -c pass`; the limit is 4 times.

python bench/status_cost.py [--runs 40]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.core.export.status_line import SCHEMA

BAR = 4.0


def main() -> int:
    """Print all costs and ratios; return 1 when a median ratio exceeds the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    program = str(Path(sys.executable).with_name("metabonk-tui"))
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-") as state:
        write_brief(state)
        environ = {**os.environ, "METABONK_TUI_STATE_DIR": state}
        argvs = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "status": [program, "status"],
            "status --format tmux": [program, "status", "--format", "tmux"],
            "status --format json": [program, "status", "--format", "json"],
        }
        costs: dict[str, list[float]] = {name: [] for name in argvs}
        for _ in range(runs + 1):
            for name, argv in argvs.items():
                costs[name].append(cpu_ms(argv, environ))
    over = False
    base, *_ = costs.values()
    print(f"{'program':22} {'min ms':>8} {'median ms':>10} {'ratio min':>10} {'ratio median':>13}")
    for name, (_, *spent) in costs.items():  # the first run warms the disk's cache
        least, middle = min(spent), statistics.median(spent)
        by_least, by_middle = least / min(base[1:]), middle / statistics.median(base[1:])
        print(f"{name:22} {least:8.1f} {middle:10.1f} {by_least:10.2f} {by_middle:13.2f}")
        over = over or by_middle > BAR
    return int(over)


def write_brief(state: str) -> None:
    """Write a status file of the usual size."""
    document = {
        "schema": SCHEMA,
        "written_at": time.time(),
        "interval_s": 3600.0,
        "run": {"name": "run-1767309258", "elapsed_s": 3600.0},
        "verdict": {"word": "STOP", "level": "stop", "since_s": 1800.0, "because": ["all components silent"]},
        "workers": {"up": 5, "desired": 5, "attention": 2},
        "memory": {"available_bytes": 3_100_000_000, "level": "ok", "oom_kills": 0, "forecast": None},
        "gate": {"phase": "gameplay", "checks": 6, "passed": 0, "failed": 6, "to_come": 0},
        "next": {"key": "X", "text": "stop the pool"},
    }
    state_file.write(f"{state_file.folder_of(state)}/{state_file.file_name('127.0.0.1', 5000)}", document)


def cpu_ms(argv: list[str], environ: dict[str, str]) -> float:
    """Run a program to its end and return its user plus system time in ms."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


if __name__ == "__main__":
    raise SystemExit(main())
