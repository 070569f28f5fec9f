"""Makes the dialog of each command that acts on the pool, with the number filled in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from metabonk_tui.core.model.pool import Action, Launch, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.verdict.next_steps import workers_to_launch
from metabonk_tui.ui.dialogs.base import Dialog
from metabonk_tui.ui.dialogs.confirm import ConfirmDialog
from metabonk_tui.ui.dialogs.confirm_lines import Question
from metabonk_tui.ui.dialogs.host_plans import filtered_hosts
from metabonk_tui.ui.dialogs.preflight import PreflightDialog
from metabonk_tui.ui.frame import Frame


def make_dialog(command: str, frame: Frame, monitor: Monitor) -> Dialog:
    """Make the dialog of "launch", "grow", "shrink", "restart", "stop" or "stop_worker"; a launch has two pages."""
    snapshot = frame.snapshot
    up = sum(worker.alive for worker in snapshot.workers) if snapshot else 0
    wanted = (snapshot.pool.desired if snapshot else None) or up or frame.config.pool.workers
    on_hosts = frame.snapshot is not None and frame.snapshot.has_several_hosts
    question = _question_of_hosts(command, frame) if on_hosts else _question(command, frame, up, wanted)
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
    return Question("Stop", _stop_worker(frame), before=up, word="stop")


def _question_of_hosts(command: str, frame: Frame) -> Question:
    """Make the question for hosts: those that the filter shows, else all; + and - mean the selected worker's host."""
    snapshot = frame.snapshot
    assert snapshot is not None
    hosts = filtered_hosts(frame)
    if command in ("grow", "shrink") and len(hosts) != 1:
        hosts = (frame.worker.ref.host if frame.worker is not None else snapshot.memory.host,)
    here = [worker for worker in snapshot.workers if not hosts or worker.ref.host in hosts]
    up = sum(worker.alive for worker in here)
    links = [view.link for name, view in snapshot.hosts.items() if view.link is not None and name in hosts]
    wanted = links[0].workers if len(links) == 1 else frame.config.pool.workers
    if command == "launch":
        launch = partial(Launch, hosts=hosts)
        return Question("Launch", launch, max(1, wanted), before=up or None, timed=True, asks_hosts=True)
    if command in ("grow", "shrink"):
        number = max(1, wanted + (1 if command == "grow" else -1))
        return Question("Resize", partial(Resize, hosts=hosts), number, before=wanted, asks_hosts=True)
    if command == "restart":
        # Each host restarts as many as it has: 0 names no number.
        return Question("Restart", lambda _: Restart(0, hosts=hosts), before=up, word="restart", asks_hosts=True)
    make = _stop_worker(frame) if command == "stop_worker" else lambda _: Stop(hosts=hosts)
    return Question("Stop", make, before=up, word="stop", asks_hosts=True)


def _stop_worker(frame: Frame) -> Callable[[int], Action]:
    worker = frame.worker

    def stop_worker(_: int) -> Action:
        # The command table offers this only while pid and start are known.
        assert worker is not None
        assert worker.pid is not None
        assert worker.pid_started_at is not None
        return StopWorker(worker.ref, worker.pid, worker.pid_started_at)

    return stop_worker
