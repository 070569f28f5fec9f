"""Finds components that are switched on and yet absent.

Uses the lines that a worker logs when a component fails to import or initialise.
"""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.core.causes.evidence import (
    Evidence,
    WorkerEvidence,
    WorkerFinding,
    log_command,
    make_cause,
    quote_line,
)
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState, ComponentView
from metabonk_tui.core.status.decode import flag
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.environment import is_on

COMPLAINTS = {
    "ui_exploration": ("dynamic ui exploration unavailable",),
    "intrinsic_reward": ("intrinsic reward shaper unavailable",),
    "meta": ("meta-learning unavailable",),
    "system2": ("system2 disabled", "init failed"),
}
"""Words of the log line with which a worker continues without a component."""
SYSTEM2_FIELDS = "system2_"


def find_complaint(worker: WorkerEvidence, component: str) -> str | None:
    """Return the log line that reports a failed component ("": any component); None: no such line."""
    if component:
        return worker.find_in_log(*COMPLAINTS[component]) if component in COMPLAINTS else None
    return next((line for words in COMPLAINTS.values() if (line := worker.find_in_log(*words))), None)


def init_failed(evidence: Evidence) -> Cause | None:
    """Find components that are switched on but whose keys are absent."""
    found = [one for worker in evidence.workers for one in _failed(evidence, worker)]
    if not found:
        return None
    first = found[0].worker
    line = next((complaint for one in found if (complaint := find_complaint(one.worker, ""))), None)
    fix = (
        f"repair what the log says: {quote_line(line)}"
        if line
        else "run the component's own test where the workers run"
    )
    return make_cause(
        ("init-failed", "import or init failed"),
        found,
        evidence,
        confirm=log_command(first, "WARN|Traceback|Error"),
        fix=f"{fix}; then relaunch",
    )


def _failed(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    """Yield at most one finding: it names all missing components and has the highest confidence."""
    missing: list[tuple[float, str, str]] = []
    for component, spec in evidence.silent_components(worker):
        if component.state not in (ComponentState.ABSENT, ComponentState.UNPROVEN) or not spec.environment:
            continue
        gate, wanted = next(iter(spec.environment.items()))
        line = find_complaint(worker, spec.id)
        is_set = None if worker.environ is None else is_on(worker.environ.get(gate)) and is_on(wanted)
        if is_set is False:
            continue
        if line is not None:
            missing.append((0.97 if is_set else 0.93, component.title, quote_line(line)))
        elif worker.is_settled(evidence.t):
            confidence, why = _judge_by_status(worker, component, gate, is_set=bool(is_set))
            if confidence:
                missing.append((confidence, component.title, why))
    if missing:
        missing.sort(key=lambda item: -item[0])
        named = [title for _, title, _ in missing]
        yield WorkerFinding(worker, missing[0][0], f"{cut_list(named, 4)} absent: {missing[0][2]}")


def _judge_by_status(
    worker: WorkerEvidence, component: ComponentView, gate: str, *, is_set: bool
) -> tuple[float, str]:
    """Return (confidence, reason) from `/status` where the log has no complaint."""
    enabled = flag(worker.status, "system2_enabled")
    system2 = component.field.startswith(SYSTEM2_FIELDS)
    if component.state is ComponentState.UNPROVEN and not worker.looks_unloaded:
        # The component's own keys may still wait for the first frame.
        return (0.45 if is_set else 0.2), f"{component.proof} is not in /status"
    if is_set:
        if system2:
            return 0.93, f"{gate}=1, " + ("system2_enabled false" if enabled is False else "no system2_trigger_* key")
        return 0.88, f"{gate}=1, {component.proof or component.field} is not in /status"
    if system2 and enabled is True:
        return 0.75, "system2_enabled true, no system2_trigger_* key in /status"
    if system2 and not worker.looks_unloaded:
        return 0.6, "system2_enabled false while the other components are on"
    if worker.looks_unloaded:
        if worker.mode is not None and worker.mode != "always":
            return 0.7, f'gated keys absent although System2 runs in mode "{worker.mode}"'
        return (0.2, "gated keys absent") if worker.mode is None else (0.0, "")
    return 0.45, f"{component.field} is not in /status while other components are on"
