"""A story plays its chapters one after the other, each at its speed, and can be paused and searched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from metabonk_tui.adapters.recordings.spool import SpooledRecording
from metabonk_tui.core.recordings.playback import Caption, Playback
from metabonk_tui.core.recordings.seek import Edge
from metabonk_tui.core.recordings.story import END, StoryPart
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.engine.story_player import StoryPlayer
from tests.support.samples import CONFIG, script

FIRST, SECOND = (Caption(n, 2, (f"chapter {n}", "it says"), "dashboard") for n in (1, 2))
PARTS = (StoryPart(0.0, 100.0, 20.0, FIRST), StoryPart(300.0, 400.0, 50.0, SECOND))


class Playing:
    """A story without its thread and with a clock of its own."""

    def __init__(self, spool: SpooledRecording) -> None:
        self.now_s = 0.0
        self.player = StoryPlayer(spool, stepper(CONFIG), PARTS)
        self.player._now = lambda: self.now_s
        self.player._played_s = self.player._published_s = 0.0
        while not self.player._index.whole:
            self.player._run_once()

    def after(self, passed_s: float) -> Playback:
        self.now_s += passed_s
        self.player._run_once()
        playback = self.player.playback()
        assert playback is not None
        return playback


@contextmanager
def playing(recorded_s: float = 400.0) -> Iterator[Playing]:
    with closing(SpooledRecording(iter(script(for_s=recorded_s)), [])) as spool:
        yield Playing(spool)


def test_what_lies_between_two_chapters_is_left_out() -> None:
    with playing() as story:
        state = story.after(2.0)
        assert (state.t, state.speed, state.caption) == (40.0, 20.0, FIRST)
        state = story.after(3.5)
        assert (state.t, state.caption) == (300.0, SECOND)
        state = story.after(1.0)
        assert (state.t, state.speed, state.playing) == (350.0, 50.0, True)
        state = story.after(5.0)
        assert (state.t, state.playing, state.caption) == (400.0, False, END)


def test_it_can_be_paused_and_told_again() -> None:
    with playing() as story:
        story.player.play()
        assert story.after(1.0).playing is False
        assert story.after(10.0).t == 0.0
        story.player.seek(Edge("end"))
        assert story.after(0.2).caption == END
        story.player.play()
        state = story.after(0.2)
        assert (state.t, state.playing, state.caption) == (0.0, True, FIRST)


def test_a_chapter_that_is_not_read_yet_is_waited_for() -> None:
    with playing(recorded_s=200.0) as story:
        story.player._index.whole = False
        for _ in range(3):
            story.now_s += 60.0
            story.player._advance()
        assert story.player._at == 100.0
        assert story.player._playing
