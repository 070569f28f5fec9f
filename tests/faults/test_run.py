"""`make faults` judges each fault by the outcomes of its tests, and names what was not injected."""

from __future__ import annotations

import json

import pytest

from tests.faults.fault import Fault
from tests.faults.judge import Outcome, judge, read

FAULT = Fault("x", "a fault", "somehow", "nothing happens", ("a.py::test_a", "a.py::test_b"), ("a.py::test_twin",))
A, B, TWIN = "a.py::test_a[1]", "a.py::test_b", "a.py::test_twin"


@pytest.mark.parametrize(
    ("outcomes", "word", "note"),
    [
        ([(A, "passed"), (B, "passed")], "survived", ""),
        ([(A, "passed"), (B, "failed")], "FAILED", B),
        ([(A, "passed"), (B, "passed"), (B, "failed")], "FAILED", B),
        ([(A, "passed")], "NOT RUN", "a.py::test_b"),
        ([(A, "skipped"), (B, "skipped"), (TWIN, "passed")], "skipped", "no tool; the twin passes"),
        ([(A, "skipped"), (B, "skipped")], "skipped", "no tool; the twin is missing"),
        ([(A, "passed"), (B, "skipped")], "survived", "in part: no tool"),
        ([(A, "skipped"), (B, "skipped"), (TWIN, "failed")], "FAILED", TWIN),
        ([], "NOT RUN", "a.py::test_a"),
    ],
)
def test_a_fault_is_judged_by_its_tests(outcomes: list[tuple[str, str]], word: str, note: str) -> None:
    result = judge(FAULT, [Outcome(node, outcome, 0.5, "no tool") for node, outcome in outcomes])
    assert (result.word, result.note) == (word, note)
    assert result.seconds == 0.5 * len(outcomes)


def test_a_line_that_is_still_written_is_not_read() -> None:
    whole = json.dumps({"node": A, "outcome": "passed", "seconds": 1.0, "reason": ""})
    assert read([f"{whole}\n", whole[:20]]) == [Outcome(A, "passed", 1.0)]
