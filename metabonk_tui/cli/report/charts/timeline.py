"""Draws the overview of a run on one time axis: verdicts, checks, events, and each worker with its restarts."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.cli.report.charts.canvas import ChartFrame, gaps, joined, refs, spans, time_axis
from metabonk_tui.cli.report.charts.svg import drawing, label, tag, titled
from metabonk_tui.core.model.event import EventKind, without_duplicates
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import CheckResult, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.timeline import TimelinePoint
from metabonk_tui.core.text.numbers import elapsed

RIBBON, CHECKS, UP, LANE = 30.0, 24.0, 14.0, 14.0
SPACE = 12.0
WORKERS_DRAWN = 16
EVENTS_DRAWN = 400
LETTER = 7.4
"""The approximate width of a letter in the ribbon, in px."""


def timeline(frame: ChartFrame) -> str:
    lanes = refs(frame)[:WORKERS_DRAWN]
    top = 8.0
    checks_y = top + RIBBON + SPACE
    events_y = checks_y + (CHECKS if _judged(frame) else 0)
    lanes_y = events_y + 24
    more = len(refs(frame)) - len(lanes)
    bottom = lanes_y + len(lanes) * LANE + (LANE if more else 4)
    height = bottom + 26
    parts = [
        *time_axis(frame, top, bottom),
        *gaps(frame, top, bottom, named=True),
        *_ribbon(frame, top),
        *_checks(frame, checks_y),
        *_events(frame, events_y),
        *_lanes(frame, lanes, lanes_y),
        label(frame.left - 8, bottom - 3, f"{more} more", "label muted", "end") if more else "",
    ]
    words = ", ".join(f"{word.value} from {elapsed(t - frame.start_t)}" for t, word, _ in frame.history.verdicts[:8])
    about = f"Verdicts: {words}. {_check_words(frame)}"
    return drawing(f"{frame.id}-timeline", frame.width, height, "The run at a glance", about, joined(parts))


def legend_signs(frame: ChartFrame) -> list[str]:
    """Return the legend texts of the marks that occur."""
    results = {check.result for check in frame.history.last.gate.checks}
    loud = {event.severity for event in without_duplicates(frame.history.events) if event.kind != EventKind.CHECK}
    restarts = any(worker.resets_t for worker in frame.history.last.workers)
    every = (
        ("■ check failed", "FAIL" in results),
        ("● check passed", "PASS" in results),
        ("○ check unknown", "UNKNOWN" in results),
        ("– check skipped", "SKIPPED" in results),
        ("▲ critical", "crit" in loud),
        ("╷ warning", "warn" in loud),
        ("┃ a worker began anew", restarts),
    )
    return [text for text, there in every if there]


def _ribbon(frame: ChartFrame, top: float) -> Iterator[str]:
    yield label(frame.left - 8, top + RIBBON / 2 + 4, "verdict", "label", "end")
    changes = frame.history.verdicts
    for place, (t, word, because) in enumerate(changes):
        until_t = changes[place + 1][0] if place + 1 < len(changes) else frame.history.last.t
        why = f"{word.value} since {elapsed(t - frame.start_t)}" + (f": {because[0]}" if because else "")
        pieces = [
            (frame.x(a), frame.x(b)) for a, b in frame.watched(max(t - frame.start_t, 0.0), until_t - frame.start_t)
        ]
        boxes = [
            tag("rect", x=a, y=top, width=max(b - a, 2.0), height=RIBBON, class_=f"ribbon {word.level}")
            for a, b in pieces
        ]
        if pieces:
            a, b = max(pieces, key=lambda piece: piece[1] - piece[0])
            name = _fitting(word, b - a)
            middle = label((a + b) / 2, top + RIBBON / 2 + 4.5, name, f"on {word.level}", "middle") if name else ""
            yield tag("g", titled(why), *boxes, middle)


def _fitting(word: VerdictKind, width: float) -> str:
    return next((text for text in (word.value, word.value.split()[0]) if len(text) * LETTER + 10 <= width), "")


def _judged(frame: ChartFrame) -> bool:
    return bool(frame.history.last.gate.checks)


def _checks(frame: ChartFrame, y: float) -> Iterator[str]:
    """Draw each check result in its own shape: colour alone would exclude some readers."""
    if not _judged(frame):
        return
    yield label(frame.left - 8, y + 9, "checks", "label", "end")
    for check in frame.history.last.gate.checks:
        if check.result == "TO COME" or check.due_t > frame.history.last.t:
            continue
        x, at = frame.at(check.due_t), y + 5
        shape = _shape(check.result, x, at)
        note = f"check {check.n} {check.result} at {elapsed(check.due_t - frame.start_t)}: {check.because}"
        yield tag("g", titled(note), shape)


def _shape(result: CheckResult, x: float, y: float) -> str:
    if result == "PASS":
        return tag("circle", cx=x, cy=y, r=5.0, class_="fill go")
    if result == "FAIL":
        return tag("rect", x=x - 5, y=y - 5, width=10.0, height=10.0, class_="fill stop")
    if result == "UNKNOWN":
        return tag("circle", cx=x, cy=y, r=4.5, class_="open unknown")
    return tag("path", d=f"M{x - 5:.1f} {y:.1f}h10", class_="open unknown")


def _check_words(frame: ChartFrame) -> str:
    done = [check for check in frame.history.last.gate.checks if check.result != "TO COME"]
    if not done:
        return "No check of the gate came due."
    return "Checks: " + ", ".join(f"{check.n} {check.result}" for check in done) + "."


def _events(frame: ChartFrame, y: float) -> Iterator[str]:
    """Draw a triangle per critical event and a short stroke per warning."""
    yield label(frame.left - 8, y + 13, "events", "label", "end")
    loud = [event for event in without_duplicates(frame.history.events) if event.severity in ("warn", "crit")]
    loud = [event for event in loud if event.kind != EventKind.CHECK]
    for event in loud[-EVENTS_DRAWN:]:
        at_s = event.t - frame.start_t
        if not 0 <= at_s <= frame.timeline.duration_s:
            continue
        x, note = frame.x(at_s), titled(f"{elapsed(at_s)} {event.kind}: {event.text}")
        if event.severity == "crit":
            shape = tag("path", d=f"M{x:.1f} {y + 3:.1f}l5.5 10h-11z", class_="fill stop")
        else:
            shape = tag("path", d=f"M{x:.1f} {y + 4:.1f}v9", class_="open caution")
        yield tag("g", note, shape)


def _lanes(frame: ChartFrame, lanes: list[WorkerRef], y: float) -> Iterator[str]:
    """Draw for each worker when it answered and when it restarted."""
    for place, ref in enumerate(lanes):
        at = y + place * LANE
        yield label(frame.left - 8, at + 9.5, ref.label, "label", "end")

        def reach(point: TimelinePoint, ref: WorkerRef = ref) -> str | None:
            worker = point.workers.get(ref)
            return None if worker is None or worker.reach is Reach.UNOBSERVED else worker.reach.value

        for from_s, to_s, word in spans(frame, reach):
            x, width = frame.x(from_s), max(frame.x(to_s) - frame.x(from_s), 1.5)
            note = titled(f"{ref.label} {word} from {elapsed(from_s)} to {elapsed(to_s)}")
            look = {"up": "lane up", "starting": "lane starting"}.get(word, "lane lost")
            yield tag("g", note, tag("rect", x=x, y=at + 3, width=width, height=LANE - 6, class_=look))
        view = next((worker for worker in frame.history.last.workers if worker.ref == ref), None)
        for t in view.resets_t if view is not None else ():
            x = frame.at(t)
            note = titled(f"{ref.label} began anew at {elapsed(t - frame.start_t)}")
            yield tag("g", note, tag("path", d=f"M{x:.1f} {at:.1f}v{LANE:.0f}", class_="reset"))
