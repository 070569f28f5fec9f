"""Provides a monitor that a test scripts, and an app on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.pool import (
    Action,
    Launch,
    Plan,
    PlanSource,
    Resize,
    Restart,
    RoleRequest,
    StopWorker,
    StrangerProcess,
    TargetProcess,
)
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.screens.help import HelpScreen
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import Span, plain
from metabonk_tui.ui.style.theme_files import load_themes
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from tests.support.paths import ROOT


class ScriptedMonitor:
    """Implements `core.ports.live.Monitor`: a test sets its Snapshot and reads the calls that it received."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot
        self._wakes: list[Callable[[], None]] = []
        self.planned: list[Action] = []
        self.submitted: list[Plan] = []
        self.armed: list[tuple[bool, str, bool]] = []
        self.polls = 0
        self.intervals_s: list[float] = []
        self.refusal = ""
        self.strangers: tuple[StrangerProcess, ...] = ()
        self.preflights: list[int] = []
        self.acknowledged: list[tuple[tuple[str, ...], str]] = []
        self.gates_asked: list[str] = []
        self.flight: PreflightView | None = None
        self.fault: str | None = None
        self.request: RoleRequest | None = None
        self.answers: list[tuple[int, bool]] = []

    def set(self, snapshot: Snapshot) -> None:
        """Publish a newer Snapshot."""
        self._snapshot = snapshot
        for wake in self._wakes:
            wake()

    def latest(self) -> Snapshot | None:
        return self._snapshot

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def plan(self, action: Action) -> Plan:
        self.planned.append(action)
        workers = self._snapshot.workers if self._snapshot else ()
        hits = tuple(
            TargetProcess("worker", w.pid, w.pid_started_at or 0.0, w.ref, f"w{w.slot}")
            for w in workers
            if w.pid is not None and (not isinstance(action, StopWorker) or w.ref == action.ref)
        )
        start = action.workers if isinstance(action, Launch | Resize | Restart) else 0
        launch = ("python3", "launch.py", "--workers", str(start), "--no-dashboard")
        stop = ("python3", "launch.py", "stop")
        return Plan(
            action=action,
            mode="refused" if self.refusal else "restart_all" if start else "stop",
            commands=(*((stop,) if hits else ()), *((launch,) if start else ())),
            hits=hits,
            start=start,
            source=PlanSource("/srv/metabonk", "game_agnostic_verified_config.env", 14),
            warnings=("launch.py has no live resize: training restarts",) if isinstance(action, Resize) else (),
            refusal=self.refusal,
            seconds=240.0,
            strangers=self.strangers,
        )

    def submit(self, plan: Plan) -> None:
        self.submitted.append(plan)

    def ask_gate_again(self, by: str) -> None:
        self.gates_asked.append(by)

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        self.acknowledged.append((ids, by))

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        self.armed.append((on, by, dry_run))

    def start_preflight(self, workers: int) -> None:
        self.preflights.append(workers)

    def preflight(self) -> PreflightView | None:
        return self.flight

    def role_request(self) -> RoleRequest | None:
        return self.request

    def answer_role(self, number: int, yes: bool) -> None:
        self.answers.append((number, yes))

    def poll_now(self) -> None:
        self.polls += 1

    def poll_every(self, interval_s: float) -> None:
        self.intervals_s.append(interval_s)


class PlainScreen(MonitorScreen):
    """A screen that records the Snapshot it draws and how often it draws."""

    def __init__(self, name: str, body: int = 3) -> None:
        self.name = name  # type: ignore[misc]
        self.body = body
        self.pages = 0
        self.drawn: Snapshot | None = None

    def page(self, frame: Frame) -> Page:
        self.pages += 1
        self.drawn = frame.snapshot
        top = header(frame, frame.snapshot) if frame.snapshot else ((Span("nothing yet"),),)
        slot = frame.worker.slot if frame.worker else None
        line_text = f"{self.name} slot {slot} density {frame.state.density} filter {frame.state.filter!r}"
        body = ((Span(line_text),), *((Span(f"line {i}"),) for i in range(self.body)))
        return Page(top, body, (footer(frame),))


def plain_screens() -> dict[str, MonitorScreen]:
    """Return every screen by name; only help is the real screen."""
    screens: dict[str, MonitorScreen] = {name: PlainScreen(name) for name in all_screens()}
    return {**screens, "help": HelpScreen((("config", "/etc/x.toml"),))}


def read_config(**ui: object) -> Config:
    """Return the packaged defaults with `[ui]` keys replaced."""
    config = parse_config((ROOT / "config.toml").read_text(encoding="utf-8"), None)
    import msgspec

    return msgspec.structs.replace(config, ui=msgspec.structs.replace(config.ui, **ui))


def with_operation(snapshot: Snapshot, operation: Operation | None) -> Snapshot:
    """Return the Snapshot with another operation in progress."""
    return replace(snapshot, pool=replace(snapshot.pool, operation=operation))


@pytest.fixture
def config() -> Config:
    return read_config()


@pytest.fixture(scope="session")
def themes() -> dict[str, object]:
    found, warnings = load_themes(themes_dir(), None, read_small_text)
    assert warnings == ()
    return found


@pytest.fixture
def make_app(themes: dict[str, object]) -> Callable[..., MonitorApp]:
    def make(monitor: ScriptedMonitor, **options: object) -> MonitorApp:
        chosen = {"themes": themes, **options}
        config = chosen.pop("config", None) or read_config()
        screens = chosen.pop("screens", None) or plain_screens()
        in_app = {key: chosen.pop(key) for key in ("rows", "on_first_picture", "keep") if key in chosen}
        names = tuple(chosen["themes"])
        controller = Controller(monitor, config, screens, **{**chosen, "themes": names})
        return MonitorApp(controller, config, themes=chosen["themes"], **in_app)  # type: ignore[arg-type]

    return make


def text_of(app: MonitorApp) -> str:
    """Return what is on screen as plain text."""
    return "\n".join(plain(row) for row in app.canvas.rows)
