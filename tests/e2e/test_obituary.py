"""A real worker is killed: the page about it says so, with the end of its log, live and in the recording."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.store.run_directory import runs_dir
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.live.follow import follow
from metabonk_tui.cli.suggest import with_options
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.report.obituary_text import headline
from tests.demo.conftest import demo as demo
from tests.support.demo_pools import MakePool
from tests.support.refs import w
from tests.support.samples import last

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SPEED = 20.0
LIMIT_S = 60.0
LAST_WORDS = "MemoryError: no room for the replay buffer"


def test_a_killed_worker_has_its_page_live_and_in_the_recording(demo: MakePool, tmp_path: Path) -> None:
    pool = demo("healthy", workers=2, speed=SPEED)
    pool.launch()
    pool.wait_up(2)
    config = load_config(pool.facts["config"]).config
    how = with_options(config=Path(pool.facts["config"]), speed=SPEED)
    pid, page = 0, None
    with watching(config, call=how, speed=SPEED, read_only=True, state=tmp_path) as monitor:
        for seen in follow(monitor, LIMIT_S):
            # The first looks note which file the worker writes to.
            if not pid and seen.tick > 3 and seen.workers[1].pid is not None:
                pid = seen.workers[1].pid
                with (sorted(pool.directory.glob("runs/*/logs/worker_1.log"))[-1]).open("a") as log:
                    log.write(LAST_WORDS + "\n")
                os.kill(pid, signal.SIGKILL)
            page = complete(seen.obituaries)
            if page is not None:
                break
    assert page is not None
    assert (page.who, page.pid, page.generation) == (w(1), pid, 1)
    assert LAST_WORDS in page.log
    assert page.answer is not None
    assert page.answer.step is not None
    (recorded,) = runs_dir(tmp_path).glob("*.db")
    with Recording(recorded) as recording:
        again = last(recording.samples(), config).obituaries
    assert [(each.key, headline(each), each.log) for each in again] == [(page.key, headline(page), page.log)]


def complete(pages: tuple[Obituary, ...]) -> Obituary | None:
    """Return the page that has the signal and the end of the log; None: not yet."""
    return next((page for page in pages if page.log_ends and "signal 9" in headline(page)), None)
