"""The past of the run that is watched is found by the run's own name, and what is wrong with it is said."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path

from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.cli.recordings.replays import StoreReplayOpener
from metabonk_tui.core.ports.recordings import Replay
from tests.adapters.store.test_journal import CONFIG, HEADER, T, judged, tick


def stored(tmp_path: Path) -> Path:
    import_runs(tmp_path / "runs", judged([tick(number) for number in range(100)]), CONFIG)
    return tmp_path / "runs"


def test_it_opens_at_the_end_and_lets_go_of_the_file(tmp_path: Path) -> None:
    replay = StoreReplayOpener(stored(tmp_path), CONFIG, UTC, 60.0).open(HEADER.name)
    assert not isinstance(replay, str)
    opened: Replay = replay
    opened.start()
    ends = time.monotonic() + 20
    while (latest := opened.latest()) is None:
        assert time.monotonic() < ends, "it never stood at its end"
        time.sleep(0.01)
    assert latest.t == T + 99
    opened.stop()
    assert not [path for path in Path("/proc/self/fd").iterdir() if str(tmp_path) in str(path.resolve())]


def test_a_run_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert StoreReplayOpener(stored(tmp_path), CONFIG, UTC, 60.0).open("run-1") == "run-1 is not recorded"
    assert StoreReplayOpener(tmp_path / "nowhere", CONFIG, UTC, 60.0).open("run-1") == "run-1 is not recorded"


def test_one_that_cannot_be_read_is_no_past(tmp_path: Path) -> None:
    (path,) = stored(tmp_path).iterdir()
    path.write_bytes(b"no database")
    assert isinstance(StoreReplayOpener(tmp_path / "runs", CONFIG, UTC, 60.0).open(HEADER.name), str)
