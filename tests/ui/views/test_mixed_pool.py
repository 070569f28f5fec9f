"""A pool of mixed states: no number of the past as one of now, no unknown as an empty cell, no word cut to nothing."""

from __future__ import annotations

import re
from itertools import groupby

import pytest
from msgspec.structs import replace

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.model.pool import Plan, Stop, TargetProcess
from metabonk_tui.core.model.snapshot import NextStep, Snapshot
from metabonk_tui.core.model.worker import Episodes, Reach
from metabonk_tui.core.verdict.next_steps import READ_REPORT
from metabonk_tui.ui.dialogs.checklist import item_lines
from metabonk_tui.ui.dialogs.filter import FilterDialog
from metabonk_tui.ui.dialogs.plan import hit_lines
from metabonk_tui.ui.dialogs.seek import SeekDialog
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.layout.line_plot import ChartAxis
from metabonk_tui.ui.views.workers.summary import sum_row, top_memory
from tests.support import snapshots as scenes
from tests.support.draw import frame_of, rows_of, text_of
from tests.support.refs import w
from tests.ui.person import Person


def with_workers(snapshot: Snapshot, *changes: dict[str, object]) -> Snapshot:
    """Replace fields of the first workers."""
    changed = [
        replace(worker, **fields)  # type: ignore[arg-type]
        for worker, fields in zip(snapshot.workers, changes, strict=False)
    ]
    return replace(snapshot, workers=(*changed, *snapshot.workers[len(changes) :]))


def with_steps(snapshot: Snapshot, *steps: NextStep, problem: str = "") -> Snapshot:
    return replace(
        snapshot,
        verdict=replace(snapshot.verdict, next_steps=steps),
        pool=replace(snapshot.pool, problem=problem),
    )


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


DOWN = {"reach": Reach.DOWN, "step_rate": 0.71, "rss_bytes": None, "health": None}


@pytest.mark.parametrize("size", [(30, 24), (39, 50), (80, 6), (60, 24), (80, 24), (120, 40)], ids=str)
def test_the_last_step_rate_of_a_worker_that_is_down_is_no_rate_of_now(size: tuple[int, int]) -> None:
    snapshot = with_workers(scenes.many(16), DOWN)
    assert "0.71" not in text_of(snapshot, *size)


def test_a_tall_pane_says_the_state_of_a_worker_in_a_word_where_it_has_room() -> None:
    snapshot = with_workers(scenes.stop(), {**DOWN, "reach_since_t": scenes.stop().t - 120})
    assert line_of(text_of(snapshot, 39, 50), "w0").split() == ["w0", "————○", "DOWN", "2m", "gone", "gone"]
    assert line_of(text_of(snapshot, 30, 24), "w0").split() == ["w0", "————○", "gone", "gone"]
    assert line_of(text_of(scenes.healthy(), 39, 50), "w1").split()[2] == "gameplay"


def test_the_count_of_ill_workers_is_whole_in_a_tall_pane() -> None:
    snapshot = scenes.many(256)
    sick = [replace(worker, reach=Reach.DOWN) if worker.slot % 2 else worker for worker in snapshot.workers]
    title = line_of(text_of(replace(snapshot, workers=tuple(sick)), 30, 24), "WORKERS")
    assert "/256 ill" in title
    assert "…" not in title


def test_the_sum_row_keeps_the_words_that_explain_it() -> None:
    snapshot = scenes.many(256)
    one = replace(
        snapshot,
        workers=tuple(replace(w, rss_bytes=w.rss_bytes if w.slot == 1 else None) for w in snapshot.workers),
    )
    for wide in (60, 80, 120, 200):
        row = plain(sum_row(frame_of(one, wide, 24), one))
        assert "min, median, max of" in row
        assert row.count(" of ") == 1, "the few that have the number are not a second sum"
        assert len(row) <= wide
    assert "(1 known)" in plain(sum_row(frame_of(one, 120, 24), one))


def test_the_unit_of_a_growth_stands_beside_its_head() -> None:
    assert plain(top_memory(scenes.many(72), 118)).startswith("TOP GB, M/m  w")


def test_the_memory_of_some_workers_is_not_that_of_all() -> None:
    text = text_of(scenes.accused(), 80, 24)
    assert "workers 3/5" in text


