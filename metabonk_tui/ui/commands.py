"""Defines every command in one table, which keys, footer, help and palette read.

A command refuses with a reason while it is not valid. Does not: carry out commands; the controller does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.run.gate import again_refusal
from metabonk_tui.ui.frame import PAST, Hint, ViewMode

CommandGroup = Literal["view", "look", "act", "app"]
GROUPS: Mapping[CommandGroup, str] = {
    "view": "View",
    "look": "Look closer",
    "act": "Act on the pool (each asks first)",
    "app": "The monitor",
}


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The state that decides which commands are valid now."""

    snapshot: Snapshot | None
    screen: str
    worker: WorkerView | None = None
    read_only: bool = False
    mode: ViewMode = "live"
    alert: Alert | None = None
    playing: bool = False
    """In the past: the playback runs."""
    has_past: bool = False
    """The live run has a recorded past to open."""
    has_outcome: bool = False
    """The end of an action is still shown."""


REPLAY_REFUSAL = "replay: no live pool to act on"
PAST_REFUSAL = "this is the past; End returns to live"
PAUSED_REFUSAL = "paused: the screen is not live; p resumes"
Refusal = Callable[[CommandContext], str]
"""Returns why a command is not valid now; "" when it is."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command with its keys and texts."""

    id: str
    keys: tuple[str, ...]
    """Textual's names; a printable character is its own name."""
    label: str
    """For the footer: one or two words."""
    group: CommandGroup
    what: str
    """For help and palette: a sentence without its full stop."""
    refusal: Refusal
    footer: bool = False
    keep: bool = False
    """Stays in the footer when the row is short."""
    shown: str = ""
    """The key in the footer where it is not `keys[0]`: "+ -" for two commands in one hint."""

    @property
    def key(self) -> str:
        """The first key as people write it."""
        return self.shown or key_name(self.keys[0])


def key_name(key: str) -> str:
    """Write a key for people: "ctrl+p" as "Ctrl+P"."""
    names = {"pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc", "shift+tab": "Shift+Tab"}
    if key in names or len(key) == 1:
        return names.get(key, key)
    return "+".join(part.capitalize() for part in key.split("+"))


def _gate_again(context: CommandContext) -> str:
    if why := _live_only(context):
        return why
    if context.snapshot is None:
        return "no data yet"
    if context.mode == "paused":
        return PAUSED_REFUSAL
    return again_refusal(context.snapshot.gate, context.snapshot.t)


def _always(context: CommandContext) -> str:
    return ""


def _seen(context: CommandContext) -> str:
    return "" if context.snapshot else "no data yet"


def _on(*screens: str) -> Refusal:
    return lambda context: "" if context.screen in screens else f"only on the {screens[0]}"


def _workers(context: CommandContext) -> str:
    if context.screen not in ("dashboard", "worker", "environment", "logs"):
        return "only on the dashboard"
    return _seen(context) or ("" if context.worker else "no workers yet")


def _not_on(screen: str, then: Refusal = _always) -> Refusal:
    return lambda context: "already on this screen" if context.screen == screen else then(context)


def _open_worker(context: CommandContext) -> str:
    return _on("dashboard")(context) or _workers(context)


def _operation(context: CommandContext) -> str:
    if context.has_outcome or (context.snapshot and context.snapshot.pool.operation):
        return ""
    return "no action on the pool yet"


def _replay(context: CommandContext) -> str:
    return "" if context.mode in PAST or (context.has_past and context.snapshot) else "only in a replay"


def _on_in_replay(context: CommandContext) -> str:
    return "" if context.mode in PAST else "already live" if context.has_past else "only in a replay"


def _live_only(context: CommandContext) -> str:
    return {"replay": REPLAY_REFUSAL, "past": PAST_REFUSAL}.get(context.mode, "")


def control_refusal(context: CommandContext) -> str:
    """Return why this monitor does not control the pool; "" when it does."""
    if context.mode in PAST:
        return _live_only(context)
    if context.snapshot is None:
        return "no data yet"
    if context.read_only or context.snapshot.pool.read_only:
        return "read-only: started with --read-only"
    pool = context.snapshot.pool
    if pool.controller == "other":
        return f"read-only: {pool.holder or 'another monitor'} controls this pool"
    return ""


def action_refusal(context: CommandContext) -> str:
    """Return why no command can act on the pool now; "" when one can."""
    why = control_refusal(context)
    if why or context.snapshot is None:
        return why
    pool = context.snapshot.pool
    if pool.problem:
        return pool.problem
    if context.mode == "paused":
        return PAUSED_REFUSAL
    if pool.operation and pool.operation.ok is None:
        return f"{pool.operation.action} is still running; o shows it"
    return ""


