"""Draws the decision matrix: one question per row with answer and evidence, or the whole tree with its path.

Does not: decide. The nodes come judged with the Snapshot.
"""

from __future__ import annotations

from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.snapshot import Node, Snapshot, VerdictKind
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, cut, gap, left, mark, spread, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, words

BEND = 15
"""The column where the two questions branch off."""
MIN_EVIDENCE_CELLS = 24
"""Least cells for evidence beside a question."""
_BRIEF = (("Are the metrics", "Metrics"), ("stable, ", ""), ("within", "in"))


def answer_mark(node: Node, glyphs: Glyphs) -> Span:
    """Draw the glyph of an answer by its level; "not yet" is neutral and gets a hollow one."""
    if node.answer == "not yet":
        return mark(glyphs.zero, "muted")
    return mark(glyphs.level(node.level), level_token(node.level))


def question(node: Node, wide: int, glyphs: Glyphs) -> str:
    """Return the question, shortened by `_BRIEF` where it does not fit."""
    phrase = glyphs.text(node.question)
    for long, brief in _BRIEF:
        if cells(phrase) <= wide:
            return phrase
        phrase = phrase.replace(long, brief)
        phrase = phrase[:1].upper() + phrase[1:]
    return clip(phrase, wide, glyphs.ellipsis)


def decision_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the compact tree: question and answer, with evidence at the right edge."""
    nodes = snapshot.verdict.nodes
    if nodes and nodes[0].id == "early":
        # Three rows have room: the early branch, and the two questions that it does not answer.
        nodes = (nodes[0], *nodes[2:])
    longest = 21 if wide < 44 else 26 if wide < 54 else 30
    longest = min(longest, max(8, wide - 8))
    rows: list[Row] = []
    for i, node in enumerate(nodes):
        branch: Row = () if i == 0 else (muted(glyphs.corner if i == len(nodes) - 1 else glyphs.tee), gap(1))
        asked = question(node, longest - 1 - width(branch), glyphs)
        head: Row = (*branch, left(asked, longest - width(branch), "text"))
        answer, phrase = str(node.answer), node.short
        if node.id == "gameplay" and snapshot.workers:
            reached = sum(worker.gameplay.corroborated for worker in snapshot.workers)
            answer, phrase = fmt.share(reached, len(snapshot.workers)), node.leads_to
        token = level_token(node.level)
        glyph = mark(glyphs.level(node.level), token)
        if node.id == "gameplay" and node.answer == "not yet" and answer.startswith("0/"):
            glyph, token = mark(glyphs.zero, "muted"), "text"
        head = (*head, glyph, gap(1), Span(answer, token, True))
        room = wide - width(head) - 1
        end: Row = (muted(_whole_words(glyphs.text(phrase), room, glyphs)),) if room >= 4 else ()
        rows.append(spread(head, end, wide, glyphs.ellipsis))
    return rows


def _whole_words(phrase: str, room: int, glyphs: Glyphs) -> str:
    """Drop whole words from the right until it fits; return "" when no number is left."""
    kept = phrase
    while cells(kept) > room and " " in kept:
        kept = kept.rsplit(" ", 1)[0].rstrip(",;:")
    if kept != phrase and not any(character.isdigit() for character in kept):
        return ""
    return clip(kept, room, glyphs.ellipsis)


def changes_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw what would change the verdict; empty when unknown."""
    phrase = snapshot.verdict.changes_when
    return paragraph(glyphs.text(f"changes when {phrase}"), wide, "muted") if phrase else []


def badge(word: str, level: Level, glyphs: Glyphs) -> Row:
    """Draw the verdict at the end of a path, by its level."""
    if level == "stop":
        return (Span(f" {glyphs.stop} {word} ", "oncritbadge", True, "critbadge"),)
    if level == "caution":
        return (Span(f" {glyphs.caution} {word} ", "onwarn", True, "warnband"),)
    return (mark(glyphs.level(level), level_token(level)), gap(1), Span(word, level_token(level), True))


