"""The verdict as plain text for the clipboard and the window's title.

Refuses to know glyph sets and tokens: what is copied is read elsewhere.
"""

from __future__ import annotations

from datetime import tzinfo

from metabonk_tui.core import format as fmt
from metabonk_tui.core.snapshot import Snapshot

_SHAPES = {"go": "●", "caution": "▲", "stop": "■", "unknown": "◌"}


def verdict_text(snapshot: Snapshot, zone: tzinfo) -> str:
    """Write the verdict with its evidence, for people, one fact a line."""
    verdict, memory = snapshot.verdict, snapshot.memory.reading
    since = fmt.clock(verdict.since_t, zone)
    lines = [
        f"{verdict.word} since {since}, run {snapshot.run.name}, {fmt.elapsed(snapshot.run.elapsed_s)} in,"
        f" at {fmt.clock(snapshot.t, zone)}",
        *(f"  because {sentence}" for sentence in verdict.because),
    ]
    for node in verdict.nodes:
        path = "" if node.on_path else " (not reached)"
        lines.append(f"  {node.question} {node.answer} -> {node.leads_to}{path}")
        lines += [f"    {sentence}" for sentence in node.evidence]
    if memory and memory.available_bytes is not None:
        floor = fmt.gigabytes(snapshot.memory.floor_bytes)
        lines.append(f"  memory {fmt.gigabytes(memory.available_bytes)} GB available, floor {floor} GB")
    if verdict.changes_when:
        lines.append(f"  changes when {verdict.changes_when}")
    for step in verdict.next_steps:
        command = f": {step.command}" if step.command else ""
        lines.append(f"  next {step.join + ' ' if step.join else ''}{step.text}{command}")
    return "\n".join(lines)


def window_title(snapshot: Snapshot | None) -> str:
    """Name the window: the verdict first, because a tab shows only its beginning."""
    if snapshot is None:
        return "metabonk-tui"
    word = snapshot.verdict.word
    return f"{_SHAPES[word.level]} {word} {snapshot.run.name} metabonk-tui"
