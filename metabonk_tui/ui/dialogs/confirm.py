"""Asks before the pool is touched. The action must be typed to confirm it; Enter alone cancels.

Does not: plan or act, the monitor does both; draw, `confirm_lines` does.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from metabonk_tui.core.launch.checklist import MIN_WORDS
from metabonk_tui.core.launch.interlock import InterlockResult, check_interlock
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker, TargetProcess
from metabonk_tui.core.model.refs import MAX_WORKERS, HostName
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.text.mask import masked_command
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import action_refusal
from metabonk_tui.ui.dialogs.asked import Asked
from metabonk_tui.ui.dialogs.base import Dialog, Reply
from metabonk_tui.ui.dialogs.confirm_lines import ADOPT, FIELD, OTHERS, ConfirmView, Focus, Question, confirm_box
from metabonk_tui.ui.dialogs.line_editor import LineEditor, history_of, with_history
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row

SETTLE_S = 0.2
"""Enter counts only this long after the last typed character: pasted text and held keys come faster."""
TOO_FAST = "ignored a very fast key: press Enter again to confirm"
NO_PASTED_WORD = "pasted text does not confirm: type the word"
HISTORY = "reason"
"""The name of the field for the reason in the history."""
MAX_REASON_CELLS = 200


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


class ConfirmDialog(Dialog):
    """One question. A change of its number or of the pool makes a new plan."""

    def __init__(self, question: Question, monitor: Monitor) -> None:
        self._question = question
        self._monitor = monitor
        number = "" if question.number is None else str(question.number)
        self._editors: dict[Focus, LineEditor] = {
            "confirm": LineEditor("", FIELD + 3),
            "number": LineEditor(number, 4, accepts=_is_digit),
            "hours": LineEditor("", 3, accepts=_is_digit),
            "reason": LineEditor("", MAX_REASON_CELLS),
        }
        self._replaces_number = False
        """The number is selected: the first digit replaces it."""
        self._typed_at_s = 0.0
        self._focus: Focus = "confirm"
        self._interlock: InterlockResult | None = None
        self.previous_page: Dialog | None = None
        """The preflight, for a launch."""
        self._note = ""
        self._seen: tuple[object, ...] | None = None
        self._refused = ""
        self._adopt: tuple[TargetProcess, ...] = ()
        """Processes that the operator adopted by a typed word."""
        self._hosts: tuple[HostName, ...] = ()
        """The only hosts to act on, after the operator has left others out by a typed word."""
        self._asked: Asked[Plan] = Asked(monitor.poll_now)
        self._before: Plan | None = None
        """What was planned before the pool changed, until the new plan is there."""
        self.plan: Plan | None = None
        """What Enter would do; None while the number is not valid."""
        self._replan()

    @property
    def is_unlocked(self) -> bool:
        """Return whether Enter acts now instead of cancelling."""
        possible = self.plan is not None and self.plan.mode not in ("refused", "noop") and not self._refused
        if self._interlock is not None and self._interlock.closed:
            return False
        return possible and bool(self._word) and self._typed == self._word

    @property
    def _number(self) -> str:
        return self._editors["number"].text

    @property
    def _hours(self) -> str:
        return self._editors["hours"].text

    @property
    def _reason(self) -> str:
        return self._editors["reason"].text

    @property
    def _typed(self) -> str:
        return self._editors["confirm"].text

    @property
    def _word(self) -> str:
        return self._question.word or self._number

    def _with_options(self, action: Action) -> Action:
        """Add the planned hours and the reason that overrides the interlock."""
        if not isinstance(action, Launch | Resize | Restart):
            return action
        return replace(action, hours=float(self._hours) if self._hours else None, override=self._reason.strip())

    def _check_interlock(self, frame: Frame) -> None:
        """Check the interlock against the current Snapshot."""
        first = self._interlock is None
        if self.plan is None or not self.plan.start:
            self._interlock = InterlockResult()
        else:
            action = self._with_options(self.plan.action)
            self._interlock = check_interlock(action, frame.snapshot, self._monitor.preflight(), frame.config)
        if first and self._interlock.closed:
            self._focus = "reason"
        if first and not self._reason:
            self._editors["reason"] = LineEditor("", MAX_REASON_CELLS, history_of(frame.state, HISTORY))

    def enter_page(self, frame: Frame) -> None:
        """Open the page: when a check blocks the action, the field for the reason gets the focus."""
        self._interlock = None
        self._check_interlock(frame)

    def _fields(self) -> tuple[Focus, ...]:
        """List the fields in the order of Tab."""
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
            action = self._question.make(number)
            if self._adopt and isinstance(action, Stop | Resize | Restart):
                action = replace(action, adopt=tuple(process.pid for process in self._adopt))
            if self._hosts and not isinstance(action, StopWorker):
                action = replace(action, hosts=self._hosts)
            if self._question.asks_hosts:
                self.plan = None
                self._asked.ask(lambda: self._monitor.plan(action))
            else:
                self._take(self._monitor.plan(action))

    def _take(self, plan: Plan) -> None:
        """Show a plan, unless a process that was adopted is another one by now: then plan again without it."""
        self.plan = plan
        if (kept := self._still_adopted(plan)) != self._adopt:
            self._adopt = kept
            self._replan()

    def has_news(self) -> bool:
        """Take the plan of the hosts; return whether there is one."""
        found = self._asked.take()
        if found is None:
            return False
        self._take(found)
        if self.plan is not None:
            self._compare()
        return True

    def _compare(self) -> None:
        """Clear the typed confirmation if the plan hits other processes than before the pool changed."""
        before, self._before = self._before, None
        if before is not None and self.plan is not None and before.hits != self.plan.hits:
            self._editors["confirm"].set("")
            self._note = "the pool changed: check the plan, then type again"

    def _leave_others(self) -> bool:
        """Plan again for the hosts that can act; False: there are none, or all can."""
        if self.plan is None or not self.plan.able:
            return False
        self._hosts = self.plan.able
        self._editors["confirm"].set("")
        self._replan()
        return True

    def _still_adopted(self, plan: Plan) -> tuple[TargetProcess, ...]:
        """Return the adopted processes without those whose pid another process of the plan has by now."""
        found = {hit.pid: hit.ref for hit in plan.hits}
        return tuple(process for process in self._adopt if found.get(process.pid, process.ref).same_as(process.ref))

    def _adopt_strangers(self) -> bool:
        """Plan again with every process that may be adopted; False: there is none."""
        if self.plan is None or not isinstance(self.plan.action, Stop | Resize | Restart):
            return False
        named = tuple(stranger.process for stranger in self.plan.strangers if stranger.adoptable)
        if not named:
            return False
        before = len(self._adopt)
        self._adopt = (*self._adopt, *named)
        self._editors["confirm"].set("")
        self._replan()
        count = count_of(len(self._adopt) - before, "process")
        self._note = f"{count} adopted: check the plan, then type {self._word}"
        return True

    def _change(self, number: str) -> None:
        if self._question.number is None or self._question.fixed:
            return
        self._editors["number"].set(number)
        self._renumbered()

    def _renumbered(self) -> None:
        """Plan for the number that is written now: another question, so the typed confirmation is cleared."""
        editor = self._editors["number"]
        if editor.text.startswith("0"):
            editor.set(editor.text.lstrip("0"))
        self._editors["confirm"].set("")
        self._note = ""
        self._replan()

    def watch(self, frame: Frame) -> Dialog:
        """Plan again when processes started or ended; that clears the typed confirmation."""
        snapshot = frame.snapshot
        if snapshot is None:
            return self
        self.has_news()
        self._refused = action_refusal(CommandContext(snapshot, "", frame.worker, frame.read_only, frame.mode))
        seen = (snapshot.pool.launcher_pid, *((w.ref, w.pid, w.pid_started_at) for w in snapshot.workers))
        if seen != self._seen:
            before, known = self.plan, self._seen is not None
            self._seen = seen
            if known:
                # A pid that a person adopted may be another process by now.
                self._adopt = ()
                self._before = before or self._before
                self._replan()
                if not self._question.asks_hosts:
                    self._compare()
        self._check_interlock(frame)
        return self

    def passes(self, key: str, frame: Frame) -> bool:
        """Return whether the key is the next step's, while nothing can be typed here that would act."""
        is_refused = bool(self._refused) or (self.plan is not None and self.plan.mode in ("refused", "noop"))
        strangers = self.plan.strangers if self.plan is not None else ()
        has_choice = any(stranger.adoptable for stranger in strangers) or bool(self.plan and self.plan.able)
        if not is_refused or self._focus != "confirm" or has_choice:
            return False
        return any(hint.recommended and key in hint.key.split() for hint in frame.hints)

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
            self._replaces_number = self._focus == "number"
        elif key == "enter":
            return self._enter(at_s, frame)
        elif (key in ("up", "down") and self._focus != "reason") or (
            character in ("+", "-") and self._focus in ("confirm", "number")
        ):
            step = 1 if key == "up" or character == "+" else -1
            self._change(str(min(MAX_WORKERS, max(1, int(self._number or "1") + step))))
        elif character == "y" and self._focus == "confirm":
            return Reply(self, copy=self._commands(), notice="copied the commands")
        else:
            self._edit(lambda editor: editor.press(key, character), at_s, character or "")
        return Reply(self)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Insert pasted text, but never as the confirmation."""
        if self._focus == "confirm":
            self._note = NO_PASTED_WORD
        else:
            self._edit(lambda editor: editor.paste(text), self._typed_at_s, text)
            self._check_interlock(frame)
        return Reply(self)

    def _edit(self, edit: Callable[[LineEditor], object], at_s: float, text: str) -> None:
        """Change the field that has the focus; `text` is what may be inserted. A digit replaces a selected number."""
        editor = self._editors[self._focus]
        before = editor.text
        if self._focus == "number" and self._replaces_number and any(map(_is_digit, text)):
            editor.set("")
        self._replaces_number = False
        edit(editor)
        if self._focus == "confirm":
            self._typed_at_s, self._note = at_s, ""
        elif editor.text != before:
            self._changed(editor)

    def _changed(self, editor: LineEditor) -> None:
        if self._focus == "number":
            self._renumbered()
        elif self._focus == "hours":
            # New hours are a new question, so the typed confirmation is cleared.
            if editor.text.startswith("0"):
                editor.set(editor.text.lstrip("0"))
            self._editors["confirm"].set("")

    def _enter(self, at_s: float, frame: Frame) -> Reply:
        if self._focus in ("number", "hours") or (self._focus == "reason" and self._reason):
            closed = self._interlock is not None and self._interlock.closed
            if self._focus == "reason" and closed:
                self._note = f"the reason needs at least {MIN_WORDS} words"
            self._focus = "reason" if closed else "confirm"
            return Reply(self)
        if self._focus == "confirm" and self._typed == ADOPT and self._adopt_strangers():
            return Reply(self)
        if self._focus == "confirm" and self._typed == OTHERS and self._leave_others():
            return Reply(self)
        if not self.is_unlocked or self.plan is None:
            return Reply(None, notice="nothing was done")
        if at_s - self._typed_at_s < SETTLE_S:
            self._note = TOO_FAST
            return Reply(self)
        before = frame.snapshot.pool.operation if frame.snapshot else None
        self._monitor.submit(replace(self.plan, action=self._with_options(self.plan.action)))
        now_t = frame.snapshot.t if frame.snapshot else None
        state = with_history(frame.state, HISTORY, self._reason)
        return Reply(OperationDialog(before.started_at if before else None, now_t), state=state)

    def _commands(self) -> str:
        if self.plan is None:
            return ""
        parts = [(f"# {part.host}", part.plan) for part in self.plan.parts] or [("", self.plan)]
        lines = [
            line
            for head, plan in parts
            for line in (head, *(masked_command(argv) for argv in plan.commands))
            if plan.commands
        ]
        return "\n".join(filter(None, lines))

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        view = ConfirmView(
            self._question,
            plan=self.plan,
            is_asking=self._asked.is_waiting,
            interlock=self._interlock,
            refused=self._refused,
            number=self._number,
            hours=self._hours,
            reason=self._reason,
            typed=self._typed,
            word=self._word,
            focus=self._focus,
            cursor=self._editors[self._focus].cursor,
            note=self._note,
            is_unlocked=self.is_unlocked,
            has_previous_page=self.previous_page is not None,
        )
        return confirm_box(rows, frame, view)