def tree_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the whole tree: heavy and coloured along the path, light and muted elsewhere."""
    verdict = snapshot.verdict
    rows: list[Row] = []
    nodes = verdict.nodes
    is_early = bool(nodes) and nodes[0].id == "early"
    if is_early:
        # The STOP came before the gate's end: its branch is the lit one, and the tree below was not reached.
        rows += [*_early_rows(nodes[0], wide, glyphs), ()]
        nodes = nodes[1:]
    if len(nodes) != 3:
        return decision_rows(snapshot, wide, glyphs)
    first, *others = nodes
    continues = first.answer == "no"
    token = "muted" if is_early else level_token(first.level)
    asked = clip(glyphs.text(first.question), max(8, wide - 30), glyphs.ellipsis)
    row: Row = (Span(asked, "strong", True), gap(1))
    if continues:
        light = mark(f"{glyphs.rule * 3}{glyphs.cursor}", "line")
        row = (*row, mark(glyphs.rule * 3, "line"), muted(" yes "), light, gap(1), muted(str(VerdictKind.STOP)))
    else:
        line = (glyphs.rule if is_early else glyphs.heavy) * (6 if wide >= 70 else 3)
        answer = Span(f" {first.answer} ", token, True)
        row = (*row, mark(line, token), answer, mark(f"{line}{glyphs.cursor}", token), gap(1))
        row = (*row, *((muted(first.leads_to),) if is_early else badge(first.leads_to, first.level, glyphs)))
    rows.append(row)
    continues = continues and not is_early
    down = mark(glyphs.floor if continues else glyphs.vertical, token if continues else "line")
    for sentence in first.evidence:
        rows += [
            (gap(2), *line) for line in paragraph(glyphs.text(sentence), wide - 2, "muted", indent=(down, gap(3)))
        ]
    short = () if first.evidence or not first.short else ((gap(2), down, gap(3), muted(glyphs.text(first.short))),)
    rows += short
    no = Span("no", token if continues else "muted", continues)
    rows.append((gap(2), down, gap(1), no))
    return rows + _branches(snapshot, others, continues, token, wide, glyphs)


def _early_rows(node: Node, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the branch of an early STOP: question, answer and badge, with its evidence below."""
    token, line = level_token(node.level), glyphs.heavy * (6 if wide >= 70 else 3)
    row: Row = (Span(glyphs.text(node.question), "strong", True), gap(1), mark(line, token))
    row = (*row, Span(f" {node.answer} ", token, True), mark(f"{line}{glyphs.cursor}", token), gap(1))
    rows: list[Row] = [(*row, *badge(node.leads_to, node.level, glyphs))]
    down = mark(glyphs.vertical, token)
    for sentence in node.evidence:
        rows += [(gap(2), *each) for each in paragraph(glyphs.text(sentence), wide - 2, "text", indent=(down, gap(3)))]
    return rows


def _branches(
    snapshot: Snapshot, nodes: list[Node], continues: bool, token: str, wide: int, glyphs: Glyphs
) -> list[Row]:
    """Draw the two questions after CONTINUE: question, answer, verdict; evidence beside it or below."""
    rows: list[Row] = []
    word = str(snapshot.verdict.kind)
    longest = min(max(cells(node.question) for node in nodes), max(10, wide - 46))
    widest = max(cells(node.answer) for node in nodes)
    leads = max(cells(node.leads_to) for node in nodes) + 4
    path, line = (token, glyphs.heavy) if continues else ("line", glyphs.rule)
    corner = glyphs.heavy_corner if continues else glyphs.corner
    for i, node in enumerate(nodes):
        lit = continues and node.on_path
        own = level_token(node.level) if lit else "line"
        stroke = glyphs.heavy if lit else glyphs.rule
        last = i == len(nodes) - 1
        head: Row = (gap(BEND), mark(glyphs.corner, "line"))
        if i == 0:
            bend = glyphs.heavy_branch if continues else glyphs.branch
            continue_span = Span("CONTINUE", token if continues else "muted", continues)
            head = (gap(2), mark(corner + line, path), gap(1), continue_span, gap(1), mark(line + bend, path))
        head = (*head, mark(stroke, own), gap(1))
        asked = left(question(node, longest, glyphs), longest, "strong" if lit else "text", lit)
        quiet = node.answer == "not yet"
        answered = left(node.answer, widest, "text" if quiet else level_token(node.level), not quiet)
        head = (*head, asked, gap(2), answer_mark(node, glyphs), gap(1), answered, gap(1))
        head = (*head, mark(stroke + glyphs.cursor, own), gap(1))
        shown: Row = (Span(glyphs.text(node.leads_to), own if lit else "muted", lit),)
        if lit and node.leads_to == word:
            shown = badge(node.leads_to, node.level, glyphs)
        head = (*head, *shown, gap(max(2, leads - width(shown))))
        under: Row = (gap(BEND + 1),) if last else (gap(BEND), mark(glyphs.vertical, "line"))
        evidence = list(node.evidence or (node.short,))
        text_token = "text" if lit else "muted"
        at = width(head)
        if wide - at >= MIN_EVIDENCE_CELLS:
            for sentence in evidence:
                indent = head if sentence is evidence[0] else (*under, gap(at - width(under)))
                rows += paragraph(glyphs.text(sentence), wide, text_token, indent=indent)[:1]
        else:
            rows.append(cut(head, wide, glyphs.ellipsis))
            for sentence in evidence:
                rows += [
                    (*under, gap(2), Span(line_, "muted")) for line_ in words(glyphs.text(sentence), wide - BEND - 3)
                ]
    return rows
