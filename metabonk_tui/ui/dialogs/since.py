"""Shows what changed since the operator last looked. Any key closes it; three keys do something besides.

Does not: find out what changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from metabonk_tui.core.model.absence import Absence, VerdictSpan, WorkerDeath
from metabonk_tui.core.recordings.seek import EventMoment, SeekTarget
from metabonk_tui.core.report.absence import cells_of
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.dialogs.base import BLANK, Dialog, DialogLine, Reply, box, inner_width, labelled
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, gap, join, mark, plain, width
from metabonk_tui.ui.views.layout.line_plot import merged
from metabonk_tui.ui.views.layout.section import has_hint, key_now, muted, paragraph, strong
from metabonk_tui.ui.views.layout.section import plain_text as text

LABEL = 12
ROOMY = 100
"""From this width on the dialog has the strip, stalls and learning."""
SHOWN = 3
"""Restarts and stalls that are named."""


class SinceDialog(Dialog):
    """What changed between the last key and now."""

    def __init__(self, absence: Absence, go: Callable[[SeekTarget], object] | None) -> None:
        """Show an absence; `go` replays a moment, None: there is no recording."""
        self.absence = absence
        self._go = go

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the box over the screen."""
        seen = self.absence
        clock = partial(fmt.clock, zone=frame.zone, with_seconds=False)
        away = fmt.age(seen.to_t - seen.from_t)
        title: Row = (
            Span("SINCE YOU LOOKED", "accent", True),
            gap(2),
            text(f"{clock(seen.from_t)} to {clock(seen.to_t)}, {away}"),
        )
        return box(rows, frame, title, self._lines(frame), self._hints(frame))

    def _hints(self, frame: Frame) -> tuple[Hint, ...]:
        hints = [Hint("any key", "closes", keep=True)]
        label = self._worst_label()
        hints += [Hint("Enter", label)] if label else []
        if self._go is not None:
            hints.append(Hint("t", f"replay from {fmt.clock(self.absence.from_t, frame.zone, with_seconds=False)}"))
        return (*hints, Hint("y", "copy"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Close; Enter opens the worst event, `t` replays, `y` copies."""
        if key == "enter":
            return self._open_worst(frame)
        if character == "t" and self._go is not None:
            self._go(EventMoment(self.absence.from_t))
            return Reply(None)
        if character == "y":
            lines = self._lines(frame)
            said = "\n".join(plain(line.row).rstrip() for line in lines if line.row)
            return Reply(None, copy=said, notice="copied what changed since you looked")
        return Reply(None)

    def _worst_death(self) -> WorkerDeath | None:
        """Return the newest death that has a page."""
        return next((each for each in reversed(self.absence.restarts) if each.death is not None), None)

    def _worst_label(self) -> str:
        death = self._worst_death()
        if death is not None:
            return f"death of {death.label}"
        if self.absence.stalls and self.absence.stalls[-1].worker is not None:
            return f"worker {self.absence.stalls[-1].worker.label}"
        is_grave = self.absence.now.level in ("caution", "stop") or self.absence.worst is not None
        return "the verdict" if is_grave else ""

    def _open_worst(self, frame: Frame) -> Reply:
        death = self._worst_death()
        if death is not None:
            return Reply(None, "obituary", replace(frame.state, death=death.death))
        if self.absence.stalls and (ref := self.absence.stalls[-1].worker) is not None:
            return Reply(None, "worker", replace(frame.state, ref=ref))
        return Reply(None, "verdict" if self._worst_label() else "")

    def _lines(self, frame: Frame) -> list[DialogLine]:
        seen, g = self.absence, frame.glyphs
        roomy = frame.width >= ROOMY
        clock = partial(fmt.clock, zone=frame.zone, with_seconds=False)
        room = inner_width(frame) - LABEL
        said = paragraph(g.text(f"{seen.title} {seen.rest}"), room)
        first = plain(said[0])
        bold: Row = (strong(seen.title, True), text(first[len(seen.title) :]))
        lines = [BLANK, DialogLine(labelled("in short", bold if first.startswith(seen.title) else said[0], frame), 9)]
        lines += [DialogLine(labelled("", row, frame), 8) for row in said[1:3]]
        for i, step in enumerate(seen.waits):
            # As in the header: only a key that works now.
            key: Row = () if step.key is None or not has_hint(frame, step.key) else (_key(frame, step.key), gap(1))
            row: Row = (muted("waits: " if i == 0 else "then: "), *key, text(g.text(step.text)))
            lines.append(DialogLine(labelled("", row, frame), 9 - i))
        if seen.new_run:
            lines.append(DialogLine(labelled("run", (text(g.text(seen.new_run)),), frame), 8))
        if roomy and seen.spans:
            lines += [BLANK, *(DialogLine(row, 2) for row in _strip(seen, room, frame))]
        lines += [BLANK, DialogLine(labelled("verdict", _verdict(seen, g, clock), frame), 9)]
        lines += _unseen(seen, frame, clock)
        if seen.restarts:
            lines += [BLANK, *_restarts(seen, frame, room)]
        if roomy and seen.stalls:
            lines += [BLANK, *_stalls(seen, frame)]
        lines += [BLANK, *_numbers(seen, frame, roomy, clock)]
        keys: list[Row] = [(Span(" any key ", "onaccent", True, "accent"), muted(" closes"))]
        keys += [(strong(hint.key, True), muted(f" {hint.label}")) for hint in self._hints(frame)[1:]]
        return [*lines, BLANK, DialogLine(join(keys, 4), 9 if frame.height > 30 else 1)]


def _key(frame: Frame, key: str) -> Span:
    return Span(key_now(frame, key), "accent", True)


def _verdict(seen: Absence, g: Glyphs, clock: Callable[[float], str]) -> Row:
    def word(span: VerdictSpan, bold: bool) -> Row:
        token = level_token(span.level)
        return (mark(g.level(span.level), token), gap(1), Span(str(span.kind), token if bold else "text", bold))

    row: Row = (*word(seen.then, False), muted(f" at {clock(seen.from_t)}"))
    row = (*row, gap(1), muted(g.arrow), gap(1), *word(seen.now, True))
    if seen.then.kind is seen.now.kind and not seen.new_run:
        changes = len(seen.spans) - 1
        row = (*word(seen.now, True), muted(" then and now" + (f", {changes} changes" if changes > 0 else "")))
    if seen.worst is not None:
        worst = seen.worst
        row = (*row, gap(3), muted("worst "), Span(str(worst.kind), level_token(worst.level), True),
               text(f" {fmt.age(worst.lasted_s)} at {clock(worst.from_t)}"))  # fmt: skip
    return row


def _unseen(seen: Absence, frame: Frame, clock: Callable[[float], str]) -> list[DialogLine]:
    """Say how long no monitor watched: silence there is no health."""
    lines = []
    if seen.gaps:
        longest = max(seen.gaps, key=lambda each: each.to_t - each.from_t)
        total = fmt.age(sum(each.to_t - each.from_t for each in seen.gaps))
        said = f"no monitor watched for {total}"
        said += (
            f", the longest {clock(longest.from_t)} to {clock(longest.to_t)}"
            if len(seen.gaps) > 1
            else (f", {clock(longest.from_t)} to {clock(longest.to_t)}")
        )
        row: Row = (mark(frame.glyphs.unobserved, "unknown"), gap(1), Span(said, "unknown"))
        lines.append(DialogLine(labelled("not seen", row, frame), 8))
    if seen.dropped:
        row = (Span(f"{seen.dropped} older events are not kept; the report has them", "unknown"),)
        lines.append(DialogLine(labelled("not kept", row, frame), 7))
    return lines


def _restarts(seen: Absence, frame: Frame, room: int) -> list[DialogLine]:
    g = frame.glyphs
    lines = []
    shown = seen.restarts[-SHOWN:]
    for i, each in enumerate(shown):
        count: Row = (strong(f"{len(seen.restarts):<4}"),) if i == 0 else (gap(4),)
        after = "" if each.up_after_s is None else f"; up again after {fmt.age(each.up_after_s)}"
        said = f" {fmt.clock(each.t, frame.zone)}  {each.cause}{after}"
        for j, row in enumerate(paragraph(g.text(said), max(10, room - 4 - cells(each.label)))):
            head: Row = (*count, strong(each.label, True), gap(1)) if j == 0 else (gap(5 + cells(each.label)),)
            name = "restarts" if i == 0 and j == 0 else ""
            lines.append(DialogLine(labelled(name, (*head, *row), frame), 7 if i == 0 else 5))
    more = len(seen.restarts) - len(shown)
    if more > 0:
        lines.append(DialogLine(labelled("", (gap(4), muted(f"{more} earlier")), frame), 4))
    return lines


def _stalls(seen: Absence, frame: Frame) -> list[DialogLine]:
    g = frame.glyphs
    lines = []
    for i, event in enumerate(seen.stalls[-SHOWN:]):
        count: Row = (strong(f"{len(seen.stalls):<4}"),) if i == 0 else (gap(4),)
        row: Row = (*count, muted(fmt.clock(event.t, frame.zone)), gap(2), text(g.text(event.text)))
        lines.append(DialogLine(labelled("stalls" if i == 0 else "", row, frame), 4))
    return lines


def _numbers(seen: Absence, frame: Frame, roomy: bool, clock: Callable[[float], str]) -> list[DialogLine]:
    """Draw memory, progress, learning and gameplay: those that have something to say."""
    g = frame.glyphs
    lines = [DialogLine(labelled("memory", _memory(seen, clock), frame), 7)]
    if seen.steps is not None:
        at_least = "at least " if seen.steps_at_least else ""
        row: Row = (muted(at_least), strong(fmt.signed(seen.steps)), muted(" steps by all workers"))
        lines.append(DialogLine(labelled("progress", row, frame), 6))
    if roomy and seen.episodes is not None and seen.episodes[0] != seen.episodes[1]:
        then, now = seen.episodes
        row = (muted("episodes "), text(str(then)), muted(f" {g.arrow} "), strong(str(now), True))
        lines.append(DialogLine(labelled("learning", row, frame), 3))
    then, now, total = seen.played
    if seen.reached or now:
        row = (text(fmt.share(then, total)), muted(f" {g.arrow} "), strong(fmt.share(now, total), True))
        when = ", ".join(f"{label} {clock(t)}" for label, t in seen.reached[:4])
        lines.append(DialogLine(labelled("gameplay", (*row, gap(3), muted(when)), frame), 6))
    return lines


def _memory(seen: Absence, clock: Callable[[float], str]) -> Row:
    if seen.lowest_bytes is None or seen.lowest_t is None:
        return (Span("not observed", "unknown"),)
    row: Row = (muted("lowest "), strong(f"{fmt.gigabytes(seen.lowest_bytes)} GB", True),
                muted(f" at {clock(seen.lowest_t)}"))  # fmt: skip
    if seen.lowest_from_t is not None:
        row = (*row, muted(f" (known since {clock(seen.lowest_from_t)})"))
    if seen.available_bytes is not None:
        row = (*row, muted(", now "), strong(f"{fmt.gigabytes(seen.available_bytes)} GB", True))
    if seen.growth_bytes is not None and seen.lowest_from_t is None:
        row = (*row, muted(f"; workers {fmt.signed(seen.growth_bytes / fmt.GB, 2)} GB"))
    return row


def _strip(seen: Absence, room: int, frame: Frame) -> list[Row]:
    """Draw the words and the deaths of the absence, from the last key at the left to now at the right."""
    g = frame.glyphs
    wide = max(20, room - 2)
    verdict: list[Span] = []
    worst: list[Span] = []
    marks = {min(wide - 1, int((t - seen.from_t) / max(seen.to_t - seen.from_t, 1e-9) * wide)): is_death
             for t, is_death in sorted(seen.marks, key=lambda each: each[1])}  # fmt: skip
    for i, level in enumerate(cells_of(seen, wide)):
        calm = mark(g.heavy, "okdim") if level else mark(g.pending, "line")
        verdict.append(calm if level is None or level == "go" else mark(g.level(level), level_token(level)))
        sign = mark(g.down, "crit") if marks.get(i) else mark(g.stalled, "warn")
        worst.append(sign if i in marks else calm)
    begin = fmt.clock(seen.from_t, frame.zone, with_seconds=False)
    end = fmt.clock(seen.to_t, frame.zone, with_seconds=False)
    axis: Row = (muted(begin), mark(g.rule * (wide - len(begin) - len(end)), "line"), strong(end, True))
    rows = [labelled("run", merged(verdict), frame)]
    rows += [labelled("worst", merged(worst), frame)] if marks else []
    return [*rows, labelled("", axis if width(axis) == wide else (), frame)]
