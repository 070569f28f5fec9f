"""The names that workers say: expected, never seen, vanished, renamed; and those that come and go."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.core.model.contract import ContractView
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.status.known_fields import READ, READ_IF_PRESENT, expectations
from metabonk_tui.core.worker import contract
from metabonk_tui.core.worker.contract import KEPT_OTHERS, new_contract, observe
from tests.support.examples import examples
from tests.support.paths import ROOT
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    Answer,
    Life,
    by_slot,
    coarse,
    configured,
    down,
    healthy,
    kinds,
    last,
    node,
    phases,
    play,
    script,
    with_fields,
    without,
)
from tests.support.timing import timing

CORE = ROOT / "metabonk_tui" / "core"
WHOLE = with_fields(
    healthy,
    **{name: 1.0 for name in READ if name not in ("step", "reward", "gameplay_started", "dynamic_ui_state_type")},
)
"""Says every needed name."""


def named(old: str, new: str, life: Life = WHOLE) -> Life:
    """The same life with one name changed."""

    def lived(slot: int, t: float) -> Answer:
        answer = life(slot, t)
        return {new if k == old else k: v for k, v in answer.items()} if isinstance(answer, dict) else answer

    return lived


def view(snapshot: Snapshot) -> ContractView:
    assert snapshot.contract is not None
    return snapshot.contract


def contract_events(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(event.kind, event.text) for event in snapshot.events if event.kind.startswith("contract.")]


def test_every_name_seen_reports_nothing() -> None:
    seen = last(script(WHOLE))
    assert view(seen).never_seen == ()
    assert view(seen).answered == (w(0), w(1), w(2))
    assert contract_events(seen) == []


def test_a_name_never_seen_is_reported_once_with_the_nearest_and_stands_in_the_evidence() -> None:
    seen = last(coarse(named("intrinsic_reward_total", "intrinsic_total_reward"), for_s=2000))
    assert [(one.name, one.nearest) for one in view(seen).never_seen] == [
        ("intrinsic_reward_total", "intrinsic_total_reward")
    ]
    assert contract_events(seen) == [
        (
            "contract.never_seen",
            "w0 w1 w2 never seen in /status of any worker: "
            "intrinsic_reward_total (nearest seen: intrinsic_total_reward)",
        )
    ]
    assert any(
        "never seen: intrinsic_reward_total; nearest seen: intrinsic_total_reward" in line
        for line in node(seen, "components").evidence
    )


def test_it_is_not_reported_while_workers_start() -> None:
    late = phases((0, down), (100, WHOLE))
    short = script(by_slot(without(WHOLE, "reward"), late, late), for_s=90)
    assert contract_events(last(short)) == []


def test_one_worker_that_says_a_name_is_enough() -> None:
    seen = last(script(by_slot(WHOLE, without(WHOLE, "intrinsic_reward_total"), WHOLE)))
    assert view(seen).never_seen == ()
    (one,) = [one for one in view(seen).names if one.name == "intrinsic_reward_total"]
    assert one.workers == (w(0), w(2))


def test_an_alias_does_for_a_field() -> None:
    seen = last(script(without(WHOLE, "meta_success_sequences")))
    assert view(seen).never_seen == ()
    (one,) = [one for one in view(seen).names if one.name == "meta_success_sequences"]
    assert (one.status, one.by_alias) == ("never seen", "meta_learner_sequences_learned")


def test_what_a_recording_could_not_see_is_not_observed() -> None:
    seen = last(script(lambda s, t: {"step": t}, observable=("step", "reward")))
    standings = {one.name: one.status for one in view(seen).names}
    assert standings["step"] == "seen"
    assert standings["reward"] == "never seen"
    assert standings["intrinsic_reward_total"] == "not observed"
    assert [one.name for one in view(seen).never_seen] == ["reward"]


def test_nobody_answers_is_nobody_seen() -> None:
    seen = last(script(down, for_s=600))
    assert view(seen).answered == ()
    assert contract_events(seen) == []


OFF = without(WHOLE, "reward")
LATER = phases((0, WHOLE), (300, without(WHOLE, "hud_present")), (400, named("hud_present", "hud_is_present")))

MID: list[tuple[str, Life, list[str]]] = [
    ("vanishes", phases((0, WHOLE), (300, OFF)), ["contract.vanished"]),
    ("is renamed", phases((0, WHOLE), (300, named("step", "steps"))), ["contract.renamed"]),
    ("another name comes long after", LATER, ["contract.vanished"]),
    ("is away for one poll", phases((0, WHOLE), (300, OFF), (310, WHOLE)), []),
    ("was not steady before", phases((0, OFF), (280, WHOLE), (300, OFF)), []),
    ("the worker is down", phases((0, WHOLE), (300, down)), []),
    ("another generation lacks it", phases((0, WHOLE), (300, lambda s, t: OFF(s, t - 300))), []),
    ("becomes null", phases((0, WHOLE), (300, with_fields(WHOLE, reward=None))), []),
    ("one that is not expected goes", phases((0, with_fields(WHOLE, intrinsic_ui_hamming=3.0)), (300, WHOLE)), []),
]  # fmt: skip


@pytest.mark.parametrize(("life", "expected"), [case[1:] for case in MID], ids=[case[0] for case in MID])
def test_in_mid_run(life: Life, expected: list[str]) -> None:
    seen = last(script(by_slot(life, WHOLE, WHOLE), for_s=600))
    assert [kind for kind, _ in contract_events(seen)] == expected


def test_the_same_on_several_workers_is_reported_once_and_comes_back() -> None:
    life = phases((0, WHOLE), (300, named("hud_present", "hud_is_present")), (500, WHOLE))
    snapshots = play(script(life, for_s=600))
    assert contract_events(snapshots[-1]) == [
        ("contract.renamed", "w0 w1 w2 hud_present is now hud_is_present in /status")
    ]
    status = {seen.t: next(one.status for one in view(seen).names if one.name == "hud_present") for seen in snapshots}
    assert (status[300], status[400], status[600]) == ("seen", "vanished", "seen")


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.booleans(), min_size=70, max_size=70))
def test_names_of_one_step_never_make_an_event(there: list[bool]) -> None:
    """As `intrinsic_ui_*` does: there in one poll, away in the next."""
    flapping = ("intrinsic_ui_hamming", "intrinsic_ui_change_bonus", "intrinsic_ui_context")

    def life(slot: int, t: float) -> Answer:
        answer = WHOLE(slot, t)
        assert isinstance(answer, dict)
        return answer | dict.fromkeys(flapping if there[int(t // 10) % 70] else (), 0.5)

    seen = last(script(life, workers=1, for_s=690))
    assert not set(kinds(seen)) & {"contract.renamed", "contract.never_seen"}
    assert "contract.vanished" not in kinds(seen) or longest(there) >= 6


def longest(there: list[bool]) -> int:
    """The longest stretch of it."""
    return max(len(run) for run in re.findall("1*", "".join("01"[one] for one in there)))


def test_unexpected_names_are_bounded() -> None:
    seen = last(script(lambda s, t: {"step": t} | {f"x{t:g}_{n}": n for n in range(60)}, workers=1, for_s=600))
    assert len(view(seen).unexpected) == KEPT_OTHERS
    assert view(seen).unexpected_more


def test_a_worker_whose_names_did_not_change_costs_no_new_view() -> None:
    snapshots = play(script(WHOLE, for_s=300))
    assert len({id(seen.contract) for seen in snapshots[1:]}) == 1


def test_every_name_that_the_core_reads_is_listed() -> None:
    call = re.compile(r"\b(?:number|value|text|flag|never)\(\s*(?:\w+\.)?status,\s*\"(\w+)\"|fields\.get\(\"(\w+)\"\)")
    several = re.compile(r"\bvalues\(\s*status,\s*\(([^)]*)\)")
    sources = [path.read_text(encoding="utf-8") for path in CORE.rglob("*.py")]
    read = {one or other for source in sources for one, other in call.findall(source)}
    read |= {name for source in sources for names in several.findall(source) for name in re.findall(r'"(\w+)"', names)}
    assert {"step", "obs_fps", "system2_reasoning"} <= read
    assert read <= {*READ, *READ_IF_PRESENT}


def test_every_configured_name_is_expected_and_says_by_whom() -> None:
    config = configured(
        '[[component]]\nid="a"\nlabel="a"\ntitle="A"\nfield="f"\nkind="counter"\nproof="p"\naliases=["g"]'
    )
    names = {one.name: one for one in expectations(config)}
    assert (names["f"].needed_by, names["f"].needed, names["f"].alternatives) == (("field of A",), True, ("g",))
    assert not names["g"].needed
    assert names["p"].needed_by == ("proof of A",)


def test_nothing_seen_yet_is_no_view_of_anything() -> None:
    quiet = observe(new_contract(CONFIG), {}, timing(0.0), None)
    assert quiet.view is not None
    assert quiet.view.answered == ()


def test_workers_with_the_same_names_share_them_in_whatever_order() -> None:
    statuses = [WorkerStatus(dict.fromkeys(order, 1.0)) for order in ("ab", "ab", "ba", "abc", "ab")]
    first, again, turned, more, later = [contract._keys_of(status) for status in statuses]
    assert first is again is later
    assert turned == first != more
    for number in range(contract.KEPT_ORDERS + 1):
        contract._keys_of(WorkerStatus({f"other {number}": 1.0}))
    assert len(contract._orders) == contract.KEPT_ORDERS
    assert contract._keys_of(statuses[0]) == first
