"""A command line is read again whenever it may be another one, and otherwise once a minute."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.process.command_lines import AGAIN_S, YOUNG_S, CommandLines
from metabonk_tui.adapters.process.proc import ProcessStat
from metabonk_tui.adapters.process.roles import Match
from tests.support.timing import StandingClock as Clock

STAT = ProcessStat(7, 1, 100.0, 4096, "python", start_ticks=500, image=(b"10", b"20", b"30", b"40"))
WORKER = ("python", "worker.py")


class Machine:
    """One process, whose command line changes without notice; counts how often it is read."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.arguments = WORKER
        self.reads = 0
        self.recognised = 0
        self.lines = CommandLines(self.read, self.recognise, self.clock)

    def read(self, _pid: int) -> tuple[str, ...]:
        self.reads += 1
        return self.arguments

    def recognise(self, arguments: tuple[str, ...]) -> Match | None:
        self.recognised += 1
        return Match("worker", 0) if arguments == WORKER else None


@pytest.fixture
def machine() -> Machine:
    """A machine whose process is known and no longer young."""
    made = Machine()
    made.lines.read(STAT)
    made.clock.now += YOUNG_S
    made.lines.read(STAT)
    made.reads = 0
    return made


def test_a_known_process_is_not_read(machine: Machine) -> None:
    assert machine.lines.read(STAT) == (WORKER, Match("worker", 0))
    assert machine.lines.read(replace(STAT, rss_bytes=8192, parent_pid=2)) == (WORKER, Match("worker", 0))
    assert machine.reads == 0


@pytest.mark.parametrize(
    "stat",
    [
        pytest.param(replace(STAT, start_ticks=501), id="another process of the same pid"),
        pytest.param(replace(STAT, name="sh"), id="another program"),
        pytest.param(replace(STAT, image=(b"11", b"20", b"30", b"40")), id="the same program after an exec"),
    ],
)
def test_another_program_is_read_at_once(machine: Machine, stat: ProcessStat) -> None:
    machine.arguments = ("python", "other.py")
    assert machine.lines.read(stat) == (("python", "other.py"), None)
    machine.arguments = WORKER
    assert machine.lines.read(stat) == (WORKER, Match("worker", 0)), "it is young again"


def test_a_young_process_is_read_at_every_scan() -> None:
    machine = Machine()
    machine.arguments = ("python", "launch.py")
    assert machine.lines.read(STAT)[1] is None
    machine.arguments = WORKER
    machine.clock.now += YOUNG_S - 0.1
    assert machine.lines.read(STAT) == (WORKER, Match("worker", 0)), "it has executed its program"


def test_every_command_line_is_read_once_a_minute(machine: Machine) -> None:
    machine.arguments = ("renamed",)
    machine.clock.now = Clock.now + AGAIN_S - 0.1
    assert machine.lines.read(STAT) == (WORKER, Match("worker", 0))
    machine.clock.now += 0.1
    assert machine.lines.read(STAT) == (("renamed",), None)
    assert machine.lines.read(STAT) == (("renamed",), None)
    assert machine.reads == 1


def test_a_fresh_scan_and_an_ended_process_forget(machine: Machine) -> None:
    machine.arguments = ("renamed",)
    machine.lines.keep([8])
    assert machine.lines.read(STAT)[0] == ("renamed",)
    machine.clock.now += YOUNG_S
    machine.lines.read(STAT)
    machine.arguments = WORKER
    machine.lines.forget()
    assert machine.lines.read(STAT)[0] == WORKER


def test_a_command_line_that_could_not_be_read_is_read_again(machine: Machine) -> None:
    machine.lines.forget()
    machine.arguments = ()
    assert machine.lines.read(STAT) == ((), None)
    machine.arguments = WORKER
    assert machine.lines.read(STAT) == (WORKER, Match("worker", 0))


def test_the_same_arguments_are_recognised_once() -> None:
    machine = Machine()
    for _ in range(5):
        machine.lines.read(STAT)
    assert (machine.reads, machine.recognised) == (5, 1)
