"""Reads the jobs of a pool from what `squeue` and `sacct` print, and says in words how a job ended. Pure.

Columns, not `--json`: that of Slurm 22.05 ignores every filter and lists the jobs of the whole cluster, and its form
differs between versions.
"""

from __future__ import annotations

import contextlib

from msgspec import Struct

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.process_exit import ExitReason
from metabonk_tui.core.model.refs import HOST_NAME, MAX_WORKERS, WorkerRef
from metabonk_tui.core.text.clean import clean_text

COLUMNS = (
    *("ArrayJobID", "ArrayTaskID", "JobID", "State", "Reason", "NodeList", "exit_code", "RestartCnt"),
    *("SubmitTime", "StartTime", "EndTime", "UserID", "Name", "Comment"),
)
"""The comment stands last: other people's may have the mark between two columns."""
SACCT_COLUMNS = ("JobID", "JobIDRaw", "State", "ExitCode", "NodeList", "Submit", "Start", "End", "UID", "JobName")
WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"})
RUNNING = frozenset(
    {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
)
ENDED = frozenset(
    *[{"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL"}],
) | {"DEADLINE", "REVOKED"}
REASONS: dict[str, ExitReason] = {
    "OUT_OF_MEMORY": "OOM-killed",
    "PREEMPTED": "preempted",
    "TIMEOUT": "out of time",
    "DEADLINE": "out of time",
    "CANCELLED": "cancelled",
    "NODE_FAIL": "node failed",
    "BOOT_FAIL": "node failed",
}
LOST = frozenset({"NODE_FAIL", "BOOT_FAIL"})
NOT_UP = ("down", "drain", "fail", "unk", "power", "reboot", "maint", "inval")


class Job(Struct, frozen=True):
    """One task of a job array, as Slurm lists it. Times are real Unix seconds."""

    array_id: int
    slot: int
    job_id: int
    """The id that a step needs. Tasks that wait share that of their array, and get their own when they start."""
    state: str
    reason: str
    node: str
    """"": no node, or several."""
    status: int
    """How its batch step ended, as `wait` gives it: the signal in the low seven bits, else 256 times the code."""
    restarts: int
    submitted_at: float | None
    started_at: float | None
    ended_at: float | None
    uid: int
    name: str
    comment: str

    @property
    def label(self) -> str:
        """The task as scancel and people name it: "12_3"."""
        return f"{self.array_id}_{self.slot}"

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def is_stuck(self) -> bool:
        return self.waits

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def lives(self) -> bool:
        """Whether it runs or will run; an unknown state is not known to be over."""
        return not self.has_ended

    @property
    def runs(self) -> bool:
        """Whether its worker may run now."""
        return not self.waits and not self.has_ended

    @property
    def takes_agent(self) -> bool:
        return self.state == "RUNNING"

    @property
    def is_lost(self) -> bool:
        """Whether Slurm lost its node, so that its worker may still run."""
        return self.state in LOST

    @property
    def number(self) -> int:
        return self.job_id

    @property
    def began_at(self) -> float | None:
        return self.started_at

    @property
    def exit_code(self) -> int:
        """The exit code of the worker; negative for a signal."""
        signal = self.status & 0x7F
        return -signal if signal else self.status >> 8


def squeue_command(uid: int, name: str) -> tuple[str, ...]:
    """Return the command that lists the pool's jobs, also those that ended some minutes ago (MinJobAge)."""
    columns = ",".join(f"{column}:|" for column in COLUMNS[:-1]) + f",{COLUMNS[-1]}:|"
    wanted = (f"--user={uid}", f"--name={name}", "--states=all", "--array", "--noheader")
    return ("squeue", *wanted, f"--Format={columns}")


def jobs_of(text: str) -> tuple[list[Job], int]:
    """Read the lines of squeue; return the jobs of arrays, and how many lines could not be read."""
    found, unread = [], 0
    for line in text.splitlines():
        if not line.strip():
            continue
        parts = line.split("|", len(COLUMNS) - 1)
        try:
            if (job := _job(parts)) is not None:
                found.append(job)
        except ValueError:
            unread += 1
    return found, unread


def _job(parts: list[str]) -> Job | None:
    """Read the columns of one job; None: no task of an array. Raises ValueError."""
    if len(parts) != len(COLUMNS):
        raise ValueError("another number of columns")
    array, task, job, state, reason, nodes, status, restarts, submitted, started, ended, uid, name, comment = (
        part.strip() for part in parts
    )
    if not task.isascii() or not task.isdigit() or int(task) >= MAX_WORKERS:
        return None
    return Job(
        int(array),
        int(task),
        int(job),
        clean_text(state.split(" ")[0].rstrip("+"), 30),
        clean_text(reason, 80),
        nodes if HOST_NAME.fullmatch(nodes) else "",
        int(status),
        int(restarts),
        _time(submitted),
        _time(started),
        _time(ended),
        int(uid),
        clean_text(name, 80),
        clean_text(comment.removesuffix("|"), 120),
    )


def _time(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None


def node_command(nodes: list[str]) -> tuple[str, ...]:
    """Return the command that prints the state of these nodes, and the reason that an administrator gave."""
    return ("sinfo", "--noheader", "--Node", f"--nodes={','.join(nodes)}", "--format=%N|%T|%E")


def node_texts(text: str) -> dict[str, str]:
    """Read the states of nodes: "node n2 is down (power)"; no entry for a node that takes jobs."""
    found = {}
    for line in text.splitlines():
        node, _, rest = line.partition("|")
        state, _, reason = rest.partition("|")
        state, reason = clean_text(state.strip("*~#$@+ "), 20), clean_text(reason.strip(), 80)
        if HOST_NAME.fullmatch(node) and state.startswith(NOT_UP):
            found[node] = f"node {node} is {state}" + (f" ({reason})" if reason not in ("", "none") else "")
    return found


def sacct_command(array_ids: list[int]) -> tuple[str, ...]:
    """Return the command that lists the tasks of these arrays from the accounting, without their steps."""
    listed = ",".join(map(str, array_ids))
    columns = ",".join(SACCT_COLUMNS)
    return ("sacct", "--allocations", "--noheader", "--parsable2", "--duplicates", f"--jobs={listed}", f"-o{columns}")


def accounted_jobs(text: str, comment: str) -> list[Job]:
    """Read the lines of sacct; `comment` is that of our own arrays, whose ids were asked for."""
    found = []
    for line in text.splitlines():
        parts = line.split("|", len(SACCT_COLUMNS) - 1)
        with contextlib.suppress(ValueError):
            label, raw, state, code, nodes, submitted, started, ended, uid, name = parts
            array, _, task = label.partition("_")
            exit_code, _, signal = code.partition(":")
            status = int(signal) if int(signal or 0) else int(exit_code) << 8
            row = [array, task, raw, state, "", nodes, str(status), "0", submitted, started, ended, uid, name, comment]
            if (job := _job(row)) is not None:
                found.append(job)
    return found


def state_text(job: Job) -> str:
    """Say in words how a job ended: "OUT_OF_MEMORY", "FAILED with exit code 3", "NODE_FAIL"."""
    if job.state in ("FAILED", "COMPLETED"):
        # Slurm's reason of a signal is JobLaunchFailure, which says something else.
        how = f"by signal {-job.exit_code}" if job.exit_code < 0 else f"with exit code {job.exit_code}"
        return f"{job.state} {how}"
    reason = job.reason if job.reason not in ("", "None") else ""
    return f"{job.state} ({reason})" if reason else job.state


def end_text(job: Job) -> str:
    return f"Slurm: job {job.label}" + (f" on {job.node}" if job.node else "") + f": {state_text(job)}"


def exit_of(job: Job, pid: int | None) -> ExitReading:
    """Return how the worker of an ended job ended."""
    worker = WorkerRef(job.node, job.slot)
    return ExitReading("worker", str(job.exit_code), worker, pid, reason=REASONS.get(job.state), engine=end_text(job))
