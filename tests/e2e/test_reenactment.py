"""The crash of the failed run, once more: leaking workers and an Ollama under a real limit of the kernel.

Watched by the real program: the end is forecast in time, the kill is seen and attributed, the verdict stays STOP while
the gauge is green again. The same with the memory watch armed: nothing is killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.live.demo_pool import DemoPool, demo_pool
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.engine.engine import Engine
from tests.support import waiting
from tests.support.kernel_groups import KernelGroup, KernelGroups

pytestmark = [pytest.mark.e2e, pytest.mark.kernel, pytest.mark.timeout(300)]

SPEED, MB, MINUTE = 60.0, 1_000_000, 60.0
ROOM_MB = 420
"""What the limit leaves when every worker has started: five workers leak 10 MB a run minute together."""
LIMIT_S = 150.0
wait_for = partial(waiting.wait_for, limit_s=LIMIT_S, every_s=0.05)
JOIN = ("sh", "-c", 'echo $$ > "$1" && shift 2 && exec "$@"', "sh")
"""Puts what it becomes, and all its children, into a group."""


def joined(procs: Path, command: Iterable[str]) -> tuple[str, ...]:
    """Return a command in a group; it says that it ends no other MetaBonk, which may run on this machine."""
    return (*JOIN, str(procs), "--skip-stop", *command)


class Reenactment:
    """A leaking pool inside a group, and the program that watches it."""

    def __init__(self, engine: Engine, group: KernelGroup) -> None:
        self.engine, self.group = engine, group

    @property
    def now(self) -> Snapshot:
        found = wait_for(self.engine.latest)
        assert isinstance(found, Snapshot)
        return found

    def events_of(self, kind: str, severity: str = "") -> list[Event]:
        return [e for e in self.now.events if e.kind == kind and severity in ("", e.severity)]

    def tighten(self) -> None:
        """Set the limit around what all of them hold now."""
        wait_for(lambda: len([w for w in self.now.workers if w.last_good_t is not None]) == 5)
        self.group.limit(self.group.usage_bytes() + ROOM_MB * MB)


@pytest.fixture
def group() -> Iterator[KernelGroup]:
    groups = KernelGroups()
    if not groups.possible:
        pytest.skip(groups.why_not)
    try:
        yield groups.make()
    finally:
        groups.close()


EARLY = {"floor_gb": 0.2, "warn_gb": 0.2, "critical_gb": 0.15, "critical_forecast_s": 15 * MINUTE}
"""Limits at which 15 s are left: the clock is 60 times faster, and the stop of a pool on a loaded machine is not.

With the limits of the run that is left alone, 3 to 5 s were left, and every third time the kernel was faster.
The floor is so high that five workers no longer fit by then, else there is nothing to resize.
"""
LATE = {"floor_gb": 0.05, "warn_gb": 0.05, "critical_gb": 0.03, "critical_forecast_s": 5 * MINUTE}


def configured(pool: DemoPool, procs: Path, limits: dict[str, float]) -> Config:
    """A tenth of the seed's machine; whatever is launched joins the group."""
    config = load_config(str(pool.config)).config
    replace = msgspec.structs.replace
    launcher = replace(config.pool.launcher, launch=list(joined(procs, config.pool.launcher.launch)))
    return replace(
        config,
        pool=replace(config.pool, launcher=launcher),
        memory=replace(config.memory, floor_gb=limits["floor_gb"], worker_gb=0.06, ollama_gb=0.08),
        memory_watch=replace(
            config.memory_watch,
            on_critical="resize",
            warn_gb=limits["warn_gb"],
            critical_gb=limits["critical_gb"],
            critical_forecast_s=limits["critical_forecast_s"],
        ),
        # On a loaded machine a tick of this clock may be minutes apart.
        observe=replace(config.observe, gap_intervals=1000.0),
    )


@contextmanager
def reenacted(
    group: KernelGroup, state: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> Iterator[Reenactment]:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(state))
    with demo_pool("leak", 5, 0, SPEED) as pool:
        pool.launch = joined(group.procs, pool.launch)
        pool.start()
        with watching(configured(pool, group.procs, limits), call="metabonk-tui", speed=SPEED, state=state) as engine:
            yield Reenactment(engine, group)
    assert pool.left == ""


def test_left_alone_the_end_is_predicted_seen_and_remembered(
    group: KernelGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reenacted(group, tmp_path, monkeypatch, LATE) as story:
        story.tighten()
        wait_for(lambda: story.now.memory.oom_kills_in_run)
        killed_t = story.now.memory.oom_since_t
        assert killed_t is not None
        warned = [e for e in story.events_of("memory.forecast") if e.severity == "warn" and e.t < killed_t]
        assert warned, [e.text for e in story.events_of("memory.forecast")]
        assert killed_t - warned[0].t >= 15 * MINUTE
        critical = [e for e in story.now.events if e.severity == "crit" and e.kind.startswith("memory.")]
        assert [e for e in critical if e.t < killed_t], "it was critical before the kernel acted"
        victims = wait_for(lambda: story.now.memory.victim_names)
        assert story.now.verdict.kind is VerdictKind.STOP
        ended = wait_for(lambda: [e for e in story.events_of("process.gone") if "OOM" in e.text])
        assert any(victim in e.text for e in ended for victim in victims)
        assert story.now.memory.black_box is not None
        # The victim freed its memory: the gauge is green again, the verdict is not.
        wait_for(lambda: story.now.memory.level == "ok")
        assert story.now.verdict.kind is VerdictKind.STOP


def test_armed_the_memory_watch_saves_the_run(
    group: KernelGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reenacted(group, tmp_path, monkeypatch, EARLY) as story:
        story.engine.arm(True, "option")
        story.tighten()
        done = wait_for(lambda: (watch := story.now.memory.watch) and watch.did_ok is not None and watch)
        assert done.did_ok is True, done
        assert done.did is not None
        assert done.did.startswith("resize 5 →")
        began_t = story.now.t
        wait_for(lambda: story.now.t - began_t > 15 * MINUTE)
        assert story.now.memory.oom_kills_in_run == 0
        # One look may miss a worker that answers late.
        wait_for(lambda: sum(worker.alive for worker in story.now.workers) == story.now.pool.desired)
        pids = [worker.pid for worker in story.now.workers if worker.alive]
        assert set(map(str, pids)) <= set(group.procs.read_text().split()), "the smaller pool is under the same limit"
