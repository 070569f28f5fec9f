"""Control of the pool: what happens to it is an event, and nothing is planned for a pool that was only recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.pool import RoleNews, RolePolicy, RoleRequest, Stop
from metabonk_tui.core.model.sample import PoolReading, Sample, WatchReading
from metabonk_tui.engine.control import Control
from metabonk_tui.engine.shared_run import uncontrolled
from tests.support.readers import Scene
from tests.support.waiting import wait_for


class ScriptedRole:
    """Implements `core.ports.live.ControlRole`: a test sets its news."""

    def __init__(self) -> None:
        self.policy: RolePolicy = "ask"
        self.watch_armed = False
        self.watch_returns = ""
        self.on_change: Callable[[], None] = lambda: None
        self.request: RoleRequest | None = None
        self.news: list[RoleNews] = []

    def answer(self, number: int, yes: bool) -> None:
        self.request = None

    def ask(self, want: str, on_wait: Callable[[str], None]) -> str:
        return "refused"

    def take_news(self) -> tuple[RoleNews, ...]:
        news, self.news = tuple(self.news), []
        return news


class StillClock:
    speed = 1.0

    def now(self) -> float:
        return 5.0


@pytest.fixture(autouse=True)
def _quiet_bugs() -> Iterator[None]:
    """The bugs that are provoked here need not be read about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_each_news_of_the_role_becomes_one_event() -> None:
    role = ScriptedRole()
    role.news = [RoleNews("warn", "control yielded to pid 7"), RoleNews("info", "control is back")]
    control = Control(role, StillClock())  # type: ignore[arg-type]
    events = control.contribute(Sample(4.0)).events
    assert [(e.kind, e.severity, e.text) for e in events] == [
        (EventKind.POOL_CONTROL, "warn", "control yielded to pid 7"),
        (EventKind.POOL_CONTROL, "info", "control is back"),
    ]
    assert control.contribute(Sample(5.0)).events == ()


@pytest.mark.parametrize(
    ("watch", "armed"),
    [
        (None, False),
        (WatchReading(False), False),
        (WatchReading(True, dry_run=True), False),
        (WatchReading(True), True),
    ],
)
def test_the_role_knows_whether_the_watch_protects_the_pool(watch: WatchReading | None, armed: bool) -> None:
    role = ScriptedRole()
    Control(role, StillClock()).contribute(Sample(4.0, watch=watch))  # type: ignore[arg-type]
    assert role.watch_armed is armed


def test_a_monitor_without_a_role_adds_nothing() -> None:
    sample = Sample(4.0)
    assert Control(None, StillClock()).contribute(sample) is sample  # type: ignore[arg-type]


def test_nothing_is_planned_before_the_pool_was_read() -> None:
    scene = Scene()
    scene.pool.read_error = RuntimeError("not yet")
    with scene.running() as engine:
        scene.latest(engine)
        plan = engine.plan(Stop())
        assert plan.mode == "refused"
        assert "not been looked at yet" in plan.refusal
        assert scene.pool.planned == []
        scene.pool.read_error = None
        engine.poll_now()
        wait_for(lambda: engine.own_pool is not None)
        engine.plan(Stop())
        assert len(scene.pool.planned) == 1


def test_a_recorded_controller_is_not_the_controller_now() -> None:
    recorded = PoolReading(backend="launcher", controller="us", holder="pid 7", desired=3)
    assert uncontrolled(recorded) == PoolReading(backend="launcher", controller="none", desired=3)
    assert uncontrolled(None) is None
