"""Draws the header, which every screen has: identity, verdict, memory, gate, next steps.

Values begin at column 10 at every size, so that the eye moves straight down. Does not: know the rows below.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.model.sample import OperationStep
from metabonk_tui.core.model.snapshot import NextStep, Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.verdict.next_steps import READ_REPORT
from metabonk_tui.ui.density import SIDE_CELLS, SIDE_ROWS, is_side_pane
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import CHECK_TOKENS, Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, clip, cut, fit, gap, join, mark, on_row, spread, width
from metabonk_tui.ui.views.bars.memory_row import gauge_place, memory_row
from metabonk_tui.ui.views.bars.side import short_line, tall_lines
from metabonk_tui.ui.views.bars.summary import DEMO_CELLS, evidence, mode, need_text, up_count
from metabonk_tui.ui.views.layout.section import WIDE, facts, has_hint, key_now, label, muted, paragraph, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.capacity import fits_words
from metabonk_tui.ui.views.run.alerts import alert_count

NO_CALENDAR_S = 86400.0 * 365
"""Times below this count from the start of a recording without calendar time."""
TALL_ROWS = 20
"""From this height on, a long next step takes more than one row."""
MOST_NEXT_ROWS = 4


@once_a_snapshot
def header(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the header: identity, verdict, memory, gate and next steps; in a side pane only the most important."""
    if frame.width < SIDE_CELLS:
        return tall_lines(frame, snapshot)
    if frame.height < SIDE_ROWS:
        return (short_line(frame, snapshot),)
    rows = [identity(frame, snapshot), verdict_row(frame, snapshot), memory_row(frame, snapshot)]
    doing = doing_row(frame, snapshot)
    return (
        *rows,
        gate_row(frame, snapshot),
        *([doing] if doing else next_rows(frame, snapshot)),
    )


