"""Draws everything known about one worker, from its process to every field of its status.

Does not: compare it with other workers; its attention marks do.
"""

from __future__ import annotations

from datetime import tzinfo

from metabonk_tui.core.model.event import without_duplicates
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.worker import metrics
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_WORDS, Glyphs, level_token
from metabonk_tui.ui.style.spans import (
    EMPTY,
    Row,
    Span,
    clip,
    cut,
    fit,
    gap,
    join,
    left,
    mark,
    right,
    side_by_side,
    width,
)
from metabonk_tui.ui.views.layout.section import block, bracket, muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import shown_s, sparkline
from metabonk_tui.ui.views.run.causes import full_causes
from metabonk_tui.ui.views.run.events import event_rows, is_about_worker
from metabonk_tui.ui.views.workers.charts import chart_rows
from metabonk_tui.ui.views.workers.component import (
    change_text,
    due_state,
    expectation,
    fresh_value,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)
from metabonk_tui.ui.views.workers.fields import status_rows, variable_rows
from metabonk_tui.ui.views.workers.generations import generations_pane, has_one_generation
from metabonk_tui.ui.views.workers.panel import reach_mark, reach_word

LABEL = 14
S = ComponentState


def worker_rows(frame: Frame, snapshot: Snapshot, worker: WorkerView) -> tuple[Row, ...]:
    """Draw everything below the header, in as many rows as needed."""
    g, wide = frame.glyphs, max(20, frame.width - 2)
    rows: list[Row] = [
        title(
            worker.ref.label if worker.ref.host else f"W{worker.slot}",
            wide,
            g,
            _title_note(worker, snapshot, g),
            focused=True,
        ),
        *_attention(worker, wide, g),
        EMPTY,
    ]
    if frame.state.find:
        rows += _fields(frame, snapshot, worker, wide)
        return tuple(cut((gap(1), *row), frame.width - 1, g.ellipsis) for row in rows)
    charts = chart_rows(frame, snapshot, worker, wide)
    components = (
        title("COMPONENTS", wide, g, (muted(_components_note(wide, snapshot)),)),
        *component_rows(frame, snapshot, worker, wide),
        EMPTY,
    )
    # Without charts the rows of the components show the change.
    are_drawn = not frame.plots.why_not
    rows += charts if are_drawn else components
    rows += [
        *_causes(snapshot, worker, wide, g),
        *_process(frame, snapshot, worker, wide),
        EMPTY,
        *generations_pane(worker, snapshot, wide, g, frame.zone),
        *(components if are_drawn else charts),
    ]
    own = [event for event in without_duplicates(snapshot.events) if is_about_worker(event, worker.ref)]
    rows += [title("EVENTS", wide, g, (muted("of this worker"),)), *event_rows(frame, snapshot, own, wide, 12), EMPTY]
    rows += _fields(frame, snapshot, worker, wide)
    return tuple(cut((gap(1), *row), frame.width - 1, g.ellipsis) for row in rows)


def _fields(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int) -> list[Row]:
    """Draw the fields of the status and, in a search, the variables of the process."""
    g, wanted = frame.glyphs, frame.state.find
    keys = bracket(frame, "/", "Enter")
    if not wanted:
        note = muted(_status_note(worker, snapshot))
        return [title("STATUS", wide, g, (note,), keys), *status_rows(worker, wide, g, frame.state.whole)]
    fields = status_rows(worker, wide, g, frame.state.whole, wanted)
    known = worker.environment or {}
    variables = {name: value for name, value in known.items() if wanted.lower() in f"{name} {value}".lower()}
    rows = [title("STATUS", wide, g, (muted(g.text(f"fields with “{wanted}”")),), keys), *fields, EMPTY]
    return [*rows, title("ENVIRONMENT", wide, g), *variable_rows(variables, wide, g)]


