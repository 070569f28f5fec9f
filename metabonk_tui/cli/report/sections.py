"""Builds the sections of a report for each run, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from metabonk_tui.cli.report.deaths import death_blocks
from metabonk_tui.cli.report.document import (
    Block,
    ChartBlock,
    CommandBlock,
    Document,
    EntryBlock,
    Paragraph,
    ReportSection,
    RunPage,
    Table,
    TableCell,
    Tone,
    cells,
    filled,
)
from metabonk_tui.cli.report.memory import memory_blocks
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.condition import worst_first
from metabonk_tui.core.model.event import EventKind, without_duplicates
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef, worker_ranges
from metabonk_tui.core.model.sample import Event, WaitingWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Attention, ComponentState, ComponentView, WorkerView
from metabonk_tui.core.report.json_report import ended_t
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.report.summary import run_sentences
from metabonk_tui.core.text.numbers import age, elapsed, number
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.worker import metrics

NODE_LETTERS = ("!", "A", "B", "C")
"""An early STOP has a branch before the three questions."""
EVENTS_SHOWN = 10
VERDICTS_SHOWN = 8
WORKERS_SHOWN = 16
ATTENTIONS_SHOWN = 8
SHOWN_ABOVE = ("check", "verdict", EventKind.RECORDER_HOUR)
RESULTS: dict[str, Tone] = {
    "PASS": "ok",
    "FAIL": "crit",
    "PARTIAL": "warn",
    "UNKNOWN": "unknown",
    "SKIPPED": "unknown",
}
STATES: dict[ComponentState, Tone] = {
    ComponentState.ACTIVE: "ok",
    ComponentState.RESTING: "ok",
    ComponentState.ABSENT: "crit",
    ComponentState.BAD: "crit",
    ComponentState.DOWN: "crit",
    ComponentState.STRANGER: "crit",
    ComponentState.ZERO: "warn",
    ComponentState.STALLED: "warn",
    ComponentState.UNPROVEN: "warn",
}


def document(histories: Sequence[RunHistory]) -> Document:
    """Return the document of one or more runs, which must be oldest first."""
    many = len(histories)
    pages = tuple(
        _page(history, f"run {place} of {many}" if many > 1 else "run") for place, history in enumerate(histories, 1)
    )
    words = ", then ".join(page.word for page in pages)
    return Document(pages[-1].headline, f"{many} runs: {words}" if many > 1 else "", pages)


def _page(history: RunHistory, title: str) -> RunPage:
    last = history.last
    run, verdict = last.run, last.verdict
    wanted = () if run.desired is None else (f"{count_of(run.desired, 'worker')} wanted",)
    sections = (
        ReportSection(
            "short", "in short", (*(Paragraph(text) for text in run_sentences(history)), ChartBlock("timeline"))
        ),
        ReportSection("seen", "first visible", _first_seen(history), "and how long the run went on after it"),
        ReportSection("verdict", "verdict", _verdict(history)),
        ReportSection("checks", "checks", _checks(last)),
        ReportSection("workers", "workers", _workers(last), "as they were at the end"),
        ReportSection("queue", "queue", _queue(last), "workers that waited for a place at the end"),
        ReportSection("deaths", "deaths", death_blocks(last), "what was known of each as it happened"),
        ReportSection("memory", "memory", memory_blocks(history)),
        ReportSection("causes", "causes", _causes(last)),
        ReportSection("gaps", "gaps", _gaps(last), "no monitor watched"),
        ReportSection("next", "next", tuple(CommandBlock(step.text, step.command) for step in verdict.next_steps)),
        ReportSection("events", "events", _events(without_duplicates(history.events))),
    )
    return RunPage(
        title=f"{title}: {run.name or 'unnamed'}",
        facts=(
            elapsed(max(0.0, ended_t(last) - run.started_at)),
            *wanted,
            run.shown_source,
        ),
        word=verdict.title,
        level=verdict.level,
        headline=_headline(last),
        more=verdict.because[1:],
        sections=tuple(filled(sections)),
        history=history,
    )


def _headline(last: Snapshot) -> str:
    verdict = last.verdict
    would = verdict.would_be
    ended = "the gate ended now" if verdict.changes_when else "the gate had ended then"
    now = f" (if {ended}: {would.value})" if would is not None else ""
    because = f": {verdict.because[0]}" if verdict.because else ""
    return f"{verdict.title} since {elapsed(verdict.since_t - last.run.started_at)}{now}{because}"


def _first_seen(history: RunHistory) -> tuple[Block, ...]:
    last = history.last
    end = last.verdict.ended
    end_t = last.t if end is None else min(last.t, end.last_seen_t)
    rows = tuple(
        cells(
            elapsed(each.t - last.run.started_at),
            TableCell(age(max(0.0, end_t - each.t)), "muted"),
            _severity(each.severity),
            TableCell(each.text, "strong" if each.severity == "crit" else ""),
        )
        for each in history.first_seen
    )
    return (Table(("at", "went on", "", "what"), rows, (0, 1)),)


def _severity(word: Severity) -> TableCell:
    shown = "" if word in ("ok", "info") else word
    return TableCell(shown, "info" if word == "info" else levels.tone(word))


def _verdict(history: RunHistory) -> tuple[Block, ...]:
    last, verdicts = history.last, history.verdicts
    start = last.run.started_at
    headline_lines = {*last.verdict.because}
    nodes = tuple(
        cells(
            letter,
            node.question,
            TableCell(node.answer, levels.tone(node.level) if node.on_path else "muted"),
            f"→ {node.leads_to}" if node.on_path else f"({node.leads_to})",
            next((line for line in node.evidence if line not in headline_lines), "" if node.evidence else node.short),
        )
        for letter, node in zip(NODE_LETTERS[-len(last.verdict.nodes) :], last.verdict.nodes, strict=False)
    )
    verdict_rows = tuple(
        cells(
            elapsed(t - start),
            TableCell(word.value, levels.tone(word.level)),
            because[0] if because else "",
        )
        for t, word, because in verdicts[-VERDICTS_SHOWN:]
    )
    blocks: list[Block] = [Table((), nodes), Table(("since", "word", "because"), verdict_rows, (0,))]
    if len(verdicts) > VERDICTS_SHOWN:
        blocks.append(Paragraph(f"{len(verdicts) - VERDICTS_SHOWN} earlier changes in --json", "muted"))
    if last.verdict.changes_when:
        blocks.append(Paragraph(f"changes when: {last.verdict.changes_when}", "muted"))
    return tuple(blocks)


def _checks(last: Snapshot) -> tuple[Block, ...]:
    done = [check for check in last.gate.checks if check.result != "TO COME"]
    rows = []
    for (result, because), alike in groupby(done, key=lambda check: (check.result, check.because)):
        few = list(alike)
        first, end = few[0], few[-1]
        named = f"check {first.n}" if first is end else f"checks {first.n}-{end.n}"
        at = elapsed(first.due_t - last.run.started_at)
        until = "" if first is end else f"to {elapsed(end.due_t - last.run.started_at)}"
        rows.append(cells(at, until, named, TableCell(result, RESULTS[result]), because))
    return (Table((), tuple(rows)),) if rows else ()


def _workers(last: Snapshot) -> tuple[Block, ...]:
    if not last.workers:
        return ()
    shown: Sequence[WorkerView] = last.workers
    if len(shown) > WORKERS_SHOWN:
        # Those that need someone are never left out for a healthy one.
        shown = sorted(worst_first(shown)[:WORKERS_SHOWN], key=lambda worker: worker.ref)
    numbers = [metric for metric in metrics.WORKER_METRICS if metric.report]
    heads = (
        "",
        "gen",
        "state",
        *(metric.report for metric in numbers),
        *(view.label for view in last.workers[0].components),
    )
    rows = tuple(
        cells(
            TableCell(worker.ref.label, "strong"),
            str(worker.generation),
            _state(worker),
            *(_number(metric, worker) for metric in numbers),
            *(_component(view) for view in worker.components),
        )
        for worker in shown
    )
    blocks: list[Block] = [Table(heads, rows, (1, *range(3, 3 + len(numbers))), prose=False)]
    if len(shown) < len(last.workers):
        blocks.append(Paragraph(f"{len(last.workers) - len(shown)} more workers in --json", "muted"))
    odd = [(worker, each) for worker in worst_first(last.workers) for each in worker.attention]
    blocks += [
        Paragraph(
            f"{worker.ref.label} {each.mark}: {_without_lead(worker, each)}",
            levels.tone(each.level),
        )
        for worker, each in odd[:ATTENTIONS_SHOWN]
    ]
    if len(odd) > ATTENTIONS_SHOWN:
        blocks.append(Paragraph(f"{len(odd) - ATTENTIONS_SHOWN} more like these", "muted"))
    ended = [(worker, life) for worker in last.workers for life in worker.generations if life.ended is not None]
    for worker, life in ended[-ATTENTIONS_SHOWN:]:
        if life.ended is not None:
            text = f"{worker.ref.label} gen {life.number} ended: {life.ended.text}; {life.ended.evidence}"
            blocks.append(Paragraph(text))
    return (*blocks, ChartBlock("workers"), ChartBlock("components"))


def _queue(last: Snapshot) -> tuple[Block, ...]:
    """Return a row for each state and reason of the workers that wait for a place on the cluster."""
    if last.pool.engine_error is not None:
        return (Paragraph(f"the cluster does not answer: {last.pool.engine_error}", "unknown"),)
    alike: dict[tuple[str, str], list[WaitingWorker]] = {}
    for each in last.pool.waiting:
        alike.setdefault((each.state, each.reason), []).append(each)
    rows = []
    for (state, reason), group in alike.items():
        since = min((each.since_t for each in group if each.since_t is not None), default=None)
        refs = worker_ranges(WorkerRef(slot=each.slot) for each in group)
        lasts = "" if since is None else f"for {age(max(0.0, last.t - since))}"
        rows.append(cells(TableCell(refs, "strong"), TableCell(state, "unknown"), lasts, reason))
    return (Table((), tuple(rows)),) if rows else ()


def _without_lead(worker: WorkerView, attention: Attention) -> str:
    """Return the sentence without the worker and the mark, which stand before it."""
    return attention.text.removeprefix(f"{worker.ref.label} ").removeprefix(f"{attention.mark}: ")


def _state(worker: WorkerView) -> TableCell:
    return TableCell(worker.error or worker.ui_state or worker.reach.value, "crit" if worker.error else "")


def _number(metric: metrics.WorkerMetric, worker: WorkerView) -> str:
    value = metric.read(worker)
    return "-" if value is None else metric.text(value)


def _component(view: ComponentView) -> TableCell:
    value = "" if view.shown_value is None else f" {number(view.shown_value, view.decimals)}"
    token = STATES.get(view.state, "muted") if view.word == view.state.value else "muted"
    return TableCell(f"{view.word}{value}{'*' if view.derived else ''}", token)


def _causes(last: Snapshot) -> tuple[Block, ...]:
    return tuple(
        EntryBlock(
            f"{cause.confidence:.2f}",
            f"{cause.id}: {cause.because}",
            tuple((label, text) for label, text in (("confirm", cause.confirm), ("fix", cause.fix)) if text),
            "strong" if place == 0 else "",
        )
        for place, cause in enumerate(last.causes)
    )


def _gaps(last: Snapshot) -> tuple[Block, ...]:
    start = last.run.started_at
    return tuple(
        Paragraph(f"{elapsed(gap.from_t - start)} to {elapsed(gap.to_t - start)}, {age(gap.to_t - gap.from_t)}")
        for gap in last.run.gaps[-ATTENTIONS_SHOWN:]
    )


def _events(events: Sequence[Event]) -> tuple[Block, ...]:
    """Return the last 10 events; of a longer list only warnings and critical events that no section above shows."""
    start = next((event.t for event in events if event.kind == EventKind.RUN_START), events[0].t if events else 0.0)
    loud = [e for e in events if e.severity in ("warn", "crit") and e.kind not in SHOWN_ABOVE]
    chosen = list(events) if len(events) <= EVENTS_SHOWN else (loud or list(events))[-EVENTS_SHOWN:]
    rows = tuple(
        cells(elapsed(event.t - start), _severity(event.severity), TableCell(event.kind, "muted"), _event_text(event))
        for event in chosen
    )
    if not rows:
        return ()
    more = len(events) - len(chosen)
    blocks: tuple[Block, ...] = (Table((), rows, (0,)),)
    return (*blocks, Paragraph(f"{more} more events in --json", "muted")) if more else blocks


def _event_text(event: Event) -> str:
    who = "" if event.worker is None else f"{event.worker.label} "
    return who + event.text.removeprefix(who.strip()).lstrip()
