"""Distributes the tests over xdist workers: more workers than cores, because many tests wait; the longest first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.support.examples import load_profile

load_profile()

# The tests start the program hundreds of times; without cached bytecode each start compiles every module.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Collecting makes a million objects and almost no garbage.
gc.disable()

BUSY = 3
"""Workers that begin with tests that compute, so that every core has work while the others wait."""
WAITING = 4
"""Workers that begin with the longest tests, which mostly wait for a real pool."""
LONG_FILES = (
    *("tests/e2e/", "tests/cli/verbs/", "tests/demo/", "tests/adapters/pools/", "tests/faults/", "tests/bench/"),
    *("tests/ui/terminal/", "tests/adapters/agent/", "tests/adapters/ray/", "tests/adapters/slurm/"),
)
"""Where the tests are that mostly wait for real processes, some for 10 s and more."""
FEW_FILES = 3
HERE = Path(__file__).parent
REAL = HERE / "real"
MOST_CORES = 8
LONGEST_ID = 100
LONGEST = ("test_reenactment", "test_main_job", "test_causes", "test_conduct")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect the scenarios of the real MetaBonk only where the command line names them."""
    named = any("tests/real" in name for name in config.invocation_params.args)
    return True if collection_path == REAL and not named else None


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of workers; 0 for a few files or a selection, because a worker takes seconds to start."""
    wanted = config.option.keyword or config.option.markexpr
    chosen = bool(wanted) and "not" not in wanted.split()
    named = [name.split("::")[0] for name in config.option.file_or_dir]
    few = named and len(named) <= FEW_FILES and all(name.endswith(".py") for name in named)
    cores = min(MOST_CORES, max(BUSY, len(os.sched_getaffinity(0))))
    if chosen or few or config.getoption("lf", False):
        return 0
    if not any(HERE.glob("__pycache__/test_*-pytest-*.pyc")):
        compile_once()
    return cores + WAITING


def compile_once() -> None:
    """Do once in a new checkout, in two processes, what would cost each worker 6 s of CPU time.

    All tests are compiled, and Hypothesis writes its table of characters.
    """
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-n0", "-p", "no:cacheprovider"]
    core = str(HERE / "core")
    parts = ([core, str(HERE / "ui")], [str(HERE), "--ignore", core, "--ignore", str(HERE / "ui")])
    processes = [
        subprocess.Popen([*command, *part], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for part in parts
    ]
    table = "from hypothesis import strategies; strategies.text().validate()"
    subprocess.run([sys.executable, "-c", table], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for process in processes:
        process.wait()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Cut the id of a long text: ids of a megabyte went to every worker, and with every report back."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        return f"{val[:40]!a} and {len(val) - 40} more"
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest tests at the start of each worker's share, which xdist cuts from the list in order.

    A test of a minute that starts last would delay the whole run. Every worker must compute the same list.
    """
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    if workers == 1:
        return
    long = [item for item in items if item.nodeid.startswith(LONG_FILES)]
    long.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    rest = iter([item for item in items if not item.nodeid.startswith(LONG_FILES)])
    hands = max(1, workers - BUSY)
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(dealt)) // (workers - worker)
        share = long[worker::hands] if worker < hands else []
        # Where only long tests were chosen, a share is larger than an even one.
        dealt += [*share, *islice(rest, max(0, size - len(share)))]
    assert len(dealt) == len(items)
    items[:] = dealt


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and never scan the collected tests and modules, nor the little garbage among them."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


def pytest_unconfigure() -> None:
    """Scan once what is left: pytest looks for garbage five times here, each time through all that is cached."""
    gc.collect()
    gc.freeze()
