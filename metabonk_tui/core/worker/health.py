"""Judges each worker in one word: idle, racing, looping, zombie, stale frames, hung, broken, down, stranger. Pure.

Every word needs evidence: a missing field or an unobserved time never produces one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Observation, WorkerStatus
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.model.worker import Health, HealthState, Reach
from metabonk_tui.core.status.decode import compared, flag, text, values
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker.away import away_since_t
from metabonk_tui.core.worker.quick import layout_of
from metabonk_tui.core.worker.strangers import holder_of, stranger_text
from metabonk_tui.core.worker.tracker import WorkerTrack

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_UP = Reach.UP

SEEN_INTERVALS = 3
"""Sampling intervals for which a value must be seen unchanged, however sparse the samples."""
PAUSES = 20.0
"""A zombie does not step for this many times its usual time per step."""
FRAME_STEPS = 3.0
"""Steps that a worker must make while its frames stay unchanged."""
CALM_S = 30.0
"""Seconds for which a worker is still racing after its rate fell below the jump: prevents flapping."""
FRAME_NUMBERS = (
    *("dynamic_ui_text_density", "dynamic_ui_motion", "stream_frame_var", "stream_frame_diff"),
    *("frames_ok", "last_frame_ts"),
)
"""Numbers that MetaBonk computes from a frame. `obs_fps` is not among them: it never decays."""
_FRAMES = len(FRAME_NUMBERS)
MIN_FRAME_READINGS = 2
"""One number alone may be constant in a quiet menu; the worker's own flag `stream_frozen` counts as another."""


class HealthTrack(Struct, frozen=True):
    """State of one generation of one worker."""

    generation: int
    first_t: float | None = None
    """When the monitor saw the first good status."""
    first_step: float | None = None
    step: float | None = None
    moved_t: float | None = None
    """When the step last grew; None: never while the monitor watched."""
    pulse: tuple[float | None, ...] = ()
    """Every number that grows while the worker lives."""
    pulse_t: float | None = None
    """Since when the pulse is unchanged, without a gap."""
    pulsed: bool = False
    """Whether the pulse ever changed."""
    frames: tuple[float | str | None, ...] = ()
    frames_t: float | None = None
    frames_step: float | None = None
    """The step at which the frames stopped changing."""
    frame_t: float | None = None
    """When a frame last reached the worker, by the orchestrator."""
    frozen: bool = False
    """Whether the worker reports `stream_frozen`."""
    raced_t: float | None = None
    last_t: float | None = None
    now: Health | None = None


def observe(
    before: Mapping[WorkerRef, HealthTrack],
    tracks: Mapping[WorkerRef, WorkerTrack],
    seen: Mapping[WorkerRef, Observation],
    timing: Timing,
    config: Config,
) -> dict[WorkerRef, HealthTrack]:
    """Take in a tick of every worker and judge it."""
    t = timing.t
    min_s = max(SEEN_INTERVALS * timing.nominal_s, 1.0)
    layout = layout_of(config)
    names = (*FRAME_NUMBERS, "step", "actions_total", *layout.counted)
    after = {}
    for ref, track in tracks.items():
        known = before.get(ref)
        if known is None or known.generation != track.generation:
            known = HealthTrack(track.generation, now=known.now if known is not None else None)
        frame_t = seen[ref].last_frame_t if ref in seen else None
        if frame_t is not None:
            known = replace(known, frame_t=frame_t)
        if track.status is not None and track.last_good_t == t:
            known = _take_in(known, track, track.status, t, names, layout.flags, timing.gap_s)
        found = (
            None if _is_lively(known, track, t) else _judge(known, track, t, config, min_s, starting=timing.starting)
        )
        if found is not None and known.now is not None and known.now.state is found.state:
            found = replace(found, since_t=known.now.since_t)
        after[ref] = replace(known, now=found) if found != known.now else known
    return after


def _is_lively(known: HealthTrack, track: WorkerTrack, t: float) -> bool:
    """Return whether all of a worker moved just now, so that no word fits: most workers, at most samples."""
    return (
        known.pulse_t == t
        and known.frames_t == t
        and known.pulsed
        and known.raced_t is None
        and track.reach is _UP
        and not track.resets_t
    )


