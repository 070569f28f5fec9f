"""The status summary and its line: what they show and leave out, when they are stale, and hostile text."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.export.status_line import (
    ASCII,
    UNICODE,
    age_s,
    exit_code,
    fault,
    is_stale,
    line,
    most_severe,
    tmux,
)
from metabonk_tui.core.export.status_summary import summarize
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.ui.style.glyphs import ASCII as UI_ASCII
from metabonk_tui.ui.style.glyphs import UNICODE as UI_UNICODE
from tests.support import snapshots as scenes
from tests.support.snapshots import hosts_of

NOW = 1_800_000_000.0


def summary_of(snapshot: Snapshot, **over: Any) -> dict[str, Any]:
    """Make the brief of a Snapshot, as it comes back from the file."""
    made = summarize(snapshot, speed=1.0, pool=("127.0.0.1", 5000), written_at=NOW, pid=4711)
    return json.loads(json.dumps(made)) | over  # type: ignore[no-any-return]


def falling(state: Any) -> Snapshot:
    one = scenes.stop()
    forecast = Forecast(one.t + 1140, 360.0, -5e7, "OOM ~19m ±6m, if this trend holds", state)
    return replace(one, hosts=hosts_of(replace(one.memory, forecast=forecast)))


def test_it_holds_what_a_line_needs_and_nothing_that_cannot_be_written() -> None:
    summary = summary_of(scenes.stop())
    assert summary["run"] == {"name": "run-1767309258", "elapsed_s": 3304.0}
    assert summary["verdict"]["word"] == "STOP"
    assert (summary["verdict"]["level"], summary["verdict"]["since_s"]) == ("stop", 1804.0)
    assert summary["workers"] == {"up": 5, "desired": 5, "attention": 5, "waiting": 0}
    assert summary["memory"]["available_bytes"] == 900_000_000
    assert summary["gate"] == {"phase": "gameplay", "checks": 6, "passed": 0, "failed": 6, "to_come": 0}
    assert summary["next"] == {"key": "X", "text": "stop the pool"}
    assert summary["recording"] is None
    assert (summary["host"], summary["base_port"], summary["pid"], summary["ended"]) == (
        "127.0.0.1",
        5000,
        4711,
        False,
    )


def test_its_interval_is_real_time() -> None:
    one = scenes.stop()
    fast = summarize(one, speed=60.0, pool=("h", 1), written_at=NOW, pid=1)
    assert fast["interval_s"] == round(one.run.interval_s / 60, 3)


def test_a_worker_that_does_not_answer_is_not_up() -> None:
    one = scenes.stop()
    down = replace(one.workers[0], reach=Reach.DOWN)
    assert summary_of(replace(one, workers=(down, *one.workers[1:])))["workers"]["up"] == 4


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (scenes.stop(), "■ STOP 25m · 5/5 up · 0.9 GB free ▼ below floor · gate 6/6 failed"),
        (falling("CRITICAL"), "■ STOP 25m · 5/5 up · 0.9 GB free ▼ OOM ~19m · gate 6/6 failed"),
        (falling("LEARNING"), "■ STOP 25m · 5/5 up · 0.9 GB free ▼ below floor · gate 6/6 failed"),
        (scenes.healthy(), "● LAUNCH 24H 0s · 3/3 up · 4.2 GB free · gate 6/6 passed"),
    ],
)
def test_the_line(snapshot: Snapshot, expected: str) -> None:
    assert line(summary_of(snapshot), NOW, UNICODE) == expected


def test_what_could_not_be_observed_is_said_to_be_so() -> None:
    one = scenes.healthy()
    blind = replace(one, hosts=hosts_of(replace(one.memory, reading=None)))
    assert "memory not observed" in line(summary_of(blind), NOW, UNICODE)
    assert "GB" not in line(summary_of(blind), NOW, UNICODE)


def test_what_is_not_recorded_is_said_before_the_gate() -> None:
    one = replace(scenes.stop(), recording=False)
    assert line(summary_of(one), NOW, UNICODE).endswith("not recorded")
    assert "record" not in line(summary_of(replace(one, recording=None)), NOW, UNICODE)


def test_an_oom_kill_beats_the_forecast() -> None:
    one = falling("WARNING")
    killed = replace(one, hosts=hosts_of(replace(one.memory, oom_kills_in_run=2)))
    assert "▼ OOM kill 2" in line(summary_of(killed), NOW, UNICODE)


@pytest.mark.parametrize("word", VerdictKind)
def test_its_exit_code_is_that_of_check(word: VerdictKind) -> None:
    one = scenes.healthy()
    summary = summary_of(replace(one, verdict=replace(one.verdict, kind=word)))
    assert exit_code(summary, NOW) == word.exit_code
    assert exit_code(summary, NOW + 3600) == 3
    assert exit_code(summary | {"ended": True}, NOW) == 3


@pytest.mark.parametrize(
    ("interval_s", "later_s", "stale"),
    [
        (1.0, 0.0, False),
        (1.0, 10.0, False),
        (1.0, 10.1, True),
        (60.0, 180.0, False),
        (60.0, 180.1, True),
        (None, 10.1, True),
        (1.0, -5.0, False),
        (1.0, -5.1, True),
    ],
)
def test_stale_is_what_three_intervals_did_not_renew(interval_s: float | None, later_s: float, stale: bool) -> None:
    summary = summary_of(scenes.stop(), interval_s=interval_s)
    now = NOW + later_s
    assert is_stale(summary, now) is stale
    assert age_s(summary, now) == pytest.approx(later_s)
    for text in (line(summary, now, UNICODE), tmux(summary, now, UNICODE)):
        assert ("STALE" in text) is stale


def test_stale_says_how_old_it_is_and_what_was() -> None:
    summary = summary_of(scenes.stop())
    assert line(summary, NOW + 250, UNICODE).startswith("~ STALE for 4m, was ■ STOP 25m")
    assert line(summary, NOW - 7200, UNICODE).startswith("~ STALE -2h, was ■ STOP")
    assert line(summary | {"ended": True}, NOW + 250, UNICODE).startswith("◌ unwatched for 4m, was ■ STOP")


def test_of_several_pools_the_loudest_that_is_watched_is_reported() -> None:
    go, stop = summary_of(scenes.healthy()), summary_of(scenes.stop())
    later = go | {"written_at": NOW + 1}
    assert most_severe([go, stop, later], NOW) is stop
    assert most_severe([stop | {"ended": True}, go, later], NOW) is later
    old = [stop | {"written_at": NOW - 100}, go | {"written_at": NOW - 50}]
    assert most_severe(old, NOW) is old[1]
    assert line(go, NOW, UNICODE, pools=2).endswith(" free · :5000 of 2 pools")
    assert tmux(go, NOW, UNICODE, pools=3).endswith(" :5000")


@pytest.mark.parametrize("snapshot", [scenes.stop(), falling("CRITICAL"), scenes.healthy(), scenes.mixed()])
@pytest.mark.parametrize("later_s", [0.0, 1000.0])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("word", [VerdictKind.STOP, VerdictKind.ADD_MEMORY_WATCH, VerdictKind.VALIDATING])
def test_it_fits(snapshot: Snapshot, later_s: float, glyphs: dict[str, str], word: VerdictKind) -> None:
    snapshot = replace(snapshot, verdict=replace(snapshot.verdict, kind=word), recording=False)
    summary = summary_of(snapshot)
    plain = line(summary, NOW + later_s, glyphs, pools=3)
    assert len(plain) <= 70
    shown = shown_by_tmux(tmux(summary, NOW + later_s, glyphs, pools=3))
    assert len(shown) <= 40
    for text in (plain, shown):
        assert glyphs[word.level] + " " + word in text  # never by colour alone
        assert glyphs is UNICODE or text.isascii()


@pytest.mark.parametrize(
    ("because", "plain", "short"),
    [
        ("no pool found: no worker process, no answer", "no pool found", ""),
        (
            "host trainer-9.lan does not resolve: nothing is known",
            "host trainer-9.lan does not resolve",
            "host unknown",
        ),
    ],
)
def test_a_pool_that_is_waited_for_says_why(because: str, plain: str, short: str) -> None:
    summary = summary_of(scenes.stop())
    summary["verdict"] |= {"word": "WAITING", "level": "unknown", "because": [because]}
    summary["memory"] = {}
    assert f" · {plain}" in line(summary, NOW, UNICODE)
    assert short in tmux(summary, NOW, UNICODE)
    summary["verdict"] |= {"word": "STOP", "because": [because]}
    assert plain not in line(summary, NOW, UNICODE)


def shown_by_tmux(text: str) -> str:
    """Show it as tmux does: styles gone, two signs one."""
    shown, rest = "", text
    while rest:
        if rest.startswith("##"):
            shown, rest = shown + "#", rest[2:]
        elif rest.startswith("#["):
            rest = rest.partition("]")[2]
        else:
            assert not rest.startswith("#"), f"tmux would obey: {rest}"
            shown, rest = shown + rest[0], rest[1:]
    return shown


@example("#" * 60, "#[fg=red]" * 6, UNICODE)
@example("é#{x}" * 9, "\x1b[31m, →", ASCII)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([UNICODE, ASCII]))
def test_nothing_that_is_written_there_is_obeyed(word: str, forecast: str, glyphs: dict[str, str]) -> None:
    summary = summary_of(scenes.stop())
    summary["verdict"]["word"] = word
    summary["memory"]["forecast"] = {"state": "CRITICAL", "text": forecast}
    summary["next"] = {"key": "X", "text": word}
    plain = line(summary, NOW, glyphs)
    assert plain.isprintable()
    assert len(plain) <= 70
    shown = shown_by_tmux(tmux(summary, NOW, glyphs))
    assert shown.isprintable()
    assert len(shown) <= 40


def test_in_tmux_both_colours_are_said_and_end_where_they_began() -> None:
    text = tmux(summary_of(falling("CRITICAL")), NOW, UNICODE)
    assert text.startswith("#[fg=white,bg=red,bold]■ STOP#[default] 25m 5/5 0.9GB ")
    assert text.count("#[default]") * 2 == text.count("#[")
    assert tmux(summary_of(falling("CRITICAL")), NOW, ASCII).startswith("#[fg=white,bg=red,bold]## STOP#[default]")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(summary_of(scenes.stop()))), JUNK, max_size=6))
def test_what_is_no_brief_is_refused_and_what_is_one_is_written_whatever_it_holds(junk: dict[str, Any]) -> None:
    summary = summary_of(scenes.stop()) | junk
    if fault(summary):
        return
    for glyphs in (UNICODE, ASCII):
        assert line(summary, NOW, glyphs)
        assert tmux(summary, NOW, glyphs)
    assert exit_code(summary, NOW) in (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, "not a file of ours"),
        ([], "not a file of ours"),
        ({}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"schema": 2}, "newer metabonk-tui (schema 2)"),
        (summary_of(scenes.stop()) | {"schema": True}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"written_at": float("nan")}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"written_at": 10**400}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"verdict": "STOP"}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"verdict": {"word": "STOP", "level": "loud"}}, "not a file of ours"),
        (summary_of(scenes.stop()) | {"something": "unknown"}, ""),
    ],
)
def test_what_can_be_reported(document: object, expected: str) -> None:
    assert expected in fault(document)
    assert bool(expected) == bool(fault(document))


@pytest.mark.parametrize(("ours", "theirs"), [(UNICODE, UI_UNICODE), (ASCII, UI_ASCII)])
def test_its_glyphs_are_those_of_the_monitor(ours: dict[str, str], theirs: object) -> None:
    for name in ("go", "caution", "stop", "unknown", "stale", "ellipsis"):
        assert ours[name] == getattr(theirs, name)


def test_there_is_a_code_for_every_level() -> None:
    assert {word.level for word in VerdictKind} == set(levels.EXIT_CODES)
