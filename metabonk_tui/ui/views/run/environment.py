"""Draws the environment from the env file to each process: required keys, lost keys, keys never read.

Does not: explain what a wrong value leads to; the causes of the verdict do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from metabonk_tui.core.model.refs import worker_ranges
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.worker.environment import (
    EnvCheckCell,
    EnvCheckResult,
    EnvCheckRow,
    env_check_table,
    not_exported,
    shown_value,
)
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cells, clip, cut, fit, gap, left, mark
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text

WANTED, FILE, EXPORTED, WORKER, SHARE, EFFECT = 8, 10, 9, 10, 8, 14
TRUTH_TOKENS: dict[EnvCheckResult, str] = {"right": "ok", "wrong": "crit", "missing": "crit", "unknown": "unknown"}
LOUD: tuple[EnvCheckResult, ...] = ("wrong", "missing")


def environment_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw everything below the header, in as many rows as needed."""
    g, wide = frame.glyphs, max(20, frame.width - 2)
    table = env_check_table(frame.config, snapshot.env_file, snapshot.workers)
    counts = Counter(row.verdict for row in table)
    note = f"{fmt.share(counts['ok'], len(table))} required keys without a mismatch"
    # A key that no readable process contradicts is not right: it is unknown.
    note += f"; {counts['unknown']} unknown" if counts["unknown"] else ""
    rows: list[Row] = [
        title("ENVIRONMENT", wide, g, (muted(note),), focused=True),
        *file_rows(snapshot, table, wide, g),
        *findings(snapshot, table, wide, g),
        EMPTY,
        *table_rows(snapshot, table, wide, g),
        EMPTY,
    ]
    rows += unread_rows(frame, snapshot, wide)
    rows += other_rows(frame, table, wide)
    return tuple(cut((gap(1), *row), frame.width - 1, g.ellipsis) for row in rows)


def file_rows(snapshot: Snapshot, table: Sequence[EnvCheckRow], wide: int, g: Glyphs) -> list[Row]:
    """Draw the path of the env file, and its counts or its error."""
    head: Row = (left("env file", 10, "muted"),)
    file = snapshot.env_file
    if file is None:
        return [
            (
                *head,
                mark(g.unobserved, "unknown"),
                gap(1),
                Span("none configured, or not read yet", "unknown"),
            )
        ]
    if file.error is not None:
        return paragraph(g.text(file.error), wide, "crit", indent=(*head, mark(g.bad, "crit", True), gap(1)))
    held = sum(row.file == "right" for row in table)
    sentence = f"sets {len(file.values)} keys; {fmt.share(held, len(table))} required keys are right"
    return [
        (*head, text(clip(g.text(file.path), max(8, wide - 10), g.ellipsis))),
        (gap(10), muted(sentence)),
    ]


def findings(snapshot: Snapshot, table: Sequence[EnvCheckRow], wide: int, g: Glyphs) -> list[Row]:
    """Draw the findings of the table as sentences: not exported, overridden, not readable."""
    rows: list[Row] = []
    lost = not_exported(table)
    all_ = len(snapshot.workers)
    stop: Row = (mark(g.stop, "crit", True), gap(1))
    if lost:
        most = max(len(row.refs("missing")) for row in lost)
        sentence = (
            f"not exported: sourced without set -a. {len(lost)} keys are right in the file but missing in "
            f"{fmt.share(most, all_)} processes, for example {lost[0].key}"
        )
        rows += paragraph(g.text(sentence), wide, "strong", indent=stop)
    for row in table:
        if row.overridden:
            found = next(cell for cell in row.cells if cell.ref == row.overridden[0])
            sentence = (
                f"overridden: {row.key} is {shown_value(row.file_value or '')} in the file but "
                f"{shown_value(found.value or '')} in "
                f"{worker_ranges(list(row.overridden))}. The launcher's profile sets it, or the file changed later"
            )
            head = stop if found.result == "wrong" else (mark(g.caution, "warn"), gap(1))
            rows += paragraph(g.text(sentence), wide, "text", indent=head)
    unreadable = Counter(cell.why for cell in (table[0].cells if table else ()) if cell.result == "unknown")
    for why, n in unreadable.items():
        sentence = f"{fmt.share(n, all_)} processes cannot be read: {why}. Unknown never counts as right"
        rows += paragraph(g.text(sentence), wide, "unknown", indent=(mark(g.unobserved, "unknown"), gap(1)))
    return rows


def table_rows(snapshot: Snapshot, table: Sequence[EnvCheckRow], wide: int, g: Glyphs) -> list[Row]:
    """Draw a row per required key: wanted, in the file, exported, in each process, effect; fewer when narrow."""
    if not table:
        return [(muted("no keys are required"),)]
    longest = max(cells(row.key) for row in table) + 1
    workers = snapshot.workers
    single = (
        not snapshot.has_several_hosts
        and len(workers) <= 5
        and longest + WANTED + FILE + EXPORTED + WORKER * len(workers) + EFFECT <= wide
    )
    holds = WORKER * len(workers) if single else SHARE
    effect = EFFECT if wide >= 70 else 0
    # Without the file nothing is known of an export: the row above the table says so once.
    exported = EXPORTED if wide >= 78 and any(row.exported is not None for row in table) else 0
    file = FILE if wide >= 60 else 0
    wanted = WANTED if wide >= 44 else 0
    key = max(4, min(longest, wide - wanted - file - exported - holds - effect))
    head: Row = (left("KEY", key, "muted"),)
    for name, width_ in (("WANTED", wanted), ("FILE", file), ("EXPORTED", exported)):
        head = (*head, *((left(name, width_, "muted"),) if width_ else ()))
    if single:
        head = (*head, *(left(worker.ref.label, WORKER, "muted") for worker in workers))
    else:
        head = (*head, left("PROCESS", SHARE, "muted"))
    head = (*head, *((muted("EFFECT"),) if effect else ()))
    rows: list[Row] = [cut(head, wide, g.ellipsis)]
    for row in table:
        line: Row = (_key(row, key, g),)
        if wanted:
            line = (*line, left(g.text(row.wanted), wanted - 1, "text", False, g.ellipsis), gap(1))
        if file:
            line = (*line, *fit(_held(row.file, row.file_value, file - 1, g), file, g.ellipsis))
        if exported:
            line = (*line, _exported(row, exported, g))
        if single:
            for cell in row.cells:
                line = (*line, *fit(_held(cell.result, _shown(cell), WORKER - 1, g), WORKER, g.ellipsis))
        else:
            line = (*line, *fit(_share(row, g), SHARE, g.ellipsis))
        if effect:
            line = (*line, *_effect(row, g))
        rows.append(cut(line, wide, g.ellipsis))
    return rows


