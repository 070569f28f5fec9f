"""Measures programs without a screen: verbs, the seed's loop, pollers, the store, and a replay. Does not: judge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from bench import farm as farms
from bench import recordings
from bench.arithmetic import spread
from bench.documents import Change
from bench.programs import PYTHON, VENV, environment
from metabonk_tui.adapters.state import status_file
from metabonk_tui.core.export.status_line import SCHEMA

RUNS = 10
"""Starts of a small program in one round; the round counts their median."""
SEED_WORKERS, POLLED_WORKERS = 5, 1000
SEEKS = 20
REFERENCE = Path(__file__).resolve().parent / "reference"
PROBE = Path(__file__).resolve().parent / "poll_probe.py"
LIMIT_S = 600.0


class Run(Struct, frozen=True):
    """One run of a program with all its children."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    code: int
    stdout: bytes


class Settings(Struct, frozen=True):
    """How long the recordings and the polling are."""

    hours: float
    interval_s: float
    seconds: float
    folder: Path

    @property
    def worker_samples(self) -> int:
        return int(self.hours * 3600 / self.interval_s) * recordings.WORKERS


def run(argv: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a program to its end."""
    with tempfile.TemporaryFile() as output:
        began_s = time.monotonic()
        process = subprocess.Popen(
            argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL
        )
        try:
            # Not Popen.wait: only wait4 returns what this child used.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_s = time.monotonic() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        cpu_s = usage.ru_utime + usage.ru_stime
        return Run(wall_s, cpu_s, usage.ru_maxrss * 1024, process.returncode, output.read())


def small(argv: Sequence[str], environ: Mapping[str, str]) -> dict[str, float | None]:
    """Start a small program several times; return the median wall and CPU time of a start."""
    runs = [run(argv, environ) for _ in range(RUNS)]
    cpu, wall = spread([one.cpu_s for one in runs]), spread([one.wall_s for one in runs])
    assert cpu is not None
    assert wall is not None
    return {"cpu_ms": cpu.median * 1e3, "wall_ms": wall.median * 1e3}


def python_pass(settings: Settings) -> dict[str, float | None]:
    return small([PYTHON, "-c", "pass"], environment(settings.folder))


def status(settings: Settings) -> dict[str, float | None]:
    """Print the line for a prompt, from a status file of the usual size."""
    environ = environment(settings.folder)
    write_status_file(environ["METABONK_TUI_STATE_DIR"])
    return small([str(Path(sys.executable).with_name("metabonk-tui")), "status"], environ)


def write_status_file(state: str) -> None:
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
    folder = Path(status_file.folder_of(state))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / status_file.file_name("127.0.0.1", 5000)
    path.write_text(json.dumps(document))
    path.chmod(0o600)


def seed(settings: Settings) -> dict[str, float | None]:
    """Sample the workers once with curl and jq."""
    with farms.running(SEED_WORKERS, Change.USUAL) as farm:
        argv = ["bash", str(REFERENCE / "seed_loop.sh"), str(farm.base_port), str(SEED_WORKERS)]
        done = run(argv, environment(settings.folder))
    return {"sample_cpu_us": done.cpu_s / SEED_WORKERS * 1e6 if done.code == 0 else None}


def own_poller(settings: Settings) -> dict[str, float | None]:
    return _poll(PYTHON, "ours", settings)


def aiohttp_poller(settings: Settings) -> dict[str, float | None]:
    return _poll(str(VENV / "python"), "aiohttp", settings)


def _poll(python: str, client: str, settings: Settings) -> dict[str, float | None]:
    with farms.running(POLLED_WORKERS, Change.USUAL) as farm:
        return poll(python, client, farm, settings)


def poll(python: str, client: str, farm: farms.Farm, settings: Settings) -> dict[str, float | None]:
    """Poll all workers once a second; count what the workers saw, not what the client believes."""
    places = (str(farm.base_port), str(farm.workers), f"{settings.seconds:g}")
    process = subprocess.Popen(
        [python, str(PROBE), client, *places],
        env=environment(settings.folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        farm.counts()
        process.stdin.write("\n")
        spent_text, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        process.wait()
    counts = farm.counts()
    polls = sum(count for count, _, _ in counts)
    if process.returncode != 0 or not polls:
        return {}
    return {"poll_cpu_us": float(spent_text) / polls * 1e6, "polls_done": farms.done_of_due(counts, 1.0)}


def store(settings: Settings) -> dict[str, float | None]:
    """Write a recording of at most two hours: what a worker-sample costs does not depend on the length."""
    path = settings.folder / "store" / "run.db"
    path.unlink(missing_ok=True)
    cost = recordings.record(path, min(settings.hours, 2.0), settings.interval_s)
    return {"bytes_each": cost.bytes_each, "cpu_us_each": cost.cpu_us_each}


def plot(settings: Settings) -> dict[str, float | None]:
    """Read a plot over the whole recording several times, each time from a newly opened file."""
    path = recordings.path_in(state_with_recording(settings))
    measured = spread([recordings.plot_cpu_s(path) for _ in range(RUNS)])
    return {"cpu_ms": None if measured is None else measured.median * 1e3}


@cache
def state_with_recording(settings: Settings, share: float = 1.0) -> Path:
    """Make a state directory with one recording, once; `share` of the hours."""
    state = settings.folder / f"state-{share:g}"
    recordings.record(recordings.path_in(state), settings.hours * share, settings.interval_s)
    return state


def report(settings: Settings) -> dict[str, float | None]:
    """Report the recording, and a quarter of it, whose peak of memory must be nearly the same."""
    whole, quarter = (_report(state_with_recording(settings, share), settings) for share in (1.0, 0.25))
    if whole.code > 3 or quarter.code > 3:
        return {}
    return {
        "samples_per_cpu_s": settings.worker_samples / whole.cpu_s,
        "peak_rss_mib": whole.peak_rss_bytes / 2**20,
        "rss_growth": whole.peak_rss_bytes / quarter.peak_rss_bytes,
    }


def _report(state: Path, settings: Settings) -> Run:
    environ = environment(settings.folder) | {"METABONK_TUI_STATE_DIR": str(state)}
    return run([PYTHON, "-m", "metabonk_tui", "report", recordings.RUN, "--json"], environ)


def check(settings: Settings) -> dict[str, float | None]:
    """Ask for the verdict of a pool whose last run is recorded and over."""
    state = settings.folder / "state-check"
    shutil.rmtree(state, ignore_errors=True)
    # A copy: `check` may keep what it computed, and the next round must compute it again.
    shutil.copytree(state_with_recording(settings), state)
    own = settings.folder / "check.toml"
    # No process of this machine is taken for one of the pool, or the last run would not be the answer.
    nothing = "\n".join(f'{role} = [["no-such-program"]]' for role in ("worker", "launcher", "orchestrator"))
    own.write_text(
        f'[pool]\nbase_port = {recordings.BASE_PORT}\nworkers = {recordings.WORKERS}\norchestrator = ""\n'
        f"\n[observe]\ninterval_s = 1.0\n\n[processes]\n{nothing}\n"
    )
    environ = environment(settings.folder) | {"METABONK_TUI_STATE_DIR": str(state)}
    done = run([PYTHON, "-m", "metabonk_tui", "check", "--json", "--config", str(own)], environ)
    if done.code > 3 or json.loads(done.stdout)["run"]["name"] != recordings.RUN:
        return {}
    return {
        "samples_per_cpu_s": settings.worker_samples / done.cpu_s,
        "peak_rss_mib": done.peak_rss_bytes / 2**20,
    }


def replay(settings: Settings) -> dict[str, float | None]:
    path = recordings.path_in(state_with_recording(settings))
    done = run([PYTHON, "-m", "bench.replay_probe", str(path), str(SEEKS)], environment(settings.folder))
    if done.code != 0:
        return {}
    found: dict[str, float] = json.loads(done.stdout)
    return {
        "first_ms": found["first_ms"],
        "seek_p95_ms": found["seek_p95_ms"],
        "seek_unread_ms": found["seek_unread_ms"],
        "samples_per_cpu_s": settings.worker_samples / found["cpu_s"],
        "peak_rss_mib": done.peak_rss_bytes / 2**20,
    }
