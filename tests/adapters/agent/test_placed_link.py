"""What an agent says of other slots and other pools' workers is dropped."""

from __future__ import annotations

from metabonk_tui.adapters.agent.placed_link import only_slots
from metabonk_tui.core.model.host import ExitReading, HostReading, ProcessReading
from metabonk_tui.core.model.on_host import on_host
from metabonk_tui.core.model.sample import EnvReading, Observation, Sample
from tests.support.refs import w


def test_only_the_slots_of_the_node_are_passed_on() -> None:
    reading = HostReading(
        processes=(
            ProcessReading("worker", 1, w(0), 40),
            ProcessReading("worker", 1, w(1), 41),
            ProcessReading("worker", 1, None, 42),
            ProcessReading("ollama", 1, None, 43),
            ProcessReading("launcher", 1, None, 44),
        ),
        exits=(ExitReading("worker", "0", w(1)), ExitReading("worker", "0", w(0)), ExitReading("ollama", "0")),
    )
    answers = {w(slot): Observation(error="refused") for slot in (0, 1, 2)}
    sample = on_host(
        Sample(1.0, answers, {"": reading}, environments={w(1): EnvReading({})}, log_tails={w(2): ("x",)}),
        "n1",
        lambda t: t,
    )
    found = only_slots(sample, "n1", {0})
    assert list(found.workers) == [w(0, "n1")]
    assert [process.pid for process in found.hosts["n1"].processes or ()] == [40, 43]
    assert [each.role for each in found.hosts["n1"].exits] == ["worker"]
    assert (found.environments, found.log_tails) == ({}, {})
