"""Tracks when a run begins and how well it was observed: sample spacing, gaps, answers, relaunches.

Does not: know what the workers show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import RunHeader, Sample
from metabonk_tui.core.model.snapshot import Gap, RunView
from metabonk_tui.core.timeseries.window import Spacing, Spans
from metabonk_tui.core.worker.tracker import SAME_RUN_START_S, WorkerTrack

KNOWN_STARTS = ("launched by us", "oldest worker process", "relaunch seen", "recording", "")
"""How the start of a run can be known. A live run known only by its first sample begins with the first worker."""
ADOPT_SLACK_S = 5.0
"""Seconds within which our own launch and a relaunch that the monitor saw are the same start."""

HANDOVER_S = 60.0
"""Seconds after our own launch in which old workers may still answer; their end is not another launch."""


class RunTrack(Struct, frozen=True):
    """Header of the run, and how well the run was observed."""

    header: RunHeader
    begun: bool
    spacing: Spacing
    watched: Spans
    """When the monitor sampled, outside gaps."""
    answered: Spans
    """When at least one worker answered, outside gaps."""
    last_t: float | None = None
    samples: int = 0
    observed_s: float = 0.0
    gaps: tuple[Gap, ...] = ()
    asked_t: float | None = None
    """When the monitor last polled workers."""
    answer_t: float | None = None
    """When a worker last answered."""
    looked_t: float | None = None
    """Since when the monitor has polled without a gap and without an answer."""
    revived: tuple[float, float] | None = None
    """(last answer before, first answer after) a gap or a time with the whole pool down."""
    launcher: tuple[int, float] | None = None
    """(pid, start time) of the launcher."""
    stopped_t: float | None = None
    wanted: int | None = None
    """The largest number of workers that this run's launch or launcher named; None: none was named."""

    @property
    def started_at(self) -> float:
        return self.header.started_at


def new_run(header: RunHeader, config: Config) -> RunTrack:
    """Return the state of a run before its first sample."""
    blank = Spans(max(config.clock.validation_s, config.verdict.early_silence_s))
    begun = header.how in KNOWN_STARTS
    return RunTrack(header, begun, Spacing(header.interval_s), blank, blank)


def spacing_after(run: RunTrack, following: RunTrack) -> Spacing:
    """Return the initial spacing of the next run: measured spacings stay valid across runs."""
    spacing = following.spacing
    return spacing if spacing.declared_s else Spacing(None, run.spacing.recent)


def gap_s(run: RunTrack, config: Config) -> float:
    """Return the seconds between two samples above which they enclose a gap."""
    return config.observe.gap_intervals * run.spacing.nominal_s


def first_header(sample: Sample) -> RunHeader:
    """Return the sample's own header; without one, a header from its time."""
    return sample.run or RunHeader(f"run-{int(sample.t)}", sample.t, None, how="first sample")


def is_new(run: RunTrack, header: RunHeader | None) -> bool:
    """Return whether a header starts another run, instead of naming the relaunch that the monitor already saw."""
    if header is None or header.name == run.header.name:
        return False
    return not (run.header.how == "relaunch seen" and run.started_at >= header.started_at - ADOPT_SLACK_S)


def adopt(run: RunTrack, header: RunHeader | None) -> RunTrack:
    """Replace the header of the current run by one that names the same run."""
    if header is None or header == run.header:
        return run
    return replace(run, header=header, begun=run.begun or header.how in KNOWN_STARTS)


