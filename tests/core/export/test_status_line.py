"""`status` says DEMO, never takes a demo for training, and shows it only where no other pool is watched."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.export import status_line
from metabonk_tui.core.export.status_summary import summarize
from tests.support.snapshots import healthy, stop

NOW = 1_000_000.0


def summary(snapshot: Any, port: int, demo: bool = False, **more: Any) -> dict[str, object]:
    profile = "demo: seed" if demo else snapshot.run.profile
    snapshot = replace(snapshot, run=replace(snapshot.run, profile=profile))
    return summarize(snapshot, speed=1.0, pool=("127.0.0.1", port), written_at=NOW, pid=1) | more


def test_a_demo_is_named_and_has_no_verdict_for_scripts() -> None:
    demo = summary(stop(), 20_000, demo=True)
    assert status_line.line(demo, NOW, status_line.UNICODE).startswith("DEMO ■ STOP ")
    assert "DEMO ■ STOP" in status_line.tmux(demo, NOW, status_line.UNICODE)
    assert status_line.exit_code(demo, NOW) == status_line.NOT_KNOWN
    assert status_line.exit_code(summary(stop(), 5000), NOW) == 2


def test_a_watched_pool_comes_before_a_demo_however_severe() -> None:
    demo, training = summary(stop(), 20_000, demo=True), summary(healthy(), 5000)
    assert status_line.most_severe([demo, training], NOW) is training
    assert status_line.most_severe([demo, training | {"ended": True}], NOW) is demo
