"""On several hosts a person sees one plan with a section for each, and chooses before the rest is acted on."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from metabonk_tui.core.launch.across_hosts import join_plans
from metabonk_tui.core.model.pool import Action, HostPlan, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.dialogs.asked import Asked
from metabonk_tui.ui.dialogs.confirm import ConfirmDialog
from tests.support.several_hosts import roomy
from tests.support.waiting import wait_for
from tests.ui.conftest import ScriptedMonitor
from tests.ui.person import Person

HOSTS = ("node1", "node2")


class HostsMonitor(ScriptedMonitor):
    """Plans with a section for each host, once its gate is open."""

    def __init__(self, scene: Snapshot) -> None:
        super().__init__(scene)
        self.gate = threading.Event()
        self.gate.set()
        self.lost: tuple[HostName, ...] = ()
        self.hosts: tuple[HostName, ...] = HOSTS

    def plan(self, action: Action) -> Plan:
        assert self.gate.wait(10)
        names = (action.ref.host,) if isinstance(action, StopWorker) else action.hosts or self.hosts
        parts = [HostPlan(name, self._of(name, action), name) for name in names]
        if not isinstance(action, StopWorker):
            action = replace(action, hosts=names)
        return join_plans(action, parts, (), ())

    def _of(self, name: HostName, action: Action) -> Plan:
        plan = super().plan(action)
        hits = tuple(hit for hit in plan.hits if hit.worker is not None and hit.worker.host == name)
        if name in self.lost:
            return replace(plan, mode="refused", hits=(), start=0, commands=(), refusal="lost for 40 s")
        return replace(plan, hits=hits)


class Operator(Person):
    """A person at the screen of two hosts."""

    monitor: HostsMonitor

    def __init__(self, size: tuple[int, int] = (120, 50)) -> None:
        scene = roomy()
        super().__init__(scene, size, monitor=HostsMonitor(scene))

    def gets_the_plan(self) -> None:
        dialog = self.controller.dialog
        assert isinstance(dialog, ConfirmDialog)
        wait_for(lambda: dialog.has_news() or not dialog._asked.is_waiting, "the hosts have answered", 10.0)


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.mark.parametrize(
    ("keys", "word", "action"),
    [
        ("X", "stop", Stop(hosts=HOSTS)),
        ("R", "restart", Restart(0, hosts=HOSTS)),
        ("+", "3", Resize(3, hosts=("node1",))),
        ("-", "1", Resize(1, hosts=("node1",))),
    ],
)
def test_a_plan_of_hosts_is_typed_like_any_other(operator: Operator, keys: str, word: str, action: Action) -> None:
    operator.types(keys)
    operator.gets_the_plan()
    operator.types(f"{word}\n")
    assert [plan.action for plan in operator.monitor.submitted] == [action]


def test_each_host_has_its_section(operator: Operator) -> None:
    operator.types("X")
    operator.gets_the_plan()
    for name in HOSTS:
        assert f"host        {name}" in operator.text
        assert f"ALL 2 workers: {name}/w0 {name}/w1" in operator.text


def test_until_the_hosts_have_answered_nothing_can_be_confirmed(operator: Operator) -> None:
    operator.monitor.gate.clear()
    operator.types("X")
    assert "asking the hosts what this would do" in operator.text
    operator.types("stop\n")
    assert operator.monitor.submitted == []
    assert operator.controller.dialog is None
    operator.monitor.gate.set()


def test_the_filter_chooses_the_hosts(operator: Operator) -> None:
    operator.types("/host=node2\n")
    operator.types("X")
    operator.gets_the_plan()
    operator.types("stop\n")
    assert [plan.action for plan in operator.monitor.submitted] == [Stop(hosts=("node2",))]


def test_plus_means_the_host_of_the_selected_worker(operator: Operator) -> None:
    operator.types("\t\t\t\t")
    selected = operator.controller.frame(120, 50).worker
    assert selected is not None
    operator.types("+")
    operator.gets_the_plan()
    assert f"3 workers on {selected.ref.host}" in operator.text.replace("WORKERS ON", "workers on").lower()
    operator.types("3\n")
    assert [plan.action for plan in operator.monitor.submitted] == [Resize(3, hosts=(selected.ref.host,))]


class TestALostHost:
    """It is named, and the others go on only after a typed word."""

    @pytest.fixture
    def operator(self) -> Operator:
        operator = Operator()
        operator.monitor.lost = ("node2",)
        operator.types("X")
        operator.gets_the_plan()
        return operator

    def test_stops_all(self, operator: Operator) -> None:
        assert "node2: lost for 40 s" in operator.text
        operator.types("stop\n")
        assert operator.monitor.submitted == []

    def test_is_left_out_by_a_word(self, operator: Operator) -> None:
        assert "type others and press Enter to act on node1 only" in operator.text
        operator.types("others\n")
        operator.gets_the_plan()
        assert "node2  " not in operator.text.split("confirm")[0].rsplit("host  ", 1)[-1]
        assert operator.monitor.submitted == []
        operator.types("stop\n")
        assert [plan.action for plan in operator.monitor.submitted] == [Stop(hosts=("node1",))]

    def test_leaves_no_choice_when_it_is_the_only_one(self) -> None:
        operator = Operator()
        operator.monitor.lost = HOSTS
        operator.types("X")
        operator.gets_the_plan()
        assert "type others" not in operator.text
        operator.types("others\n")
        assert operator.monitor.submitted == []


def test_of_many_hosts_each_has_one_line(operator: Operator) -> None:
    operator.monitor.hosts = ("node1", "node2", "node3", "node4")
    operator.types("L")
    operator.gets_the_plan()
    assert operator.text.count("host        node") == 4
    assert "launch.py" not in operator.text.split("confirm")[0].rsplit("host        node4", 1)[1]
    copied = operator.types("y").copy
    assert copied is not None
    assert copied.count("# node") == 4


@pytest.mark.parametrize("keys", ["L", "R", "X", "+"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_it_fits_every_terminal(keys: str, size: tuple[int, int]) -> None:
    operator = Operator(size=size)
    operator.types(keys)
    operator.gets_the_plan()
    rows = operator.rows
    assert len(rows) == size[1]
    assert "confirm" in operator.text


def test_only_the_newest_question_is_answered() -> None:
    first, wakes = threading.Event(), []
    asked: Asked[str] = Asked(lambda: wakes.append(1))
    asked.ask(lambda: "late" if first.wait(10) else "")
    asked.ask(lambda: "newest")
    wait_for(lambda: wakes, "the second answer")
    first.set()
    wait_for(lambda: len(wakes) == 2, "the first answer")
    assert asked.take() == "newest"
    assert not asked.is_waiting
    assert asked.take() is None


def test_a_launch_names_the_number_on_each_host(operator: Operator) -> None:
    operator.types("L")
    operator.gets_the_plan()
    assert "workers on each host" in operator.text
    assert operator.monitor.planned
    assert {plan.workers for plan in operator.monitor.planned if isinstance(plan, Launch)} == {
        operator.controller.frame(120, 50).config.pool.workers
    }
