"""What is asked before the pool is touched: what it will hit, what it needs, the exact commands. Cancel by default.

Knows how a confirmation is typed; refuses to plan or act itself, the monitor does both.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from metabonk_tui.core.launch.checklist import MIN_WORDS
from metabonk_tui.core.launch.interlock import InterlockResult, check_interlock, is_long
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, StopWorker
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.ui.commands import CommandContext, action_refusal
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, Dialog, DialogLine, Reply, box, field, inner_width, labelled
from metabonk_tui.ui.dialogs.checklist import item_lines
from metabonk_tui.ui.dialogs.memory_effect import memory_lines
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.dialogs.plan import hit_lines, passed_lines
from metabonk_tui.ui.dialogs.whatif import whatif_lines
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words

SETTLE_S = 0.2
"""Enter counts only this long after the last typed character: pasted text and held keys come faster."""
MAX_WORKERS = 1000
FIELD = 5
MAX_REASON_CELLS = 200
Focus = Literal["confirm", "number", "hours", "reason"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: an action, by number where it has one."""

    verb: str
    """"Resize": the button, and in upper case the title."""
    make: Callable[[int], Action]
    number: int | None = None
    """How many workers; None where nothing is to be chosen."""
    before: int | None = None
    """How many there are now."""
    word: str = ""
    """What must be typed; "" for the number."""
    fixed: bool = False
    """The number may not be changed here."""
    timed: bool = False
    """It can be said for how many hours."""


