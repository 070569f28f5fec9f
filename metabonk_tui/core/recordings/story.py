"""The story of the failed run in chapters: which part of which sample is shown, how fast, and what is said of it.

Does not: play or draw them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from metabonk_tui.core.recordings.playback import Caption

SAMPLES = ("sample:failed", "sample:rescued")
"""The recordings that are played one after the other."""
MOST_CHARACTERS = 65
"""Characters of a line of a caption, which fits into 80 columns."""


class Chapter(Struct, frozen=True):
    """One part of a recording with its caption."""

    run: int
    """The number of the recording in `SAMPLES`."""
    from_s: float
    to_s: float
    """Seconds of its run."""
    speed: float
    """Recorded seconds per real second."""
    lines: tuple[str, str]
    """What happens, and what the monitor says."""
    screen: str = "dashboard"

    @property
    def lasts_s(self) -> float:
        """The real seconds that it takes."""
        return (self.to_s - self.from_s) / self.speed


CHAPTERS = (
    Chapter(
        0, 0.0, 120.0, 20.0,
        ("Five workers start. The env file was sourced, but not exported.",
         "All five answer and look healthy. The monitor reads what they got."),
    ),
    Chapter(
        0, 120.0, 360.0, 40.0,
        ("Two minutes in, the monitor says STOP: config not loaded.",
         "It names the missing variables and the command that sets them."),
    ),
    Chapter(
        0, 360.0, 2700.0, 300.0,
        ("Nothing stopped this run. It looks busy, and learns nothing.",
         "ABSENT is not zero: these components were never built."),
    ),
    Chapter(
        0, 2700.0, 4080.0, 150.0,
        ("Memory falls by 95 MB a minute: 5 workers and Ollama are too many.",
         "At 00:51 the monitor forecasts the kill, 23 minutes ahead."),
        "memory",
    ),
    Chapter(
        0, 4080.0, 4500.0, 60.0,
        ("Memory is used up. At 01:15:00 the kernel kills w3, then w1.",
         "The forecast was right to the minute."),
    ),
    Chapter(
        0, 4500.0, 4620.0, 18.0,
        ("Every death has a page, made in that moment.",
         "It has the cause with its proof, and what prevents the next one."),
        "obituary",
    ),
    Chapter(
        0, 4620.0, 4800.0, 30.0,
        ("The launcher ends what is left: 75 minutes for nothing.",
         "The verdict stays STOP until a new run begins."),
    ),
    Chapter(
        1, 0.0, 1860.0, 240.0,
        ("The same pool again: three workers, the file exported.",
         "Every component shows. After 30 minutes: LAUNCH 24H."),
    ),
    Chapter(
        1, 1860.0, 5100.0, 480.0,
        ("After 40 minutes the first worker plays: SUCCESS.",
         "Memory stays flat, and the kernel kills nothing."),
    ),
)  # fmt: skip
"""About a minute in all."""
END = Caption(
    len(CHAPTERS), len(CHAPTERS),
    ("That was one run, twice. p plays it again; q leaves.",
     "Next: metabonk-tui report sample, or metabonk-tui demo"),
    CHAPTERS[-1].screen,
)  # fmt: skip
"""What stands there at the end."""


class StoryPart(Struct, frozen=True):
    """A chapter at its place in time."""

    from_t: float
    to_t: float
    speed: float
    caption: Caption


def parts_of(starts_t: Sequence[float]) -> tuple[StoryPart, ...]:
    """Return the chapters at their times; `starts_t`: when each recording's run began."""
    return tuple(
        StoryPart(
            starts_t[each.run] + each.from_s,
            starts_t[each.run] + each.to_s,
            each.speed,
            Caption(number, len(CHAPTERS), each.lines, each.screen),
        )
        for number, each in enumerate(CHAPTERS, 1)
    )
