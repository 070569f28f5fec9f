"""Draws the number of firing alerts for the header, and the table of alerts: firing, pending, ended.

Does not: judge. State, severity and text come with the Snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.alert import Alert, AlertState
from metabonk_tui.core.model.level_names import AlertSeverity
from metabonk_tui.core.model.refs import worker_names
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import SIDE_ROWS
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, clip, cut, fit, gap, left, mark, on_row, right, spread, width
from metabonk_tui.ui.views.layout.section import has_hint, key_now, muted, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text

SECTIONS: tuple[tuple[AlertState, str], ...] = (("firing", "FIRING"), ("pending", "PENDING"), ("resolved", "ENDED"))
NAME, WORKERS, SINCE, LASTS, TIMES, SEEN = 17, 13, 9, 8, 5, 15
VALUE, RANGE = 10, 19
NAME_COLUMN = 11
"""The column where names begin."""
NARROW = 42
"""Below this width the columns behind the name have no room."""
ONE_LINE = 150
"""From this width on an alert is one row."""


def alert_count(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw how many alerts fire, and the key that shows them; empty when only "info" alerts fire."""
    firing = [alert for alert in snapshot.alerts if alert.state == "firing" and alert.severity != "info"]
    if not firing:
        return ()
    unacknowledged = [alert for alert in firing if alert.acknowledged is None]
    loudest: AlertSeverity = "crit" if any(alert.severity == "crit" for alert in unacknowledged or firing) else "warn"
    shape, token = frame.glyphs.level(loudest), level_token(loudest)
    head: Row = (mark(shape, token if unacknowledged else "muted"), gap(1))
    head = (
        *head,
        Span(str(len(unacknowledged or firing)), token, True) if unacknowledged else muted(str(len(firing))),
    )
    if frame.width < 60:
        return head
    return (*head, gap(1), strong(key_now(frame, "!"), True), muted(" alerts" if unacknowledged else " seen"))


def alert_rows(frame: Frame, snapshot: Snapshot) -> tuple[tuple[Row, ...], tuple[int, int] | None]:
    """Draw everything below the header; also return the rows (first, last + 1) of the selected alert."""
    wide = max(10, frame.width - 2)
    # In a short pane the row of an alert is worth more than the names of its columns.
    rows: list[Row] = [_heads(wide, frame.glyphs)] if frame.height >= SIDE_ROWS else []
    shown: tuple[int, int] | None = None
    for state, name in SECTIONS:
        group = [alert for alert in snapshot.alerts if alert.state == state]
        if not group and state != "firing":
            continue
        end = (
            (strong(key_now(frame, "u"), True), muted(" all seen"))
            if state == "firing" and has_hint(frame, "u")
            else ()
        )
        rows += [
            *((EMPTY,) if len(rows) > 1 else ()),
            title(name, wide, frame.glyphs, _note(group, state), end, focused=state == "firing"),
        ]
        if not group:
            rows.append((gap(2), muted("none: no condition has lasted long enough")))
        for alert in group:
            selected = alert == frame.alert
            drawn = _alert(frame, snapshot, alert, wide)
            if selected:
                # For the first alert the heads and the section's title stay visible too.
                shown = (0 if alert is snapshot.alerts[0] else len(rows), len(rows) + len(drawn))
                drawn = [on_row(fit(row, wide, frame.glyphs.ellipsis), "select") for row in drawn]
            rows += drawn
    return tuple((gap(1), *cut(row, wide, frame.glyphs.ellipsis)) for row in rows), shown


def _note(group: Sequence[Alert], state: AlertState) -> Row:
    if not group:
        return ()
    if state != "firing":
        return (muted("true now, not for long enough yet" if state == "pending" else "newest first"),)
    unacknowledged = sum(alert.acknowledged is None for alert in group)
    return (strong(str(unacknowledged)), muted(" not seen")) if unacknowledged else (muted("all seen"),)


def _heads(wide: int, g: Glyphs) -> Row:
    if wide < NARROW:
        return fit((gap(4), muted("ALERT, WORKERS"), gap(max(1, wide - 23)), muted("LASTS")), wide, g.ellipsis)
    row: list[Span] = [
        gap(NAME_COLUMN - 1),
        muted("ALERT".ljust(NAME) + "WORKERS".ljust(WORKERS) + "SINCE".ljust(SINCE)),
    ]
    row.append(muted("LASTS".rjust(LASTS - 2) + "  "))
    if wide >= ONE_LINE:
        row.append(muted("".ljust(TIMES) + "NOW".rjust(VALUE - 2) + "  " + "LOWEST TO HIGHEST".ljust(RANGE)))
    return fit(tuple(row), wide, g.ellipsis)


