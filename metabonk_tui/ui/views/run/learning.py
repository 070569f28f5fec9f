"""Draws what episodes were like over the run: a dot for each, their mean, and the share that reached the game.

Does not: count; `core/run/learning` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Episode, Episodes
from metabonk_tui.core.run import learning
from metabonk_tui.core.run.learning import EpisodeSum
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, fit, gap, mark, right, spread, width
from metabonk_tui.ui.views.layout.line_plot import DotCanvas, axis
from metabonk_tui.ui.views.layout.section import muted, strong
from metabonk_tui.ui.views.layout.section import plain_text as text

MINUTE_S = 60.0
LABEL = 4
"""Cells left of a plot."""
MEAN_OF = learning.MEAN_OF
MOST = 0.95
"""Share of the episodes that the axis holds; longer ones are drawn on its top row."""
BAR_MINUTES = (20, 30, 60, 120, 240)
NUMBERS = 22
"""Cells of the columns at the right of the share."""
NAME = 6


class Curve(Struct, frozen=True):
    """What is drawn of an episode."""

    title: str
    note: str
    read: Callable[[Episode], float | None]


PLAY = Curve("LEARNING", "minutes of play in an episode", lambda each: _minutes(each.play_s))
LENGTH = Curve("LENGTH", "minutes of an episode", lambda each: _minutes(each.length_s))
INTRINSIC = Curve("INTRINSIC", "reward of an episode", lambda each: each.intrinsic)


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / MINUTE_S


def curve_rows(
    frame: Frame, snapshot: Snapshot, curve: Curve, ref: WorkerRef | None, wide: int, high: int
) -> list[Row]:
    """Draw one curve over the run, of one worker or of all, in `high` rows with its time axis."""
    chosen = [worker for worker in snapshot.workers if ref is None or worker.ref == ref]
    points = learning.series([one.episodes for one in chosen if one.episodes is not None], curve.read)
    if not points:
        return [(muted("no episode that was observed throughout has ended yet"),)]
    means = learning.running_mean(points)
    values = sorted(value for _, value in points)
    top = max(max(mean for _, mean in means), values[int(MOST * (len(values) - 1))])
    scale = axis(max(top, 1e-9), high - 1)
    plot = wide - LABEL
    if scale is None or plot < 12:
        return [_last(means)]
    began_t, span_s = snapshot.run.started_at, max(snapshot.t - snapshot.run.started_at, 1.0)
    canvas, last = DotCanvas(plot, scale.rows, frame.glyphs), 2 * plot - 1
    before: tuple[int, float] | None = None
    for t, mean in means:
        x = round((t - began_t) / span_s * last)
        start = before or (x, mean)
        for at in range(start[0], x + 1):
            share = 1.0 if x == start[0] else (at - start[0]) / (x - start[0])
            y = scale.dot(start[1] + (mean - start[1]) * share)
            canvas.dot(at, y, "text", frame.glyphs.history)
            canvas.dot(at, y + 1, "text", frame.glyphs.history)
        before = (x, mean)
    for t, value in points:
        canvas.dot(round((t - began_t) / span_s * last), scale.dot(value), "muted", frame.glyphs.forecast)
    rows: list[Row] = [
        (right(scale.label(y, LABEL - 1), LABEL - 1, "muted"), gap(1), *canvas.row(y, -1, None))
        for y in range(scale.rows)
    ]
    return [*rows, (gap(LABEL), *_axis(frame, snapshot, plot))]


def _last(means: Sequence[tuple[float, float]]) -> Row:
    return (muted("the mean now is "), strong(fmt.number(means[-1][1], 1), True))


def _axis(frame: Frame, snapshot: Snapshot, cells: int) -> Row:
    begin = fmt.clock(snapshot.run.started_at, frame.zone, with_seconds=False)
    now = fmt.clock(snapshot.t, frame.zone, with_seconds=False)
    return (muted(begin), mark(frame.glyphs.rule * (cells - len(begin) - len(now)), "line"), strong(now, True))


def gameplay_rows(frame: Frame, snapshot: Snapshot, wide: int, high: int) -> list[Row]:
    """Draw the share of episodes that reached the game: a row a worker and one of all; `high` rows at most."""
    observed = [(worker.ref.label, worker.episodes) for worker in snapshot.workers]
    if not any([one is not None for _, one in observed]):
        return [(muted(frame.glyphs.text(learning.why_not(snapshot))),)]
    cells = max(4, wide - NAME - NUMBERS - 1)
    begin = fmt.clock(snapshot.run.started_at, frame.zone, with_seconds=False)
    now = fmt.clock(snapshot.t, frame.zone, with_seconds=False)
    # The bars end at the right edge, and their axis begins where they do.
    axis_cells = min(cells, max(_bar_count(snapshot, cells)[0], len(begin) + 1 + len(now)))
    times: Row = (gap(cells),)
    if cells > 11:
        between = gap(axis_cells - len(begin) - len(now))
        times = (gap(cells - axis_cells), muted(begin), between, muted(now))
    head = (gap(NAME), *times, Span("   REACHED   LAST HOUR", "muted"))
    # Without room for every worker the heads go first.
    rows: list[Row] = [head] if len(observed) + 2 <= high or len(observed) + 1 > high else []
    room = high - 1 - len(rows)
    shown = observed if len(observed) <= room else observed[: max(0, room - 1)]
    rows += [_share_row(frame, snapshot, name, None if one is None else [one], cells) for name, one in shown]
    if len(shown) < len(observed):
        rows.append((muted(f"{len(observed) - len(shown)} more workers"),))
    everyone = [one for _, one in observed if one is not None]
    rows.append(_share_row(frame, snapshot, "all", everyone, cells))
    return [fit(row, wide, frame.glyphs.ellipsis) for row in rows[: max(1, high)]]


def named(name: str) -> str:
    """Return the name of a worker in its column; a longer one takes more, and never touches what follows."""
    return f"{name:<{NAME - 1}} "


def _share_row(frame: Frame, snapshot: Snapshot, name: str, episodes: Sequence[Episodes] | None, cells: int) -> Row:
    if episodes is None:
        unknown: Row = (Span("not known", "unknown"),)
        return (strong(named(name), True), gap(cells), *spread((), unknown, 10), *spread((), unknown, 12))
    run, late = learning.of_run(episodes), learning.since(episodes, snapshot.t - learning.HOUR_S)
    is_all = name == "all"
    head = muted(named(name)) if is_all else strong(named(name), True)
    return (
        head,
        *_bars(snapshot, episodes, cells, frame.glyphs),
        *spread((), _of(run, is_all), 10),
        *spread((), _of(late, is_all), 12),
    )


def _of(counted: EpisodeSum, bold: bool) -> Row:
    if not counted.known:
        return (muted("none"),) if not counted.ended else (muted("not known"),)
    return (strong(str(counted.reached), bold), muted(f"/{counted.known}"))


def _bar_count(snapshot: Snapshot, cells: int) -> tuple[int, float]:
    """Return (number of bars, seconds of each) with which the run fits into so many cells."""
    span_s = max(1.0, snapshot.t - snapshot.run.started_at)
    bar_s = next((m * MINUTE_S for m in BAR_MINUTES if span_s / (m * MINUTE_S) <= cells), span_s / cells)
    return min(cells, int(span_s // bar_s) + 1), bar_s


def _bars(snapshot: Snapshot, episodes: Sequence[Episodes], cells: int, g: Glyphs) -> Row:
    """Draw a bar for every part of the run, as high as the share of its episodes that reached the game.

    The lowest bar is a share of 0; a part without a known episode is blank.
    """
    began_t = snapshot.run.started_at
    count, bar_s = _bar_count(snapshot, cells)
    bars = [[0, 0] for _ in range(count)]
    for one in episodes:
        for each in one.kept:
            place = int((each.ended_t - began_t) // bar_s)
            if each.reached is not None and 0 <= place < len(bars):
                bars[place][0] += each.reached
                bars[place][1] += 1
    steps = g.sparks[:7]
    line = "".join(
        " " if not known else steps[0] if not reached else steps[max(2, -(-reached * len(steps) // known)) - 1]
        for reached, known in bars
    )
    line = line.rjust(cells)
    return (mark(line[:-1], "spark"), mark(line[-1:], "muted"))


def longest_rows(frame: Frame, snapshot: Snapshot, wide: int, most: int) -> list[Row]:
    """Draw the longest play of each worker, the longest first."""
    found = [
        (worker.episodes.longest.play_s, worker.ref.label, worker.episodes.longest)
        for worker in snapshot.workers
        if worker.episodes is not None and worker.episodes.longest is not None and worker.episodes.longest.play_s
    ]
    rows: list[Row] = []
    for play_s, name, episode in sorted(found, key=lambda each: -each[0])[:most]:
        at = f"at {fmt.clock(episode.ended_t, frame.zone, with_seconds=False)}"
        start: Row = (strong(named(name), True), right(fmt.age(play_s), 7, "text"), gap(2), muted(at))
        end: Row = ()
        if episode.intrinsic is not None:
            end = (muted("intrinsic "), text(fmt.number(episode.intrinsic, 2)))
        rows.append(
            spread(start, end, wide, frame.glyphs.ellipsis) if width(start) + width(end) + 2 <= wide else start
        )
    return rows
