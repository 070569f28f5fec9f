"""The truth table: every step from file to effect, and the case in which each one breaks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import EnvFileReading, EnvReading, RunHeader, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.text.mask import MASK
from metabonk_tui.core.worker.environment import (
    EnvCheckResult,
    EnvCheckRow,
    env_check_table,
    is_on,
    is_same_value,
    not_exported,
    wrong_keys,
)
from tests.support.refs import w
from tests.support.samples import CONFIG, observation

REWARD = "METABONK_INTRINSIC_REWARD"
RIGHT = dict(CONFIG.required_environment)


def file_of(values: Mapping[str, str], exported: bool = False, error: str | None = None) -> EnvFileReading:
    return EnvFileReading("/pool.env", values, frozenset(values) if exported else frozenset(), error)


def seen(file: EnvFileReading | None, *readings: EnvReading | None) -> Snapshot:
    """A snapshot in which worker i's process has readings[i]; None: it was not read."""
    environments = {w(slot): reading for slot, reading in enumerate(readings) if reading is not None}
    workers = {w(slot): observation({"step": 1.0}) for slot in range(len(readings))}
    header = RunHeader("run", 0.0, len(readings))
    return step(None, Sample(1.0, workers, environments=environments, env_file=file, run=header), CONFIG)


def row_of(file: EnvFileReading | None, *readings: EnvReading | None, key: str = REWARD) -> EnvCheckRow:
    snapshot = seen(file, *readings)
    return next(row for row in env_check_table(CONFIG, snapshot.env_file, snapshot.workers) if row.key == key)


def has(**over: str | None) -> EnvReading:
    """The required environment with this laid over it; None takes a key away."""
    values = {key: value for key, value in {**RIGHT, **over}.items() if value is not None}
    return EnvReading(values)


NOT_PERMITTED = EnvReading(None, "not permitted")


@pytest.mark.parametrize(
    ("readings", "truths", "verdict"),
    [
        ((has(), has()), ("right", "right"), "ok"),
        ((has(METABONK_INTRINSIC_REWARD="TRUE"),), ("right",), "ok"),
        ((has(), has(METABONK_INTRINSIC_REWARD=None)), ("right", "missing"), "mismatch"),
        ((has(), has(METABONK_INTRINSIC_REWARD="0")), ("right", "wrong"), "mismatch"),
        ((has(METABONK_INTRINSIC_REWARD=""),), ("wrong",), "mismatch"),
        ((has(), NOT_PERMITTED), ("right", "unknown"), "unknown"),
        ((NOT_PERMITTED, NOT_PERMITTED), ("unknown", "unknown"), "unknown"),
        ((has(), None), ("right", "unknown"), "unknown"),
        ((NOT_PERMITTED, has(METABONK_INTRINSIC_REWARD=None)), ("unknown", "missing"), "mismatch"),
        ((), (), "unknown"),
    ],
)
def test_the_processes_decide(
    readings: tuple[EnvReading | None, ...], truths: tuple[EnvCheckResult, ...], verdict: str
) -> None:
    row = row_of(file_of(RIGHT), *readings)
    assert tuple(cell.result for cell in row.cells) == truths
    assert row.verdict == verdict


def test_why_a_process_is_not_known_is_said() -> None:
    row = row_of(None, NOT_PERMITTED, None)
    assert [cell.why for cell in row.cells] == ["not permitted", "not read yet"]
    assert row.right == 0


@pytest.mark.parametrize(
    ("file", "result", "exported"),
    [
        (file_of({REWARD: "1"}), "right", False),
        (file_of({REWARD: "1"}, exported=True), "right", True),
        (file_of({REWARD: "0"}, exported=True), "wrong", True),
        (file_of({}), "missing", None),
        (file_of({REWARD: "1"}, error="it did not end"), "unknown", None),
        (None, "unknown", None),
    ],
)
def test_the_file(file: EnvFileReading | None, result: EnvCheckResult, exported: bool | None) -> None:
    row = row_of(file, has())
    assert (row.file, row.exported) == (result, exported)
    assert row.verdict == "ok", "a file proves nothing about a process, neither right nor wrong"


@pytest.mark.parametrize(
    ("file", "value", "overridden"),
    [
        ("1", "0", (1,)),
        ("0", "1", (0, 1)),
        ("1", None, ()),  # missing is lost on the way, no other value was set
        ("1", "yes", ()),  # another way to write the same
    ],
)
def test_an_override_is_another_value_than_the_files(
    file: str, value: str | None, overridden: tuple[int, ...]
) -> None:
    row = row_of(file_of({REWARD: file}), has(), has(METABONK_INTRINSIC_REWARD=value))
    assert row.overridden == tuple(map(w, overridden))


