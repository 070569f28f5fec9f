"""Writes the page about a death as sentences: for the screen, the clipboard and the report. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metabonk_tui.core.model.obituary import Obituary, same_deaths
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.text.numbers import age, elapsed, gigabytes, number, per_second
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.worker.remedies import NATIVE_CRASHES, REQUESTS

PROVED = 30
"""Evidence of at least this strength proves the reason: the kernel's log, a counter of its own group, an exit code."""
GONE_WITHIN_S, GONE_WITHIN_SAMPLES = 10.0, 2.5
"""The time of a death is not exact if the looks before and after it are farther apart, in seconds and samples."""
_BY_ENGINE = {
    "preempted": "was preempted: another job got its place",
    "out of time": "was ended at the time limit of its job",
    "cancelled": "was cancelled, not by this monitor",
    "node failed": "is lost: its node failed",
    "killed by Ray": "was killed by Ray's memory monitor, not by the kernel",
}
TimeFormat = Callable[[float], str]
"""Writes a time: of the wall on the screen, of the run in a report."""


def headline(page: Obituary) -> str:
    """Return how it ended in one sentence without a full stop: "w2 was killed by the kernel: out of memory"."""
    return f"{page.label} {ending(page)}"


def ending(page: Obituary) -> str:
    """Return how a process ended, as the predicate of a sentence."""
    ended = page.ended
    if ended is None:
        return "restarted: exit not seen" if page.restarted else "stopped answering: exit not seen"
    match ended.reason:
        case "OOM-killed":
            return "was killed by the kernel: out of memory"
        case "probably OOM":
            return "was probably killed by the kernel: out of memory"
        case "killed":
            name = NATIVE_CRASHES.get(ended.signal or 0) or REQUESTS.get(ended.signal or 0)
            verb = "crashed by" if ended.signal in NATIVE_CRASHES else "was killed by"
            return f"{verb} signal {ended.signal}" + (f" ({name})" if name else "")
        case "exited":
            return f"exited with code {ended.exit_code}"
        case "preempted" if ended.evidence.startswith("Ray:"):
            return "lost its place: its node was preempted or stopped"
        case "preempted" | "out of time" | "cancelled" | "node failed" | "killed by Ray" as word:
            return _BY_ENGINE[word]
        case _:
            return "is gone: exit not seen" + ("" if ended.strength else ", nothing says why")


def certainty(page: Obituary) -> str:
    """Return how sure the cause is: "proved", "likely" or "unknown"."""
    if page.ended is None or page.ended.reason == "unknown":
        return "unknown"
    return "proved" if page.ended.strength >= PROVED and page.reason != "probably OOM" else "likely"


def evidence(page: Obituary, clock: TimeFormat, interval_s: float) -> tuple[str, ...]:
    """Return the evidence of the cause, the strongest first, and when the death was seen if that is not exact.

    `interval_s`: the time between two samples of the run.
    """
    found = [page.restarted] if page.restarted else []
    ended = page.ended
    if ended is not None and ended.strength > 0:
        found.append(ended.evidence)
    if ended is not None and ended.exit_code is not None and f"exit {ended.exit_code}" not in ended.evidence:
        found.append(f"exit {ended.exit_code}")
    if page.t - page.seen_t > max(GONE_WITHIN_S, GONE_WITHIN_SAMPLES * interval_s):
        found.append(f"last seen {clock(page.seen_t)}, missing {clock(page.t)}: it died between these")
    return tuple(found)


def identity(page: Obituary, started_at: float) -> tuple[tuple[str, str], ...]:
    """Return what names the process, as (label, value)."""
    found = [("port", None if page.port is None else str(page.port))]
    found.append(("pid", None if page.pid is None else str(page.pid)))
    found.append(("gen", None if page.generation is None else str(page.generation)))
    found.append(("lived", None if page.lived_s is None else age(page.lived_s)))
    found.append(("died at run", elapsed(page.t - started_at)))
    code = page.ended.exit_code if page.ended is not None else None
    found.append(("exit", "not seen" if code is None else str(code)))
    return tuple((label, value) for label, value in found if value is not None)


def restart(page: Obituary, snapshot: Snapshot) -> str:
    """Return what came after it on its slot: "gen 3 began 12s later"; "" for a process that is no worker."""
    worker = next((each for each in snapshot.workers if each.ref == page.who), None)
    if worker is None:
        return ""
    following = next((life for life in worker.generations if life.began_t >= page.t and life.number > 1), None)
    if following is None:
        return "not restarted" if not worker.alive else "answers again"
    if following.began_t <= page.t:
        # Both lie between two samples; which time passed between them was not seen.
        return f"gen {following.number} was there at the same look"
    return f"gen {following.number} began {age(following.began_t - page.t)} later"


