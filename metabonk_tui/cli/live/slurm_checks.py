"""Connects each preflight item of a pool on Slurm to what checks it. Does not: launch, or run anything on a node."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.env_file.source import EnvFileError, source_env_file
from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.files.kind import is_dir, may_exist
from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.cluster import folder_problem, look_at, starts_at, trial_command
from metabonk_tui.adapters.slurm.commands import LIMIT_S, Printed, run
from metabonk_tui.adapters.slurm.folder_record import FolderRecord
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch import cluster_preflight as cluster
from metabonk_tui.core.launch import preflight
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.cluster_preflight import ClusterFacts
from metabonk_tui.core.launch.preflight import TestResult
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine.preflight_runner import Output, PreflightCheck

SOURCE_LIMIT_S = 2.0
REFUSAL = "sbatch: "
"""Begins what sbatch complains of; another error is none of Slurm: it did not answer, or cannot be run."""


class SlurmChecks:
    """The preflight checks of a pool on Slurm, from the machine on which the monitor runs."""

    def __init__(self, config: Config, state: Path, run_command: Callable[..., Printed] = run) -> None:
        self._config, self._state, self._run = config, state, run_command
        self._spec = SlurmSpec(config)

    def checks(self, workers: int, snapshot: Snapshot | None) -> list[PreflightCheck]:
        """Return the checks. Slurm is looked at once, by the first check that needs it."""
        config, facts = self._config, _Once(partial(look_at, self._run))
        workers_seen = snapshot.workers if snapshot is not None else ()
        peaks = [each.rss_peak_bytes for each in workers_seen if each.rss_peak_bytes is not None]
        partition = config.pool.slurm.partition
        rows: list[tuple[str, str, Callable[[], ChecklistItem]]] = [
            ("slurm", "Slurm", lambda: cluster.engine_item(facts())),
            ("partition", "partition", lambda: cluster.partition_item(facts(), partition)),
            ("submission", "submission", lambda: self._submission(facts(), workers)),
            ("memory", "workers against memory", lambda: cluster.places_item(facts(), config, workers)),
            ("request", "memory of a job", lambda: cluster.request_item(config, max(peaks, default=None))),
            ("limit", "memory limit of a job", lambda: cluster.limit_item(facts())),
            ("folder", "shared folder", self._folder),
            ("command", "command", self._command),
            ("env-file", "environment in the file", self._env_file),
            (
                "env-processes",
                "environment in the processes",
                lambda: preflight.processes_item(config, EnvFileWatch(config).read(), workers_seen),
            ),
            ("disk", "disk space", self._disk),
        ]
        rows += [(item.id, item.title, partial(_same, item)) for item in cluster.on_nodes_only(config)]
        return [PreflightCheck(item_id, title, _without_output(read)) for item_id, title, read in rows]

    def read_results(self) -> tuple[tuple[TestResult, ...], str]:
        """Return nothing: component tests need a node."""
        return (), ""

    def _submission(self, facts: ClusterFacts, workers: int) -> ChecklistItem:
        if facts.missing or facts.problem:
            return cluster.submission_item(None, None, workers)
        submit = self._spec.submit(FolderRecord(), range(max(1, workers)))
        printed = self._run(trial_command(self._spec, submit), LIMIT_S)
        if printed.error and not printed.error.startswith(REFUSAL):
            return cluster.submission_item(None, None, workers, printed.error)
        start = starts_at(printed.said)
        return cluster.submission_item(printed.error, None if start is None else start - time.time(), workers)

    def _folder(self) -> ChecklistItem:
        folder = self._spec.folder
        return cluster.folder_item(str(folder), folder_problem(folder), exists=is_dir(folder))

    def _command(self) -> ChecklistItem:
        spec = self._spec
        programs = [self._config.pool.slurm.command[0], spec.program[0]]
        missing = [path for path in programs if shutil.which(path) is None]
        missing += [] if is_dir(spec.directory) else [str(spec.directory)]
        return cluster.command_item(list(dict.fromkeys(missing)))

    def _env_file(self) -> ChecklistItem:
        """Judge what a task passes on: the file and the configuration over the environment that sbatch takes along."""
        file, masking = self._spec.env_file, Masking(self._config)
        if file is not None and not may_exist(file):
            why = (f"{file} is not on this machine; each node reads it itself",)
            return ChecklistItem("env-file", "environment in the file", "UNKNOWN", why, "look on a node")
        passed_on = None
        if file is not None:
            sourced = source_env_file(file, os.environ, SOURCE_LIMIT_S)
            if not isinstance(sourced, EnvFileError):
                kept = {key: value for key, value in os.environ.items() if key not in sourced.removed}
                given = {**kept, **sourced.values, **self._config.pool.launcher.environment}
                passed_on = {key: masking.shown(key, value) for key, value in given.items() if masking.wants(key)}
        reading = EnvFileWatch(self._config).read()
        if reading is not None:
            # No launcher stands between Slurm and a worker.
            reading = replace(reading, launcher_sets={})
        return preflight.env_file_item(self._config, reading, passed_on)

    def _disk(self) -> ChecklistItem:
        places = [free_space(self._spec.folder), free_space(self._state)]
        return preflight.disk_item(places, self._config.preflight.disk_gb)


class _Once:
    """One look at the cluster for several checks, which run on threads of their own."""

    def __init__(self, look: Callable[[], ClusterFacts]) -> None:
        self._look, self._lock = look, threading.Lock()
        self._facts: ClusterFacts | None = None

    def __call__(self) -> ClusterFacts:
        with self._lock:
            if self._facts is None:
                self._facts = self._look()
            return self._facts


def _same(item: ChecklistItem) -> ChecklistItem:
    return item


def _without_output(read: Callable[[], ChecklistItem]) -> Callable[[Output, threading.Event], ChecklistItem]:
    return lambda on_output, give_up: read()
