"""The strip of the run on the dashboard, live and in the past, as text."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.playback import Playback, RunSpan
from metabonk_tui.core.recordings.seek import EventMoment, Shift
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.strip_moves import strip_target
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.run.strip import strip_rows
from tests.support.draw import frame_of, text_of
from tests.support.samples import Answer, coarse, header, healthy, play, playing, room

MIN = 60.0
START = 1_795_817_400.0


def life(slot: int, t: float) -> Answer:
    minute = (t - START) / MIN
    if slot == 2 and 70 <= minute < 74:
        return "refused"
    return playing(slot, t - START) if minute > 20 else healthy(slot, t - START)


WHOLE = """\
 RUN  2 min a cell, 22:10 to 01:10; the worst of each cell ────────────────────────────────────────────────────────────
 verdict  ◌◌◌◌◌◌◌◌◌◌◌◌◌◌◌━━━━━━━━━━━━━━━━━━━━▲▲━━━━━━━━━━━━━━····━━━━━━━━━━━━━━━━━━━━▲▲▲▲▲▲━━━━━━━━━━┃ SUCCESS
 memory   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇····▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▁▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇┃ 4.0 GB
 worst    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━××━━━━━━━━━━━━━━····━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┃ all ok
                    └w0 plays                └DOWN
          22:10────────────────────23:00─────────────────────────00:00───────────────────────────01:10"""


def night() -> list[Snapshot]:
    """Three hours; no monitor watched from minute 100 to 110, memory fell below the floor at minute 150."""
    return play(
        coarse(
            life,
            every_s=60.0,
            for_s=180 * MIN,
            from_s=START,
            run=header(START, 3, 60.0),
            memory=lambda t: room(0.5 if 150 <= (t - START) / MIN < 152 else 4.0),
            blind=lambda t: 100 < (t - START) / MIN < 110,
        )
    )


def test_the_strip_shows_the_worst_of_each_cell_and_where_nobody_watched() -> None:
    newest = night()[-1]

    rows = [plain(row).rstrip() for row in strip_rows(frame_of(newest, 120, 40), newest, 6)]

    text = "\n".join(rows)
    assert text == WHOLE, text


def past(newest: Snapshot, shown: Snapshot) -> Playback:
    began_t = newest.run.started_at
    return Playback(
        t=shown.t, from_t=began_t, read_to_t=newest.t, ends_t=newest.t, whole=True, playing=False, speed=1.0,
        sample_t=shown.t, runs=(RunSpan(newest.run.name, began_t, began_t, newest.t, newest),),
    )  # fmt: skip


def test_in_the_past_the_strip_is_that_of_the_whole_run_and_the_cursor_is_the_moment_on_screen() -> None:
    snapshots = night()
    newest, shown = snapshots[-1], snapshots[60]
    frame = frame_of(shown, 120, 40, mode="replay", playback=past(newest, shown))

    live, replayed = strip_rows(frame_of(newest, 120, 40), newest, 6), strip_rows(frame, shown, 6)

    assert plain(replayed[1])[10:].index("┃") == 30
    assert plain(replayed[1])[10:40] == plain(live[1])[10:40]
    assert plain(replayed[1])[41:100] == plain(live[1])[41:100]


def test_keys_move_by_a_cell_and_by_a_mark() -> None:
    snapshots = night()
    newest, shown = snapshots[-1], snapshots[60]
    frame = frame_of(shown, 120, 40, mode="replay", playback=past(newest, shown))
    scale = all_screens()["dashboard"].strip_scale(frame)

    assert strip_target(frame, scale, "cell", -1) == Shift(-120.0)
    assert strip_target(frame, scale, "mark", 1) == EventMoment(START + 70 * MIN)
    assert strip_target(frame, scale, "mark", -1) == EventMoment(START + 30 * MIN)
    last = replace(frame, playback=replace(past(newest, shown), t=newest.t))
    assert strip_target(last, scale, "mark", 1) == "no mark after this one"
    assert strip_target(frame, None, "mark", 1) == Shift(60.0), "no strip on the screen"


def test_a_small_terminal_has_no_strip() -> None:
    newest = night()[-1]

    assert " RUN " not in text_of(newest, 80, 24)
    assert " RUN " in text_of(newest, 120, 40)
