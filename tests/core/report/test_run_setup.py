"""Settings of two runs: what is not the same is named, and what was not read is no difference."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.run_setup import NOT_SET, VARIES, compare_setups, sentence, setup_of
from tests.support import snapshots

KEY = "METABONK_SYSTEM2_MODEL"


def run(*environments: dict[str, str] | None, desired: int | None = 2, profile: str = "") -> Snapshot:
    scene = snapshots.healthy(len(environments))
    workers = tuple(
        replace(worker, environment=values) for worker, values in zip(scene.workers, environments, strict=True)
    )
    return replace(scene, workers=workers, run=replace(scene.run, desired=desired, profile=profile))


def differing(here: Snapshot, there: Snapshot) -> list[str]:
    return [sentence(each) for each in compare_setups(setup_of(here), setup_of(there)).differences]


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        (run({KEY: "a"}, {KEY: "a"}), run({KEY: "a"}, {KEY: "a"}), []),
        (run({}, {}, desired=5), run({}, {}, desired=3), ["workers 5, there 3"]),
        (run({}, {}, desired=None), run({}, {}), []),
        (run({KEY: "a"}, {KEY: "a"}), run({KEY: "b"}, {KEY: "b"}), ["SYSTEM2_MODEL a, there b"]),
        (run({KEY: "a"}, {KEY: "a"}), run({}, {}), [f"SYSTEM2_MODEL a, there {NOT_SET}"]),
        (run({KEY: ""}, {KEY: ""}), run({}, {}), [f'SYSTEM2_MODEL "", there {NOT_SET}']),
        (run({KEY: "a"}, {KEY: "b"}), run({KEY: "a"}, {KEY: "a"}), [f"SYSTEM2_MODEL {VARIES}, there a"]),
        (run({KEY: "a"}, {}), run({KEY: "b"}, {}), []),
        (run({KEY: "a"}, {KEY: "a"}), run(None, None), []),
        (run({KEY: "a"}, None), run({KEY: "a"}, {KEY: "a"}), []),
        (run({}, {}, profile="24h"), run({}, {}, profile="short"), ["profile 24h, there short"]),
        (run({}, {}, profile="24h"), run({}, {}), []),
    ],
)
def test_what_is_not_the_same_is_named(here: Snapshot, there: Snapshot, said: list[str]) -> None:
    assert differing(here, there) == said


@pytest.mark.parametrize("key", ["METABONK_RUN_ID", "METABONK_RUN_DIR", "METABONK_WORKER_ID", "METABONK_WORKER_PORT"])
def test_what_is_another_in_every_run_is_no_difference(key: str) -> None:
    assert differing(run({key: "1"}, {key: "1"}), run({key: "2"}, {key: "2"})) == []


def test_an_environment_that_was_not_read_is_not_known() -> None:
    assert compare_setups(setup_of(run({}, {})), setup_of(run({}, {}))).is_environment_known
    assert not compare_setups(setup_of(run({}, {})), setup_of(run(None, None))).is_environment_known
