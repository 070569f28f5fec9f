"""What a tired person asks at night: each answer takes at most five keys and no second terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.cli.recordings.moments import StoreMomentFiles
from metabonk_tui.core.model.pool import Resize
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import RecordedRun
from metabonk_tui.core.recordings.seek import EventMoment, Shift
from metabonk_tui.core.report.timeline import RunTimelineBuilder
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import rare_snapshots, snapshots
from tests.support.samples import header, healthy, play, room, script
from tests.support.waiting import wait_for
from tests.ui.conftest import ScriptedMonitor, read_config, text_of
from tests.ui.test_time_travel import ScriptedTransport, playback

MOST_KEYS = 5
SIZES = ((80, 24), (120, 40), (200, 60))
NAMED = {"⏎": "enter", "↑": "up", "↓": "down", "⎋": "escape"}


@cache
def leak_for_hours() -> Snapshot:
    """Return a run of two hours that loses memory, with its last hour."""
    scene = snapshots.leak()
    falling = snapshots.history(scene.t, [9.0, 6.0, 4.0, 1.0], 75)
    run = replace(scene.run, elapsed_s=7300.0, started_at=scene.t - 7300.0)
    memory = replace(scene.memory, history=falling)
    return replace(scene, run=run, hosts=snapshots.hosts_of(memory))


@cache
def died() -> Snapshot:
    """Return a run in which w2 died a minute ago, with the event that says so."""
    scene = rare_snapshots.died()
    page = scene.obituaries[-1]
    gone = snapshots.event(page.t, "crit", "w2 DOWN: exit not seen", "worker.down", 2)
    return replace(scene, events=(*scene.events, gone))


@cache
def with_field() -> Snapshot:
    """Return a run whose workers answer with a field that no screen knows."""
    scene = snapshots.mixed()
    first = scene.workers[0]
    return replace(scene, workers=(replace(first, status=WorkerStatus({"hud_phase": 3})), *scene.workers[1:]))


@cache
def run_of(name: str) -> tuple[Snapshot, ...]:
    return tuple(play(script(healthy, every_s=30.0, for_s=600.0, run=header(0.0, 3, 30.0, name=name),
                             memory=lambda _: room())))  # fmt: skip


class OneRun:
    """Implements `core.ports.recordings.RunArchive` with one run."""

    def runs(self) -> tuple[RecordedRun, ...]:
        return (RecordedRun("yesterday", "yesterday", 0.0, 600.0, "CONTINUE", 3, "live"),)

    def load_timeline(self, name: str, on_progress: Callable[[float], bool]) -> RunTimelineBuilder | None:
        builder = RunTimelineBuilder()
        for snapshot in run_of("yesterday"):
            builder.add(snapshot)
        return builder


class TiredUser:
    """Sits before the real screens, with a recording, a store and a folder to write to."""

    def __init__(self, scene: Snapshot, size: tuple[int, int], folder: Path, *, in_replay: bool) -> None:
        self.size, self.at_s = size, 100.0
        self.monitor = ScriptedMonitor(scene)
        self.past = ScriptedTransport(playback(scene)) if in_replay else None
        self.controller = Controller(
            self.monitor,
            read_config(),
            all_screens(),
            archive=OneRun(),
            themes=("dark", "light"),
            moment_files=StoreMomentFiles(folder, None, None),
            replay_controls=self.past,
        )
        self.controller.update(scene)
        self.effect = Effect()

    def types(self, keys: str) -> None:
        for key in keys:
            self.at_s += 1.0
            name = NAMED.get(key, key)
            self.effect = self.controller.press(name, None if key in NAMED else key, self.at_s, *self.size)
            wait_for(self.is_idle)

    def is_idle(self) -> bool:
        """Return whether no list of runs and no comparison is being read."""
        self.controller.tick(self.at_s)
        return not self.controller.comparing.view.doing

    @property
    def text(self) -> str:
        return "\n".join(plain(row).rstrip() for row in self.controller.rows(*self.size))


class Task(Struct, frozen=True):
    """One question, the keys that answer it, and what is on the screen then."""

    asks: str
    scene: Callable[[], Snapshot]
    keys: str
    sees: tuple[str, ...]
    """Patterns; each must be found."""
    also: Callable[[TiredUser], object] = lambda user: True
    """What must be true besides."""
    in_replay: bool = False


def mixed() -> Snapshot:
    return snapshots.mixed()


TASKS = (
    Task("which worker is worst, and why", mixed, "a⏎", (r"\bW3 +× DOWN", r"OOM KILL +exit 137")),
    Task("which of 256 is worst", lambda: snapshots.many(256), "a⏎", (r"\bW13 +× DOWN", r"OOM KILL +exit 137")),
    Task("memory against an hour ago", leak_for_hours, "m-", (r"AVAILABLE .*\d\.\d at \d\d:\d\d, now 1\.0",)),
    Task("when does memory end", snapshots.leak, "", (r"OOM in ~19m",)),
    Task("how many workers fit", snapshots.leak, "m", (r" 4 .*◌ fits so far ◂",)),
    Task("what the processes lack of the env file", rare_snapshots.partial, "e",
         (r"1/6 required keys", r"not exported")),
    Task("is System2 set right", rare_snapshots.partial, "e", (r"TABONK_SYSTEM2_ENABLED +1 ",)),
    Task("log lines around the crash", died, "d",
         (r"w2 was killed by the kernel", r"LOG w2", r"cuMemAlloc retry")),
    Task("the death that I see in the events", died, "4⏎", (r"OBITUARY w2", r"killed by the kernel")),
    Task("the moment of an event", mixed, "4↓⏎", (r"REPLAY",),
         lambda user: user.past is not None and user.past.sent == [EventMoment(mixed().t - 130.0)], True),
    Task("the screen an hour ago", mixed, "t-1h⏎", (r"REPLAY",),
         lambda user: user.past is not None and user.past.sent == [Shift(-3600.0)], True),
    Task("what happened while I slept", mixed, "~", (r"SINCE YOU LOOKED", r"It is STOP")),
    Task("am I better than yesterday", lambda: run_of("today")[-1], "c⏎⎋", (r"GHOST +yesterday", r"ahead in \d+")),
    Task("only the dead ones", mixed, "/↑↑⏎", (r"1 match “down”", r"w3 DOWN|W3 +× DOWN")),
    Task("hide the healthy ones", mixed, "/↑⏎", (r"5 match “ill”",)),
    Task("w137 of 256", lambda: snapshots.many(256), "/137⏎", (r"1 of 1|1 match", r"\bw?137 ")),
    Task("one field of a worker", with_field, "⏎/hud", (r"STATUS +fields with “hud”", r"hud_phase")),
    Task("resize 5 to 2", snapshots.stop, "---2⏎", (r"POOL ─|requested",),
         lambda user: [plan.action for plan in user.monitor.submitted] == [Resize(2)]),
    Task("the verdict into the chat", mixed, "y", (r"copied|copying",),
         lambda user: wait_for(user.controller.take_shared)),
    Task("hand this moment over", mixed, "Y", (r"hand-over|handover",),
         lambda user: wait_for(user.controller.take_shared)),
    Task("see the alerts and silence them", snapshots.alarmed, "!u", (r"FIRING +all seen|FIRING",),
         lambda user: user.monitor.acknowledged),
    Task("hold the picture", mixed, "p", (r"PAUSED",)),
    Task("refresh less often", mixed, ",", (r"polls every 2 s",), lambda user: user.monitor.intervals_s == [2.0]),
    Task("keep the light theme", mixed, "T", (r"theme light",),
         lambda user: user.controller.settings.theme == "light"),
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.asks)
def test_a_tired_user_is_answered(task: Task, size: tuple[int, int], tmp_path: Path) -> None:
    assert len(task.keys) <= MOST_KEYS
    user = TiredUser(task.scene(), size, tmp_path, in_replay=task.in_replay)
    user.types(task.keys)
    text = user.text
    assert [pattern for pattern in task.sees if not re.search(pattern, text)] == [], text
    assert task.also(user)


async def test_the_real_app_answers_one_question_after_another(make_app: Callable[..., MonitorApp]) -> None:
    """The keys of several tasks in one session, with Esc between them, as a person types them."""
    app = make_app(ScriptedMonitor(mixed()), screens=all_screens())
    async with app.run_test(size=(120, 40)) as pilot:
        for keys, seen in (
            (("a", "enter"), "OOM KILL  exit 137"),
            (("escape", "m", "minus"), "now 3.9"),
            (("escape", "slash", "up", "enter"), "5 match"),
            (("escape", "4", "down", "enter"), "no recorded past to open"),
            (("escape", "tilde"), "SINCE YOU LOOKED"),
        ):
            await pilot.press(*keys)
            assert seen in text_of(app), text_of(app)
