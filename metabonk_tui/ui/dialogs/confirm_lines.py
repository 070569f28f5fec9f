"""Draws the question before the pool is touched: what changes, what it hits, the checks, the confirmation.

Does not: take keys or plan; `ConfirmDialog` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.launch.checklist import MIN_WORDS
from metabonk_tui.core.launch.interlock import InterlockResult, is_long
from metabonk_tui.core.model.pool import Action, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.refs import MAX_WORKERS
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.ui.dialogs.base import ASKED, BLANK, NEEDED, DialogLine, box, field, inner_width, labelled
from metabonk_tui.ui.dialogs.checklist import item_lines
from metabonk_tui.ui.dialogs.host_plans import host_lines
from metabonk_tui.ui.dialogs.memory_effect import memory_lines
from metabonk_tui.ui.dialogs.plan import hit_lines, passed_lines
from metabonk_tui.ui.dialogs.whatif import whatif_lines
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words

FIELD = 5
CANCEL = Span("  Cancel  Esc  ", "onaccent", True, "accent")
QUIET_CANCEL = Span("Cancel  Esc", "muted")
ADOPT = "adopt"
"""The word that adds the processes that a plan leaves alone."""
OTHERS = "others"
"""The word that leaves the hosts out that cannot act."""
Focus = Literal["confirm", "number", "hours", "reason"]


class Question(Struct, frozen=True):
    """An action to confirm, with a number of workers where it has one."""

    verb: str
    """"Resize": the text of the button; in upper case, of the title."""
    make: Callable[[int], Action]
    number: int | None = None
    """How many workers; None where there is no choice."""
    before: int | None = None
    """How many run now."""
    word: str = ""
    """The word to type; "" for the number."""
    fixed: bool = False
    """The number cannot be changed here."""
    timed: bool = False
    """The planned hours can be typed."""
    asks_hosts: bool = False
    """The plan comes from the agents of hosts, which may take seconds."""


class ConfirmView(Struct, frozen=True):
    """Everything the dialog shows: the question, the plan, the checks and the typed texts."""

    question: Question
    plan: Plan | None
    """What Enter would do; None while the number is not valid, or while hosts are asked."""
    is_asking: bool
    interlock: InterlockResult | None
    """None before the first check."""
    refused: str
    number: str
    hours: str
    reason: str
    typed: str
    word: str
    """The word to type to confirm; "" while the number is not valid."""
    focus: Focus
    cursor: int
    """The place of the text cursor in the field that has the focus."""
    note: str
    is_unlocked: bool
    has_previous_page: bool


def confirm_box(rows: tuple[Row, ...], frame: Frame, view: ConfirmView) -> tuple[Row, ...]:
    """Lay the dialog over a screen: memory now and after, targets, environment, commands, confirmation."""
    lines: list[DialogLine] = [BLANK]
    if view.question.number is not None and not view.question.fixed:
        change: Row = (gap(2), Span("+ -", "strong", True), Span(" or Tab, then type", "muted"))
        lines += [
            DialogLine(
                labelled("workers", (*field(view.number, FIELD, view.focus == "number", view.cursor), *change), frame),
                ASKED if view.focus == "number" else NEEDED,
            )
        ]
    workers = int(view.number) if view.number else None
    lines += _hours_lines(view, frame)
    is_short = frame.height < 30 and view.interlock is not None and bool(view.interlock.blocking)
    if not view.question.asks_hosts:
        lines += [*memory_lines(frame, view.plan.action if view.plan else None, workers), BLANK]
        if view.question.number is not None and not is_short:
            lines += [*whatif_lines(frame, workers), BLANK]
    if view.is_asking:
        lines.append(DialogLine(labelled("", (Span("asking the hosts what this would do", "muted"),), frame), NEEDED))
        lines.append(BLANK)
    elif view.plan is not None and view.plan.parts:
        lines += host_lines(view.plan, frame)
    elif view.plan is None:
        lines.append(DialogLine(labelled("", (Span(f"a number from 1 to {MAX_WORKERS}", "warn"),), frame), NEEDED))
    else:
        lines += [*hit_lines(view.plan, frame), BLANK, *passed_lines(view.plan, frame), BLANK]
    lines += [*_interlock_lines(view, frame), *_confirm_lines(view, frame), BLANK]
    hints = [Hint("Esc", "cancel", keep=True)]
    if view.question.number is not None and not view.question.fixed:
        hints += [Hint("+ -", "change"), Hint("Tab", "next")]
    if view.has_previous_page:
        hints.append(Hint("PgUp", "preflight"))
    return box(rows, frame, _title(view, frame), lines, (*hints, Hint("y", "copy commands")))


def _title(view: ConfirmView, frame: Frame) -> Row:
    q = view.question
    title = f"{q.verb.upper()} {'WORKER' if q.word and q.number is not None else 'POOL'}"
    before = _workers_before(view)
    if view.plan and isinstance(view.plan.action, StopWorker):
        what = view.plan.action.ref.label
    elif q.number is None:
        what = count_of(before, "worker") if before else ""
    elif q.asks_hosts:
        names = [part.host for part in view.plan.parts] if view.plan is not None else []
        what = f"{view.number or '?'} workers on {names[0] if len(names) == 1 else 'each host'}"
    elif before is not None and str(before) != view.number:
        what = f"{before} {frame.glyphs.arrow} {view.number or '?'} workers"
    else:
        what = f"{view.number} workers"
    return (Span(title, "accent", True), gap(2), Span(what, "accent", True))


def _workers_before(view: ConfirmView) -> int | None:
    """Return the workers that run now: those that the current plan stops; a plan without any, the first count."""
    if view.question.before is None or view.plan is None:
        return view.question.before
    return sum(target.role == "worker" for target in view.plan.hits) or view.question.before


def _hours_lines(view: ConfirmView, frame: Frame) -> list[DialogLine]:
    if not view.question.timed:
        return []
    long = is_long(float(view.hours) if view.hours else None, frame.config)
    prompt = "hours: every check below must pass" if long else "hours; empty for a short validation run"
    row: Row = (*field(view.hours, FIELD, view.focus == "hours", view.cursor), gap(2), Span(prompt, "muted"))
    return [DialogLine(labelled("for", row, frame), 7)]


def _interlock_lines(view: ConfirmView, frame: Frame) -> list[DialogLine]:
    """Draw the checks before the action, and the field for a reason where one of them blocks."""
    if view.interlock is None or not view.interlock.items:
        return []
    label = "checklist" if len(view.interlock.items) > 1 else "interlock"
    lines = item_lines(view.interlock.items, frame, label, view.interlock.blocking)
    if not view.interlock.blocking:
        return [*lines, BLANK]
    wide = max(10, inner_width(frame) - 14)
    for item in view.interlock.blocking[:1] if len(view.interlock.items) <= 2 else ():
        rest = words(item.evidence[0] if item.evidence else "", wide)
        lines += [DialogLine(labelled("", (Span(line),), frame), 8) for line in rest]
        if item.fix:
            lines.append(DialogLine(labelled("", (Span(item.fix, "muted"),), frame), 6))
    row = field(view.reason, wide, view.focus == "reason", view.cursor)
    lines.append(DialogLine(labelled("reason", row, frame), NEEDED))
    need = f"locked: type a reason of {MIN_WORDS} words or more; it is recorded"
    if view.interlock.closed:
        lines.append(DialogLine(labelled("", (Span(need, "warn"),), frame), 8))
    return [*lines, BLANK]


def _confirm_lines(view: ConfirmView, frame: Frame) -> list[DialogLine]:
    why = view.refused or (view.plan.refusal if view.plan else "")
    if not why and view.plan is not None and view.plan.mode == "noop":
        why = ": ".join(("nothing to do", *view.plan.warnings[:1]))
    if not why and view.plan is not None and view.plan.mode == "refused":
        why = "this cannot be done"
    if why:
        lead: Row = (mark(frame.glyphs.stop, "crit"), gap(1))
        lines = [
            DialogLine(
                labelled("" if i else "refused", (*((gap(2),) if i else lead), Span(line)), frame),
                NEEDED if i else ASKED,
            )
            for i, line in enumerate(words(why, inner_width(frame) - 14))
        ]
        lines += [*_adopt_lines(view, frame), *_others_lines(view, frame)]
        return [*lines, BLANK, DialogLine(labelled("", (CANCEL,), frame), NEEDED)]
    entry = field(view.typed, FIELD + 3, view.focus == "confirm", view.cursor)
    prompt: Row = (
        Span("type ", "text"),
        Span(view.word or "a number", "strong", True),
        Span(" and press Enter  "),
    )
    # Below 50 cells the row is cut at the right: the input stands first, so that it stays visible.
    row = (*prompt, *entry) if inner_width(frame) >= 50 else (*entry, gap(1), *prompt)
    lines = [DialogLine(labelled("confirm", row, frame), ASKED)]
    if view.note:
        lines.append(DialogLine(labelled("", (Span(view.note, "warn"),), frame), 8))
    return [*lines, *_adopt_lines(view, frame), BLANK, DialogLine(labelled("", _buttons(view, frame), frame), NEEDED)]


def _adopt_lines(view: ConfirmView, frame: Frame) -> list[DialogLine]:
    """Draw how the processes that the plan leaves alone are added to it."""
    plan = view.plan
    if plan is None or not isinstance(plan.action, Stop | Resize | Restart):
        return []
    count = sum(stranger.adoptable for stranger in plan.strangers)
    if not count:
        return []
    what = "it" if count == 1 else "them"
    row: Row = (
        Span(f"{count} left alone; ", "muted"),
        Span(f"type {ADOPT}", "strong"),
        Span(f" and press Enter to stop {what} as well", "muted"),
    )
    return [DialogLine(labelled("", row, frame), 8)]


def _others_lines(view: ConfirmView, frame: Frame) -> list[DialogLine]:
    """Draw how the hosts that can act are chosen, where others cannot."""
    if view.plan is None or not view.plan.able:
        return []
    names = cut_list(view.plan.able, 3)
    row: Row = (
        Span("type ", "muted"),
        Span(OTHERS, "strong", True),
        Span(f" and press Enter to act on {names} only  ", "muted"),
    )
    entry = field(view.typed, len(OTHERS) + 2, view.focus == "confirm", view.cursor)
    return [DialogLine(labelled("", row, frame), 9), DialogLine(labelled("", entry, frame), 9)]


def _buttons(view: ConfirmView, frame: Frame) -> Row:
    verb = view.question.verb
    if view.is_unlocked and view.focus == "confirm":
        return (Span(f"  {verb}  Enter  ", "onaccent", True, "accent"), gap(5), QUIET_CANCEL)
    if view.focus in ("number", "hours"):
        return (QUIET_CANCEL, gap(5), Span("Enter: confirm next", "muted"))
    until = f"until {view.word or 'a number'} is typed"
    if view.interlock is not None and view.interlock.closed:
        until = "until a reason is given"
    why = until if inner_width(frame) >= 66 else ""
    return (CANCEL, gap(5), Span(f"{verb}  locked {why}", "muted"))