def _process(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int) -> list[Row]:
    """Draw the process at the left; memory, gameplay and environment at the right. Stacked below 100 cells."""
    g = frame.glyphs
    half = wide if wide < 100 else (wide - 3) // 2
    state_rows: list[Row] = [
        title("MEMORY", half, g, (muted("GB"),)),
        *memory_rows(worker, half, g),
        EMPTY,
        title("GAMEPLAY", half, g, (muted("needs the flag and one more sign"),)),
        *gameplay_rows(worker, snapshot, half, g),
        EMPTY,
        title("ENVIRONMENT", half, g, (muted("actual values of this process"),)),
        *environment_rows(worker, half, g),
    ]
    process_rows: list[Row] = [title("PROCESS", half, g), *identity_rows(worker, snapshot, half, g, frame.zone)]
    process_rows += tree_rows(frame, worker, half)
    return (
        [*process_rows, EMPTY, *state_rows]
        if half == wide
        else list(
            side_by_side(
                [
                    (block(process_rows, half, len(process_rows), g.ellipsis), half),
                    (block(state_rows, half, len(state_rows), g.ellipsis), half),
                ],
                3,
            )
        )
    )


def tree_rows(frame: Frame, worker: WorkerView, wide: int) -> list[Row]:
    """Draw the processes below the worker's own, each under its parent; nothing where they were not read."""
    g, view = frame.glyphs, frame.plots
    is_own = view.query is not None and view.query.ref == worker.ref
    if not is_own or view.processes is None or len(view.processes) < 2:
        return []
    rows: list[Row] = [EMPTY, title("PROCESS TREE", wide, g, (muted("GB held, as read now"),))]
    for one in view.processes:
        name: Row = (gap(2 * one.depth), text(g.text(one.name)))
        head: Row = (right(str(one.pid), 8, "muted"), gap(2), *name)
        held = right(fmt.gigabytes(one.rss_bytes, 2), 8, "strong")
        rows.append((*fit(head, wide - 8, g.ellipsis), held))
    return rows


def _title_note(worker: WorkerView, snapshot: Snapshot, g: Glyphs) -> Row:
    word = reach_word(worker, snapshot)
    return (reach_mark(worker, g), gap(1), word._replace(text=clip(g.text(word.text), 40, g.ellipsis)))


def _attention(worker: WorkerView, wide: int, g: Glyphs) -> list[Row]:
    rows: list[Row] = []
    for attention in worker.attention:
        token = level_token(attention.level)
        head: Row = (
            mark(g.level(attention.level), token, True), gap(1),
            Span(clip(g.text(attention.mark), 10, g.ellipsis), token, True), gap(2),
        )  # fmt: skip
        rows += paragraph(g.text(attention.text), wide, "text", indent=head)
    return rows


def _causes(snapshot: Snapshot, worker: WorkerView, wide: int, g: Glyphs) -> list[Row]:
    own = tuple(cause for cause in snapshot.causes if worker.ref in cause.workers)
    if not own:
        return []
    return [
        title("CAUSES", wide, g, (muted("why components are silent here, ranked"),)),
        *full_causes(own, wide, g),
        EMPTY,
    ]


def _fact(name: str, *parts: Span) -> Row:
    return (left(name, LABEL, "muted"), *parts)


def _missing(word: str = "not observed") -> Span:
    return Span(word, "unknown")