def is_pool_running(snapshot: Snapshot) -> bool:
    """Return whether a launcher or any worker process runs."""
    return snapshot.pool.launcher_pid is not None or any(worker.alive for worker in snapshot.workers)


def _act_running(context: CommandContext) -> str:
    why = action_refusal(context)
    if why or context.snapshot is None:
        return why
    return "" if is_pool_running(context.snapshot) else "no pool is running; L launches one"


def _act_worker(context: CommandContext) -> str:
    why = _live_only(context) or _workers(context) or action_refusal(context)
    if why or context.worker is None:
        return why
    if not context.worker.alive:
        return f"{context.worker.ref.label} is not running"
    if context.worker.pid is None or context.worker.pid_started_at is None:
        return f"the process of {context.worker.ref.label} is unknown"
    return ""


def _watch(context: CommandContext) -> str:
    why = control_refusal(context)
    if why or context.snapshot is None:
        return why
    pool = context.snapshot.pool
    if pool.controller == "none":
        return pool.problem or "not known yet which monitor controls this pool"
    return PAUSED_REFUSAL if context.mode == "paused" else ""


def _acknowledge(context: CommandContext) -> str:
    if context.screen != "alerts":
        return "only on the alerts screen; ! opens it"
    if why := _live_only(context):
        return why
    if context.alert is None or context.alert.state != "firing":
        return "this alert is not firing" if context.alert else "no alerts"
    return "already seen" if context.alert.acknowledged else ""


def _acknowledge_all(context: CommandContext) -> str:
    if context.screen != "alerts":
        return "only on the alerts screen; ! opens it"
    return _live_only(context) or ("" if unacknowledged(context.snapshot) else "no unseen alert is firing")


def unacknowledged(snapshot: Snapshot | None) -> tuple[str, ...]:
    """List the ids of the firing alerts that are not acknowledged."""
    alerts = snapshot.alerts if snapshot else ()
    return tuple(one.id for one in alerts if one.state == "firing" and one.acknowledged is None)


COMMANDS: tuple[Command, ...] = (
    Command("help", ("?", "f1"), "help", "app", "Show every key and every symbol", _not_on("help"), True, True),
    Command("quit", ("q", "ctrl+c", "ctrl+q"), "quit", "app", "Close the monitor, not the pool", _always, True, True),
    Command("back", ("escape", "backspace"), "back", "view", "Go back", _not_on("dashboard"), True, True),
    Command("density", ("z",), "density", "view", "Cycle panels, table, grid, automatic", _on("dashboard"), True),
    Command("worker", ("enter",), "worker", "look", "Open the selected worker", _open_worker, True),
    Command("verdict", ("v",), "why", "look", "Show the verdict with its evidence", _not_on("verdict", _seen), True),
    Command("environment", ("e",), "env", "look", "Show env file and processes", _not_on("environment", _seen), True),
    Command("memory", ("m",), "memory", "look", "Show who holds memory and what fits", _not_on("memory", _seen), True),
    Command("logs", ("l",), "logs", "look", "Show log lines that may explain a cause", _not_on("logs", _seen)),
    Command("alerts", ("!",), "alerts", "look", "List alerts with state and history", _not_on("alerts", _seen)),
    Command("acknowledge", ("x",), "seen", "look", "Acknowledge the selected alert", _acknowledge, True, True),
    Command("acknowledge_all", ("u",), "all seen", "look", "Acknowledge every unseen alert", _acknowledge_all, True),
    Command("compare", ("c",), "compare", "look", "Compare with a recorded run; again to choose another", _seen, True),
    Command("copy", ("y",), "copy", "look", "Copy the verdict with its evidence", _seen, True),
    Command("back_one", ("[",), "step", "look", "Step back one sample", _replay, True, shown="[ ]"),
    Command("on_one", ("]",), "step", "look", "Step forward one sample", _on_in_replay),
    Command("back_minute", ("{",), "minute", "look", "Step back one minute", _replay, True, shown="{ }"),
    Command("on_minute", ("}",), "minute", "look", "Step forward one minute", _on_in_replay),
    Command("seek", ("t",), "go to", "look", "Go to a time or an event of the run", _replay, True),
    Command("operation", ("o",), "progress", "look", "Show the progress of the pool operation", _operation, True),
    Command("attention", ("a",), "attention", "view", "Sort worst first, or by id again", _on("dashboard"), True),
    Command("sort", ("s", ">"), "sort", "view", "Sort by the next number, finally by id", _on("dashboard")),
    Command("sort_before", ("<",), "sort", "view", "Sort by the previous number", _on("dashboard")),
    Command("invert", ("I",), "invert", "view", "Reverse the sort order", _on("dashboard")),
    Command("filter", ("/",), "filter", "view", "Filter workers by text", _on("dashboard"), True),
    Command("pause", ("p", "space"), "pause", "view", "Pause the screen; polling continues", _seen, True),
    Command("up", ("up", "k"), "up", "view", "Select the worker above, or scroll", _always),
    Command("down", ("down", "j"), "down", "view", "Select the worker below, or scroll", _always),
    Command("left", ("left",), "left", "view", "Select the worker to the left", _workers),
    Command("right", ("right",), "right", "view", "Select the worker to the right", _workers),
    Command("next", ("tab",), "next", "view", "Select the next worker", _workers),
    Command("previous", ("shift+tab",), "previous", "view", "Select the previous worker", _workers),
    Command("page_up", ("pageup", "ctrl+u"), "page up", "view", "Scroll a page up", _always),
    Command("page_down", ("pagedown", "ctrl+d"), "page down", "view", "Scroll a page down", _always),
    Command("home", ("home", "g"), "top", "view", "Go to the top, or to a replay's start", _always),
    Command("end", ("end", "G"), "bottom", "view", "Go to the bottom, or to a replay's end", _always),
    Command("launch", ("L",), "launch", "act", "Launch a pool of N workers", action_refusal, True),
    Command("grow", ("+",), "resize", "act", "Resize the pool; suggests one more", _act_running, True, shown="+ -"),
    Command("shrink", ("-",), "resize", "act", "Resize the pool; suggests one less", _act_running),
    Command("restart", ("R",), "restart", "act", "Stop the pool and launch it again", _act_running, True),
    Command("stop", ("X",), "stop", "act", "Stop the whole pool", _act_running, True),
    Command("stop_worker", ("K",), "stop worker", "act", "Stop the selected worker's process", _act_worker),
    Command("memory_watch", ("W",), "mem watch", "act", "Arm or disarm the memory watch", _watch),
    Command("gate_again", ("V",), "gate again", "act", "Take a gate again that did not pass", _gate_again),
    Command("theme", ("T",), "theme", "app", "Switch to the next theme", _always),
    Command("palette", (":", "ctrl+p"), "palette", "app", "Find a command by name", _always),
    Command("poll", ("r",), "poll now", "app", "Poll the workers now", _live_only),
    Command("redraw", ("ctrl+l",), "redraw", "app", "Redraw the whole screen", _always),
)  # fmt: skip

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}
BY_KEY: Mapping[str, Command] = {key: command for command in COMMANDS for key in command.keys}


