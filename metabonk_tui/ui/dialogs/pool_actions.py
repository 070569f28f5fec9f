"""Makes the dialog of each command that acts on the pool, with the number filled in."""

from __future__ import annotations

from metabonk_tui.core.model.pool import Action, Launch, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.verdict.next_steps import workers_to_launch
from metabonk_tui.ui.dialogs.base import Dialog
from metabonk_tui.ui.dialogs.confirm import ConfirmDialog
from metabonk_tui.ui.dialogs.confirm_lines import Question
from metabonk_tui.ui.dialogs.preflight import PreflightDialog
from metabonk_tui.ui.frame import Frame


def make_dialog(command: str, frame: Frame, monitor: Monitor) -> Dialog:
    """Make the dialog of "launch", "grow", "shrink", "restart", "stop" or "stop_worker"; a launch has two pages."""
    snapshot = frame.snapshot
    up = sum(worker.alive for worker in snapshot.workers) if snapshot else 0
    wanted = (snapshot.pool.desired if snapshot else None) or up or frame.config.pool.workers
    question = _question(command, frame, up, wanted)
    dialog = ConfirmDialog(question, monitor)
    dialog.watch(frame)
    if command == "launch" and monitor.preflight() is not None:
        return PreflightDialog(dialog, monitor, question.number or wanted)
    return dialog


def _question(command: str, frame: Frame, up: int, wanted: int) -> Question:
    if command == "launch":
        # The same number as in the NEXT row: a launch is a new plan, not a repetition of the last run.
        planned = workers_to_launch(frame.snapshot.memory, frame.config) if frame.snapshot else wanted
        return Question("Launch", Launch, planned, before=up or None, timed=True)
    if command in ("grow", "shrink"):
        return Question("Resize", Resize, max(1, wanted + (1 if command == "grow" else -1)), before=wanted)
    if command == "restart":
        return Question("Restart", Restart, wanted)
    if command == "stop":
        return Question("Stop", lambda _: Stop(), before=up or wanted, word="stop")
    worker = frame.worker

    def stop_worker(_: int) -> Action:
        # The command table offers this only while pid and start are known.
        assert worker is not None
        assert worker.pid is not None
        assert worker.pid_started_at is not None
        return StopWorker(worker.ref, worker.pid, worker.pid_started_at)

    return Question("Stop", stop_worker, before=up, word="stop")