def identity_rows(worker: WorkerView, snapshot: Snapshot, wide: int, g: Glyphs, zone: tzinfo) -> list[Row]:
    """Draw process, port, polls, step and generations."""
    pid: Row = (_missing("no process known"),)
    if worker.pid is not None:
        pid = (strong(str(worker.pid)),) if worker.alive else (muted("gone, was "), text(str(worker.pid)))
        if worker.pid_started_at is not None:
            age = fmt.age(max(0.0, snapshot.t - worker.pid_started_at))
            pid = (*pid, gap(2), muted(f"started {fmt.clock(worker.pid_started_at, zone)}, {age} ago"))
    answer: Row = (text("answers" if worker.reach is Reach.UP else str(worker.reach)),)
    if worker.latency_s is not None and worker.reach is Reach.UP:
        answer = (*answer, muted(f" in {worker.latency_s * 1000:.0f} ms"))
    if worker.error:
        error_text = f"{worker.error}: {worker.detail}" if worker.detail else worker.error
        answer = (*answer, gap(2), Span(clip(g.text(error_text), max(10, wide - 40), g.ellipsis), "text"))
    if worker.age_s is not None:
        answer = (*answer, gap(2), muted(f"last good answer {fmt.age(worker.age_s)} ago"))
    step: Row = (_missing(),) if worker.step is None else (strong(fmt.short(worker.step, 0, 12)),)
    if worker.step_rate is not None:
        step = (*step, gap(2), strong(fmt.per_second(worker.step_rate)), muted(" /s"))
    if worker.step_rate_ratio is not None:
        ratio = f"{g.times}{fmt.short(worker.step_rate_ratio, 0, 5)} its own past rate"
        step = (*step, gap(2), mark(g.caution, "warn"), gap(1), Span(ratio, "warn", True))
    playing = _play_numbers(worker)
    rows = [
        _fact("process", *pid),
        _fact("port", strong(f":{worker.port}") if worker.port is not None else _missing("not known")),
        _fact("status", *answer),
        _fact("observed", strong(fmt.age(worker.observed_s)), muted(f" of {fmt.age(snapshot.run.elapsed_s)}")),
        _fact("step", *step),
    ]
    if playing:
        rows.append(_fact("play", *join(playing, 3)))
    if worker.last_error:
        ago = "" if worker.last_error_t is None else f", {fmt.age(max(0.0, snapshot.t - worker.last_error_t))} ago"
        rows += paragraph(
            g.text(f"{worker.last_error}{ago}"), wide, "text", indent=(left("last error", LABEL, "muted"),)
        )
    else:
        rows.append(_fact("last error", muted("none")))
    rows.append(_fact("generation", strong(str(worker.generation)), muted(_resets_text(worker))))
    if has_one_generation(worker):
        for gen in worker.generations:
            pid_text = "" if gen.pid is None else f"pid {gen.pid}"
            rows.append((
                gap(LABEL), muted(f"{fmt.clock(gen.began_t, zone)}  "), text(f"gen {gen.number}"), gap(2),
                left(pid_text, 12, "muted"), text(clip(g.text(gen.why), max(8, wide - LABEL - 32), g.ellipsis)),
            ))  # fmt: skip
    return [cut(row, wide, g.ellipsis) for row in rows]


def _play_numbers(worker: WorkerView) -> list[Row]:
    shown = [(metric, metric.read(worker)) for metric in metrics.WORKER_METRICS if metric.detail]
    return [
        (
            muted(f"{metric.detail} "),
            strong(metric.text(value, metric.detail_cells)),
            *((muted(f" {metric.unit.suffix}"),) if metric.unit.suffix else ()),
        )
        for metric, value in shown
        if value is not None
    ]


def _resets_text(worker: WorkerView) -> str:
    resets = len(worker.resets_t)
    return "  no reset in this run" if not resets else f"  {resets} reset{'s' * (resets > 1)} in this run"


def _spark_cells(wide: int) -> int:
    return 0 if wide < 96 else 20 if wide < 110 else 30 if wide < 160 else 60


def _components_note(wide: int, snapshot: Snapshot) -> str:
    cells = _spark_cells(wide)
    grown = f", growth in {fmt.age(shown_s(cells, snapshot.trend_bucket_s))}" if cells else ""
    return f"value, change in 5 min{grown}, expected, samples with the key"


def component_rows(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int) -> list[Row]:
    """Draw every component in two rows: value, trend, expectation; then since when, field and proof."""
    g = frame.glyphs
    rows: list[Row] = []
    for part in worker.components:
        rows += _component(frame, snapshot, worker, part, wide)
    return [cut(row, wide, g.ellipsis) for row in rows]


def _component(frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, wide: int) -> list[Row]:
    g = frame.glyphs
    name = clip(g.text(part.title), 16, g.ellipsis)
    row: list[Span] = [left(f"{name} *" if part.derived else name, 19, "text"), state_mark(part, g), gap(1)]
    word = state_word(part, snapshot) or STATE_WORDS[part.state]
    loud = part.state in (S.ABSENT, S.BAD) or (part.state is S.DOWN and part.last_value is None)
    shown = fresh_value(Span(word, word_token(part), loud), part, worker, snapshot, frame.motion)
    row += [shown, gap(14 - width((shown,)))]
    row.append(right(value_text(part, 9), 9, value_token(part)))
    row.append(right(change_text(part, 8), 9, "muted"))
    cells = _spark_cells(wide)
    if cells:
        line = sparkline(part.trend, cells, snapshot.trend_bucket_s, part.decimals == 0, g)
        row += [gap(2), *(line if part.state is S.ACTIVE else (gap(cells),))]
    if wide >= 60:
        note, emphasized = expectation(part, due_state(part, worker, snapshot), 15)
        row += [gap(2), left(note, 15, "text" if emphasized else "muted")]
        keys = f"{part.samples_with_key}/{part.samples}"
        row += [] if part.derived else [gap(1), text(keys)]
    about: list[Row] = [(muted(f"since {fmt.clock(part.since_t, frame.zone)}"),)]
    if part.last_grew_t is not None:
        about.append((muted(f"grew {fmt.age(max(0.0, snapshot.t - part.last_grew_t))} ago"),))
    about.append((muted(g.text(part.field)),))
    if part.companion is not None:
        about.append((muted(g.text(f"shown: {part.companion[0]}, which grows in its place")),))
    if part.proof:
        seen = part.state not in (S.UNPROVEN, S.ABSENT)
        proof = "proof" if seen else "proof absent:"
        about.append((Span(g.text(f"{proof} {part.proof}"), "muted" if seen else "unknown"),))
    if part.bad:
        about.append((Span(g.text(f"{part.bad.why}: {part.bad.text}"), "crit"),))
    return [tuple(row), (gap(21), *join(about, 3))]


