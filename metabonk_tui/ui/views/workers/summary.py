"""Draws the sum row: the least, the median and the most of step rate, memory and episodes, and of how many workers.

Does not: count a worker without the number; it says how many have it.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.timeseries.median import median
from metabonk_tui.core.worker.metrics import WORKER_METRICS, WorkerMetric
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, gap, join, width
from metabonk_tui.ui.views.layout.section import muted, strong

SUMMED = (("step_rate", "step/s"), ("rss", "rss GB"), ("episode", "episodes"))
"""Metric and label."""
LABEL = 5
CELLS = 6


@once_a_snapshot
def sum_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the sum row in the width of the frame; empty for fewer than two workers, and while no number is known."""
    workers = snapshot.workers
    if len(workers) < 2:
        return ()
    found = [(label, metric, _values(metric, workers)) for metric, label in _metrics()]
    most = max([len(values) for _, _, values in found])
    if not most:
        return ()
    parts = [_of(label, metric, values, most) for label, metric, values in found]
    reached = sum([worker.gameplay.corroborated for worker in workers])
    parts.append((muted("gameplay "), strong(fmt.share(reached, len(workers)))))
    room = frame.width - 2 - LABEL
    row: Row = ()
    for phrase, least, far in (
        (f"min, median, max of {most}", 2, 3),
        (f"min, median, max of {most}", 1, 2),
        (f"of {most}", 1, 2),
    ):
        end = (muted(phrase),)
        kept = list(parts)
        while len(kept) > least and width(join([*kept, end], far)) > room:
            kept.pop()
        row = join([*kept, end], far)
        if width(row) <= room:
            break
    return (gap(1), muted("sum".ljust(LABEL)), *row)


def _metrics() -> list[tuple[WorkerMetric, str]]:
    by_id = {metric.id: metric for metric in WORKER_METRICS}
    return [(by_id[name], label) for name, label in SUMMED]


def _values(metric: WorkerMetric, workers: Sequence[WorkerView]) -> list[float]:
    """Return the numbers of now: the last ones of a worker that no longer answers are not among them."""
    return [value for w in workers if w.reach is Reach.UP and (value := metric.read(w)) is not None]


def _of(label: str, metric: WorkerMetric, values: list[float], most: int) -> Row:
    if not values:
        return (muted(f"{label} not known"),)
    least, middle, highest = (metric.text(value, CELLS) for value in (min(values), median(values), max(values)))
    few = f" ({len(values)} known)" if len(values) != most else ""
    return (
        *(muted(f"{label} "), strong(least), muted(f" {middle} "), strong(highest)),
        *((muted(few),) if few else ()),
    )


def top_memory(snapshot: Snapshot, wide: int) -> Row:
    """Draw the workers whose memory grows fastest, and Ollama."""
    measured = [w for w in snapshot.workers if w.rss_bytes is not None]
    ranked = sorted(measured, key=lambda w: (-(w.rss_growth_bytes_per_min or 0.0), w.ref))
    facts: list[Row] = []
    for worker in ranked[:4]:
        grown = worker.rss_growth_bytes_per_min
        change = "" if grown is None else f" {fmt.signed(grown / fmt.MB)}"
        size = fmt.gigabytes(worker.rss_bytes or 0, 2)
        facts.append((muted(f"{worker.ref.label} "), strong(size), muted(change)))
    for owner in snapshot.memory.owners:
        if owner.name == "ollama":
            change = (
                "" if owner.growth_bytes_per_min is None else f" {fmt.signed(owner.growth_bytes_per_min / fmt.MB)}"
            )
            facts.append((muted("ollama "), strong(fmt.gigabytes(owner.bytes, 2)), muted(change)))
    if not facts:
        return ()
    head: Row = (muted("TOP GB, M/m"), gap(2))
    while len(facts) > 1 and width(head) + width(join(facts, 3)) > wide:
        facts.pop(-2)
    return (*head, *join(facts, 3))
