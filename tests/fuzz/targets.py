"""Declares what is fuzzed: a function for each reader of outside data, and what it must keep for any bytes.

Does not: make the bytes. `test_targets` does so for seconds, `python -m tests.fuzz` for minutes.
"""

from __future__ import annotations

import json
import math
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC
from functools import cache
from pathlib import Path

from metabonk_tui.adapters.env_file import source
from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.host import cgroup
from metabonk_tui.adapters.host.kernel_log import KernelLog
from metabonk_tui.adapters.host.memory import KernelMemory
from metabonk_tui.adapters.http import orchestrator
from metabonk_tui.adapters.pools.launch_record import RecordFile
from metabonk_tui.adapters.process import exits
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.ray import actors as ray_actors
from metabonk_tui.adapters.ray import changes as ray_changes
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import sample_lines
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.adapters.slurm import jobs as slurm_jobs
from metabonk_tui.adapters.slurm.changes import changes, current_jobs
from metabonk_tui.adapters.state import peaks, status_file
from metabonk_tui.adapters.state.package_data import default_config_text, themes_dir
from metabonk_tui.core.config.load import ConfigError, parse_config, printable
from metabonk_tui.core.export import status_line
from metabonk_tui.core.logs.lines import Origin, parse_lines
from metabonk_tui.core.model.sample import BadStatus, Observation, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.playback import Playback, RunSpan
from metabonk_tui.core.recordings.seek import describe_target, find, parse
from metabonk_tui.core.report.json_report import report
from metabonk_tui.core.status.decode import decode_json, decode_lenient, decode_status
from metabonk_tui.core.status.log_lines import relevant
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.core.worker.filters import components_of, parse_filter
from metabonk_tui.ui.style.theme_files import load_themes
from tests.support import snapshots
from tests.support.paths import TEST_DATA
from tests.support.refs import w
from tests.support.samples import CONFIG

CORPUS = TEST_DATA / "fuzz"
"""A folder for each target: its seeds, and every input that ever failed, as `found-…`."""
MOST_SAMPLES = 40
PLAYBACK = Playback(
    from_t=0.0,
    read_to_t=4500.0,
    ends_t=4500.0,
    whole=True,
    playing=False,
    speed=60.0,
    t=1800.0,
    sample_t=1800.0,
    runs=(RunSpan("a", 0.0, 0.0, 4500.0),),
)

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}
"""Name → the function. It raises only where the product has a fault."""


def target(function: Target) -> Target:
    TARGETS[function.__name__.replace("_", "-")] = function
    return function


