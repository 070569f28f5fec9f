"""What a recorded conversation with a real cluster says of each actor, and in which words."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from metabonk_tui.adapters.ray.actors import (
    NodeAnswer,
    actors_of,
    end_text,
    exit_of,
    look_of,
    state_text,
    waiting_text,
)
from metabonk_tui.adapters.ray.changes import changes
from tests.support.paths import ROOT

LOOKS: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "tests" / "data" / "ray" / "looks.jsonl").read_text().splitlines()
]
"""Ray 2.60: nothing; four run and one waits; then a kill of each kind, as `STAGES` names them."""


def test_an_empty_cluster_has_no_actor() -> None:
    assert actors_of(look_of(LOOKS[0])) == {}


def test_four_run_on_two_nodes_and_one_waits() -> None:
    actors = actors_of(look_of(LOOKS[1]))
    assert {actor.label: actor.node for actor in actors.values()} == {
        "w0.1": "gpu1",
        "w1.1": "gpu1-a427",
        "w2.1": "gpu1",
        "w3.1": "gpu1-a427",
        "w4.1": "",
    }
    assert [slot for slot, actor in actors.items() if actor.runs] == [0, 1, 2, 3]
    assert actors[4].waits
    assert actors[4].reason == "PENDING_CREATION: needs 0.45 CPU, a node has at most 0.1 CPU free"
    assert len({actor.number for actor in actors.values()}) == 5


ENDS = {
    0: ("process killed by signal 9", "-9", None, False),
    1: ("ended by ray.kill", "", "cancelled", False),
    2: ("its actor's process was killed or crashed (SYSTEM_ERROR)", None, None, False),
    3: (
        "its node was preempted or stopped (Node received SIGTERM; draining before shutdown)",
        "",
        "preempted",
        False,
    ),
    4: ("its node died (health check failed due to missing too many heartbeats)", "", "node failed", True),
    5: (
        "could not start: /nowhere cannot be started: [Errno 2] No such file or directory: '/nowhere'",
        None,
        None,
        False,
    ),
    6: ("killed by Ray's memory monitor at 3.33 GB of 23.54 GB", "", "killed by Ray", False),
}


@pytest.mark.parametrize("slot", ENDS)
def test_how_each_one_ended(slot: int) -> None:
    actor = actors_of(look_of(LOOKS[-1]))[slot]
    text, code, reason, is_lost = ENDS[slot]
    assert actor.has_ended
    assert state_text(actor) == text
    assert actor.is_lost is is_lost
    found = exit_of(actor)
    assert (found and found.exit, found and found.reason) == (code, reason)
    assert found is None or found.engine == end_text(actor)


def test_a_worker_that_ended_counts_before_its_actor_has() -> None:
    actor = actors_of(look_of(LOOKS[2]))[0]
    assert (actor.state, actor.has_ended, actor.runs, state_text(actor)) == (
        "ALIVE",
        True,
        False,
        "process killed by signal 9",
    )


def test_every_change_is_one_event() -> None:
    found = []
    for before, now in pairwise(LOOKS):
        found += [
            (event.kind.split(".")[1], event.text.split(";")[0])
            for event in changes(actors_of(look_of(before)), actors_of(look_of(now)), 1.0, frozenset())
        ]
    assert found == [
        ("started", "w0 runs on gpu1 as actor w0.1"),
        ("started", "w1 runs on gpu1-a427 as actor w1.1"),
        ("started", "w2 runs on gpu1 as actor w2.1"),
        ("started", "w3 runs on gpu1-a427 as actor w3.1"),
        ("waiting", "w4 waits as actor w4.1: PENDING_CREATION: needs 0.45 CPU, a node has at most 0.1 CPU free"),
        ("ended", "w0 is gone"),
        ("started", "w4 runs on gpu1 as actor w4.1"),
        ("ended", "w1 is gone"),
        ("ended", "w5 is gone"),
        ("ended", "w2 is gone"),
        ("ended", "w6 is gone"),
        ("ended", "w4 is lost"),
        ("ended", "w3 is gone"),
    ]


def test_what_we_ended_is_no_warning_and_what_vanishes_is_one() -> None:
    before, now = actors_of(look_of(LOOKS[1])), actors_of(look_of(LOOKS[2]))
    (ours,) = [each for each in changes(before, now, 1.0, frozenset({before[0].label})) if "w0" in each.text]
    assert (ours.severity, ours.text.endswith("; we ended it")) == ("info", True)
    unseen = list(changes(before, {}, 1.0, frozenset()))
    assert [each.text for each in unseen][:1] == ["actor w0.1 is no longer listed by Ray"]
    assert {each.kind for each in unseen} == {"job.unseen"}


def node(alive: bool = True, **free: float) -> NodeAnswer:
    return NodeAnswer("a", "n", alive, {"CPU": 4.0, "memory": 8e9}, free)


@pytest.mark.parametrize(
    ("needs", "nodes", "reason"),
    [
        ({"CPU": 1.0}, [node(CPU=0.5)], "P: needs 1 CPU, a node has at most 0.5 CPU free"),
        ({"GPU": 1.0}, [node(CPU=4.0)], "P: needs 1 GPU, a node has at most 0 GPU"),
        ({"memory": 4e9}, [node(memory=1e9)], "P: needs 4.0 GB memory, a node has at most 1.0 GB memory free"),
        (
            {"CPU": 1.0, "memory": 4e9},
            [node(CPU=4.0, memory=0.0), node(CPU=0.0, memory=8e9)],
            "P: no node has 1 CPU, 4.0 GB memory free together",
        ),
        ({"CPU": 1.0}, [node(CPU=4.0)], "P"),
        ({"CPU": 1.0}, [node(False, CPU=4.0)], "P: needs 1 CPU, a node has at most 0 CPU"),
        ({"CPU": 1.0}, [], "P: needs 1 CPU, a node has at most 0 CPU"),
    ],
)
def test_why_one_waits(needs: dict[str, float], nodes: list[NodeAnswer], reason: str) -> None:
    assert waiting_text("P", needs, nodes) == reason


@pytest.mark.parametrize(
    "name",
    [
        "metabonk-tui.other.w0.1",
        "metabonk-tui.5b3bd3d9725c490c.w0.1.x",
        "w0.1",
        "metabonk-tui.5b3bd3d9725c490c.w99999.1",
    ],
)
def test_an_actor_of_another_name_is_none_of_the_pool(name: str) -> None:
    look = json.loads(json.dumps(LOOKS[1]))
    look["actors"] = [{**look["actors"][0], "name": name}]
    assert actors_of(look_of(look)) == {}


@pytest.mark.parametrize(
    "answer", [{}, {"record": 1}, {**LOOKS[1], "actors": [{"name": "x"}]}, {**LOOKS[1], "at": []}]
)
def test_an_answer_of_another_form_is_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Expected|missing"):
        look_of(answer)
