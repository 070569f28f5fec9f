"""The lines between monitor and agent: strict where they are read, one minor version apart at most."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.agent.protocol import (
    SCHEMA,
    Act,
    ActionProgress,
    AskPlan,
    AskProgress,
    Failed,
    Hello,
    Open,
    PlanMade,
    ReadSample,
    answer,
    encoded,
    request,
    version_problem,
)
from metabonk_tui.core.model.pool import Launch, Plan, PlanSource, Resize, Restart, Stop, StopWorker, TargetProcess
from metabonk_tui.core.model.sample import Event, Operation, OperationStep
from tests.support.refs import w

LAUNCHED = Event(1.0, "pool.launch", "info", "x")
ACTIONS = (Launch(2), Stop(adopt=(7,)), Resize(3, hours=1.0), Restart(2), StopWorker(w(1, "node2"), 7, 1.5))
PLAN = Plan(Launch(2), "start", (("run",),), (TargetProcess("worker", 7, 1.0, w(1)),), 2, PlanSource("/", "a.env", 3))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_an_action_is_asked_for_as_it_was_meant(action: Launch) -> None:
    asked = AskPlan(3, action)
    assert request(encoded(asked)) == asked


@pytest.mark.parametrize(
    "line",
    [
        PlanMade(3, "id", PLAN),
        ActionProgress(4),
        ActionProgress(
            5, Operation("launch", 1.0, (OperationStep("a", "running"),)), (Event(1.0, "pool.launch", "info", "x"),)
        ),
    ],
)
def test_what_was_planned_and_done_is_read_as_it_was_sent(line: PlanMade | ActionProgress) -> None:
    assert answer(encoded(line)) == line


def test_no_request_carries_a_command() -> None:
    """What runs on a host is in the configuration of that host."""
    text = {"version", "directory", "env_file", "plan", "override", "overridden", "by"}
    kinds = (Open, ReadSample, AskPlan, Act, AskProgress, Launch, Stop, Resize, Restart, StopWorker)
    words = {
        name
        for kind in kinds
        for name, type_ in kind.__annotations__.items()
        if "str" in str(type_) and "HostName" not in str(type_)
    }
    assert words == text


@pytest.mark.parametrize("line", [Open(SCHEMA, "0.1.0", 5000, 3, env_file="a.env"), ReadSample(7, fresh=True)])
def test_a_request_is_read_as_it_was_sent(line: Open | ReadSample) -> None:
    assert request(encoded(line)) == line


@pytest.mark.parametrize("line", [Hello(SCHEMA, "0.1.0"), Failed("no")])
def test_an_answer_is_read_as_it_was_sent(line: Hello | Failed) -> None:
    assert answer(encoded(line)) == line


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"\xff\n", b"[]", b"{}", b'{"kind":"launch"}', b'{"kind":"read","n":"one"}', b"[" * 5000]
)
def test_other_lines_are_an_error_with_a_text(line: bytes) -> None:
    for read in (request, answer):
        with pytest.raises(ValueError, match=r"\w"):
            read(line)


@pytest.mark.parametrize(
    ("theirs", "works", "words"),
    [
        ("1.4.0", True, ""),
        ("1.4.9", True, "its version is 1.4.9, this monitor's 1.4.0"),
        ("1.5.0", True, "its version is 1.5.0"),
        ("1.3.2", True, "its version is 1.3.2"),
        ("1.6.0", False, "more than one minor version apart"),
        ("1.2.0", False, "more than one minor version apart"),
        ("2.4.0", False, "more than one minor version apart"),
        ("", False, "names no version"),
        ("1.4\x1b[31m", False, "names no version"),
    ],
)
def test_one_minor_version_apart_works_and_is_named(theirs: str, works: bool, words: str) -> None:
    found, problem = version_problem("1.4.0", theirs, SCHEMA)
    assert (found, bool(problem)) == (works, bool(words))
    assert words in problem


def test_another_schema_never_works() -> None:
    works, problem = version_problem("1.4.0", "1.4.0", SCHEMA + 1)
    assert not works
    assert "install version 1.4.0 on the host" in problem
