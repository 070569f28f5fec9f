"""Finds what changed since the operator last looked. Pure. Does not: follow the run; `core/run/looks.py` does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.absence import Absence, AbsenceTrack, Look, VerdictSpan, WorkerDeath
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind
from metabonk_tui.core.report.obituary_text import ending
from metabonk_tui.core.run.looks import STALLS, look_at
from metabonk_tui.core.text.phrases import count_of

SHOWN_STEPS = 2
SAME_DEATH_S = 120.0
"""Events of one worker this near are about one death: down, gone, a new generation."""


def absence(track: AbsenceTrack, snapshot: Snapshot) -> Absence:
    """Return what changed since the look."""
    look = track.look
    same_run = look.run == snapshot.run.name
    spans = _spans(look, snapshot) if same_run else ()
    then = VerdictSpan(look.kind, look.level, look.t, look.t)
    now = VerdictSpan(snapshot.verdict.kind, snapshot.verdict.level, snapshot.verdict.since_t, snapshot.t)
    worst = _worst(spans, then, now)
    deaths = _deaths_since(track, snapshot)
    stalls = tuple(event for event in track.events if event.kind in STALLS and event.severity in ("warn", "crit"))
    title, rest = _in_short(now, worst, deaths, snapshot)
    steps, at_least = _steps(look, snapshot) if same_run else (None, False)
    played, reached = _played(look, snapshot, same_run=same_run)
    return Absence(
        from_t=look.t,
        to_t=snapshot.t,
        title=title,
        rest=rest,
        waits=tuple(step for step in snapshot.verdict.next_steps if step.text)[:SHOWN_STEPS],
        then=then,
        now=now,
        worst=worst,
        spans=spans,
        new_run="" if same_run else _new_run(look, snapshot),
        gaps=_gaps(look, snapshot) if same_run else (),
        restarts=deaths,
        stalls=stalls,
        marks=(*((each.t, True) for each in deaths), *((event.t, False) for event in stalls)),
        lowest_bytes=track.lowest_bytes,
        lowest_t=track.lowest_t,
        lowest_from_t=track.lowest_from_t,
        available_bytes=snapshot.memory.available_bytes,
        growth_bytes=_growth(look, snapshot) if same_run else None,
        steps=steps,
        steps_at_least=at_least,
        episodes=_episodes(look, snapshot) if same_run else None,
        played=played,
        reached=reached,
        dropped=track.dropped,
    )


def _worst(spans: Sequence[VerdictSpan], then: VerdictSpan, now: VerdictSpan) -> VerdictSpan | None:
    """Return the longest time of the gravest word that was graver than those at both ends; None: there is none."""
    graver = [span for span in spans if _rank(span) > max(_rank(then), _rank(now))]
    return max(graver, key=lambda span: (_rank(span), span.lasted_s), default=None)


def _gaps(look: Look, snapshot: Snapshot) -> tuple[Gap, ...]:
    return tuple(Gap(max(gap.from_t, look.t), gap.to_t) for gap in snapshot.run.gaps if gap.to_t > look.t)


def _growth(look: Look, snapshot: Snapshot) -> int | None:
    held = look_at(snapshot).held_bytes
    return None if held is None or look.held_bytes is None else held - look.held_bytes


def _played(
    look: Look, snapshot: Snapshot, *, same_run: bool
) -> tuple[tuple[int, int, int], tuple[tuple[str, float], ...]]:
    """Return how many workers had reached gameplay (then, now, of how many), and which reached it since, and when."""
    reached = tuple(
        (worker.ref.label, worker.gameplay.reached_t)
        for worker in snapshot.workers
        if worker.gameplay.reached_t is not None and worker.gameplay.reached_t > look.t
    )
    now = sum(worker.gameplay.reached_t is not None for worker in snapshot.workers)
    return (now - len(reached) if same_run else 0, now, len(snapshot.workers)), reached


_ORDER = {kind: -place for place, kind in enumerate(VerdictKind)}


def _rank(span: VerdictSpan) -> tuple[int, int]:
    """Return how grave a word is: by its level, then by the precedence of the headline."""
    return levels.order(span.level), 0 if span.level == "unknown" else _ORDER[span.kind]


def _spans(look: Look, snapshot: Snapshot) -> tuple[VerdictSpan, ...]:
    """Return every word from the look until now, the one at the look first."""
    later = [(t, kind, kind.level) for t, kind, _ in snapshot.verdicts if t > look.t]
    if later:
        later[-1] = (*later[-1][:2], snapshot.verdict.level)
    changes = [(look.t, look.kind, look.level), *later]
    ends = [t for t, _, _ in changes[1:]] + [snapshot.t]
    return tuple(VerdictSpan(kind, level, t, max(t, end)) for (t, kind, level), end in zip(changes, ends, strict=True))


def _deaths_since(track: AbsenceTrack, snapshot: Snapshot) -> tuple[WorkerDeath, ...]:
    """Return the deaths since the look, oldest first: those with a page, then those that only events show."""
    pages = [page for page in snapshot.obituaries if page.t > track.look.t]
    found = [_of_page(page, track) for page in pages]
    for event in track.events:
        if event.kind != EventKind.WORKER_GENERATION or event.worker is None:
            continue
        label = event.worker.label
        if not any(each.label == label and -5.0 <= event.t - each.t <= SAME_DEATH_S * 5 for each in found):
            found.append(WorkerDeath(label, event.t, event.text.removeprefix(f"{label} "), None, None))
    return tuple(sorted(found, key=lambda each: each.t))


def _of_page(page: Obituary, track: AbsenceTrack) -> WorkerDeath:
    up_t = next(
        (
            event.t
            for event in track.events
            if event.kind == EventKind.WORKER_UP and event.t >= page.t and _is_about(event, page)
        ),
        None,
    )
    return WorkerDeath(page.label, page.t, ending(page), None if up_t is None else up_t - page.t, page.key)


def _is_about(event: Event, page: Obituary) -> bool:
    ref = page.ref
    if ref is None:
        return False
    refs = event.facts.get("workers")
    return event.worker == ref or (isinstance(refs, list | tuple) and ref.written in refs)


def _steps(look: Look, snapshot: Snapshot) -> tuple[float | None, bool]:
    """Return the steps since the look, and whether there may have been more: a restart forgets the steps before."""
    before = {worker.ref: worker for worker in look.workers}
    made, at_least, known = 0.0, False, False
    for worker in snapshot.workers:
        then = before.get(worker.ref)
        if worker.step is None:
            at_least = at_least or (then is not None and then.step is not None)
            continue
        known = True
        if then is not None and then.step is not None and then.generation == worker.generation:
            made += max(0.0, worker.step - then.step)
        else:
            made += worker.step
            at_least = at_least or then is not None
    return (made if known else None), at_least


def _episodes(look: Look, snapshot: Snapshot) -> tuple[int, int] | None:
    then = {worker.ref: worker.episode for worker in look.workers if worker.episode is not None}
    now = {worker.ref: worker.episode for worker in snapshot.workers if worker.episode is not None}
    if not now or not then.keys() <= now.keys():
        return None
    return sum(then.values()), sum(now.values())


def _new_run(look: Look, snapshot: Snapshot) -> str:
    ended = next((each.last for each in reversed(snapshot.ended_runs) if each.last.run.name == look.run), None)
    how = ""
    if ended is not None:
        how = f"; {look.run} was {ended.verdict.kind}"
        how += f", {ended.verdict.ended.text}" if ended.verdict.ended is not None else ""
    return f"{snapshot.run.name} began{how}"


def _in_short(
    now: VerdictSpan, worst: VerdictSpan | None, restarts: Sequence[WorkerDeath], snapshot: Snapshot
) -> tuple[str, str]:
    """Return the verdict of the absence, and what follows: what died, who is ill now, whether anything waits."""
    ill = sum(bool(worker.attention) for worker in snapshot.workers)
    sick = "none is ill now" if not ill else f"{count_of(ill, 'worker')} {'is' if ill == 1 else 'are'} ill now"
    died = f"{_deaths(restarts)}, {sick}" if restarts else sick.replace("none", "no worker")
    said = died if len(restarts) == 1 else _upper(died)
    waits = "" if snapshot.verdict.next_steps else ", nothing waits for you"
    if snapshot.verdict.ended is not None:
        return "The run is over.", snapshot.verdict.ended.text
    if now.level == "stop":
        return f"It is {now.kind}.", (snapshot.verdict.because[0] if snapshot.verdict.because else died)
    if worst is not None and worst.level == "stop":
        return f"It was {worst.kind} in between.", f"{said}{waits}."
    if now.level == "caution" or ill:
        return "Look at it.", f"{said}{waits}."
    if now.level == "unknown":
        return "Not decided yet.", f"{said}{waits}."
    return "All is well now." if restarts else "All went well.", f"{said}{waits}."


def _deaths(restarts: Sequence[WorkerDeath]) -> str:
    names = list(dict.fromkeys(each.label for each in restarts))
    if len(restarts) == 1:
        return f"{names[0]} died once"
    return f"{count_of(len(restarts), 'death')} ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def cells_of(result: Absence, count: int) -> tuple[Level | None, ...]:
    """Return the gravest level of each of `count` equal parts of the absence; None where no monitor watched."""
    width_s = max((result.to_t - result.from_t) / max(count, 1), 1e-9)
    edges = [result.from_t + i * width_s for i in range(count + 1)]
    found: list[Level | None] = []
    for start, end in pairwise(edges):
        unseen = any(gap.from_t <= start and gap.to_t >= end for gap in result.gaps)
        inside = [span.level for span in result.spans if span.from_t < end and span.to_t > start]
        inside.sort(key=levels.order)
        found.append(None if unseen or not inside else inside[-1])
    return tuple(found)
