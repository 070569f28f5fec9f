"""Every item of the preflight, and the finding that breaks it: what was not found out never passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config, TestConfig
from metabonk_tui.core.launch import preflight
from metabonk_tui.core.launch.checklist import ChecklistItem, exit_code, is_reason
from metabonk_tui.core.launch.preflight import DiskFinding, PortFinding, TestResult
from metabonk_tui.core.memory.capacity import arithmetic
from metabonk_tui.core.model.memory import Budget
from metabonk_tui.core.model.sample import EnvFileReading
from tests.support import snapshots as scenes
from tests.support.refs import w
from tests.support.samples import configured as config

GB = 1_000_000_000
BUDGET = Budget(1_200_000_000, "config", 4_900_000_000, "config", GB, 9_500_000_000, 3)
TEST = TestConfig(name="system2", command=["python3", "t.py"], component="system2")
PASSED = TestResult("system2", ("python3", "t.py"), "passed", 1000.0, 1.5)


def with_tests(*tests: TestConfig, **over: Any) -> Config:
    import msgspec

    settings = config()
    return msgspec.structs.replace(
        settings, preflight=msgspec.structs.replace(settings.preflight, test=list(tests), **over)
    )


RIGHT = dict(config().required_environment)


def env_file(values: dict[str, str], exported: bool = True, error: str | None = None) -> EnvFileReading:
    return EnvFileReading("/x.env", values, frozenset(values) if exported else frozenset(), error)


@pytest.mark.parametrize(
    ("item", "standing", "expected"),
    [
        (preflight.env_file_item(config(), env_file(RIGHT)), "PASS", "right"),
        (preflight.env_file_item(config(), env_file(RIGHT, exported=False)), "PASS", "right"),
        (preflight.env_file_item(config(), env_file({})), "FAIL", "is not set"),
        (preflight.env_file_item(config(), env_file({**RIGHT, min(RIGHT): "0"})), "FAIL", "is 0, not"),
        (preflight.env_file_item(config(), env_file({}, error="line 3")), "FAIL", "line 3"),
        (preflight.env_file_item(config(), None), "UNKNOWN", "no env file"),
        (preflight.processes_item(config(), env_file(RIGHT), ()), "SKIPPED", "no worker runs"),
        (preflight.ports_item([PortFinding(5000, "free"), PortFinding(5001, "ours")], 2), "PASS", "1 free, 1 held"),
        (preflight.ports_item([PortFinding(5000, "stranger", "x (pid 7)")], 1), "FAIL", "pid 7"),
        (preflight.ports_item([PortFinding(5000, "unknown", "may not")], 1), "UNKNOWN", "may not"),
        (preflight.ports_item([PortFinding(5000, "free")], 2), "UNKNOWN", "only 1 of 2"),
        (preflight.ports_item([], 0), "UNKNOWN", "only 0"),
        (preflight.launcher_item(config(), ""), "PASS", "is there; whether it runs was not tried"),
        (preflight.launcher_item(config(), "no launch.py"), "FAIL", "no launch.py"),
        (preflight.launcher_item(config(), None), "UNKNOWN", "not looked"),
        (preflight.ollama_item("http://x", ""), "PASS", "answers"),
        (preflight.ollama_item("http://x", "refused"), "FAIL", "refused"),
        (preflight.ollama_item("http://x", None), "UNKNOWN", "not asked"),
        (preflight.ollama_item("", None), "SKIPPED", "not needed"),
        (preflight.ollama_item("http://h:1", "", of_environment="h:1"), "PASS", "(OLLAMA_HOST of the environment)"),
        (preflight.ollama_item("http://h:1", "refused", of_environment="h:1"), "FAIL", "http://h:1: refused"),
        (preflight.disk_item([DiskFinding("/", 3 * GB)], 2.0), "PASS", "3.0 GB"),
        (preflight.disk_item([DiskFinding("/", 3 * GB), DiskFinding("/s", GB)], 2.0), "FAIL", "/s"),
        (preflight.disk_item([DiskFinding("/", 3 * GB), DiskFinding("/s", None, "denied")], 2.0), "UNKNOWN", "denied"),
        (preflight.disk_item([], 2.0), "UNKNOWN", "not looked"),
        (preflight.memory_item(BUDGET, 3), "PASS", f"{arithmetic(BUDGET, 3)}, 1.0 GB stay free"),
        (preflight.memory_item(BUDGET, 4), "FAIL", f"{arithmetic(BUDGET, 4)}, 0.2 GB short"),
        (preflight.memory_item(None, 1), "UNKNOWN", "not known"),
        (preflight.no_tests_item(), "SKIPPED", "none"),
        (preflight.no_tests_item(["tests/test_meta_learner.py"]), "UNKNOWN", "the checkout has 1"),
        (preflight.item_of_test(TEST, PASSED), "PASS", "passed in 1.5 s"),
        (preflight.item_of_test(TEST, None), "UNKNOWN", "not run"),
        (preflight.item_of_test(TEST, replace(PASSED, outcome="failed", how="exit code 3")), "FAIL", "exit code 3"),
        (preflight.item_of_test(TEST, replace(PASSED, outcome="timed out")), "FAIL", "timed out"),
        (preflight.item_of_test(TEST, replace(PASSED, outcome="not started")), "FAIL", "not started"),
        (preflight.item_of_test(TEST, replace(PASSED, outcome="broken off")), "UNKNOWN", "not run"),
    ],
    ids=lambda value: f"{value.id}-{value.standing}" if isinstance(value, ChecklistItem) else "",
)
def test_each_item_and_what_breaks_it(item: ChecklistItem, standing: str, expected: str) -> None:
    assert item.standing == standing
    assert expected in item.evidence[0]
    if standing == "FAIL":
        assert item.fix


@pytest.mark.parametrize(
    ("in_file", "sets", "standing", "expected"),
    [
        (None, "1", "PASS", "6 of 6 right"),  # the real launch.py, and an env file without the key
        ("0", "1", "PASS", "6 of 6 right"),  # overwritten
        ("1", "0", "FAIL", "the launcher sets it to 0, not 1"),  # a profile that switches it off
        (None, "0", "FAIL", "the launcher sets it to 0, not 1"),
        (None, None, "UNKNOWN", "to what is not known"),
        ("1", None, "UNKNOWN", "to what is not known"),
    ],
)
def test_what_the_launcher_sets_counts_whatever_the_file_says(
    in_file: str | None, sets: str | None, standing: str, expected: str
) -> None:
    key = "METABONK_SYSTEM2_ENABLED"
    values = {name: value for name, value in RIGHT.items() if name != key} | ({key: in_file} if in_file else {})
    file = replace(env_file(values), launcher_sets={key: sets})
    item = preflight.env_file_item(config(), file)
    assert item.standing == standing
    assert expected in item.evidence[0]


def test_the_configurations_own_variables_beat_the_files() -> None:
    import msgspec

    settings = config()
    launcher = msgspec.structs.replace(settings.pool.launcher, environment=RIGHT)
    settings = msgspec.structs.replace(settings, pool=msgspec.structs.replace(settings.pool, launcher=launcher))
    assert preflight.env_file_item(settings, env_file({min(RIGHT): "0"})).standing == "PASS"


def test_a_process_is_judged_by_what_it_was_started_with() -> None:
    worker = scenes.healthy().workers[0]
    right = replace(worker, environment=RIGHT)
    hidden = replace(worker, ref=w(1), environment=None)
    wrong = replace(worker, ref=w(2), environment={**RIGHT, min(RIGHT): "0"})

    def judge(*workers: Any) -> str:
        return preflight.processes_item(config(), env_file(RIGHT), workers).standing

    assert judge(right) == "PASS"
    assert judge(right, hidden) == "UNKNOWN", "what may not be read never counts as right"
    assert judge(right, hidden, wrong) == "FAIL"


@pytest.mark.parametrize(
    ("results", "now_t", "standing"),
    [
        ((PASSED,), 1001.0, "PASS"),
        ((PASSED,), 1000.0 + 86401, "UNKNOWN"),
        ((PASSED,), None, "UNKNOWN"),
        ((), 1001.0, "UNKNOWN"),
        ((replace(PASSED, command=("other",)),), 1001.0, "UNKNOWN"),
        ((replace(PASSED, outcome="failed"),), 1001.0, "FAIL"),
        ((replace(PASSED, outcome="failed"),), 1000.0 + 10**6, "FAIL"),
        ((replace(PASSED, outcome="failed"), PASSED), 1001.0, "PASS"),
    ],
)
def test_a_kept_result_counts_for_its_own_command_and_time(results: Any, now_t: Any, standing: str) -> None:
    assert preflight.kept_tests_item(with_tests(TEST), results, now_t).standing == standing


def test_no_test_is_no_pass() -> None:
    assert preflight.kept_tests_item(config(), (PASSED,), 1001.0).standing == "SKIPPED"


@given(st.lists(st.sampled_from(["PASS", "SKIPPED", "UNKNOWN", "FAIL", "running", "waiting"])))
def test_the_exit_code_is_that_of_the_worst(standings: list[Any]) -> None:
    code = exit_code([ChecklistItem(str(i), "", standing) for i, standing in enumerate(standings)])
    assert code == (2 if "FAIL" in standings else 0 if standings and {*standings} <= {"PASS", "SKIPPED"} else 1)


@given(st.integers(0, 20 * GB), st.integers(1, 50))
def test_what_passes_leaves_the_floor(budget_bytes: int, workers: int) -> None:
    budget = replace(BUDGET, budget_bytes=budget_bytes)
    passed = preflight.memory_item(budget, workers).standing == "PASS"
    assert passed == (budget.leaves_bytes(workers) >= budget.floor_bytes)


@pytest.mark.parametrize(
    ("text", "enough"),
    [("", False), ("ok", False), ("a b c d", False), ("1 2 3", False), ("yes do it", True), ("nur ein Versuch", True)],
)
def test_what_counts_as_a_reason(text: str, enough: bool) -> None:
    assert is_reason(text) == enough


def test_the_offered_tests_are_a_configuration_that_can_be_pasted() -> None:
    item = preflight.no_tests_item(tuple(preflight.SEED_TESTS.values()), "/venv/bin/python")
    tests = parse_config(default_config_text(), "\n".join(item.evidence[1:])).preflight.test
    assert [test.component for test in tests] == [component.id for component in config().component[:4]]
    assert tests[2].command == ["/venv/bin/python", "-m", "pytest", "-q", "tests/test_system2_reasoner.py"]


def test_a_failed_test_shows_its_error_and_not_its_last_line() -> None:
    tail = ("E   ImportError: cannot import name 'A'", "1 error in 0.42s")
    failed = replace(PASSED, outcome="failed", how="exit code 2", tail=tail)
    assert preflight.item_of_test(TEST, failed).evidence[1] == "ImportError: cannot import name 'A'"
    kept = preflight.kept_tests_item(with_tests(TEST), (failed,), 1001.0)
    assert kept.evidence[0].endswith("exit code 2: ImportError: cannot import name 'A'")


def test_an_ollama_elsewhere_than_the_workers_ask_is_noted() -> None:
    item = preflight.ollama_item("http://gpu-box:11434", "")
    assert "workers ask http://127.0.0.1:11434" in item.evidence[1]
    assert len(preflight.ollama_item("http://localhost:11434", "").evidence) == 1
