"""Builds a /proc of made-up processes as files under a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
BOOT = 1_700_000_000


@dataclass
class Table:
    """A process table made of files."""

    root: Path

    def __post_init__(self) -> None:
        self.write("stat", f"cpu 1 2 3\nbtime {BOOT}\nprocesses 5\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / "proc" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add(
        self,
        pid: int,
        command: str = "",
        parent: int = 1,
        pages: int = 1,
        start_s: int = 100,
        state: str = "S",
        name: str = "python",
        environ: str | None = None,
    ) -> None:
        """Add a process, or change it. The words of `command` are its arguments."""
        zeros = " 0" * 14
        self.write(
            f"{pid}/stat",
            f"{pid} ({name}) {state} {parent} 1 1{zeros} 0 {start_s * TICKS} 99999 {pages} 18446744073\n",
        )
        self.write(f"{pid}/cmdline", command.replace(" ", "\0") + "\0")
        if environ is not None:
            self.write(f"{pid}/environ", environ.replace(" ", "\0"))

    def remove(self, pid: int) -> None:
        for file in (self.root / "proc" / str(pid)).iterdir():
            file.unlink()
        (self.root / "proc" / str(pid)).rmdir()