def identity(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 1: program, run, elapsed time; at the right mode, alerts, workers up, and the clock."""
    wide = frame.width
    run = snapshot.run
    playback = frame.playback
    now_t = snapshot.t if playback is None or playback.sample_t is None else playback.t
    roomy = wide >= WIDE
    far = 3 if roomy else 2
    clock: Row = (text(fmt.clock(now_t, frame.zone)),)
    if frame.past and roomy and now_t > NO_CALENDAR_S:
        clock = (muted(fmt.day(now_t, frame.zone)), gap(1), *clock)
    lag: Row = ()
    if roomy and snapshot.lag_s is not None and not run.demo:
        lag = (muted("lag "), strong(f"{snapshot.lag_s * 1000:.0f}"), muted(" ms"))
    up: Row = up_count(snapshot, frame.glyphs) if wide >= 52 else ()
    end = join([mode(frame, snapshot), alert_count(frame, snapshot), up, lag, clock], far)
    room = wide - 2 - width(end) - 2
    name: Row = (strong("metabonk-tui", True),)
    if run.demo:
        # This place is drawn at every width, so that a demo is never taken for training.
        name = (Span(f"DEMO {frame.glyphs.text(run.demo)}" if wide >= DEMO_CELLS else "DEMO", "accent", True),)
    up_s = run.elapsed_s if snapshot.verdict.ended is not None else now_t - run.started_at
    elapsed: Row = (muted("up "), strong(fmt.elapsed(up_s))) if roomy else (strong(fmt.elapsed(up_s)),)
    pool = snapshot.pool
    read_only_note: Row = ()
    holder: Row = ()
    if frame.past:
        pass  # the monitor that controlled the pool then does not matter now
    elif frame.read_only or pool.read_only:
        read_only_note = (text("read-only"),)
    elif pool.controller == "other":
        read_only_note = (text("read-only"),)
        if pool.holder:
            holder = (muted(clip(f"controlled by {frame.glyphs.text(pool.holder)}", 48, frame.glyphs.ellipsis)),)
    generation: Row = (muted("gen "), strong(str(1 + len(snapshot.ended_runs))))
    ranked = [
        (0, name),
        (3, (muted(clip(run.name, 28, frame.glyphs.ellipsis)),)),
        (6, (muted(clip(run.profile, 20, frame.glyphs.ellipsis)),) if run.profile and roomy and not run.demo else ()),
        (5, generation),
        (2, elapsed),
        (1, read_only_note),
        (7, holder),
    ]
    while len(ranked) > 1 and width(join([part for _, part in ranked], far)) > room:
        ranked.remove(max(ranked, key=lambda pair: pair[0]))
    if not run.demo and width(name) > room:
        # A name cut to "m…" says nothing; the elapsed time may still fit.
        ranked = [(0, elapsed)] if width(elapsed) <= room else [(0, ())]
    parts = [part for _, part in ranked]
    start: Row = (*parts[0], gap(2), *join(parts[1:], far)) if len(parts) > 1 else parts[0]
    return (gap(1), *spread(cut(start, max(room, 0), frame.glyphs.ellipsis), end, wide - 2), gap(1))


def verdict_badge(frame: Frame, snapshot: Snapshot, word: str) -> Row:
    """Draw the label and a verdict's word, louder by level: coloured, a filled badge, or a badge on a filled row."""
    g, level = frame.glyphs, snapshot.verdict.level
    token, glyph = level_token(level), g.level(level)
    if level == "stop":
        return (
            gap(1), Span("VERDICT", "oncrit"), gap(1),
            Span(" ", "oncritbadge", True, "critbadge"), mark(glyph, "oncritbadge", True, "critbadge"),
            Span(f" {word} ", "oncritbadge", True, "critbadge"),
        )  # fmt: skip
    if level == "caution":
        return (*label("VERDICT")[:-1], gap(1), Span(f" {glyph} {word} ", "onwarn", True, "warnband"))
    return (*label("VERDICT"), mark(glyph, token), gap(1), Span(word, token, True), gap(1))


def verdict_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 2, louder by level: coloured word, filled badge, or the whole row filled."""
    g, verdict, wide = frame.glyphs, snapshot.verdict, frame.width
    stop = verdict.level == "stop"
    head = verdict_badge(frame, snapshot, verdict.title)
    text_token = "oncrit" if stop else "text"
    quiet = "oncrit" if stop else "muted"
    since = fmt.elapsed(verdict.since_t - snapshot.run.started_at)
    narrow = wide < 44
    lead = "" if narrow else "since "
    when: Row = (gap(1), Span(lead, quiet), Span(since, "oncrit" if stop else "strong"))
    if width(head) + width(when) > wide:
        when = ()
    end = verdict_keys(frame, snapshot)
    need = need_text(snapshot, brief=wide < WIDE)
    # How many workers need someone is never cut: the evidence gets the room that is left.
    ill: Row = (Span(f" {g.dot} ", quiet), Span(need, "oncrit" if stop else "warn", True)) if need else ()
    when = when if width(head) + width(when) + width(ill) < wide else ()
    ill = ill if width(head) + width(ill) < wide else ()
    room = wide - width(head) - width(when) - (width(end) + 2 if end else 0) - 1 - width(ill)
    gap_cells = 3 if wide >= WIDE else 2
    why = evidence(snapshot, text_token, quiet, room - gap_cells, g)
    start = (*head, *when, *((gap(gap_cells), *why) if why else ()), *ill)
    row = (*fit(start, wide - 1 - width(end), g.ellipsis), *end, gap(1))
    return on_row(fit(row, wide, g.ellipsis), "critband" if stop else "surface")


def verdict_keys(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the keys at the right of the verdict row, on its background."""
    stop = snapshot.verdict.level == "stop"
    keys: list[Row] = []
    for key, name, least in (("v", "why", 60), ("y", "copy", WIDE), ("Y", "hand over", 160)):
        if has_hint(frame, key) and frame.width >= least:
            shown = Span(key_now(frame, key), "oncrit" if stop else "strong", True)
            keys.append((shown, Span(f" {name}", "oncrit" if stop else "muted")))
    return join(keys, 2)


def _counted(snapshot: Snapshot) -> list[Row]:
    """Draw how many checks have which result, the gravest first."""
    gate = snapshot.gate
    if gate.began_t is None:
        return [(muted("starts when every worker answers"),)]
    total = len(gate.checks)
    failed, passed, partial = gate.count("FAIL"), gate.count("PASS"), gate.count("PARTIAL")
    unknown, skipped = gate.count("UNKNOWN"), gate.count("SKIPPED")
    counted: list[Row] = []
    if failed:
        counted.append((Span(f"{failed}/{total} FAIL", "crit", True),))
    if passed or not failed:
        counted.append((strong(f"{passed}/{total}"), muted(" passed")))
    if partial:
        counted.append((Span(f"{partial} PARTIAL", "warn", True),))
    if unknown:
        counted.append((strong(str(unknown)), muted(" unknown")))
    counted.append((Span(str(skipped), "strong" if skipped else "muted"), muted(" skipped")))
    return counted


def gate_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 4: the checks, their counts, when gameplay is due, and how many workers fit."""
    g, wide, gate = frame.glyphs, frame.width, snapshot.gate
    head: Row = label("GATE")
    total = len(gate.checks)
    if total and total * 2 <= max(12, wide // 4):
        for i, check in enumerate(gate.checks):
            head = (*head, *((gap(1),) if i else ()), mark(g.check(check.result), CHECK_TOKENS[check.result]))
        head = (*head, gap(3 if wide >= WIDE else 2))
    counted = _counted(snapshot)
    if gate.kind != "first":
        head = (*head, Span(gate.kind, "warn"), gap(2))
    summary: Row = ()
    for part in counted:
        longer = (*summary, muted(", "), *part) if summary else part
        if width(head) + width(longer) < wide:
            summary = longer
    fits = fits_words(snapshot, brief=wide < WIDE)
    due: Row = ()
    is_over = snapshot.verdict.ended is not None
    if gate.gameplay_by_t is not None and gate.gameplay_by_t > snapshot.t and not is_over:
        due = (muted("gameplay by "), strong(fmt.elapsed(gate.gameplay_by_t - snapshot.run.started_at)))
    coming = next((check.due_t for check in gate.checks if check.result == "TO COME"), None)
    soon: Row = ()
    if coming is not None and gate.began_t is not None and not is_over:
        soon = (muted("next check in "), strong(fmt.minutes(max(0.0, coming - snapshot.t))))
    row: Row = (*head, *summary)
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


def next_rows(frame: Frame, snapshot: Snapshot) -> list[Row]:
    """Draw row 5: the next steps with their keys; empty when there are none.

    A step without a key is a fix, which is never cut: it takes rows of its own where one row is too short. The steps
    after it take as many rows as keep each step whole, up to `MOST_NEXT_ROWS` in all.
    """
    steps = shown_steps(frame, snapshot)
    if not steps:
        return []
    row = steps_row(frame, snapshot, label("NEXT"), steps)
    is_too_wide = width(row) > frame.width - 1
    if not is_too_wide or frame.height < TALL_ROWS:
        return [fit(row, frame.width, frame.glyphs.ellipsis)]
    head: Row = label("NEXT")
    rest = list(steps)
    rows: list[Row] = []
    if not step_key(frame, steps[0]):
        command = f": {steps[0].command}" if steps[0].command and not steps[0].key else ""
        rows = paragraph(frame.glyphs.text(f"{steps[0].text}{command}"), frame.width - 1, "text", indent=head)
        rest = rest[1:]
    while rest:
        start: Row = (gap(width(head)), muted(rest[0].join or "then"), gap(1)) if rows else head
        many = len(rest)
        is_last = len(rows) >= MOST_NEXT_ROWS - 1
        while many > 1 and not is_last and width(_steps_alone(frame, start, rest[:many])) > frame.width - 1:
            many -= 1
        rows.append(_steps_alone(frame, start, rest[:many]))
        rest = rest[many:]
    if problem := _problem(frame, snapshot, steps):
        # The reason why no key works gets a row of its own before it is cut beside a step.
        longer: Row = (*rows[-1], gap(3 if frame.width >= WIDE else 2), *problem)
        if width(longer) <= frame.width - 1 or len(rows) >= MOST_NEXT_ROWS:
            rows[-1] = longer
        else:
            rows.append((gap(width(head)), *problem))
    return [fit(each, frame.width, frame.glyphs.ellipsis) for each in rows]


def shown_steps(frame: Frame, snapshot: Snapshot) -> Sequence[NextStep]:
    """Return the next steps; in a replay the report of the last run is not that of the run on screen."""
    steps = snapshot.verdict.next_steps
    if frame.mode != "replay" or READ_REPORT not in steps:
        return steps
    return [
        replace(READ_REPORT, command="metabonk-tui report NAME") if step == READ_REPORT else step for step in steps
    ]


def step_key(frame: Frame, step: NextStep) -> Row:
    """Draw the key of a step with a gap; empty where it has none that works now."""
    return (Span(key_now(frame, step.key), "accent", True), gap(1)) if step.key and has_hint(frame, step.key) else ()


def is_next_whole(frame: Frame, snapshot: Snapshot) -> bool:
    """Return whether the header has its first next step, in full."""
    steps = shown_steps(frame, snapshot)
    if not steps or is_side_pane(frame.width, frame.height) or doing_row(frame, snapshot):
        return False
    row = steps_row(frame, snapshot, label("NEXT"), steps)
    return frame.height >= TALL_ROWS or width(row) <= frame.width - 1


def steps_row(frame: Frame, snapshot: Snapshot, head: Row, steps: Sequence[NextStep]) -> Row:
    """Draw steps one after the other, with their keys and commands, and why no key works."""
    row, problem = _steps_alone(frame, head, steps), _problem(frame, snapshot, steps)
    return (*row, gap(3 if frame.width >= WIDE else 2), *problem) if problem else row


def _problem(frame: Frame, snapshot: Snapshot, steps: Sequence[NextStep]) -> Row:
    """Draw why the monitor cannot act, when a step has a key; else empty."""
    if not snapshot.pool.problem or not any([step.key for step in steps]):
        return ()
    return (mark(frame.glyphs.caution, "warn"), gap(1), text(frame.glyphs.text(snapshot.pool.problem)))


def _steps_alone(frame: Frame, head: Row, steps: Sequence[NextStep]) -> Row:
    g = frame.glyphs
    far = 3 if frame.width >= WIDE else 2
    row: list[Span] = list(head)
    for i, step in enumerate(steps):
        if i:
            row += [gap(far), muted(step.join or "then"), gap(far)]
        row += step_key(frame, step)
        row.append(text(g.text(step.text)))
        if step.command and step.key is None:
            row += [muted(": "), strong(g.text(step.command), True)]
    return tuple(row)


_STEP_MARKS = {
    "waiting": ("to_come", "muted"), "running": ("unknown", "unknown"), "done": ("go", "ok"),
    "failed": ("stop", "crit"), "skipped": ("skipped", "muted"),
}  # fmt: skip


def doing_row(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 5 while an action on the pool is in progress: its steps. Else empty."""
    operation = snapshot.pool.operation
    if operation is None or operation.ended_at is not None:
        return ()
    g = frame.glyphs
    head: Row = (*label("DOING"), strong(g.text(operation.action), True))
    steps = [(step, _step(step, g)) for step in operation.steps]
    row = join([head, join([drawn for _, drawn in steps], 2)], 3)
    if width(row) > frame.width - 1:
        # No room for all steps: the share that is done, and the current step.
        done = sum(step.state in ("done", "skipped") for step in operation.steps)
        now = [drawn for step, drawn in steps if step.state in ("running", "failed")]
        row = join([head, (strong(fmt.share(done, len(steps))), muted(" done")), *now], 2)
    return fit(row, frame.width, g.ellipsis)


def _step(step: OperationStep, g: Glyphs) -> Row:
    name, token = _STEP_MARKS[step.state]
    active = step.state in ("running", "failed")
    detail = f" {g.text(step.detail)}" if step.detail and active else ""
    glyph = mark(str(getattr(g, name)), token)
    return (glyph, gap(1), Span(g.text(step.name), "text" if active else "muted"), Span(detail, "strong"))
