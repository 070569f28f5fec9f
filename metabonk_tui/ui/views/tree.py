"""The decision matrix: one question per row with its answer and evidence, or the whole tree with the lit path.

Refuses to decide: it draws the nodes as they were judged, reached or not.
"""

from __future__ import annotations

from metabonk_tui.core import format as fmt
from metabonk_tui.core.snapshot import Level, Node, Snapshot, Word
from metabonk_tui.ui.glyphs import LEVEL_TOKENS, Glyphs
from metabonk_tui.ui.spans import Row, Span, cells, clip, cut, gap, left, mark, spread, width
from metabonk_tui.ui.views.section import muted, paragraph
from metabonk_tui.ui.views.section import plain_text as text

_BRIEF = (("Are the metrics", "Metrics"), ("stable, ", ""), ("within", "in"))


def answer_mark(node: Node, glyphs: Glyphs) -> Span:
    """Draw the glyph of an answer: that of its level; "not yet" is a hollow one, it is neither good nor bad."""
    if node.answer == "not yet":
        return mark(glyphs.zero, "muted")
    return mark(glyphs.level(node.level), LEVEL_TOKENS[node.level])


def question(node: Node, wide: int, glyphs: Glyphs) -> str:
    """Write the question, shortened by rule where the words do not fit."""
    said = glyphs.text(node.question)
    for long, brief in _BRIEF:
        if cells(said) <= wide:
            return said
        said = said.replace(long, brief)
        said = said[:1].upper() + said[1:]
    return clip(said, wide, glyphs.ellipsis)


def decision_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the compact tree: question, answer, evidence at the right edge."""
    nodes = snapshot.verdict.nodes
    longest = 21 if wide < 44 else 26 if wide < 54 else 30
    longest = min(longest, max(8, wide - 8))
    rows: list[Row] = []
    for i, node in enumerate(nodes):
        branch: Row = () if i == 0 else (muted(glyphs.corner if i == len(nodes) - 1 else glyphs.tee), gap(1))
        asked = question(node, longest - 1 - width(branch), glyphs)
        head: Row = (*branch, left(asked, longest - width(branch), "text"))
        answer, said = str(node.answer), node.short
        if node.id == "gameplay" and snapshot.workers:
            reached = sum(worker.gameplay.corroborated for worker in snapshot.workers)
            answer, said = fmt.share(reached, len(snapshot.workers)), node.leads_to
        token = LEVEL_TOKENS[node.level]
        glyph = mark(glyphs.level(node.level), token)
        if node.id == "gameplay" and node.answer == "not yet" and answer.startswith("0/"):
            glyph, token = mark(glyphs.zero, "muted"), "text"
        head = (*head, glyph, gap(1), Span(answer, token, True))
        room = wide - width(head) - 1
        end: Row = (muted(_whole_words(glyphs.text(said), room, glyphs)),) if room >= 4 else ()
        rows.append(spread(head, end, wide, glyphs.ellipsis))
    return rows


def _whole_words(said: str, room: int, glyphs: Glyphs) -> str:
    """Leave out words from the right rather than cut one; a single one is cut."""
    while cells(said) > room and " " in said:
        said = said.rsplit(" ", 1)[0]
    return clip(said, room, glyphs.ellipsis)


def changes_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Say what would change the verdict."""
    said = snapshot.verdict.changes_when
    return paragraph(glyphs.text(f"changes when {said}"), wide, "muted") if said else []


def badge(word: str, level: Level, glyphs: Glyphs) -> Row:
    """Draw the word that a path ends in, as loud as its level."""
    if level == "stop":
        return (Span(f" {glyphs.stop} {word} ", "oncritbadge", True, "critbadge"),)
    if level == "caution":
        return (Span(f" {glyphs.caution} {word} ", "onwarn", True, "warnband"),)
    return (mark(glyphs.level(level), LEVEL_TOKENS[level]), gap(1), Span(word, LEVEL_TOKENS[level], True))


