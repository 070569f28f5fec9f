"""Which alerts are sent, and when: none twice, at most a few a minute, and the last state of each."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.alerts.notification_queue import MAX_WAITING, NotificationQueue
from metabonk_tui.core.model.alert import Alert, AlertState, AlertTransition, AlertTransitionKind
from metabonk_tui.core.model.level_names import AlertSeverity
from tests.support.refs import w

Notification = tuple[str, str, int]


def change(
    kind: AlertTransitionKind = "firing",
    name: str = "MemLow",
    severity: AlertSeverity = "warn",
    workers: tuple[int, ...] = (),
) -> AlertTransition:
    state: AlertState = "resolved" if kind == "resolved" else "firing"
    return AlertTransition(
        kind, Alert(name, "", severity, state, "it is so", since_t=0.0, workers=tuple(map(w, workers)))
    )


def offer(box: NotificationQueue, one: AlertTransition, now_s: float) -> None:
    box.offer(one, {"id": one.alert.id, "state": one.alert.state}, now_s)


def take_all(box: NotificationQueue, now_s: float) -> list[Notification]:
    found: list[Notification] = []
    while (message := box.take(now_s)) is not None:
        found.append((message["id"], message["state"], message["left_out"]))
    return found


def test_what_is_new_is_reported_at_once_and_once() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    offer(box, change(), 100)
    assert take_all(box, 100) == [("MemLow", "firing", 0)]
    assert take_all(box, 1000) == []
    assert box.ready_s() is None


def test_what_flaps_is_reported_once() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    found: list[Notification] = []
    for second in range(50):
        offer(box, change("resolved" if second % 2 else "firing"), second)
        found += take_all(box, second)
    found += take_all(box, 1000)
    # 25 times on and off are two calls, and the second one says how much was left out.
    assert found == [("MemLow", "firing", 0), ("MemLow", "resolved", 48)]


def test_what_is_again_as_it_was_reported_is_not_reported_again() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    for second, kind in enumerate(("firing", "resolved", "firing")):
        offer(box, change(kind), second)  # type: ignore[arg-type]
        if second == 0:
            assert take_all(box, 0) == [("MemLow", "firing", 0)]
    assert len(box) == 0
    assert take_all(box, 1000) == []


def test_the_end_waits_for_its_rest_and_is_reported_then() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    offer(box, change(), 0)
    take_all(box, 0)
    offer(box, change("resolved"), 5)
    assert box.ready_s() == 60
    assert take_all(box, 59.9) == []
    assert take_all(box, 60) == [("MemLow", "resolved", 0)]


def test_what_becomes_critical_does_not_wait() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    offer(box, change(), 0)
    take_all(box, 0)
    offer(box, change("louder", severity="crit"), 3)
    assert take_all(box, 3) == [("MemLow", "firing", 0)]
    offer(box, change("louder", severity="crit", workers=(1,)), 4)
    assert take_all(box, 4) == []
    assert take_all(box, 63) == [("MemLow", "firing", 0)]


def test_no_more_than_so_many_a_minute_and_critical_ones_first() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=2)
    for number in range(4):
        offer(box, change(name=f"A{number}"), 0)
    offer(box, change(name="Worst", severity="crit"), 0)
    assert take_all(box, 0) == [("Worst", "firing", 0), ("A0", "firing", 0)]
    assert box.ready_s() == 60
    offer(box, change("louder", name="A1", workers=(1,)), 10)
    assert take_all(box, 59) == []
    assert take_all(box, 60) == [("A1", "firing", 1), ("A2", "firing", 0)]
    assert take_all(box, 120) == [("A3", "firing", 0)]


def test_too_many_that_wait_cost_the_least_loud() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=60)
    offer(box, change(name="Quiet", severity="info"), 0)
    for number in range(MAX_WAITING):
        offer(box, change(name=f"A{number}", severity="crit"), 0)
    assert len(box) == MAX_WAITING
    names = take_all(box, 0)
    assert "Quiet" not in {name for name, _, _ in names}
    assert names[0][2] == 1


def test_after_its_rest_an_alert_that_fires_anew_is_reported_anew() -> None:
    box = NotificationQueue(repeat_s=60, per_minute=6)
    offer(box, change(), 0)
    assert take_all(box, 0)
    # Its run ended while it fired: no transition resolved it.
    offer(box, change(), 61)
    assert take_all(box, 61) == [("MemLow", "firing", 0)]


steps = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(("firing", "louder", "resolved")),
        st.sampled_from("ABC"),
        st.sampled_from(("info", "warn", "crit")),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 5), st.sampled_from((0.0, 10.0, 60.0)))
def test_never_too_often_and_at_last_the_truth(
    script: list[tuple[int, Any, str, Any]], per_minute: int, again_s: float
) -> None:
    box = NotificationQueue(again_s, per_minute)
    now_s, calls = 0, []
    newest: dict[str, str] = {}
    last: dict[str, str] = {}
    left_out = 0
    for wait_s, kind, name, severity in [*script, *[(60, None, "", "")] * 8]:
        now_s += wait_s
        if kind is not None:
            one = change(kind, name, severity)
            newest[name] = one.alert.state
            offer(box, one, now_s)
        while (message := box.take(now_s)) is not None:
            calls.append(now_s)
            last[message["id"]] = message["state"]
            left_out += message["left_out"]
    assert len(box) == 0
    for index in range(len(calls) - per_minute):
        assert calls[index + per_minute] - calls[index] >= 60
    assert last == newest
    assert len(calls) + left_out <= len(script)
