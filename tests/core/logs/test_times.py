"""The time that a line states: every common format, what is missing in it, and what is no time of the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from metabonk_tui.core.logs.times import line_time

NOW = datetime(2026, 11, 29, 13, 12, 30, tzinfo=UTC).timestamp()
AT = datetime(2026, 11, 29, 13, 12, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "after_s", "rest"),
    [
        ("2026-11-29T13:12:12.250Z begins", 0.25, "begins"),
        ("2026-11-29T13:12:12,250+00:00 begins", 0.25, "begins"),
        ("2026-11-29 14:12:12+0100 begins", 0.0, "begins"),
        ("[2026-11-29 13:12:12] begins", 0.0, "begins"),
        ("2026-11-29 13:12:12,003 - INFO - begins", 0.003, "INFO - begins"),
        ("2026/11/29 13:12:12 begins", 0.0, "begins"),
        ('[GIN] 2026/11/29 - 13:12:12 | 200 | "/api/chat"', 0.0, '200 | "/api/chat"'),
        ('time="2026-11-29T13:12:12Z" level=warn', 0.0, "level=warn"),
        ("time=2026-11-29T13:12:12.5Z level=INFO", 0.5, "level=INFO"),
        ('127.0.0.1 - - [29/Nov/2026:13:12:12 +0000] "GET /"', 0.0, None),
        ("Nov 29 13:12:12 host kernel: begins", 0.0, "host kernel: begins"),
        ("E1129 13:12:12.500000  4711 main.cc:1] begins", 0.5, "4711 main.cc:1] begins"),
        ("13:12:12 begins", 0.0, "begins"),
        ("[13:12:12.75] begins", 0.75, "begins"),
        (f"{AT:.3f} begins", 0.0, "begins"),
        (f"{AT:.0f}250 begins", 0.25, "begins"),
        (f'{{"ts": {AT:.1f}, "msg": "begins"}}', 0.0, None),
        ("worker says 2026-11-29 13:12:12 here", 0.0, None),
    ],
)
def test_a_time_is_found(line: str, after_s: float, rest: str | None) -> None:
    found = line_time(line, UTC, NOW)
    assert found is not None
    assert found.t == pytest.approx(AT + after_s, abs=0.002)
    assert line[found.text_begins :] == (line if rest is None else rest), "only a time at the begin goes"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no time here",
        "[worker:omega-0] action_clip raw=[1.02, 1.77]",
        "INFO:     127.0.0.1:50906 - GET /status",
        "2026-13-29 13:12:12 a month that is none",
        "2026-11-31 13:12:12 a day that is none",
        "2031-01-01 00:00:00 in the future",
        "25:12:12 an hour that is none",
        "1764421932123456 too many digits",
        "12345 a number",
        "Foo 29 13:12:12 a month that is none",
        "x" * 90 + " 2026-11-29 13:12:12 far in the message",
    ],
)
def test_what_is_no_time_of_the_line_is_none(line: str) -> None:
    assert line_time(line, UTC, NOW) is None


@pytest.mark.parametrize(
    ("line", "newest", "expected"),
    [
        ("23:59:59 before midnight", "2026-11-29 00:10:00", "2026-11-28 23:59:59"),
        ("00:05:00 after midnight", "2026-11-29 00:10:00", "2026-11-29 00:05:00"),
        ("00:10:30 a clock that is ahead", "2026-11-29 00:10:00", "2026-11-29 00:10:30"),
        ("Dec 31 23:00:00 last year", "2027-01-01 00:10:00", "2026-12-31 23:00:00"),
    ],
)
def test_a_missing_day_or_year_is_the_newest_possible(line: str, newest: str, expected: str) -> None:
    newest_t, expected_t = (
        datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (newest, expected)
    )
    found = line_time(line, UTC, newest_t)
    assert found is not None
    assert found.t == expected_t


def test_a_time_without_a_zone_is_of_this_zone() -> None:
    zone = timezone(timedelta(hours=2))
    found = line_time("2026-11-29 15:12:12 begins", zone, NOW)
    assert found is not None
    assert found.t == AT
