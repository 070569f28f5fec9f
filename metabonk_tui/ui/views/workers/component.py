"""Writes one component of one worker: its names, glyph, value, change, state, and what is expected of it.

Does not: place these. A missing value is an empty text, never a zero.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from metabonk_tui.core.config.schema import ComponentConfig, Motion
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs
from metabonk_tui.ui.style.spans import Span, mark
from metabonk_tui.ui.views.layout.highlight import NEW_POLLS, RECENT_S, freshen, worker_freshness

S = ComponentState
NEAR_SHARE = 0.5
"""A range is declared for one time of the run; further from it than this share, no value is high or low."""
LOUD = (S.ABSENT, S.DOWN, S.BAD)


def state_mark(part: ComponentView, glyphs: Glyphs, quiet: bool = False) -> Span:
    """Draw the state's glyph; `quiet` is for dense grids."""
    token = word_token(part) if part.state is S.STALLED else STATE_TOKENS[part.state]
    if quiet and part.state is S.ACTIVE:
        token = "okdim"
    return mark(glyphs.state(part.state), token, part.state in LOUD)


def value_text(part: ComponentView, cells: int) -> str:
    """Return the value; the last one when stale or down; "" when there is none."""
    value = part.shown_value
    if value is None and part.state in (S.STALE, S.DOWN):
        value = part.last_value
    if part.state is S.BAD:
        return part.bad.text[:cells] if part.bad else ""
    return "" if value is None else fmt.short(value, part.decimals, cells)


def value_token(part: ComponentView) -> str:
    """Return the token of the value: neutral, muted when it is old or zero, critical when it is bad."""
    if part.state in (S.ZERO, S.STALE, S.DOWN, S.PENDING, S.STRANGER, S.RESTING):
        return "muted"
    return "crit" if part.state is S.BAD else "strong"


def change_text(part: ComponentView, cells: int) -> str:
    """Return the change over 5 min, "?" where a part was not seen; "" unless active and observed for long enough."""
    if part.state is S.ACTIVE and part.change_unseen:
        return "not seen" if cells >= len("not seen") else "?"
    if part.state is not S.ACTIVE or part.change_5m is None:
        return ""
    text = fmt.signed(part.change_5m, part.decimals)
    return text if len(text) <= cells else fmt.signed(part.change_5m, 0)[:cells]


def state_word(part: ComponentView, snapshot: Snapshot) -> str:
    """Return the word of the state, with its age when stalled or bad; "" when active."""
    if part.state is S.ACTIVE:
        return ""
    word = STATE_WORDS[part.state]
    if part.state is S.STALLED:
        # What stands by design is not stalled.
        word = "stands" if part.stands else word
        since_t = part.last_grew_t if part.last_grew_t is not None else part.since_t
        return f"{word} {fmt.age(snapshot.t - since_t)}"
    if part.state is S.BAD:
        return f"{word} {fmt.age(snapshot.t - part.bad_since_t)}"
    if part.state is S.DOWN:
        return "last" if part.last_value is not None else word
    return "no data" if part.state is S.PENDING else word


def word_token(part: ComponentView) -> str:
    """Return the token of the state's word."""
    if part.state is S.DOWN and part.last_value is not None:
        return "muted"
    return "muted" if part.state is S.STALLED and part.stands else STATE_TOKENS[part.state]


def absent_since(part: ComponentView, zone: tzinfo) -> str:
    """Return since when a key is absent, or that it was never seen."""
    return "never seen" if part.samples_with_key == 0 else f"since {fmt.clock(part.since_t, zone, with_seconds=False)}"


def fresh_mark(part: ComponentView, worker: WorkerView, snapshot: Snapshot, motion: Motion) -> str:
    """Return "new", "recent" or "" for the state. Down and stale are marked once, on the worker."""
    if snapshot.t - part.since_t > max(RECENT_S, NEW_POLLS * snapshot.run.interval_s):
        return ""
    if part.state in (S.DOWN, S.STALE, S.PENDING, S.STRANGER):
        return ""
    return worker_freshness(part.since_t, worker, snapshot, motion)


def fresh_value(span: Span, part: ComponentView, worker: WorkerView, snapshot: Snapshot, motion: Motion) -> Span:
    """Emphasise the value, or the word in its place, when the state is new."""
    return emphasise(span, part, fresh_mark(part, worker, snapshot, motion))


def emphasise(span: Span, part: ComponentView, how: str) -> Span:
    """Emphasise the value, or the word in its place, as `fresh_mark` says."""
    return freshen(span, how, part.state in LOUD) if how and span.text.strip() else span


class DueState(NamedTuple):
    """How far the run is, for what is expected of one component."""

    in_gameplay: bool
    """Whether its worker has reached gameplay."""
    near: bool
    """Whether the time for which its range was declared is near enough to call a value high or low."""
    now: bool
    """Whether that time has come."""


def due_state(part: ComponentView, worker: WorkerView, snapshot: Snapshot) -> DueState:
    elapsed_s, by_s = snapshot.run.elapsed_s, part.expected_by_s
    return DueState(worker.gameplay.corroborated, abs(elapsed_s - by_s) <= NEAR_SHARE * by_s, elapsed_s >= by_s)


def expectation(part: ComponentView, how_far: DueState, cells: int) -> tuple[str, bool]:
    """Return the expectation in at most this many cells, and whether to emphasise it.

    A remark, not a state: "5-20", "high", "high 5-20", "low", "1+", "not due", "early".
    """
    if part.state in (S.STALE, S.DOWN, S.PENDING, S.STRANGER):
        return "", False
    wide = cells >= 14
    value = part.value
    if part.due == "gameplay" and not how_far.in_gameplay:
        if value is not None and value > 0:
            return "early", False
        return ("due after game" if wide else "not due"), False
    if part.companion is not None:
        # The range was declared for its own number.
        return (part.companion[0] if len(part.companion[0]) <= cells else ""), False
    low, high = part.expected_min, part.expected_max
    texts = [fmt.expected_range(low, high), fmt.expected_range(low, high, tight=True)]
    remark = ""
    if value is not None and how_far.near:
        if high is not None and value > high:
            remark = "high"
        elif low is not None and value < low and part.state is not S.UNPROVEN:
            remark = "low" if how_far.now else ""
    if remark:
        for text in texts:
            if wide and len(f"{remark} {text}") <= cells:
                return f"{remark} {text}", remark == "low"
        return remark, remark == "low"
    for text in texts:
        if len(text) <= cells and (wide or text != f"{fmt.number(low or 0, 0)} or more"):
            return text, False
    return "", False


def column_head(part: ComponentView, size: int, frame: Frame) -> str:
    """Return the head of a component's column: 0 short, 1 middle, 2 long; from its label where none is declared."""
    declared = _declared(part, frame)
    heads = declared.head if declared is not None else None
    name = heads[size] if heads is not None else (part.label, part.label, part.title)[size].upper()
    # A short head has no cell for a blank before the "*".
    derived = ("*" if size == 0 else " *") if part.derived else ""
    return frame.glyphs.text(name.replace("→", frame.glyphs.head_arrow)) + derived


def short_name(part: ComponentView, frame: Frame) -> str:
    """Return a name of at most 4 characters for a component."""
    declared = _declared(part, frame)
    return frame.glyphs.text(declared.short if declared and declared.short else part.label.upper()[:4].strip())


def _declared(part: ComponentView, frame: Frame) -> ComponentConfig | None:
    return next((one for one in frame.config.component if one.id == part.id), None)
