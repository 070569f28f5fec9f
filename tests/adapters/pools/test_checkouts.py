"""Where setup finds MetaBonk: a pool that runs, the current folder, the home; never where another user writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.checkouts import RunningPool, find_checkouts, running_pools, why_no_checkout
from metabonk_tui.adapters.process.proc import Proc
from tests.support.children import config
from tests.support.metabonk_layout import make_checkout
from tests.support.proc_trees import Table

CONFIG = config()


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "root")


def add(table: Table, pid: int, command: str, folder: Path, uid: int | None = None, environ: str = "") -> None:
    table.add(pid, command, environ=environ)
    table.write(f"{pid}/status", f"Name:\tx\nUid:\t0\t{os.geteuid() if uid is None else uid}\t0\t0\n")
    os.symlink(folder, table.root / "proc" / str(pid) / "cwd")


def places(table: Table, cwd: Path, home: Path) -> list[tuple[Path, str]]:
    return [(Path(c.path), c.origin) for c in find_checkouts(CONFIG, cwd, home, Proc(table.root))]


def test_a_running_pool_is_first_then_the_current_folder_then_the_home(table: Table, tmp_path: Path) -> None:
    running, here, home = tmp_path / "running", tmp_path / "here", tmp_path / "home"
    for folder in (running, here, home / "src" / "a", home / "MetaBonk", home / "copy"):
        make_checkout(folder)
    add(table, 40, "python3 -m src.worker.main --port 5000 --instance-id omega-0", running)
    add(table, 30, "python3 launch.py --workers 1", running)
    assert places(table, here / "scripts", home) == [
        (running, "a pool runs there, pid 30"),
        (here, "above the current folder"),
        (home / "MetaBonk", "your home folder"),
        (home / "copy", "your home folder"),
        (home / "src" / "a", "your home folder"),
    ]
    # A folder is named once, whatever leads to it.
    (tmp_path / "link").symlink_to(home / "copy")
    assert places(table, tmp_path / "link", home)[1] == (tmp_path / "link", "the current folder")
    assert len(places(table, tmp_path / "link", home)) == 4


def test_a_pool_shows_its_ports_its_workers_and_its_python(table: Table, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "MetaBonk", {".venv/bin/python": ""})
    (folder / ".venv/bin/python").chmod(0o755)
    add(table, 30, f"python3 {folder}/launch.py --workers 2", tmp_path, environ=f"PATH={folder}/.venv/bin:/nowhere")
    for slot in (0, 1):
        add(table, 40 + slot, f"python -m src.worker.main --port {6000 + slot} --instance-id omega-{slot}", folder)
    add(table, 50, "python -m src.orchestrator.main --port 9040", folder)
    found = running_pools(CONFIG, Proc(table.root))
    assert found == (RunningPool(str(folder), 30, 6000, 2, 9040),)
    (folder / ".venv/bin/python3").symlink_to("python")
    assert running_pools(CONFIG, Proc(table.root))[0].python == f"{folder}/.venv/bin/python3"


def test_processes_of_another_user_or_program_show_no_checkout(table: Table, tmp_path: Path) -> None:
    folder, other = make_checkout(tmp_path / "MetaBonk"), tmp_path / "other"
    other.mkdir()
    add(table, 30, "python3 launch.py", folder, uid=os.geteuid() + 1)
    add(table, 31, "vim launch.py", folder)
    add(table, 32, "python3 launch.py", other)
    add(table, 33, "", folder)
    assert running_pools(CONFIG, Proc(table.root)) == ()
    assert places(table, tmp_path / "gone", tmp_path / "gone") == []


def test_a_folder_that_every_user_may_write_is_dangerous_and_last(table: Table, tmp_path: Path) -> None:
    here = make_checkout(tmp_path / "here")
    here.chmod(0o777)
    make_checkout(tmp_path / "home" / "MetaBonk")
    found = find_checkouts(CONFIG, here, tmp_path / "home", Proc(table.root))
    assert [checkout.danger for checkout in found] == ["", "every user may write there"]


def test_what_a_folder_lacks_is_named(tmp_path: Path) -> None:
    assert why_no_checkout(str(tmp_path), CONFIG) == f"launch.py and src/worker/main.py are not in {tmp_path}"
    (tmp_path / "launch.py").touch()
    assert why_no_checkout(str(tmp_path), CONFIG) == f"src/worker/main.py is not in {tmp_path}"
    assert why_no_checkout(f"{tmp_path}/launch.py", CONFIG).endswith("is no folder")
    assert why_no_checkout(f"{tmp_path}/gone", CONFIG).endswith("does not exist")
