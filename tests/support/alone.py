"""Runs a demo pool without a monitor, for tests that start and stop monitors on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.forks import PROGRAM, Forked
from tests.support.paths import ROOT


@contextmanager
def demo_alone(speed: int, state: Path, scenario: str = "healthy") -> Iterator[Path]:
    """Run a demo without a screen while the block runs; yields the path of its configuration."""
    demo = [*PROGRAM, "demo", "--scenario", scenario, "--no-ui", "--speed", str(speed)]
    environment = {**os.environ, "METABONK_TUI_STATE_DIR": str(state)}
    pool = Forked(demo, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert pool.stdout is not None
    try:
        found = None
        while found is None:
            line = pool.stdout.readline()
            assert line, "the demo said nowhere how to watch it"
            found = re.search(r"--config (\S+)", line)
        yield Path(found[1])
    finally:
        pool.send_signal(signal.SIGINT)
        pool.wait(40)
        pool.stdout.close()
