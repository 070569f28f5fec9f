"""Finds that a run is over, and by the strongest evidence how it ended. Does not: judge what the run showed.

A run is over when no wanted port answers and none of its processes is seen. A port that cannot be asked, and a
process table that was not read, prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.ending import RESTARTED, EndReason, RunEnd
from metabonk_tui.core.model.host import SERVICES, ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, label_of
from metabonk_tui.core.model.sample import RunHeader, Sample
from metabonk_tui.core.model.snapshot import Verdict
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.run.tracker import RunTrack
from metabonk_tui.core.worker.process_exits import ExitedProcess, ExitState

OWN_ROLES = ("worker", "launcher", *SERVICES)
"""Ollama is left out: it serves other programs as well, and outlives the pool."""
NO_WORKER = ("refused", "stranger", "ended")
"""Failures of a poll that show that no worker of this pool listens on the port."""
STOPPED_BY_US = "the pool was stopped by us"
MIN_LOOKS = 2
UNSUPERVISED_S = 60.0
"""Seconds for a pool without a visible launcher: another supervisor needs 20 to 23 s to restart all workers."""
SAME_START_S = 1.15
"""Tolerance for starts of a recording, as in the store: they are rounded, and may be of another reader."""


class EndTrack(Struct, frozen=True):
    """What is known of the end of a run."""

    seen_t: float | None = None
    """When a part of the pool was last seen; None: never."""
    known: tuple[ProcessRef, ...] = ()
    """The pool's processes when they were last seen."""
    has_launcher: bool = False
    """Whether a launcher was seen; it is the last process of a pool to end."""
    missing_t: float | None = None
    """Since when no part of the pool is there; None: one is, or it is not known."""
    looks: int = 0
    """Consecutive looks that found no part of the pool."""
    before: Verdict | None = None
    """The verdict on the screen when the pool was first missing."""
    end: RunEnd | None = None
    """None: the run is not over."""
    presumed: bool = False
    """Whether the run comes from a recording that ended long ago: the first look without the pool is enough."""
    cut_by_restart: bool = False
    """Whether the machine was restarted before a monitor saw the end of the run."""
    restored: bool = False
    """Whether this monitor read the run from its recording, and has seen no part of the pool since."""

    @property
    def over_before(self) -> bool:
        """Whether the run was over before this monitor opened."""
        return self.presumed and self.end is not None

    @property
    def ended_unseen(self) -> bool:
        """Whether the run is over, and this monitor never saw its pool."""
        return self.restored and self.end is not None


def is_there(sample: Sample) -> bool | None:
    """Return whether a part of the pool is there; None: the sample does not show it."""
    seen = sample.workers.values()
    for each in seen:
        if each.status is not None or (each.error or "").startswith("http "):
            return True
    if own_processes(sample) or (sample.pool is not None and sample.pool.waiting):
        return True
    if not sample.workers or any(each.error not in NO_WORKER for each in seen):
        return None
    return False


def own_processes(sample: Sample) -> list[ProcessReading]:
    """Return the processes of the pool in a sample, without Ollama."""
    return [p for host in sample.hosts.values() for p in host.processes or () if p.role in OWN_ROLES]


def observe(
    track: EndTrack,
    sample: Sample,
    run: RunTrack,
    exits: Iterable[ExitState],
    shown: Verdict | None,
    timing: Timing,
    *,
    changing: bool,
) -> EndTrack:
    """Take in one sample. `shown` is the verdict before it; `changing`: an operation on the pool is under way."""
    there = is_there(sample)
    if there:
        return _seen(track, sample)
    # A recording of another program knows no processes: what it did not write down may have been there.
    is_known = there is not None and run.begun and run.header.source == "live"
    track = replace(track, seen_t=run.answer_t if track.seen_t is None else track.seen_t)
    # Our own stop looked at ports and processes itself.
    is_proved = run.stopped_t is not None or _is_table_read(sample)
    if not is_known or changing or track.seen_t is None or not is_proved:
        return track
    track = _missed(track, sample.t, shown, timing)
    if track.end is None and not (track.presumed or run.stopped_t is not None or _has_lasted(track, sample.t, timing)):
        return track
    return replace(track, end=_end(track, run, tuple(exits), timing))


