"""Ranks every cause of silent components that outside evidence supports. Pure; a healthy pool has no cause."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from metabonk_tui.core.causes.configuration import (
    component_disabled,
    config_not_loaded,
    intrinsic_not_applied,
    launcher_override,
    unread_keys,
)
from metabonk_tui.core.causes.evidence import Evidence
from metabonk_tui.core.causes.field_names import wrong_names
from metabonk_tui.core.causes.running import (
    classifier_ambiguous,
    classifier_no_frames,
    system2_never_triggers,
    system2_no_answer,
    zombie_worker,
)
from metabonk_tui.core.causes.starting import init_failed
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Cause

CAUSES: tuple[Callable[[Evidence], Cause | None], ...] = (
    config_not_loaded,
    launcher_override,
    component_disabled,
    init_failed,
    intrinsic_not_applied,
    classifier_no_frames,
    classifier_ambiguous,
    system2_no_answer,
    system2_never_triggers,
    zombie_worker,
    wrong_names,
    unread_keys,
)
"""The order of causes with equal confidence."""


MARGIN = 0.25
"""A cause this much weaker than the worker's best one is dropped for that worker.

Otherwise another worker's proof would strengthen it.
"""
Finder = Callable[[Evidence], Cause | None]


def causes(evidence: Evidence) -> tuple[Cause, ...]:
    """Return every supported cause by falling confidence, each with the workers that it explains best."""
    found = [(find, cause) for find in CAUSES if (cause := find(evidence)) is not None]
    if len(found) > 1 and len(evidence.workers) > 1:
        found = _without_weaker(evidence, found)
    return tuple(sorted((cause for _, cause in found), key=lambda cause: -cause.confidence))


def _without_weaker(evidence: Evidence, found: list[tuple[Finder, Cause]]) -> list[tuple[Finder, Cause]]:
    confidences: dict[str, dict[WorkerRef, float]] = {cause.id: {} for _, cause in found}
    for worker in evidence.workers:
        alone, ref = replace(evidence, workers=(worker,)), worker.ref
        for find, whole in found:
            if ref in whole.workers and (cause := find(alone)) is not None:
                confidences[whole.id][ref] = cause.confidence
    best = {
        ref: max(each.get(ref, 0.0) for each in confidences.values()) for each in confidences.values() for ref in each
    }
    separated = []
    for find, whole in found:
        weaker_slots = {
            ref for ref, here in confidences[whole.id].items() if here < min(best[ref], whole.confidence) - MARGIN
        }
        kept = tuple(worker for worker in evidence.workers if worker.ref not in weaker_slots)
        cause = find(replace(evidence, workers=kept)) if weaker_slots else whole
        if cause is not None:
            separated.append((find, cause))
    return separated
