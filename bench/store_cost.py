"""Measures a recording against gzipped JSON lines: bytes per worker-sample, and CPU time of a day's plot.

The documents come from a real pool where ../shared/data/real exists, else from the demo. They repeat, with counters
that keep growing, until there are enough. Both formats store the same samples; ratios are from one run. Exits with 1
where a limit is exceeded.

    python bench/store_cost.py [--hours 24] [--workers 5] [--interval 5]
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.adapters.store import checkpoint, retention
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.sample import Observation, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.step.pipeline import step
from tests.support.refs import w
from tests.support.samples import flat_sample

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "real" / "three-workers.jsonl"
T = 1_767_309_258.0
MOST_BYTES = 220.0
MOST_CPU_S = 0.060
POINTS = 200
ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--workers", type=int, default=5)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two samples")
    options = parser.parse_args()
    config = parse_config(default_config_text(), "")
    count = int(options.hours * 3600 / options.interval)
    source = "real" if REAL.is_file() else "demo"
    print(f"{count} samples of {options.workers} workers, every {options.interval:g} s; documents: {source}")
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-") as kept:
        path, plain = Path(kept) / "run.db", Path(kept) / "run.jsonl.gz"
        page, spent = RunWriter(path, config), time.process_time()
        for sample in played(options.workers, count, options.interval):
            page.add(sample, None, {})
        page.finish()
        spent = time.process_time() - spent
        write_jsonl(str(plain), played(options.workers, count, options.interval))
        ours, theirs = (one.stat().st_size / count / options.workers for one in (path, plain))
        baseline_text = f"JSON lines, gzipped: {theirs:.1f}; ratio {ours / theirs:.2f}"
        print(f"size        {ours:7.1f} bytes a worker-sample; {baseline_text}")
        print(f"written in  {spent / count * 1e3:7.2f} ms of CPU a tick, packing and documents with it")
        to_t = T + options.hours * 3600
        fast = cpu_s(lambda: plot(path, to_t), ROUNDS)
        slow = cpu_s(lambda: plot_lines(plain, to_t), 1)
        baseline_text = f"of the lines: {slow * 1e3:.0f} ms; 1 to {slow / fast:.0f}"
        print(f"plot        {fast * 1e3:7.1f} ms of CPU, opened anew; {baseline_text}")
        snapshot: Snapshot | None = None
        for sample in played(options.workers, min(count, 400), options.interval):
            snapshot = step(snapshot, sample, config)
        assert snapshot is not None
        packed = checkpoint.pack(snapshot, 1)
        into_s = cpu_s(lambda: checkpoint.pack(snapshot, 1), ROUNDS)
        out_of_s = cpu_s(lambda: checkpoint.unpack(packed), ROUNDS)
        print(
            f"checkpoint  {len(packed):7} bytes; packed in {into_s * 1e3:.1f} ms, unpacked in {out_of_s * 1e3:.1f} ms"
        )
        began_s = time.process_time()
        chunks = retention.thin_to(path, to_t)
        print(f"thinned     {chunks:7} chunks in {time.process_time() - began_s:.1f} s of CPU")
        again = cpu_s(lambda: plot(path, to_t), ROUNDS)
        print(f"then        {path.stat().st_size / 1e6:7.2f} MB, {again * 1e3:.1f} ms for the plot")
    kept_to = ours <= MOST_BYTES and fast <= MOST_CPU_S
    print(f"{'ok ' if kept_to else 'BAD'} at most {MOST_BYTES:g} bytes, and {MOST_CPU_S * 1e3:g} ms")
    return 0 if kept_to else 1


def played(workers: int, count: int, interval_s: float) -> Iterator[Sample]:
    """Yield `count` samples of `workers` workers, `interval_s` apart."""
    documents = real_documents(workers) if REAL.is_file() else demo_documents(workers, interval_s)
    for number, statuses in zip(range(count), documents, strict=False):
        yield flat_sample(
            t=T + number * interval_s,
            workers={
                w(slot): Observation(
                    status,
                    latency_s=0.001 + (number * 7919 + slot * 31) % 997 / 1e6,
                    pid=4000 + slot,
                    pid_started_at=T,
                )
                for slot, status in enumerate(statuses)
            },
            memory=MemoryReading(
                total_bytes=16_750_000_000,
                available_bytes=4_200_000_000 - (number * 104_729) % 90_000_000,
                oom_kills=0,
            ),
            processes=tuple(
                ProcessReading(
                    "worker", 1_210_000_000 + (number * 4096 * (slot + 3)) % 40_000_000, w(slot), 4000 + slot, T
                )
                for slot in range(workers)
            ),
            run=RunHeader("run-bench", T, workers, "live", interval_s) if number == 0 else None,
        )


def real_documents(workers: int) -> Iterator[list[WorkerStatus]]:
    """Repeat the real pool's documents without end; values that only grew keep growing."""
    seen = [
        [one.status.fields for _, one in sorted(sample.workers.items()) if one.status is not None]
        for sample in read_jsonl(str(REAL), [])
    ]
    seen = [statuses for statuses in seen if len(statuses) == 3]
    grew = [[growth([at[who] for at in seen], name) for name in seen[0][who]] for who in range(3)]
    by_name = [dict(zip(seen[0][who], grew[who], strict=True)) for who in range(3)]
    turn = 0
    while True:
        for statuses in seen:
            yield [moved(statuses[slot % 3], by_name[slot % 3], turn) for slot in range(workers)]
        turn += 1


