"""Finds conclusive evidence for STOP, which needs no end of the gate.

Does not: accept an absence that no source could have seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Node
from metabonk_tui.core.model.worker import ComponentState, ComponentView, EnvView, Reach, WorkerView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.verdict.inputs import VerdictInputs, silence_evidence

ALL_DOWN_S = 60.0
"""Seconds without an answer before STOP: a respawn of all workers took 20 to 23 s on a loaded machine."""
NO_ANSWER = "no answer"
"""Names the evidence that no worker answers."""
OOM_KILL = "kernel OOM kill"
NEVER_MOVED = (ComponentState.ZERO, ComponentState.ABSENT, ComponentState.UNPROVEN)


class EarlyStop(Struct, frozen=True):
    """Conclusive evidence for STOP."""

    short: str
    because: tuple[str, ...]
    latched: bool = False
    """Skips hysteresis: an OOM kill is an event, not a level."""


def early_stop(inputs: VerdictInputs) -> EarlyStop | None:
    """Return conclusive evidence for STOP; None when there is none."""
    killed = [host.memory for host in inputs.hosts.values() if host.memory.oom_kills_in_run] or [inputs.memory]
    if killed[0].oom_kills_in_run:
        who = " ".join(memory.victims_text for memory in killed if memory.victims_text) or "victim not known"
        where = ", ".join(memory.host for memory in killed if memory.host)
        on = f" on {where}" if where else ""
        return EarlyStop(OOM_KILL, (f"kernel OOM kill{on}: {who}, latched for this run",), latched=True)
    if inputs.stopped_t is not None or inputs.changing or not inputs.begun or inputs.gate.began_t is None:
        return None
    return _unanswered(inputs) or _silent_without_flags(inputs)


def early_node(stop: EarlyStop) -> Node:
    """Return the branch of an early STOP."""
    return Node("early", "Conclusive evidence?", "yes", "STOP", "stop", True, stop.short, stop.because)


def _unanswered(inputs: VerdictInputs) -> EarlyStop | None:
    if inputs.unanswered_s is None or not inputs.wanted:
        return None
    if not all(host.is_seen for host in inputs.hosts.values()):
        # The workers of a host that is not seen may well answer there.
        return None
    if inputs.waiting and not any(worker.ref.host for worker in inputs.workers):
        # All of them are in the queue of a cluster: none runs that could answer.
        return None
    if inputs.unresolved:
        # No worker was asked, so none failed to answer.
        return None
    wanted = inputs.wanted
    if not inputs.answered_ever:
        grace = age(inputs.config.clock.startup_grace_s)
        return EarlyStop(NO_ANSWER, (f"no worker answered: 0/{wanted} after the start-up grace of {grace}",))
    if inputs.unanswered_s >= max(ALL_DOWN_S, 3 * inputs.nominal_s):
        return EarlyStop(NO_ANSWER, (f"no worker answers: 0/{wanted} for {age(inputs.unanswered_s)}",))
    return None


def _silent_without_flags(inputs: VerdictInputs) -> EarlyStop | None:
    """Find components that are silent on every worker that answers, and that no readable process switches on.

    A component that the launcher switches on by itself proves nothing of the flags, so it is left out.
    """
    if inputs.record.moves:
        return None
    due = {spec.id: spec for spec in inputs.config.component if spec.due == "validation" and not spec.launcher_sets}
    answering = _answering(inputs.workers)
    readable = [env for worker in answering if (env := worker.env) is not None and env.error is None]
    if not due or not readable:
        return None
    early_s = inputs.config.verdict.early_silence_s
    known = [(worker, [c for c in worker.components if c.id in due]) for worker in answering]
    # A respawned worker that has shown nothing refutes nothing: else each death would lift the STOP for 2 min.
    proving = [(worker, mine) for worker, mine in known if not _is_respawn(worker, mine, early_s)]
    for worker, mine in proving:
        if not mine or not all(_is_silent(component, worker, inputs.t, early_s) for component in mine):
            return None
    if not proving or not all(_lacked_by_all(spec.environment, readable) for spec in due.values()):
        return None
    return _without_flags(inputs, [spec.title for spec in due.values()], readable, len(answering))


def _answering(workers: Sequence[WorkerView]) -> list[WorkerView]:
    """Return the workers that answer; while none does, those that did: a pause refutes nothing."""
    seen = [worker for worker in workers if worker.last_good_t is not None and worker.reach is not Reach.STRANGER]
    return [worker for worker in seen if worker.reach is Reach.UP] or seen


def _is_respawn(worker: WorkerView, mine: Sequence[ComponentView], early_s: float) -> bool:
    """Return whether a worker died silent, and its next process has shown nothing in its first `early_s`."""
    is_silent = all(component.known_state in NEVER_MOVED and not component.shown_in_run for component in mine)
    return worker.generation > 1 and worker.lived_s < early_s and is_silent


def _is_silent(component: ComponentView, worker: WorkerView, t: float, early_s: float) -> bool:
    """Return whether a component was silent for `early_s`; what never showed was so since its process started."""
    if component.known_state not in NEVER_MOVED:
        return component.known_state is ComponentState.STALLED and component.window_activity == "silent"
    if not component.shown_in_generation:
        return worker.lived_s >= early_s
    return t - component.known_since_t >= early_s


def _lacked_by_all(required: dict[str, str], readable: Sequence[EnvView]) -> bool:
    """Return whether one required flag is missing or wrong in every readable process."""
    return any(
        all(key in env.missing or any(key == wrong for wrong, *_ in env.wrong) for env in readable) for key in required
    )


def _without_flags(
    inputs: VerdictInputs, titles: Sequence[str], readable: Sequence[EnvView], answering: int
) -> EarlyStop:
    missing = _in_all([env.missing for env in readable])
    wrong = _in_all([[f"{key} is {value or 'empty'}" for key, value, _ in env.wrong] for env in readable])
    what = "missing" if missing else "switched off" if wrong else "not set right"
    # The cause comes first, because a narrow screen cuts the end.
    lines = [f"required flags {what} in {len(readable)}/{inputs.wanted} workers, {cut_list(list(titles), 3)} silent"]
    if missing:
        lines.append(f"not in /proc/PID/environ: {cut_list(missing, 3)}")
    if wrong:
        lines.append(f"in /proc/PID/environ: {cut_list(wrong, 3)}")
    evidence = silence_evidence(inputs)
    return EarlyStop(f"flags {what} {len(readable)}/{answering}", (*lines, *evidence))


def _in_all(groups: Sequence[Sequence[str]]) -> list[str]:
    return [item for item in groups[0] if all(item in group for group in groups)]
