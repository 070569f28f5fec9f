"""Runs reads that block one after the other in one thread, and notices their ends together.

In threads of their own, five reads that take 0.3 ms each wait 300 times a second for Python's lock, and wake the loop
five times. A read that hangs holds up no other one for longer than some looks: the next thread takes over the queue.

Does not: limit how long a read takes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from metabonk_tui.core.ports.looks import look_at_s

T = TypeVar("T")

IDLE_S = 30.0
"""A thread ends when it had nothing to read for so long."""
PATIENCE = 3
"""At so many looks in a row a thread may be at the same read: 20 to 35 ms; then another one takes over."""
_WHILE_QUEUED = 2
"""While something waits in the queue, looks go on as after so many."""


class _Read:
    """One read on its way. The thread sets `is_done` last."""

    __slots__ = ("error", "future", "is_done", "looks", "read", "result", "wakes")

    def __init__(self, read: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.read = read
        self.future = future
        self.looks = 0
        self.wakes = False
        self.is_done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Read, on the thread; wake the loop where it looks no more."""
        if not self.future.done():  # cancelled, or no thread could be started
            try:
                self.result = self.read()
            except BaseException as error:
                self.error = error
        self.is_done = True
        if self.wakes:
            with suppress(RuntimeError):  # the loop has ended
                self.future.get_loop().call_soon_threadsafe(self.settle)

    def settle(self) -> None:
        """Give the result to who asked, on the loop's thread; once."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)

    def wake(self) -> None:
        """Let the end wake the loop from now on."""
        self.wakes = True
        if self.is_done:  # it ended in between, and may not have seen that
            self.settle()


class _Thread:
    """What one thread is doing."""

    def __init__(self, queue: SimpleQueue[_Read]) -> None:
        self._queue = queue
        self.reading: _Read | None = None
        self.is_left = False
        """Whether another thread has taken over; it ends after its read."""
        self.has_ended = False

    def work(self) -> None:
        """Run what is queued, until nothing comes for a while."""
        while not self.is_left:
            try:
                self.reading = self._queue.get(timeout=IDLE_S)
            except Empty:
                self.has_ended = True
                # What was queued before the end of the thread could be seen.
                with suppress(Empty):
                    while True:
                        self._queue.get_nowait().run()
                return
            self.reading.run()
            self.reading = None


class ReaderThreads:
    """The threads of one event loop. Use it on the loop's thread."""

    def __init__(self) -> None:
        """Prepare; the first read starts a thread."""
        self._queue: SimpleQueue[_Read] = SimpleQueue()
        self._thread: _Thread | None = None
        self._pending: list[_Read] = []
        self._timer: asyncio.TimerHandle | None = None
        self._seen: _Read | None = None
        self._seen_times = 0

    def run(self, read: Callable[[], T]) -> asyncio.Future[T]:
        """Start a read; the future gets what it returns or raises, RuntimeError if no thread can be started."""
        loop = asyncio.get_running_loop()
        asked = _Read(read, loop.create_future())
        self._queue.put(asked)
        try:
            if self._thread is None or self._thread.has_ended:
                self._start()
        except RuntimeError as error:
            asked.future.set_exception(error)
            return asked.future
        self._pending.append(asked)
        self._look_by(look_at_s(loop.time(), 0))
        return asked.future

    def _start(self) -> None:
        if self._thread is not None:
            self._thread.is_left = True
        self._thread, self._seen = None, None
        next_thread = _Thread(self._queue)
        threading.Thread(target=next_thread.work, name="reader", daemon=True).start()
        self._thread = next_thread

    def _look_by(self, at_s: float | None) -> None:
        if at_s is None or (self._timer is not None and self._timer.when() <= at_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at_s, self._look)

    def _look(self) -> None:
        self._timer = None
        for asked in self._pending:
            if asked.is_done:
                asked.settle()
        self._pending = [asked for asked in self._pending if not asked.is_done and not asked.future.done()]
        self._take_over_if_stuck()
        now_s = asyncio.get_running_loop().time()
        for asked in self._pending:
            asked.looks += 1
            next_s = look_at_s(now_s, asked.looks)
            if next_s is None:
                asked.wake()
            self._look_by(next_s)
        self._pending = [asked for asked in self._pending if not asked.wakes]
        if not self._queue.empty():
            self._look_by(look_at_s(now_s, _WHILE_QUEUED))

    def _take_over_if_stuck(self) -> None:
        reading = self._thread.reading if self._thread is not None else None
        self._seen_times = self._seen_times + 1 if reading is self._seen and reading is not None else 0
        self._seen = reading
        if self._seen_times >= PATIENCE and not self._queue.empty():
            # Without another thread the queue waits for this one.
            with suppress(RuntimeError):
                self._start()


_OF_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, ReaderThreads] = WeakKeyDictionary()


def reader_threads() -> ReaderThreads:
    """Return the threads of the running loop."""
    loop = asyncio.get_running_loop()
    found = _OF_LOOPS.get(loop)
    if found is None:
        found = _OF_LOOPS[loop] = ReaderThreads()
    return found
