"""The rows that never go away: identity, verdict, memory, and below them the gate and what to do next.

Values begin at column 10 at every size, so that the eye drops straight down. Refuses to know what stands below.
"""

from __future__ import annotations

from metabonk_tui.core import format as fmt
from metabonk_tui.core.snapshot import MemoryView, Reach, Snapshot
from metabonk_tui.ui.glyphs import CHECK_TOKENS, LEVEL_TOKENS, Glyphs
from metabonk_tui.ui.screens.base import Frame
from metabonk_tui.ui.spans import Row, Span, clip, cut, fit, gap, join, mark, on_row, spread, width
from metabonk_tui.ui.views.gauge import LEVELS, gauge, level_mark
from metabonk_tui.ui.views.section import facts, has, muted, strong
from metabonk_tui.ui.views.section import plain_text as text
from metabonk_tui.ui.views.tiny import tiny_head

VALUES = 10
WIDE = 110
"""From here on the header has the columns of 120."""
WAS_S = 300.0
TINY_CELLS = 40
"""Below this the header is that of a side pane."""


def header(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the header: identity, verdict and memory always, the gate and the next steps where there is room."""
    if frame.width < TINY_CELLS:
        return tiny_head(frame, snapshot)
    rows = [identity(frame, snapshot), verdict_row(frame, snapshot), memory_row(frame, snapshot)]
    if frame.height >= 9:
        rows.append(gate_row(frame, snapshot))
    if frame.height >= 12:
        doing = doing_row(frame, snapshot) or next_row(frame, snapshot)
        rows += [doing] if doing else []
    return tuple(rows)


def _label(name: str, token: str = "muted") -> Row:
    return (gap(1), Span(name, token), gap(VALUES - 1 - len(name)))


def mode(frame: Frame, snapshot: Snapshot) -> Row:
    """Say whether what is on screen is now: live, paused or late."""
    g = frame.glyphs
    if frame.mode == "paused":
        return (mark(g.unknown, "unknown"), gap(1), strong("PAUSED"))
    if frame.mode == "lag":
        return (mark(g.stale, "unknown"), gap(1), Span(f"LAG {fmt.age(frame.late_s)}", "unknown", True))
    return (mark(g.go, "ok"), gap(1), strong("LIVE"), gap(1), muted(f"{snapshot.run.interval_s:g}s"))


def up_count(snapshot: Snapshot, glyphs: Glyphs) -> Row:
    """Count the workers that answer."""
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    share = fmt.share(up, len(snapshot.workers))
    if up < len(snapshot.workers) and not any(w.reach is Reach.STARTING for w in snapshot.workers):
        return (mark(glyphs.caution, "warn"), gap(1), Span(share, "warn", True), muted(" up"))
    return (strong(share), muted(" up"))


def identity(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 1: what this is, which run, how long; at the right mode, workers up, and the clock."""
    wide = frame.width
    run = snapshot.run
    roomy = wide >= WIDE
    far = 3 if roomy else 2
    clock: Row = (text(fmt.clock(snapshot.t, frame.zone)),)
    lag: Row = ()
    if roomy and snapshot.lag_s is not None:
        lag = (muted("lag "), strong(f"{snapshot.lag_s * 1000:.0f}"), muted(" ms"))
    up: Row = up_count(snapshot, frame.glyphs) if wide >= 52 else ()
    end = join([mode(frame, snapshot), up, lag, clock], far)
    room = wide - 2 - width(end) - 2
    name: Row = (strong("metabonk-tui", True),)
    elapsed: Row = (
        (muted("up "), strong(fmt.elapsed(run.elapsed_s))) if roomy else (strong(fmt.elapsed(run.elapsed_s)),)
    )
    who = snapshot.pool
    looking: Row = ()
    holder: Row = ()
    if frame.read_only or who.read_only:
        looking = (text("read-only"),)
    elif who.controller == "other":
        looking = (text("looking only"),)
        if who.holder:
            holder = (muted(clip(f"held by {frame.glyphs.text(who.holder)}", 48, frame.glyphs.ellipsis)),)
    generation: Row = (muted("gen "), strong(str(1 + len(snapshot.ended_runs))))
    ranked = [
        (0, name),
        (3, (muted(clip(run.name, 28, frame.glyphs.ellipsis)),)),
        (6, (muted(clip(run.profile, 20, frame.glyphs.ellipsis)),) if run.profile and roomy else ()),
        (5, generation),
        (2, elapsed),
        (1, looking),
        (7, holder),
    ]
    while len(ranked) > 1 and width(join([part for _, part in ranked], far)) > room:
        ranked.remove(max(ranked, key=lambda pair: pair[0]))
    parts = [part for _, part in ranked]
    start: Row = (*parts[0], gap(2), *join(parts[1:], far)) if len(parts) > 1 else parts[0]
    return (gap(1), *spread(cut(start, max(room, 0), frame.glyphs.ellipsis), end, wide - 2), gap(1))


def verdict_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 2, a ladder of loudness: coloured word, filled badge, or the whole row filled."""
    g, verdict, wide = frame.glyphs, snapshot.verdict, frame.width
    level = verdict.word.level
    stop = level == "stop"
    token = LEVEL_TOKENS[level]
    glyph, word = g.level(level), str(verdict.word)
    if stop:
        head: Row = (
            gap(1), Span("VERDICT", "oncrit"), gap(1),
            Span(" ", "oncritbadge", True, "critbadge"), mark(glyph, "oncritbadge", True, "critbadge"),
            Span(f" {word} ", "oncritbadge", True, "critbadge"),
        )  # fmt: skip
    elif level == "caution":
        head = (*_label("VERDICT")[:-1], gap(1), Span(f" {glyph} {word} ", "onwarn", True, "warnband"))
    else:
        head = (*_label("VERDICT"), mark(glyph, token), gap(1), Span(word, token, True), gap(1))
    said = "oncrit" if stop else "text"
    quiet = "oncrit" if stop else "muted"
    since = fmt.elapsed(verdict.since_t - snapshot.run.started_at)
    narrow = wide < 44
    label = "" if narrow else "since "
    when: Row = (gap(1), Span(label, quiet), Span(since, "oncrit" if stop else "strong"))
    if width(head) + width(when) > wide:
        when = ()
    keys: list[Row] = []
    for key, name in (("v", "why"), ("y", "copy")):
        if has(frame, key) and wide >= (60 if key == "v" else WIDE):
            keys.append((Span(key, "oncrit" if stop else "strong", True), Span(f" {name}", quiet)))
    end = join(keys, 2)
    room = wide - width(head) - width(when) - (width(end) + 2 if end else 0) - 1
    gap_cells = 3 if wide >= WIDE else 2
    evidence = _evidence(snapshot, said, quiet, room - gap_cells, g)
    start = (*head, *when, *((gap(gap_cells), *evidence) if evidence else ()))
    row = (*fit(start, wide - 1 - width(end), g.ellipsis), *end, gap(1))
    return on_row(fit(row, wide, g.ellipsis), "critband" if stop else "surface")


def _evidence(snapshot: Snapshot, said: str, quiet: str, room: int, g: Glyphs) -> Row:
    """Set as many sentences as fit; the first is cut rather than left out."""
    verdict = snapshot.verdict
    parts: list[Row] = [(Span(g.text(sentence), said),) for sentence in verdict.because]
    if verdict.would_be is not None:
        parts.insert(1, (Span("would be ", quiet), Span(str(verdict.would_be), said)))
    if (
        verdict.was is not None
        and 0 <= snapshot.t - verdict.since_t < WAS_S
        and verdict.since_t > snapshot.run.started_at
    ):
        parts.append((Span(f"was {verdict.was}", quiet),))
    dot: Row = (Span(f" {g.dot} ", quiet),)
    row: Row = ()
    for part in parts:
        longer = (*row, *dot, *part) if row else part
        if width(longer) > room:
            return row or (cut(part, room, g.ellipsis) if room >= 8 else ())
        row = longer
    return row


def gauge_place(wide: int) -> tuple[int, int, int, int]:
    """Say where the columns of the header are: gauge from, gauge cells, floor, forecast."""
    if wide < WIDE:
        return 33, 14, 0, 49
    long = 36 + (wide - 120) * 3 // 8
    floor = 34 + long + (2 if wide < 160 else 3)
    return 34, long, floor, floor + 12


def memory_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 3: available memory in GB, gauge with floor, what it leads to, and Ollama's share."""
    g, wide, memory = frame.glyphs, frame.width, snapshot.memory
    reading = memory.reading
    head: Row = (*_label("MEMORY"), level_mark(memory, g), gap(1))
    if reading is None or reading.available_bytes is None:
        head = (*head, Span("not observed", "unknown", True))
        return fit((*head, *(gap(2), text("never counted as enough"))) if wide >= 60 else head, wide, g.ellipsis)
    token = LEVELS[memory.level][1] if memory.level != "ok" else "strong"
    head = (*head, Span(f"{fmt.gigabytes(reading.available_bytes)} GB", token, True))
    free = " free" + (f" of {fmt.gigabytes(reading.total_bytes)}" if reading.total_bytes is not None else "")
    if width(head) + len(free) < wide:
        head = (*head, muted(free))
    start, long, floor_at, told_at = gauge_place(wide)
    if width(head) >= start:
        start = width(head) + 1
        long = max(0, min(long, told_at - start - 2))
    roomy = wide >= WIDE
    ollama = _ollama(memory)
    right = join([ollama, *_pressure(snapshot, wide)], 3) if roomy else ollama
    word, *more = _consequence(snapshot, g) or [()]
    if not roomy:
        # The gauge shrinks to 8 cells, then goes; the numbers stay.
        spare = wide - 1 - start - 2 - width(word) - (2 + width(ollama) if ollama else 0)
        long = min(long, spare) if spare >= 8 else 0
    row: list[Span] = list(head)
    if long >= 8 and reading.total_bytes:
        row += [gap(start - width(row)), *gauge(
            reading.total_bytes, reading.available_bytes, memory.floor_bytes, long, memory.level, g
        )]  # fmt: skip
    if roomy:
        row += [gap(floor_at - width(row)), muted("floor "), strong(fmt.gigabytes(memory.floor_bytes))]
        row += [gap(told_at - width(row))]
    else:
        row += [gap(2)]
    room = wide - 1 - width(row)
    whole = width((*word, *(span for part in more for span in part)))
    while roomy and width(right) > width(ollama) and whole + 3 + width(right) > room:
        right = right[: -_last_fact(right)]
    if right and width(right) + (width(word) + 2 if word else 0) > room:
        right = ()
    left_room = room - (width(right) + 2 if right else 0)
    told = word
    for part in more:
        if width(told) + width(part) <= left_room:
            told = (*told, *part)
    told = cut(told, max(left_room, 0), g.ellipsis)
    row += spread(told, right, room, g.ellipsis) if right else told
    return fit(tuple(row), wide, g.ellipsis)


def _last_fact(row: Row) -> int:
    """Count the spans of the last fact of joined ones, its gap included."""
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
        how = "" if budget.worker_measured else " assumed"
        parts.append((muted("need/worker "), strong(f"{fmt.gigabytes(budget.worker_bytes)} GB"), muted(how)))
    return parts


def _consequence(snapshot: Snapshot, g: Glyphs) -> list[Row]:
    """Say what memory leads to, the worst first: a kill, a forecast, below the floor, stable. Later parts may go."""
    memory = snapshot.memory
    token = LEVELS[memory.level][1]
    watch: list[Row] = [(muted(", "), strong("watch on"))] if memory.watch_armed else []
    if memory.oom_kills_in_run:
        victims: Row = (
            (Span(f" of {g.text(', '.join(memory.oom_victims))}", "crit", True),) if memory.oom_victims else ()
        )
        return [(Span(f"OOM kill {memory.oom_kills_in_run}", "crit", True),), victims, *watch]
    if memory.forecast is not None:
        calm = memory.level == "ok"
        return [(Span(g.text(memory.forecast.text), "muted" if calm else token, not calm),), *watch]
    if memory.below_floor_since_t is not None:
        return [(Span(f"below floor {fmt.age(snapshot.t - memory.below_floor_since_t)}", token, True),), *watch]
    if memory.above_floor_since_t is not None:
        stable = any(node.id == "memory" and node.answer == "yes" for node in snapshot.verdict.nodes)
        word = "stable" if stable else f"above floor {fmt.age(snapshot.t - memory.above_floor_since_t)}"
        low: Row = ()
        if memory.min_available_bytes is not None:
            low = (muted(", lowest "), strong(fmt.gigabytes(memory.min_available_bytes)))
        return [(muted(word),), low, *watch]
    return [(strong("watch on"),)] if memory.watch_armed else []


def gate_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 4: the six checks, their sum in words, when gameplay is due, and how many workers fit."""
    g, wide, gate = frame.glyphs, frame.width, snapshot.gate
    head: Row = _label("GATE")
    total = len(gate.checks)
    if total and total * 2 <= max(12, wide // 4):
        for i, check in enumerate(gate.checks):
            head = (*head, *((gap(1),) if i else ()), mark(g.check(check.result), CHECK_TOKENS[check.result]))
        head = (*head, gap(3 if wide >= WIDE else 2))
    failed, passed = gate.count("FAIL"), gate.count("PASS")
    unknown, skipped = gate.count("UNKNOWN"), gate.count("SKIPPED")
    said: list[Span] = []
    if gate.began_t is None:
        said = [muted("starts when every worker answers")]
    else:
        if failed:
            said.append(Span(f"{failed}/{total} FAIL", "crit", True))
        if passed or not failed:
            said += [muted(", ")] * bool(said) + [strong(f"{passed}/{total}"), muted(" passed")]
        if unknown:
            said += [muted(", "), Span(f"{unknown}", "strong"), muted(" unknown")]
        said += [muted(", "), Span(str(skipped), "strong" if skipped else "muted"), muted(" skipped")]
    fits: Row = ()
    budget = snapshot.memory.budget
    if budget is not None:
        name = "worker" if budget.fits == 1 else "workers"
        fits = (muted("fits "), strong(str(max(0, budget.fits))), text(f" {name}"))
    due: Row = ()
    if gate.gameplay_by_t is not None:
        due = (muted("gameplay by "), strong(fmt.elapsed(gate.gameplay_by_t - snapshot.run.started_at)))
    coming = next((check.due_t for check in gate.checks if check.result == "TO COME"), None)
    soon: Row = ()
    if coming is not None and gate.began_t is not None:
        soon = (muted("next check in "), strong(fmt.minutes(max(0.0, coming - snapshot.t))))
    row: Row = (*head, *said)
    if wide >= WIDE:
        floor_at = gauge_place(wide)[2]
        due_at = 70 - width(due)
        if due and width(row) + 2 <= due_at:
            row = (*row, gap(due_at - width(row)), *due)
        if soon and width(row) + 2 <= floor_at:
            row = (*row, gap(floor_at - width(row)), *soon)
        return (*spread(row, fits, wide - 1, g.ellipsis), gap(1))
    end = facts([soon or due, fits], max(0, wide - 3 - width(row)), 2)
    return fit((*spread(row, end, wide - 1, g.ellipsis), gap(1)), wide, g.ellipsis)


def next_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 5: what to do now, with the keys that do it; nothing when there is nothing to do."""
    steps = snapshot.verdict.next_steps
    if not steps:
        return ()
    g = frame.glyphs
    far = 3 if frame.width >= WIDE else 2
    row: list[Span] = list(_label("NEXT"))
    for i, step in enumerate(steps):
        if i:
            row += [gap(far), muted(step.join or "then"), gap(far)]
        if step.key and has(frame, step.key):
            row += [Span(step.key, "accent", True), gap(1)]
        row.append(text(g.text(step.text)))
    return fit(tuple(row), frame.width, g.ellipsis)


_STEP_MARKS = {
    "waiting": ("to_come", "muted"), "running": ("unknown", "unknown"), "done": ("go", "ok"),
    "failed": ("stop", "crit"), "skipped": ("skipped", "muted"),
}  # fmt: skip


def doing_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 5 while an action on the pool is in progress: its steps. Nothing when none is."""
    operation = snapshot.pool.operation
    if operation is None or operation.ended_at is not None:
        return ()
    g = frame.glyphs
    row: list[Span] = [*_label("DOING"), strong(g.text(operation.action), True)]
    parts: list[Row] = []
    for step in operation.steps:
        name, token = _STEP_MARKS[step.state]
        active = step.state in ("running", "failed")
        detail = f" {g.text(step.detail)}" if step.detail and active else ""
        parts.append((
            mark(str(getattr(g, name)), token), gap(1),
            Span(g.text(step.name), "text" if active else "muted"), Span(detail, "strong"),
        ))  # fmt: skip
    row += [gap(3), *join(parts, 2)] if parts else []
    return fit(tuple(row), frame.width, g.ellipsis)
