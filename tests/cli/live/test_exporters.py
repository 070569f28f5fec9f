"""Which exporters a monitor has, and that one that cannot start says so and costs itself only."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from metabonk_tui.cli.live.notifiers import exporters
from metabonk_tui.core.config.schema import Config
from metabonk_tui.engine.clock import RunClock
from tests.support.readers import configured
from tests.support.snapshots import stop


def with_metrics(port: int) -> Config:
    config = configured()
    return msgspec.structs.replace(config, metrics=msgspec.structs.replace(config.metrics, port=port))


@pytest.mark.parametrize(
    ("port", "notifies", "parts"),
    [
        (0, True, ["the status file"]),
        (9400, False, ["the status file"]),
        (9400, True, ["the status file", "metrics"]),
    ],
    ids=["no port", "a verb that only looks", "both"],
)
def test_what_is_configured_is_exported(tmp_path: Path, port: int, notifies: bool, parts: list[str]) -> None:
    found = exporters(with_metrics(port), tmp_path, RunClock(), print, lambda: True, notifies=notifies)
    assert [exporter.part for exporter in found] == parts


def test_a_port_that_is_taken_is_reported_and_the_status_file_is_written(tmp_path: Path) -> None:
    faults: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = exporters(with_metrics(port), tmp_path, RunClock(), faults.append, lambda: True, notifies=True)
        for exporter in found:
            exporter.start()
            exporter.publish(replace(stop()))
            exporter.close()
    assert len(faults) == 1
    assert faults[0].startswith("no metrics: ")
    assert len(list((tmp_path / "status").glob("*.json"))) == 1


def test_a_demo_is_shown_among_the_users_pools_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "user"))
    config = configured()
    config = replace(config, pool=replace(config.pool, profile="demo: seed"))
    found = exporters(config, tmp_path / "demo", RunClock(), print, lambda: True, notifies=True)
    for exporter in found:
        exporter.publish(stop())
    assert len(list((tmp_path / "user" / "status").glob("*.json"))) == 1
    for exporter in found:
        exporter.close()
    assert list((tmp_path / "user" / "status").iterdir()) == []
    assert len(list((tmp_path / "demo" / "status").glob("*.json"))) == 1
