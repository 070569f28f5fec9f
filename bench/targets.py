"""Lists what the monitor may cost: each row compares one reading with a limit, alone or as a ratio.

Does not: measure.
"""

from __future__ import annotations

from msgspec import Struct

from bench.arithmetic import Limit, Spread, ratios, spread

Values = dict[str, dict[str, list[float | None]]]
"""The readings of every round, by subject and metric."""


class Reading(Struct, frozen=True):
    """One metric of one subject."""

    subject: str
    metric: str

    def of(self, values: Values) -> list[float | None]:
        return values.get(self.subject, {}).get(self.metric, [])


class Row(Struct, frozen=True):
    """One line of the table."""

    name: str
    text: str
    ours: Reading
    limit: Limit
    theirs: Reading | None = None
    """Divide by this reading of the same round; None: the reading itself is judged."""
    scale: float = 1.0
    unit: str = ""
    decimals: int = 2

    @property
    def readings(self) -> tuple[Reading, ...]:
        return (self.ours,) if self.theirs is None else (self.ours, self.theirs)

    def measured(self, values: Values) -> Spread | None:
        """Return what the rounds gave; None: not measured."""
        ours = self.ours.of(values)
        found = ours if self.theirs is None else ratios(ours, self.theirs.of(values))
        return spread([None if value is None else value * self.scale for value in found])

    def number(self, value: float) -> str:
        """Return a value as the table shows it."""
        return f"{value:,.{self.decimals}f}".replace(",", " ") + (f" {self.unit}" if self.unit else "")


def at_most(value: float) -> Limit:
    return Limit(value)


def at_least(value: float) -> Limit:
    return Limit(value, is_least=True)


IDLE, SAMPLE, RSS, BYTES = "cpu_s_per_min", "sample_cpu_us", "peak_rss_mib", "bytes_per_s"
P95, FRAME, FULL, PAINT_CPU = "key_p95_ms", "first_frame_ms", "full_paint_ms", "paint_cpu_s"
RATE = "samples_per_cpu_s"
SAMPLES_PER_CPU_S = at_least(10_000)
EVERY_POLL = at_least(0.995)
"""One poll in two hundred may fall out of the measured seconds at their edges."""


def _row(name: str, text: str, ours: str, metric: str, limit: Limit, **more: object) -> Row:
    return Row(name, text, Reading(ours, metric), limit, **more)  # type: ignore[arg-type]


def _ratio(name: str, text: str, pair: tuple[str, str], metric: str, most: float, **more: object) -> Row:
    """Return a row that divides the same metric of two subjects."""
    return _row(name, text, pair[0], metric, at_most(most), theirs=Reading(pair[1], metric), **more)


ROWS = (
    _ratio("idle-glances", "idle CPU, 5 workers, of glances at 1 Hz", ("ours", "glances"), IDLE, 0.30),
    _ratio("idle-btop", "idle CPU, 5 workers, of btop at 1 Hz", ("ours", "btop"), IDLE, 1.3),
    _ratio("idle-naive", "idle CPU, 5 workers, of the naive reference", ("ours", "naive"), IDLE, 0.40),
    _ratio("idle-64", "idle CPU, 64 workers, of 5 workers", ("ours-64", "ours"), IDLE, 2.5),
    _row(
        "idle-1000",
        "idle CPU, 1000 workers, of one core",
        "ours-1000",
        IDLE,
        at_most(12.0),
        scale=100 / 60,
        unit="%",
        decimals=1,
    ),
    _ratio(
        "sample-5",
        "CPU a worker-sample, 5 workers, of the curl+jq loop",
        ("ours", "seed"),
        SAMPLE,
        1 / 150,
        decimals=5,
    ),
    _ratio(
        "sample-64",
        "CPU a worker-sample, 64 workers, of the curl+jq loop",
        ("ours-64", "seed"),
        SAMPLE,
        1 / 1000,
        decimals=5,
    ),
    _ratio("rss-glances", "peak RSS, of glances", ("ours", "glances"), RSS, 0.85),
    _ratio("rss-64", "peak RSS, 64 workers, of 5 workers", ("ours-64", "ours"), RSS, 1.15),
    _ratio(
        "bytes-changing",
        "bytes a second, all numbers changing, of btop",
        ("ours-changing", "btop"),
        BYTES,
        0.25,
        decimals=3,
    ),
    _ratio("bytes-quiet", "bytes a second, quiet, of btop", ("ours-quiet", "btop"), BYTES, 0.10, decimals=3),
    _row(
        "first-frame",
        "first frame, of `python -c pass`",
        "ours",
        FRAME,
        at_most(2.5),
        theirs=Reading("pass", "wall_ms"),
    ),
    _ratio("paint-glances", "full first paint, of glances", ("ours", "glances"), FULL, 0.8),
    _ratio("paint-cpu", "CPU to full first paint, of an empty Textual app", ("ours", "empty"), PAINT_CPU, 1.5),
    _ratio("key-empty", "key to output p95, of an empty Textual app", ("ours", "empty"), P95, 3.0),
    _row(
        "key-1000", "key to output p95, polling 1000 workers", "ours-1000", P95, at_most(25.0), unit="ms", decimals=1
    ),
    _row(
        "polls-1000",
        "1000 workers at 1 Hz: polls done, of polls due",
        "ours-1000",
        "polls_done",
        EVERY_POLL,
        decimals=3,
    ),
    _ratio("poll-aiohttp", "CPU a poll, 1000 workers, of aiohttp", ("own-poller", "aiohttp"), "poll_cpu_us", 0.5),
    _ratio("status", "CPU of the `status` line, of `python -c pass`", ("status", "pass"), "cpu_ms", 3.0),
    _row("report", "`report`: worker-samples a CPU second", "report", RATE, SAMPLES_PER_CPU_S, decimals=0),
    _row("report-rss", "`report`: peak RSS, of a quarter of the recording", "report", "rss_growth", at_most(1.15)),
    _row("check", "`check --json`: worker-samples a CPU second", "check", RATE, SAMPLES_PER_CPU_S, decimals=0),
    _row("replay-first", "replay: first picture", "replay", "first_ms", at_most(300.0), unit="ms", decimals=0),
    _row("replay-seek", "replay: a seek, p95", "replay", "seek_p95_ms", at_most(100.0), unit="ms", decimals=0),
    _row(
        "replay-seek-unread",
        "replay: a seek before all is read",
        "replay",
        "seek_unread_ms",
        at_most(100.0),
        unit="ms",
        decimals=0,
    ),
    _row("replay-read", "replay: worker-samples read a CPU second", "replay", RATE, SAMPLES_PER_CPU_S, decimals=0),
    _row("store-bytes", "store: bytes a worker-sample", "store", "bytes_each", at_most(130.0), decimals=0),
    _row("store-cpu", "store: CPU a worker-sample", "store", "cpu_us_each", at_most(60.0), unit="us", decimals=0),
    _row(
        "store-plot", "store: CPU of a plot of the whole run", "plot", "cpu_ms", at_most(60.0), unit="ms", decimals=0
    ),
)
