"""Lists where the logs of a pool are, and which one to open first. Pure."""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.logs.model import MERGED, LogPlace
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.status.decode import text as field_of
from metabonk_tui.ui.sorting import WORST, in_order

DIRECTORY = "game_log_path"
"""The `/status` field with the directory of the logs."""
NEWS_S = 1800.0
"""A log opens at the restart of its worker for so long after it."""
SERVICES = (
    ("launch", "launch.log", ""),
    ("orch", "omega.log", ""),
    ("ollama", "ollama.log", "as a service it logs to the journal: journalctl -u ollama"),
)
"""The logs of a run beside those of its workers: name, file, where its lines are otherwise."""


class LastRestart(Struct, frozen=True):
    """The newest start of a worker again."""

    t: float
    pid: int | None
    """The process that was started."""
    text: str
    """For people: "where pid 4711 began"."""


def all_places(snapshot: Snapshot) -> tuple[LogPlace, ...]:
    """List the logs of the workers, then those of launcher, orchestrator and Ollama."""
    directories = dict.fromkeys(path for worker in snapshot.workers if (path := directory(worker)) is not None)
    newest = list(directories)[-1:]
    places = [
        LogPlace(
            worker.ref.label,
            worker.ref,
            worker.pid,
            worker.pid_started_at,
            tuple(f"{path}/logs/worker_{worker.slot}.log" for path in _own_first(worker, newest)),
        )
        for worker in snapshot.workers
    ]
    pool = snapshot.pool
    for name, file, otherwise in SERVICES:
        paths = [f"{path}/logs/{file}" for path in newest]
        pid, started_at = None, None
        if name == "launch":
            pid, started_at = pool.launcher_pid, pool.launcher_started_at
            paths += [pool.operation.log_path] if pool.operation is not None and pool.operation.log_path else []
        places.append(LogPlace(name, None, pid, started_at, tuple(paths), otherwise))
    return tuple(places)


def _own_first(worker: WorkerView, newest: list[str]) -> list[str]:
    own = directory(worker)
    return newest if own is None else [own]


def directory(worker: WorkerView) -> str | None:
    """Return the folder of a worker's run, as its status names it; None: not known."""
    return field_of(worker.status, DIRECTORY)


def first_source(snapshot: Snapshot, selected: WorkerRef | None) -> str:
    """Return the log to open first: of the selected worker, else of the one in the worst state, else all of them."""
    if selected is not None:
        return selected.label
    worst = next(iter(in_order(snapshot, "", WORST, False)), None)
    if worst is not None and (worst.reach is not Reach.UP or worst.health is not None or worst.attention):
        return worst.ref.label
    restarts = [(death.t, worker.ref) for worker in snapshot.workers if (death := last_restart(worker, snapshot.t))]
    return max(restarts)[1].label if restarts else MERGED


def started_processes(snapshot: Snapshot) -> dict[int, float]:
    """Return when each process of a worker was first seen, by its pid."""
    return {
        life.pid: life.began_t for worker in snapshot.workers for life in worker.generations if life.pid is not None
    }


def last_restart(worker: WorkerView, now_t: float) -> LastRestart | None:
    """Return the newest restart of a worker that is news; None: it was not started again lately."""
    if len(worker.generations) < 2 or now_t - worker.generations[-1].began_t > NEWS_S:
        return None
    newest = worker.generations[-1]
    who = f"pid {newest.pid}" if newest.pid is not None else f"generation {newest.number}"
    return LastRestart(newest.began_t, newest.pid, f"where {who} began")