@pytest.mark.parametrize("wide", [52, 56, 60, 64])
def test_the_program_is_named_whole_or_not_at_all(wide: int) -> None:
    first = text_of(scenes.many(256), wide, 24).splitlines()[0]
    assert "metabonk-tui" in first or "…" not in first


def test_every_state_of_the_table_is_in_its_legend() -> None:
    snapshot = with_workers(scenes.stop(), {"components": scenes.worker(0, 0.0).components})
    parts = [replace(part, state=scenes.S.RESTING) for part in snapshot.workers[0].components]
    odd = [replace(part, state=scenes.S.STRANGER) for part in snapshot.workers[0].components]
    shown = with_workers(snapshot, {"components": tuple(parts)}, {"components": tuple(odd), "reach": Reach.STRANGER})
    text = text_of(shown, 200, 60)
    assert "◍ has shown" in text
    assert "? no MetaBonk worker answers" in text


def test_a_next_step_takes_the_rows_that_it_needs_and_the_reason_its_own() -> None:
    first = NextStep("K", "stop the process of w1; its launcher starts it again", None)
    then = NextStep("l", "read the log of w4; then stop its process", None, "then")
    why = 'this monitor only looks: pool.backend is "none" in its configuration'
    text = text_of(with_steps(scenes.healthy(), first, then, problem=why), 80, 24)
    for said in (first.text, then.text, why):
        assert said in text


@pytest.mark.parametrize("size", [(30, 24), (39, 50), (60, 24), (80, 24)], ids=str)
def test_the_report_of_the_last_run_is_not_that_of_a_replay(size: tuple[int, int]) -> None:
    snapshot = with_steps(scenes.stop(), READ_REPORT)
    said = " ".join(text_of(snapshot, *size).split())
    assert "metabonk-tui report last" in said, "a command that is cut cannot be typed"
    replayed = " ".join(text_of(snapshot, *size, mode="replay").split())
    assert "report last" not in replayed
    assert "metabonk-tui report NAME" in replayed


@pytest.mark.parametrize("mode", ["replay", "past"])
def test_the_footer_of_the_past_has_no_key_that_acts(mode: str) -> None:
    footer = text_of(scenes.stop(), 120, 40, mode=mode).splitlines()[-1]
    assert not any(label in footer for label in ("X stop", "R restart", "L launch", "resize"))
    assert "X stop" in text_of(scenes.stop(), 120, 40).splitlines()[-1]


def test_help_names_every_word_of_the_caution_shape() -> None:
    text = text_of(scenes.stop(), 120, 60, "help")
    caution = [line for line in text.splitlines() if "▲ exit 1:" in line]
    assert "PARTIAL, ADD MEMORY WATCH, TUNE EPSILON" in caution[0]
    assert "CONTINUE while something is missing" in caution[1]


def test_a_worker_without_episodes_is_not_left_out() -> None:
    snapshot = with_workers(scenes.healthy(), {"episodes": Episodes(ended=3, known=3, reached=0)})
    text = text_of(snapshot, 80, 40, "learning")
    assert line_of(text, "w0").split()[-2:] == ["0/3", "none"]
    assert line_of(text, "w2").split() == ["w2", "not", "known", "not", "known"]


def test_a_log_without_a_file_is_not_followed() -> None:
    assert "● FOLLOW" not in text_of(scenes.stop(), 80, 24, "logs")


def test_enter_is_offered_only_for_an_entry() -> None:
    person = Person(scenes.stop(), (80, 24))
    person.types("c")
    assert "Enter compare" not in plain(person.rows[-1])
    assert "Esc close" in plain(person.rows[-1])


def test_the_labels_of_an_axis_have_the_same_decimals() -> None:
    halves = ChartAxis(9, 4, 0.5, 20.0)
    assert [halves.label(y) for y in (0, 2, 4, 6, 8)] == ["22.0", "21.5", "21.0", "20.5", "20.0"]
    assert [halves.label(y, 3) for y in (0, 2)] == ["22", "21.5"], "where they do not fit they are short"
    assert [ChartAxis(5, 2, 2.0, 0.0).label(y) for y in range(5)] == ["4", "", "2", "", "0"]


