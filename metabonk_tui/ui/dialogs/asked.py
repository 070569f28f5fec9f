"""Asks for something that may take seconds, on a thread: the newest question counts. Does not: draw."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """The answer to the newest question. Call every method from the UI thread; each returns at once."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called from the thread when an answer is there."""
        self._wake = wake
        self._number = 0
        self._answers: SimpleQueue[tuple[int, T]] = SimpleQueue()
        self.is_waiting = False

    def ask(self, question: Callable[[], T]) -> None:
        """Begin to ask; the answer to an earlier question no longer counts."""
        self._number += 1
        self.is_waiting = True
        threading.Thread(target=self._run, args=(self._number, question), name="asking", daemon=True).start()

    def take(self) -> T | None:
        """Return the answer once; None: there is none yet."""
        while not self._answers.empty():
            number, answer = self._answers.get()
            if number == self._number:
                self.is_waiting = False
                return answer
        return None

    def _run(self, number: int, question: Callable[[], T]) -> None:
        self._answers.put((number, question()))
        self._wake()