def observe(run: RunTrack, sample: Sample, config: Config) -> tuple[RunTrack, float, Gap | None]:
    """Add one sample's time; return the track, the observed seconds it adds, and the gap it ends."""
    if run.last_t is None:
        return replace(run, last_t=sample.t, samples=1), 0.0, None
    last_t = run.last_t
    run = replace(run, spacing=run.spacing.choose(sample.interval_s))
    passed_s = sample.t - last_t
    if passed_s <= 0:
        return replace(run, last_t=sample.t, samples=run.samples + 1, looked_t=None), 0.0, None
    first = not run.spacing.recent and run.spacing.declared_s is None
    hole = not first and passed_s > gap_s(run, config)
    gap = Gap(last_t, sample.t) if hole else None
    elapsed_s = 0.0 if hole else passed_s
    run = replace(
        run,
        # One gap does not move the median; a permanently slower rhythm does.
        spacing=run.spacing.add(passed_s),
        watched=run.watched if hole else run.watched.add(last_t, sample.t),
        last_t=sample.t,
        samples=run.samples + 1,
        observed_s=run.observed_s + elapsed_s,
        gaps=(*run.gaps, gap)[-100:] if gap else run.gaps,
        looked_t=None if hole else run.looked_t,
    )
    return run, elapsed_s, gap


def note_answers(run: RunTrack, sample: Sample, limit_s: float) -> RunTrack:
    """Record whether any worker answered in this sample.

    `limit_s` is the longest time between two polls that counts as observed. A pool that was silent for longer and
    answers again is a revival.
    """
    if not sample.workers:
        return run
    asked_t = run.asked_t
    run = replace(run, asked_t=sample.t)
    if not any(seen.status is not None for seen in sample.workers.values()):
        return replace(run, looked_t=run.looked_t if run.looked_t is not None else sample.t)
    revived = run.revived
    if run.answer_t is not None and sample.t - run.answer_t > limit_s:
        revived = (run.answer_t, sample.t)
    answered = run.answered
    if asked_t is not None and 0 < sample.t - asked_t <= limit_s:
        answered = answered.add(asked_t, sample.t)
    return replace(run, answer_t=sample.t, looked_t=None, revived=revived, answered=answered)


def begin_late(run: RunTrack, sample: Sample) -> RunTrack:
    """Set the start of a run that is not known yet: the oldest worker process, else the first answer."""
    if run.begun:
        return run
    starts = [
        process.started_at
        for host in sample.hosts.values()
        for process in host.processes or ()
        if process.role == "worker" and process.started_at is not None
    ]
    starts += [seen.pid_started_at for seen in sample.workers.values() if seen.pid_started_at is not None]
    there = bool(starts) or any(seen.status is not None for seen in sample.workers.values())
    started_at = min(starts, default=sample.t) if there else sample.t
    how = "oldest worker process" if starts else "first sample"
    return replace(run, begun=there, header=replace(run.header, started_at=started_at, how=how))


def relaunch(
    run: RunTrack,
    before: Mapping[WorkerRef, WorkerTrack],
    after: Mapping[WorkerRef, WorkerTrack],
    sample: Sample,
    config: Config,
    *,
    launcher_before: tuple[int, float] | None,
    starting: bool,
    killed_t: float | None = None,
) -> RunHeader | None:
    """Return the header of a run that this monitor did not launch, when this sample shows one; else None.

    `killed_t`: when the kernel last killed a process of the pool. What the same launcher starts again is a respawn;
    where the launcher is not known, so is what comes after a kill.
    """
    if run.header.how == "launched by us" and (starting or sample.t - run.started_at <= HANDOVER_S):
        return None
    launcher = launcher_of(sample)
    if launcher and launcher_before and launcher != launcher_before and launcher[1] > run.started_at + 1:
        return _seen(run, launcher[1])
    if not any([ref in before and track.generation > before[ref].generation for ref, track in after.items()]):
        return None
    same = _is_same(launcher if sample.pool is not None else launcher_before, launcher_before)
    if same or _is_after_kill(killed_t, before, after, run):
        return None
    return _by_workers(run, before, after, sample, config)


def _by_workers(
    run: RunTrack,
    before: Mapping[WorkerRef, WorkerTrack],
    after: Mapping[WorkerRef, WorkerTrack],
    sample: Sample,
    config: Config,
) -> RunHeader | None:
    """Return the header of the run that the workers show: all are new within one interval, or most after a gap."""
    answering = [ref for ref, seen in sample.workers.items() if seen.status is not None]
    known = {ref for ref, track in before.items() if track.generation}
    watched = [ref for ref in answering if ref in known]
    if len(answering) < 2 or not any(after[ref].generation > before[ref].generation for ref in watched):
        return None
    recent_t = sample.t - 1.5 * run.spacing.nominal_s
    renewed = [slot for slot in watched if _began(after[slot]) >= recent_t]
    if len(renewed) == len(answering) and 2 * len(renewed) > len(known):
        return _seen(run, _start_of(renewed, after, sample.t))
    return _relaunch_unseen(run, answering, before, after, sample.t, config)