def answer_facts(page: Obituary) -> tuple[tuple[str, str], ...]:
    """Return the numbers of the last answer, as (label, value); "not known" where the answer had none."""
    answer = page.answer
    if answer is None:
        return ()
    return (
        ("step", _number(answer.step, 0)),
        ("step/s", "not known" if answer.step_rate is None else per_second(answer.step_rate)),
        ("eps", _number(answer.epsilon, 2)),
        ("rss GB", "not read" if page.rss_bytes is None else gigabytes(page.rss_bytes, 2)),
        ("state", answer.ui_state or "not known"),
        *((("episode", str(answer.episode)),) if answer.episode is not None else ()),
    )


def _number(value: float | None, decimals: int) -> str:
    return "not known" if value is None else number(value, decimals)


def answer_sentence(page: Obituary, clock: TimeFormat) -> str:
    """Return the last answer in one line; "" for a process that never answered."""
    answer = page.answer
    if answer is None:
        return ""
    parts = [f"{clock(answer.t)}, {age(page.t - answer.t)} before"]
    if answer.step is not None:
        parts.append(f"step {number(answer.step)}")
    if answer.ui_state:
        parts.append(answer.ui_state)
    absent = sum(part.state is ComponentState.ABSENT for part in answer.components)
    return ", ".join([*parts, *([f"{count_of(absent, 'component')} ABSENT"] if absent else [])])


def same_before(page: Obituary, snapshot: Snapshot, clock: TimeFormat) -> tuple[str, ...]:
    """Return one line for each earlier death of the same kind in this run, newest first."""
    return tuple(
        f"{each.label} {clock(each.t)}"
        + ("" if each.generation is None else f", gen {each.generation}")
        + ("" if each.rss_bytes is None else f", RSS {gigabytes(each.rss_bytes, 2)} GB")
        for each in reversed(same_deaths(snapshot.obituaries, page))
    )


def log_note(page: Obituary) -> str:
    """Return what the lines of the log are."""
    return "the last lines before it" if page.log_ends else "lines that may tell a cause; its end was not read"


def lines(page: Obituary, snapshot: Snapshot, clock: TimeFormat) -> tuple[str, ...]:
    """Return the whole page as lines of text, without charts."""
    facts = ", ".join(f"{label} {value}" for label, value in identity(page, snapshot.run.started_at))
    after = restart(page, snapshot)
    found = [f"{headline(page)} at {clock(page.t)}", facts + (f", {after}" if after else "")]
    found += _labelled(
        "cause", [f"{certainty(page)}: {text}" for text in evidence(page, clock, snapshot.run.interval_s)]
    )
    found += _labelled("also", page.signs)
    if page.memory:
        found += _labelled("memory", [memory_sentence(page)])
    if page.answer is not None:
        found += _labelled("last answer", [answer_sentence(page, clock)])
    found += _labelled("before", same_before(page, snapshot, clock)[:3])
    found += _labelled("do", [each.text for each in page.remedies])
    found += [f"log: {log_note(page)}", *(f"  {line}" for line in page.log)]
    found += ["around it:", *(f"  {offset(event.t - page.t)} {event.text}" for event in page.around)]
    return tuple(found)


def _labelled(label: str, texts: Sequence[str]) -> list[str]:
    return [f"{label}: {text}" for text in texts if text]


def memory_sentence(page: Obituary) -> str:
    """Return how its memory and the available memory moved before it."""
    before = [point for point in page.memory if point.t < page.t]
    held = [point.held_bytes for point in before if point.held_bytes is not None]
    free = [point.available_bytes for point in before if point.available_bytes is not None]
    parts = []
    if held:
        parts.append(f"{page.label} {gigabytes(held[0], 2)} to {gigabytes(held[-1], 2)} GB")
    if free:
        parts.append(f"available {gigabytes(free[0])} to {gigabytes(free[-1])} GB")
    return ", ".join((*parts, f"floor {gigabytes(page.floor_bytes)} GB"))


def offset(seconds: float) -> str:
    """Return seconds from a death: "-12 s", "0 s", "+18 s"."""
    whole = round(seconds)
    return f"{whole:+d} s" if whole else "0 s"