def tree_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the whole tree: heavy and coloured where the path went, light and muted where it did not."""
    verdict = snapshot.verdict
    if len(verdict.nodes) != 3:
        return decision_rows(snapshot, wide, glyphs)
    first, *others = verdict.nodes
    goes_on = first.answer == "no"
    rows: list[Row] = []
    token = LEVEL_TOKENS[first.level]
    asked = clip(glyphs.text(first.question), max(8, wide - 30), glyphs.ellipsis)
    row: Row = (Span(asked, "strong", True), gap(1))
    if goes_on:
        light = mark(f"{glyphs.rule * 3}{glyphs.cursor}", "line")
        row = (*row, mark(glyphs.rule * 3, "line"), muted(" yes "), light, gap(1), muted(str(Word.STOP)))
    else:
        line = glyphs.heavy * (6 if wide >= 70 else 3)
        answer = Span(f" {first.answer} ", token, True)
        row = (*row, mark(line, token), answer, mark(f"{line}{glyphs.cursor}", token), gap(1))
        row = (*row, *badge(first.leads_to, first.level, glyphs))
    rows.append(row)
    down = mark(glyphs.floor if goes_on else glyphs.vertical, token if goes_on else "line")
    for sentence in first.evidence:
        rows += [
            (gap(2), *line) for line in paragraph(glyphs.text(sentence), wide - 2, "muted", indent=(down, gap(3)))
        ]
    short = () if first.evidence or not first.short else ((gap(2), down, gap(3), muted(glyphs.text(first.short))),)
    rows += short
    no = Span("no", token if goes_on else "muted", goes_on)
    rows.append((gap(2), down, gap(1), no))
    return rows + _branches(snapshot, others, goes_on, token, wide, glyphs)


def _branches(
    snapshot: Snapshot, nodes: list[Node], goes_on: bool, token: str, wide: int, glyphs: Glyphs
) -> list[Row]:
    rows: list[Row] = []
    word = snapshot.verdict.word
    longest = max(cells(node.question) for node in nodes)
    longest = min(longest, max(10, wide - 46))
    widest = max(cells(str(node.answer)) for node in nodes)
    leads = max(cells(node.leads_to) for node in nodes) + 4
    for i, node in enumerate(nodes):
        lit = goes_on and node.on_path
        own = LEVEL_TOKENS[node.level]
        path = token if goes_on else "line"
        line = glyphs.heavy if goes_on else glyphs.rule
        if i == 0:
            bend = glyphs.branch
            head: Row = (
                gap(2), mark(glyphs.corner + line, path), gap(1),
                Span("CONTINUE", token if goes_on else "muted", goes_on), gap(1),
                mark(line, path), mark(bend, path),
            )  # fmt: skip
        else:
            head = (gap(15), mark(glyphs.corner, "line"))
        stroke = glyphs.heavy if lit else glyphs.rule
        head = (*head, mark(stroke, own if lit else "line"), gap(1))
        asked = question(node, longest, glyphs)
        head = (
            *head,
            left(asked, longest, "strong" if lit else "text", lit),
            gap(2),
            answer_mark(node, glyphs),
            gap(1),
        )
        quiet = node.answer == "not yet"
        head = (*head, left(str(node.answer), widest, "text" if quiet else own, not quiet), gap(1))
        head = (*head, mark(f"{stroke}{glyphs.cursor}", own if lit else "line"), gap(1))
        if lit and node.leads_to == str(word):
            shown = badge(node.leads_to, node.level, glyphs)
        else:
            shown = (Span(glyphs.text(node.leads_to), own if lit else "muted", lit),)
        head = (*head, *shown, gap(max(2, leads - width(shown))))
        said = node.evidence[0] if node.evidence else node.short
        rows.append(cut((*head, text(glyphs.text(said)) if lit else muted(glyphs.text(said))), wide, glyphs.ellipsis))
        rows += [
            cut((gap(width(head)), muted(glyphs.text(more))), wide, glyphs.ellipsis)
            for more in node.evidence[1:]
            if wide - width(head) >= 24
        ]
    return rows