class ConfirmDialog(Dialog):
    """One question. The action is planned anew when its number or the pool changes."""

    def __init__(self, question: Question, monitor: Monitor) -> None:
        self._question = question
        self._monitor = monitor
        self._number = "" if question.number is None else str(question.number)
        self._typed = ""
        self._typed_at_s = 0.0
        self._focus: Focus = "confirm"
        self._hours = ""
        self._reason = ""
        self._interlock: InterlockResult | None = None
        self.previous_page: Dialog | None = None
        """The page before this one."""
        self._note = ""
        self._seen: tuple[object, ...] | None = None
        self._refused = ""
        self.plan: Plan | None = None
        """What would be done; None while the number makes no sense."""
        self._replan()

    @property
    def is_unlocked(self) -> bool:
        """Tell whether Enter acts now instead of cancelling."""
        possible = self.plan is not None and self.plan.mode not in ("refused", "noop") and not self._refused
        if self._interlock is not None and self._interlock.closed:
            return False
        return possible and bool(self._word) and self._typed == self._word

    @property
    def _word(self) -> str:
        return self._question.word or self._number

    @property
    def _on_number(self) -> bool:
        return self._focus == "number"

    def _with_options(self, action: Action) -> Action:
        """Add for how long, and why against the interlock."""
        if not isinstance(action, Launch | Resize | Restart):
            return action
        return replace(action, hours=float(self._hours) if self._hours else None, override=self._reason.strip())

    def _check_interlock(self, frame: Frame) -> None:
        """Ask the interlock as things are now."""
        first = self._interlock is None
        if self.plan is None or not self.plan.start:
            self._interlock = InterlockResult()
        else:
            action = self._with_options(self.plan.action)
            self._interlock = check_interlock(action, frame.snapshot, self._monitor.preflight(), frame.config)
        if first and self._interlock.closed:
            self._focus = "reason"

    def enter_page(self, frame: Frame) -> None:
        """Come into sight: what speaks against it by now asks for its reason first."""
        self._interlock = None
        self._check_interlock(frame)

    def _fields(self) -> tuple[Focus, ...]:
        """List what Tab goes through."""
        number: tuple[Focus, ...] = (
            ("number",) if self._question.number is not None and not self._question.fixed else ()
        )
        hours: tuple[Focus, ...] = ("hours",) if self._question.timed else ()
        reason: tuple[Focus, ...] = ("reason",) if self._interlock is not None and self._interlock.blocking else ()
        return ("confirm", *number, *hours, *reason)

    def _replan(self) -> None:
        number = int(self._number) if self._number else 0
        if self._question.number is not None and not 1 <= number <= MAX_WORKERS:
            self.plan = None
        else:
            self.plan = self._monitor.plan(self._question.make(number))

    def _change(self, number: str) -> None:
        if self._question.number is None or self._question.fixed:
            return
        self._number, self._typed, self._note = number[:4].lstrip("0"), "", ""
        self._replan()

    def watch(self, frame: Frame) -> Dialog:
        """Plan again when processes came or went; then what was typed counts no more."""
        snapshot = frame.snapshot
        if snapshot is None:
            return self
        self._refused = action_refusal(CommandContext(snapshot, "", frame.worker, frame.read_only, frame.mode))
        seen = (snapshot.pool.launcher_pid, *((w.ref, w.pid, w.pid_started_at) for w in snapshot.workers))
        if seen != self._seen:
            before, known = self.plan, self._seen is not None
            self._seen = seen
            if known:
                self._replan()
                if before and self.plan and before.hits != self.plan.hits:
                    self._typed, self._note = "", "the pool has just changed: read again"
        self._check_interlock(frame)
        return self

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Type, change the number, confirm or cancel."""
        self._check_interlock(frame)
        if key == "pageup" and self.previous_page is not None:
            return Reply(self.previous_page)
        reply = self._press(key, character, at_s, frame)
        if reply.dialog is self:
            self._check_interlock(frame)
        return reply

    def _press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key == "escape":
            return Reply(None)
        if key in ("tab", "shift+tab"):
            fields = self._fields()
            at = fields.index(self._focus) if self._focus in fields else 0
            self._focus = fields[(at + (1 if key == "tab" else -1)) % len(fields)]
        elif key == "enter":
            return self._enter(at_s, frame)
        elif key in ("up", "down") or (character in ("+", "-") and self._focus in ("confirm", "number")):
            step = 1 if key == "up" or character == "+" else -1
            self._change(str(min(MAX_WORKERS, max(1, int(self._number or "1") + step))))
        elif key == "backspace":
            self._erase()
        elif character == "y" and self._focus == "confirm":
            return Reply(self, copy=self._commands(), notice="copied the commands")
        elif character is not None and character.isprintable() and len(character) == 1:
            self._type(character, at_s)
        return Reply(self)

    def _type(self, character: str, at_s: float) -> None:
        digit = character.isdigit() and character.isascii()
        if self._focus == "reason":
            self._reason = (self._reason + character)[:MAX_REASON_CELLS]
        elif self._focus == "confirm":
            self._typed, self._typed_at_s, self._note = (self._typed + character)[: FIELD + 3], at_s, ""
        elif self._focus == "number" and digit:
            self._change(self._number + character)
        elif self._focus == "hours" and digit:
            # Other terms are another question: what was typed to confirm the last one counts no more.
            self._hours, self._typed = (self._hours + character)[:3].lstrip("0"), ""

    def _erase(self) -> None:
        if self._focus == "reason":
            self._reason = self._reason[:-1]
        elif self._focus == "hours":
            self._hours, self._typed = self._hours[:-1], ""
        elif self._focus == "number":
            self._change(self._number[:-1])
        else:
            self._typed = self._typed[:-1]

    def _enter(self, at_s: float, frame: Frame) -> Reply:
        if self._focus in ("number", "hours") or (self._focus == "reason" and self._reason):
            closed = self._interlock is not None and self._interlock.closed
            if self._focus == "reason" and closed:
                self._note = f"a reason has at least {MIN_WORDS} words"
            self._focus = "reason" if closed else "confirm"
            return Reply(self)
        if not self.is_unlocked or self.plan is None:
            return Reply(None, notice="nothing was done")
        if at_s - self._typed_at_s < SETTLE_S:
            self._note = "that was too fast for a person: press Enter once more"
            return Reply(self)
        before = frame.snapshot.pool.operation if frame.snapshot else None
        self._monitor.submit(replace(self.plan, action=self._with_options(self.plan.action)))
        return Reply(OperationDialog(before.started_at if before else None))

    def _commands(self) -> str:
        return "\n".join(shlex.join(argv) for argv in self.plan.commands) if self.plan else ""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw what it is now, what it will be, what it hits, what is passed on, the commands, the confirmation."""
        lines: list[DialogLine] = [BLANK]
        if self._question.number is not None and not self._question.fixed:
            change: Row = (gap(2), Span("+ -", "strong", True), Span(" or Tab and type", "muted"))
            lines += [
                DialogLine(
                    labelled("workers", (*field(self._number, FIELD, self._on_number), *change), frame),
                    NEEDED,
                )
            ]
        workers = int(self._number) if self._number else None
        lines += self._hours_lines(frame)
        lines += [*memory_lines(frame, self.plan.action if self.plan else None, workers), BLANK]
        is_short = frame.height < 30 and self._interlock is not None and bool(self._interlock.blocking)
        if self._question.number is not None and not is_short:
            lines += [*whatif_lines(frame, workers), BLANK]
        if self.plan is None:
            lines.append(DialogLine(labelled("", (Span(f"a number from 1 to {MAX_WORKERS}", "warn"),), frame), NEEDED))
        else:
            lines += [*hit_lines(self.plan, frame), BLANK, *passed_lines(self.plan, frame), BLANK]
        lines += [*self._interlock_lines(frame), *self._confirm_lines(frame), BLANK]
        hints = [Hint("Esc", "cancel", keep=True)]
        if self._question.number is not None and not self._question.fixed:
            hints += [Hint("+ -", "change"), Hint("Tab", "next")]
        if self.previous_page is not None:
            hints.append(Hint("PgUp", "preflight"))
        return box(rows, frame, self._title(frame), lines, (*hints, Hint("y", "copy commands")))

    def _title(self, frame: Frame) -> Row:
        q = self._question
        title = f"{q.verb.upper()} {'WORKER' if q.word and q.number is not None else 'POOL'}"
        if self.plan and isinstance(self.plan.action, StopWorker):
            what = self.plan.action.ref.label
        elif q.number is None:
            what = f"{q.before} workers" if q.before else ""
        elif q.before is not None and str(q.before) != self._number:
            what = f"{q.before} {frame.glyphs.arrow} {self._number or '?'} workers"
        else:
            what = f"{self._number} workers"
        return (Span(title, "accent", True), gap(2), Span(what, "accent", True))

    def _hours_lines(self, frame: Frame) -> list[DialogLine]:
        if not self._question.timed:
            return []
        long = is_long(float(self._hours) if self._hours else None, frame.config)
        prompt = "hours: everything below must be proved" if long else "hours; empty: a short run to validate"
        row: Row = (*field(self._hours, FIELD, self._focus == "hours"), gap(2), Span(prompt, "muted"))
        return [DialogLine(labelled("for", row, frame), 7)]

    def _interlock_lines(self, frame: Frame) -> list[DialogLine]:
        """Draw what was judged before this is done, and the field for a reason where something is not so."""
        if self._interlock is None or not self._interlock.items:
            return []
        label = "checklist" if len(self._interlock.items) > 1 else "interlock"
        lines = item_lines(self._interlock.items, frame, label, self._interlock.blocking)
        if not self._interlock.blocking:
            return [*lines, BLANK]
        wide = max(10, inner_width(frame) - 14)
        for item in self._interlock.blocking[:1] if len(self._interlock.items) <= 2 else ():
            rest = words(item.evidence[0] if item.evidence else "", wide)
            lines += [DialogLine(labelled("", (Span(line),), frame), 8) for line in rest]
            if item.fix:
                lines.append(DialogLine(labelled("", (Span(item.fix, "muted"),), frame), 6))
        row = field(self._reason, wide, self._focus == "reason")
        lines.append(DialogLine(labelled("reason", row, frame), NEEDED))
        need = f"refused without a reason of {MIN_WORDS} words; it is recorded"
        if self._interlock.closed:
            lines.append(DialogLine(labelled("", (Span(need, "warn"),), frame), 8))
        return [*lines, BLANK]

    def _confirm_lines(self, frame: Frame) -> list[DialogLine]:
        glyphs = frame.glyphs
        why = self._refused or (self.plan.refusal if self.plan else "")
        if not why and self.plan is not None and self.plan.mode == "noop":
            why = "there is nothing to do"
        if not why and self.plan is not None and self.plan.mode == "refused":
            why = "it cannot be done"
        cancel = Span("  Cancel  Esc  ", "onaccent", True, "accent")
        quiet = Span("Cancel  Esc", "muted")
        verb = self._question.verb
        if why:
            lines = [
                DialogLine(
                    labelled(
                        "refused" if i == 0 else "",
                        (mark(glyphs.stop, "crit"), gap(1), Span(line)) if i == 0 else (gap(2), Span(line)),
                        frame,
                    ),
                    NEEDED,
                )
                for i, line in enumerate(words(why, inner_width(frame) - 14))
            ]
            return [*lines, BLANK, DialogLine(labelled("", (cancel,), frame), NEEDED)]
        entry = field(self._typed, FIELD + 3, self._focus == "confirm")
        prompt: Row = (
            Span("type ", "text"),
            Span(self._word or "a number", "strong", True),
            Span(" and press Enter  "),
        )
        # Where the row will be cut, what one types must stand before what one reads.
        row = (*prompt, *entry) if inner_width(frame) >= 50 else (*entry, gap(1), *prompt)
        lines = [DialogLine(labelled("confirm", row, frame), NEEDED)]
        if self._note:
            lines.append(DialogLine(labelled("", (Span(self._note, "warn"),), frame), 8))
        if self.is_unlocked and self._focus == "confirm":
            buttons: Row = (Span(f"  {verb}  Enter  ", "onaccent", True, "accent"), gap(5), quiet)
        elif self._focus in ("number", "hours"):
            buttons = (quiet, gap(5), Span("Enter goes on to confirm", "muted"))
        else:
            until = f"until {self._word or 'a number'} is typed"
            if self._interlock is not None and self._interlock.closed:
                until = "until a reason is given"
            why = until if inner_width(frame) >= 66 else ""
            buttons = (cancel, gap(5), Span(f"{verb}  locked {why}", "muted"))
        return [*lines, BLANK, DialogLine(labelled("", buttons, frame), NEEDED)]