def growth(values: list[Any], name: str) -> float:
    """Return by how much a counter grew; 0: the values are no counter."""
    numbers = [at.get(name) for at in values]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        return 0
    return numbers[-1] - numbers[0] if numbers == sorted(numbers) else 0


def moved(fields: Any, grew: dict[str, float], turn: int) -> WorkerStatus:
    return WorkerStatus(
        {name: value + turn * grew[name] if grew.get(name) else value for name, value in fields.items()}
    )


def demo_documents(workers: int, interval_s: float) -> Iterator[list[WorkerStatus]]:
    """Yield the documents of a healthy demo pool without end, one per worker."""
    from metabonk_tui.demo.document import document
    from metabonk_tui.demo.flags import Flags
    from metabonk_tui.demo.life import Life

    flags = Flags.read({"METABONK_DYNAMIC_UI_EXPLORATION": "1", "METABONK_INTRINSIC_REWARD": "1"})
    lives = [Life(slot, flags) for slot in range(workers)]
    number = 0
    while True:
        t = number * interval_s
        decoded = [decode_status(json.dumps(document(life, {}, t, T + t, "")).encode()) for life in lives]
        yield [status for status in decoded if isinstance(status, WorkerStatus)]
        number += 1


def plot(path: Path, to_t: float) -> int:
    """Read the plot of every worker from the recording, as a screen does."""
    with Recording(path) as one:
        return sum(len(points) for points in one.plot("step", T, to_t, POINTS).values())


def plot_lines(path: Path, to_t: float) -> int:
    """Compute the same plot from the JSON lines."""
    width_s = (to_t - T) / POINTS
    points: dict[tuple[int, int], list[float]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            decoded = json.loads(line)
            for slot, seen in decoded.get("workers", {}).items():
                step = seen.get("status", {}).get("step")
                if step is not None:
                    points.setdefault((int(slot), int((decoded["t"] - T) // width_s)), []).append(step)
    return sum(bool(statistics.fmean(values)) for values in points.values())


def cpu_s(work: Callable[[], object], rounds: int) -> float:
    """Return the median CPU seconds of `rounds` calls."""
    spent = []
    for _ in range(rounds):
        began_s = time.process_time()
        work()
        spent.append(time.process_time() - began_s)
    return statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
