"""Runs the preflight checks on up to 8 threads, and publishes every change of their standing.

Does not: know what a check reads. A check that raises is UNKNOWN, never a pass.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import PreflightView, TestResult
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.engine.clock import RunClock

LOG = logging.getLogger(__name__)
MAX_THREADS = 8
"""The most checks at once: component tests load models."""
END_LIMIT_S = 5.0

Output = Callable[[tuple[str, ...]], None]


class PreflightCheck(NamedTuple):
    """One check with its id and title."""

    id: str
    title: str
    run: Callable[[Output, threading.Event], ChecklistItem]
    """Runs the check, reports the last lines of its output, and stops when the event is set."""


class PreflightChecks(Protocol):
    """The source of a preflight's checks and of the kept test results."""

    def checks(self, workers: int, snapshot: Snapshot | None) -> Sequence[PreflightCheck]:
        """List the checks for a launch of `workers` workers; they take known facts from the Snapshot."""
        ...

    def read_results(self) -> tuple[tuple[TestResult, ...], str]:
        """Read the kept test results (real Unix times) and the reason if that failed, else ""."""
        ...


class Preflight:
    """One preflight at a time. Every method may be called from any thread."""

    def __init__(self, checks: PreflightChecks, clock: RunClock, wake: Callable[[], None]) -> None:
        """Prepare; `wake` is called from any thread at every change, and must return at once."""
        self._checks = checks
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._give_up = threading.Event()
        self._threads: list[threading.Thread] = []
        self._waiting: list[PreflightCheck] = []
        self._view = self._with_test_results(PreflightView())

    def view(self) -> PreflightView:
        return self._view

    def start(self, workers: int, snapshot: Snapshot | None) -> None:
        """Start the checks for `workers` workers; do nothing while a preflight is under way."""
        with self._lock:
            if self._give_up.is_set() or (self._view.began_t is not None and self._view.ended_t is None):
                return
            checks = list(self._checks.checks(workers, snapshot))
            items = tuple(ChecklistItem(check.id, check.title, "waiting") for check in checks)
            self._view = replace(self._view, workers=workers, began_t=self._clock.now(), ended_t=None, items=items)
            self._waiting = checks
            self._threads = [
                threading.Thread(target=self._work, name=f"preflight-{i}", daemon=True)
                for i in range(min(MAX_THREADS, len(checks)))
            ]
        for thread in self._threads:
            thread.start()
        self._wake()

    def close(self) -> None:
        """End the checks and the commands that they started, within `END_LIMIT_S` per thread."""
        self._give_up.set()
        for thread in self._threads:
            thread.join(END_LIMIT_S)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                check = self._waiting.pop(0)
            self._put(ChecklistItem(check.id, check.title, "running"))
            try:
                item = check.run(self._output_reporter(check), self._give_up)
            except Exception as error:
                LOG.exception("a look of the preflight failed")
                why = clean_text(f"{type(error).__name__}: {error}")
                item = ChecklistItem(
                    check.id, check.title, "UNKNOWN", (f"a bug of the monitor: {why}",), "see the log"
                )
            self._put(item)

    def _output_reporter(self, check: PreflightCheck) -> Output:
        return lambda lines: self._put(ChecklistItem(check.id, check.title, "running", output=lines))

    def _put(self, item: ChecklistItem) -> None:
        refreshed = self._with_test_results(self._view) if item.standing not in ("waiting", "running") else None
        with self._lock:
            items = tuple(item if other.id == item.id else other for other in self._view.items)
            done = all(other.standing not in ("waiting", "running") for other in items)
            view = replace(self._view, items=items, ended_t=self._clock.now() if done else None)
            if refreshed is not None:
                view = replace(view, tests=refreshed.tests, problem=refreshed.problem)
            self._view = view
        self._wake()

    def _with_test_results(self, view: PreflightView) -> PreflightView:
        tests, problem = self._checks.read_results()
        on_run_clock = tuple(replace(test, ended_t=self._clock.at(test.ended_t)) for test in tests)
        return replace(view, tests=on_run_clock, problem=problem)