def _seen(track: EndTrack, sample: Sample) -> EndTrack:
    """Return the track of a pool of which this sample shows a part."""
    processes = own_processes(sample)
    has_launcher = track.has_launcher or "launcher" in [process.role for process in processes]
    known = track.known
    if [(p.pid, p.started_at) for p in processes] != [*known]:
        known = process_refs(processes) or known
    return EndTrack(sample.t, known, has_launcher)


def process_refs(processes: Iterable[ProcessReading]) -> tuple[ProcessRef, ...]:
    """Return the identities of these processes, where both pid and start are known."""
    return tuple(
        [ProcessRef(p.pid, p.started_at) for p in processes if p.pid is not None and p.started_at is not None]
    )


def _is_table_read(sample: Sample) -> bool:
    """Return whether the sample has a process table. Without one, processes that do not answer may well be there."""
    return any(host.processes is not None for host in sample.hosts.values())


def _missed(track: EndTrack, t: float, shown: Verdict | None, timing: Timing) -> EndTrack:
    """Return the track after one more look that found no part of the pool."""
    # Silence in a gap was not observed; a process that is gone is gone.
    is_unseen = timing.gap is not None and not track.known and track.end is None
    missing_t = t if track.missing_t is None or is_unseen else track.missing_t
    before = shown if track.missing_t is None else track.before
    return replace(track, missing_t=missing_t, looks=track.looks + 1, before=before)


def _has_lasted(track: EndTrack, t: float, timing: Timing) -> bool:
    """Return whether the pool is missing for long enough, so that no supervisor restarts it in this moment."""
    if track.looks < MIN_LOOKS or track.missing_t is None or track.seen_t is None:
        return False
    if not track.known:
        return t - track.missing_t >= max(UNSUPERVISED_S, timing.slack_s)
    return t - track.seen_t >= (timing.slack_s if track.has_launcher else max(UNSUPERVISED_S, timing.slack_s))


def begins_anew(track: EndTrack, sample: Sample) -> bool:
    """Return whether a sample shows another run after one that is over: no process of it is an old one."""
    if track.end is None or not is_there(sample):
        return False
    refs = [
        ProcessRef(p.pid, p.started_at)
        for p in own_processes(sample)
        if p.pid is not None and p.started_at is not None
    ]
    return not any(ref.same_as(known, SAME_START_S, other_reader=True) for ref in refs for known in track.known)


def header_after(run: RunTrack, sample: Sample) -> RunHeader:
    """Return the header of the run that a sample shows after one that is over."""
    starts = [p.started_at for p in own_processes(sample) if p.started_at is not None]
    started_at = min(starts, default=sample.t)
    desired = sample.pool.desired if sample.pool is not None else None
    name = f"run-{int(started_at)}"
    return replace(run.header, name=name, started_at=started_at, how="relaunch seen", desired=desired)


def replaced_by(track: EndTrack, run: RunTrack, following: RunHeader, sample: Sample) -> RunEnd:
    """Return how a run ended that another run follows directly; `sample` is the first of that run."""
    if track.end is not None:
        return track.end
    t = run.last_t if run.last_t is not None else sample.t
    desired = sample.pool.desired if sample.pool is not None else None
    size = "" if desired is None else f", {desired} worker{'' if desired == 1 else 's'}"
    if following.how == "launched by us":
        named = following.desired if following.desired is not None else desired
        size = "" if named is None else f" with {named} worker{'' if named == 1 else 's'}"
        return RunEnd("stopped by us", f"our next launch{size} replaced it", t, t)
    launchers = [p for p in own_processes(sample) if p.role == "launcher" and p.pid is not None]
    newest = max(launchers, key=lambda process: process.started_at or 0.0, default=None)
    if newest is None:
        return RunEnd("replaced", f"another launch replaced it{size}", t, t)
    command = f" ({newest.name})" if newest.name else ""
    return RunEnd("replaced", f"a launch by pid {newest.pid}{command} replaced it{size}", t, t)