def test_nothing_is_overridden_where_the_file_is_not_known_or_silent() -> None:
    for file in (None, file_of({}), file_of({REWARD: "1"}, error="gone")):
        assert row_of(file, has(METABONK_INTRINSIC_REWARD="0")).overridden == ()


def test_not_exported_needs_the_file_the_missing_export_and_the_missing_key() -> None:
    def named(file: EnvFileReading | None, *readings: EnvReading) -> list[str]:
        snapshot = seen(file, *readings)
        return [row.key for row in not_exported(env_check_table(CONFIG, snapshot.env_file, snapshot.workers))]

    lacks = has(METABONK_INTRINSIC_REWARD=None)
    assert named(file_of(RIGHT), lacks, lacks) == [REWARD]
    assert named(file_of(RIGHT), has(), lacks) == [REWARD]
    assert named(file_of(RIGHT, exported=True), lacks) == []
    assert named(file_of({**RIGHT, REWARD: "0"}), lacks) == []
    assert named(file_of(RIGHT), has()) == []
    assert named(file_of(RIGHT), NOT_PERMITTED) == []
    assert named(None, lacks) == []


def test_the_effect_is_that_of_the_component() -> None:
    row = row_of(None, has())
    assert row.components == ("intrinsic_reward",)
    assert [(effect.ref, effect.text) for effect in row.effects] == [(w(0), row.effects[0].state.value.lower())]


def test_mismatches_come_first_then_what_is_not_known() -> None:
    snapshot = seen(None, has(METABONK_META_LEARNING=None))
    keys = [row.key for row in env_check_table(CONFIG, None, snapshot.workers)]
    assert keys[0] == "METABONK_META_LEARNING"
    assert keys[1:] == [key for key in RIGHT if key != "METABONK_META_LEARNING"]


def test_the_file_is_remembered_and_outlives_the_run() -> None:
    first = seen(file_of(RIGHT), has())
    assert first.env_file is not None
    workers = {w(0): observation({"step": 2.0})}
    second = step(first, Sample(2.0, workers), CONFIG)
    assert second.env_file == first.env_file
    third = step(second, Sample(3.0, workers, run=RunHeader("next", 3.0, 1)), CONFIG)
    assert third.ended_runs
    assert third.env_file == first.env_file
    fourth = step(third, Sample(4.0, workers, env_file=file_of({})), CONFIG)
    assert fourth.env_file == file_of({})


def test_another_process_is_not_judged_by_the_environment_of_the_one_before() -> None:
    first = seen(None, has())
    workers = {w(0): replace(observation({"step": 2.0}), pid=4711)}
    second = step(first, Sample(2.0, workers), CONFIG)
    third = step(second, Sample(3.0, {w(0): replace(observation({"step": 3.0}), pid=4712)}), CONFIG)
    assert third.workers[0].environment is None


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        ("http://me:pw9@host", "http://me:pw9@host", True),
        (f"http://{MASK}@host", "http://me:pw9@host", True),
        (f"http://{MASK}@other", "http://me:pw9@host", False),
        ("ON", "1", True),
        ("0", "1", False),
    ],
)
def test_values_are_compared_without_their_secrets(value: str, wanted: str, same: bool) -> None:
    assert is_same_value(value, wanted) is same


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        ("true", "1", True),
        ("Yes", "1", True),
        (" on ", "1", True),
        ("1", "true", True),
        ("y", "1", False),  # MetaBonk does not know it
        ("enabled", "1", False),
        ("2", "1", False),
        ("Smart", "smart", True),
        ("smart ", "smart", True),
        ("smarter", "smart", False),
        ("", "1", False),
        ("no", "0", True),
        ("", "0", True),
        ("", "smart", False),
        ("1\r", "1", False),  # written by an editor of another system: `llava:7b\r` is no model
        ("\u201c1\u201d", "1", False),
        ("'1'", "1", False),
    ],
)
def test_a_value_means_what_a_component_needs(value: str, wanted: str, same: bool) -> None:
    assert is_same_value(value, wanted) is same
    assert is_on(value) is is_same_value(value, "1")


def test_an_empty_value_is_written_as_two_quotes() -> None:
    snapshot = seen(None, has(METABONK_INTRINSIC_REWARD=""))
    env = snapshot.workers[0].env
    assert env is not None
    assert wrong_keys(env) == ['METABONK_INTRINSIC_REWARD is ""']
