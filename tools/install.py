"""Installs the checkout into a virtual environment, and says each second what it does.

    python3 tools/install.py .venv .            # the program
    python3 tools/install.py .venv '.[dev]'     # and what its tests need

Runs before anything is installed, so it needs Python alone. Does not: choose versions; constraints.txt does.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

TAIL_LINES = 40
"""Lines of pip's output that are shown after a failure."""
QUIET_S = 10
"""Without a terminal a step that lasts says so this often, in seconds."""
STEPS = (
    (
        re.compile(r"\s*(?:Collecting|Downloading|Using cached) ([A-Za-z0-9._-]+?)(?:-\d|[<>=~!;\[ (]|$)"),
        "fetching {}",
    ),
    (re.compile(r"\s*(?:Installing build dependencies|Preparing|Getting requirements|Checking if)"), "preparing"),
    (re.compile(r"\s*(?:Building|Created wheel)"), "building metabonk-tui"),
    (re.compile(r"Installing collected packages: ([^,]+)$"), "installing {}"),
    (re.compile(r"Installing collected packages: (.+)"), "installing {} packages"),
)
"""What a line of pip says that pip does now."""


class Progress:
    """Says on one line of a terminal what is done and since when; elsewhere a line for each step."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.moves = out.isatty()
        self.began_s = time.monotonic()
        self.said_s = 0.0

    def say(self, text: str, lasts: bool = True) -> None:
        """Show what is done now; `lasts`: it may be replaced by what comes next."""
        passed_s = time.monotonic() - self.began_s
        self.said_s = passed_s
        line = f"  {passed_s:3.0f} s  {text}"
        if self.moves:
            self.out.write(f"\r\x1b[K{line[:78]}" + ("" if lasts else "\n"))
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def again(self, text: str) -> None:
        """Show that it is still done, once a second."""
        if self.moves or time.monotonic() - self.began_s - self.said_s >= QUIET_S:
            self.say(text)


def run(command: list[str], first: str, progress: Progress) -> tuple[int, list[str]]:
    """Run a command and show what it does; return its exit status and the end of its output."""
    progress.say(first)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.fileno()
    tail: list[str] = []
    text, rest = first, b""
    with selectors.DefaultSelector() as waiting, process.stdout:
        waiting.register(output, selectors.EVENT_READ)
        while True:
            if not waiting.select(1.0):
                progress.again(text)
                continue
            data = os.read(output, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in (each.decode(errors="replace") for each in lines):
                tail = [*tail, f"{line}\n"][-TAIL_LINES:]
                found = step_of(line)
                if found and found != text:
                    is_same_kind = found.split()[0] == text.split()[0]
                    text = found
                    if progress.moves or not is_same_kind:
                        progress.say(text)
    return process.wait(), [*tail, *([rest.decode(errors="replace") + "\n"] if rest else [])]


def step_of(line: str) -> str:
    """Return what a line of pip's output says that pip does; "" for nothing new."""
    for pattern, text in STEPS:
        found = pattern.match(line.rstrip())
        if found:
            named = found.groups()
            many = str(named[0].count(",") + 1) if named and "packages" in text else (named[0] if named else "")
            return text.format(many)
    return ""


def main(argv: list[str]) -> int:
    folder, target = argv
    progress = Progress(sys.stdout)
    pip = [f"{folder}/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--progress-bar", "off", "-c", "constraints.txt", "-e", target]
    steps = [(pip, "reading what is needed")]
    if not Path(folder, "bin", "pip").exists():
        steps.insert(0, ([sys.executable, "-m", "venv", folder], f"making the environment {folder}"))
    for command, first in steps:
        status, tail = run(command, first, progress)
        if status:
            progress.say(f"failed: {' '.join(command)}", lasts=False)
            sys.stderr.writelines(tail)
            return status
    progress.say("installed", lasts=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
