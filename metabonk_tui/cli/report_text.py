"""Writes runs for people on plain paper: verdict with its evidence, checks, workers, events, gaps, causes.

Knows the report's JSON and the last Snapshot of each run; refuses to know terminals.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from metabonk_tui.core.black_box import table
from metabonk_tui.core.format import age, elapsed, gigabytes, number
from metabonk_tui.core.report import Report
from metabonk_tui.core.snapshot import Node, Snapshot
from metabonk_tui.core.worker_view import ComponentView, WorkerView

WIDTH = 100
EVENTS_SHOWN = 40


def report_text(runs: Sequence[tuple[Report, Snapshot]]) -> str:
    """Write several runs, the headline first: it is the last run's."""
    last, snapshot = runs[-1]
    lines = [_headline(last, snapshot)]
    if len(runs) > 1:
        words = ", then ".join(one["verdict"]["word"] for one, _ in runs)
        lines.append(f"{len(runs)} runs: {words}")
    for number_, (one, its) in enumerate(runs, 1):
        lines += ["", *_run(one, its, f"run {number_} of {len(runs)}" if len(runs) > 1 else "run")]
    return "\n".join(lines)


def _headline(one: Report, snapshot: Snapshot) -> str:
    word, since_s = one["verdict"]["word"], one["verdict"]["since_s"]
    would = snapshot.verdict.would_be
    now = f" (if the gate ended now: {would.value})" if would is not None else ""
    because = one["verdict"]["because"]
    return f"{word} since {elapsed(since_s)}{now}" + (f": {because[0]}" if because else "")


def _run(one: Report, snapshot: Snapshot, title: str) -> Iterator[str]:
    run = one["run"]
    desired = "" if run["desired"] is None else f" · {run['desired']} workers wanted"
    yield f"{title}: {run['name'] or 'unnamed'} · {elapsed(run['duration_s'])}{desired} · {run['source']}"
    yield f"  {_headline(one, snapshot)}"
    for sentence in one["verdict"]["because"][1:]:
        yield from _wrapped(sentence, "    ")
    for letter, node in zip("ABC", snapshot.verdict.nodes, strict=False):
        yield from _node(letter, node)
    if snapshot.verdict.changes_when:
        yield from _wrapped(f"changes when: {snapshot.verdict.changes_when}", "  ")
    yield from _checks(one)
    yield from _workers(snapshot)
    yield from _memory(one)
    yield from _evidence(snapshot)
    yield from _events(one)
    for gap in one["gaps"]:
        hole = f"{elapsed(gap['from_s'])} to {elapsed(gap['to_s'])}, {age(gap['to_s'] - gap['from_s'])}"
        yield f"  gap       {hole}: nobody watched"
    yield from _causes(one)
    for step in snapshot.verdict.next_steps:
        yield f"  next      {step.text}" + (f": {step.command}" if step.command else "")


def _node(letter: str, node: Node) -> Iterator[str]:
    path = "" if node.on_path else " (not reached)"
    yield f"  {letter}  {node.question:<32} {node.answer:<8} → {node.leads_to}{path}"
    for sentence in node.evidence:
        yield from _wrapped(sentence, "       ")


def _checks(one: Report) -> Iterator[str]:
    for check in one["checks"]:
        yield from _wrapped(
            f"{elapsed(check['at_s'])} check {check['n']}  {check['result']:<8} {check['because']}", "  "
        )


def _workers(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.workers:
        return
    rows = [["", "gen", "state", "steps", *(view.label for view in snapshot.workers[0].components)]]
    for worker in snapshot.workers:
        rows.append([f"w{worker.slot}", str(worker.generation), _state(worker), _value(worker.step)])
        rows[-1] += [_component(view) for view in worker.components]
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
    for worker in snapshot.workers:
        for attention in worker.attention:
            yield from _wrapped(f"w{worker.slot} {attention.mark}: {attention.text}", "    ")


def _state(worker: WorkerView) -> str:
    return worker.error or worker.ui_state or worker.reach.value


def _value(value: float | None) -> str:
    return "-" if value is None else number(value)


def _component(view: ComponentView) -> str:
    value = "" if view.value is None else f" {number(view.value, view.decimals)}"
    return f"{view.state.value}{value}{'*' if view.derived else ''}"


def _memory(one: Report) -> Iterator[str]:
    memory = one["memory"]
    least = memory["min_available_bytes"]
    if least is None:
        yield "  memory    not observed"
        return
    yield f"  memory    lowest available {gigabytes(least)} GB · OOM kills {memory['oom_kills']}"


def _evidence(snapshot: Snapshot) -> Iterator[str]:
    """Write how processes ended, and who held what around the first kill."""
    for worker in snapshot.workers:
        for life in worker.generations:
            if life.ended is not None:
                told = f"w{worker.slot} gen {life.number}: {life.ended.text}; {life.ended.evidence}"
                yield from _wrapped(f"ended     {told}", "  ")
    box = snapshot.memory.black_box
    if box is None:
        return
    yield f"  black box around the kill at {elapsed(box.kill_t - snapshot.run.started_at)}"
    for name, *cells in table(box):
        yield f"    {name:<12}" + "".join(f"{cell:>14}" for cell in cells)
    if snapshot.memory.kernel_log is not None:
        yield f"    kernel log: {snapshot.memory.kernel_log}"


def _events(one: Report) -> Iterator[str]:
    """Write the events that matter; `info` only where there is room, the alarming ones first in line for it."""
    events = one["events"]
    loud = [event for event in events if event["severity"] != "info"]
    chosen = events if len(events) <= EVENTS_SHOWN else loud[-EVENTS_SHOWN:]
    for event in chosen:
        who = "" if event["worker"] is None else f"w{event['worker']} "
        told = event["text"].removeprefix(who.strip()).lstrip()
        yield from _wrapped(f"{elapsed(event['at_s'])} {event['severity']:<4} {event['kind']:<18} {who}{told}", "  ")
    if len(chosen) < len(events):
        yield f"  {len(events) - len(chosen)} more events in --json"


def _causes(one: Report) -> Iterator[str]:
    for cause in one["causes"]:
        yield from _wrapped(f"cause     {cause['confidence']:.2f} {cause['id']}: {cause['because']}", "  ")
        for key in ("confirm", "fix"):
            if cause[key]:
                yield from _wrapped(f"{key}: {cause[key]}", "              ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
