"""What is said of the last run where no pool is there, from its recording."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.ending import EndReason, RunEnd
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.minutes import MIB, RunMinutes
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.sample import Observation, PoolReading, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.last_run import end_text, is_end_watched, last_run, lowest_of_run, moment, ways_after_end
from metabonk_tui.core.step.ended import as_restored, presumed_over
from tests.support.draw import defaults
from tests.support.rare_snapshots import ALL
from tests.support.refs import w
from tests.support.samples import changed, down, healthy, phases, play, room, script

GONE_T = 300.0
HOUR = 3600.0
SEARCH = PoolSearch("config.toml", has_file=True, is_local=True, how="metabonk-tui --config x", describes_pool=True)


def table(t: float) -> tuple[ProcessReading, ...]:
    """Return the pool's processes, which are gone from `GONE_T` on."""
    launcher = ProcessReading("launcher", 1 << 25, pid=7, started_at=0.0)
    workers = [ProcessReading("worker", 1 << 30, worker=w(n), pid=41 + n, started_at=0.0) for n in range(3)]
    return (launcher, *workers) if t < GONE_T else ()


def nothing(t: float, gigabytes: float = 10.0) -> Sample:
    """Return a sample that finds no pool."""
    sample = Sample(t, {w(n): Observation(error="refused") for n in range(3)})
    return changed(sample, processes=(), memory=room(gigabytes))


def recorded(until_t: float) -> list[Snapshot]:
    """Return a run of which the recording ends at this time; the pool is gone from `GONE_T` on."""
    life = phases((0, healthy), (GONE_T, down))
    return play(script(life, for_s=until_t, processes=table, memory=lambda _t: room(8)))


def opened(before: Snapshot, *samples: Sample) -> Snapshot:
    """Return what a monitor shows that opened after the run of `before`."""
    return play(samples, before=presumed_over(before))[-1]


def texts(snapshot: Snapshot) -> dict[str, str]:
    return {fact.name: fact.text for fact in last_run(snapshot, UTC)}


def test_a_run_that_ended_before_the_monitor_opened_was_not_seen_here() -> None:
    seen = opened(recorded(GONE_T - 10)[-1], nothing(4 * HOUR))
    assert seen.ended_unseen
    assert texts(seen)["ran"].startswith("00:00 to 00:04, 4m50s, 3 workers")


def test_a_pool_that_ends_while_it_is_watched_was_seen_here() -> None:
    seen = recorded(GONE_T + 120)[-1]
    assert seen.verdict.ended is not None
    assert not seen.ended_unseen


def test_a_pool_that_begins_after_the_last_run_was_seen_here() -> None:
    again = phases((4 * HOUR, healthy), (4 * HOUR + 200, down))
    end_t = 4 * HOUR + 200
    new = tuple(replace(each, started_at=4 * HOUR, pid=(each.pid or 0) + 90) for each in table(0))
    processes = lambda t: new if t < end_t else ()  # noqa: E731
    later = script(again, from_s=4 * HOUR, for_s=400, processes=processes, memory=lambda _t: room(8), run=None)
    seen = play([nothing(4 * HOUR - 10), *later], before=presumed_over(recorded(GONE_T - 10)[-1]))
    assert seen[0].ended_unseen
    assert [each.ended_unseen for each in seen if each.t >= 4 * HOUR] == [False] * sum(s.t >= 4 * HOUR for s in seen)
    assert seen[-1].verdict.ended is not None, "it ended while the monitor was open"


@pytest.mark.parametrize(
    ("until_t", "sees_pool", "expected"),
    [
        # The monitor is opened again within the hour: it continues the recording of the run.
        (GONE_T + 120, False, True),
        # The end was not recorded yet: it is found by the monitor that opens.
        (GONE_T - 10, False, True),
        (GONE_T - 60, True, False),
    ],
    ids=["recorded end", "found end", "pool seen"],
)
def test_a_run_that_a_monitor_continues_is_unseen_until_its_pool_is_seen(
    until_t: float, sees_pool: bool, expected: bool
) -> None:
    there = script(healthy, from_s=until_t + 10, for_s=30, processes=table, memory=lambda _t: room(8), run=None)
    gone = [nothing(until_t + 60 + 10 * n) for n in range(20)]
    seen = play([*(there if sees_pool else ()), *gone], before=as_restored(recorded(until_t)[-1]))
    assert seen[-1].verdict.ended is not None
    assert seen[-1].ended_unseen is expected


def test_the_first_picture_of_a_run_that_is_over_is_its_page() -> None:
    assert as_restored(recorded(GONE_T + 120)[-1]).ended_unseen
    assert not as_restored(recorded(GONE_T - 10)[-1]).ended_unseen


@pytest.mark.parametrize(
    ("until_t", "expected"),
    [
        (GONE_T - 10, "last seen 00:04:50, not watched as it ended: how it ended is not known"),
        (GONE_T + 120, "00:05:00 how it ended is not known"),
    ],
    ids=["the recording ended first", "the recorder saw the end"],
)
def test_an_end_that_no_monitor_watched_has_no_time(until_t: float, expected: str) -> None:
    seen = opened(recorded(until_t)[-1], nothing(4 * HOUR))
    assert texts(seen)["end"].startswith(expected)


