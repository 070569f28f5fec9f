"""Draws the memory row of the header: free GB, the gauge with its floor, the outlook, Ollama's share.

Does not: judge. The level comes with the Snapshot.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import describe_source, falls_soon
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, join, spread, width
from metabonk_tui.ui.views.layout.section import WIDE, label, muted, shown_host, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.gauge import gauge, level_mark


def gauge_place(wide: int) -> tuple[int, int, int, int]:
    """Return the columns of the header: gauge start, gauge cells, floor, forecast."""
    if wide < WIDE:
        return 33, 14, 0, 49
    long = 36 + (wide - 120) * 3 // 8
    floor = 34 + long + (2 if wide < 160 else 3)
    return 34, long, floor, floor + 12


def memory_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 3: available memory in GB, gauge with floor, outlook, Ollama's share or the memory watch."""
    g, wide, memory = frame.glyphs, frame.width, snapshot.memory
    reading = memory.reading
    head: Row = (*label("MEMORY"), level_mark(memory, g), gap(1))
    if memory.host:
        head = (*head, strong(shown_host(memory.host, snapshot, g)), gap(1))
    if reading is None or reading.available_bytes is None:
        head = (*head, Span("not observed", "unknown", True))
        return fit((*head, *(gap(2), text("never counted as enough"))) if wide >= 60 else head, wide, g.ellipsis)
    token = level_token(memory.level) if memory.level != "ok" else "strong"
    head = (*head, Span(f"{fmt.gigabytes(reading.available_bytes)} GB", token, True))
    word, *more = consequence(snapshot, g) or [()]
    of = f" of {fmt.gigabytes(reading.total_bytes)}" if reading.total_bytes is not None else ""
    for free in (f" free{of}", " free"):
        if width(head) + len(free) + (width(word) + 2 if word else 0) < wide:
            head = (*head, muted(free))
            break
    start, long, floor_at, forecast_at = gauge_place(wide)
    if width(head) >= start:
        start = width(head) + 1
        long = max(0, min(long, (floor_at - 1 if wide >= WIDE else forecast_at - 2) - start))
    roomy = wide >= WIDE
    ollama = _ollama(memory)
    guard = _watch(snapshot, g, brief=wide < 160)
    least = join([guard, ollama], 3) if wide >= 160 else guard or ollama
    right = join([least, *_pressure(snapshot, wide)], 3) if roomy else least
    if not roomy:
        # The gauge shrinks to 8 cells, then is left out; the numbers stay.
        spare = wide - 1 - start - 2 - width(word) - (2 + width(least) if least else 0)
        long = min(long, spare) if spare >= 8 else 0
    row: list[Span] = list(head)
    if long >= 8 and reading.total_bytes:
        row += [gap(start - width(row)), *gauge(
            reading.total_bytes, reading.available_bytes, memory.floor_bytes, long, memory.level, g
        )]  # fmt: skip
    if roomy:
        row += [gap(floor_at - width(row)), muted("floor "), strong(fmt.gigabytes(memory.floor_bytes))]
        row += [gap(forecast_at - width(row))]
    else:
        row += [gap(2)]
    room = wide - 1 - width(row)
    whole = width((*word, *(span for part in more for span in part)))
    while roomy and width(right) > width(least) and whole + 3 + width(right) > room:
        right = right[: -_last_fact(right)]
    if right and not guard and width(right) + (width(word) + 2 if word else 0) > room:
        right = ()
    left_room = room - (width(right) + 2 if right else 0)
    shown = word
    for part in more:
        if width(shown) + width(part) <= left_room:
            shown = (*shown, *part)
    shown = cut(shown, max(left_room, 0), g.ellipsis)
    row += spread(shown, right, room, g.ellipsis) if right else shown
    return fit(tuple(row), wide, g.ellipsis)


def _last_fact(row: Row) -> int:
    """Count the spans of the last joined fact, including its gap."""
    for i in range(len(row) - 1, -1, -1):
        if not row[i].text.strip() and len(row[i].text) == 3:
            return len(row) - i
    return len(row)


def _ollama(memory: MemoryView) -> Row:
    share = next((owner for owner in memory.owners if owner.name == "ollama"), None)
    if share is not None:
        return (muted("ollama "), strong(fmt.gigabytes(share.bytes)))
    return (muted("no ollama"),) if memory.owners else ()


