"""Writes a report as one self-contained HTML page: no network, no script; light and dark, screen and paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metabonk_tui import __version__
from metabonk_tui.cli.report.charts.canvas import ChartFrame, make_frame
from metabonk_tui.cli.report.charts.components import component_charts, legend
from metabonk_tui.cli.report.charts.memory import memory_chart
from metabonk_tui.cli.report.charts.svg import escape, tag
from metabonk_tui.cli.report.charts.timeline import legend_signs, timeline
from metabonk_tui.cli.report.charts.workers import rate_chart
from metabonk_tui.cli.report.document import (
    COMMANDS,
    Block,
    ChartBlock,
    CommandBlock,
    EntryBlock,
    Paragraph,
    ReportSection,
    RunPage,
    Table,
    TableCell,
)
from metabonk_tui.cli.report.html_style import PATTERNS, STYLE
from metabonk_tui.cli.report.sections import document
from metabonk_tui.core.report.run_history import RunHistory

SAFE = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy: the page loads nothing, whatever text from outside it contains."""


def report_html(histories: Sequence[RunHistory]) -> str:
    """Write one page with an <article> per run."""
    whole = document(histories)
    pages = "\n".join(_page(page, f"r{place}") for place, page in enumerate(whole.pages, 1))
    title = f"{whole.pages[-1].word}: {whole.pages[-1].history.last.run.name or 'unnamed'}"
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{SAFE}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    foot = tag("footer", tag("p", escape(f"metabonk-tui {__version__} · report")))
    nav = _contents(whole.pages) if len(whole.pages) > 1 else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{PATTERNS}\n'
        f"<main>{nav}\n{pages}\n</main>\n{foot}\n</body>\n</html>\n"
    )


def _contents(pages: Sequence[RunPage]) -> str:
    items = (
        tag(
            "li",
            tag("a", escape(page.title), href=f"#r{place}"),
            " ",
            _badge(page),
            " ",
            escape(" · ".join(page.facts)),
        )
        for place, page in enumerate(pages, 1)
    )
    return tag("nav", tag("ol", *items), aria_label="runs")


def _badge(page: RunPage) -> str:
    return tag("span", escape(page.word), class_=f"badge {page.level}")


def _page(page: RunPage, id_: str) -> str:
    frame = make_frame(page.history, id_)
    kind, _, name = page.title.partition(": ")
    because = page.headline.removeprefix(page.word).strip()
    head = tag(
        "header",
        tag("p", escape(" · ".join((kind, *page.facts))), class_="facts"),
        tag("h1", escape(name)),
        tag("p", _badge(page), " ", escape(because), class_="headline"),
        *(tag("p", escape(sentence), class_="more") for sentence in page.more),
    )
    sections = (_section(section, id_, frame) for section in page.sections)
    return tag("article", head, *sections, id=id_)


def _section(section: ReportSection, id_: str, frame: ChartFrame | None) -> str:
    note = tag("span", escape(section.note), class_="note") if section.note else ""
    title = tag("h2", escape(section.title), " ", note) if note else tag("h2", escape(section.title))
    inside = _lead(section) if section.id == "short" else [_block(block, frame) for block in section.blocks]
    if section.id == "short":
        inside += [_block(block, frame) for block in section.blocks if isinstance(block, ChartBlock)]
    return tag("section", title, *inside, class_=section.id, id=f"{id_}-{section.id}")


def _lead(section: ReportSection) -> list[str]:
    """Write the first sentence large: it states the result."""
    sentences = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    rest = tag("ul", *(tag("li", escape(text)) for text in sentences[1:])) if sentences[1:] else ""
    return [tag("p", escape(sentences[0]), class_="lead"), rest] if sentences else []


def _block(block: Block, frame: ChartFrame | None) -> str:
    if isinstance(block, Paragraph):
        return tag("p", escape(block.text), class_=block.tone or None)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, EntryBlock):
        more = (
            tag(
                "div",
                tag("dt", escape(label)),
                tag("dd", tag("code", escape(text)) if label in COMMANDS else escape(text)),
            )
            for label, text in block.more
        )
        lead = tag(
            "p", tag("span", escape(block.lead), class_="number"), " ", escape(block.text), class_=block.tone or None
        )
        return tag("div", lead, tag("dl", *more) if block.more else "", class_="entry")
    if isinstance(block, CommandBlock):
        command = tag("pre", tag("code", escape(block.command))) if block.command else ""
        return tag("div", tag("p", escape(block.text)), command, class_="command")
    return "" if frame is None else "".join(_figures(block, frame))


def _figures(picture: ChartBlock, frame: ChartFrame) -> Iterator[str]:
    if picture.name == "timeline":
        yield _figure(timeline(frame)) + tag(
            "ul", *(tag("li", escape(sign)) for sign in legend_signs(frame)), " ", class_="legend"
        )
    elif picture.name == "memory":
        yield _figure(memory_chart(frame))
    elif picture.name == "workers":
        yield _figure(rate_chart(frame), "Step rate")
    elif picture.name == "components":
        drawn = component_charts(frame)
        if drawn:
            marks = (
                tag(
                    "li",
                    f'<svg class="key" viewBox="0 0 24 10" width="24" height="10" aria-hidden="true">'
                    f'<rect x="0" y="1" width="24" height="8" class="lane {style}"/></svg>',
                    escape(meaning),
                )
                for style, meaning in legend(frame)
            )
            key = tag("ul", *marks, class_="legend")
            yield tag("div", *(_figure(one) for one in drawn), class_="multiples") + key


def _figure(drawn: str, caption: str = "") -> str:
    if not drawn:
        return ""
    caption_tag = tag("figcaption", escape(caption)) if caption else ""
    return tag("figure", caption_tag, _scrollable("chart", drawn))


def _scrollable(what: str, inside: str) -> str:
    """Wrap content so that it scrolls sideways on a narrow screen; `tabindex` lets the arrow keys scroll it."""
    return tag("div", inside, class_=what, tabindex="0", role="group", aria_label=what)


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    heads = ""
    if any(table.heads):
        heads = tag(
            "thead",
            tag("tr", *(_cell(TableCell(head), place, table, "th") for place, head in enumerate(table.heads))),
        )
    rows = (tag("tr", *(_cell(cell, place, table, "td") for place, cell in enumerate(row))) for row in table.rows)
    style = "prose" if table.prose else None
    return _scrollable("table", tag("table", heads, tag("tbody", *rows), class_=style))


def _cell(cell: TableCell, place: int, table: Table, name: str) -> str:
    style = " ".join(filter(None, (cell.tone, "number" if place in table.numbers else "")))
    scope = "col" if name == "th" else None
    return tag(name, escape(cell.text) or " ", class_=style or None, scope=scope)
