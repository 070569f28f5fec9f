"""Reads the tree of processes below one, for people."""

from __future__ import annotations

from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.tree import descendants
from metabonk_tui.core.ports.plots import TreeProcess
from metabonk_tui.core.text.clean import clean_text

NAME_CELLS = 32
MOST = 200
"""Processes of a tree that are listed."""


def process_tree(pid: int, proc: Proc | None = None) -> tuple[TreeProcess, ...]:
    """Return a process and its descendants, parents before children; (): it is gone, or hidden."""
    proc = proc or Proc()
    root = proc.stat(pid)
    if root is None:
        return ()
    children: dict[int, list[ProcessStat]] = {}
    for stat in descendants(proc, (pid,)):
        children.setdefault(stat.parent_pid, []).append(stat)
    listed: list[TreeProcess] = []
    waiting = [(0, root)]
    while waiting and len(listed) < MOST:
        depth, stat = waiting.pop()
        listed.append(TreeProcess(depth, stat.pid, clean_text(stat.name, NAME_CELLS), stat.rss_bytes))
        waiting += [(depth + 1, below) for below in sorted(children.get(stat.pid, ()), key=lambda child: -child.pid)]
    return tuple(listed)