@cache
def folder() -> Path:
    """Return a folder of this process for readers that take a path; it is removed when the process ends."""
    kept = tempfile.TemporaryDirectory(prefix="metabonk-fuzz-")
    _kept.append(kept)
    return Path(kept.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def judged(samples: Iterable[Sample]) -> Snapshot | None:
    """Judge samples as every reader does, then print what a report prints; both must work for any sample."""
    step, snapshot = stepper(CONFIG), None
    for count, sample in enumerate(samples):
        for line in sample_lines(sample):
            line.encode()
        snapshot = step(snapshot, sample)
        if count >= MOST_SAMPLES:
            break
    if snapshot is not None:
        json.dumps(report(snapshot), allow_nan=False).encode()
    return snapshot


@target
def status(data: bytes) -> None:
    """A worker's answer. Two NULs separate several answers."""
    answers = [decode_status(body) for body in data.split(b"\x00\x00")[:8]]
    assert repr(decode_json(data)) == repr(decode_lenient(data))
    judged(
        Sample(
            t=1e9 + number,
            workers={
                w(0): Observation(status=answer, pid=5, pid_started_at=1e9)
                if isinstance(answer, WorkerStatus)
                else Observation(error=answer.error, detail=answer.detail)
            },
        )
        for number, answer in enumerate(answers)
    )
    for answer in answers:
        if isinstance(answer, BadStatus):
            assert answer.error


@target
def orchestrator_document(data: bytes) -> None:
    reading = orchestrator.parse(data, 5000)
    assert all(slot.slot >= 0 for slot in reading.workers or ())


@target
def slurm_queue(data: bytes) -> None:
    """What squeue, sinfo and sacct print of jobs, some of them other people's."""
    text = data.decode(errors="replace")
    jobs, _ = slurm_jobs.jobs_of(text)
    found = current_jobs([*jobs, *slurm_jobs.accounted_jobs(text, "c")])
    for event in (
        *changes({}, found, 1.0, frozenset(), slurm_jobs.node_texts(text)),
        *changes(found, {}, 1.0, frozenset(), {}),
    ):
        printable_text(event.text)
    for job in found.values():
        printable_text(str(slurm_jobs.exit_of(job, None).engine))


@target
def ray_look(data: bytes) -> None:
    """What the sidecar says of the actors of a cluster, some of them other people's."""
    try:
        answer = json.loads(data)
        found = ray_actors.actors_of(ray_actors.look_of(answer))
    except (ValueError, RecursionError):
        return
    nothing: frozenset[str] = frozenset()
    for event in (*ray_changes.changes({}, found, 1.0, nothing), *ray_changes.changes(found, {}, 1.0, nothing)):
        printable_text(event.text)
    for actor in found.values():
        if (ended := ray_actors.exit_of(actor)) is not None:
            printable_text(str(ended.engine))
        printable_text(actor.reason + actor.node)
        assert actor.number >= 0


@target
def csv(data: bytes) -> None:
    """MetaBonk's own table of one worker."""
    run = folder() / "metrics_20260103_024457"
    run.mkdir(exist_ok=True)
    path = run / "worker_0_metrics.csv"
    path.write_bytes(data)
    judged(read_folder([path], problems()))


@target
def jsonl(data: bytes) -> None:
    """A recording that came from elsewhere, plain or gzipped."""
    path = folder() / "run.jsonl"
    path.write_bytes(data)
    judged(read_jsonl(str(path), problems()))


def problems() -> list[Problem]:
    return []


def printable_text(text: str) -> None:
    """Check that a text for people cannot act on their terminal."""
    bad = [character for character in text if not character.isprintable() and character not in "\n"]
    # A space of another width is no printable character, and harms nothing.
    assert all(unicodedata.category(character) == "Zs" for character in bad), ascii(text)


@target
def config(data: bytes) -> None:
    """Every text is a configuration or a ConfigError in one or more printable lines."""
    try:
        found = parse_config(default_config_text(), data.decode(errors="replace"))
    except ConfigError as error:
        printable_text(str(error))
    else:
        json.dumps(printable(found), allow_nan=False)
        step = stepper(found)
        step(step(None, Sample(t=1e9, workers={})), Sample(t=1e9 + 1, workers={}))


@target
def theme(data: bytes) -> None:
    themes = folder() / "themes"
    themes.mkdir(exist_ok=True)
    (themes / "own.toml").write_bytes(data)
    _, warnings = load_themes(themes_dir(), themes, read_small_text)
    for warning in warnings:
        printable_text(warning)


SCENE = snapshots.mixed()
COMPONENTS = components_of(SCENE)


@target
def worker_filter(data: bytes) -> None:
    wanted = parse_filter(data.decode(errors="replace"), COMPONENTS)
    for worker in SCENE.workers:
        assert wanted.matches(worker, SCENE.t) in (True, False, None)


@target
def seek(data: bytes) -> None:
    place = parse(data.decode(errors="replace"))
    if place is not None:
        found = find(place, PLAYBACK, UTC)
        assert found is None or isinstance(found, str) or 0.0 <= found <= 4500.0
        assert describe_target(place, PLAYBACK)


@target
def env_output(data: bytes) -> None:
    """What `env -0` prints at the end of an env file."""
    for name, value in source._variables(data).items():
        assert "\0" not in name + value
        assert "=" not in name


@target
def kernel_log(data: bytes) -> None:
    """Records of /dev/kmsg, one a line."""
    log = folder() / "kmsg"
    log.write_bytes(data)
    KernelLog(log, pids_are_ours=True).read()
    reader = KernelLog(log, pids_are_ours=True)
    for record in data.decode(errors="replace").splitlines():
        reader._kill(record.partition(";")[2], 1.0)


@target
def log_lines(data: bytes) -> None:
    """The log of a worker or of the launcher, and what is kept of it."""
    for line in data.split(b"\n"):
        exits._reading(line)
    lines, _ = parse_lines(data, 0, Origin("w0", 0, UTC, 2e9))
    for shown in lines:
        printable_text(shown.text)
        assert shown.t is None or math.isfinite(shown.t)
        assert 0 <= shown.begins <= len(shown.text)
    relevant(line.decode(errors="replace") for line in data.split(b"\n"))


@target
def process_files(data: bytes) -> None:
    """The stat, command line, environment and status of a process: `--` stands between two."""
    root = folder() / "processes"
    (root / "77").mkdir(parents=True, exist_ok=True)
    for name, text in zip(
        ("stat", "cmdline", "environ", "statm", "status", "smaps_rollup"), data.split(b"\n--\n"), strict=False
    ):
        (root / "77" / name).write_bytes(text)
    table = ProcessTable(CONFIG, root)
    for fresh in (False, True):
        for reading in table.read(fresh=fresh):
            assert reading.rss_bytes is None or reading.rss_bytes >= 0


CGROUP_FILES = (
    "proc/self/mountinfo",
    "proc/self/cgroup",
    "proc/meminfo",
    "proc/vmstat",
    "proc/pressure/memory",
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/memory.current",
    "sys/fs/cgroup/memory.stat",
    "sys/fs/cgroup/memory.events",
    "sys/fs/cgroup/a/memory.max",
    "sys/fs/cgroup/a/memory.current",
    "sys/fs/cgroup/a/memory.stat",
)
"""The files of a small machine, in the order in which an input has them, with a line of `--` between two."""


@target
def cgroup_files(data: bytes) -> None:
    root = folder() / "machine"
    for name, text in zip(CGROUP_FILES, data.split(b"\n--\n"), strict=False):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text)
    reading = KernelMemory(root).read()
    for amount in (reading.total_bytes, reading.available_bytes, reading.swap_used_bytes, reading.oom_kills):
        assert amount is None or amount >= 0
    for chain in cgroup.CgroupTree(root).chains(None):
        for group in chain:
            cgroup.read_cgroup_swap(group)


@target
def state_files(data: bytes) -> None:
    """What a monitor left for others: the status file, the peaks and the launch record."""
    state = folder() / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    for name in ("status.json", peaks.NAME, "launch.json"):
        (state / name).write_bytes(data)
        (state / name).chmod(0o600)
    peaks.PeaksFile(state, "a").read()
    RecordFile(state / "launch.json").read()
    try:
        found = status_file.read(str(state / "status.json"))
    except status_file.UnreadableStatusFile:
        return
    if not status_line.fault(found) and isinstance(found, dict):
        for glyphs in (status_line.ASCII, status_line.UNICODE):
            for write in (status_line.line, status_line.tmux):
                printable_text(write(found, 1e9, glyphs))
        assert status_line.exit_code(found, 1e9) in (0, 1, 2, 3)
        assert status_line.most_severe([found, found], 1e9) is found