def _key(row: EnvCheckRow, wide: int, g: Glyphs) -> Span:
    """Draw the key; a long one is cut at its start, because all keys share a prefix."""
    name = g.text(row.key)
    if cells(name) > wide - 1:
        name = g.ellipsis + name[-(wide - 1 - cells(g.ellipsis)) :]
    return left(name, wide, "strong" if row.verdict == "mismatch" else "text")


def _held(result: EnvCheckResult, value: str | None, wide: int, g: Glyphs) -> Row:
    token = TRUTH_TOKENS[result]
    glyph = {"right": g.active, "wrong": g.bad, "missing": g.absent, "unknown": g.unobserved}[result]
    word = value if value is not None else "missing" if result == "missing" else "unknown"
    text_token = "text" if result == "right" else token
    sentence = clip(g.text(word) or '""', max(1, wide - 2), g.ellipsis)
    return (mark(glyph, token, result in LOUD), gap(1), Span(sentence, text_token, result in LOUD))


def _shown(cell: EnvCheckCell) -> str | None:
    return cell.value if cell.result != "unknown" else None


def _exported(row: EnvCheckRow, wide: int, g: Glyphs) -> Span:
    if row.exported is None:
        return left(g.unobserved, wide, "unknown")
    if row.exported:
        return left("yes", wide, "text")
    # A shell exports every variable after `set -a`: only a process without the key makes this a problem.
    is_lost = bool(row.refs("missing"))
    return left("NO" if is_lost else "no", wide, "warn" if is_lost else "muted", is_lost)


def _share(row: EnvCheckRow, g: Glyphs) -> Row:
    result: EnvCheckResult = {"mismatch": "missing", "unknown": "unknown", "ok": "right"}[row.verdict]  # type: ignore[assignment]
    if row.refs("wrong"):
        result = "wrong"
    # A process that cannot be read is not one without the key.
    seen = len(row.cells) - (len(row.refs("unknown")) if result in LOUD else 0)
    return _held(result, fmt.share(row.right, seen), SHARE - 1, g)


def _effect(row: EnvCheckRow, g: Glyphs) -> Row:
    """Draw the most common effect of the key in `/status`."""
    counted = Counter(effect.text for effect in row.effects)
    if not counted:
        return ()
    word, n = counted.most_common(1)[0]
    state = next(effect.state for effect in row.effects if effect.text == word)
    token = STATE_TOKENS[state]
    sentence = f"{word} {fmt.share(n, len(row.effects))}"
    return (mark(g.state(state), token), gap(1), Span(g.text(sentence), "text" if token in ("ok", "muted") else token))


def unread_rows(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the keys of the file that nothing in the checkout reads, with the key that is read instead."""
    g, file = frame.glyphs, snapshot.env_file
    if file is None or file.error is not None:
        return []
    if file.unread is None:
        why = file.source or "the source was not found"
        return [title("NEVER READ", wide, g, (muted(g.text(f"unknown: {why}")),)), EMPTY]
    if not file.unread:
        return []
    note = f"set in the file, but read by none of {file.source or 'the source files'}"
    rows: list[Row] = [title("NEVER READ", wide, g, (muted(g.text(note)),))]
    for key in file.unread:
        instead = frame.config.environment.instead.get(key)
        sentence = (
            "" if instead is None else f"workers read {instead} instead" if instead else "workers read no key instead"
        )
        row: Row = (mark(g.caution, "warn"), gap(1), strong(g.text(key)), gap(2), muted(g.text(sentence)))
        rows.append(cut(row, wide, g.ellipsis))
    return [*rows, EMPTY]


def other_rows(frame: Frame, table: Sequence[EnvCheckRow], wide: int) -> list[Row]:
    """Draw the other variables of the selected worker's process."""
    worker, g = frame.worker, frame.glyphs
    if worker is None:
        return []
    rows: list[Row] = [
        title(
            worker.ref.label if worker.ref.host else f"W{worker.slot}",
            wide,
            g,
            (muted("other variables of its process"),),
        )
    ]
    if worker.environment is None:
        why = worker.env.error if worker.env is not None and worker.env.error else "not read yet"
        return [*rows, (mark(g.unobserved, "unknown"), gap(1), Span(g.text(why), "unknown"))]
    required = {row.key for row in table}
    others = sorted((key, value) for key, value in worker.environment.items() if key not in required)
    if not others:
        return [*rows, (muted("none"),)]
    widest = min(max(cells(g.text(key)) for key, _ in others), max(8, wide * 2 // 3))
    for key, value in others:
        row = (left(g.text(key), widest, "muted", False, g.ellipsis), gap(2), text(g.text(value)))
        rows.append(cut(row, wide, g.ellipsis))
    return rows
