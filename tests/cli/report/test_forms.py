"""The forms of a report: text and Markdown kept and looked at, the page whole, still and safe.

Write the kept ones anew with METABONK_TUI_GOLDEN=write and read the difference.
"""

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.cli.report.charts.canvas import make_frame, segments, spans
from metabonk_tui.cli.report.charts.components import value_of
from metabonk_tui.cli.report.charts.svg import drawing, escape, label, spread, tag, thinned, ticks, time_ticks
from metabonk_tui.cli.report.charts.workers import rate_of
from metabonk_tui.cli.report.html import report_html
from metabonk_tui.cli.report.markdown import code, escaped, report_markdown
from metabonk_tui.cli.report.text import WIDTH, report_text
from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.report.run_history import RunHistory, run_histories
from tests.support.examples import examples
from tests.support.paths import REPORT_GOLDEN as GOLDEN
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    GB,
    by_slot,
    down,
    header,
    healthy,
    phases,
    play,
    script,
    silent,
    with_fields,
    without,
)

HOSTILE = '<script>alert("1")</script> | `x` ]]> & \' @everyone </title></style> \x00\ud800 -->'


def running(t: float) -> tuple[ProcessReading, ...]:
    """Three workers; the kernel kills w1 after an hour."""
    slots = (0, 1, 2) if t < 3600 else (0, 2)
    return tuple(ProcessReading("worker", GB, w(slot), pid=40 + slot) for slot in slots)


def leaking(t: float) -> MemoryReading:
    left = max(0, int((8 - t / 450) * GB)) if t < 3600 else 5 * GB
    return MemoryReading(16 * GB, left, oom_kills=int(t >= 3600), oom_scope="cgroup", limited_by="host")


def histories(kind: str) -> tuple[RunHistory, ...]:
    gone = phases((0.0, healthy), (900.0, without(healthy, "intrinsic_reward_total")))
    samples = {
        "silent": lambda: script(silent, for_s=2700.0),
        "leak": lambda: script(for_s=3900.0, memory=leaking, processes=running),
        "mixed": lambda: script(
            by_slot(healthy, gone, silent), for_s=2700.0, memory=None, blind=lambda t: 1200 < t < 1800
        ),
        "hostile": lambda: script(
            with_fields(healthy, dynamic_ui_state_type=HOSTILE, last_error=HOSTILE),
            for_s=600.0,
            run=header(name=HOSTILE, how=HOSTILE),
        ),
    }[kind]()
    return run_histories(play(samples, CONFIG))


@pytest.fixture(scope="module", params=["silent", "leak", "mixed", "hostile"])
def one(request: pytest.FixtureRequest) -> tuple[str, tuple[RunHistory, ...]]:
    return request.param, histories(request.param)


