"""The NEXT row where the usual two keys would not help."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import EnvFileReading, EnvReading
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.verdict.next_steps import workers_to_launch
from tests.support.refs import w
from tests.support.samples import CONFIG, configured, down, healthy, last, phases, room, script, silent

MIN = 60.0


def test_a_pool_that_died_is_launched_not_stopped() -> None:
    died = phases((0, healthy), (20 * MIN, down))
    seen = last(script(died, for_s=40 * MIN, pid=lambda slot, _t: 41 + slot, processes=lambda _t: ()))
    assert seen.verdict.kind is VerdictKind.STOP
    assert [step.key for step in seen.verdict.next_steps] == [None, "L"], "the report of the run is read first"


def test_an_env_file_that_switches_off_is_set_right_before_the_relaunch() -> None:
    config = configured('[pool.launcher]\nenv_file = "x.env"')
    off = EnvReading(dict.fromkeys(CONFIG.required_environment, "0"))
    seen = last(script(silent, for_s=10 * MIN, env=lambda _slot, _t: off, memory=lambda _t: room(16)), config)
    assert seen.verdict.because[0] == "component disabled 0.96", "a cause of 0.9 or more stands in the verdict row"
    assert seen.verdict.because[1].startswith("required flags switched off in 3/3 workers")
    assert [(step.key, step.text) for step in seen.verdict.next_steps] == [
        (None, "set the flags to 1 in x.env"),
        ("X", "stop the pool"),
        ("L", "relaunch 3 workers with the env file"),
    ]
    assert seen.causes[0].fix == "set the flags to 1 in x.env, relaunch"


@pytest.mark.parametrize(
    ("env_file", "steps"),
    [
        (
            "x.env",
            [
                (None, "", "relaunch with the file exported: set -a; source x.env; set +a"),
                ("X", "or", "stop the pool"),
                ("L", "then", "relaunch 3 workers with the env file"),
            ],
        ),
        # The launcher would launch without the file again.
        ("", [(None, "", "relaunch with the file exported: set -a; source x.env; set +a")]),
    ],
)
def test_a_fix_that_relaunches_is_another_way_not_a_step_before(
    env_file: str, steps: list[tuple[str | None, str, str]]
) -> None:
    config = configured(f'[pool.launcher]\nenv_file = "{env_file}"')
    file = EnvFileReading("x.env", dict.fromkeys(CONFIG.required_environment, "1"), frozenset())
    samples = script(silent, for_s=10 * MIN, env=lambda _slot, _t: EnvReading({}), memory=lambda _t: room(16))
    seen = last([replace(sample, env_file=file) for sample in samples], config)
    assert seen.causes[0].id == "config-not-loaded"
    assert [(step.key, step.join, step.text) for step in seen.verdict.next_steps] == steps


def test_where_not_even_one_worker_fits_the_fewest_are_suggested() -> None:
    big = tuple(ProcessReading("worker", 3_000_000_000, worker=w(slot)) for slot in range(3))
    big = (*big, ProcessReading("ollama", 9_000_000_000))
    config = configured("[memory]\nfloor_gb = 30.0")
    seen = last(script(for_s=40 * MIN, memory=lambda _t: room(0.9), processes=lambda _t: big), config)
    assert seen.memory.budget is not None
    assert seen.memory.budget.fits == 0
    assert [(step.key, step.join, step.command) for step in seen.verdict.next_steps] == [
        ("W", "", None),
        ("-", "or", "metabonk-tui resize 1"),
    ]
    assert seen.verdict.next_steps[0].text == "arm the memory watch"


def test_the_floor_in_the_question_is_as_round_as_it_is_drawn() -> None:
    config = configured("[memory]\nfloor_gb = 24.0912")
    asked = [node.question for node in last(script(for_s=60), config).verdict.nodes]
    assert "Memory stable, > 24.1 GB?" in asked


def test_how_many_fit_on_one_node_says_nothing_of_a_cluster() -> None:
    memory = last(script(for_s=2 * MIN, memory=lambda _t: room(2.0))).memory
    assert memory.budget is not None
    few = replace(memory, budget=replace(memory.budget, fits=1))
    wanted = replace(CONFIG, pool=replace(CONFIG.pool, workers=8))
    assert workers_to_launch(few, wanted) == 1
    on_slurm = replace(wanted, pool=replace(wanted.pool, backend="slurm"))
    assert workers_to_launch(few, on_slurm) == 8
