"""A Slurm of one test: answers like sbatch, squeue and scancel, and remembers what it was asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.slurm.announced import Announced, write_announced
from metabonk_tui.adapters.slurm.commands import Printed
from metabonk_tui.adapters.slurm.jobs import Job


class FakeSlurm:
    """Places up to `room` tasks; the others wait. A task ends at SIGTERM unless it `withstands`."""

    def __init__(self, folder: Path, room: int = 4) -> None:
        self.folder, self.room = folder, room
        self.jobs: list[Job] = []
        self.asked: list[tuple[str, ...]] = []
        self.fails: dict[str, str] = {}
        """What a command complains of, by its name."""
        self.withstands = False
        self.announces = True
        self.breaks = ""
        """The state in which a task ends at once; "": it runs."""
        self.accounts = ""
        """What sacct prints."""
        self._arrays = 0

    def __call__(self, argv: Sequence[str], limit_s: float = 0.0) -> Printed:
        self.asked.append(tuple(argv))
        if problem := self.fails.get(argv[0]):
            return Printed(error=f"{argv[0]}: {problem}")
        return Printed(
            {"squeue": self._squeue, "sbatch": self._sbatch, "scancel": self._scancel, "sacct": self._sacct}.get(
                argv[0], _none
            )(argv)
        )

    def words(self, name: str) -> list[tuple[str, ...]]:
        """Return every call of a command."""
        return [argv for argv in self.asked if argv[0] == name]

    def states(self) -> dict[str, str]:
        return {job.label: job.state for job in self.jobs}

    def add(self, slot: int, state: str, comment: str, array: int = 90, uid: int | None = None) -> None:
        """Add a job that this pool has not submitted."""
        owner = os.geteuid() if uid is None else uid
        node = "" if state == "PENDING" else "n1"
        self.jobs.append(
            Job(array, slot, array * 10 + slot, state, "None", node, 0, 0, 1.0, 2.0, None, owner, "metabonk", comment)
        )

    def change(self, slot: int, **fields: object) -> None:
        """Change the living job of a slot."""
        self.jobs = [replace(job, **fields) if job.slot == slot and job.lives else job for job in self.jobs]  # type: ignore[arg-type]

    def _sbatch(self, argv: Sequence[str]) -> str:
        self._arrays += 1
        options = dict(word[2:].split("=", 1) for word in argv if word.startswith("--") and "=" in word)
        for part in options["array"].split(","):
            first, _, last = part.partition("-")
            for slot in range(int(first), int(last or first) + 1):
                self._submit(slot, options["comment"])
        return f"{self._arrays}\n"

    def _submit(self, slot: int, comment: str) -> None:
        busy = sum(job.runs for job in self.jobs)
        state = self.breaks or ("RUNNING" if busy < self.room else "PENDING")
        reason = "Resources" if state == "PENDING" else "None"
        node = "" if state == "PENDING" else f"n{1 + busy // 2}"
        number, status = self._arrays * 10 + slot, 256 if self.breaks else 0
        owner = os.geteuid()
        self.jobs.append(
            Job(self._arrays, slot, number, state, reason, node, status, 0, 1.0, 2.0, None, owner, "metabonk", comment)
        )
        if state == "RUNNING" and self.announces:
            token = comment.partition(":")[2]
            write_announced(self.folder, Announced(slot, node, 5000 + slot, 4000 + slot, 7, "boot", number, 0, token))

    def _squeue(self, argv: Sequence[str]) -> str:
        lines = []
        for job in self.jobs:
            times = [job.submitted_at, job.started_at, job.ended_at]
            row = [job.array_id, job.slot, job.job_id, job.state, job.reason, job.node, job.status, job.restarts]
            last = [*("N/A" if t is None else t for t in times), job.uid, job.name, job.comment]
            lines.append("|".join(map(str, [*row, *last])) + "|")
        return "\n".join(lines)

    def _sacct(self, argv: Sequence[str]) -> str:
        return self.accounts

    def _scancel(self, argv: Sequence[str]) -> str:
        labels, soft = set(argv), "--signal=TERM" in argv
        for number, job in enumerate(self.jobs):
            if job.label not in labels or job.has_ended or (soft and (job.waits or self.withstands)):
                continue
            self.jobs[number] = replace(job, state="COMPLETED" if soft else "CANCELLED", status=0 if soft else 15)
        return ""


def _none(argv: Sequence[str]) -> str:
    return ""
