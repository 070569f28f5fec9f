"""Who has seen an alert: it goes into a Sample, so that it is recorded, and comes back in the Snapshots."""

from __future__ import annotations

import msgspec

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.readers import Scene, configured
from tests.support.samples import step
from tests.support.waiting import wait_for


def at_once() -> Config:
    config, replace = configured(), msgspec.structs.replace
    rules = config.alerts.rule | {"MemLow": replace(config.alerts.rule["MemLow"], for_s=0.0)}
    return replace(config, alerts=replace(config.alerts, rule=rules))


def mem_low(snapshot: Snapshot | None) -> Alert | None:
    return next((one for one in snapshot.alerts if one.id == "MemLow"), None) if snapshot else None


def test_what_was_seen_is_in_the_samples_and_a_replay_shows_it_too() -> None:
    scene = Scene(at_once())
    scene.memory.available_bytes = 10**8
    with scene.running() as engine:
        wait_for(lambda: mem_low(engine.latest()))
        engine.acknowledge((), "verb")
        engine.acknowledge(("MemLow", "Unheard"), "verb")
        alert = wait_for(lambda: (one := mem_low(engine.latest())) and one.acknowledged and one)
    assert (alert.state, alert.acknowledged.by) == ("firing", "verb")
    found = [event for sample in scene.samples for event in sample.events if event.kind == "alert.acknowledged"]
    assert [(event.facts["ids"], event.facts["by"]) for event in found] == [(["MemLow", "Unheard"], "verb")]
    snapshot = None
    for sample in scene.samples:
        snapshot = step(snapshot, sample, scene.config)
    again = mem_low(snapshot)
    assert again is not None
    assert again.acknowledged == alert.acknowledged