@pytest.mark.parametrize(
    ("reason", "missing_s", "interval_s", "expected"),
    [
        ("service died", 1, 1.0, True),
        ("service died", 3, 1.0, True),
        ("service died", 4, 1.0, False),
        ("unknown", 90, 30.0, True),
        ("unknown", 91, 30.0, False),
        # Half a second between polls is no reason to call a pause of two seconds a gap.
        ("stopped by us", 3, 0.5, True),
        ("machine restarted", 0, 1.0, False),
    ],
)
def test_an_end_was_watched_if_no_gap_lies_before_it(
    reason: EndReason, missing_s: float, interval_s: float, expected: bool
) -> None:
    base = ALL["over"]()
    snapshot = replace(base, run=replace(base.run, interval_s=interval_s))
    assert is_end_watched(snapshot, RunEnd(reason, "x", base.t, base.t - missing_s)) is expected


def test_the_lowest_memory_is_that_of_the_run_and_not_of_the_time_after_it() -> None:
    seen = opened(recorded(GONE_T + 120)[-1], *[nothing(4 * HOUR + 10 * n, 0.2) for n in range(9)])
    assert seen.memory.min_available_bytes is not None
    assert seen.memory.min_available_bytes < 10**9, "the memory of the machine fell later"
    assert texts(seen)["lowest"].startswith("8.0 GB free at 00:00")


@pytest.mark.parametrize(
    ("lowest", "last", "expected"),
    [
        ((), None, None),
        ((None, None), None, None),
        ((None, 700), None, (60.0, 700)),
        ((900, 700, 800), None, (60.0, 700)),
        ((900, 700, 700), 500, (180.0, 500)),
        ((900,), None, (0.0, 900)),
    ],
)
def test_the_lowest_memory_has_its_minute(
    lowest: tuple[int | None, ...], last: int | None, expected: tuple[float, int] | None
) -> None:
    base = ALL["over"]()
    minutes = RunMinutes(verdicts="0" * len(lowest), worst="0" * len(lowest), lowest_mib=lowest, open_lowest_mib=last)
    found = lowest_of_run(replace(base, minutes=minutes))
    shown = None if found is None else (found[0] - base.run.started_at, found[1] // MIB)
    assert shown == expected


def test_another_day_has_its_date() -> None:
    assert moment(86399.0, 86400.0, UTC) == "1970-01-01 23:59:59"
    assert moment(86399.0, 86399.5, UTC) == "23:59:59"


def test_the_first_cause_is_the_reason_else_what_the_verdict_says_of_itself() -> None:
    seen = ALL["last-run"]()
    assert texts(seen)["why"].startswith("0.91 config not loaded: METABONK_")
    assert texts(replace(seen, causes=()))["why"] == "its verdict was PARTIAL"


def test_a_death_is_named_and_the_end_of_the_run_is_none() -> None:
    seen = ALL["last-run"]()
    assert texts(seen)["deaths"] == "w1 15:35:54 OOM-killed"
    (page,) = seen.obituaries
    assert page.ended is not None
    usual = replace(page, ended=replace(page.ended, reason="end of the run"))
    assert "deaths" not in texts(replace(seen, obituaries=(usual,)))
    many = tuple(replace(page, t=page.t + n, who=w(n)) for n in range(5))
    assert texts(replace(seen, obituaries=many))["deaths"].endswith(" and 2 more")


def test_needed_memory_is_said_only_where_it_was_measured() -> None:
    seen = ALL["last-run"]()
    assert "at their peak need" in texts(seen)["lowest"]
    budget = seen.memory.budget
    assert budget is not None
    hosts: dict[str, Any] = {
        name: replace(host, memory=replace(host.memory, budget=replace(budget, worker_source="config")))
        for name, host in seen.hosts.items()
    }
    assert "need" not in texts(replace(seen, hosts=hosts))["lowest"]


def test_a_time_that_no_monitor_watched_is_said() -> None:
    seen = ALL["last-run"]()
    assert "watched" not in texts(seen)["ran"]
    half = replace(seen, run=replace(seen.run, observed_s=1800.0, how="first sample"))
    assert texts(half)["ran"].endswith("; watched for 30m")
    assert texts(half)["ran"].startswith("seen from ")


def test_a_run_that_goes_on_has_no_page() -> None:
    assert last_run(ALL["healthy"](), UTC) == ()


def test_the_commands_name_the_run_and_the_pool() -> None:
    seen = ALL["last-run"]()
    assert [(way.key, way.command) for way in ways_after_end(seen, defaults(), SEARCH)] == [
        ("L", "metabonk-tui --config x launch 2"),
        ("Enter", f"metabonk-tui report {seen.run.name}"),
        ("[", f"metabonk-tui replay {seen.run.name}"),
    ]


def test_where_no_launch_is_possible_the_commands_say_why() -> None:
    seen = ALL["last-run"]()
    broken = replace(seen, pool=PoolReading(backend="launcher", problem="launch.py is not in /srv"))
    ways = ways_after_end(broken, defaults(), SEARCH)
    assert (ways[0].what, ways[-1].command) == ("launch.py is not in /srv", "metabonk-tui --config x doctor")
    none = replace(seen, verdict=replace(seen.verdict, next_steps=()))
    assert [way.key for way in ways_after_end(none, defaults(), SEARCH)] == ["Enter", "[", ""]


def test_a_watched_end_has_its_time_first() -> None:
    seen = ALL["last-run"]()
    assert seen.verdict.ended is not None
    assert end_text(seen, seen.verdict.ended, UTC) == "15:35:59 orchestrator exited with -9 and took the stack down"
