"""The monitor as plain text: a sentence for each change, and none without one for ten minutes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import UTC
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.cli.live.plain_text import STILL_S, PlainChanges
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.worker import Reach
from tests.support import snapshots as scenes
from tests.support.paths import ROOT
from tests.support.samples import CONFIG, down, header, last, script


def test_the_first_snapshot_is_said_whole_and_the_same_one_not_again() -> None:
    changes, snapshot = PlainChanges(UTC, CONFIG), scenes.stop()
    first, *steps = changes.sentences(snapshot)
    assert re.fullmatch(r"\d\d:\d\d:\d\d run \S+, STOP, because .+; \d of \d workers up; memory .+ available", first)
    assert len(steps) == 1
    assert " next: " in steps[0]
    assert list(changes.sentences(snapshot)) == []
    assert list(changes.sentences(replace(snapshot, t=snapshot.t + STILL_S / 2))) == []


def test_each_change_is_one_sentence() -> None:
    changes, snapshot = PlainChanges(UTC, CONFIG), scenes.healthy()
    list(changes.sentences(snapshot))
    event = Event(snapshot.t, "oom", "crit", "w1 was killed by the kernel")
    died = replace(
        snapshot,
        events=(*snapshot.events, event),
        event_count=snapshot.event_count + 1,
        workers=(replace(snapshot.workers[0], reach=Reach.DOWN), *snapshot.workers[1:]),
    )
    said = [sentence.partition(" ")[2] for sentence in changes.sentences(died)]
    up = len(snapshot.workers) - 1
    assert said[0] == "critical: w1 was killed by the kernel"
    assert f"{up} of {len(snapshot.workers)} workers up" in said[1]
    assert all(sentence.isprintable() for sentence in said)


def test_where_no_pool_is_it_says_what_was_looked_for_and_advises_no_launch() -> None:
    changes = PlainChanges(UTC, CONFIG, PoolSearch("~/config.toml", has_file=False, is_local=True))
    nothing = last(script(down, for_s=60, run=header(0.0, None, 10.0, how="first sample")))
    said = [sentence.partition(" ")[2] for sentence in changes.sentences(nothing)]
    assert "looked for configuration, none: no file at ~/config.toml" in said
    assert "looked for worker ports, none: 127.0.0.1:5000 to 5002: all refuse" in said
    assert any(sentence.startswith("to do next: metabonk-tui demo: ") for sentence in said)
    assert not any("launch 3" in sentence for sentence in said)
    (still,) = changes.sentences(replace(nothing, t=nothing.t + STILL_S))
    assert "still WAITING" in still


def test_a_run_that_gets_another_name_is_not_said_again() -> None:
    changes, snapshot = PlainChanges(UTC, CONFIG), scenes.healthy()
    list(changes.sentences(snapshot))
    named = replace(snapshot, run=replace(snapshot.run, name="run-named-by-its-launch"))
    said = list(changes.sentences(named))
    assert len(said) <= 2, "its state, and what is next"
    assert not any(event.text in sentence for event in snapshot.events for sentence in said)


def test_silence_is_not_health() -> None:
    changes, snapshot = PlainChanges(UTC, CONFIG), scenes.healthy()
    list(changes.sentences(snapshot))
    (still,) = changes.sentences(replace(snapshot, t=snapshot.t + STILL_S))
    assert f"still {snapshot.verdict.title}" in still
    assert list(changes.sentences(replace(snapshot, t=snapshot.t + STILL_S + 1))) == []


def test_through_a_pipe_it_goes_on_until_a_signal(tmp_path: Path) -> None:
    environ = {**os.environ, "METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "metabonk_tui", "--base-port", "6", "--workers", "1"],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            assert child.poll() is None
            child.send_signal(signal.SIGTERM)
            rest, narration = child.communicate(timeout=60)
        finally:
            child.kill()
    assert "WAITING" in line
    assert "0 of 1 workers up" in line
    assert "\x1b" not in line + rest
    assert "what changes follows as plain text" in narration
    assert child.returncode == 0
