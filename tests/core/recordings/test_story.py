"""The chapters of the story fit into 80 columns and a minute, and lie in the samples in the order of time."""

from itertools import pairwise

from metabonk_tui.core.recordings.story import CHAPTERS, END, MOST_CHARACTERS, SAMPLES, parts_of


def test_the_story_takes_about_a_minute_and_leaves_time_to_read() -> None:
    assert 50.0 <= sum(chapter.lasts_s for chapter in CHAPTERS) <= 70.0
    assert all(chapter.lasts_s >= 5.0 for chapter in CHAPTERS)


def test_its_lines_fit_beside_the_number_of_the_chapter() -> None:
    for caption in (*(part.caption for part in parts_of((0.0, 10_000.0))), END):
        assert all(0 < len(line) <= MOST_CHARACTERS + 1 for line in caption.lines), caption.lines


def test_it_tells_each_recording_from_its_begin_without_a_gap() -> None:
    for run in range(len(SAMPLES)):
        chapters = [chapter for chapter in CHAPTERS if chapter.run == run]
        assert chapters[0].from_s == 0.0
        assert all(before.to_s == after.from_s for before, after in pairwise(chapters))
    parts = parts_of((1000.0, 50_000.0))
    assert (parts[0].from_t, parts[-1].to_t) == (1000.0, 50_000.0 + CHAPTERS[-1].to_s)
    assert [part.caption.number for part in parts] == list(range(1, len(CHAPTERS) + 1))
