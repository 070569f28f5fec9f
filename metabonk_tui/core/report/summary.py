"""Summarises a run in at most six sentences for the top of a report. Pure."""

from __future__ import annotations

import re

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.memory import PROBABLY, MemoryView
from metabonk_tui.core.model.sample import waiting_text
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.report.first_seen import FirstSeen, answered_t
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.text.numbers import age, elapsed, gigabytes
from metabonk_tui.core.text.phrases import count_of

MAX_SENTENCES = 6
MIN_LATE_S = 60.0
"""A sign visible less than this before the verdict is not reported."""
SIGNS_OF_A_KILL = ("forecast-warning", "forecast-critical", "memory-critical")
SIGNS_OF_SILENCE = ("component-absent", "component-vanished", "env-mismatch", "check-fail")
"""First signs for each kind of STOP; a lost worker is not among them."""
_FIRST_PROOF = re.compile(r'.*?, on [^;"]+(?=; |$)')
"""The first proof of a cause, with its workers. A quoted log line may have a semicolon."""
_STATE_TEXTS: dict[str, str] = {ComponentState.UNOBSERVED: "not observed", ComponentState.BAD: "not a number"}


def run_sentences(history: RunHistory) -> tuple[str, ...]:
    """Return at most `MAX_SENTENCES` sentences, the most important first."""
    seen = history.first_seen
    sentences = [
        *_verdict(history, seen),
        *_cause(history),
        *_component_states(history),
        *_waiting(history),
        *_memory(history),
        *_restarts(history),
        *_unwatched(history),
    ]
    return tuple(sentences[:MAX_SENTENCES])


def _verdict(history: RunHistory, seen: tuple[FirstSeen, ...]) -> list[str]:
    last = history.last
    start, verdict = last.run.started_at, last.verdict
    stop = next((each for each in seen if each.id == "verdict-stop"), None)
    if stop is None:
        because = f": {verdict.because[0]}" if verdict.because else ""
        if verdict.ended is not None:
            return [f"The verdict was {verdict.kind}{because}.", _end(verdict.ended, start)]
        return [f"The verdict is {verdict.kind} since {elapsed(verdict.since_t - start)}{because}."]
    end_t = last.t if verdict.ended is None else verdict.ended.last_seen_t
    went_on = f"; the run went on for {age(end_t - stop.t)} more" if end_t - stop.t >= 1 else ""
    sentences = [f"STOP was known after {age(stop.t - start)}{went_on}{_unwatched_after(history)}."]
    if verdict.kind is not VerdictKind.STOP:
        sentences[0] = f"{sentences[0][:-1]}, and the verdict is now {verdict.kind}."
    sentences += [] if verdict.ended is None else [_end(verdict.ended, start)]
    signs = SIGNS_OF_A_KILL if _by_kill(history, stop) else SIGNS_OF_SILENCE
    sign = next((each for each in seen if each.id in signs and stop.t - each.t >= MIN_LATE_S), None)
    if sign is not None:
        sentences.append(f"It could be seen {age(stop.t - sign.t)} sooner, at {elapsed(sign.t - start)}: {sign.text}.")
    return sentences


def _end(end: RunEnd, start: float) -> str:
    return f"The run is over, last seen after {elapsed(end.last_seen_t - start)}: {end.text}."


def _by_kill(history: RunHistory, stop: FirstSeen) -> bool:
    kill_t = history.last.run_memory.oom_since_t
    return kill_t is not None and abs(stop.t - kill_t) < MIN_LATE_S


def _unwatched_after(history: RunHistory) -> str:
    """Return the clause about a gap after the last sample; "": no such gap."""
    after = [gap for gap in history.last.run.gaps if gap.from_t >= history.last.t]
    return f", then no monitor watched for {age(after[0].to_t - after[0].from_t)}" if after else ""


def _cause(history: RunHistory) -> list[str]:
    if not history.last.causes:
        return []
    first = history.last.causes[0]
    found = _FIRST_PROOF.match(first.because)
    because = found[0] if found else first.because
    return [f"The likeliest cause ({first.confidence:.2f}) is {first.name}: {because}."]


