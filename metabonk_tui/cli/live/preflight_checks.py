"""Connects each preflight item to the adapter that checks it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from metabonk_tui.adapters.env_file.source import EnvFileError
from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import check_ports
from metabonk_tui.adapters.process.command_line import parse_command
from metabonk_tui.adapters.process.component_tests import ComponentTestsFile, run_test
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.core.config.schema import Config, TestConfig
from metabonk_tui.core.launch import imports, ollama_models, preflight
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import TestResult
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.worker.ollama import VARIABLE as OLLAMA_HOST
from metabonk_tui.core.worker.ollama import ollama_url
from metabonk_tui.engine.preflight_runner import Output, PreflightCheck

OLLAMA_PATH = "/api/tags"
OLLAMA_MAX_BYTES = 1 << 20
NO_ADDRESS = "names no host and port"


class PoolChecks:
    """The preflight checks of the configured pool."""

    def __init__(self, config: Config, state: Path) -> None:
        self._config = config
        self._state = state
        self._spec = LaunchSpec(config, state)
        self._results = ComponentTestsFile(state / f"{self._spec.stem.replace('pool', 'tests', 1)}.json")

    def checks(self, workers: int, snapshot: Snapshot | None) -> list[PreflightCheck]:
        """Return the checks, quick ones first. Component tests come last, because they may wait for a free thread."""
        config = self._config
        seen = snapshot.workers if snapshot else ()
        tests = [
            PreflightCheck(preflight.id_of_test(test.name), f"test {test.name}", partial(self._test, test))
            for test in config.preflight.test
        ]
        return [
            PreflightCheck("env-file", "environment in the file", _quick(self._env_file)),
            PreflightCheck(
                "env-processes",
                "environment in the processes",
                _quick(lambda: self._processes(seen)),
            ),
            PreflightCheck("ports", "ports", _quick(lambda: self._ports(workers))),
            PreflightCheck("launcher", "launcher", _quick(self._launcher)),
            PreflightCheck(imports.ITEM_ID, imports.TITLE, self._imports),
            PreflightCheck("ollama", "Ollama", _quick(self._ollama)),
            PreflightCheck(ollama_models.ITEM_ID, ollama_models.TITLE, _quick(self._model)),
            PreflightCheck("disk", "disk space", _quick(self._disk)),
            PreflightCheck(
                "memory",
                "workers against memory",
                _quick(lambda: preflight.memory_item(snapshot.memory.budget if snapshot else None, workers)),
            ),
            *(tests or [PreflightCheck("tests", "component tests", _quick(self._no_tests))]),
        ]

    def read_results(self) -> tuple[tuple[TestResult, ...], str]:
        """Read the stored results of component tests, and the problem with their file, or ""."""
        tests = self._results.read()
        return tests, self._results.problem

    def _test(self, test: TestConfig, on_output: Output, give_up: threading.Event) -> ChecklistItem:
        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            why = (f"the env file cannot be sourced: {sourced.text}",)
            return ChecklistItem(
                preflight.id_of_test(test.name), f"test {test.name}", "UNKNOWN", why, "mend the env file"
            )
        result = run_test(test, self._spec.directory, self._spec.environment(sourced), on_output, give_up)
        if result.outcome != "broken off":
            self._results.save(result)
        return preflight.item_of_test(test, result)

    def _env_file(self) -> ChecklistItem:
        """Judge what a launch from here passes on, as its plan does: the monitor's own variables count."""
        sourced, masking = self._spec.source(), Masking(self._config)
        launch = None if isinstance(sourced, EnvFileError) else self._spec.environment(sourced)
        passed_on = launch and {key: masking.shown(key, value) for key, value in launch.items() if masking.wants(key)}
        return preflight.env_file_item(self._config, EnvFileWatch(self._config).read(), passed_on)

    def _ports(self, workers: int) -> ChecklistItem:
        found = check_ports(self._spec, ProcessTable(self._config), workers, Proc())
        return preflight.ports_item(found, workers)

    def _launcher(self) -> ChecklistItem:
        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            return preflight.launcher_item(self._config, f"the env file cannot be sourced: {sourced.text}")
        return preflight.launcher_item(self._config, self._spec.cannot_launch(self._spec.environment(sourced)))

    def _imports(self, on_output: Output, give_up: threading.Event) -> ChecklistItem:
        from metabonk_tui.adapters.pools.import_probe import modules_of, probe_imports

        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            return imports.imports_item(f"the env file cannot be sourced: {sourced.text}")
        answer = probe_imports(self._spec, self._spec.environment(sourced), give_up)
        return imports.imports_item(answer, is_checkout=bool(modules_of(self._spec)))

    def _ollama(self) -> ChecklistItem:
        """Ask Ollama where the workers will ask: at OLLAMA_HOST of the launch, else at the configured URL."""
        url = self._config.preflight.ollama.rstrip("/")
        if not url:
            return preflight.ollama_item(url, None)
        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            return preflight.ollama_item(url, None)
        host = self._spec.environment(sourced).get(OLLAMA_HOST, "").strip()
        if not host:
            return preflight.ollama_item(url, _problem(self._ask_ollama(url)))
        named = ollama_url(host)
        problem = NO_ADDRESS if named is None else _problem(self._ask_ollama(named))
        return preflight.ollama_item(named or host, problem, of_environment=host)

    def _model(self) -> ChecklistItem:
        """Look for System2's model where the workers will ask for it."""
        sourced = self._spec.source()
        if not self._config.preflight.ollama or isinstance(sourced, EnvFileError):
            return ollama_models.model_item(self._config.preflight.ollama, None, {}, None)
        environment, sets = self._spec.environment(sourced), self._spec.launcher_sets().values
        host = environment.get(OLLAMA_HOST, "")
        url = ollama_url(host)
        judge = partial(ollama_models.model_item, url or host, environment, sets)
        # Ollama need not be asked where its answer would change nothing.
        item = judge(NO_ADDRESS if url is None else None)
        return item if url is None or item.standing == "SKIPPED" else judge(self._ask_ollama(url))

    def _ask_ollama(self, url: str) -> frozenset[str] | str:
        """Return the models that Ollama serves, or what is wrong with its answer."""

        async def fetch_tags() -> bytes | BadStatus:
            async with StatusClient(self._config.observe.timeout_s, OLLAMA_MAX_BYTES) as client:
                return (await client.fetch(url + OLLAMA_PATH))[0]

        answer = asyncio.run(fetch_tags())
        if isinstance(answer, BadStatus):
            return f"{answer.error} {answer.detail}".strip()
        try:
            tree = json.loads(answer)
        except (ValueError, RecursionError):
            tree = None
        models = ollama_models.served_models(tree)
        return f"answers {OLLAMA_PATH} without a list of models: it is no Ollama" if models is None else models

    def _no_tests(self) -> ChecklistItem:
        offered = [file for file in preflight.SEED_TESTS.values() if is_file(self._spec.directory / file)]
        argv = self._spec.launch_argv(1)
        return preflight.no_tests_item(offered, argv[0] if parse_command(argv).is_python else "python3")

    def _processes(self, workers: Sequence[WorkerView]) -> ChecklistItem:
        """Judge the processes that still run: a worker's last environment outlives its process."""
        proc = Proc()
        there = [
            worker
            for worker in workers
            if worker.environment is None or worker.pid is None or proc.stat(worker.pid) is not None
        ]
        return preflight.processes_item(self._config, EnvFileWatch(self._config).read(), there)

    def _disk(self) -> ChecklistItem:
        places = [free_space(self._spec.directory), free_space(self._state)]
        return preflight.disk_item(places, self._config.preflight.disk_gb)


def _problem(answer: frozenset[str] | str) -> str:
    """Return what is wrong with Ollama's answer; "" for a list of models."""
    return answer if isinstance(answer, str) else ""


def _quick(read_item: Callable[[], ChecklistItem]) -> Callable[[Output, threading.Event], ChecklistItem]:
    """Wrap a fast reader as a check that ignores output and cancellation."""
    return lambda on_output, give_up: read_item()
