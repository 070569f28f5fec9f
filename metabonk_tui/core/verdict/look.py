"""Words the verdict where nothing watches any more: of a single look, and of a recording that has ended.

No check of a gate will come there. Does not: change the word.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind

NO_GATE = "no monitor watches the gate"
_PROGRESS = re.compile(r"\b(?:(?:late|again) gate, )?check \d+/\d+(?:, next in \w+)?$")


def of_look(snapshot: Snapshot) -> Snapshot:
    """Return the Snapshot of a look that nothing else watches: no check of a gate is under way, and none will come."""
    if snapshot.verdict.kind is not VerdictKind.VALIDATING:
        return snapshot
    changes_when = "a monitor watches the pool for the whole gate"
    because = tuple([_without_gate(line) for line in snapshot.verdict.because])
    words = tuple([(t, kind, tuple(map(_without_gate, lines))) for t, kind, lines in snapshot.verdicts])
    return replace(
        snapshot,
        verdict=replace(snapshot.verdict, because=because, changes_when=changes_when),
        verdicts=words,
        events=tuple([_of_look(event) for event in snapshot.events]),
    )


def of_recording(snapshot: Snapshot) -> Snapshot:
    """Return the last Snapshot of a recording in the past: nothing will change its word."""
    verdict, gate = snapshot.verdict, snapshot.gate
    if verdict.ended is not None:
        return snapshot
    done = f"the gate had not ended: {len(gate.checks) - gate.count('TO COME')}/{len(gate.checks)} checks"
    because = tuple([_PROGRESS.sub(done, line) for line in verdict.because])
    return replace(snapshot, verdict=replace(verdict, because=because, changes_when=""))


def _without_gate(line: str) -> str:
    return _PROGRESS.sub(NO_GATE, line)


def _of_look(event: Event) -> Event:
    return replace(event, text=_without_gate(event.text)) if event.kind == EventKind.VERDICT else event
