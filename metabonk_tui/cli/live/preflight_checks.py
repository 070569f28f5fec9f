"""Connects each preflight item to the adapter that checks it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from metabonk_tui.adapters.env_file.source import EnvFileError
from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.pools.import_probe import modules_of, probe_imports
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import check_ports
from metabonk_tui.adapters.process.component_tests import ComponentTestsFile, run_test
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.core.config.schema import Config, TestConfig
from metabonk_tui.core.launch import imports, preflight
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import TestResult
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine.preflight_runner import Output, PreflightCheck

OLLAMA_PATH = "/api/tags"
OLLAMA_MAX_BYTES = 1 << 20


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
                _quick(lambda: preflight.processes_item(config, EnvFileWatch(config).read(), seen)),
            ),
            PreflightCheck("ports", "ports", _quick(lambda: self._ports(workers))),
            PreflightCheck("launcher", "launcher", _quick(self._launcher)),
            PreflightCheck(imports.ITEM_ID, imports.TITLE, self._imports),
            PreflightCheck("ollama", "Ollama", _quick(self._ollama)),
            PreflightCheck("disk", "disk space", _quick(self._disk)),
            PreflightCheck(
                "memory",
                "workers against memory",
                _quick(lambda: preflight.memory_item(snapshot.memory.budget if snapshot else None, workers)),
            ),
            *(tests or [PreflightCheck("tests", "component tests", _quick(preflight.no_tests_item))]),
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
        return preflight.env_file_item(self._config, EnvFileWatch(self._config).read())

    def _ports(self, workers: int) -> ChecklistItem:
        found = check_ports(self._spec, ProcessTable(self._config), workers, Proc())
        return preflight.ports_item(found, workers)

    def _launcher(self) -> ChecklistItem:
        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            return preflight.launcher_item(self._config, f"the env file cannot be sourced: {sourced.text}")
        return preflight.launcher_item(self._config, self._spec.cannot_launch(self._spec.environment(sourced)))

    def _imports(self, on_output: Output, give_up: threading.Event) -> ChecklistItem:
        sourced = self._spec.source()
        if isinstance(sourced, EnvFileError):
            return imports.imports_item(f"the env file cannot be sourced: {sourced.text}")
        answer = probe_imports(self._spec, self._spec.environment(sourced), give_up)
        return imports.imports_item(answer, is_checkout=bool(modules_of(self._spec)))

    def _ollama(self) -> ChecklistItem:
        url, observe = self._config.preflight.ollama.rstrip("/"), self._config.observe
        if not url:
            return preflight.ollama_item(url, None)

        async def fetch_tags() -> bytes | BadStatus:
            async with StatusClient(observe.timeout_s, OLLAMA_MAX_BYTES) as client:
                return (await client.fetch(url + OLLAMA_PATH))[0]

        answer = asyncio.run(fetch_tags())
        error_text = f"{answer.error} {answer.detail}".strip() if isinstance(answer, BadStatus) else ""
        return preflight.ollama_item(url, error_text)

    def _disk(self) -> ChecklistItem:
        places = [free_space(self._spec.directory), free_space(self._state)]
        return preflight.disk_item(places, self._config.preflight.disk_gb)


def _quick(read_item: Callable[[], ChecklistItem]) -> Callable[[Output, threading.Event], ChecklistItem]:
    """Wrap a fast reader as a check that ignores output and cancellation."""
    return lambda on_output, give_up: read_item()
