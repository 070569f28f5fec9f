"""The systemd units of the documentation never take the training along with the recorder."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from metabonk_tui.cli import exit_codes
from tests.support.paths import ROOT

UNITS = sorted((ROOT / "docs").rglob("*.service"))


def read_unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser["Service"]


def test_there_is_a_unit_to_check() -> None:
    assert UNITS


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_stop_a_watchdog_and_an_oom_kill_end_only_the_recorder(path: Path) -> None:
    service = read_unit(path)
    # systemd's defaults, control-group and stop, signal every process of the unit: the workers that a resize started.
    assert service.get("KillMode") == "process"
    assert service.get("OOMPolicy") == "continue"
    assert service.get("WatchdogSec"), "a recorder that hangs is restarted"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_the_recorder_has_time_to_store_the_end_and_to_release_the_pool(path: Path) -> None:
    service = read_unit(path)
    assert (service["Type"], service["NotifyAccess"], service["UMask"]) == ("notify", "main", "0077")
    assert float(service["TimeoutStopSec"]) >= 10
    assert "ExecStop" not in service
    assert "ExecStopPost" not in service


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_what_stays_wrong_is_not_started_again(path: Path) -> None:
    service = read_unit(path)
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == [str(exit_codes.USAGE), str(exit_codes.CONFIG)]
