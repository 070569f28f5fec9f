"""Says where a fault can be injected, and when the long ones run."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.support.examples import THOROUGH

FAULTS = "METABONK_TUI_FAULTS"
"""Set by `make faults`, which runs every fault; `make thorough` does so too."""
LONG = pytest.mark.skipif(
    not (os.environ.get(FAULTS) or os.environ.get(THOROUGH)), reason="only in `make faults` and `make thorough`"
)
ROOT_USER = pytest.mark.skipif(os.geteuid() != 0, reason="only root can inject it")
FAKETIME = next(
    (str(path) for folder in ("/usr/lib", "/usr/local/lib") for path in Path(folder).rglob("libfaketime.so.1")),
    os.environ.get("LIBFAKETIME", ""),
)


@cache
def can_mount() -> bool:
    """Return whether a tmpfs can be mounted in a mount namespace of our own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-m", "--propagation", "private", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def needs_mounts() -> None:
    """Skip the test where no tmpfs can be mounted."""
    if not can_mount():
        pytest.skip("only root can mount a tmpfs, in a mount namespace")


def in_mounts(*commands: str) -> list[str]:
    """Return the words that run a program in a mount namespace of its own, after these commands of the shell."""
    script = " && ".join([*commands, 'exec "$@"'])
    return ["unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh"]