def _take_in(
    known: HealthTrack,
    track: WorkerTrack,
    status: WorkerStatus,
    t: float,
    names: Sequence[str],
    flags: Sequence[str],
    gap_s: float,
) -> HealthTrack:
    hole = known.last_t is None or t - known.last_t > gap_s
    numbers = compared(status, names)
    # A flag counts where a worker sends it as a number.
    step, pulse = numbers[_FRAMES], (*numbers[_FRAMES + 1 :], *values(status, flags))
    frames = (text(status, "scene_hash"), *numbers[:_FRAMES])
    grew = step is not None and known.step is not None and step > known.step
    beats = known.first_t is not None and (grew or pulse != known.pulse)
    is_changed = hole or frames != known.frames or known.frames_step is None
    return replace(
        known,
        first_t=t if known.first_t is None else known.first_t,
        first_step=known.first_step if known.first_step is not None else step,
        step=step if step is not None else known.step,
        moved_t=t if grew else known.moved_t,
        pulse=pulse,
        # Without a step, nothing shows that the worker makes no progress.
        pulse_t=None if step is None else t if hole or beats or known.pulse_t is None else known.pulse_t,
        pulsed=known.pulsed or beats,
        frames=frames,
        frames_t=t if is_changed else known.frames_t,
        frames_step=step if is_changed else known.frames_step,
        frozen=flag(status, "stream_frozen") is True,
        raced_t=t if track.steps.ratio is not None else known.raced_t,
        last_t=t,
    )


def _judge(
    known: HealthTrack, track: WorkerTrack, t: float, config: Config, seen_s: float, *, starting: bool
) -> Health | None:
    rules = config.verdict
    if track.reach is Reach.STRANGER:
        return Health(HealthState.STRANGER, t, stranger_text(track.error, track.detail))
    resets = sum([reset_t > t - rules.loop_window_s for reset_t in track.resets_t[-100:]]) if track.resets_t else 0
    if resets > rules.loop_generations:
        why = f"{resets} new generations in {age(rules.loop_window_s)}"
        return Health(HealthState.LOOPING, t, why if track.reach is Reach.UP else f"{why}, now {track.reach}")
    unreached = _unreached(track, t)
    if unreached is not None or track.reach is not Reach.UP:
        return unreached
    if known.step is None or known.pulse_t is None:
        return None
    still_s = t - known.pulse_t
    if known.moved_t is not None and still_s >= max(_max_still_s(known, config), seen_s):
        return Health(HealthState.ZOMBIE, t, f"answers, but stands at step {known.step:g} for {age(still_s)}")
    return (
        _stale_frames(known, t, max(rules.frames_s, seen_s))
        or _racing(known, track, t)
        or _idle(known, still_s, t, max(rules.idle_s, seen_s), starting=starting)
    )


def _unreached(track: WorkerTrack, t: float) -> Health | None:
    if track.reach is Reach.UP:
        return None
    for_s, never = age(t - away_since_t(track)), track.last_good_t is None
    # Without a process of its own, nothing shows that this is the worker: the detail names what holds the port.
    is_unknown = never and track.pid is None
    detail = f": {track.detail}" if is_unknown and track.detail else ""
    if track.reach is Reach.DOWN:
        last = f"never answered in {for_s}" if never else f"last answer {for_s} ago"
        return Health(HealthState.DOWN, t, f"not reachable, {last}: {track.error or 'no answer'}{detail}")
    if track.reach is Reach.BROKEN:
        # The port still answers, its process was seen and is not there now: that is no sign of life.
        is_gone = track.process_t is not None and track.rss_bytes is None
        lead = "answers, but its process is not there" if is_gone else "is alive, its status is not"
        lead = f"answers, and never with a status in {for_s}" if is_unknown else lead
        return Health(HealthState.BROKEN, t, f"{lead}: {track.error}{detail}")
    if track.reach is Reach.STALE and track.error == "timeout":
        pid = f", process {track.pid} is there" if track.rss_bytes is not None and track.pid is not None else ""
        if pid and track.is_stopped:
            pid = f", process {track.pid} is stopped: kill -CONT {track.pid} resumes it"
        holder = f"; {holder_of(track.detail)}" if holder_of(track.detail) else ""
        return Health(HealthState.HUNG, t, f"accepts, and has not answered for {for_s}{pid or holder}")
    return None


