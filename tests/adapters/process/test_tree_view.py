"""The tree of processes below a worker's own."""

from pathlib import Path

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.tree_view import process_tree
from tests.support.proc_trees import PAGE, Table


def test_children_follow_their_parent_and_strangers_are_left_out(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.add(10, "python -m src.worker.main", pages=3)
    table.add(12, "game", parent=10, name="game")
    table.add(11, "Xvfb", parent=10, name="Xvfb\x1b[2J")
    table.add(13, "shader", parent=12, name="shader")
    table.add(20, "other", name="other")
    found = process_tree(10, Proc(tmp_path))
    assert [(one.depth, one.pid) for one in found] == [(0, 10), (1, 11), (1, 12), (2, 13)]
    assert found[0].rss_bytes == 3 * PAGE
    assert "\x1b" not in found[1].name
    assert process_tree(99, Proc(tmp_path)) == ()
