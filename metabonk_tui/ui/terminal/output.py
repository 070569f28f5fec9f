"""Writes to the terminal from a thread of its own: a terminal that takes little or nothing never holds the screens.

What waits is replaced by what is newer, row by row. Does not: know what is drawn.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import threading
import time
from collections.abc import Callable

from metabonk_tui.ui.terminal.diff import ScreenDiff, SentRow, touches_no_cell, whole_rows

LOG = logging.getLogger(__name__)
SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these shows what stands between as one frame."""
SLOW_WRITE_S = 0.1
"""A terminal that takes longer for one write is slow: less is written at once, so that the rest can be replaced."""
SLOW_ROWS = 2
"""How many rows a slow terminal gets at once."""
MOST_WAITING = 64
"""Texts that may wait: titles and bells of a terminal that takes nothing for hours are dropped, the oldest first."""
NOT_READY_MS = 1000


class TerminalOutput:
    """Writes in order. `write` and `write_rows` never block; rows that wait are replaced by newer ones."""

    def __init__(
        self, descriptor: int, encoding: str, on_gone: Callable[[], None], on_fault: Callable[[], None]
    ) -> None:
        """Start the thread. It calls `on_gone` once when the terminal is gone, `on_fault` when a write was lost."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._on_gone = on_gone
        self._on_fault = on_fault
        self._diff = ScreenDiff()
        self._waiting: list[str | dict[int, SentRow]] = []
        """In order: texts, and rows by their number."""
        self._changed = threading.Condition()
        self._is_synchronised = False
        self._is_slow = False
        self._is_gone = False
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="terminal output", daemon=True)
        self._thread.start()

    def write(self, data: str) -> None:
        """Write escape sequences and text. Characters that the encoding does not have are replaced."""
        if data in (SYNC_START, SYNC_END):
            self._is_synchronised = True  # Textual writes them where the terminal knows them
            return
        rows = whole_rows(data)
        with self._changed:
            if rows is not None:
                self._add_rows(rows)
            else:
                self._add_text(data)
            self._changed.notify()

    def write_rows(self, data: str, is_synchronised: bool) -> None:
        """Write rows; `is_synchronised`: the terminal knows the marks of a frame."""
        self._is_synchronised = is_synchronised
        self.write(data)

    def forget(self) -> None:
        """Write the next rows whole, because the terminal may show something else; drop the rows that wait."""
        with self._changed:
            self._drop_rows()
            self._diff.forget()

    def drop_rows(self) -> None:
        """Drop the rows that wait: the picture is left."""
        with self._changed:
            self._drop_rows()

    def stop(self) -> None:
        """Write what waits, and end the thread."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self._thread.join()

    def _drop_rows(self) -> None:
        self._waiting = [item for item in self._waiting if isinstance(item, str)]

    def _add_rows(self, rows: list[SentRow]) -> None:
        last = self._waiting[-1] if self._waiting else ""
        if isinstance(last, str):
            last = {}
            self._waiting.append(last)
        for row in rows:
            # The newest last: a terminal that is now lower draws rows below its end into its last one.
            last.pop(row.y, None)
            last[row.y] = row

    def _add_text(self, data: str) -> None:
        harmless = touches_no_cell(data)
        # Before the rows that wait, so that these can still be replaced.
        at = len(self._waiting) - (harmless and bool(self._waiting) and not isinstance(self._waiting[-1], str))
        self._waiting.insert(at, data)
        if harmless and len(self._waiting) > MOST_WAITING:
            oldest = next(i for i, item in enumerate(self._waiting) if isinstance(item, str) and touches_no_cell(item))
            del self._waiting[oldest]

    def _run(self) -> None:
        while True:
            try:
                data = self._take()
                if data is None:
                    return
                began_s = time.monotonic()
                self._put(data.encode(self._encoding, "replace"))
                self._is_slow = time.monotonic() - began_s > SLOW_WRITE_S
            except Exception:
                # Without this thread the picture would stand still without a word.
                LOG.exception("a part of the picture was not written")
                with self._changed:
                    self._diff.forget()
                self._on_fault()

    def _take(self) -> str | None:
        """Wait for output, and return as much as is written at once; None: the end."""
        with self._changed:
            while not self._waiting and not self._is_ending:
                self._changed.wait()
            if not self._waiting:
                return None
            item = self._waiting[0]
            if isinstance(item, str):
                del self._waiting[0]
                return self._diff.difference(item)
            count = SLOW_ROWS if self._is_slow else len(item)
            rows = [item.pop(y) for y in list(item)[:count]]
            if not item:
                del self._waiting[0]
            high = self._height()
            changed = self._diff.difference_of(row for row in rows if not high or row.y <= high)
            return f"{SYNC_START}{changed}{SYNC_END}" if self._is_synchronised and changed else changed

    def _height(self) -> int:
        """Return the rows that the terminal has now, which the rows that wait may not know yet; 0: unknown."""
        try:
            return os.get_terminal_size(self._descriptor).lines
        except OSError:
            return 0

    def _put(self, data: bytes) -> None:
        while data and not self._is_gone:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                # Another program made the terminal non-blocking.
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll(NOT_READY_MS)
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EBADF, errno.EPIPE, errno.ENXIO):
                    raise
                self._is_gone = True
                self._on_gone()
