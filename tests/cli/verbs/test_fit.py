"""`fit`: the machine as it is, a real limit, a real pool, and what earlier runs held."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.state.peaks import PeaksFile, pool_key
from metabonk_tui.core.model.host import RunPeaks
from tests.cli.conftest import Metabonk, demo
from tests.support.plain_workers import plain_workers
from tests.support.waiting import wait_for

GB = 1_000_000_000
NOBODY = ("--base-port", "1")
LIMIT = 1500 << 20


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "fit.toml"
    # Whatever runs beside the test is no part of this pool.
    path.write_text('[processes]\nollama = [["no such program of ours"]]\nworker = [["nor this one"]]\n' + text)
    return str(path)


def test_it_says_the_sum_and_leaves_with_its_answer(metabonk: Metabonk, tmp_path: Path) -> None:
    small = written(tmp_path, "[memory]\nworker_gb = 0.001\nollama_gb = 0\nfloor_gb = 0.001")
    done = metabonk("fit", *NOBODY, "--config", small, "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 workers: fits, leaves ")
    assert "(peak assumed)" in done.stdout.splitlines()[0]
    assert "2 x 0.00 (assumed) + floor 0.00" in done.stdout
    assert "<- asked" in done.stdout
    assert len(done.stdout.splitlines()) < 40


def test_what_does_not_fit_is_1_and_more_than_fits_is_named(metabonk: Metabonk, tmp_path: Path) -> None:
    large = written(tmp_path, "[memory]\nworker_gb = 100000.0\nollama_gb = 1.0")
    done = metabonk("fit", *NOBODY, "--config", large, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert (answer["workers"], answer["verdict"], answer["fits"]) == (3, "does not fit", 0)
    assert answer["worker"] == {"bytes": 100000 * GB, "source": "config", "measured": False, "measured_at": None}
    assert answer["ollama"]["running"] is False
    assert [row["workers"] for row in answer["what_if"]] == [1, 2, 3, 4]
    assert answer["budget_bytes"] == answer["available_bytes"] + answer["held_bytes"]


def test_the_memory_of_another_machine_is_not_known(metabonk: Metabonk) -> None:
    done = metabonk("fit", *NOBODY, "--host", "192.0.2.1")
    assert done.returncode == 3
    assert done.stdout.startswith("not known: the memory of 192.0.2.1")
    answer = metabonk("fit", *NOBODY, "--host", "192.0.2.1", "--json")
    assert answer.returncode == 3
    assert json.loads(answer.stdout)["verdict"] is None


def test_an_earlier_run_on_this_machine_counts_with_its_day(metabonk: Metabonk, tmp_path: Path) -> None:
    path = written(tmp_path, f'[pool.launcher]\ndirectory = "{tmp_path}"')
    file = PeaksFile(tmp_path / "state", pool_key(load_config(path).config.pool))
    assert file.save("run-1", RunPeaks(1_767_225_600.0, 2 * GB, None))
    done = metabonk("fit", *NOBODY, "--config", path)
    assert "worker        2.00 GB each, measured in an earlier run, 2026-01-01" in done.stdout
    assert "4.90 GB, assumed, not running but needed" in done.stdout


def test_a_pool_that_runs_is_measured_and_remembered(home: dict[str, str], metabonk: Metabonk, tmp_path: Path) -> None:
    with demo(home, "--workers", "2", "--speed", "600", "--scenario", "healthy") as pool:
        options = (*pool.options, "--json")

        def measured() -> dict[str, Any] | None:
            found: dict[str, Any] = json.loads(metabonk("fit", *options).stdout)
            return found if found["worker"]["source"] == "this run" else None

        answer = wait_for(measured, "a measured worker", every_s=0.5)
        assert answer["ollama"]["running"] is True
        assert answer["held_bytes"] >= answer["worker"]["bytes"] > 0
        assert answer["verdict"] == "fits"
        metabonk("check", *pool.options)
        kept = json.loads((tmp_path / "state" / "peaks.json").read_text())
        (runs,) = kept["pools"].values()
        assert [run["worker_bytes"] > 0 for run in runs.values()] == [True]


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can hide processes")
def test_what_a_hidden_worker_holds_is_not_zero(home: dict[str, str]) -> None:
    # The modules are loaded before the process becomes another user, who may not read them.
    look = (
        "import os, subprocess, sys\n"
        "from metabonk_tui.cli import main\n"
        "from metabonk_tui.cli.verbs import fit\n"
        "if subprocess.run(['mount', '-t', 'proc', '-o', 'hidepid=2', 'proc', '/proc']).returncode:\n"
        "    print('cannot mount'); sys.exit()\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(main.guarded(['fit', *sys.argv[1:]]))\n"
    )
    # The folder of the test is closed to the other user.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, plain_workers(2) as port:
        os.chmod(folder, 0o755)
        text_of = "[pool]\nworkers = 2\n[memory]\nworker_gb = 0.001\nollama_gb = 0\nfloor_gb = 0.001"
        argv = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", look]
        argv += ["--config", written(Path(folder), text_of), "--base-port", str(port)]
        text, tree = (
            subprocess.run([*argv, *how], env=home, capture_output=True, text=True, timeout=60)
            for how in ((), ("--json",))
        )
    if text.stdout == "cannot mount\n":
        pytest.skip("/proc cannot be mounted anew")
    assert f"pool holds  not known: the processes on {port}, {port + 1} cannot be seen" in text.stdout, text.stderr
    answer = json.loads(tree.stdout)
    assert (answer["held_bytes"], answer["unseen_ports"]) == (None, [port, port + 1])


# In a real group


@pytest.fixture
def groups() -> Iterator[Any]:
    from tests.support.kernel_groups import KernelGroups

    made = KernelGroups()
    if not made.possible:
        pytest.skip(made.why_not)
    yield made
    made.close()


def test_a_limit_above_us_is_what_is_shared_out(groups: Any, home: dict[str, str], tmp_path: Path) -> None:
    group = groups.make()
    group.limit(LIMIT)
    path = written(tmp_path, "[memory]\nworker_gb = 0.5\nollama_gb = 0.2\nfloor_gb = 0.1")
    program = (
        "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "sys.argv[1:] = sys.argv[2:]; from metabonk_tui.cli.main import run; run()"
    )
    argv = [sys.executable, "-c", program, str(group.procs), "fit", *NOBODY, "--config", path, "--json"]
    done = subprocess.run(argv, env=home, capture_output=True, text=True, timeout=60)
    answer = json.loads(done.stdout)
    assert answer["total_bytes"] == LIMIT
    assert answer["limited_by"] == group.name
    assert LIMIT - 200_000_000 < answer["available_bytes"] <= LIMIT
    assert (answer["fits"], done.returncode) == (2, 1)