def _is_same(launcher: tuple[int, float] | None, before: tuple[int, float] | None) -> bool:
    """Return whether a launcher is known, and is the one from before; its start may be read up to 2 s off."""
    if launcher is None or before is None:
        return False
    return launcher[0] == before[0] and abs(launcher[1] - before[1]) <= SAME_RUN_START_S


def _is_after_kill(
    killed_t: float | None,
    before: Mapping[WorkerRef, WorkerTrack],
    after: Mapping[WorkerRef, WorkerTrack],
    run: RunTrack,
) -> bool:
    """Return whether a worker began anew after the kernel had killed, and had answered until then."""
    if killed_t is None:
        return False
    again = [before[ref] for ref in after if ref in before and after[ref].generation > before[ref].generation]
    since_t = killed_t + 1.5 * run.spacing.nominal_s
    return any([track.last_good_t is not None and track.last_good_t <= since_t for track in again])


def _relaunch_unseen(
    run: RunTrack,
    answering: Sequence[WorkerRef],
    before: Mapping[WorkerRef, WorkerTrack],
    after: Mapping[WorkerRef, WorkerTrack],
    t: float,
    config: Config,
) -> RunHeader | None:
    """Detect a run that began in a gap or with the whole pool down: most workers are new."""
    if run.revived is None or t - run.revived[1] > config.clock.startup_grace_s:
        return None
    gone_t, revived_t = run.revived
    fresh = [s for s in answering if s in before and _began(after[s]) > gone_t and after[s].generation > 1]
    if len(fresh) < 2 or 2 * len(fresh) <= len(answering):
        return None
    return _seen(run, _start_of(fresh, after, revived_t))


def launcher_of(sample: Sample) -> tuple[int, float] | None:
    """Return (pid, start time) of the launcher in this sample; None when either is unknown."""
    pool = sample.pool
    if pool is None or pool.launcher_pid is None or pool.launcher_started_at is None:
        return None
    return pool.launcher_pid, pool.launcher_started_at


def _began(track: WorkerTrack) -> float:
    return track.generations[-1].began_t if track.generations else float("-inf")


def _start_of(refs: Sequence[WorkerRef], tracks: Mapping[WorkerRef, WorkerTrack], otherwise_t: float) -> float:
    starts = [t for ref in refs if (t := tracks[ref].pid_started_at) is not None]
    return min(starts, default=otherwise_t)


def _seen(run: RunTrack, started_at: float) -> RunHeader:
    return replace(run.header, name=f"run-{int(started_at)}", started_at=started_at, how="relaunch seen")


def with_wanted(run: RunTrack, named: int | None, *, of_hosts: bool = False) -> RunTrack:
    """Take in how many workers are wanted: our launch decides, else what launchers name, which only grows in a run.

    `of_hosts`: the number is what all hosts want together, and one of them may shrink within a run.
    """
    header = run.header
    if of_hosts and named is not None:
        wanted: int | None = named
    elif header.how == "launched by us" and header.desired is not None:
        wanted = header.desired
    else:
        wanted = max((number for number in (run.wanted, named) if number), default=None) or header.desired
    return run if wanted == run.wanted else replace(run, wanted=wanted)


def view(run: RunTrack, t: float, desired: int | None) -> RunView:
    return RunView(
        name=run.header.name,
        started_at=run.started_at,
        elapsed_s=max(0.0, t - run.started_at),
        desired=desired,
        source=run.header.source,
        how=run.header.how,
        profile=run.header.profile,
        interval_s=run.spacing.nominal_s,
        samples=run.samples,
        observed_s=run.observed_s,
        gaps=run.gaps,
    )
