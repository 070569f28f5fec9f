"""A number in /proc and a handle on a process: what is signalled is the process that was looked at."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.handles import FOREIGN_PROC, handle_of, why_not_ours
from metabonk_tui.adapters.process.proc import Proc
from tests.support.children import Children
from tests.support.paths import ROOT
from tests.support.waiting import wait_for

EXIT_OF_A_THREAD = {"x86_64": 60, "aarch64": 93}
"""The number of the system call that ends one thread."""
IN_THE_NAMESPACE = """
import subprocess
from metabonk_tui.adapters.process.handles import handle_of, why_not_ours
from metabonk_tui.adapters.process.proc import Proc
child = subprocess.Popen(["sleep", "600"])
print(why_not_ours(Proc()))
try:
    with handle_of(child.pid):
        print("opened")
except OSError as error:
    print(error.strerror)
child.kill()
child.wait()
"""


def test_in_our_own_proc_a_number_leads_to_its_process(children: Children) -> None:
    child = children.run(["sleep", "600"], ready=False)
    assert why_not_ours(Proc()) == ""
    with handle_of(child.pid) as handle:
        assert handle > 2
    child.kill()
    child.wait()
    with pytest.raises(ProcessLookupError), handle_of(child.pid):
        pass


@pytest.mark.skipif(platform.machine() not in EXIT_OF_A_THREAD, reason="the number of the system call is not known")
def test_a_process_whose_first_thread_has_ended_lives_until_its_last_one_ends(children: Children) -> None:
    code = (
        "import ctypes, os, sys, threading\n"
        "def stay():\n    print('runs', flush=True)\n    sys.stdin.read()\n    os._exit(0)\n"
        "threading.Thread(target=stay).start()\n"
        f"ctypes.CDLL(None).syscall({EXIT_OF_A_THREAD.get(platform.machine())}, 0)\n"
    )
    child = children.python(code)
    wait_for(lambda: ") Z " in Path(f"/proc/{child.pid}/stat").read_text())
    assert Proc().stat(child.pid) is not None
    with handle_of(child.pid) as handle:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    wait_for(lambda: Proc().stat(child.pid) is None, "it is gone, although it was not waited for")


def test_a_made_up_tree_is_not_asked_whose_it_is(tmp_path: Path) -> None:
    assert why_not_ours(Proc(tmp_path)) == ""


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root makes pid namespaces")
@pytest.mark.parametrize(("own_proc", "said"), [(False, [FOREIGN_PROC, FOREIGN_PROC]), (True, ["", "opened"])])
def test_a_proc_of_another_pid_namespace_names_no_process_here(own_proc: bool, said: list[str]) -> None:
    options = ["--mount-proc"] if own_proc else []
    argv = ["unshare", "--pid", "--fork", *options, sys.executable, "-c", IN_THE_NAMESPACE]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == said


@pytest.mark.parametrize("foreign", [False, True])
def test_where_the_kernel_gives_no_number_our_own_in_proc_decides(
    monkeypatch: pytest.MonkeyPatch, foreign: bool
) -> None:
    monkeypatch.setattr("metabonk_tui.adapters.process.handles.read_bytes", lambda path: b"pos:\t0\n")
    if foreign:
        monkeypatch.setattr("metabonk_tui.adapters.process.handles.why_not_ours", lambda proc: FOREIGN_PROC)
        with pytest.raises(OSError, match="another pid namespace"), handle_of(os.getpid()):
            pass
    else:
        with handle_of(os.getpid()) as handle:
            assert handle > 2