def _pressure(snapshot: Snapshot, wide: int) -> list[Row]:
    reading, budget = snapshot.memory.reading, snapshot.memory.budget
    parts: list[Row] = []
    if wide >= 160 and reading and reading.swap_used_bytes is not None and reading.swap_total_bytes:
        swap = f"{fmt.gigabytes(reading.swap_used_bytes)}"
        parts.append((muted("swap "), strong(swap), muted(f" of {fmt.gigabytes(reading.swap_total_bytes)}")))
    if reading and reading.pressure_some_avg10 is not None:
        parts.append((muted("PSI "), strong(f"{reading.pressure_some_avg10:.1f}")))
    if wide >= 160 and budget:
        how = "" if budget.worker_source == "this run" else f" {describe_source(budget.worker_source, brief=True)}"
        parts.append((muted("need/worker "), strong(f"{fmt.gigabytes(budget.worker_bytes)} GB"), muted(how)))
    return parts


def _falls_soon(memory: MemoryView, t: float) -> bool:
    forecast = memory.forecast
    if forecast is None or memory.below_floor_since_t is not None:
        return False
    return forecast.state == "FALLING" and falls_soon(memory, t)


def consequence(snapshot: Snapshot, g: Glyphs, of: MemoryView | None = None) -> list[Row]:
    """Return the outlook, the worst first: OOM kill, swap, forecast, below floor, stable. Later parts are optional.

    `of`: the memory of one host; None: the one that the header shows.
    """
    memory = of or snapshot.memory
    token = level_token(memory.level)
    if memory.oom_kills_in_run:
        text = memory.victims_text
        joint = ", " if memory.oom_suspects or memory.oom_probable else " of "
        victims: Row = (Span(f"{joint}{g.text(text)}", "crit", True),) if text else ()
        return [(Span(f"OOM kill {memory.oom_kills_in_run}", "crit", True),), victims]
    if memory.swap is not None and memory.swap.level in ("warn", "crit"):
        return [(Span(g.text(memory.swap.text), level_token(memory.swap.level), True),)]
    if memory.forecast is not None and (memory.forecast.raised or _falls_soon(memory, snapshot.t)):
        state = memory.forecast.state
        token = "crit" if state == "CRITICAL" else "warn" if state == "WARNING" or memory.level != "ok" else "muted"
        first, comma, rest = memory.forecast.text.partition(", ")
        loud = token != "muted"
        more: list[Row] = [(Span(comma + g.text(rest), token),)] if rest else []
        return [(Span(g.text(first), token, loud),), *more]
    for gpu in memory.gpus or ():
        if gpu.forecast.raised:
            first = gpu.forecast.text.partition(", ")[0]
            token = "crit" if gpu.forecast.state == "CRITICAL" else "warn"
            return [(Span(f"GPU {gpu.index} {g.text(first)}", token, True),)]
    if memory.below_floor_since_t is not None:
        return [(Span(f"below floor {fmt.age(snapshot.t - memory.below_floor_since_t)}", token, True),)]
    if memory.above_floor_since_t is not None:
        stable = any(node.id == "memory" and node.answer == "yes" for node in snapshot.verdict.nodes)
        word = "stable" if stable else f"above floor {fmt.age(snapshot.t - memory.above_floor_since_t)}"
        low: Row = ()
        if memory.min_available_bytes is not None:
            low = (muted(", lowest "), strong(fmt.gigabytes(memory.min_available_bytes)))
        return [(muted(word),), low]
    return []


def _watch(snapshot: Snapshot, g: Glyphs, *, brief: bool) -> Row:
    """Draw the memory watch: on, or its last action; empty while it is not armed."""
    watch = snapshot.memory.watch
    if watch is None or not watch.armed:
        return (strong("watch on"),) if snapshot.memory.watch_armed else ()
    if not watch.did or watch.did_t is None:
        return (strong("watch: dry run" if watch.dry_run else "watch on"),)
    bad = watch.did_ok is False
    how = "would " if watch.dry_run else "failed: " if bad else ""
    did = g.text(watch.did.removesuffix("s").removesuffix(" worker") if brief else watch.did)
    ago: Row = () if brief else (muted(f" {fmt.age(snapshot.t - watch.did_t)} ago"),)
    return (muted("watch: "), Span(f"{how}{did}", "crit" if bad else "warn", True), *ago)
