"""Writes recordings of a healthy pool through the store's own writer, and measures what writing costs.

The CPU time is that of the store alone: neither the samples nor the Snapshots, whose events it writes, are counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bench.documents import Change, WorkerDocuments
from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.adapters.store.run_identity import RunIdentity
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import HostReading, MemoryReading, ProcessReading
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef
from metabonk_tui.core.model.sample import Observation, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import stepper

WORKERS = 5
BASE_PORT = 19_000
"""The pool that the recordings name. Nothing listens there: below every range where this measurement listens."""
RUN = "run-bench"


PLOT_POINTS = 200


class StoreCost(Struct, frozen=True):
    """What the store used for one worker-sample."""

    bytes_each: float
    cpu_us_each: float


def config() -> Config:
    return parse_config(default_config_text(), f"[pool]\nbase_port = {BASE_PORT}\nworkers = {WORKERS}")


def path_in(state: Path) -> Path:
    """Return the path of the recording in a state directory."""
    return state / "runs" / f"{RUN}.db"


def record(path: Path, hours: float, interval_s: float) -> StoreCost:
    """Record a run that ended just now. The CPU time counts the store alone, not the making of the samples."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = int(hours * 3600 / interval_s)
    began_t = float(int(time.time() - count * interval_s))
    # With the boot id of another machine, the run would be over: a restart ended it.
    meta = RunIdentity(f"127.0.0.1:{BASE_PORT}", boot_id(), began_t).meta()
    clock = {"t": began_t, "elapsed_s": 1.0, "speed": 1.0}
    spent_s = 0.0
    writer = RunWriter(path, config(), {**meta, "clock": clock, "hour": 0})
    judge = stepper(config())
    snapshot: Snapshot | None = None
    for sample in samples(count, interval_s, began_t):
        snapshot = judge(snapshot, sample)
        before_s = time.process_time()
        writer.add(sample, snapshot, {})
        spent_s += time.process_time() - before_s
    before_s = time.process_time()
    writer.finish()
    spent_s += time.process_time() - before_s
    path.chmod(0o600)
    each = count * WORKERS
    return StoreCost(path.stat().st_size / each, spent_s / each * 1e6)


def plot_cpu_s(path: Path) -> float:
    """Read the plot of every worker over the whole run, as a screen does; return the CPU seconds."""
    began_s = time.process_time()
    with Recording(path) as recording:
        from_t, to_t = recording.span
        points = recording.plot("step", from_t, to_t, PLOT_POINTS)
    spent_s = time.process_time() - began_s
    if len(points) != WORKERS:
        raise RuntimeError(f"a plot of {len(points)} workers")
    return spent_s


def samples(count: int, interval_s: float, began_t: float) -> Iterator[Sample]:
    """Yield the samples of a healthy pool, one every `interval_s`."""
    documents = [WorkerDocuments(slot, Change.USUAL) for slot in range(WORKERS)]
    for number in range(count):
        passed_s = number * interval_s
        t = began_t + passed_s
        workers: dict[WorkerRef, Observation] = {}
        for slot, document in enumerate(documents):
            # Not decoded from the bytes of an answer, whose cleaning takes longer than storing and stepping.
            status = WorkerStatus(document.fields(passed_s, t))
            latency_s = 0.001 + (number * 7919 + slot * 31) % 997 / 1e6
            workers[WorkerRef(slot=slot)] = Observation(
                status, latency_s=latency_s, pid=4000 + slot, pid_started_at=began_t
            )
        header = RunHeader(RUN, began_t, WORKERS, "live", interval_s) if number == 0 else None
        yield Sample(t, workers, hosts={ONLY_HOST: host(number, began_t)}, run=header)


def host(number: int, began_t: float) -> HostReading:
    """Return the memory of a host and its workers; it moves from one sample to the next."""
    return HostReading(
        memory=MemoryReading(
            total_bytes=16_750_000_000,
            available_bytes=4_200_000_000 - (number * 104_729) % 90_000_000,
            oom_kills=0,
        ),
        processes=tuple(
            ProcessReading(
                "worker",
                1_210_000_000 + (number * 4096 * (slot + 3)) % 40_000_000,
                WorkerRef(slot=slot),
                4000 + slot,
                began_t,
            )
            for slot in range(WORKERS)
        ),
    )
