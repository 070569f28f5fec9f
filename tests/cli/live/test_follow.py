"""Verbs without a screen print each event once."""

import io

import pytest

from metabonk_tui.cli.live.follow import EventPrinter
from tests.support.samples import Life, down, header, healthy, phases, play, script


def printed(life: Life, how: str, for_s: float = 120.0) -> list[str]:
    out = io.StringIO()
    printer = EventPrinter(out)
    for snapshot in play(script(life, for_s=for_s, run=header(how=how))):
        printer.print_new(snapshot)
    return out.getvalue().splitlines()


def test_an_alert_about_an_event_that_was_printed_is_not_printed_as_well() -> None:
    lines = printed(phases((0.0, healthy), (60.0, down)), "launched by us", 300.0)
    about_w0 = [line for line in lines if "w0" in line]
    assert about_w0
    assert [line for line in about_w0 if "WorkerDown" in line] == []


@pytest.mark.parametrize("how", ["first sample", "launched by us"])
def test_an_event_is_printed_once_while_the_start_of_its_run_is_still_moving(how: str) -> None:
    # Before a worker is seen, a run that is known by its first sample starts with the newest sample.
    lines = printed(phases((0.0, down), (60.0, healthy)), how)
    assert len([line for line in lines if "begins" in line]) == 1, lines
    assert len(set(lines)) == len(lines)
    assert any("answer" in line for line in lines)
