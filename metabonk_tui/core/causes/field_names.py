"""Finds the monitor's own fault: a configured field name that no worker sends."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.core.causes.evidence import (
    Evidence,
    WorkerEvidence,
    WorkerFinding,
    make_cause,
    status_command,
)
from metabonk_tui.core.config.schema import ComponentConfig
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.text.similar import most_similar
from metabonk_tui.core.worker.component import fields_of
from metabonk_tui.core.worker.environment import is_on

NEAR = 0.8
FOREIGN_NEAR = 0.5
PART_OF_IT = 0.6
"""Confidence of a wrong name in a recording while other components are silent under their right names."""


def wrong_names(evidence: Evidence) -> Cause | None:
    """Find configured fields that no worker sent in this run, with the most similar sent name."""
    never = [spec for n, spec in enumerate(evidence.config.component) if _never_seen(evidence, n)]
    if not never:
        return None
    configured = {name for spec in evidence.config.component for name in (*fields_of(spec), spec.proof)}
    found = []
    for worker in evidence.workers:
        misnamed = [one for spec in never for one in _misnamed(evidence, worker, spec, configured)]
        if misnamed:
            confidence = max(one[0] for one in misnamed)
            found.append(WorkerFinding(worker, confidence, "; ".join(one[1] for one in misnamed[:2])))
    if not found:
        return None
    return make_cause(
        ("wrong-names", "polling the wrong names"),
        found,
        evidence,
        confirm=status_command(found[0].worker, evidence, never[0].field.split("_")[0]),
        fix="correct `field` of the [[component]] in the configuration, or the recorder's names",
    )


def _never_seen(evidence: Evidence, n: int) -> bool:
    if not all(worker.states[n] in (ComponentState.ABSENT, ComponentState.UNOBSERVED) for worker in evidence.workers):
        return False
    seen = [worker.view.components[n] for worker in evidence.workers]
    return bool(seen) and all(one.samples_with_key == 0 for one in seen)


def _misnamed(
    evidence: Evidence, worker: WorkerEvidence, spec: ComponentConfig, configured: set[str]
) -> Iterator[tuple[float, str]]:
    asked = most_similar(spec.field, evidence.foreign_fields, FOREIGN_NEAR)
    if asked:
        # A recorder's wrong name hides this component. It explains no silence of the others.
        # A component that is not known yet, during start-up, may be as silent.
        others = ComponentState.PENDING in worker.states or any(
            other is not spec for _, other in evidence.silent_components(worker)
        )
        confidence = PART_OF_IT if others else 0.9
        yield confidence, f"recorded as {asked}, a name that /status never had; it is {spec.field}"
        return
    if worker.status.observable is not None and spec.field not in worker.status.observable:
        return
    names = [name for name in worker.status.fields if name not in configured]
    near = most_similar(spec.field, names, NEAR)
    gate = next(iter(spec.environment), None)
    if near:
        off = gate is not None and worker.environ is not None and not is_on(worker.environ.get(gate))
        yield (0.4 if off else 0.92), f"{spec.field} was never sent, {near} is"
    elif gate is None:
        yield 0.4, f"{spec.field} was never sent, and no flag switches it"