def _max_still_s(known: HealthTrack, config: Config) -> float:
    """Return the seconds a worker may go without a step: `PAUSES` of its usual pauses, within configured limits."""
    made = (known.step or 0.0) - (known.first_step or 0.0)
    took_s = (known.moved_t or 0.0) - (known.first_t or 0.0)
    pauses_s = PAUSES * took_s / made if made > 0 else 0.0
    return max(config.verdict.still_s, min(pauses_s, config.verdict.active_window_s))


def _stale_frames(known: HealthTrack, t: float, min_s: float) -> Health | None:
    if known.frames_t is None or known.frames_step is None or known.step is None:
        return None
    stood_s = t - known.frames_t
    made = known.step - known.frames_step
    if stood_s < min_s or made < FRAME_STEPS:
        return None
    readings = sum(value is not None for value in known.frames)
    if not readings or readings + known.frozen < MIN_FRAME_READINGS:
        return None
    if known.frame_t is not None and t - known.frame_t < min_s and not known.frozen:
        # Frames arrive and all are equal: a quiet menu.
        return None
    summary = ", stream_frozen is true" if known.frozen else ""
    return Health(
        HealthState.STALE_FRAMES, t, f"made {made:g} steps while its frames stood for {age(stood_s)}{summary}"
    )


def _racing(known: HealthTrack, track: WorkerTrack, t: float) -> Health | None:
    if known.raced_t is None or t - known.raced_t > CALM_S:
        return None
    ratio = track.steps.ratio
    if ratio is None or track.steps.rate is None:
        return Health(HealthState.RACING, t, "steps many times its own past until now")
    return Health(HealthState.RACING, t, f"steps {track.steps.rate:.2f}/s, {ratio:.0f} times its own past")


def _idle(known: HealthTrack, still_s: float, t: float, min_s: float, *, starting: bool) -> Health | None:
    if starting or known.pulsed or still_s < min_s:
        return None
    return Health(HealthState.IDLE, t, f"answers, and nothing in it has grown for {age(still_s)}")


UNANSWERING = (HealthState.HUNG, HealthState.BROKEN, HealthState.STRANGER)
"""States of a worker that does not answer: `worker.down` reports their start, `worker.up` their end."""


def health_events(
    before: Mapping[WorkerRef, HealthTrack],
    after: Mapping[WorkerRef, HealthTrack],
    tracks_before: Mapping[WorkerRef, WorkerTrack],
    tracks: Mapping[WorkerRef, WorkerTrack],
    *,
    after_gap: bool = False,
) -> tuple[EventDraft, ...]:
    """Draft an event for each state that began or ended.

    Other events already report that a worker is down, answers again, or jumps in step rate: these are left out. That
    a state has ended needs an answer: after a gap, and from a worker that is not seen, nothing shows it.
    """
    drafts: list[EventDraft] = []
    for ref, track in after.items():
        known = before.get(ref)
        was, now = known.now if known is not None else None, track.now
        if (was and was.state) is (now and now.state):
            continue
        ended = f"no longer {was.state}" if was is not None and was.state is not HealthState.DOWN else ""
        if now is not None and now.state is not HealthState.DOWN:
            kind = EventKind.WORKER_DOWN if now.state in UNANSWERING else EventKind.WORKER_HEALTH
            severity: Severity = "crit" if now.state.level == "stop" else "warn"
            summary = f"{now.state}, {ended}" if ended else now.state.value
            if now.state is not HealthState.RACING or not _is_jump_emitted(tracks_before.get(ref), tracks[ref]):
                drafts.append(EventDraft(kind, severity, summary, (ref,), detail=now.why))
        elif (
            was is not None
            and ended
            and now is None
            and not after_gap
            and tracks[ref].reach is Reach.UP
            and not _answers_again(was.state, tracks[ref])
        ):
            drafts.append(EventDraft(EventKind.WORKER_HEALTH, "ok", ended, (ref,)))
    return tuple(drafts)


def _answers_again(was: HealthState, track: WorkerTrack) -> bool:
    """Return whether `worker.up` reports the end of this state."""
    return was in UNANSWERING and track.reach is Reach.UP


def _is_jump_emitted(before: WorkerTrack | None, after: WorkerTrack) -> bool:
    """Return whether `worker.rate` was emitted in this very tick."""
    return before is not None and before.steps.announced != after.steps.announced
