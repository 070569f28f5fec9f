"""Defines every command in one table, which keys, footer, help and palette read.

A command refuses with a reason while it is not valid. Does not: carry out commands; the controller does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.gate import again_refusal
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.frame import EVENTS, PAST

CommandGroup = Literal["view", "look", "log", "act", "app"]
GROUPS: Mapping[CommandGroup, str] = {
    "view": "View",
    "look": "Look closer",
    "log": "In the logs",
    "act": "Act on the pool (each asks first)",
    "app": "The monitor",
}


LOGS = "logs"
REPLAY_REFUSAL = "replay: no live pool to act on"
PAST_REFUSAL = "this is the past; End returns to live"
PAUSED_REFUSAL = "paused: the screen is not live; p resumes"
NO_POOL = "no pool yet"
VIEW_REFUSAL = "view only: a browser does not act"
Refusal = Callable[[CommandContext], str]
"""Returns why a command is not valid now; "" when it is."""


class Command(Struct, frozen=True):
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
    screen: str = ""
    """The only screen on which its keys mean this; elsewhere they may belong to another command."""

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
    if why := live_only(context) or _view_only(context):
        return why
    if context.snapshot is None:
        return "no data yet"
    if context.mode == "paused":
        return PAUSED_REFUSAL
    return again_refusal(context.snapshot.gate, context.snapshot.t)


def _always(context: CommandContext) -> str:
    return ""


def _back(context: CommandContext) -> str:
    return "already on this screen" if context.screen == "dashboard" and not context.clears else ""


def _slower(context: CommandContext) -> str:
    if why := _faster(context):
        return why
    watch = context.snapshot.memory.watch if context.snapshot else None
    return "the memory watch is armed; slower polls would delay it" if watch is not None and watch.armed else ""


def _seen(context: CommandContext) -> str:
    return "" if context.snapshot else "no data yet"


def _on(*screens: str) -> Refusal:
    return lambda context: "" if context.screen in screens else f"only on the {screens[0]}"


def _dashboard(context: CommandContext) -> str:
    return _on("dashboard")(context) or (NO_POOL if context.no_pool else context.hidden)


def _workers(context: CommandContext) -> str:
    if context.screen not in ("dashboard", "worker", "environment", "logs"):
        return "only on the dashboard"
    if context.screen == "dashboard" and (context.no_pool or context.is_last_run):
        return NO_POOL if context.no_pool else context.hidden
    return _seen(context) or ("" if context.worker else "no workers yet")


def _not_on(screen: str, then: Refusal = _always) -> Refusal:
    return lambda context: "already on this screen" if context.screen == screen else then(context)


def _zoom(context: CommandContext) -> str:
    return _on("dashboard")(context) or (NO_POOL if context.no_pool else _seen(context))


def _faster(context: CommandContext) -> str:
    return live_only(context) or _view_only(context) or _seen(context)


def _on_worker(context: CommandContext) -> str:
    return _on("worker")(context) or _workers(context)


def _open_worker(context: CommandContext) -> str:
    if context.screen == "obituary":
        return "" if context.worker else "no workers yet"
    return _on("dashboard")(context) or _workers(context)


def _since(context: CommandContext) -> str:
    return _seen(context) or ("only in a live monitor" if context.mode == "replay" else "")


def _deaths(context: CommandContext) -> str:
    if context.snapshot is None:
        return "no data yet"
    return "" if context.snapshot.obituaries else "no death was seen in this run"


def _page(context: CommandContext) -> str:
    # Without a death in this run the page lists those of earlier runs.
    return _seen(context) or ("" if context.has_past or context.mode in PAST else _deaths(context))


def _dead(context: CommandContext) -> str:
    return _on("obituary")(context) or _deaths(context)


def _operation(context: CommandContext) -> str:
    if context.has_outcome or (context.snapshot and context.snapshot.pool.operation):
        return ""
    return "no action on the pool yet"


def _replay(context: CommandContext) -> str:
    return "" if context.mode in PAST or (context.has_past and context.snapshot) else "only in a replay"


def _on_in_replay(context: CommandContext) -> str:
    return "" if context.mode in PAST else "already live" if context.has_past else "only in a replay"


def live_only(context: CommandContext) -> str:
    return {"replay": REPLAY_REFUSAL, "past": PAST_REFUSAL}.get(context.mode, "")


def _view_only(context: CommandContext) -> str:
    return VIEW_REFUSAL if context.is_viewer else ""


def control_refusal(context: CommandContext) -> str:
    """Return why this monitor does not control the pool; "" when it does."""
    if context.mode in PAST:
        return live_only(context)
    if context.snapshot is None:
        return "no data yet"
    if context.read_only or context.snapshot.pool.read_only:
        return _view_only(context) or "read-only: started with --read-only"
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
    why = live_only(context) or _workers(context) or action_refusal(context)
    if why or context.worker is None or context.snapshot is None:
        return why
    if context.screen == "dashboard" and not context.is_selected and len(context.snapshot.workers) > 1:
        return "select a worker first, with Down or Tab"
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
    if why := live_only(context) or _view_only(context):
        return why
    if context.alert is None or context.alert.state != "firing":
        return "this alert is not firing" if context.alert else "no alerts"
    return "already seen" if context.alert.acknowledged else ""


def _acknowledge_all(context: CommandContext) -> str:
    if context.screen != "alerts":
        return "only on the alerts screen; ! opens it"
    return (
        live_only(context)
        or _view_only(context)
        or ("" if unacknowledged(context.snapshot) else "no unseen alert is firing")
    )


def unacknowledged(snapshot: Snapshot | None) -> tuple[str, ...]:
    """List the ids of the firing alerts that are not acknowledged."""
    alerts = snapshot.alerts if snapshot else ()
    return tuple(one.id for one in alerts if one.state == "firing" and one.acknowledged is None)


def _log(context: CommandContext) -> str:
    if context.mode in PAST:
        return "the past has no log files; End returns to live"
    return _on(LOGS)(context) or ("" if context.has_log_files else "no log file can be read here")


def _log_hit(context: CommandContext) -> str:
    return _log(context) or ("" if context.is_searching else "nothing is searched; / searches")


def _ghost(context: CommandContext) -> str:
    return _on("dashboard")(context) or ("" if context.has_ghost else "no run is compared; c chooses one")


def _event(context: CommandContext) -> str:
    if context.place != EVENTS:
        return "only on the events; 4 shows them"
    return "" if context.snapshot and context.snapshot.events else "no events yet"


DEATH = "obituary"
"""The screen on which `[ ]` and `t` are about deaths."""
COMMANDS: tuple[Command, ...] = (
    Command("help", ("?", "f1"), "help", "app", "Show every key and every symbol", _not_on("help"), True, True),
    Command("quit", ("q", "ctrl+c"), "quit", "app", "Close the monitor, not the pool", _always, True, True),
    Command("back", ("escape", "backspace"), "back", "view", "Go back; clear zoom, filter, cursor", _back, True, True),
    Command("log_find", ("/",), "find", "log", "In a log: search its lines", _log, True, True, "", LOGS),
    Command("log_hit", ("n",), "hit", "log", "In a log: go to the next hit", _log_hit, True, True, "n N", LOGS),
    Command("log_hit_before", ("N",), "hit", "log", "In a log: go to the hit before", _log_hit, screen=LOGS),
    Command("log_errors", ("E",), "errors", "log", "In a log: polls, all or errors only", _log, True, True, "", LOGS),
    Command("log_follow", ("f",), "follow", "log", "In a log: follow the newest line", _log, True, True, "", LOGS),
    Command("log_previous", ("<",), "file", "log", "Show the log before this one", _log, True, True, "< >", LOGS),
    Command("log_next", (">",), "file", "log", "Show the next log", _log, screen=LOGS),
    Command("log_wrap", ("w",), "wrap", "log", "In a log: wrap long lines, or cut them", _log, True, True, "", LOGS),
    Command("log_time", ("t",), "time", "log", "In a log: go to the lines of a time", _log, True, True, "", LOGS),
    Command("log_line", ("enter",), "line", "log", "In a log: show the whole line", _log, True, True, "", LOGS),
    Command("help_find", ("/",), "find", "view", "In help: search", _on("help"), True, True, screen="help"),
    Command("worker_find", ("/",), "find", "view", "On a worker: find field", _on_worker, True, True, screen="worker"),
    Command("worker_whole", ("enter",), "whole", "view", "On a worker: show every field whole, or in columns",
            _on_worker, True, True, screen="worker"),
    Command("worker_zoom_in", ("+",), "zoom", "view", "On a worker: show a shorter time in the charts",
            _on_worker, True, True, "+ -", "worker"),
    Command("worker_zoom_out", ("-",), "zoom", "view", "On a worker: show a longer time", _on_worker, screen="worker"),
    Command("memory_zoom_in", ("+",), "zoom", "view", "On the memory screen: show a shorter time",
            _on("memory"), True, True, "+ -", "memory"),
    Command("memory_zoom_out", ("-",), "zoom", "view", "On memory: a longer time", _on("memory"), screen="memory"),
    Command("event", ("enter",), "go there", "look", "On an event: go to its moment and worker, or its death",
            _event, True, True, screen=EVENTS),
    Command("density", ("z",), "density", "view", "Cycle panels, table, grid, automatic", _dashboard, True),
    Command("worker", ("enter",), "worker", "look", "Open the selected worker", _open_worker, True),
    Command("verdict", ("v",), "why", "look", "Show the verdict with its evidence", _not_on("verdict", _seen), True),
    Command("environment", ("e",), "env", "look", "Show env file and processes", _not_on("environment", _seen), True),
    Command("memory", ("m",), "memory", "look", "Show who holds memory and what fits", _not_on("memory", _seen), True),
    Command("logs", ("l",), "logs", "look", "Read the logs: one, or all merged", _not_on("logs", _seen), True),
    Command("since", ("~",), "since", "look", "Show what changed since the last key", _since),
    Command("obituary", ("d",), "deaths", "look", "Show how a process died", _not_on("obituary", _page)),
    Command("death_before", ("[",), "death", "look", "On a death: the one before", _dead, True, True, "[ ]", DEATH),
    Command("death_after", ("]",), "death", "look", "On a death: the one after", _dead, screen=DEATH),
    Command("death_replay", ("t",), "replay", "look", "On a death: its last minute", _dead, True, True, screen=DEATH),
    Command("learning", ("g",), "learning", "look", "Show what the episodes were like", _not_on("learning", _seen)),
    Command("alerts", ("!",), "alerts", "look", "List alerts with state and history", _not_on("alerts", _seen), True),
    Command("acknowledge", ("x",), "seen", "look", "Acknowledge the selected alert", _acknowledge, True, True),
    Command("acknowledge_all", ("u",), "all seen", "look", "Acknowledge every unseen alert", _acknowledge_all, True),
    Command("compare", ("c",), "compare", "look", "Compare with a recorded run; again to choose another", _seen, True),
    Command("ghost", ("h",), "ghost", "look", "Show or hide the compared run beside this one", _ghost),
    Command("copy", ("y",), "copy", "look", "Copy the verdict with its evidence", _seen, True),
    Command("hand_over", ("Y",), "hand over", "look", "Hand over: eight lines, and how to open this", _seen, True),
    Command("picture", ("S",), "save", "look", "Save the screen as an SVG picture", _always),
    Command("back_cell", ("[",), "step", "look", "Go back a cell of RUN, else a sample", _replay, True, shown="[ ]"),
    Command("on_cell", ("]",), "step", "look", "Go on a cell of RUN, else a sample", _on_in_replay),
    Command("back_mark", ("{",), "mark", "look", "Go to the mark before, else a minute", _replay, True, shown="{ }"),
    Command("on_mark", ("}",), "mark", "look", "Go to the next mark, else a minute", _on_in_replay),
    Command("back_one", ("(",), "sample", "look", "Step back one sample", _replay, shown="( )"),
    Command("on_one", (")",), "sample", "look", "Step forward one sample", _on_in_replay),
    Command("seek", ("t",), "go to", "look", "Go to a time or an event of the run", _replay, True),
    Command("operation", ("o",), "progress", "look", "Show the progress of the pool operation", _operation, True),
    Command("attention", ("a",), "attention", "view", "Sort worst first, or by id again", _dashboard, True),
    Command("sort", ("s", ">"), "sort", "view", "Sort by the next number, finally by id", _dashboard),
    Command("sort_before", ("<",), "sort", "view", "Sort by the previous number", _dashboard),
    Command("invert", ("I",), "invert", "view", "Reverse the sort order", _dashboard),
    Command("filter", ("/",), "filter", "view", "Filter workers: text, rss>1g, !down", _dashboard, True),
    Command("zoom_workers", ("1",), "workers", "view", "Show only the workers, or all panes", _zoom),
    Command("zoom_why", ("2",), "why", "view", "Show only causes and decision", _zoom),
    Command("zoom_memory", ("3",), "memory", "view", "Show only the memory panes", _zoom),
    Command("zoom_events", ("4",), "events", "view", "Show only the events", _zoom),
    Command("zoom_log", ("5",), "log", "view", "Show only log lines that may tell a cause", _zoom),
    Command("zoom_gate", ("6",), "gate", "view", "Show only the gate and the required keys", _zoom),
    Command("pause", ("p", "space"), "pause", "view", "Pause the screen; polling continues", _seen, True),
    Command("up", ("up", "k"), "up", "view", "Select the worker above, or scroll", _always),
    Command("down", ("down", "j"), "down", "view", "Select the worker below, or scroll", _always),
    Command("left", ("left",), "left", "view", "Select the worker to the left", _workers),
    Command("right", ("right",), "right", "view", "Select the worker to the right", _workers),
    Command("next", ("tab",), "next", "view", "Select the next worker", _workers),
    Command("previous", ("shift+tab",), "previous", "view", "Select the previous worker", _workers),
    Command("page_up", ("pageup", "ctrl+u"), "page up", "view", "Scroll a page up", _always),
    Command("page_down", ("pagedown", "ctrl+d"), "page down", "view", "Scroll a page down", _always),
    Command("home", ("home",), "top", "view", "Go to the top, or to a replay's start", _always),
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
    Command("poll", ("r",), "poll now", "app", "Poll the workers now", live_only),
    Command("slower", (",",), "slower", "app", "Poll less often: every 2, 5, 10 s", _slower),
    Command("faster", (".",), "faster", "app", "Poll more often", _faster),
    Command("suspend", ("ctrl+z",), "suspend", "app", "Stop the monitor; fg in the shell resumes it", _view_only),
    Command("redraw", ("ctrl+l",), "redraw", "app", "Redraw the whole screen", _always),
)  # fmt: skip

OPEN_DIALOG = frozenset({
    "palette", "filter", "memory_watch", "operation", "seek",
    "launch", "grow", "shrink", "restart", "stop", "stop_worker", "log_find", "log_time", "log_line",
    "help_find", "worker_find",
})  # fmt: skip
"""Commands that open a dialog of their own."""
STRIP_MOVES = frozenset({"back_cell", "on_cell", "back_mark", "on_mark", "back_one", "on_one"})
"""Commands that move the cursor of the run's strip, which is the moment on screen."""
OF_WORKER = ("worker", "environment")
"""Screens that show one worker."""
THEME = "theme: "
"""Begins the commands of the palette that choose a theme."""

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}
BY_KEY: Mapping[str, Command] = {key: command for command in COMMANDS if not command.screen for key in command.keys}
"""By the usual keys; `hints.KeyTable` has those of the configuration."""
