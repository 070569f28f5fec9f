"""Says what changed between two looks at the jobs of a pool, as events. Pure. Does not: ask Slurm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metabonk_tui.adapters.slurm.jobs import Job, end_text, state_text
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event

Jobs = Mapping[int, Job]
"""The job of each slot: the one that lives, else the one that was submitted last."""


def current_jobs(jobs: list[Job]) -> dict[int, Job]:
    """Return the job of each slot."""
    found: dict[int, Job] = {}
    for job in sorted(jobs, key=lambda each: (each.lives, each.submitted_at or 0.0, each.array_id)):
        found[job.slot] = job
    return dict(sorted(found.items()))


def moved(before: Jobs, now: Jobs) -> list[str]:
    """Return the nodes from which a job was taken: their state is the reason."""
    taken = [was.node for slot, was in before.items() if (job := now.get(slot)) is not None and _is_requeued(was, job)]
    return sorted({node for node in taken if node})


def _is_requeued(was: Job, job: Job) -> bool:
    return was.label == job.label and job.restarts > was.restarts


def changes(before: Jobs, now: Jobs, t: float, own: frozenset[str], nodes: Mapping[str, str]) -> Iterator[Event]:
    """Yield the events between two looks. `own` are the labels of the jobs that this monitor ended itself.

    `nodes`: what is wrong with the nodes from which a job was taken.
    """
    for slot, job in now.items():
        was = before.get(slot)
        if was is None or was.label != job.label:
            if was is not None and was.lives:
                yield _event(t, EventKind.JOB_UNSEEN, "warn", was, f"job {was.label} is no longer listed by Slurm")
            yield from _first_sight(job, t, own)
        elif _is_requeued(was, job):
            yield _requeued(was, job, t, nodes)
            if job.runs:
                yield _started(job, t)
            elif job.has_ended:
                yield _ended(job, t, own)
        elif was.waits and job.runs:
            yield _started(job, t)
        elif not was.has_ended and job.has_ended:
            yield _ended(job, t, own)
    for slot, was in before.items():
        if slot not in now and was.lives:
            yield _event(t, EventKind.JOB_UNSEEN, "warn", was, f"job {was.label} is no longer listed by Slurm")


def _first_sight(job: Job, t: float, own: frozenset[str]) -> Iterator[Event]:
    if job.waits:
        text = f"w{job.slot} waits as job {job.label}: {job.reason or job.state}"
        yield _event(t, EventKind.JOB_WAITING, "info", job, text)
    elif job.has_ended:
        yield _ended(job, t, own)
    else:
        yield _started(job, t)


def _started(job: Job, t: float) -> Event:
    again = f", start {job.restarts + 1}" if job.restarts else ""
    text = f"w{job.slot} runs on {job.node or 'a node'} as job {job.label}{again}"
    return _event(t, EventKind.JOB_STARTED, "info", job, text)


def _ended(job: Job, t: float, own: frozenset[str]) -> Event:
    text = f"w{job.slot} is gone; {end_text(job)}"
    if job.label in own:
        return _event(t, EventKind.JOB_ENDED, "info", job, f"{text}; we ended it")
    severity: Severity = "crit" if job.state in ("OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL") else "warn"
    return _event(t, EventKind.JOB_ENDED, severity, job, text)


def _requeued(was: Job, job: Job, t: float, nodes: Mapping[str, str]) -> Event:
    """Report that Slurm took a job from its node: what starts next is a new generation."""
    where = f" on {was.node}" if was.node else ""
    why = state_text(was) if was.has_ended else nodes.get(was.node, "it was preempted, or a person requeued it")
    text = f"w{job.slot} was requeued: job {job.label} no longer runs{where}: {why}"
    return _event(t, EventKind.JOB_REQUEUED, "warn", job, text)


def _event(t: float, kind: str, severity: Severity, job: Job, text: str) -> Event:
    facts = {"slot": job.slot, "job": job.label, "state": job.state, "node": job.node, "generation": job.restarts + 1}
    worker = WorkerRef(job.node, job.slot) if job.node and job.runs else None
    return Event(t, kind, severity, text, worker, facts)
