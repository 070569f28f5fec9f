"""What is on the screen is what is in the Snapshot: no zero where nothing is known, and where each number stands."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.live.open_app import with_environment
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Attention, ComponentState, EnvView, WorkerView
from metabonk_tui.core.verdict.text import verdict_text
from metabonk_tui.ui.density import choose
from metabonk_tui.ui.frame import UiState
from metabonk_tui.ui.sorting import in_order, next_sort, sorts
from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import Row, plain
from metabonk_tui.ui.views.layout.highlight import freshness
from metabonk_tui.ui.views.layout.sparkline import per_cell, shown_s, sparkline
from metabonk_tui.ui.views.memory.gauge import gauge
from tests.support.draw import SCREENS, chosen, defaults, frame_of, page_of, rows_of, text_of
from tests.support.refs import w
from tests.support.snapshots import (
    GB,
    START,
    healthy,
    hosts_of,
    many,
    mixed,
    no_memory,
    observer,
    stop,
    validating,
    waiting,
)

S = ComponentState


def lines(snapshot: Snapshot, wide: int = 120, high: int = 40, **over: object) -> list[str]:
    return [plain(row) for row in rows_of(snapshot, wide, high, **over)]


def panel_line(snapshot: Snapshot, label: str, **over: object) -> str:
    """The row of the first panel with this label, 38 cells."""
    return next(line for line in lines(snapshot, **over) if line[1:].startswith(label))[1:39]


# --- the column grid -------------------------------------------------------------------------------------------------


def test_the_header_has_the_columns_of_the_look_at_120() -> None:
    rows = lines(stop())
    verdict, memory, gate, following = rows[1], rows[2], rows[3], rows[4]
    assert verdict[1:8] == "VERDICT"
    assert memory[1:7] == "MEMORY"
    assert gate[1:5] == "GATE"
    assert following[1:5] == "NEXT"
    assert verdict[10] == "■"
    assert verdict[12:16] == "STOP"
    assert memory[10:18] == "▲ 0.9 GB"
    assert memory[34:67] == "━" * 33
    assert memory[67] == "┃"
    assert memory[72:81] == "floor 1.0"
    assert memory[84:95] == "below floor"
    assert memory[:119].endswith("ollama 4.9")
    assert gate[50:70] == "gameplay by 02:00:00"
    assert gate[:119].endswith("workers")


def test_the_next_row_says_why_its_key_does_nothing() -> None:
    stopped = stop()
    problem = "launch.py is not in /x"
    seen = replace(stopped, pool=replace(stopped.pool, problem=problem))
    assert lines(seen)[4].rstrip().endswith(f"▲ {problem}")
    assert "▲" not in lines(stopped)[4]


def test_a_panel_has_the_columns_of_the_look() -> None:
    line = panel_line(mixed(), "ui expl")
    assert line[:7] == "ui expl"
    assert line[10] == "●"
    assert line[12:17] == "  113"
    assert line[17:23] == "    +9"
    assert line[23] == " "
    assert set(line[24:30]) <= set(UNICODE.sparks + " ")
    assert line[30:38] == "    high"


@pytest.mark.parametrize(
    ("elapsed_s", "value", "remark"),
    [
        (300.0, 113.0, "5-20"),
        (899.0, 113.0, "5-20"),
        (900.0, 113.0, "high"),
        (1800.0, 113.0, "high"),
        (2700.0, 113.0, "high"),
        (2701.0, 113.0, "5-20"),
        (7200.0, 113.0, "5-20"),
        (1799.0, 1.0, "5-20"),
        (1800.0, 1.0, "low"),
        (2701.0, 1.0, "5-20"),
    ],
)
def test_a_range_is_compared_near_its_time_only(elapsed_s: float, value: float, remark: str) -> None:
    seen = mixed()
    first, *others = seen.workers
    parts = tuple(replace(part, value=value) if part.id == "ui_exploration" else part for part in first.components)
    workers = (replace(first, components=parts), *others)
    seen = replace(seen, workers=workers, run=replace(seen.run, elapsed_s=elapsed_s))
    assert panel_line(seen, "ui expl")[30:38].strip() == remark


def test_a_tall_panel_draws_the_trend_on_its_own_line_from_column_10_to_37() -> None:
    rows = lines(healthy())
    at = next(i for i, row in enumerate(rows) if row[1:].startswith("ui expl"))
    assert rows[at][25:39].strip() == "high 5-20"
    assert rows[at][38] == "0"
    assert not rows[at + 1][1:11].strip()
    assert set(rows[at + 1][11:39]) <= set(UNICODE.sparks + " ")


def test_the_table_puts_numbers_under_each_other() -> None:
    rows = lines(stop(5), 80, 24)
    heads = next(row for row in rows if "STEP/S" in row)
    at = {name: heads.index(name) for name in ("UI EXPL", "INTRINS", "SYSTEM2", "META-SEQ", "UI→GP*")}
    assert list(at.values()) == [18, 27, 36, 45, 54]
    assert heads[66:72] == "STEP/S"
    assert heads[73:79] == "RSS GB"
    for row in rows:
        if re.match(r" [ ▸] ● w\d", row):
            assert row[18:26] == "— ABSENT"
            assert row[54:60] == "○    0"
            assert re.fullmatch(r"[ ▲]*\d+\.\d\d", row[64:72])


# --- never a zero that was not seen ----------------------------------------------------------------------------------


def test_an_absent_component_has_a_word_and_no_number() -> None:
    line = panel_line(stop(), "ui expl")
    assert line[10:].startswith("— ABSENT never seen")
    assert not re.search(r"\b0\b", line)


def test_an_absent_component_that_was_there_says_since_when() -> None:
    base = healthy()
    part = replace(
        base.workers[0].components[0], state=S.ABSENT, value=None, samples_with_key=900, since_t=START + 600.0
    )
    worker = replace(base.workers[0], components=(part, *base.workers[0].components[1:]))
    line = panel_line(replace(base, workers=(worker, *base.workers[1:])), "ui expl")
    assert "— ABSENT since 14:12" in line


def test_stale_and_down_keep_the_last_value_in_a_quiet_voice_without_change_or_trend() -> None:
    shown = "\n".join(lines(mixed()))
    assert "× 104 last" in re.sub(" +", " ", shown)
    assert "~ 113 stale" in re.sub(" +", " ", shown)
    row = next(row for row in rows_of(mixed(), 120, 40) if "104" in plain(row))
    assert next(span for span in row if "104" in span.text).token == "muted"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_memory_that_was_not_observed_is_never_a_number(screen: str, size: tuple[int, int]) -> None:
    shown = text_of(no_memory(), *size, screen)
    assert "MEMORY   ◌ not observed" in shown
    assert not re.search(r"\b0\.0+ (GB|M/m)", shown)


def test_nothing_known_of_a_starting_worker_is_no_number() -> None:
    shown = text_of(waiting(), 120, 40)
    panel = [line[1:39] for line in shown.splitlines() if line[1:].startswith(("ui expl", "intrinsic", "step/s"))]
    assert panel
    for line in panel:
        assert not re.search(r"\d", line[:30]), line
    assert "no data" in shown


def test_an_environment_that_cannot_be_read_is_no_failure() -> None:
    base = healthy()
    worker = replace(base.workers[0], env=EnvView(0, 14, (), (), "not permitted"))
    shown = text_of(replace(base, workers=(worker, *base.workers[1:])), 120, 40)
    assert "? not permitted" in shown
    assert "0/14" not in shown


def test_a_nan_is_bad_and_says_how_long() -> None:
    shown = "\n".join(lines(mixed()))
    assert "!   NaN BAD 2m10s" in shown


# --- the header ------------------------------------------------------------------------------------------------------


def background(row: Row) -> set[str]:
    return {span.on for span in row if span.text}


def test_the_verdict_row_is_a_ladder_of_loudness() -> None:
    go = rows_of(healthy(), 120, 40)[1]
    assert background(go) == {"surface"}
    caution = rows_of(replace(healthy(), verdict=replace(healthy().verdict, kind=VerdictKind.TUNE_EPSILON)), 120, 40)[
        1
    ]
    assert background(caution) == {"surface", "warnband"}
    assert any(span.on == "warnband" and "TUNE EPSILON" in span.text for span in caution)
    loud = rows_of(stop(), 120, 40)[1]
    assert background(loud) == {"critband", "critbadge"}
    unknown = rows_of(validating(), 120, 40)[1]
    assert any(span.text == "VALIDATING" and span.token == "unknown" for span in unknown)


@pytest.mark.parametrize("wide", [40, 44, 50, 60, 80, 120])
def test_the_word_and_since_outlive_the_evidence(wide: int) -> None:
    row = lines(stop(), wide, 24)[1]
    assert "■ STOP" in row
    assert "00:30:04" in row


@pytest.mark.parametrize("wide", [40, 50, 60, 80, 100, 120, 160, 200])
def test_memory_in_gb_is_there_at_every_width(wide: int) -> None:
    row = lines(healthy(), wide, 24)[2]
    assert "● 4.2 GB free of 15.6" in row
    if wide >= 60:
        assert "ollama 4.9" in row


def test_validating_says_what_it_would_be() -> None:
    assert "would be CONTINUE" in lines(validating())[1]
    assert "next check in 00:37" in lines(validating())[3]


def test_a_headline_that_changed_lately_says_what_it_was() -> None:
    fresh = stop()
    fresh = replace(fresh, verdict=replace(fresh.verdict, since_t=fresh.t - 30, because=("a reason",)))
    assert "was VALIDATING" in lines(fresh)[1]
    assert "was VALIDATING" not in lines(stop())[1]


def test_an_oom_kill_is_the_first_thing_memory_says() -> None:
    assert "OOM kill 1 of w3" in lines(mixed())[2]


def test_a_forecast_takes_its_place_when_there_is_one() -> None:
    base = stop()
    forecast = Forecast(base.t + 1140, 360.0, -53e6, "OOM in ~19m ±6m at 15:16")
    shown = lines(replace(base, hosts=hosts_of(replace(base.memory, forecast=forecast, below_floor_since_t=None))))
    assert "OOM in ~19m ±6m at 15:16" in shown[2]
    assert any("15:16 ±6m" in row for row in shown[5:])


def test_who_only_looks_is_shown_who_holds_the_pool() -> None:
    assert "read-only   controlled by pid 4711 on pts/3" in lines(observer(), 200, 60)[0]
    assert "read-only" in lines(observer())[0]
    base = healthy()
    alone = replace(base, pool=replace(base.pool, read_only=True))
    assert "read-only" in lines(alone)[0]
    assert isinstance(alone.pool, PoolReading)


def test_only_keys_that_work_now_are_hinted() -> None:
    shown = "\n".join(lines(observer()))
    assert " X stop" not in shown
    assert "[m]" in shown
    assert "[l]" not in shown
    row = page_of(observer(), 120, 40).top[4] if len(page_of(observer(), 120, 40).top) > 5 else ()
    assert not any(span.token == "accent" for span in row)


def test_paused_and_late_stand_where_live_stands() -> None:
    assert "◌ PAUSED" in lines(healthy(), mode="paused")[0]
    assert "~ LAG 6s" in lines(healthy(), mode="lag", late_s=6.0)[0]


# --- density ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "size", "kind", "shape", "per_row"),
    [
        (1, (80, 24), "panels", 8, 1),
        (2, (80, 24), "panels", 8, 2),
        (3, (80, 24), "table", 0, 1),
        (3, (120, 40), "panels", 16, 3),
        (4, (120, 40), "panels", 9, 2),
        (5, (120, 40), "panels", 9, 3),
        (6, (120, 40), "panels", 9, 3),
        (7, (120, 40), "table", 0, 1),
        (12, (160, 50), "panels", 9, 4),
        (13, (160, 50), "table", 0, 1),
        (25, (200, 60), "panels", 8, 5),
        (26, (200, 60), "grid", 0, 1),
        (16, (80, 24), "table", 0, 1),
        (24, (80, 12), "grid", 0, 1),
        (64, (80, 24), "grid", 0, 1),
    ],
)
def test_panels_where_they_fit_else_the_table_else_the_grid(
    workers: int, size: tuple[int, int], kind: str, shape: int, per_row: int
) -> None:
    found = choose(workers, *size)
    assert (found.kind, found.shape, found.per_row) == (kind, shape, per_row)


@pytest.mark.parametrize(("wide", "per_row"), [(80, 2), (120, 3), (160, 4), (200, 5)])
def test_full_rows_of_panels_are_38_cells_wide(wide: int, per_row: int) -> None:
    assert choose(per_row, wide, 60).panel_cells == 38


def test_a_free_slot_of_the_panels_takes_memory() -> None:
    rows = lines(stop(5))
    at = next(i for i, row in enumerate(rows) if "w3 :5003" in row)
    assert rows[at][81:87] == "MEMORY"


def test_a_forced_density_is_named_and_scrolls_to_the_selected() -> None:
    shown = text_of(many(16), 80, 24, state=chosen(15, "panels"))
    assert "panels" in shown
    assert "w15 :5015" in shown


def test_attention_first_is_asked_for_never_done_alone() -> None:
    by_slot = [row for row in lines(many(16)) if re.match(r"w\d+ ", row[5:9])]
    assert "w0" in by_slot[0]
    sorted_ = lines(many(16), state=UiState(sort="worst"))
    first = next(row for row in sorted_ if re.match(r"w\d+ ", row[5:9]))
    assert "w13" in first


@pytest.mark.parametrize("by", [sort for sort in sorts(many(16)) if sort not in ("id", "worst")])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_sort_puts_the_highest_first_and_who_has_no_number_last(by: str, inverted: bool) -> None:
    number = {
        "step/s": lambda w: w.step_rate, "rss": lambda w: w.rss_bytes,
        "growth": lambda w: w.rss_growth_bytes_per_min, "age": lambda w: w.age_s,
    }.get(by, lambda w: next(part.value for part in w.components if part.id == by))  # fmt: skip
    shown = [number(worker) for worker in in_order(many(16), sort=by, inverted=inverted)]
    known = [value for value in shown if value is not None]
    assert shown == sorted(known, reverse=not inverted) + [None] * (len(shown) - len(known))


def test_the_order_is_named_and_every_sort_can_be_reached_and_left() -> None:
    seen, by = [], "id"
    for _ in sorts(many(3)):
        seen.append(by)
        by = next_sort(many(3), by, 1)
    assert (tuple(seen), by) == (sorts(many(3)), "id")
    assert next_sort(many(3), "id", -1) == "age"
    assert next_sort(None, "a number of another configuration", 1) == "worst"
    assert "by rss, highest first" in text_of(many(16), 80, 24, state=UiState(sort="rss"))
    assert "by id, highest first" in text_of(many(16), 80, 24, state=UiState(inverted=True))


# --- elements --------------------------------------------------------------------------------------------------------


def test_the_gauge_shows_the_distance_to_the_floor() -> None:
    row = plain(gauge(15.6 * GB, 4.2 * GB, GB, 36, "ok", UNICODE))
    assert row == "━" * 26 + "─" * 7 + "┃" + "──"
    full = gauge(15.6 * GB, 0.0, GB, 36, "crit", UNICODE)
    assert plain(full) == "━" * 33 + "┃" + "━━"
    assert next(span for span in full if span.text == "┃").token == "crit"


def test_half_a_cell_is_drawn() -> None:
    assert plain(gauge(100.0, 94.0, 1.0, 10, "ok", UNICODE)).startswith("╸")
    assert plain(gauge(100.0, 84.0, 1.0, 10, "ok", UNICODE)).startswith("━╸")


def test_a_sparkline_is_growth_with_gaps_never_a_ramp() -> None:
    assert plain(sparkline((0, 1, 0, 3, 0, 0), 6, 300, True, UNICODE)) == " ▃ ▇  "
    assert plain(sparkline((0.0,) * 6, 6, 300, False, UNICODE)) == "      "
    # One step of a counter stays small; a level takes its own highest as the scale.
    assert plain(sparkline((0, 0, 1), 3, 600, True, UNICODE)) == "  ▃"
    assert plain(sparkline((0, 0, 0.01), 3, 600, False, UNICODE)) == "  ▇"


def test_a_young_trend_stands_at_the_right_edge() -> None:
    assert plain(sparkline((3, 3), 6, 300, True, UNICODE)) == "    ▇▇"


def test_buckets_are_added_up_never_thinned_out() -> None:
    trend = tuple(float(i % 2) for i in range(60))
    assert per_cell(6, 60.0) == 5
    assert shown_s(6, 60.0) == 1800.0
    row = plain(sparkline(trend, 6, 60.0, True, UNICODE))
    assert row.strip()
    assert " " not in row


def test_change_is_new_for_two_polls_then_bold_for_a_minute_then_plain() -> None:
    snapshot = validating()
    assert freshness(snapshot.t - 2, snapshot) == "new"
    assert freshness(snapshot.t - 3, snapshot) == "recent"
    assert freshness(snapshot.t - 60, snapshot) == "recent"
    assert freshness(snapshot.t - 61, snapshot) == ""


def test_with_reduced_motion_a_change_is_bold_at_once_and_never_reversed() -> None:
    snapshot = validating()
    assert freshness(snapshot.t, snapshot, motion="reduced") == "recent"
    assert freshness(snapshot.t - 61, snapshot, motion="reduced") == ""
    quiet = with_environment(defaults(), {"NO_MOTION": "1"})
    for wide, high, density in ((80, 24, "table"), (120, 40, "panels"), (120, 40, "grid")):
        full, reduced = (
            sum(span.reverse or span.on == "critbadge" for row in rows for span in row)
            for rows in (
                rows_of(snapshot, wide, high, state=chosen(density=density), config=config)
                for config in (defaults(), quiet)
            )
        )
        assert full > reduced == 0, density


def test_what_was_there_when_first_seen_is_not_news() -> None:
    snapshot = healthy(3, 40)
    assert freshness(snapshot.t, snapshot, first_t=snapshot.t - 1) == ""
    assert freshness(START + 3, snapshot) == ""


def test_a_new_state_is_reversed_and_a_new_down_stands_on_the_critical_badge() -> None:
    rows = rows_of(validating(), 80, 24)
    down = next(row for row in rows if "DOWN 1s" in plain(row))
    assert next(span for span in down if "DOWN" in span.text).on == "critbadge"
    played = next(row for row in rows if "gameplay " in plain(row) and "w1" in plain(row))
    assert any(span.reverse and span.text == "3" for span in played)


def test_attention_marks_end_the_title_and_outlive_a_long_state() -> None:
    base = mixed()
    worker = replace(base.workers[1], ui_state="a_state_with_a_very_long_name_indeed")
    shown = lines(replace(base, workers=(base.workers[0], worker, *base.workers[2:])))
    title = next(row for row in shown if ":5001" in row)
    assert "◌ unproven" in title
    assert "…" in title


def test_what_all_share_is_no_mark() -> None:
    assert sum("×200" in row for row in lines(stop())[6:]) == 2
    assert "▲ 5 need attention" in "\n".join(lines(stop())), "what all share needs attention all the same"


def test_the_tree_lights_the_path_taken() -> None:
    rows = rows_of(stop(), 120, 60, "verdict")
    asked = next(row for row in rows if "Are the metrics" in plain(row))
    assert any(span.on == "critbadge" and "STOP" in span.text for span in asked)
    assert any("━" in span.text and span.token == "crit" for span in asked)
    calm = rows_of(healthy(), 120, 60, "verdict")
    light = next(row for row in calm if "Are the metrics" in plain(row))
    assert "━" not in plain(light)
    lit = next(row for row in calm if "LAUNCH 24H" in plain(row) and "Memory" in plain(row))
    assert any("━" in span.text and span.token == "ok" for span in lit)


def test_the_verdict_screen_shows_causes_checks_and_commands() -> None:
    shown = text_of(stop(), 120, 90, "verdict")
    for phrase in (
        "config not loaded",
        "0.93",
        "confirm",
        "metabonk-tui stop",
        "05:00  ■ FAIL",
        "0 / 9020",
        "CHANGES WHEN",
    ):
        assert phrase in shown


def test_the_worker_screen_shows_all_there_is() -> None:
    shown = text_of(mixed(), 120, 120, "worker", state=chosen(2))
    for phrase in (
        "41227", ":5002", "dynamic_ui_exploration_actions", "1804/1804", "NaN", "14/14", "stream_ok", "null",
        "worker_id", "first seen", "highest in this run 1.66",
    ):  # fmt: skip
        assert phrase in shown, phrase


def test_missing_and_wrong_environment_is_named_key_by_key() -> None:
    base = healthy()
    env = EnvView(12, 14, ("METABONK_META_LEARNING",), (("METABONK_SYSTEM2_ENABLED", "0", "1"),), None)
    shown = text_of(replace(base, workers=(replace(base.workers[0], env=env), *base.workers[1:])), 120, 60, "worker")
    assert "MISSING  METABONK_META_LEARNING" in shown
    assert "METABONK_SYSTEM2_ENABLED is 0, should be 1" in shown


# --- moving about ----------------------------------------------------------------------------------------------------


def move(snapshot: Snapshot, slot: int, command: str, wide: int = 120, high: int = 40) -> WorkerRef | None:
    state = SCREENS["dashboard"].do(command, frame_of(snapshot, wide, high, state=chosen(slot)))
    return state.ref if state else None


def test_the_cursor_walks_as_the_panels_stand() -> None:
    five = stop(5)
    assert move(five, 0, "right") == w(1)
    assert move(five, 1, "down") == w(4)
    assert move(five, 2, "down") == w(4)
    assert move(five, 4, "up") == w(1)
    assert move(five, 0, "up") == w(0)
    assert move(five, 4, "right") == w(4)
    assert move(five, 4, "next") == w(0)
    assert move(five, 0, "previous") == w(4)
    assert move(five, 0, "end") == w(4)


def test_the_cursor_walks_as_the_table_stands() -> None:
    assert move(many(16), 3, "down") == w(4)
    assert move(many(16), 3, "up") == w(2)


def test_a_filter_never_leaves_the_cursor_on_a_hidden_worker() -> None:
    frame = frame_of(mixed(), 120, 40, state=chosen(0, filter="w3"))
    assert frame.worker is not None
    assert frame.worker.slot == 3


# --- plain text ------------------------------------------------------------------------------------------------------


def test_the_verdict_as_text_has_word_reasons_memory_components_and_commands() -> None:
    shown = verdict_text(stop())
    first = shown.splitlines()[0]
    assert first.startswith("STOP since 00:30:04")
    for phrase in (
        "0.9 GB available of 15.6", "6 FAIL", "UI exploration: ABSENT on w0-w4", "1 0.93 config not loaded",
        "then relaunch 3 workers with the env file: metabonk-tui launch 3", "changes when any component key",
    ):  # fmt: skip
        assert phrase in shown, phrase
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_a_worker_with_an_attention_mark_is_said_in_a_sentence_when_many_are_watched() -> None:
    shown = text_of(many(64), 80, 24)
    assert "ATTENTION" in shown
    assert "w13      × OOM KILL 2m10s" in shown
    assert "w21 w22  — ABSENT" in shown, "those with the same reason share a line"


def test_every_attention_level_has_a_glyph() -> None:
    base = healthy()
    workers: list[WorkerView] = []
    for worker, level in zip(base.workers, ("caution", "stop", "unknown"), strict=True):
        workers.append(replace(worker, attention=(Attention("odd", level, "odd"),)))
    shown = text_of(replace(base, workers=tuple(workers)), 120, 40)
    assert "▲ odd" in shown
    assert "■ odd" in shown
    assert "◌ odd" in shown
