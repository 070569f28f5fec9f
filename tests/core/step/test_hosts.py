"""A pool on several hosts: who is wanted, whose memory counts, and what a host that is not seen means."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.store.codec import Encoder, samples
from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.sample import PoolReading, Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.verdict.text import verdict_text
from tests.support.refs import w
from tests.support.samples import coarse, down, healthy, last, losing_w1, play, room
from tests.support.several_hosts import lost, side_by_side

MINUTES: dict[str, Any] = {"workers": 2, "for_s": 1800.0}


def pool(**of_node2: Any) -> list[Sample]:
    """Return half an hour of two healthy hosts, the second one with what is given."""
    length = {name: value for name, value in of_node2.items() if name == "for_s"}
    node2 = coarse(of_node2.pop("life", healthy), **MINUTES | of_node2)
    return side_by_side({"node1": coarse(**MINUTES | length), "node2": node2})


@pytest.fixture(scope="module")
def fine() -> Snapshot:
    return last(pool())


@pytest.fixture(scope="module")
def away() -> list[Snapshot]:
    """The second host does not answer from the 10th minute on, and is back in the 25th."""
    both = {"node1": coarse(**MINUTES), "node2": coarse(**MINUTES)}
    gone = side_by_side(both, {"node2": lost(570.0)}, 600.0)
    back = side_by_side(both)
    return play([*[each for each in gone if each.t < 1500.0], *[each for each in back if each.t >= 1500.0]])


def memory_node(snapshot: Snapshot) -> tuple[str, str]:
    node = next(node for node in snapshot.verdict.nodes if node.id == "memory")
    return node.answer, node.evidence[0]


class TestTwoHosts:
    def test_workers_of_one_slot_are_two(self, fine: Snapshot) -> None:
        names = [worker.ref.label for worker in fine.workers]
        assert names == ["node1/w0", "node1/w1", "node2/w0", "node2/w1"]
        assert {worker.reach for worker in fine.workers} == {Reach.UP}

    def test_each_has_its_memory_and_the_verdict_names_one(self, fine: Snapshot) -> None:
        assert sorted(fine.hosts) == ["node1", "node2"]
        assert memory_node(fine)[0] == "yes"
        assert memory_node(fine)[1].startswith("node1: above the floor")

    def test_the_only_host_without_a_name_is_gone(self) -> None:
        first = play(pool()[:1])[0]
        assert sorted(first.hosts) == ["node1", "node2"]
        assert first.has_several_hosts

    def test_a_wanted_worker_that_never_answers_is_there(self) -> None:
        found = last(pool(life=down, for_s=900.0))
        assert [worker.reach for worker in found.workers if worker.ref.host == "node2"] == [Reach.DOWN] * 2

    def test_low_memory_of_one_host_decides(self) -> None:
        found = last(pool(memory=lambda _t: room(0.4)))
        assert found.memory.host == "node2"
        assert memory_node(found)[0] == "no"
        assert memory_node(found)[1].startswith("node2: available 0.40 GB")
        assert found.verdict.kind is VerdictKind.ADD_MEMORY_WATCH
        (alert,) = [each for each in found.alerts if each.name == "MemCritical"]
        assert (alert.id, alert.text.partition(":")[0]) == ("MemCritical:node2", "node2")

    def test_a_kill_on_one_host_stops_the_pool_and_names_the_host(self) -> None:
        found = last(pool(memory=lambda t: room(8.0, kills=int(t > 900)), processes=losing_w1(930.0)))
        assert found.verdict.kind is VerdictKind.STOP
        assert found.verdict.because[0].startswith("kernel OOM kill on node2:")
        assert any(event.text.startswith("node2: ") for event in found.events if event.kind == "memory.oom")

    def test_the_report_has_the_lowest_memory_and_the_kills_of_all(self) -> None:
        low_once = pool(memory=lambda t: room(0.9 if 300 <= t < 600 else 9.0), for_s=900.0)
        found = last(low_once)
        assert found.memory.host == "node1", "now the other one has less"
        assert found.run_memory.min_available_bytes == 900_000_000
        kill = last(pool(memory=lambda t: room(8.0, kills=int(t > 600)), processes=losing_w1(630.0), for_s=900.0))
        assert kill.run_memory.oom_kills_in_run == 1
        assert kill.run_memory.oom_since_t is not None

    def test_a_recording_has_it_all(self) -> None:
        sent = pool(for_s=300.0)[:11]
        encoder = Encoder()
        problems: list[object] = []
        assert list(samples([encoder.line(each) for each in sent], problems)) == sent  # type: ignore[arg-type]
        assert problems == []


class TestAHostThatIsNotSeen:
    def test_its_workers_are_unknown_and_not_down(self, away: list[Snapshot]) -> None:
        then = next(each for each in away if each.t == 900.0)
        reaches = {worker.ref: worker.reach for worker in then.workers}
        assert {reaches[w(slot, "node2")] for slot in range(2)} == {Reach.UNOBSERVED}
        assert {reaches[w(slot, "node1")] for slot in range(2)} == {Reach.UP}
        assert not [event for event in then.events if event.kind in ("worker.down", "process.gone")]
        assert then.obituaries == ()

    def test_its_memory_is_never_stable(self, away: list[Snapshot]) -> None:
        then = next(each for each in away if each.t == 1470.0)
        answer, evidence = memory_node(then)
        assert answer == "unknown"
        assert evidence.startswith("node2: LOST, no answer for 15m")
        assert "Connection refused" in evidence
        assert then.memory.host == "node2", "what is not seen is graver than what is fine"

    def test_no_word_of_go_stands(self, away: list[Snapshot]) -> None:
        seen_again = [each.verdict.level for each in away if 600.0 <= each.t < 1500.0]
        assert "go" not in seen_again

    def test_the_loss_and_the_return_are_events_and_one_alert(self, away: list[Snapshot]) -> None:
        texts = [event.text for event in away[-1].events if event.kind in ("host.lost", "host.back")]
        assert texts == ["node2 lost for 30s: 2 workers unknown; Connection refused", "node2 answers again after 15m"]
        (alert,) = [each for each in away[-1].alerts if each.name == "HostLost"]
        assert (alert.id, alert.state) == ("HostLost:node2", "resolved")

    def test_the_next_step_says_how_to_find_out(self, away: list[Snapshot]) -> None:
        then = next(each for each in away if each.t == 900.0)
        step = then.verdict.next_steps[0]
        assert (step.text, step.command) == ("see why node2 cannot be read", "metabonk-tui doctor")
        assert "node2" not in str(away[-1].verdict.next_steps)

    def test_it_is_in_the_text_of_the_verdict(self, away: list[Snapshot]) -> None:
        then = next(each for each in away if each.t == 900.0)
        assert "node2: LOST, for 5m30s: Connection refused" in verdict_text(then)

    def test_it_resumes_where_it_was(self, away: list[Snapshot]) -> None:
        end = away[-1]
        assert all(worker.reach is Reach.UP and worker.generation == 1 for worker in end.workers)

    def test_all_hosts_lost_is_not_a_pool_that_does_not_answer(self) -> None:
        both = {"node1": coarse(**MINUTES), "node2": coarse(**MINUTES)}
        found = last(side_by_side(both, {"node1": lost(570.0), "node2": lost(570.0)}, 600.0))
        assert found.t == 1800.0, "a tick in which no host answers is judged too"
        assert found.verdict.kind is not VerdictKind.STOP
        assert {worker.reach for worker in found.workers} == {Reach.UNOBSERVED}

    def test_the_rest_being_down_proves_nothing_of_it(self) -> None:
        ends = {"node1": coarse(lambda slot, t: down(slot, t) if t >= 600 else healthy(slot, t), **MINUTES)}
        gone = {"node2": lost(570.0)}
        found = last(side_by_side(ends | {"node2": coarse(**MINUTES)}, gone, 600.0))
        assert found.verdict.kind is not VerdictKind.STOP

    def test_one_that_never_answered_has_its_wanted_workers(self) -> None:
        both = {"node1": coarse(**MINUTES), "node2": coarse(**MINUTES)}
        found = last(side_by_side(both, {"node2": lost(None, workers=3)}, 0.0)[:5])
        assert [worker.ref.label for worker in found.workers][2:] == ["node2/w0", "node2/w1", "node2/w2"]
        assert "node2: LOST, never answered" in verdict_text(found)


def test_a_run_begun_anew_still_knows_its_hosts() -> None:
    again = [replace(each, t=each.t + 4000.0) for each in pool(for_s=300.0)[:5]]
    header = replace(again[0].run, name="run-2", started_at=4000.0) if again[0].run else None
    again[0] = replace(again[0], run=header)
    found = last([*pool(for_s=300.0)[:5], *again])
    assert sorted(found.hosts) == ["node1", "node2"]
    assert found.run.name == "run-2"


@pytest.mark.parametrize(("launched", "left"), [(True, ["node1/w0", "node1/w1", "node2/w0"]), (False, None)])
def test_a_slot_that_a_resize_ended_is_gone_and_one_that_died_is_not(launched: bool, left: list[str] | None) -> None:
    def on_two_hosts() -> list[Sample]:
        samples = pool(for_s=900.0)
        gone = w(1, "node2")
        small = [replace(each, workers={r: o for r, o in each.workers.items() if r != gone}) for each in samples]
        link = LinkReading("UP", 0.0, "", 1, "0.1.0", launched=launched)
        cut = [
            replace(each, hosts={**each.hosts, "node2": replace(each.hosts["node2"], link=link, processes=())})
            for each in small
        ]
        return [*[each for each in samples if each.t < 450.0], *[each for each in cut if each.t >= 450.0]]

    shown = [worker.ref.label for worker in last(on_two_hosts()).workers]
    assert shown == (left or ["node1/w0", "node1/w1", "node2/w0", "node2/w1"])


def test_how_many_are_wanted_follows_the_hosts_both_ways() -> None:
    more = [replace(each, pool=PoolReading("hosts", desired=6)) for each in pool(for_s=300.0)]
    fewer = [replace(each, pool=PoolReading("hosts", desired=3)) for each in pool(for_s=600.0) if each.t > 300.0]
    assert last(more).run.desired == 6
    assert last([*more, *fewer]).run.desired == 3
