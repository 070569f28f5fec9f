"""Keeps the memory of each process from 5 min before an OOM kill until 1 min after it.

Does not: know which process was killed, or why.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.host import HostReading
from metabonk_tui.core.model.memory import BlackBox, BlackBoxPoint
from metabonk_tui.core.model.refs import label_of
from metabonk_tui.core.text.numbers import gigabytes

BEFORE_S = 300.0
AFTER_S = 60.0
EVERY_S = 5.0
"""Longest time between points; a point comes sooner when available memory moves."""
MOVED = 0.005
"""Share of total memory by which available memory must move to add a point early."""
MAX_POINTS = 400


MOMENTS = (("5 min before", 300.0), ("1 min before", 60.0), ("10 s before", 10.0), ("at the kill", 0.0))


HAD = "had: held when last seen; gone at the kill"
"""Explains the word "had" in a cell; printed below the table."""


def table(box: BlackBox) -> list[list[str]]:
    """Format memory in GB as rows of cells: a head, available memory, then every name; "-" for not seen.

    A process that is gone at the kill "had" the size seen in the 10 s before: the victim does.
    """
    moments = [box.at(before_s) for _, before_s in MOMENTS]
    names = list(dict.fromkeys(name for point in box.points for name, _ in point.held))
    names.sort(key=lambda name: (name not in ("ollama", "launcher", "orchestrator"), len(name), name))
    lately_t = moments[-2].t if moments[-2] else 0.0
    lately = {name: size for point in box.points if lately_t <= point.t <= box.kill_t for name, size in point.held}

    def cell(found: int | None) -> str:
        return "-" if found is None else gigabytes(found, 2)

    def held(name: str) -> list[str]:
        cells = [cell(dict(point.held).get(name) if point else None) for point in moments]
        if cells[-1] == "-" and name in lately:
            cells[-1] = f"had {cell(lately[name])}"
        return cells

    rows = [["GB", *(label for label, _ in MOMENTS)]]
    rows.append(["available", *(cell(point.available_bytes if point else None) for point in moments)])
    return rows + [[name, *held(name)] for name in names]


class FlightRecorder(Struct, frozen=True):
    """The points of the last 5 min, and the box of the first kill."""

    points: tuple[BlackBoxPoint, ...] = ()
    box: BlackBox | None = None


def observe(recorder: FlightRecorder, host: HostReading, t: float, killed: bool) -> FlightRecorder:
    """Add one reading; `killed`: it revealed an OOM kill of one of our processes."""
    recorder = _add(recorder, host, t, killed)
    if killed and recorder.box is None:
        return replace(recorder, box=BlackBox(t, recorder.points))
    box = recorder.box
    if box is not None and recorder.points and box.points[-1:] != recorder.points[-1:]:
        point = recorder.points[-1]
        if point.t <= box.kill_t + AFTER_S:
            return replace(recorder, box=replace(box, points=(*box.points, point)))
    return recorder


def _add(recorder: FlightRecorder, host: HostReading, t: float, always: bool) -> FlightRecorder:
    if host.memory is None and host.processes is None:
        return recorder
    reading = host.memory
    available = reading.available_bytes if reading is not None else None
    last = recorder.points[-1] if recorder.points else None
    if last is not None and not always and t - last.t < EVERY_S:
        total = (reading.total_bytes if reading is not None else None) or 0
        if None in (available, last.available_bytes) or abs((available or 0) - (last.available_bytes or 0)) < max(
            1, MOVED * total
        ):
            return recorder
    held: dict[str, int] = {}
    for process in host.processes or ():
        if process.role != "other":
            name = label_of(process.who)
            # The launcher's tree includes the workers.
            tree = process.tree_bytes if process.role in ("worker", "ollama") else None
            held[name] = held.get(name, 0) + (tree if tree is not None else process.rss_bytes)
    point = BlackBoxPoint(t, available, tuple(held.items()))
    kept = [each for each in recorder.points if each.t >= t - BEFORE_S - EVERY_S]
    return replace(recorder, points=(*kept, point)[-MAX_POINTS:])
