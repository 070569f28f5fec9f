"""Makes the sample recordings that the wheel carries: a failed run, and the run that repeats it rightly.

    python -m bench.sample_runs [DIRECTORY]

The workers' answers are those of the demo, the file is the recorder's; only the clock is made: 80 minutes take
seconds, and every run of this program makes the same samples. Does not: start a process or read this machine.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.state.package_data import default_config_text, samples_dir
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ExitReading, HostReading, KernelKill, KernelLogReading, MemoryReading
from metabonk_tui.core.model.host import ProcessReading as Process
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    Observation,
    PoolReading,
    RunHeader,
    Sample,
    WorkerStatus,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.demo.document import document
from metabonk_tui.demo.envfile import flags_of
from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.launcher import PROFILE
from metabonk_tui.demo.life import Life
from metabonk_tui.demo.pool import PoolLocation
from metabonk_tui.demo.system2 import System2

EVERY_S = 10.0
MB, GB = 1_000_000, 1_000_000_000
BEGAN_T = 1_770_109_800.0
"""When the failed run began: 3 February 2026, 09:10 UTC."""
RESCUED_T = BEGAN_T + 5 * 3600
TOTAL_BYTES = 16_400 * MB
OTHERS_BYTES = 1_200 * MB
"""What the rest of the machine holds."""
KILLED_S = 4500.0
"""The kernel kills the first worker at 75 minutes."""
WARM_S = 600.0
"""Every model is loaded after 10 minutes."""
LEFT_OUT = (
    *("hparams", "scene_fingerprint", "intrinsic_scene_hash", "exploration_reward", "visual_novelty", "stream_diff"),
    *("frames_fps", "fps", "steps", "new_scene", "stream_frozen_checks", "gameplay_confidence"),
)
"""Fields of a demo worker that no screen reads: they would double the file."""
PORT = 5000
DIRECTORY = "/srv/metabonk"
NAMES = ("failed", "rescued")


class Story(Struct, frozen=True):
    """What differs between the two runs."""

    name: str
    began_t: float
    workers: int
    length_s: float
    exported: bool
    leaks: bool
    victims: tuple[tuple[int, float], ...] = ()
    """(slot, run second) of each worker that the kernel kills."""
    given_up_s: float = float("inf")
    """When the launcher gives up and ends what is left."""


STORIES = {
    "failed": Story(
        "sample-failed",
        BEGAN_T,
        workers=5,
        length_s=4800.0,
        exported=False,
        leaks=True,
        victims=((3, KILLED_S), (1, KILLED_S + 60)),
        given_up_s=KILLED_S + 130,
    ),
    "rescued": Story("sample-rescued", RESCUED_T, workers=3, length_s=5100.0, exported=True, leaks=False),
}


def config() -> Config:
    return parse_config(default_config_text(), f'[pool]\nbase_port = {PORT}\nworkers = 3\nprofile = "sample"')


def environment(exported: bool) -> dict[str, str]:
    """Return the variables of a worker: those of the file reach it only if they are exported."""
    location = PoolLocation(Path(DIRECTORY), PORT)
    flags = flags_of(location, enabled=True) if exported else {}
    # Real workers reach Ollama at its default port without any variable.
    return flags | PROFILE | {"OLLAMA_HOST": "http://127.0.0.1:11434"}


class Pool:
    """The workers and the machine of one run, at any second of it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.environment = environment(story.exported)
        flags = Flags.read(self.environment)
        self.lives = [Life(slot, flags) for slot in range(story.workers)]
        self.reasoners = [System2(slot, flags, lambda _: None) for slot in range(story.workers)]

    def ends_s(self, slot: int) -> float:
        """Return the run second in which a worker ends."""
        return min(dict(self.story.victims).get(slot, float("inf")), self.story.given_up_s)

    def pid(self, slot: int) -> int:
        return (40_310 if self.story.leaks else 51_870) + slot

    def answers_from_s(self, slot: int) -> float:
        return 20.0 + 7.0 * slot

    def worker_bytes(self, slot: int, t: float) -> int:
        """Return the memory of a worker: the models load for ten minutes, then it leaks or is flat."""
        loaded = 260 * MB + (560 + 12 * slot) * MB * min(1.0, t / WARM_S)
        leaked = max(0.0, t - WARM_S) / 60 * (18.2 + 0.35 * slot) * MB if self.story.leaks else 0.0
        wave = ((int(t) // 10 * 7919 + slot * 104_729) % 997) / 997 * 6 * MB
        return int(loaded + leaked + wave)

    def ollama_bytes(self, t: float) -> int:
        """Return the memory of Ollama, which loads a 7B model with its first request."""
        loaded = 380 * MB + 4_250 * MB * min(1.0, max(0.0, t - 60.0) / 120.0)
        # Waiting requests open one context more while the kernel kills.
        more = 1_900 * MB * min(1.0, (t - KILLED_S) / 50.0) if self.story.victims and t > KILLED_S else 0.0
        return int(loaded + more) // MB * MB

    def processes(self, t: float) -> tuple[Process, ...]:
        began_t = self.story.began_t
        found = []
        for slot in range(self.story.workers):
            if t < self.ends_s(slot):
                held = self.worker_bytes(slot, t)
                found.append(
                    Process("worker", held, WorkerRef(slot=slot), self.pid(slot), began_t + 2.0, held, "python3")
                )
        if t < self.story.given_up_s:
            first = self.pid(0) - 9
            found.append(Process("launcher", 62 * MB, None, first, began_t, None, "python3"))
            found.append(Process("orchestrator", 143 * MB, None, first + 1, began_t + 1.0, None, "python3"))
        found.append(Process("ollama", self.ollama_bytes(t), None, 2114, began_t - 86_400.0, None, "ollama"))
        return tuple(found)

    def host(self, t: float) -> HostReading:
        """Return what is read of the machine at a run second."""
        processes = self.processes(t)
        held = sum(process.rss_bytes for process in processes) + OTHERS_BYTES
        killed = [slot for slot, at_s in self.story.victims if at_s == t]
        kills = sum(at_s <= t for _, at_s in self.story.victims)
        memory = MemoryReading(
            total_bytes=TOTAL_BYTES,
            available_bytes=max(70 * MB, TOTAL_BYTES - held),
            limited_by="host",
            swap_total_bytes=0,
            swap_used_bytes=0,
            oom_kills=kills,
            oom_scope="host",
        )
        return HostReading(
            memory=memory,
            processes=processes,
            exits=self.exits(t),
            kernel_log=KernelLogReading(
                kills=tuple(
                    KernelKill(self.pid(slot), "python3", self.worker_bytes(slot, t), t=self.story.began_t + t - 1.5)
                    for slot in killed
                ),
                from_t=self.story.began_t - 86_400.0,
            )
            if killed or t == 0.0
            else None,
        )

    def exits(self, t: float) -> tuple[ExitReading, ...]:
        """Return what the launcher logs of the ends at a run second; its last line ends the whole stack."""
        if t == self.story.given_up_s:
            slot, _ = self.story.victims[-1]
            line = f"[start_omega] omega-{slot} exited with -9"
            return (ExitReading("worker", "-9", WorkerRef(slot=slot), line=line),)
        gone = [slot for slot, at_s in self.story.victims[:-1] if at_s == t]
        return tuple(ExitReading("worker", "-9", WorkerRef(slot=slot), self.pid(slot)) for slot in gone)

    def observation(self, slot: int, t: float) -> Observation:
        """Return what a worker answers at a run second."""
        alive = self.answers_from_s(slot) <= t < self.ends_s(slot)
        if not alive:
            return Observation(error="refused", port=PORT + slot)
        life, lived_s, now_t = self.lives[slot], t - self.answers_from_s(slot), self.story.began_t + t
        self.reasoners[slot].update(lived_s, now_t, answers=True)
        fields = document(life, self.reasoners[slot].fields(lived_s), lived_s, now_t, f"{DIRECTORY}/runs")
        return Observation(
            status=status_of(fields),
            latency_s=0.002 + ((int(t) * 31 + slot * 7) % 17) / 10_000,
            pid=self.pid(slot),
            pid_started_at=self.story.began_t + 2.0,
            episode=life.episodes(lived_s)[0],
            port=PORT + slot,
        )


def status_of(fields: dict[str, object]) -> WorkerStatus:
    """Return a demo worker's answer as the monitor reads it, without what only makes a recording larger."""
    kept = {name: _short(value) for name, value in fields.items() if value is not None and name not in LEFT_OUT}
    status = decode_status(json.dumps(kept).encode())
    assert isinstance(status, WorkerStatus)
    return status


def _short(value: object) -> object:
    """Round to what a person would read, because digits of noise do not compress."""
    if isinstance(value, float):
        return round(value, 3 if abs(value) < 1 else 2)
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items() if name != "reasoning_trace"}
    return value


def samples(story: Story) -> Iterator[Sample]:
    """Yield every sample of a run."""
    pool = Pool(story)
    location = PoolLocation(Path(DIRECTORY), PORT)
    env_file = EnvFileReading(
        str(location.env_file),
        flags_of(location, enabled=True) | {"OLLAMA_HOST": "http://127.0.0.1:11434"},
        frozenset(),
        launcher_sets={"METABONK_SYSTEM2_ENABLED": "1"},
    )
    known: set[int] = set()
    for number in range(int(story.length_s / EVERY_S) + 1):
        t = number * EVERY_S
        seen = {slot: pool.observation(slot, t) for slot in range(story.workers)}
        fresh = {slot for slot, one in seen.items() if one.status is not None} - known
        known |= fresh
        yield Sample(
            t=story.began_t + t,
            workers={WorkerRef(slot=slot): one for slot, one in seen.items()},
            hosts={ONLY_HOST: pool.host(t)},
            environments={WorkerRef(slot=slot): EnvReading(pool.environment) for slot in fresh},
            env_file=env_file if number == 0 else None,
            pool=PoolReading(
                backend="launcher",
                desired=story.workers,
                launcher_pid=pool.pid(0) - 9 if t < story.given_up_s else None,
                launcher_started_at=story.began_t if t < story.given_up_s else None,
            ),
            run=RunHeader(story.name, story.began_t, story.workers, "live", EVERY_S, "oldest worker process", "sample")
            if number == 0
            else None,
        )


def steps(story: Story) -> Iterator[tuple[Sample, Snapshot]]:
    """Yield every sample of a run with its Snapshot."""
    judge, snapshot = stepper(config()), None
    for sample in samples(story):
        snapshot = judge(snapshot, sample)
        yield sample, snapshot


def make(folder: Path, name: str) -> Path:
    """Write one sample recording, in place of an earlier one; return its path."""
    path = folder / f"{name}.db"
    path.unlink(missing_ok=True)
    (made,) = import_runs(folder, steps(STORIES[name]), config())
    made.rename(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # What is cached can be computed again. Without a log of its own the file can be read in any folder.
        connection.execute("DELETE FROM cache")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    path.chmod(0o644)
    return path


def main(argv: list[str]) -> int:
    folder = Path(argv[0]) if argv else samples_dir()
    folder.mkdir(parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    for name in NAMES:
        path = make(folder, name)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    folder.chmod(mode)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
