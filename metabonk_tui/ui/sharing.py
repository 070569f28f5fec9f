"""Hands what is on screen to others: verdict, hand-over and picture go to the clipboard and into files.

Does not: ask the terminal, read a recording or write a file on the UI thread.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.notices import copied_text

if TYPE_CHECKING:
    from metabonk_tui.core.ports.moments import ClipboardProblem, MomentFiles

LOG = logging.getLogger(__name__)
HOME = "dashboard"
OF_WORKER = ("worker", "environment", "logs")
"""Screens that show one worker, selected or not."""


class SharedResult(Struct, frozen=True):
    """The end of one sharing."""

    notice: str
    copy: str = ""
    """A text for the clipboard; "" for none."""


class Sharing:
    """Shares one thing at a time. Call every method from the UI thread; each returns at once."""

    def __init__(self, files: MomentFiles | None, wake: Callable[[], None]) -> None:
        """Prepare; None: no file can be written. `wake` is called in the background when something is shared."""
        self._files = files
        self._wake = wake
        self._busy = False
        self._shared: list[SharedResult] = []

    def verdict(self, frame: Frame, screen: str) -> SharedResult:
        """Copy what `y` copies on this screen: the verdict with its evidence, or the page about a death."""
        text = copied_text(frame, screen)
        lines = text.splitlines()
        return (
            self.copy(frame, text, f"copied {len(lines)} lines: {lines[0]}") if text else SharedResult("no data yet")
        )

    def copy(self, frame: Frame, text: str, notice: str) -> SharedResult:
        """Copy a text; where no clipboard can be reached, write it into a file instead."""
        files, stem = self._files, _stem(frame)
        if files is None:
            return SharedResult(notice, text)

        def work() -> SharedResult:
            problem = files.clipboard_problem()
            if problem is None:
                return SharedResult(notice, text)
            return SharedResult(_not_copied(problem, files.write_text(f"{stem}.txt", text + "\n")))

        return self._begin(work, "copying")

    def hand_over(self, frame: Frame, screen: str) -> SharedResult:
        """Write a hand-over of this moment and its slice, and copy it."""
        files, snapshot, zone = self._files, frame.snapshot, frame.zone
        worker = frame.worker if screen in OF_WORKER or frame.state.ref is not None else None
        if files is None or snapshot is None:
            return SharedResult("no file can be written here" if files is None else "no data yet")
        from metabonk_tui.core.verdict.handover import handover_text  # most monitors hand nothing over

        stem = _stem(frame)
        options = ["--at", fmt.elapsed(snapshot.run.elapsed_s)]
        options += ["--screen", screen] if screen != HOME else []
        options += ["--worker", worker.ref.label] if worker is not None else []

        def work() -> SharedResult:
            moment = files.write_slice(snapshot.run.name, snapshot.t, stem)
            command = files.replay_command(moment.recording, *options) if moment.recording else ""
            text = handover_text(snapshot, worker, command, moment.note, zone)
            path = files.write_text(f"{stem}.txt", text + "\n")
            problem = files.clipboard_problem()
            if problem is not None:
                return SharedResult(_not_copied(problem, path))
            return SharedResult(f"copied and in {_short(path)}{'' if command else f'; {moment.note}'}", text)

        return self._begin(work, "writing the hand-over and its slice")

    def picture(self, frame: Frame, screen: str, draw: Callable[[], str]) -> SharedResult:
        """Save what `draw` returns, the screen as SVG."""
        files = self._files
        if files is None:
            return SharedResult("no file can be written here")
        stem = _stem(frame)
        return self._begin(
            lambda: SharedResult(f"saved {_short(files.write_text(f'{stem}-{screen}.svg', draw()))}"),
            "saving the screen",
        )

    def take(self) -> SharedResult | None:
        """Return what ended since the last call; None for nothing."""
        return self._shared.pop(0) if self._shared else None

    def _begin(self, work: Callable[[], SharedResult], doing: str) -> SharedResult:
        if self._busy:
            return SharedResult("still busy with the last one")
        self._busy = True
        threading.Thread(target=self._run, args=(work, doing), name="sharing", daemon=True).start()
        return SharedResult(f"{doing} ...")

    def _run(self, work: Callable[[], SharedResult], doing: str) -> None:
        try:
            shared = work()
        except OSError as error:
            LOG.warning("%s: %s", doing, error)
            shared = SharedResult(f"not written: {error.strerror or error}")
        except Exception as error:
            LOG.exception("%s failed", doing)
            shared = SharedResult(f"not written: internal error, see the log: {type(error).__name__}")
        self._busy = False
        self._shared.append(shared)
        self._wake()


def _stem(frame: Frame) -> str:
    """Return what begins the names of files about the moment on screen: the age of the run, "metabonk-005504".

    It is short, so that a notice at 80 cells has room for the whole path.
    """
    if frame.snapshot is None:
        return "metabonk"
    return f"metabonk-{fmt.elapsed(frame.snapshot.run.elapsed_s).replace(':', '')}"


def _not_copied(problem: ClipboardProblem, path: str) -> str:
    return f"not copied ({problem.what}): {_short(path)}; {problem.advice}"


def _short(path: str) -> str:
    """Write a path below the home folder with "~"."""
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path
