"""A run that a restart of the machine cut off is over for every reader, with the same words: verdict.md section 4."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.store.run_identity import boot_id
from metabonk_tui.core.model.ending import RESTARTED
from metabonk_tui.core.model.sample import Sample
from tests.cli.conftest import Metabonk
from tests.support.ports import free_ports
from tests.support.samples import begin, coarse, header, healthy
from tests.support.stored_runs import stored
from tests.support.waiting import wait_for

NOW_T = time.time()
BEGAN_T = NOW_T - 7200.0


def an_hour() -> list[Sample]:
    """Return a healthy run of an hour, which would be LAUNCH 24H."""
    samples = coarse(lambda slot, t: healthy(slot, t, BEGAN_T), from_s=BEGAN_T, for_s=3600.0, workers=2, run=None)
    return [begin(samples[0], header(BEGAN_T, 2, 30.0)), *samples[1:]]


def notes(port: int, **other: Any) -> dict[str, Any]:
    clock = {"t": BEGAN_T, "elapsed_s": 50.0, "speed": 1.0}
    return {"pool": f"127.0.0.1:{port}", "boot_id": "of the boot before", "clock": clock} | other


def test_every_reader_says_that_the_machine_was_restarted(metabonk: Metabonk, tmp_path: Path) -> None:
    port = free_ports(2)
    path = stored(tmp_path / "state" / "runs", an_hour(), **notes(port))
    # A launcher without workers may be this pool's; one of another test must not be taken for it.
    config = tmp_path / "own.toml"
    config.write_text('[processes]\nlauncher = [["launcher-of-this-test"]]\n', encoding="utf-8")
    pool = ("--base-port", str(port), "--workers", "2", "--config", str(config))
    # An OOM kill that another test causes in these seconds counts as one of this pool, which is not there.
    checked = wait_for(
        lambda: (done := metabonk("check", "--json", *pool)) and "kernel OOM kill" not in done.stdout and done
    )
    reported = metabonk("report", "--json", "last", "--base-port", str(port))
    (listed,) = json.loads(metabonk("runs", "--json").stdout)["runs"]
    assert (checked.returncode, reported.returncode) == (2, 2), checked.stderr
    for done in (checked, reported):
        report = json.loads(done.stdout)
        assert report["verdict"]["word"] == "STOP"
        assert report["verdict"]["because"][:2] == [f"the run is over: {RESTARTED}", "its verdict was LAUNCH 24H"]
        assert (report["end"]["reason"], report["end"]["text"]) == ("machine restarted", RESTARTED)
        assert report["end"]["last_seen_s"] == pytest.approx(3600.0)
        assert report["run"]["duration_s"] == pytest.approx(3600.0)
    assert (listed["name"], listed["verdict"], listed["ended"]) == (path.stem, "STOP", RESTARTED)
    assert "STOP ended" in metabonk("runs").stdout
    text = metabonk("report", "last", "--base-port", str(port)).stdout
    assert text.startswith("STOP ended since 01:00:00: the run is over: the machine was restarted")


@pytest.mark.parametrize(
    "other",
    [
        {"boot_id": boot_id()},
        {"boot_id": ""},
        {"pool": "192.0.2.7:5000"},
        {"machine": "another machine"},
    ],
    ids=["this boot", "no boot known", "workers on another machine", "recorded on another machine"],
)
def test_a_restart_is_claimed_only_where_it_ended_the_run(
    metabonk: Metabonk, tmp_path: Path, other: dict[str, Any]
) -> None:
    path = stored(tmp_path / "state" / "runs", an_hour(), **notes(free_ports(2), **other))
    (listed,) = json.loads(metabonk("runs", "--json").stdout)["runs"]
    assert (listed["verdict"], listed["ended"]) == ("LAUNCH 24H", None)
    assert "restarted" not in metabonk("report", path.stem).stdout


def test_an_end_that_was_seen_stands_after_a_restart(metabonk: Metabonk, tmp_path: Path) -> None:
    port = free_ports(2)
    summary = {"run": "old", "started_at": BEGAN_T, "verdict": "CONTINUE", "ended_t": BEGAN_T + 60, "end": "by hand"}
    stored(tmp_path / "state" / "runs", an_hour(), **notes(port, summary=summary))
    (listed,) = json.loads(metabonk("runs", "--json").stdout)["runs"]
    assert (listed["verdict"], listed["ended"], listed["duration_s"]) == ("CONTINUE", "by hand", pytest.approx(60.0))


def test_last_is_the_newest_run_of_the_configured_pool(metabonk: Metabonk, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "runs"
    mine = stored(folder, an_hour(), **notes(5000))
    others = stored(folder, [begin(s, header(BEGAN_T, 2, 30.0, name="other")) if s.run else s for s in an_hour()])
    os.utime(mine, (NOW_T - 60, NOW_T - 60))
    for verb in (("report", "--json", "last"), ("report", "--json")):
        done = metabonk(*verb)
        assert json.loads(done.stdout)["run"]["name"] == f"run-{BEGAN_T:g}"
        assert done.stderr == ""
    done = metabonk("--base-port", "5999", "report", "last", "--json")
    assert json.loads(done.stdout)["run"]["name"] == "other"
    assert done.stderr == (
        f"no run of 127.0.0.1:5999 is recorded: {others.stem} is the newest run, and was imported\n"
    )
    os.utime(others, (NOW_T - 90, NOW_T - 90))
    done = metabonk("export", "last", "--base-port", "5999", "--host", "localhost", "--jsonl", "-")
    assert done.stderr == f"no run of 127.0.0.1:5999 is recorded: {mine.stem} is the newest run, of 127.0.0.1:5000\n"
