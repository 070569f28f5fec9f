"""UP, STALE and LOST follow from when a host answered last; a host that never answered has no such time."""

from __future__ import annotations

from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.hosts import HostAnswer
from metabonk_tui.engine.host_watch import LOST_S, HostWatch

GOOD = HostAnswer(Sample(t=0.0), version="0.1.0", delay_s=0.02)
REFUSED = HostAnswer(error="Connection refused")
STALE_S = 5.0


class Scene:
    def __init__(self) -> None:
        self.watch = HostWatch()

    def at(self, s: float, answer: HostAnswer | None) -> LinkReading:
        return self.watch.observe(answer, s, 1000.0 + s, STALE_S, 3)


def test_a_host_that_answers_is_up_since_its_first_answer() -> None:
    scene = Scene()
    scene.at(1.0, GOOD)
    seen = scene.at(60.0, GOOD)
    assert (seen.state, seen.workers, seen.version, seen.delay_s) == ("UP", 3, "0.1.0", 0.02)
    assert scene.at(61.0, GOOD).since_t == 1060.0, "it was away in between"


def test_an_answer_that_is_late_is_no_loss() -> None:
    scene = Scene()
    scene.at(1.0, GOOD)
    assert [scene.at(s, None).state for s in (2.0, 6.0, 6.1, 31.0, 31.1)] == ["UP", "UP", "STALE", "STALE", "LOST"]
    assert scene.at(40.0, None).since_t == 1001.0, "when it answered last"


def test_a_connection_that_ended_is_stale_at_once_and_lost_later() -> None:
    scene = Scene()
    scene.at(1.0, GOOD)
    seen = scene.at(2.0, REFUSED)
    assert (seen.state, seen.reason) == ("STALE", "Connection refused")
    assert scene.at(1.0 + LOST_S + 0.1, None).state == "LOST"


def test_one_that_never_answered_connects_until_the_first_failure() -> None:
    scene = Scene()
    seen = scene.at(1.0, None)
    assert (seen.state, seen.since_t, seen.reason) == ("STALE", None, "connecting")
    seen = scene.at(2.0, REFUSED)
    assert (seen.state, seen.since_t, seen.reason) == ("LOST", None, "Connection refused")


def test_one_that_hangs_from_the_beginning_is_lost_after_half_a_minute() -> None:
    scene = Scene()
    scene.at(0.0, None)
    assert [scene.at(s, None).state for s in (29.0, 31.0)] == ["STALE", "LOST"]


def test_a_run_clock_that_is_faster_makes_no_host_lost_sooner() -> None:
    watch = HostWatch()
    states = [watch.observe(None, s, 1000.0 + 60.0 * s, STALE_S, 3).state for s in (0.0, 29.0, 31.0)]
    assert states == ["STALE", "STALE", "LOST"]


def test_it_is_up_again_with_its_notes() -> None:
    scene = Scene()
    scene.at(1.0, GOOD)
    scene.at(50.0, REFUSED)
    seen = scene.at(60.0, HostAnswer(Sample(t=0.0), notes=("its version is 0.2.0",), skew="clock 5m behind"))
    assert (seen.state, seen.since_t, seen.reason, seen.skew) == (
        *("UP", 1060.0, "its version is 0.2.0", "clock 5m behind"),
    )