def find(key: str, character: str | None) -> Command | None:
    """Find the command of a key press; a printable character counts before the key's name."""
    if character is not None and character in BY_KEY and character != " ":
        return BY_KEY[character]
    return BY_KEY.get(key)


def recommended(context: CommandContext) -> str:
    """Return the id of the first command in the NEXT row, when it is valid now; else ""."""
    steps = context.snapshot.verdict.next_steps if context.snapshot else ()
    first = next((step.key for step in steps if step.key), None)
    command = BY_KEY.get(first) if first else None
    return command.id if command and not command.refusal(context) else ""


REPLAY_COMMANDS = ("back_one", "back_minute", "seek", "pause")
"""Commands that always stay in the footer of a replay."""


def hints(context: CommandContext) -> tuple[Hint, ...]:
    """List the footer's keys in the table's order: those valid now, and acting keys that the past refuses, as off."""
    first = recommended(context)
    shown: list[Hint] = []
    for command in COMMANDS:
        why = command.refusal(context)
        if command.id == "end" and context.mode == "past":
            shown.append(Hint(command.key, "live", keep=True))
        elif command.footer and why and why == _live_only(context):
            shown.append(Hint(command.key, command.label, acts=True, off=True))
        elif command.id in REPLAY_COMMANDS and context.mode not in PAST and command.id != "pause":
            # Live, only `[` opens the past; the other keys appear there.
            shown += [Hint(command.keys[0], "past")] if command.id == "back_one" and not why else []
        elif (command.footer or command.id == first) and not why:
            acts = command.group == "act"
            best = first in (command.id, "shrink" if command.id == "grow" else command.id)
            keep = command.keep or (context.mode in PAST and command.id in REPLAY_COMMANDS)
            if command.id != "shrink":
                shown.append(Hint(command.key, _label(command, context), acts, best, keep))
    return tuple(shown)


def _label(command: Command, context: CommandContext) -> str:
    if command.id == "pause" and context.mode in PAST:
        return "pause" if context.playing else "play"
    return "resume" if command.id == "pause" and context.mode == "paused" else command.label


def markdown() -> str:
    """Write the table of keys for the README: `python -m metabonk_tui.ui.commands` prints it."""
    lines = ["| key | what it does |", "|---|---|"]
    for group, name in GROUPS.items():
        lines.append(f"| **{name}** | |")
        for command in COMMANDS:
            if command.group == group:
                keys = " ".join(f"`{key_name(key)}`" for key in command.keys)
                lines.append(f"| {keys} | {command.what} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())
