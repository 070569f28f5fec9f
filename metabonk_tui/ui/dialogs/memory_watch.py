"""Asks before the memory watch is armed or disarmed; shows its rules and what it would do now. Enter alone cancels.

Does not: word the rules or plan; the core and the monitor do.
"""

from __future__ import annotations

from metabonk_tui.core.memory.watch_actions import Choice, choose, commands, describe_rules
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import BY_ID
from metabonk_tui.ui.dialogs.asked import Asked
from metabonk_tui.ui.dialogs.base import (
    ASKED,
    BLANK,
    NEEDED,
    Dialog,
    DialogLine,
    Reply,
    box,
    editor_field,
    inner_width,
    labelled,
)
from metabonk_tui.ui.dialogs.confirm import NO_PASTED_WORD, SETTLE_S, TOO_FAST
from metabonk_tui.ui.dialogs.confirm_lines import FIELD
from metabonk_tui.ui.dialogs.line_editor import LineEditor
from metabonk_tui.ui.dialogs.memory_effect import memory_lines
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words


class WatchDialog(Dialog):
    """Arms the memory watch, or disarms it where it is armed."""

    def __init__(self, monitor: Monitor, frame: Frame) -> None:
        self._monitor = monitor
        self._rules = frame.config.memory_watch
        self._arming = True
        self._dry_run = self._rules.dry_run
        self._editor = LineEditor("", FIELD + 3)
        self._typed_at_s = 0.0
        self._note = ""
        self._refused = ""
        self._choice: Choice | None = None
        self._asked: Asked[Choice] = Asked(monitor.poll_now)
        self._seen: tuple[object, ...] | None = None
        self.watch(frame)

    @property
    def word(self) -> str:
        """The word to type to confirm."""
        return "arm" if self._arming else "disarm"

    def watch(self, frame: Frame) -> Dialog:
        """Plan again when the pool changes. When another client armed or disarmed the watch, the question changes."""
        snapshot = frame.snapshot
        if snapshot is None:
            return self
        arming = not (snapshot.memory.watch is not None and snapshot.memory.watch.armed)
        if arming != self._arming:
            self._arming = arming
            self._editor.set("")
        self._refused = BY_ID["memory_watch"].refusal(CommandContext(snapshot, "", None, frame.read_only, frame.mode))
        seen = _plannable(snapshot)
        if seen != self._seen:
            self._seen = seen
            if snapshot.has_several_hosts:
                self._asked.ask(lambda: choose(self._rules, snapshot, self._monitor.plan))
            else:
                self._choice = choose(self._rules, snapshot, self._monitor.plan)
        self.has_news()
        return self

    def has_news(self) -> bool:
        """Take what the hosts say that the watch would do; return whether there is something."""
        found = self._asked.take()
        self._choice = found or self._choice
        return found is not None

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Type the word, switch the dry run (Tab), confirm or cancel."""
        if key == "escape":
            return Reply(None)
        if key == "enter":
            return self._enter(at_s)
        if key == "tab" and self._arming:
            self._dry_run = not self._dry_run
        elif self._editor.press(key, character):
            self._typed_at_s, self._note = at_s, ""
        return Reply(self)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Refuse: the word is typed, so that nothing confirms by accident."""
        self._note = NO_PASTED_WORD
        return Reply(self)

    def _enter(self, at_s: float) -> Reply:
        if self._editor.text != self.word or self._refused:
            return Reply(None, notice="nothing was done")
        if at_s - self._typed_at_s < SETTLE_S:
            self._note = TOO_FAST
            return Reply(self)
        self._monitor.arm(self._arming, "key", self._arming and self._dry_run)
        return Reply(None, notice=f"the memory watch will be {self.word}ed")

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the rules, what the watch would do now, and the confirmation."""
        title: Row = (Span(f"{self.word.upper()} THE MEMORY WATCH", "accent", True),)
        warns, critical, then = describe_rules(self._rules)
        lines = [BLANK, *memory_lines(frame, None, None), BLANK]
        lines += [
            *self._labelled_lines("warns", warns, frame, 6),
            *self._labelled_lines("critical", critical, frame, 7),
        ]
        lines += [*self._labelled_lines("then", then, frame, NEEDED), *self._now_lines(frame)]
        if self._arming:
            how = "yes: only reports, does not act" if self._dry_run else "no: acts on the pool"
            row: Row = (Span(how, "warn" if self._dry_run else "text"), gap(2), Span("Tab changes this", "muted"))
            lines.append(DialogLine(labelled("dry run", row, frame), 8))
        lines += [BLANK, *self._confirm_lines(frame), BLANK]
        hints = (Hint("Esc", "cancel", keep=True), *((Hint("Tab", "dry run"),) if self._arming else ()))
        return box(rows, frame, title, lines, hints)

    def _now_lines(self, frame: Frame) -> list[DialogLine]:
        """Draw what the watch would do at this moment, with the exact commands."""
        choice = self._choice
        if choice is None and self._asked.is_waiting and self._rules.on_critical != "alarm":
            return self._labelled_lines("now", "asking the hosts what it would do", frame, 8)
        if choice is None or self._rules.on_critical == "alarm":
            return self._labelled_lines("", "alarm only, the pool is left alone (memory_watch.on_critical)", frame, 5)
        lines: list[DialogLine] = []
        for why in choice.why_not:
            lines += self._labelled_lines("", f"cannot {why}", frame, 7)
        if choice.plan is None:
            return [*lines, *self._labelled_lines("now", "no action is possible, only an alarm", frame, 8)]
        lines += self._labelled_lines("now", choice.title, frame, 8)
        lines += self._labelled_lines("runs", commands(choice.plan), frame, 8)
        return [*lines, *self._labelled_lines("", "acts after one more poll confirms it; once, then waits", frame, 3)]

    def _labelled_lines(self, name: str, sentence: str, frame: Frame, rank: int) -> list[DialogLine]:
        wide = inner_width(frame) - 14
        text = words(frame.glyphs.text(sentence), wide)
        return [DialogLine(labelled("" if i else name, (Span(line),), frame), rank) for i, line in enumerate(text)]

    def _confirm_lines(self, frame: Frame) -> list[DialogLine]:
        cancel = Span("  Cancel  Esc  ", "onaccent", True, "accent")
        if self._refused:
            why: Row = (mark(frame.glyphs.stop, "crit"), gap(1), Span(frame.glyphs.text(self._refused)))
            return [
                DialogLine(labelled("refused", why, frame), ASKED),
                DialogLine(labelled("", (cancel,), frame), NEEDED),
            ]
        prompt: Row = (Span("type "), Span(self.word, "strong", True), Span(" and press Enter  "))
        entry = editor_field(self._editor, FIELD + 3)
        row = (*prompt, *entry) if inner_width(frame) >= 50 else (*entry, gap(1), *prompt)
        lines = [DialogLine(labelled("confirm", row, frame), ASKED)]
        if self._note:
            lines.append(DialogLine(labelled("", (Span(self._note, "warn"),), frame), 8))
        verb = self.word.capitalize()
        buttons: Row = (cancel, gap(5), Span(f"{verb}  locked", "muted"))
        if self._editor.text == self.word:
            buttons = (Span(f"  {verb}  Enter  ", "onaccent", True, "accent"), gap(5), Span("Cancel  Esc", "muted"))
        return [*lines, BLANK, DialogLine(labelled("", buttons, frame), NEEDED)]


def _plannable(snapshot: Snapshot) -> tuple[object, ...]:
    """Return the part of the Snapshot that a plan depends on."""
    budget = snapshot.memory.budget
    seen = ((w.ref, w.pid, w.pid_started_at) for w in snapshot.workers)
    return (snapshot.pool.launcher_pid, snapshot.pool.desired, budget.fits if budget else None, *seen)
