"""Says what a component that does not show needs: a flag in its process, or the field that proves it.

Does not: judge. A process whose environment was not read says nothing about flags.
"""

from __future__ import annotations

from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.worker.environment import is_same_value, shown_value

PREFIX = "METABONK_"
S = ComponentState


def needs(part: ComponentView, worker: WorkerView, config: Config) -> tuple[str, ...]:
    """Return the same remark in several lengths, the longest first; empty when there is nothing to say."""
    if part.state is S.ACTIVE and not part.launcher_sets:
        return ()
    spec = next((one for one in config.component if one.id == part.id), None)
    if part.state in (S.ABSENT, S.ZERO):
        return () if spec is None else _wrong_flag(spec, worker)
    if part.state is S.UNPROVEN and part.proof:
        return (f"needs {part.proof}", "needs proof")
    if part.launcher_sets and part.state in (S.ACTIVE, S.RESTING) and spec is not None and _is_forced(spec, worker):
        return ("forced on by launcher", "forced")
    return ()


def anyone_needs(snapshot: Snapshot, config: Config) -> bool:
    """Return whether a component that is due in validation needs something."""
    return any(
        needs(part, worker, config)
        for worker in snapshot.workers
        for part in worker.components
        if part.due == "validation"
    )


def _wrong_flag(spec: ComponentConfig, worker: WorkerView) -> tuple[str, ...]:
    """Name the first flag of the component that its process does not have as required."""
    values = worker.environment
    if values is None:
        return ()
    for key, wanted in spec.environment.items():
        if key not in values or not is_same_value(values[key], wanted):
            word = "unset" if key not in values else f"is {shown_value(values[key])}"
            return (f"{key.removeprefix(PREFIX)} {word}", f"flag {word}", word)
    return ()


def _is_forced(spec: ComponentConfig, worker: WorkerView) -> bool:
    """Return whether one of its keys is there and another is not: the env file would have brought both."""
    values = worker.environment
    if values is None:
        return False
    return any(key in values for key in spec.environment) and any(key not in values for key in spec.environment)