def _component_states(history: RunHistory) -> list[str]:
    """Return one sentence with the final component states, equal states grouped."""
    workers = history.last.workers
    if not answered_t(history.last, history.events) and not any(worker.last_good_t is not None for worker in workers):
        return [f"No worker ever answered, 0/{len(workers)}."] if workers else []
    groups: dict[str, list[str]] = {}
    for place, component in enumerate(workers[0].components):
        states = [worker.components[place].word for worker in workers if len(worker.components) > place]
        most = max(states, key=states.count)
        share = f" on {states.count(most)}/{len(states)}"
        word = _STATE_TEXTS.get(most, most.lower())
        groups.setdefault(word + share, []).append(component.title)
    return ["At the end: " + "; ".join(f"{', '.join(titles)} {word}" for word, titles in groups.items()) + "."]


def _waiting(history: RunHistory) -> list[str]:
    pool = history.last.pool
    if not pool.waiting:
        return []
    last_said = "" if pool.engine_error is None else ", as the cluster said before it stopped answering"
    return [f"At the end, {waiting_text(pool.waiting)}{last_said}."]


def _memory(history: RunHistory) -> list[str]:
    memory, start = history.last.run_memory, history.last.run.started_at
    if memory.min_available_bytes is None:
        return ["Memory was not recorded: nothing can be said of it."]
    least = f"Available memory fell to {gigabytes(memory.min_available_bytes, 2)} GB"
    record = history.forecasts
    first = next((each for each in record.raised if each.gpu is None), None)
    if not memory.oom_kills_in_run or memory.oom_since_t is None:
        warned = f"; the forecast first warned at {elapsed(first.t - start)}" if first else ""
        return [f"{least} at the lowest{_no_kill(memory)}{warned}."]
    who = memory.victims_text or "a process not known"
    kernel = "the kernel probably killed" if who.startswith(PROBABLY) else "the kernel killed"
    who = who.removeprefix(PROBABLY)
    at = elapsed(memory.oom_since_t - start)
    if first is None or first.t >= memory.oom_since_t:
        return [f"{least}; {kernel} {who} at {at}, and no forecast had warned."]
    return [f"{least}; {kernel} {who} at {at}, {age(memory.oom_since_t - first.t)} after the first forecast."]


def _no_kill(memory: MemoryView) -> str:
    """Say of a run without a kill of its own what could be seen of the kernel's kills."""
    if others := memory.other_kills_in_run:
        return f"; the kernel killed {others} in the workers' memory, and none known of this pool"
    if logged := memory.kernel.kills:
        return f"; the kernel's log has {count_of(logged, 'OOM kill')} in the workers' memory"
    if earlier := memory.earlier_kills:
        return f"; {count_of(earlier, 'OOM kill')} came at an unknown time"
    if not memory.sees_kills:
        return ", and no source could have seen an OOM kill"
    return ", and the kernel killed no process of the pool"


def _restarts(history: RunHistory) -> list[str]:
    resets = {worker.ref: len(worker.resets_t) for worker in history.last.workers if worker.resets_t}
    if not resets:
        return []
    total = sum(resets.values())
    by_worker = ", ".join(
        f"{ref.label} {count}" for ref, count in sorted(resets.items(), key=lambda pair: -pair[1])[:8]
    )
    times = "once" if total == 1 else f"{total} times"
    return [f"Workers began anew {times}, their counters at zero again: {by_worker}."]


def _unwatched(history: RunHistory) -> list[str]:
    has_verdict = bool(_unwatched_after(history)) and any(each.id == "verdict-stop" for each in history.first_seen)
    gaps = [gap for gap in history.last.run.gaps if not (has_verdict and gap.from_t >= history.last.t)]
    if not gaps:
        return []
    longest = max(gaps, key=lambda gap: gap.to_t - gap.from_t)
    at, took = elapsed(longest.from_t - history.last.run.started_at), age(longest.to_t - longest.from_t)
    if len(gaps) == 1:
        return [f"No monitor watched for {took}, from {at} on."]
    return [f"No monitor watched in {len(gaps)} gaps, the longest {took} from {at} on."]
