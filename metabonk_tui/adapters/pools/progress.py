"""Reports the progress of an operation step by step.

Does not: know what the steps do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from metabonk_tui.core.model.sample import Operation, OperationStep, StepState
from metabonk_tui.core.ports.live import Clock


class ProgressReporter:
    """One operation on the screen. Reports each change once."""

    def __init__(
        self, action: str, steps: Sequence[str], clock: Clock, report: Callable[[Operation], None], log_path: str
    ) -> None:
        self._clock = clock
        self._report = report
        waiting = tuple(OperationStep(name, "waiting") for name in steps)
        self.operation = Operation(action, clock.now(), waiting, log_path=log_path)
        report(self.operation)

    def begin(self, name: str, detail: str = "") -> None:
        self._set(name, "running", detail)

    def detail(self, name: str, detail: str, output: tuple[str, ...] | None = None) -> None:
        """Update a running step, with the last output lines of its command."""
        self._set(name, "running", detail, output)

    def done(self, name: str, detail: str = "", output: tuple[str, ...] | None = None) -> None:
        self._set(name, "done", detail, output)

    def fail(self, name: str, detail: str, output: tuple[str, ...] | None = None) -> None:
        self._set(name, "failed", detail, output)

    def skip(self, name: str, detail: str) -> None:
        self._set(name, "skipped", detail)

    def is_running(self, name: str) -> bool:
        return any(step.name == name and step.state == "running" for step in self.operation.steps)

    def end(self, ok: bool, message: str) -> None:
        """End the operation once. Waiting steps become skipped; running ones done, or failed when not `ok`."""
        if self.operation.ended_at is not None:
            return
        closing: dict[StepState, StepState] = {"waiting": "skipped", "running": "done" if ok else "failed"}
        steps = tuple(replace(step, state=closing.get(step.state, step.state)) for step in self.operation.steps)
        self._report_change(
            replace(self.operation, steps=steps, ended_at=self._clock.now(), ok=ok, message=message),
        )

    def _set(self, name: str, state: StepState, detail: str, output: tuple[str, ...] | None = None) -> None:
        steps = tuple(
            OperationStep(name, state, detail) if step.name == name else step for step in self.operation.steps
        )
        tail = self.operation.output_tail if output is None else output
        self._report_change(replace(self.operation, steps=steps, output_tail=tail))

    def _report_change(self, operation: Operation) -> None:
        if operation != self.operation:
            self.operation = operation
            self._report(operation)
