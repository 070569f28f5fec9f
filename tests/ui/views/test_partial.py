"""A PARTIAL run: what never showed, check by check, beside its cause and the keys that the processes lack."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import NextStep, Snapshot, VerdictKind
from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.bars.header import is_next_whole
from metabonk_tui.ui.views.run.causes import FIX_ABOVE, cause_rows
from tests.support.draw import chosen, frame_of, text_of
from tests.support.rare_snapshots import over, partial
from tests.support.snapshots import accused, healthy

SIZES = ((80, 24), (120, 40), (200, 60))


@pytest.mark.parametrize("size", SIZES)
def test_the_gate_is_there_component_by_component_and_its_cause_beside_it(size: tuple[int, int]) -> None:
    screen_text = text_of(partial(), *size, state=chosen(0))
    (row,) = [line for line in screen_text.splitlines() if line.startswith(" intrinsic ") or "  intrinsic  " in line]
    assert row.count("—") >= 6
    assert "GATE  6 checks" in screen_text
    assert "1 0.91  config not loaded" in screen_text
    assert "VERDICT  ▲ PARTIAL  since 00:30:06" in screen_text
    assert "config not loaded 0.91" in screen_text.splitlines()[1]


@pytest.mark.parametrize("size", SIZES[1:])
def test_the_keys_are_there_in_the_file_and_in_the_processes(size: tuple[int, int]) -> None:
    screen_text = text_of(partial(), *size)
    assert "FILE AND PROCESS  5 of 6" in screen_text
    (row,) = [line for line in screen_text.splitlines() if "DYNAMIC_UI_EXPLORATION  " in line]
    assert "file 1" in row
    assert row.rstrip().endswith("— unset  2/2")


def test_a_narrow_screen_with_a_table_has_gate_and_keys_side_by_side() -> None:
    base = partial()
    many = replace(base, workers=(*base.workers, *(replace(each) for each in base.workers), base.workers[0]))
    screen_text = text_of(many, 80, 30)
    (title,) = [line for line in screen_text.splitlines() if "GATE  6 checks" in line]
    assert "FILE AND PROCESS" in title
    assert "and 2 more" in screen_text, "the cause stands above them, with its proof"


@pytest.mark.parametrize("make", [healthy, accused, over])
def test_no_other_word_has_these_panes(make: object) -> None:
    snapshot: Snapshot = make()  # type: ignore[operator]
    assert snapshot.verdict.kind is not VerdictKind.PARTIAL
    for size in SIZES:
        screen_text = text_of(snapshot, *size)
        assert "FILE AND PROCESS" not in screen_text
        assert "due on any worker" not in screen_text


@pytest.mark.parametrize("size", SIZES)
def test_the_component_that_moves_shows_by_its_answers_and_is_said_to_be_forced(size: tuple[int, int]) -> None:
    (row, *_) = [
        line for line in text_of(partial(), *size, state=chosen(0)).splitlines() if line.startswith("┃system2")
    ]
    assert row.startswith("┃system2   ●    14    +2")
    assert " forced" in row
    assert "2-10" not in row, "the range was declared for another number"


@pytest.mark.parametrize(("size", "need"), [((120, 40), "INTRINSIC_REWARD unset"), ((80, 24), "unset")])
def test_a_silent_component_says_what_it_needs(size: tuple[int, int], need: str) -> None:
    screen_text = text_of(partial(), *size, state=chosen(0))
    (row, *_) = [line for line in screen_text.splitlines() if line.startswith("┃intrinsic")]
    assert row.count(need) == 2
    assert "what it needs" in screen_text


def test_without_a_readable_environment_nothing_is_said_of_flags() -> None:
    base = partial()
    blind = replace(base, workers=tuple(replace(each, environment=None, env=None) for each in base.workers))
    screen_text = text_of(blind, 120, 40)
    assert "unset" not in "".join(line for line in screen_text.splitlines() if line.startswith("┃"))
    assert "forced" not in screen_text


def test_an_exported_file_that_lacks_one_key_forces_nothing() -> None:
    base = partial()
    values = {"METABONK_SYSTEM2_ENABLED": "1", "METABONK_SYSTEM2_TRIGGER_MODE": "smart"}
    exported = replace(base, workers=tuple(replace(each, environment=values) for each in base.workers))
    assert "forced" not in text_of(exported, 120, 40)


@pytest.mark.parametrize("size", SIZES)
def test_the_fix_stands_once_where_the_header_has_it_whole(size: tuple[int, int]) -> None:
    below_the_verdict = "\n".join(text_of(partial(), *size).splitlines()[2:])
    assert below_the_verdict.count("set -a;") == 1
    assert "set +a" in below_the_verdict


def test_a_fix_that_the_header_cuts_stands_with_its_cause() -> None:
    """Below 20 rows the header has one row for the next steps, and at 80 cells that cuts the fix."""
    assert [is_next_whole(frame_of(partial(), 80, high), partial()) for high in (11, 12, 19, 20)] == [
        *(False, False, False, True),
    ]
    drawn = "\n".join(plain(row) for row in cause_rows(partial().causes, 56, 12, UNICODE))
    assert "set +a" in drawn
    assert FIX_ABOVE not in drawn


def test_a_proof_that_does_not_fit_ends_in_an_ellipsis() -> None:
    whole, short = (
        "\n".join(plain(row) for row in cause_rows(partial().causes, 56, high, UNICODE, True)) for high in (12, 3)
    )
    assert "2/2 workers" in whole
    assert "…" not in whole
    assert short.endswith("…")


def test_next_keeps_every_step_whole() -> None:
    base = partial()
    steps = (
        NextStep(None, "read the log of w4, restart w4", None),
        NextStep("K", "stop the process of w3; its launcher starts it again", None, "then"),
        NextStep("l", "read the log of w2; then stop its process", None, "then"),
        NextStep("R", "restart the pool", None, "then"),
    )
    shown = text_of(replace(base, verdict=replace(base.verdict, next_steps=steps)), 80, 24)
    for step in steps:
        assert step.text in shown
    assert "…" not in "".join(shown.splitlines()[4:8])


@pytest.mark.parametrize("size", SIZES)
def test_a_run_that_is_over_leads_with_its_end_and_its_report(size: tuple[int, int]) -> None:
    first, verdict, _, gate, following = text_of(over(), *size).splitlines()[:5]
    assert "STOP ended" in verdict
    assert "the run is over: orchestrator" in verdict
    assert "metabonk-tui report last" in following
    assert "next check" not in gate
    assert "gameplay by" not in gate
    assert "01:34:26" in first


def test_gameplay_is_due_no_more_once_its_time_is_over() -> None:
    base = partial()
    late = replace(base, t=base.gate.gameplay_by_t + 1)
    assert "gameplay by" in text_of(base, 80, 24)
    assert "gameplay by" not in text_of(late, 80, 24)


@pytest.mark.parametrize("wide", range(40, 130))
def test_a_footer_without_keys_that_act_cuts_none_of_its_own(wide: int) -> None:
    last = text_of(partial(), wide, 24, read_only=True).splitlines()[-1]
    assert "…" not in last