def memory_rows(worker: WorkerView, wide: int, g: Glyphs) -> list[Row]:
    """Draw the worker's memory: RSS and growth, with children, highest."""
    if worker.rss_bytes is None:
        return [(_missing(),)]
    parts: list[Row] = [(muted("rss "), strong(fmt.gigabytes(worker.rss_bytes, 2)))]
    if worker.rss_growth_bytes_per_min is not None:
        parts[0] = (*parts[0], gap(1), text(fmt.growth(worker.rss_growth_bytes_per_min)))
    if worker.tree_bytes is not None:
        parts.append((muted("with children "), strong(fmt.gigabytes(worker.tree_bytes, 2))))
    if worker.rss_peak_bytes is not None:
        parts.append((muted("highest in this run "), strong(fmt.gigabytes(worker.rss_peak_bytes, 2))))
    row = join(parts, 3)
    return [row] if width(row) <= wide else [cut(part, wide, g.ellipsis) for part in parts]


def gameplay_rows(worker: WorkerView, snapshot: Snapshot, wide: int, g: Glyphs) -> list[Row]:
    """Draw whether the worker reached gameplay, and the signs."""
    play = worker.gameplay
    if play.corroborated:
        when = "" if play.since_t is None else f" since {fmt.elapsed(play.since_t - snapshot.run.started_at)}"
        head: Row = (mark(g.go, "ok"), gap(1), Span(f"reached{when}", "ok", True))
    elif play.started:
        head = (mark(g.unproven, "unknown"), gap(1), Span("flag only, not corroborated", "unknown"))
    elif play.started is None:
        head = (mark(g.unobserved, "unknown"), gap(1), _missing())
    else:
        head = (mark(g.zero, "muted"), gap(1), muted("not yet"))
    signs = ", ".join(play.signs)
    return [cut((*head, gap(3), text(g.text(signs))), wide, g.ellipsis)]


def environment_rows(worker: WorkerView, wide: int, g: Glyphs) -> list[Row]:
    """Draw the required environment: share of right keys, then every missing or wrong key."""
    env = worker.env
    if env is None:
        return [(_missing("not read"),)]
    if env.error:
        return [(mark(g.unobserved, "unknown"), gap(1), _missing(g.text(env.error)))]
    good = env.right >= env.required
    share = fmt.share(env.right, env.required)
    rows: list[Row] = [
        (mark(g.go if good else g.stop, "ok" if good else "crit"), gap(1),
         Span(share, "strong" if good else "crit", True), muted(" required keys are right"))
    ]  # fmt: skip
    for key in env.missing:
        rows.append(
            (gap(2), mark(g.absent, "crit", True), gap(1), Span("MISSING", "crit", True), gap(2), text(g.text(key)))
        )
    for key, actual, required in env.wrong:
        rows.append((
            gap(2), mark(g.bad, "crit", True), gap(1), Span("WRONG  ", "crit", True), gap(2), text(g.text(key)),
            muted(" is "), strong(g.text(actual)), muted(", should be "), strong(g.text(required)),
        ))  # fmt: skip
    return [cut(row, wide, g.ellipsis) for row in rows]


def _status_note(worker: WorkerView, snapshot: Snapshot) -> str:
    if worker.status is None:
        return "never read"
    age = "" if worker.last_good_t is None else f", {fmt.age(max(0.0, snapshot.t - worker.last_good_t))} old"
    return f"every field of the last good answer{age}"