def test_a_list_says_that_it_goes_on() -> None:
    person = Person(scenes.stop(), (80, 24))
    person.types(":")
    (head,) = [line for line in person.text.splitlines() if "COMMANDS" in line]
    first, last, of = re.findall(r"\d+", head)
    assert (first, int(last) < int(of)) == ("1", True)
    person.types("q")
    assert " of " not in next(line for line in person.text.splitlines() if "COMMANDS" in line)


@pytest.mark.parametrize("wide", range(60, 130, 10))
def test_no_example_of_a_field_is_cut(wide: int) -> None:
    frame = frame_of(scenes.stop(), wide, 24)
    for field in (FilterDialog(frame), SeekDialog(lambda _: None)):
        last = plain(field.over(rows_of(scenes.stop(), wide, 24), frame)[-1]).rstrip()
        assert "Esc cancel" in last
        assert not last.endswith("…")


def test_what_failed_in_a_preflight_is_whole() -> None:
    long = "METABONK_DYNAMIC_UI_EXPLORATION missing, METABONK_INTRINSIC_REWARD missing in w0 w1 w2 w3 w4"
    item = ChecklistItem("environment", "environment in the processes", "FAIL", (long,))
    lines = item_lines([item], frame_of(scenes.stop(), 80, 24))
    assert long in " ".join(" ".join(plain(line.row).split()) for line in lines[1:])
    assert len(item_lines([item], frame_of(scenes.stop(), 200, 60), label="checks")) == 1


@pytest.mark.parametrize("size", [(200, 60), (160, 50), (120, 40), (80, 30), (80, 24)], ids=str)
@pytest.mark.parametrize("count", [25, 64, 72, 100, 150])
def test_many_blank_rows_below_a_grid_have_the_events(count: int, size: tuple[int, int]) -> None:
    lines = text_of(scenes.many(count), *size).splitlines()
    assert len(lines) == size[1]
    blank = max(len(list(run)) for is_blank, run in groupby(lines, lambda line: not line.strip()) if is_blank)
    assert blank <= 4, "\n".join(lines)


def test_an_alert_in_a_side_pane_says_on_whom() -> None:
    lines = text_of(scenes.alarmed(), 30, 24, "alerts").splitlines()
    first = scenes.alarmed().alerts[0]
    at = next(i for i, line in enumerate(lines) if first.name in line)
    assert lines[at].rstrip().endswith(("s", "m", "h"))
    for alert in scenes.alarmed().alerts[:4]:
        if len(alert.workers) == 1 and alert.name in (text := "\n".join(lines)):
            assert alert.workers[0].label in text


def test_help_is_whole_in_a_side_pane() -> None:
    text = text_of(scenes.stop(), 30, 60, "help")
    said = " ".join(text.split())
    assert "present, never above zero" in said
    assert "ADD MEMORY WATCH, TUNE EPSILON" in said


def test_the_answer_of_what_if_is_whole_in_a_side_pane() -> None:
    text = text_of(scenes.healthy(), 30, 60, "memory")
    assert "● fits" in text
    assert "● …" not in text


def test_the_way_back_is_in_the_footer_of_a_side_pane() -> None:
    assert " Esc " in text_of(scenes.stop(), 30, 24, "memory").splitlines()[-1]
    assert "Esc" not in text_of(scenes.stop(), 30, 24).splitlines()[-1]


def test_what_a_plan_hits_is_said_once_in_a_side_pane() -> None:
    targets = tuple(TargetProcess("worker", 100 + i, 1.0, w(i)) for i in range(5))
    plan = Plan(Stop(), "stop", (), targets, 0, None)
    lines = hit_lines(plan, frame_of(scenes.stop(), 30, 24))
    said = " ".join(" ".join(plain(line.row).split()) for line in lines)
    assert "ALL 5 workers: w0 w1 w2 w3 w4" in said


def test_a_process_that_was_never_seen_is_not_gone() -> None:
    snapshot = with_workers(scenes.stop(), {**DOWN, "pid": None})
    assert "gone" not in line_of(text_of(snapshot, 39, 50), "w0")
    assert "gone" not in line_of(text_of(snapshot, 80, 24), "× w0")
    assert "rss GB            not observed" in text_of(snapshot, 120, 40)
    assert "rss GB            gone" in text_of(with_workers(scenes.stop(), DOWN), 120, 40)
