"""Ctrl-Z on a real process: the hooks run before it stops and after it continues."""

from __future__ import annotations

import os
import signal

import pytest

from metabonk_tui.adapters.state.role_wire import is_suspended
from tests.support.children import Children
from tests.support.waiting import wait_for

SHELL = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
print(child.pid, flush=True)
child.wait()
"""
"""Starts a job as a shell does: the kernel stops no group of processes whose parents are in other sessions."""
# They wait in short steps: Python runs no handler of a signal that arrives between its last look and a blocking read.
# A hook writes to the descriptor: the signal may arrive inside of print(), which no handler may enter again.
PLAIN = """
import os, select, sys
from metabonk_tui.adapters.process.suspension import around_suspension
with around_suspension(lambda: os.write(1, b"before\\n"), lambda: os.write(1, b"after\\n")):
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
"""
SCREEN = """
import asyncio, os, select, sys
from textual.app import App
from metabonk_tui.adapters.process.suspension import around_suspension, with_hooks
from metabonk_tui.ui.terminal.driver import Driver
async def main():
    Driver.around_stop = staticmethod(with_hooks)
    Driver(App())
with around_suspension(lambda: os.write(1, b"before\\n"), lambda: os.write(1, b"after\\n")):
    asyncio.run(main())
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
"""


@pytest.mark.parametrize("program", [PLAIN, SCREEN], ids=["plain", "screen"])
def test_the_hooks_run_around_the_time_for_which_it_is_stopped(children: Children, program: str) -> None:
    shell = children.python(SHELL, program)
    pid = int(shell.line)  # type: ignore[attr-defined]
    assert children.line(shell) == "ready"
    for _ in range(2):
        os.kill(pid, signal.SIGTSTP)
        assert children.line(shell) == "before"
        wait_for(lambda: is_suspended(pid))
        os.kill(pid, signal.SIGCONT)
        assert children.line(shell) == "after"
