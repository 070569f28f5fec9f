"""Measures the monitor under load: many workers, runs and events, and a store on paper. Writes docs/reliability.md.

    python -m bench.load [--minutes 3] [--workers 1000] [--runs 500] [--events 10000] [--hours 6]
        [--write] [ROW...]

Exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
from msgspec import Struct
from msgspec.structs import replace

from bench import farm as farms
from bench import recordings
from bench.commands import Run, run
from bench.documents import Change
from bench.growth import ProcessReading, findings
from bench.machine import description
from bench.soak import PROGRAM, environment, read_process
from metabonk_tui.adapters.store.run_identity import RunIdentity
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.step.pipeline import stepper

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- load: begin -->", "<!-- load: end -->"
READINGS = 40
LIMIT_S = 120.0
SMALL_HOURS = 0.05
EVERY_POLL = 0.99
POLLS_PER_S = 200
RESOURCES = ("RSS", "open", "CPU", "the store")
"""What the findings about a process begin with."""
JUDGED = {"ok": True, "BAD": False, "--": None}
"""What stands before a finding of `make soak`."""
MOST_MB = 400.0
LONG_MIN = 90.0
"""Minutes from which on the level is judged. In one measurement of 13 minutes it was flat from minute ten on."""
PAPER_BYTES = 100e9
DAY_S = 86_400.0
SPEED = 60.0


class LoadRow(Struct, frozen=True):
    """One line of the table."""

    what: str
    measured: str
    limit: str
    met: bool | None
    """None: measured, and too short to be judged."""

    @property
    def judgement(self) -> str:
        return {True: "MET", False: "MISSED", None: "not judged"}[self.met]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0, help="of recording many workers")
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=6.0, help="of the recorder's day, on the run's clock")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("only", nargs="*", metavar="ROW", help=", ".join(MEASURES))
    options = parser.parse_args()
    if unknown := set(options.only) - set(MEASURES):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    rows: list[LoadRow] = []
    for name in options.only or MEASURES:
        with tempfile.TemporaryDirectory(prefix="metabonk-load-") as folder:
            for row in MEASURES[name](Path(folder), options):
                print(f"{row.judgement:<10}  {row.what}: {row.measured} (limit: {row.limit})", flush=True)
                rows.append(row)
    if options.write:
        write(rows)
    return 1 if any(row.met is False for row in rows) else 0


def many_workers(folder: Path, options: argparse.Namespace) -> Iterator[LoadRow]:
    """Record a farm of workers and follow the recorder's resources."""
    seconds = options.minutes * 60
    home = environment(folder)
    readings: list[ProcessReading] = []
    # As the monitor itself does with many workers: 200 polls a second.
    interval_s = max(1.0, options.workers / POLLS_PER_S)
    with farms.running(options.workers, Change.USUAL) as farm:
        config = farm.write_config(folder, interval_s)
        argv = [*PROGRAM, "record", "--config", str(config), "--for", f"{seconds:g}s"]
        recorder = subprocess.Popen(argv, env=home, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process, began = psutil.Process(recorder.pid), time.monotonic()
        while recorder.poll() is None and (passed := time.monotonic() - began) < seconds + LIMIT_S:
            if passed >= len(readings) * seconds / READINGS:
                found = read_process(process, passed, folder)
                readings += [found] if found is not None else []
            time.sleep(0.2)
        _, said = recorder.communicate(timeout=LIMIT_S)
        done = farms.done_of_due(farm.counts(), interval_s)
    what = f"{options.workers} workers, every {interval_s:g} s, for {options.minutes:g} minutes"
    share = f"{done:.1%} of the polls" if done is not None else "no worker was polled twice"
    yield LoadRow(
        what,
        f"{share}, code {recorder.returncode} {said.strip()}".strip(),
        "99 % of the polls",
        done is not None and done >= EVERY_POLL and recorder.returncode == 0,
    )
    peak_mb = max(seen.rss_bytes for seen in readings) / 1e6
    yield LoadRow(f"{what}: memory", f"{peak_mb:.0f} MB at most", f"{MOST_MB:g} MB", peak_mb <= MOST_MB)
    for each in findings(readings):
        is_short = (
            each.text.startswith("RSS ") and not each.text.startswith("RSS slope") and options.minutes < LONG_MIN
        )
        limit = f"flat, judged from {LONG_MIN:g} minutes on" if is_short else "flat"
        yield LoadRow(f"{what}: growth", each.text, limit, None if is_short else each.met)


def many_runs(state: Path, count: int) -> None:
    """Fill a store with so many short runs."""
    folder = state / "runs"
    first = recordings.path_in(state)
    recordings.record(first, SMALL_HOURS, 5.0)
    state.chmod(0o700)
    for number in range(1, count):
        copy = folder / f"run-{1_600_000_000 + number * 60}.db"
        shutil.copy(first, copy)
        copy.chmod(0o600)


def open_many_runs(folder: Path, options: argparse.Namespace) -> Iterator[LoadRow]:
    """Measure what a person waits for with a full store."""
    home = environment(folder)
    many_runs(folder / "state", options.runs)
    for verb, most_s in ((("runs", "--json"), 15.0), (("status",), 2.0), (("check", "--base-port", "4"), 15.0)):
        done = timed(home, *verb)
        text = f"{done.wall_s:.2f} s, {done.peak_rss_bytes / 1e6:.0f} MB"
        yield LoadRow(f"{options.runs} recorded runs: `{verb[0]}`", text, f"{most_s:g} s", done.wall_s <= most_s)


def many_events(folder: Path, options: argparse.Namespace) -> Iterator[LoadRow]:
    """Record a run with very many events, and read it in every way."""
    state, home = folder / "state", environment(folder)
    path = recordings.path_in(state)
    write_events(path, options.events)
    state.chmod(0o700)
    with Recording(path) as one:
        began_s = time.process_time()
        count = len(one.events())
        spent_s = time.process_time() - began_s
    what = f"{options.events} events in a run"
    yield LoadRow(
        f"{what}: all of them read",
        f"{count} in {spent_s:.2f} s CPU",
        "all, in 5 s",
        count >= options.events and spent_s <= 5,
    )
    done = timed(home, "report", recordings.RUN, "--json")
    met = done.wall_s <= 30 and done.peak_rss_bytes <= 300e6
    yield LoadRow(f"{what}: `report`", f"{done.wall_s:.1f} s, {done.peak_rss_bytes / 1e6:.0f} MB", "30 s, 300 MB", met)


def write_events(path: Path, count: int) -> None:
    """Write a run of which every sample has ten events of other sources."""
    path.parent.mkdir(mode=0o700, parents=True)
    began_t = float(int(time.time()) - count)
    meta = RunIdentity(f"127.0.0.1:{recordings.BASE_PORT}", "", began_t).meta()
    writer = RunWriter(
        path, recordings.config(), {**meta, "clock": {"t": began_t, "elapsed_s": 1.0, "speed": 1.0}, "hour": 0}
    )
    step, snapshot = stepper(recordings.config()), None
    for number, sample in enumerate(recordings.samples(count // 10, 10.0, began_t)):
        events = tuple(
            Event(sample.t, EventKind.MONITOR_ERROR, "warn", f"event {number}-{each} of a bad day")
            for each in range(10)
        )
        sample = replace(sample, events=events)
        snapshot = step(snapshot, sample)
        writer.add(sample, snapshot, {})
    writer.finish()
    path.chmod(0o600)


def on_paper(folder: Path, options: argparse.Namespace) -> Iterator[LoadRow]:
    """Say how long 100 GB last, by what one worker-sample takes, and what retention permits."""
    cost = recordings.record(recordings.path_in(folder / "state"), 1.0, 1.0)
    for workers in (5, options.workers):
        days = PAPER_BYTES / (cost.bytes_each * workers * DAY_S)
        text = f"{cost.bytes_each:.1f} bytes a worker-sample: {days:,.0f} days".replace(",", " ")
        yield LoadRow(
            f"100 GB of {workers} workers at 1 Hz, on paper", text, "none: store.max_gb removes old runs", None
        )


def day(folder: Path, options: argparse.Namespace) -> Iterator[LoadRow]:
    """Record a fast demo pool, as `make soak` does, and take its findings over."""
    argv = [sys.executable, "-m", "bench.soak", "--hours", f"{options.hours:g}", "--speed", f"{SPEED:g}"]
    done = run(argv, os.environ)
    what = f"{options.hours:g} hours at {SPEED:g} times speed, 5 workers"
    for line in done.stdout.decode().splitlines():
        word, _, text = line.partition("  ")
        if word in JUDGED and text.strip().startswith(RESOURCES):
            yield LoadRow(f"{what}: growth", text.strip(), "flat", JUDGED[word])
    yield LoadRow(f"{what}: `make soak`", f"code {done.code}", "code 0", done.code == 0)


def timed(home: dict[str, str], *argv: str) -> Run:
    """Run a verb to its end. Raises RuntimeError where it printed nothing, because then it measured nothing."""
    done = run([*PROGRAM, *argv], home)
    if not done.stdout.strip():
        raise RuntimeError(f"{' '.join(argv)} printed nothing, code {done.code}")
    return done


def markdown(rows: Sequence[LoadRow]) -> str:
    """Return the table of the document, with the machine that it is of."""
    machine = description()
    head = (
        f"{machine['date']}, {machine['cores']} cores of {machine['processor']}, {machine['memory']}, "
        f"Python {machine['python']}."
    )
    lines = ["| what | measured | limit |  |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.measured} | {row.limit} | {row.judgement} |" for row in rows]
    return "\n".join([head, "", *lines])


def write(rows: Sequence[LoadRow]) -> None:
    """Replace the table in the document."""
    head, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{markdown(rows)}\n\n{END}{rest.partition(END)[2]}")


MEASURES: dict[str, Callable[[Path, argparse.Namespace], Iterator[LoadRow]]] = {
    "workers": many_workers,
    "runs": open_many_runs,
    "events": many_events,
    "day": day,
    "paper": on_paper,
}


if __name__ == "__main__":
    raise SystemExit(main())
