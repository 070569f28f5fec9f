"""Finds causes that need time to show: no frames, no answers from System2, a worker that stopped stepping.

All thresholds are seconds of the run's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metabonk_tui.core.causes.evidence import (
    Evidence,
    WorkerEvidence,
    WorkerFinding,
    environ_command,
    log_command,
    make_cause,
    quote_line,
    status_command,
)
from metabonk_tui.core.causes.starting import find_complaint
from metabonk_tui.core.causes.stillness import ENGAGED, HINTS, INPUTS, lacks_key
from metabonk_tui.core.model.refs import worker_ranges
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState, Reach
from metabonk_tui.core.status.decode import flag, number, text
from metabonk_tui.core.status.tracebacks import raised_after
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker.environment import is_on
from metabonk_tui.core.worker.ollama import DEFAULT_URL, ollama_url
from metabonk_tui.core.worker.ollama import VARIABLE as OLLAMA_HOST

NO_FRAMES_S = 60.0
FROZEN_S = 60.0
AMBIGUOUS_S = 300.0
UNANSWERED_S = 60.0
NO_TRIGGER_S = 120.0
ZOMBIE_S = 60.0
NEVER_MOVED_S = 120.0
THREAD_DIED = "exception in thread"
FAILED_REQUEST = ("system2 request failed",)
ENABLED_FLAG = "METABONK_DYNAMIC_UI_EXPLORATION"
MODE_KEY = "METABONK_SYSTEM2_TRIGGER_MODE"


def classifier_no_frames(evidence: Evidence) -> Cause | None:
    """Find a state classifier without frames: its inputs are absent, or constant while steps advance."""
    found = [one for worker in evidence.workers for one in _no_frames(evidence, worker)]
    if not found:
        return None
    return make_cause(
        ("classifier-no-frames", "classifier stuck, no frames"),
        found,
        evidence,
        confirm=status_command(found[0].worker, evidence, "dynamic_ui_|obs_fps|scene_hash|stream_frozen"),
        fix=f"repair the capture of {_names(found)} (game window, capture source), relaunch it",
    )


def _no_frames(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    stillness, t = worker.stillness, evidence.t
    if text(worker.status, "dynamic_ui_state_type") != "uncertain" or not _steps_advance(worker, t):
        return
    if worker.environ is not None and not is_on(worker.environ.get(ENABLED_FLAG)):
        return
    if find_complaint(worker, "ui_exploration") is not None:
        return
    frozen_s = stillness.inputs.steady_s(t)
    if frozen_s >= FROZEN_S:
        observation = f"dynamic_ui_text_density frozen at {number(worker.status, INPUTS[0]).value} for {age(frozen_s)}"
        yield WorkerFinding(worker, 0.9, f"{observation} while steps advance")
    elif lacks_key(worker.status, INPUTS[0]) and worker.is_settled(t, NO_FRAMES_S) and not worker.looks_unloaded:
        confidence = 0.85 if worker.environ is not None else 0.7
        yield WorkerFinding(
            worker, confidence, f"uncertain, {INPUTS[0]} absent while steps advance and other components are on"
        )


def _steps_advance(worker: WorkerEvidence, t: float) -> bool:
    step = worker.stillness.step
    return step.value is not None and t - step.since_t < ZOMBIE_S and step.since_t > worker.stillness.began_t


def classifier_ambiguous(evidence: Evidence) -> Cause | None:
    """Find a state classifier that gets frames but stays "uncertain"."""
    found = []
    for worker in evidence.workers:
        stillness, t = worker.stillness, evidence.t
        uncertain_s = stillness.ui_state.steady_s(t) if stillness.ui_state.value == "uncertain" else 0.0
        varying = stillness.inputs.value is not None and t - stillness.inputs.since_t < FROZEN_S
        if uncertain_s < AMBIGUOUS_S or not varying or worker.view.gameplay.corroborated:
            continue
        density, motion = (number(worker.status, name).value for name in INPUTS[:2])
        observation = (
            f"uncertain for {age(uncertain_s)} with varying inputs, now text density {_format_number(density)}"
        )
        found.append(WorkerFinding(worker, 0.6, f"{observation}, motion {_format_number(motion)}"))
    if not found:
        return None
    return make_cause(
        ("classifier-ambiguous", "classifier stuck, ambiguous"),
        found,
        evidence,
        confirm=status_command(found[0].worker, evidence, "dynamic_ui_"),
        fix="tune METABONK_STATE_TEXT_DENSITY_THRESH, METABONK_STATE_MOTION_THRESH, METABONK_STATE_UI_SHAPE_THRESH",
    )


def _format_number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.2f}"


def system2_no_answer(evidence: Evidence) -> Cause | None:
    """Find a System2 whose requests get no response."""
    found = [one for worker in evidence.workers for one in _no_answer(evidence, worker)]
    if not found:
        return None
    environ = found[0].worker.environ or {}
    configured = environ.get(OLLAMA_HOST)
    host = ollama_url(configured) or configured or DEFAULT_URL
    killed = "ollama" in evidence.memory.oom_victims
    start = "start Ollama (ollama serve) and pull its model"
    if configured:
        # Another Ollama may answer elsewhere: starting one there is no fix.
        start = f"start Ollama (ollama serve) at {configured} and pull its model, or correct OLLAMA_HOST and relaunch"
    return make_cause(
        ("system2-no-answer", "System2 cannot answer"),
        found,
        evidence,
        confirm=f"curl -sS -m 5 '{host.replace(chr(39), '')}/api/tags'",
        fix="free memory, then start Ollama again" if killed else start,
    )


def _no_answer(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    stillness, t = worker.stillness, evidence.t
    if flag(worker.status, "system2_enabled") is False:
        return
    line = worker.find_in_log(*FAILED_REQUEST)
    killed = "ollama" in evidence.memory.oom_victims
    since_t = stillness.unanswered_since_t
    waiting_s = 0.0 if since_t is None else t - since_t
    hints = stillness.hints.value
    asked = f"{ENGAGED} {stillness.engaged.value:g}, " if isinstance(stillness.engaged.value, float) else ""
    if waiting_s >= UNANSWERED_S:
        observation = f"{asked}{HINTS} stays {hints:g} for {age(waiting_s)}" if isinstance(hints, float) else asked
    elif _request_s(worker) >= UNANSWERED_S and stillness.hints.steady_s(t) >= UNANSWERED_S:
        observation = f"the last request is {age(_request_s(worker))} old and has no response"
    elif line is not None and worker.is_settled(t, UNANSWERED_S) and hints == 0:
        observation = f"{HINTS} 0"
    else:
        return
    confidence = 0.6 if _runs_on_defaults(worker) else 0.95 if line or killed else 0.85
    why = f", {quote_line(line)}" if line else ", Ollama was OOM-killed" if killed else ""
    yield WorkerFinding(worker, confidence, f"{observation}{why}")


def _runs_on_defaults(worker: WorkerEvidence) -> bool:
    """Return whether System2 runs on the code's defaults: then the missing environment is the deeper cause."""
    if worker.environ is None:
        return worker.mode == "always" and worker.looks_unloaded
    return MODE_KEY not in worker.environ


