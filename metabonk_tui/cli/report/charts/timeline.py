"""The run at a glance: verdict, checks, workers up, their generations and what happened, all over one time."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.cli.report.charts.canvas import Canvas, gaps, joined, slots, spans, time_axis
from metabonk_tui.cli.report.charts.svg import drawing, label, tag, titled
from metabonk_tui.core.model.event import without_twins
from metabonk_tui.core.model.snapshot import CheckResult, Word
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.timeline import Moment
from metabonk_tui.core.text.numbers import elapsed

RIBBON, CHECKS, UP, LANE = 30.0, 24.0, 14.0, 14.0
SPACE = 12.0
WORKERS_DRAWN = 16
EVENTS_DRAWN = 400
LETTER = 7.4
"""About the width of a letter in the ribbon."""


def timeline(on: Canvas) -> str:
    """Draw it."""
    lanes = slots(on)[:WORKERS_DRAWN]
    top = 8.0
    checks_y = top + RIBBON + SPACE
    events_y = checks_y + (CHECKS if _judged(on) else 0)
    lanes_y = events_y + 24
    more = len(slots(on)) - len(lanes)
    bottom = lanes_y + len(lanes) * LANE + (LANE if more else 4)
    height = bottom + 26
    parts = [
        *time_axis(on, top, bottom),
        *gaps(on, top, bottom, named=True),
        *_ribbon(on, top),
        *_checks(on, checks_y),
        *_events(on, events_y),
        *_lanes(on, lanes, lanes_y),
        label(on.left - 8, bottom - 3, f"{more} more", "label muted", "end") if more else "",
    ]
    words = ", ".join(f"{word.value} from {elapsed(t - on.start_t)}" for t, word, _ in on.one.verdicts[:8])
    about = f"Verdicts: {words}. {_check_words(on)}"
    return drawing(f"{on.id}-timeline", on.width, height, "The run at a glance", about, joined(parts))


def signs(on: Canvas) -> list[str]:
    """Say what the marks mean that are drawn."""
    results = {check.result for check in on.one.last.gate.checks}
    loud = {event.severity for event in without_twins(on.one.events) if event.kind != "check"}
    restarts = any(worker.resets_t for worker in on.one.last.workers)
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


def _ribbon(on: Canvas, top: float) -> Iterator[str]:
    yield label(on.left - 8, top + RIBBON / 2 + 4, "verdict", "label", "end")
    changes = on.one.verdicts
    for place, (t, word, because) in enumerate(changes):
        until_t = changes[place + 1][0] if place + 1 < len(changes) else on.one.last.t
        why = f"{word.value} since {elapsed(t - on.start_t)}" + (f": {because[0]}" if because else "")
        pieces = [(on.x(a), on.x(b)) for a, b in on.watched(max(t - on.start_t, 0.0), until_t - on.start_t)]
        boxes = [
            tag("rect", x=a, y=top, width=max(b - a, 2.0), height=RIBBON, class_=f"ribbon {word.level}")
            for a, b in pieces
        ]
        if pieces:
            a, b = max(pieces, key=lambda piece: piece[1] - piece[0])
            name = _fitting(word, b - a)
            middle = label((a + b) / 2, top + RIBBON / 2 + 4.5, name, f"on {word.level}", "middle") if name else ""
            yield tag("g", titled(why), *boxes, middle)


def _fitting(word: Word, width: float) -> str:
    return next((text for text in (word.value, word.value.split()[0]) if len(text) * LETTER + 10 <= width), "")


def _judged(on: Canvas) -> bool:
    return bool(on.one.last.gate.checks)


def _checks(on: Canvas, y: float) -> Iterator[str]:
    """Draw each check as a shape of its own: a result is never told by colour alone."""
    if not _judged(on):
        return
    yield label(on.left - 8, y + 9, "checks", "label", "end")
    for check in on.one.last.gate.checks:
        if check.result == "TO COME" or check.due_t > on.one.last.t:
            continue
        x, at = on.at(check.due_t), y + 5
        shape = _shape(check.result, x, at)
        note = f"check {check.n} {check.result} at {elapsed(check.due_t - on.start_t)}: {check.because}"
        yield tag("g", titled(note), shape)


def _shape(result: CheckResult, x: float, y: float) -> str:
    if result == "PASS":
        return tag("circle", cx=x, cy=y, r=5.0, class_="fill go")
    if result == "FAIL":
        return tag("rect", x=x - 5, y=y - 5, width=10.0, height=10.0, class_="fill stop")
    if result == "UNKNOWN":
        return tag("circle", cx=x, cy=y, r=4.5, class_="open unknown")
    return tag("path", d=f"M{x - 5:.1f} {y:.1f}h10", class_="open unknown")


def _check_words(on: Canvas) -> str:
    done = [check for check in on.one.last.gate.checks if check.result != "TO COME"]
    if not done:
        return "No check of the gate came due."
    return "Checks: " + ", ".join(f"{check.n} {check.result}" for check in done) + "."


def _events(on: Canvas, y: float) -> Iterator[str]:
    """Draw what was alarming: a triangle for what is critical, a short stroke for a warning."""
    yield label(on.left - 8, y + 13, "events", "label", "end")
    loud = [event for event in without_twins(on.one.events) if event.severity in ("warn", "crit")]
    loud = [event for event in loud if event.kind != "check"]
    for event in loud[-EVENTS_DRAWN:]:
        at_s = event.t - on.start_t
        if not 0 <= at_s <= on.digest.duration_s:
            continue
        x, note = on.x(at_s), titled(f"{elapsed(at_s)} {event.kind}: {event.text}")
        if event.severity == "crit":
            shape = tag("path", d=f"M{x:.1f} {y + 3:.1f}l5.5 10h-11z", class_="fill stop")
        else:
            shape = tag("path", d=f"M{x:.1f} {y + 4:.1f}v9", class_="open caution")
        yield tag("g", note, shape)


def _lanes(on: Canvas, lanes: list[int], y: float) -> Iterator[str]:
    """Draw for each worker when it answered, and where it began anew."""
    for place, slot in enumerate(lanes):
        at = y + place * LANE
        yield label(on.left - 8, at + 9.5, f"w{slot}", "label", "end")

        def reach(moment: Moment, slot: int = slot) -> str | None:
            worker = moment.workers.get(slot)
            return None if worker is None or worker.reach is Reach.UNOBSERVED else worker.reach.value

        for from_s, to_s, word in spans(on, reach):
            x, width = on.x(from_s), max(on.x(to_s) - on.x(from_s), 1.5)
            note = titled(f"w{slot} {word} from {elapsed(from_s)} to {elapsed(to_s)}")
            look = {"up": "lane up", "starting": "lane starting"}.get(word, "lane lost")
            yield tag("g", note, tag("rect", x=x, y=at + 3, width=width, height=LANE - 6, class_=look))
        view = next((worker for worker in on.one.last.workers if worker.slot == slot), None)
        for t in view.resets_t if view is not None else ():
            x = on.at(t)
            note = titled(f"w{slot} began anew at {elapsed(t - on.start_t)}")
            yield tag("g", note, tag("path", d=f"M{x:.1f} {at:.1f}v{LANE:.0f}", class_="reset"))
