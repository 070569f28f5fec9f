"""Runs one monitor in a terminal of its own, for one browser.

Does not: know HTTP, or what the monitor draws.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
from collections.abc import Mapping, Sequence

from metabonk_tui.adapters.process.spawn import kill_group

READ_BYTES = 65536
STOP_S = 8.0
"""A monitor that has not ended by then is killed."""
LARGEST = (1000, 500)
"""The columns and rows of the largest terminal."""
DROPPED = dict.fromkeys(map(ord, "\x1a\x1c"))
"""Ctrl+Z and Ctrl+\\: no shell could let a stopped monitor run again."""
NOT_INHERITED = ("TMUX", "STY", "COLUMNS", "LINES", "TERM_PROGRAM", "TEXTUAL", "VTE_VERSION", "WT_SESSION")
"""Prefixes of variables that describe the terminal of the server."""


class Viewer:
    """A monitor and the other end of its terminal."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        """Take a running process and the descriptor of its terminal's other end."""
        self._process = process
        self._terminal = terminal
        self._readable = asyncio.Event()
        self._is_closed = False

    @property
    def pid(self) -> int:
        """The monitor's pid."""
        return self._process.pid

    async def read(self) -> bytes:
        """Return what the monitor wrote; b"" once it has ended. Reads no further than it is asked: who reads slowly
        slows the monitor's output, as a slow terminal does."""
        while not self._is_closed:
            try:
                return os.read(self._terminal, READ_BYTES)
            except BlockingIOError:
                await self._wait()
            except OSError:
                return b""  # EIO: no process has this terminal any more
        return b""

    def write(self, text: str) -> None:
        """Pass keys to the monitor. Keys that it does not read in time are dropped."""
        if not self._is_closed:
            with contextlib.suppress(OSError):
                os.write(self._terminal, text.translate(DROPPED).encode("utf-8", "replace"))

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the terminal, in cells."""
        if not self._is_closed:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetwinsize(self._terminal, _size(columns, rows))

    async def stop(self) -> None:
        """End the monitor and wait for it; its last output is read and dropped."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        ending = asyncio.ensure_future(self._process.wait())
        draining = asyncio.ensure_future(self._drain())
        await asyncio.wait({ending}, timeout=STOP_S)
        if not ending.done():
            # The monitor leads its session; nothing else of it has this terminal.
            kill_group(self._process.pid)
        await ending
        self._is_closed = True
        self._readable.set()
        await draining
        os.close(self._terminal)

    async def _drain(self) -> None:
        while await self.read():
            pass

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._readable.clear()
        loop.add_reader(self._terminal, self._readable.set)
        try:
            await self._readable.wait()
        finally:
            loop.remove_reader(self._terminal)


async def start_viewer(
    command: Sequence[str], columns: int, rows: int, environ: Mapping[str, str] = os.environ
) -> Viewer:
    """Start a monitor in a new terminal of this size, in cells. Raises OSError.

    The monitor must make the terminal its own (`take_terminal`), so that it ends with the server in any case.
    """
    ours, theirs = os.openpty()
    try:
        termios.tcsetwinsize(theirs, _size(columns, rows))
        os.set_blocking(ours, False)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, env=_environment(environ), start_new_session=True
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Viewer(process, ours)


def take_terminal() -> None:
    """Make standard input the terminal of this session. Raises OSError when its other end is gone already.

    From then on the kernel sends SIGHUP when that end is closed, and SIGWINCH when it changes the size.
    """
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _size(columns: int, rows: int) -> tuple[int, int]:
    return max(1, min(rows, LARGEST[1])), max(1, min(columns, LARGEST[0]))


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith(NOT_INHERITED)}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONIOENCODING": "utf-8"}