def _end(track: EndTrack, run: RunTrack, exits: Sequence[ExitState], timing: Timing) -> RunEnd:
    """Weigh the evidence again: the logs are read beside the ticks, so some of it comes late."""
    missing_t = track.missing_t if track.missing_t is not None else timing.t
    seen_t = track.seen_t if track.seen_t is not None else missing_t
    if track.cut_by_restart:
        return end_by_restart(track, run, seen_t)
    reason, text = _reason(missing_t, seen_t, run, exits, timing)
    return RunEnd(reason, text, missing_t, seen_t)


def end_by_restart(track: EndTrack, run: RunTrack, last_t: float) -> RunEnd:
    """Return the end of a run that a restart of its machine cut off; `last_t`: its last sample, without an answer.

    What a monitor saw just before the restart is the shutdown itself, except our own stop.
    """
    seen_t = track.seen_t or run.answer_t or last_t
    if run.stopped_t is not None:
        return RunEnd("stopped by us", STOPPED_BY_US, seen_t, seen_t)
    return RunEnd("machine restarted", RESTARTED, seen_t, seen_t)


def _reason(
    missing_t: float, seen_t: float, run: RunTrack, exits: Sequence[ExitState], timing: Timing
) -> tuple[EndReason, str]:
    if run.stopped_t is not None and run.stopped_t <= missing_t + timing.slack_s:
        return "stopped by us", STOPPED_BY_US
    last = [each for state in exits for each in state.exited if each.t >= seen_t - timing.late_s]
    killed = [each for each in last if each.process_exit.reason == "OOM-killed"]
    if killed:
        return "killed by the kernel", f"the kernel killed {_named(killed)}: {killed[0].process_exit.evidence}"
    for state in exits:
        for read_t, reading in state.logged:
            if read_t < seen_t - timing.late_s:
                continue
            line = f' ("{reading.line}")' if reading.line else ""
            if reading.asked:
                return "stopped", f"the launcher was asked to end by signal {-(reading.code or 0)}{line}"
            if reading.role in SERVICES or reading.role == "worker":
                reason: EndReason = "worker died" if reading.role == "worker" else "service died"
                return reason, f"{label_of(reading.who)} exited with {reading.exit} and took the stack down{line}"
    ours = [each for each in last if each.process_exit.reason == "stopped by us"]
    if ours:
        return "stopped by us", f"stopped by us: {ours[0].process_exit.evidence}"
    return _by_order(last)


def _by_order(last: Sequence[ExitedProcess]) -> tuple[EndReason, str]:
    """Judge by which process was missing first, where no log says more."""
    named = [each for each in last if each.who in SERVICES or each.who == "launcher" or each.ref is not None]
    if not named:
        return "unknown", "how it ended is not known"
    first_t = min(each.t for each in named)
    first = [each for each in named if each.t == first_t]
    if len(first) < len(named) and all(each.who in SERVICES for each in first):
        return "service died", f"{_named(first)} was gone first, and took the stack down"
    known = [each for each in named if each.process_exit.reason not in ("unknown", "end of the run")]
    if known:
        return "unknown", f"how it ended is not known; {_named(known[:1])} {known[0].process_exit.text}"
    return "unknown", "how it ended is not known: no log and no kernel message says it"


def _named(processes: Sequence[ExitedProcess]) -> str:
    names = [f"{label_of(each.who)}{f' (pid {each.pid})' if each.pid is not None else ''}" for each in processes]
    return " ".join(names[:4]) + (" ..." if len(names) > 4 else "")