def _alert(frame: Frame, snapshot: Snapshot, alert: Alert, wide: int) -> list[Row]:
    g = frame.glyphs
    glyph, token = g.level(alert.severity), level_token(alert.severity)
    firing = alert.state == "firing"
    loud = token if firing and alert.severity != "info" else "muted"
    selected = alert == frame.alert
    head: Row = (
        mark(g.cursor, "accent") if selected else gap(1),
        gap(1),
        mark(glyph, loud),
        gap(1),
        left(alert.severity, 6, loud, firing),
        left(alert.name, NAME, "strong" if firing else "text", firing and alert.acknowledged is None),
        left(_workers(alert, snapshot, g), WORKERS, "text"),
        left(fmt.clock(alert.since_t, frame.zone), SINCE, "text"),
        right(fmt.age(max(0.0, alert.duration_s(snapshot.t))), LASTS - 2, "strong" if firing else "text"),
        gap(2),
        left(f"{g.times}{alert.times}" if alert.times > 1 else "", TIMES, "warn"),
    )
    alert_text = g.text(alert.text)
    if wide < NARROW:
        return _narrow(alert, head[:4], alert_text, snapshot, wide, g)
    if wide >= ONE_LINE:
        now, extremes = _now(alert), _range(alert)
        more: Row = (right(now, VALUE - 2, "strong"), gap(2), left(extremes, RANGE, "text"))
        room = wide - SEEN - 2 - NAME_COLUMN + 1 - NAME - WORKERS - SINCE - LASTS - TIMES - VALUE - RANGE
        row = (*head, *more, left(clip(alert_text, room - 2, g.ellipsis), room, "text"))
        return [fit((*fit(row, wide - SEEN, g.ellipsis), *_seen(frame, alert)), wide, g.ellipsis)]
    first = fit((*head, *_seen(frame, alert)), wide, g.ellipsis)
    # The alert's text contains its number, except for a rate.
    parts = [f"now {_now(alert)}" if firing and alert.unit == "per s" else "", _range(alert)]
    measured = ", ".join(part for part in parts if part)
    tail = f" {g.dot} {measured}" if measured else ""
    indent = NAME_COLUMN - 1 if wide >= 60 else 4
    body = clip(alert_text, max(0, wide - indent - len(tail)), g.ellipsis)
    return [first, (gap(indent), text(body), muted(tail))]


def _narrow(alert: Alert, lead: Row, alert_text: str, snapshot: Snapshot, wide: int, g: Glyphs) -> list[Row]:
    """Draw an alert in a side pane: its name and since when, then on whom and what."""
    firing = alert.state == "firing"
    name = Span(alert.name, "strong" if firing else "text", firing and alert.acknowledged is None)
    lasts: Row = (strong(fmt.age(max(0.0, alert.duration_s(snapshot.t)))),)
    who = _workers(alert, snapshot, g)
    body: Row = (gap(4), *((strong(who), gap(1)) if who else ()))
    said = alert_text or (f"now {_now(alert)}" if alert.value is not None else "")
    second = (*body, text(clip(said, max(0, wide - width(body)), g.ellipsis)))
    return [spread((*lead, name), lasts, wide, g.ellipsis), second]


def _seen(frame: Frame, alert: Alert) -> Row:
    if alert.acknowledged is not None:
        when = fmt.clock(alert.acknowledged.t, frame.zone, with_seconds=False)
        return (left(f"seen {when} {alert.acknowledged.by}", SEEN, "muted"),)
    return (left("not seen", SEEN, "strong") if alert.state == "firing" else gap(SEEN),)


def _workers(alert: Alert, snapshot: Snapshot, g: Glyphs) -> str:
    if not alert.workers:
        return ""
    if len(alert.workers) == len(snapshot.workers) > 1:
        return f"all {len(alert.workers)}"
    return clip(worker_names(alert.workers, None), WORKERS - 2, g.ellipsis)


def _measure(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1e9:.2f} GB"
    return fmt.age(value) if unit == "s" else f"{fmt.per_second(value)}/s"


def _now(alert: Alert) -> str:
    return _measure(alert.value, alert.unit) if alert.value is not None and alert.state != "resolved" else ""


def _range(alert: Alert) -> str:
    if alert.least is None or alert.most is None:
        return ""
    least, most = _measure(alert.least, alert.unit), _measure(alert.most, alert.unit)
    if least == most:
        return least if alert.state == "resolved" else ""
    return f"{least.removesuffix(' GB').removesuffix('/s')} to {most}"
