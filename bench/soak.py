"""Records a long run of a fast demo pool and checks that the recorder does not grow and loses nothing.

Starts the demo pool and `metabonk-tui record` as processes. Reads memory, open files, threads and CPU of the recorder
and the size of its store 240 times. At the end none of these may have grown, the store must grow no faster than
before, and the log must have no error. Old samples must be thinned, and `runs`, `export` and `report` must show one
run without a gap. Exits with 1 where a check fails.

    python -m bench.soak [--hours 24] [--speed 60] [--workers 5] [--scenario healthy]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.growth import ProcessReading, findings
from metabonk_tui.adapters.store.journal import TIDY_S
from metabonk_tui.adapters.store.run_file import TICKS
from metabonk_tui.adapters.store.run_reader import Recording

PROGRAM = [sys.executable, "-m", "metabonk_tui"]
READINGS = 240
"""Readings of the recorder over the whole run."""
RAW_HOURS = 0.5
"""Hours that stay raw. Shorter than the gate, because the gate of the current run is never thinned."""
LIMIT_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0, help="on the run's clock")
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=5)
    parser.add_argument("--scenario", default="healthy")
    options = parser.parse_args()
    real_s = options.hours * 3600 / options.speed
    with tempfile.TemporaryDirectory(prefix="metabonk-soak-") as kept:
        folder = Path(kept)
        home = environment(folder)
        with demo_pool(home, options) as config:
            own = folder / "soak.toml"
            own.write_text(f"{config.read_text()}\n[store]\nraw_hours = {RAW_HOURS}\n")
            readings, code, stderr_text = record(folder, home, own, options.speed, real_s)
            return judge(folder, home, readings, code, stderr_text, real_s, options)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with HOME, state and temporary files in `folder`, without the user's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("METABONK_", "XDG_"))}
    return kept | {"HOME": str(folder), "METABONK_TUI_STATE_DIR": str(folder / "state"), "TMPDIR": str(folder)}


@contextmanager
def demo_pool(home: dict[str, str], options: argparse.Namespace) -> Iterator[Path]:
    """Run a demo pool while the block runs; yields the path of its configuration."""
    scenario_args = [
        "--scenario",
        options.scenario,
        "--workers",
        str(options.workers),
        "--speed",
        f"{options.speed:g}",
    ]
    pool = subprocess.Popen(
        [*PROGRAM, "demo", "--no-ui", *scenario_args],
        env=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert pool.stdout is not None
        result = "".join(pool.stdout.readline() for _ in range(4))
        found = re.search(r"--config (\S+)", result)
        if found is None:
            raise RuntimeError(f"the demo pool did not start: {result}")
        yield Path(found[1])
    finally:
        pool.send_signal(signal.SIGINT)
        pool.communicate(timeout=LIMIT_S)


def record(
    folder: Path, home: dict[str, str], config: Path, speed: float, real_s: float
) -> tuple[list[ProcessReading], int, str]:
    """Record for `real_s` real seconds and read the recorder's resources; return readings, exit code and output."""
    argv = [*PROGRAM, "record", "--config", str(config), "--speed", f"{speed:g}", "--for", f"{real_s:g}s"]
    recorder = subprocess.Popen(
        argv, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    readings: list[ProcessReading] = []
    try:
        process, began = psutil.Process(recorder.pid), time.monotonic()
        while recorder.poll() is None and (passed := time.monotonic() - began) < real_s + LIMIT_S:
            if (
                passed >= len(readings) * real_s / READINGS
                and (proc := read_process(process, passed, folder)) is not None
            ):
                readings.append(proc)
                if len(readings) % (READINGS // 12) == 0:
                    log(f"{passed / real_s:4.0%}  {row(proc)}")
            time.sleep(min(0.2, real_s / READINGS))
        stderr_text, _ = recorder.communicate(timeout=LIMIT_S)
        return readings, recorder.returncode, stderr_text
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()


def read_process(process: psutil.Process, real_s: float, folder: Path) -> ProcessReading | None:
    """Read the resources of a process; None: it has ended."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            spent_s = times.user + times.system
            rss_bytes, files, threads = process.memory_info().rss, process.num_fds(), process.num_threads()
    except psutil.NoSuchProcess:
        return None
    return ProcessReading(real_s, rss_bytes, files, threads, spent_s, store_bytes(folder))


def store_bytes(folder: Path) -> int:
    """Return the size of the recordings without SQLite's log, which has its full size from the first minutes on."""
    return sum(path.stat().st_size for path in (folder / "state" / "runs").glob("*.db"))


def judge(
    folder: Path,
    home: dict[str, str],
    readings: list[ProcessReading],
    code: int,
    stderr_text: str,
    real_s: float,
    options: argparse.Namespace,
) -> int:
    """Print every check; return 1 where one fails."""
    failures: list[str] = []

    def expect(met: bool, what: str) -> None:
        log(f"{'ok ' if met else 'BAD'}  {what}")
        if not met:
            failures.append(what)

    expect((code, stderr_text) == (0, ""), f"the recorder ended with {code} and said {stderr_text!r}")
    for found in findings(readings):
        if found.met is None:
            log(f"--   {found.text}: not judged, the run was too short")
        else:
            expect(found.met, found.text)
    errors = [
        line
        for path in sorted((folder / "state").glob("metabonk-tui.log*"))
        for line in path.read_text().splitlines()
        if re.search(r" (WARNING|ERROR|CRITICAL) |Traceback", line)
    ]
    expect(not errors, "\n       ".join([f"{len(errors)} warnings and errors in its log", *errors[:5]]))
    judge_recording(folder, home, real_s, options, expect)
    judge_verbs(folder, home, options, expect)
    return 1 if failures else 0


def judge_recording(
    folder: Path, home: dict[str, str], real_s: float, options: argparse.Namespace, expect: Callable[[bool, str], None]
) -> None:
    """Check samples, gaps, events and thinning of the recording in the store."""
    found = sorted((folder / "state" / "runs").glob("*.db"))
    expect(len(found) == 1, f"{len(found)} recording")
    if not found:
        return
    with Recording(found[0]) as one:
        first_t, last_t = one.span
        result = one.summary()
        points = one.plot("step", first_t, last_t, 200)
        kinds = [event.kind for event in one.events()]
        thin_t = one.thinned_to_t
    hours = (last_t - first_t) / 3600
    expect(hours > 0.97 * options.hours - 0.1, f"{result.samples} samples over {hours:.2f} h of the run's clock")
    expect(kinds.count("recorder.gap") == 0, f"{kinds.count('recorder.gap')} gaps; {len(kinds)} events in all")
    expect(kinds.count("recorder.hour") >= int(hours) - 1, f"{kinds.count('recorder.hour')} hourly validations")
    expect(
        (sorted(points) == list(range(options.workers)) and all(len(row) >= 150 for row in points.values()))
        or hours < 6,
        f"a plot of {', '.join(str(len(row)) for row in points.values())} points",
    )
    if real_s > TIDY_S + 3 * TICKS:
        thinned = 0.0 if thin_t is None else (thin_t - first_t) / 3600
        expect(thinned > 0, f"thinned up to hour {thinned:.1f}")
    else:
        log(f"--   too short to be thinned: that is looked at every {TIDY_S:.0f} real seconds")
    each = result.bytes / max(1, result.samples * options.workers)
    log(f"--   {result.bytes / 1e6:.2f} MB, {each:.0f} bytes a worker-sample, plots and events with it")


def judge_verbs(
    folder: Path, home: dict[str, str], options: argparse.Namespace, expect: Callable[[bool, str], None]
) -> None:
    """Check `runs`, `export` and `report` of the run."""
    (listed,) = json.loads(ask(home, folder, "runs", "--json").stdout)["runs"]
    expect(
        listed["workers"] == options.workers, f"runs: {listed['name']}, {listed['verdict']}, {listed['bytes']} bytes"
    )
    # By its name: `last` is the last run of the configured pool, and says so where it is of another one.
    exported = ask(home, folder, "export", listed["name"], "--jsonl", "soak.jsonl")
    expect((exported.returncode, exported.stderr) == (0, ""), f"export: {exported.returncode} {exported.stderr}")
    began_s = time.monotonic()
    report = ask(home, folder, "report", "soak.jsonl", "--json")
    took_s = time.monotonic() - began_s
    expect(report.stderr == "", f"report: verdict {json.loads(report.stdout)['verdict']['word']}{report.stderr}")
    result = json.loads(report.stdout)
    runs = len(result.get("runs", [result]))
    expect(runs == 1, f"report: {runs} run, made in {took_s:.1f} s")
    seen_h = result["run"]["duration_s"] / 3600
    expect(seen_h > 0.97 * options.hours - 0.2, f"report: {seen_h:.2f} h, {len(result['gaps'])} gaps")
    expect(result["verdict"]["word"] == listed["verdict"], "report and runs say the same verdict")


def ask(home: dict[str, str], folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *argv], env=home, cwd=folder, capture_output=True, text=True, check=False)


def row(proc: ProcessReading) -> str:
    return (
        f"RSS {proc.rss_bytes / 1e6:6.1f} MB  {proc.files:3} files  {proc.threads:2} threads  "
        f"{proc.cpu_s:6.1f} s CPU  {proc.store_bytes / 1e6:6.2f} MB stored"
    )


def log(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
