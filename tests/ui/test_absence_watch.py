"""What changed since the operator looked: when it is shown, what it says, and that closing it does nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.absence import Look
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind
from metabonk_tui.core.report.absence import absence, cells_of
from metabonk_tui.core.run.looks import KEPT_EVENTS, begin, look_at, observe
from metabonk_tui.ui.absence_watch import AWAY_S, AbsenceWatch
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.dialogs.since import SinceDialog
from tests.support.draw import SCREENS
from tests.support.rare_snapshots import died
from tests.support.refs import w
from tests.support.samples import GB, at, by_slot, changed, down, healthy, phases, play, playing, room, script
from tests.support.snapshots import healthy as calm
from tests.support.snapshots import stop
from tests.ui.conftest import ScriptedMonitor, read_config
from tests.ui.person import Person

LEFT_T = 300.0


class Store:
    """Keeps looks in memory."""

    def __init__(self, look: Look | None = None) -> None:
        self.look = look
        self.written: list[Look] = []

    def read(self) -> Look | None:
        return self.look

    def write(self, look: Look) -> None:
        self.written.append(look)


def night() -> list[Snapshot]:
    """Three workers; memory has a low at 700, w1 exits at 500, plays again from 560; all play from 900 on."""
    lives = by_slot(
        phases((0.0, healthy), (900.0, playing)),
        phases((0.0, healthy), (500.0, down), (560.0, lambda slot, t: healthy(slot, t, 560.0)), (900.0, playing)),
        phases((0.0, healthy), (900.0, playing)),
    )
    samples = script(lives, for_s=2400, memory=lambda t: room(2.5 if 690 <= t <= 710 else 8.0), processes=table)
    died_of = {"exits": (ExitReading("worker", "1", worker=w(1)),)}
    return play([changed(sample, **died_of) if sample.t == 510.0 else sample for sample in samples])


def table(t: float) -> tuple:  # type: ignore[type-arg]
    from metabonk_tui.core.model.host import ProcessReading

    pids = {0: 41, 1: 42 if t < 500 else 52, 2: 43}
    return tuple(
        ProcessReading("worker", GB, worker=w(s), pid=pids[s], started_at=0.0 if pids[s] < 50 else 550.0)
        for s in range(3)
        if not (s == 1 and 500 <= t < 550)
    )


def followed(snapshots: Iterable[Snapshot], from_t: float) -> AbsenceWatch:
    watch = AbsenceWatch()
    for each in snapshots:
        watch.update(each)
        if each.t == from_t:
            watch.press(each.t)
    return watch


def test_it_says_what_happened_between_the_last_key_and_now() -> None:
    seen = followed(night(), LEFT_T).on_focus(LEFT_T + AWAY_S)
    assert seen is not None
    assert (seen.from_t, seen.to_t) == (LEFT_T, 2400.0)
    assert [(each.label, each.t, each.cause, each.up_after_s) for each in seen.restarts] == [
        ("w1", 500.0, "exited with code 1", 60.0)
    ]
    assert (seen.lowest_bytes, seen.lowest_t) == (int(2.5 * GB), 690.0)
    assert seen.played == (0, 3, 3)
    assert {label for label, _ in seen.reached} == {"w0", "w1", "w2"}
    assert seen.steps == pytest.approx(2100 + 2100 + 1840, abs=600)
    assert seen.steps_at_least, "the steps of w1 before its death are not known to be all"
    assert seen.gaps == ()


def test_following_costs_nothing_while_nothing_happens() -> None:
    quiet = play(script(healthy, for_s=120))
    track = begin(look_at(quiet[-2]), quiet[-2])
    assert observe(track, quiet[-2], quiet[-1]).events is track.events


def test_what_is_followed_and_what_a_snapshot_shows_agree() -> None:
    # A monitor that opens anew knows the look of the one before it, and only the newest Snapshot.
    snapshots = night()
    last = snapshots[-1]
    look = look_at(at(snapshots, LEFT_T))
    followed_one = followed(snapshots, LEFT_T).on_focus(LEFT_T + AWAY_S)
    opened = absence(begin(look, last), last)
    assert followed_one is not None
    assert opened.restarts == followed_one.restarts
    assert (opened.lowest_bytes, opened.steps, opened.played) == (
        followed_one.lowest_bytes,
        followed_one.steps,
        followed_one.played,
    )


def test_what_nobody_watched_is_said() -> None:
    base = calm()
    seen = replace(base, run=replace(base.run, gaps=(Gap(base.t - 900, base.t - 300),)))
    look = replace(look_at(base), t=base.t - 1200)
    result = absence(begin(look, seen), seen)
    assert result.gaps == (Gap(base.t - 900, base.t - 300),)
    assert cells_of(result, 4)[1] is None, "silence is not health"
    assert cells_of(result, 4)[3] is not None


def test_the_worst_word_between_is_named_with_its_time() -> None:
    base = calm()
    verdicts = (*base.verdicts, (base.t - 500, VerdictKind.STOP, ("w2 down",)), (base.t - 440, base.verdict.kind, ()))
    seen = replace(base, verdicts=verdicts)
    result = absence(begin(replace(look_at(base), t=base.t - 1000), seen), seen)
    assert result.worst is not None
    assert (result.worst.kind, result.worst.from_t, result.worst.lasted_s) == (VerdictKind.STOP, base.t - 500, 60.0)
    assert result.title == "It was STOP in between."


def test_another_run_has_no_numbers_to_compare() -> None:
    base = stop()
    seen = replace(base, run=replace(base.run, name="run-2"))
    result = absence(begin(replace(look_at(base), t=base.t - 1000), seen), seen)
    assert result.new_run.startswith("run-2 began")
    assert (result.steps, result.spans, result.growth_bytes) == (None, (), None)


def test_of_many_events_the_newest_are_kept_and_the_others_counted() -> None:
    lives = by_slot(lambda slot, t: healthy(slot, t % 20), healthy)
    snapshots = play(script(lives, workers=2, for_s=4200))
    track = begin(look_at(snapshots[0]), snapshots[0])
    for before, after in pairwise(snapshots):
        track = observe(track, before, after)
    assert len(track.events) == KEPT_EVENTS
    assert track.dropped > 0


@pytest.mark.parametrize(("away_s", "shown"), [(AWAY_S - 1, False), (AWAY_S, True)])
def test_the_focus_shows_it_only_after_ten_minutes_without_a_key(away_s: float, shown: bool) -> None:
    watch = AbsenceWatch()
    watch.update(calm())
    watch.press(100.0)
    assert (watch.on_focus(100.0 + away_s) is not None) is shown
    if shown:
        assert watch.on_focus(100.0 + away_s + 1) is None, "once is enough"


@pytest.mark.parametrize(
    ("ago_s", "run", "shown"), [(3600.0, "", True), (300.0, "", False), (3600.0, "another", False)]
)
def test_a_monitor_that_opens_shows_it_where_an_earlier_one_looked(ago_s: float, run: str, shown: bool) -> None:
    base = calm()
    look = replace(look_at(base), t=base.t - ago_s, run=run or base.run.name)
    controller = Controller(ScriptedMonitor(base), read_config(), SCREENS, looks=Store(look))
    # The first Snapshot is the newest recorded one: nothing was recorded since the look.
    controller.update(replace(base, t=look.t))
    assert controller.dialog is None
    controller.update(base)
    assert isinstance(controller.dialog, SinceDialog) is shown


def test_the_look_is_stored_at_a_key_at_most_once_a_minute_and_at_the_end() -> None:
    store = Store()
    watch = AbsenceWatch(store)
    watch.update(calm())
    for at_s in (10.0, 20.0, 75.0):
        watch.press(at_s)
    assert len(store.written) == 2
    watch.leave()
    assert store.written[-1].t == calm().t


class Away(Person):
    """A person who comes back."""

    def __init__(self, size: tuple[int, int] = (120, 40)) -> None:
        base = died()
        super().__init__(replace(base, t=base.t - 3600, obituaries=(), event_count=0, events=()), size)
        self.controller.screens = SCREENS
        self.types("z")
        self.sees(base)


def test_the_key_shows_it_and_any_key_closes_it_and_does_nothing_else() -> None:
    person = Away()
    person.types("~")
    assert "SINCE YOU LOOKED" in person.text
    assert "w2" in person.text
    density = person.controller.state.density
    person.types("z")
    assert person.controller.dialog is None
    assert person.controller.state.density == density
    person.types("~")
    assert "SINCE YOU LOOKED" in person.text, "a key just pressed does not hide what was asked for"


def test_enter_opens_the_death_and_escape_comes_back() -> None:
    person = Away()
    person.types("~\n")
    assert "OBITUARY w2  2 of 2" in person.text
    person.types("[")
    assert "OBITUARY w4  1 of 2" in person.text
    person.types("\x1b")
    assert "OBITUARY" not in person.text
    person.types("d")
    assert "OBITUARY w2" in person.text, "d shows the newest death"


def test_what_is_copied_is_what_was_shown() -> None:
    effect = Away().types("~y")
    assert "restarts" in effect.copy
    assert "w2" in effect.copy


def test_on_the_page_about_a_death_y_copies_it_and_enter_opens_its_worker() -> None:
    person = Away()
    assert person.types("dy").copy.startswith("w2 was killed by the kernel: out of memory at ")
    person.types("\n")
    assert person.controller.screen == "worker"
    assert person.controller.state.ref == w(2)


def test_enter_on_a_dead_worker_opens_its_page() -> None:
    person = Away()
    person.controller.state = replace(person.controller.state, ref=w(2))
    assert "Enter death" in person.text
    person.types("\n")
    assert "OBITUARY w2" in person.text


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60), (40, 12), (20, 5)])
def test_rows_one_to_five_do_not_dim(size: tuple[int, int]) -> None:
    person = Away(size)
    person.types("~")
    rows = person.rows
    assert len(rows) == size[1]
    if size[1] >= 24:
        assert not any(span.dim for row in rows[:5] for span in row)
        shown = person.text
        assert ("stalls" in shown) is False or size[0] >= 100
        assert "in short" in shown
        assert "restarts" in shown
        assert "memory" in shown
