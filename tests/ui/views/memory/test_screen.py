"""The memory screen says what is so: missing is a word, a peak has its source, a forecast its doubt."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.memory import Forecast, PeakSource
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.glyphs import UNICODE
from tests.support.draw import chosen, page_of, text_of
from tests.support.snapshots import SCENES, healthy, hosts_of, leak, learning


def shown(snapshot: Snapshot, wide: int = 120, high: int = 60) -> str:
    return text_of(snapshot, wide, high, "memory")


def with_memory(snapshot: Snapshot, **over: object) -> Snapshot:
    return replace(snapshot, hosts=hosts_of(replace(snapshot.memory, **over)))  # type: ignore[arg-type]


def with_source(base: Snapshot, source: PeakSource, fits: int = 421) -> Snapshot:
    assert base.memory.budget is not None
    return with_memory(base, budget=replace(base.memory.budget, worker_source=source, fits=fits))


@pytest.mark.parametrize(
    ("source", "wide", "narrow"),
    [
        ("this run", "fits 421 workers\n", "fits 421 workers\n"),
        ("earlier run", "fits 421 workers\n", "fits 421 workers\n"),
        ("config", "fits 421 workers assumed", "fits ~421 workers"),
        ("start-up", "fits 421 workers starting", "fits ~421 workers"),
    ],
)
def test_a_number_that_rests_on_no_full_measurement_says_so(source: PeakSource, wide: str, narrow: str) -> None:
    assert wide in text_of(with_source(healthy(), source), 120, 40)
    assert narrow in text_of(with_source(learning(), source), 80, 24)


def test_what_was_not_observed_is_a_word_and_never_a_zero() -> None:
    nothing = with_memory(
        healthy(), reading=MemoryReading(), history=(), owners=(), budget=None, growth=(), level="unknown"
    )
    bare = replace(nothing, workers=())
    screen_text = shown(bare)
    assert screen_text.count("not observed") >= 7
    body = screen_text.split("AVAILABLE")[1]
    assert not any(f" {zero}" in body for zero in ("0.0", "0.00", "+0"))


def test_a_process_without_a_known_growth_has_none_written() -> None:
    (row,) = [line for line in shown(leak()).splitlines() if line.startswith(" other")]
    assert row.split("3.50")[1][:20].strip() == "?"
    assert "total" in shown(leak())


def test_the_forecast_has_its_doubt_and_its_condition() -> None:
    screen_text = shown(leak())
    assert "OOM in ~19m ±6m, if this trend holds" in screen_text
    assert "at zero between 15:10 and 15:22" in screen_text
    assert "━━ OOM 15:16 ±6m ━━" in screen_text


@pytest.mark.parametrize(("left_h", "is_named"), [(3.9, True), (4.1, False), (21.0, False)])
def test_a_fall_is_named_on_the_screen_only_where_the_header_names_it(left_h: float, is_named: bool) -> None:
    base = healthy()
    zero_t = base.t + left_h * 3600
    words = f"OOM ~{left_h:g}h ±2h, if this trend holds"
    falls = Forecast(zero_t, 7200.0, -5e6, words, zero_lo_t=zero_t - 7200, zero_hi_t=zero_t + 7200)
    drawn = shown(with_memory(base, forecast=falls))
    header, below = drawn.splitlines()[2], "\n".join(drawn.splitlines()[5:])
    assert ("OOM" in header) == ("OOM ~" in below) == is_named
    assert ("no crossing seen within 4h" in below) is not is_named


def test_a_small_amount_is_not_written_as_zero() -> None:
    base = healthy()
    assert base.memory.budget is not None
    tiny = with_memory(base, budget=replace(base.memory.budget, worker_bytes=47_000_000, worker_source="this run"))
    drawn = text_of(tiny, 200, 60)
    assert "need/worker 0.05 GB" in drawn
    assert re.search(r"worker +0\.05 GB each, measured", drawn)


def test_while_it_learns_no_line_is_drawn() -> None:
    drawn = shown(learning())
    assert "learning: 2 of 5 min" in drawn
    assert "slope" not in drawn
    known = Forecast(None, None, -5e6, "", state="STEADY")
    assert "slope -5 MB/min" in shown(with_memory(learning(), forecast=known))


def test_after_a_kill_the_kill_is_reported_and_no_band_is_drawn() -> None:
    killed = with_memory(leak(), oom_kills_in_run=2, oom_since_t=leak().t - 300, oom_victims=("ollama",))
    screen_text = shown(killed)
    assert "2 in this run (ollama)" in screen_text
    assert "━━ OOM" not in screen_text


def test_swap_and_gpus_that_are_not_there_are_named() -> None:
    base = healthy()
    assert base.memory.reading is not None
    without = replace(base.memory.reading, swap_total_bytes=0, swap_used_bytes=0)
    screen_text = shown(with_memory(base, reading=without, gpus=()))
    assert "swap           none" in screen_text
    assert "GPU memory     no GPU " in screen_text
    assert "no way to ask" not in screen_text
    assert "GPU memory     none, or not readable" in shown(base)
    busy = shown(learning())
    assert "swap thrashing: +120 MB/min" in busy
    assert "GPU 0 memory" in busy
    assert "3.0 of 8.0 GB used" in busy


def test_a_budget_that_fits_nobody_says_so_and_marks_every_number() -> None:
    screen_text = " ".join(shown(learning()).split())
    assert "not even one worker fits above the floor" in screen_text
    assert "3 x 1.20 (assumed) + Ollama 4.90 (assumed) + floor 1.00 = 9.50 GB of 6.50 GB" in screen_text
    assert "best" not in screen_text


@pytest.mark.parametrize("scene", [name for name in SCENES if name != "hostile"])
def test_it_can_be_drawn_at_any_size(scene: str) -> None:
    for size in ((80, 24), (120, 40), (200, 60), (40, 12), (20, 5), (120, 7), (26, 30), (1, 1)):
        page = page_of(SCENES[scene](), *size, "memory")
        rows, _ = page.compose(*size, 0, UNICODE)
        assert len(rows) == size[1] or size[1] < 4, size


def test_the_title_says_what_was_available_at_the_begin_of_the_chart() -> None:
    assert re.search(r"AVAILABLE .* 6\.0 at 14:27, now 1\.0 ", shown(leak(), 80, 24))
    whole = text_of(leak(), 80, 24, "memory", state=chosen(span=5))
    assert re.search(r"AVAILABLE  the whole run.* 6\.0 at 14:27   slope", whole), (
        "the header has what is available now"
    )
    assert " now 1.0 " not in shown(leak(), 60, 24)
    unread = with_memory(leak(), history=())
    assert " now 1.0 " not in shown(unread, 80, 24)
