"""Runs a program in a real tmux with a server of its own, and reads its screen and the state of its terminal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.waiting import wait_for


class Tmux:
    """A server of tmux with one pane. Everything of it ends with `close`."""

    def __init__(
        self, folder: Path, command: str, *, columns: int = 120, lines: int = 40, environment: Mapping[str, str] = {}
    ) -> None:
        """Start the server with its socket in `folder`, and a shell command in its pane."""
        self.words = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in ("TMUX", "COLUMNS", "LINES", "NO_COLOR")
            },
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            "PS1": "PROMPT> ",
            "HISTFILE": "",
            **environment,
        }
        size = ("-x", str(columns), "-y", str(lines))
        self.run("new-session", "-d", *size, "-c", str(folder), "-s", "main", command)
        self.run("set", "-g", "escape-time", "0")

    def run(self, *words: str) -> str:
        """Run one command of tmux; return what it prints."""
        done = subprocess.run(
            [*self.words, *words], env=self.environ, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    @property
    def text(self) -> str:
        """The text of the pane."""
        return self.run("capture-pane", "-p", "-t", "main")

    def state(self, name: str) -> str:
        """Return a state of the pane by its name in FORMATS of tmux(1): `alternate_on`, `cursor_flag` ..."""
        return self.run("display", "-p", "-t", "main", f"#{{{name}}}").strip()

    def keys(self, *keys: str) -> None:
        """Press keys by their names in tmux, or type texts."""
        self.run("send-keys", "-t", "main", *keys)

    def wait_for(self, shows: str | Callable[[str], object], limit_s: float = 60.0) -> str:
        """Wait until the pane shows a text, or what a function of its text looks for; return the pane's text."""
        seen = [""]

        def found() -> object:
            seen[0] = self.text
            return shows in seen[0] if isinstance(shows, str) else shows(seen[0])

        try:
            wait_for(found, str(shows), limit_s, every_s=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{seen[0]}") from None
        return seen[0]

    def close(self) -> None:
        """End the server and what runs in it."""
        with suppress(subprocess.SubprocessError):
            self.run("kill-server")
