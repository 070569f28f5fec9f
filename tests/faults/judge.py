"""Judges faults by the outcomes of their tests. Does not: run a test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.faults.fault import Fault


class Outcome(NamedTuple):
    """How one test ended."""

    node: str
    outcome: str
    """passed, failed or skipped."""
    seconds: float
    reason: str = ""


class Result(NamedTuple):
    """How one fault was survived."""

    fault: Fault
    word: str
    """survived, skipped, FAILED or NOT RUN."""
    seconds: float
    note: str = ""


def read(lines: Iterable[str]) -> list[Outcome]:
    """Read the lines of the plugin. A test that fails after it passed has two: the worse one counts."""
    return [Outcome(**json.loads(line)) for line in lines if line.endswith("\n")]


def judge(fault: Fault, outcomes: Sequence[Outcome]) -> Result:
    """Return the result of a fault. Where the machine cannot inject it, its twin counts and the reason is named."""
    own, twin = of(fault.tests, outcomes), of(fault.twin, outcomes)
    seconds = sum(one.seconds for one in (*own, *twin))
    failed = [one.node for one in (*own, *twin) if one.outcome == "failed"]
    if failed:
        return Result(fault, "FAILED", seconds, failed[0])
    skipped = [one.reason for one in own if one.outcome == "skipped"]
    if missing := [node for node in fault.tests if not of((node,), outcomes)]:
        return Result(fault, "NOT RUN", seconds, missing[0])
    if not skipped:
        return Result(fault, "survived", seconds)
    if len(skipped) < len(own):
        return Result(fault, "survived", seconds, f"in part: {skipped[0]}")
    note = f"{skipped[0]}; the twin {'passes' if twin else 'is missing'}"
    return Result(fault, "skipped", seconds, note)


def of(nodes: Sequence[str], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes of these tests, with all their parameters."""
    return [one for one in outcomes if any(one.node == node or one.node.startswith(f"{node}[") for node in nodes)]
