"""Writes a comparison as plain text or as Markdown. Does not: use colours or the terminal's width."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.report.compare import Comparison, ComparisonLine, Divergence
from metabonk_tui.core.report.compare_metrics import NOT_RECORDED, MetricValue
from metabonk_tui.core.report.timeline import RunTimeline
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.core.text.phrases import count_of

TITLE, SIDE, CELL = 26, 5, 13
MARKS = 5
"""Columns of elapsed times that fit into 100 columns of text."""
LATER = 12
ENDED = "ended"
SHORT = {VerdictKind.ADD_MEMORY_WATCH.value: "MEMORY WATCH"}


def compare_text(found: Comparison) -> str:
    """Write a comparison in at most 100 columns."""
    return "\n".join([*_runs(found), "", *_divergences(found), "", *_table(found)])


def compare_markdown(found: Comparison) -> str:
    """Write a comparison as Markdown: the runs, the first divergence, every metric at the end of the common time."""
    place = found.marks_s.index(found.common_s)
    rows = [
        "| | A | B |",
        "|---|---|---|",
        f"| run | {_escaped(found.a.name)} | {_escaped(found.b.name)} |",
        f"| verdict | {_verdict(found.a)} | {_verdict(found.b)} |",
        f"| length | {elapsed(found.a.duration_s)} | {elapsed(found.b.duration_s)} |",
        f"| workers | {_workers(found.a)} | {_workers(found.b)} |",
        "",
        f"**{headline(found)}**",
        "",
        f"| at {elapsed(found.common_s)} | A | B | differs from |",
        "|---|---|---|---|",
    ]
    for line in found.lines:
        a, b = line.pairs[place]
        if a is None and b is None and line.divergence is None:
            continue
        since = elapsed(line.divergence.at_s) if line.divergence else "" if line.compared else "not compared"
        cells = (line.metric.title, written(line, a), written(line, b), since)
        rows.append("| " + " | ".join(map(_escaped, cells)) + " |")
    missing = _in_neither(found)
    return "\n".join([*rows, *(["", f"Not recorded in either: {', '.join(missing)}."] if missing else [])])


def headline(found: Comparison) -> str:
    """Write in one sentence the first divergence, that there is none, or that nothing is comparable."""
    if not found.comparable:
        return f"Nothing is comparable: in the {elapsed(found.common_s)} that both have, never were both looked at."
    if found.first is None:
        if _is_same_run(found):
            return "A and B are the same run: nothing can diverge."
        return f"No divergence within the {elapsed(found.common_s)} that both have."
    return f"First divergence at {elapsed(found.first.at_s)}: {_sentence(found.first)}."


def written(line: ComparisonLine, value: MetricValue | None) -> str:
    """Write a value of a line, or that it was not recorded."""
    return NOT_RECORDED if value is None else line.metric.write(value)


def _sentence(divergence: Divergence) -> str:
    metric = divergence.metric
    return f"{metric.title}, {metric.write(divergence.a)} in A, {metric.write(divergence.b)} in B"


def _is_same_run(found: Comparison) -> bool:
    a, b = found.a.last.run, found.b.last.run
    return (a.name, a.started_at, found.a.duration_s) == (b.name, b.started_at, found.b.duration_s) and bool(a.name)


def _runs(found: Comparison) -> Iterator[str]:
    names = max(len(one.name) for one in (found.a, found.b))
    words = max(len(_verdict(one)) for one in (found.a, found.b))
    for letter, one in (("A", found.a), ("B", found.b)):
        run_text = f"{letter}  {one.name[:40]:<{min(names, 40)}}  {_verdict(one):<{words}}  {elapsed(one.duration_s)}"
        yield f"{run_text}  {count_of(_workers(one), 'worker')}  {one.last.run.shown_source}"


def _verdict(run_timeline: RunTimeline) -> str:
    verdict = run_timeline.last.verdict
    return f"{verdict.kind.value} since {elapsed(verdict.since_t - run_timeline.last.run.started_at)}"


def _workers(run_timeline: RunTimeline) -> int:
    return run_timeline.last.run.desired or len(run_timeline.last.workers)


def _divergences(found: Comparison) -> Iterator[str]:
    yield headline(found)
    later = found.divergences[1:]
    wide = max((len(_sentence(one)) for one in later), default=0)
    for number, one in enumerate(later[:LATER]):
        yield f"  {'then' if number == 0 else '    '}  {elapsed(one.at_s)}  {_sentence(one):<{wide}}".rstrip()
    if len(later) > LATER:
        yield f"  and {len(later) - LATER} more in --json"


def _table(found: Comparison) -> Iterator[str]:
    """Write two rows per metric, A and B, or one row where all values are equal."""
    places = _chosen(len(found.marks_s))
    heads = "".join(f"{elapsed(found.marks_s[place]):<{CELL}}" for place in places)
    yield f"{'at the same elapsed time':<{TITLE + SIDE}}{heads}".rstrip()
    for line in found.lines:
        if all(pair == (None, None) for pair in line.pairs):
            continue
        sides = [[_cell(found, line, side, place) for place in places] for side in (0, 1)]
        alike = all(a == b for a, b in line.pairs)
        for letter, cells in [("both", sides[0])] if alike else [("A", sides[0]), ("B", sides[1])]:
            title = line.metric.title if letter != "B" else ""
            yield f"{title:<{TITLE}.{TITLE - 1}}{letter:<{SIDE}}{''.join(cells)}".rstrip()
    missing = _in_neither(found)
    if missing:
        yield ""
        yield from _wrapped(f"not recorded in either: {', '.join(missing)}")


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 100, subsequent_indent="  ")


def _chosen(count: int) -> list[int]:
    """Choose at most 5 marks: the first, the last two, and evenly spaced ones between them."""
    if count <= MARKS:
        return list(range(count))
    between = MARKS - 2
    early = [round(number * (count - 3) / (between - 1)) for number in range(between)]
    return [*early, count - 2, count - 1]


def _cell(found: Comparison, line: ComparisonLine, side: int, place: int) -> str:
    value = line.pairs[place][side]
    over = found.marks_s[place] > (found.a, found.b)[side].duration_s
    text = ENDED if over else written(line, value)
    text = SHORT.get(text, text)
    return f"{text if len(text) < CELL else text[: CELL - 2] + '…':<{CELL}}"


def _in_neither(found: Comparison) -> list[str]:
    return [line.metric.title for line in found.lines if all(pair == (None, None) for pair in line.pairs)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("<", "&lt;")
