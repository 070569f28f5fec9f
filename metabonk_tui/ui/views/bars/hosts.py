"""Draws one row for each host of a pool on several: how its agent answers, its memory, its outlook, its workers.

Does not: judge. A host that is not seen shows no number of before.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.memory.capacity import most_observed
from metabonk_tui.core.model.host_view import HostView, gravity
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import level_token
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, join, left, mark, spread, width
from metabonk_tui.ui.views.bars.memory_row import consequence
from metabonk_tui.ui.views.layout.section import muted, shown_host, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.capacity import observed_against
from metabonk_tui.ui.views.memory.gauge import gauge, level_mark

GAUGE_CELLS = 14
GAUGE_FROM = 80
"""From this width on a row has a gauge."""
ROWS_SHARE = 5
"""The rows of hosts take at most this part of the screen's height, and always two."""


def host_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the hosts by name. Without room for all, the worst ones and how many there are besides."""
    most = max(2, frame.height // ROWS_SHARE)
    names = sorted(snapshot.hosts)
    shown = names
    if len(names) > most:
        worst = sorted(names, key=lambda name: gravity(snapshot.hosts[name]), reverse=True)[: most - 1]
        shown = sorted(worst)
    cells = max(len(shown_host(name, snapshot, frame.glyphs)) for name in names)
    rows = [_row(frame, snapshot, name, snapshot.hosts[name], cells) for name in shown]
    if len(shown) < len(names):
        rows.append(_others(snapshot, [name for name in names if name not in shown]))
    g = frame.glyphs
    return tuple(fit(row, frame.width, g.ellipsis) for row in rows)


def _row(frame: Frame, snapshot: Snapshot, name: HostName, host: HostView, cells: int) -> Row:
    g, memory = frame.glyphs, host.memory
    label = shown_host(name, snapshot, g)
    room = frame.width - 1
    end = _workers(snapshot, name, host)
    if not host.is_seen:
        head: Row = (gap(1), left(label, cells, "strong"), gap(1), *_away(frame, snapshot, host))
        return spread(cut(head, room - width(end) - 2, g.ellipsis), end, room, g.ellipsis)
    head = (gap(1), left(label, cells, "strong"), gap(1), level_mark(memory, g), gap(1))
    if memory.available_bytes is None:
        head = (*head, Span("memory not observed", "unknown"))
        return spread(cut(head, room - width(end) - 2, g.ellipsis), end, room, g.ellipsis)
    token = level_token(memory.level) if memory.level != "ok" else "strong"
    total = "" if memory.total_bytes is None else f" of {fmt.gigabytes(memory.total_bytes)}"
    head = (*head, Span(f"{fmt.gigabytes(memory.available_bytes)} GB", token, True), muted(f" free{total}"))
    if frame.width >= GAUGE_FROM and memory.total_bytes:
        floor, available = memory.floor_bytes, memory.available_bytes
        head = (*head, gap(2), *gauge(memory.total_bytes, available, floor, GAUGE_CELLS, memory.level, g))
    word, *more = consequence(snapshot, g, memory) or [()]
    head = (*head, gap(2), *word)
    for part in (*more, *_extras(frame, snapshot, host)):
        if width(head) + width(part) + 2 + width(end) < room:
            head = (*head, *part)
    return spread(cut(head, room - width(end) - 2, g.ellipsis), end, room, g.ellipsis)


def _away(frame: Frame, snapshot: Snapshot, host: HostView) -> Row:
    """Draw that a host does not answer, since when and why."""
    link, g = host.link, frame.glyphs
    if link is None:
        return ()
    is_lost = link.state == "LOST"
    token = "crit" if is_lost else "unknown"
    since = "never answered" if link.since_t is None else f"for {fmt.age(max(0.0, snapshot.t - link.since_t))}"
    glyph = mark(g.level("crit" if is_lost else "unknown"), token)
    why = f": {g.text(link.reason)}" if link.reason else ""
    if link.since_t is None and not is_lost:
        return (glyph, gap(1), Span(g.text(link.reason), token))
    return (glyph, gap(1), Span(link.state, token, True), muted(f" {since}{why}"))


def _extras(frame: Frame, snapshot: Snapshot, host: HostView) -> list[Row]:
    """Return what else is worth a word: GPUs, the host's clock, its delay, its version."""
    parts: list[Row] = []
    for gpu in host.memory.gpus or ():
        used = f"{fmt.gigabytes(gpu.used_bytes)}/{fmt.gigabytes(gpu.total_bytes)}"
        parts.append((gap(3), muted(f"GPU {gpu.index} "), strong(used)))
    if host.memory.budget is not None and frame.width >= 110:
        against, tried = observed_against(replace(snapshot, hosts={host.memory.host: host}))
        most = most_observed(host.memory.budget, tried, against)
        at_most: Row = (text("at most "),) if against and tried else ()
        parts.append((gap(3), muted("fits "), *at_most, strong(str(most))))
    link = host.link
    if link is not None:
        notes = [note for note in (link.skew, link.reason) if note]
        parts += [(gap(3), muted(frame.glyphs.text(note))) for note in notes]
        if link.delay_s is not None and link.delay_s >= 0.1:
            parts.append((gap(3), muted(f"delay {fmt.number(link.delay_s, 1)} s")))
    return parts


def _workers(snapshot: Snapshot, name: HostName, host: HostView) -> Row:
    """Draw how many of its workers answer; of a host that is not seen that is unknown."""
    own = [worker for worker in snapshot.workers if worker.ref.host == name]
    unseen = sum(worker.reach is not Reach.DOWN for worker in own)
    if not host.is_seen and unseen:
        return (Span(f"{unseen} unknown", "unknown"),)
    up = sum(worker.reach is Reach.UP for worker in own)
    return (strong(f"{up}/{len(own)}"), muted(" up"))


def _others(snapshot: Snapshot, names: Sequence[HostName]) -> Row:
    away = sum(not snapshot.hosts[name].is_seen for name in names)
    parts: list[Row] = [(muted(f"{len(names)} more hosts"),)]
    if away:
        parts.append((Span(f"{away} not seen", "unknown"),))
    return (gap(1), *join(parts, 2))