def test_text_and_markdown_still_say_this(one: tuple[str, tuple[RunHistory, ...]]) -> None:
    name, history = one
    if name == "hostile":
        pytest.skip("what is hostile is looked at below")
    for suffix, written in (("txt", report_text(history)), ("md", report_markdown(history))):
        path = GOLDEN / f"report-{name}.{suffix}"
        if os.environ.get("METABONK_TUI_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(written + "\n", encoding="utf-8")
        assert written + "\n" == path.read_text(encoding="utf-8"), path


def test_text_is_one_page(one: tuple[str, tuple[RunHistory, ...]]) -> None:
    lines = report_text(one[1]).splitlines()
    assert len(lines) <= 100
    # A command or a path is never broken.
    assert not [line for line in lines if len(line) > WIDTH and " " in line.strip()[:60].replace("  ", "")[60:]]


class Page(HTMLParser):
    """Sees that every element is closed in its turn, and keeps what there is."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._keep(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._keep(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def _keep(self, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            assert not key.startswith("on"), key
            if key in ("href", "src", "xlink:href", "action", "data"):
                self.links.append(value or "")
            if key == "id":
                self.ids.append(value or "")


def page_of(written: str) -> Page:
    page = Page()
    page.feed(written)
    page.close()
    assert page.open == []
    return page


def pictures(written: str) -> Iterator[ET.Element]:
    for found in re.findall(r"<svg.*?</svg>", written, re.DOTALL):
        yield ET.fromstring(found)


def test_the_page_is_whole_still_and_alone(one: tuple[str, tuple[RunHistory, ...]]) -> None:
    written = report_html(one[1])
    page = page_of(written)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    style = re.search(r"<style>(.*?)</style>", written, re.DOTALL)
    assert style
    assert "@import" not in style[1]
    assert set(re.findall(r"url\(([^)]*)\)", written)) <= {"#absent", "#stalled", "#hole"}
    assert "default-src 'none'" in written
    written.encode("utf-8")


def test_every_picture_is_xml_and_says_what_it_shows(one: tuple[str, tuple[RunHistory, ...]]) -> None:
    drawn = [picture for picture in pictures(report_html(one[1])) if picture.get("role") == "img"]
    assert drawn
    for picture in drawn:
        first, second = list(picture)[:2]
        assert (first.tag.split("}")[1], second.tag.split("}")[1]) == ("title", "desc")
        assert first.text
        assert second.text
        assert picture.get("aria-labelledby") == f"{first.get('id')} {second.get('id')}"
        box = [float(part) for part in (picture.get("viewBox") or "").split()]
        for shape in picture.iter():
            for key in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy"):
                assert -1 <= float(shape.get(key, "0")) <= max(box[2:]) + 1, (shape.attrib, box)


def test_what_is_hostile_stays_text() -> None:
    history = histories("hostile")
    page = page_of(report_html(history))
    assert "script" not in page.tags
    assert any("<script>alert" in text for text in page.text)
    markdown = report_markdown(history)
    assert "<script" not in markdown.replace("\\<script", "")
    assert "@everyone" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| **w")]
    assert rows
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, "no text begins another cell"


def test_no_line_goes_through_a_hole_and_absent_has_no_value() -> None:
    (history,) = histories("mixed")
    on = make_frame(history, "x")
    assert on is not None

    def step(point: object) -> float | None:
        return point.workers[w(0)].step  # type: ignore[attr-defined, no-any-return]

    pieces = segments(on, step)
    assert [(piece[0][0], piece[-1][0]) for piece in pieces] == [(0.0, 1200.0), (1800.0, 2700.0)]

    def value(point: object) -> float | None:
        return point.workers[w(1)].components["intrinsic_reward"].value  # type: ignore[attr-defined, no-any-return]

    assert [piece[-1][0] for piece in segments(on, value)] == [890.0]

    def state(point: object) -> str | None:
        return point.workers[w(1)].components["intrinsic_reward"].state.value  # type: ignore[attr-defined, no-any-return]

    stretches = list(spans(on, state))
    assert not [one for one in stretches if one[0] < 1500 < one[1]], "nothing is drawn where no monitor looked"
    assert stretches[-1][2] == "ABSENT"


def test_a_worker_that_does_not_answer_has_no_line() -> None:
    lost = phases((0.0, healthy), (600.0, down))
    (history,) = run_histories(play(script(by_slot(healthy, lost, healthy), for_s=1800.0), CONFIG))
    on = make_frame(history, "x")
    assert on is not None
    for value in (rate_of(w(1)), value_of("intrinsic_reward", w(1))):
        assert [piece[-1][0] for piece in segments(on, value)] == [590.0]
    assert segments(on, rate_of(w(0)))[-1][-1][0] == 1800.0


def test_the_ribbon_has_the_holes_of_the_run() -> None:
    (history,) = histories("mixed")
    on = make_frame(history, "x")
    assert on is not None
    assert list(on.watched(0.0, 2700.0)) == [(0.0, 1200.0), (1800.0, 2700.0)]
    assert list(on.watched(1300.0, 1700.0)) == []
    assert list(on.watched(1300.0, 1900.0)) == [(1800.0, 1900.0)]


def test_what_was_never_seen_over_time_is_not_drawn() -> None:
    (history,) = histories("silent")
    bare = RunHistory(history.last, history.events)
    written = report_html([bare])
    assert 'role="img"' not in written
    page_of(written)
    assert "Available memory" not in "".join(page_of(report_html(histories("mixed"))).text)


def test_several_runs_are_several_parts_with_a_way_to_each() -> None:
    history = (*histories("silent"), *histories("leak"))
    page = page_of(report_html(history))
    assert page.links == ["#r1", "#r2"]
    assert {"r1", "r2"} <= set(page.ids)


texts = st.text(st.characters(), max_size=60)


@given(texts)
def test_no_text_breaks_out_of_the_page_or_a_picture(text: str) -> None:
    written = tag("p", escape(text), title=text)
    parsed = ET.fromstring(written)
    assert len(list(parsed)) == 0
    ET.fromstring(drawing("x", 10, 10, text, text, label(1, 1, text)))
    written.encode("utf-8")


@given(texts)
def test_no_text_breaks_out_of_markdown(text: str) -> None:
    plain = escaped(text)
    assert "\n" not in plain
    assert not re.search(r"(?<!\\)(?:\\\\)*[<|`\[\]]", plain)
    assert not re.search(r"@\w", plain)
    fenced = code(text)
    fence = re.match(r"`+", fenced)
    assert fence
    assert fenced.endswith(fence[0])
    assert fence[0] not in re.findall(r"`+", fenced[len(fence[0]) : -len(fence[0])])


@settings(max_examples=examples(50))
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_thinning_keeps_order_ends_and_extremes(values: list[float], most: int) -> None:
    points = [(float(at), value) for at, value in enumerate(values)]
    kept = thinned(points, most)
    assert kept == sorted(kept, key=lambda point: point[0])
    assert len(kept) <= max(most + 2, 3) or len(points) <= most
    assert {min(values), max(values)} <= {value for _, value in kept}
    assert kept[-1] == points[-1]


@given(st.floats(1e-6, 1e12), st.integers(1, 9))
def test_ticks_reach_the_highest_and_are_few(high: float, most: int) -> None:
    found = ticks(high, most)
    assert found[0] == 0
    assert found[-1] >= high * (1 - 1e-6)
    assert len(found) <= most + 2


@given(st.floats(0.1, 1e8), st.integers(2, 10))
def test_times_on_the_axis_are_few_and_within(duration_s: float, most: int) -> None:
    found = list(time_ticks(duration_s, most))
    assert found[0] == 0
    assert found[-1] <= duration_s
    assert len(found) <= most + 1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_do_not_cover_each_other(places: list[float]) -> None:
    moved = sorted(spread(places, 10.0, 0.0, 100.0))
    assert all(b - a >= 10.0 - 1e-6 for a, b in pairwise(moved))