def _request_s(worker: WorkerEvidence) -> float:
    """Return the age of System2's unanswered request by the worker's own clock; 0: no open request."""
    reasoning, now = worker.status.fields.get("system2_reasoning"), number(worker.status, "timestamp").value
    if not isinstance(reasoning, dict) or now is None:
        return 0.0
    asked, answered = reasoning.get("last_request_ts"), reasoning.get("last_response_ts")
    if not isinstance(asked, int | float) or asked <= 0:
        return 0.0
    if isinstance(answered, int | float) and answered >= asked:
        return 0.0
    return max(0.0, now - asked)


def system2_never_triggers(evidence: Evidence) -> Cause | None:
    """Find a System2 that runs and never engages, or whose trigger mode never counts engagements."""
    found = []
    for worker in evidence.workers:
        silent = any(
            spec.field == ENGAGED and component.state is ComponentState.ZERO
            for component, spec in evidence.silent_components(worker)
        )
        if not silent or flag(worker.status, "system2_enabled") is False or worker.mode is None:
            continue
        reason = text(worker.status, "system2_trigger_reason")
        if worker.mode == "always" and worker.is_settled(evidence.t):
            confidence = 0.55 if _runs_on_defaults(worker) else 0.7 if worker.environ is None else 0.93
            found.append(WorkerFinding(worker, confidence, f'trigger mode "always": {ENGAGED} never moves'))
        elif (
            worker.mode != "always"
            and worker.is_settled(evidence.t, NO_TRIGGER_S)
            and _steps_advance(worker, evidence.t)
        ):
            observation = f"{ENGAGED} 0 for {age(evidence.t - worker.stillness.began_t)} while steps advance"
            found.append(WorkerFinding(worker, 0.75, f"{observation}{f', reason {reason}' if reason else ''}"))
    if not found:
        return None
    return make_cause(
        ("system2-never-triggers", "System2 never triggers"),
        found,
        evidence,
        confirm=environ_command(found[0].worker, "METABONK_SYSTEM2_"),
        fix=f"set {MODE_KEY}=smart and at least one METABONK_SYSTEM2_TRIGGER_MENU, _STUCK or _NOVEL to 1, relaunch",
    )


TRACEBACK = 0.97
"""Confidence of a worker that stands still, where its log shows the exception."""


def _end_of_loop(worker: WorkerEvidence) -> str | None:
    """Return the exception that ended the worker's loop, or else a log line that names the loop; None: neither."""
    lines = worker.own_log
    for words in ("_rollout_loop", THREAD_DIED):
        place = max((n for n, line in enumerate(lines) if words in line.lower()), default=None)
        if place is not None:
            later = (n for n, line in enumerate(lines) if n > place and THREAD_DIED in line.lower())
            return raised_after(lines[: next(later, None)], place) or lines[place]
    return None


def zombie_worker(evidence: Evidence) -> Cause | None:
    """Find a worker that answers although its step stopped."""
    found = []
    for worker in evidence.workers:
        step = worker.stillness.step
        still_s = step.steady_s(evidence.t)
        moved = step.since_t > worker.stillness.began_t
        if worker.reach is not Reach.UP or still_s < (ZOMBIE_S if moved else NEVER_MOVED_S):
            continue
        line = _end_of_loop(worker)
        observation = (
            f"answers, step {step.value:g} for {age(still_s)}" if isinstance(step.value, float) else "answers"
        )
        confidence = TRACEBACK if line else 0.9 if moved else 0.8
        found.append(WorkerFinding(worker, confidence, observation + (f", {quote_line(line)}" if line else "")))
    if not found:
        return None
    has_traceback = any(one.confidence == TRACEBACK for one in found)
    repair = "repair what the traceback says" if has_traceback else f"read the log of {_names(found)}"
    return make_cause(
        ("zombie-worker", "zombie worker"),
        found,
        evidence,
        confirm=log_command(found[0].worker, "Traceback|Exception in thread|Error"),
        fix=f"{repair}, restart {_names(found)}",
    )


def _names(found: Sequence[WorkerFinding]) -> str:
    return worker_ranges([one.worker.ref for one in found])
