"""What each scenario does, on real processes at high speed, and the table itself."""

from __future__ import annotations

import math
import socket
import time
from itertools import pairwise
from pathlib import Path

import pytest

from metabonk_tui.demo.scenarios import GROWTH_CAP_MB, SCENARIOS, extra_mb, fault_of, lifetime_min
from tests.support.demo_pools import MakePool, carrying, environ_of
from tests.support.waiting import wait_for

NAMES = (
    "seed healthy silent disabled leak steps flaky hung nan zombie imports starved mixed override swallowed mute "
    "idle racing looping frozen broken slow crash"
)


def test_the_table_has_every_scenario() -> None:
    assert list(SCENARIOS) == NAMES.split()
    assert [name for name, row in SCENARIOS.items() if not row.exported] == ["seed", "silent", "crash"]
    assert [name for name, row in SCENARIOS.items() if row.finds_ollama] == ["seed", "crash"]


@pytest.mark.parametrize("name", NAMES.split())
def test_no_scenario_grows_beyond_the_cap_or_ever_shrinks(name: str) -> None:
    curve = [extra_mb(SCENARIOS[name].memory, minute) for minute in range(0, 2000)]
    assert curve == sorted(curve)
    assert curve[0] == 0
    assert curve[-1] <= GROWTH_CAP_MB


@pytest.mark.parametrize(
    ("minute", "megabytes"),
    [(0, 0), (1.99, 0), (2, 50), (5, 50), (10, 50), (15, 75), (20, 100), (999, 100)],
)
def test_a_memory_curve_jumps_where_two_points_share_a_minute(minute: float, megabytes: float) -> None:
    assert extra_mb(((2, 0), (2, 50), (10, 50), (20, 100)), minute) == pytest.approx(megabytes)


def test_a_memory_curve_is_capped_whatever_the_table_says() -> None:
    assert extra_mb(((0, 0), (10, 9000)), 10) == GROWTH_CAP_MB


@pytest.mark.parametrize("name", ["flaky", "crash"])
def test_workers_do_not_die_together(name: str) -> None:
    row = SCENARIOS[name]
    deaths = sorted(lifetime_min(row, slot, 0) for slot in range(row.workers))
    assert all(later - earlier > 0.6 for earlier, later in pairwise(deaths)), deaths


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


def test_healthy_reaches_gameplay_and_latches_it(demo: MakePool) -> None:
    pool = demo("healthy", workers=1, speed=3000)
    pool.launch()
    playing = wait_for(
        lambda: s if (s := pool.status(0)) and s["dynamic_ui_state_type"] == "gameplay" else None, "it plays"
    )
    assert playing["gameplay_started"] is True
    assert playing["hud_present"] is True
    assert playing["intrinsic_reward_total"] > 1
    assert playing["dynamic_ui_epsilon"] == 0.1
    menu = wait_for(lambda: s if (s := pool.status(0))["dynamic_ui_state_type"] == "menu_ui" else None, "a menu again")
    assert menu["gameplay_started"] is True
    assert menu["meta_success_sequences"] >= 1
    assert menu["dynamic_ui_epsilon"] == 0.8


def test_in_the_seed_system2_moves_and_nothing_else_does(demo: MakePool) -> None:
    pool = demo("seed", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    environment = environ_of(pool.pid(0))
    assert environment["METABONK_SYSTEM2_ENABLED"] == "1", "the launcher sets it"
    assert "METABONK_SYSTEM2_TRIGGER_MODE" not in environment
    assert "METABONK_INTRINSIC_REWARD" not in environment
    status = wait_for(lambda: s if (s := pool.status(0)) and s["vlm_hints_used"] > 2 else None, "System2 answers")
    assert status["system2_trigger_engaged_count"] == 0.0
    assert "dynamic_ui_text_density" not in status
    assert not {"intrinsic_reward_total", "meta_success_sequences"} & set(status)


def test_silent_finds_no_ollama_so_nothing_moves(demo: MakePool) -> None:
    pool = demo("silent", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    status = wait_for(lambda: s if (s := pool.status(0))["step"] > 20 else None, "a while has gone by")
    assert status["vlm_hints_used"] == 0


def test_mixed_has_one_ill_a_worker_and_a_sound_one(demo: MakePool) -> None:
    pool = demo("mixed", speed=600)
    pool.launch()
    pool.wait_up(6)
    wait_for(lambda: math.isnan((pool.status(2) or {}).get("intrinsic_reward_total", 0)), "w2 sends NaN")
    wait_for(lambda: pool.get(pool.base_port + 3, timeout_s=0.5) is None, "w3 hangs")
    wait_for(lambda: pool.status(5)["step"] > 5 * pool.status(0)["step"], "w5 races")
    assert "dynamic_ui_text_density" not in pool.status(1)
    before = pool.status(0)["actions_total"]
    still = pool.status(4)
    wait_for(lambda: pool.status(0)["actions_total"] > before, "w0 goes on")
    assert pool.status(4)["step"] == still["step"]


@pytest.mark.parametrize(
    ("workers", "kinds"),
    [
        (6, ["", "starve", "nan", "hang", "freeze", "race"]),
        (8, ["", "", "", "starve", "nan", "hang", "freeze", "race"]),
        (2, ["freeze", "race"]),
    ],
)
def test_the_faults_are_those_of_the_last_workers(workers: int, kinds: list[str]) -> None:
    assert [fault_of(SCENARIOS["mixed"], slot, workers).kind for slot in range(workers)] == kinds
    assert [fault_of(SCENARIOS["hung"], slot, workers).kind for slot in range(workers)] == [""] * (workers - 1) + [
        "hang"
    ]
    assert {fault_of(SCENARIOS["healthy"], slot, workers).kind for slot in range(workers)} == {""}


def test_disabled_says_0_in_the_file_and_the_launcher_overrides_system2(demo: MakePool) -> None:
    pool = demo("disabled", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    environment = environ_of(pool.pid(0))
    assert environment["METABONK_DYNAMIC_UI_EXPLORATION"] == "0"
    assert environment["METABONK_SYSTEM2_ENABLED"] == "1"
    status = wait_for(
        lambda: s if (s := pool.status(0)) and s["dynamic_ui_exploration_actions"] > 20 else None,
        "a while has gone by",
    )
    assert "intrinsic_reward_total" not in status
    assert status["system2_trigger_engaged_count"] == 0.0
    assert status["vlm_hints_used"] == 0


def test_leak_grows_really_and_ends_at_its_cap(demo: MakePool) -> None:
    pool = demo("leak", workers=1, speed=6000)
    pool.launch()
    pool.wait_up(1)
    pid = pool.pid(0)
    start = resident_mb(pid)
    wait_for(lambda: resident_mb(pid) > start + 100, "it grew")
    wait_for(lambda: (s := pool.status(0)) and s["actions_total"] > 200 * 60 * 7, "200 run minutes are over")
    assert resident_mb(pid) < GROWTH_CAP_MB + 80


def test_steps_jump_and_then_stay(demo: MakePool) -> None:
    pool = demo("steps", workers=1, speed=3000)
    pool.launch()
    pool.wait_up(1)
    pid = pool.pid(0)
    wait_for(lambda: resident_mb(pid) > 115, "the models begin to load")
    loaded = [0.0]

    def stays() -> bool:
        loaded.append(resident_mb(pid))
        return loaded[-1] == loaded[-2]

    wait_for(stays, "all models are loaded", every_s=1.0)
    level = loaded[-1]
    wait_for(lambda: (s := pool.status(0)) and s["actions_total"] > 100 * 60 * 7, "100 run minutes are over")
    assert resident_mb(pid) == pytest.approx(level, abs=25)


def test_flaky_workers_die_and_are_respawned(demo: MakePool) -> None:
    pool = demo("flaky", workers=2, speed=3600)
    pool.launch()
    wait_for(lambda: pool.output().count("(exit -9, attempt") >= 2, "two respawns")
    pool.wait_up(2)


def test_hung_accepts_and_never_answers_while_the_others_do(demo: MakePool) -> None:
    pool = demo("hung", workers=2, speed=800)
    pool.launch()
    pool.wait_up(2)

    def silent() -> bool:
        with socket.create_connection(("127.0.0.1", pool.base_port + 1), timeout=0.25) as connection:
            connection.sendall(b"GET /status HTTP/1.1\r\nhost: x\r\n\r\n")
            try:
                return connection.recv(1) == b"never"
            except TimeoutError:
                return True

    wait_for(silent, "it hangs")
    assert silent()
    assert pool.status(0)
    tasks = Path(f"/proc/{pool.pid(1)}/task")
    for _ in range(3):
        silent()
    wait_for(lambda: len(list(tasks.iterdir())) == 2, "given-up polls leave no thread behind")


def test_nan_is_written_as_nan(demo: MakePool) -> None:
    pool = demo("nan", workers=2, speed=600)
    pool.launch()
    pool.wait_up(2)
    bad = wait_for(
        lambda: s if math.isnan((s := pool.status(1))["intrinsic_reward_total"]) else None,
        "its reward is not a number",
    )
    assert bad["step"] > 0
    assert pool.status(0)["intrinsic_reward_total"] > 0


def test_a_zombie_answers_and_stands_still(demo: MakePool) -> None:
    # It freezes after 8 minutes, here 4 s: on a busy machine the orchestrator must see a step of it before.
    pool = demo("zombie", workers=2, speed=120)
    pool.launch()
    pool.wait_up(2)

    def still() -> tuple[dict, dict] | None:
        one = pool.status(1)
        time.sleep(0.3)
        other = pool.status(1)
        return (one, other) if {**one, "timestamp": 0} == {**other, "timestamp": 0} else None

    one, other = wait_for(still, "its numbers stand still")
    assert other["timestamp"] > one["timestamp"]
    assert one["step"] > 0
    before = pool.status(0)["actions_total"]
    wait_for(lambda: pool.status(0)["actions_total"] > before, "the other one goes on")
    wait_for(lambda: (pool.heartbeats()["omega-1"]["step_age_s"] or 0) > 1, "the orchestrator sees its step age")


def test_broken_goes_on_without_what_it_cannot_import_although_its_flag_is_on(demo: MakePool) -> None:
    pool = demo("imports", workers=2, speed=600)
    pool.launch()
    pool.wait_up(2)
    assert environ_of(pool.pid(1))["METABONK_INTRINSIC_REWARD"] == "1"
    assert "intrinsic_reward_total" not in pool.status(1)
    assert "intrinsic_reward_total" in pool.status(0)
    assert "[worker:omega-1] WARN: intrinsic reward shaper unavailable (No module named" in pool.log("worker_1.log")
    assert "WARN" not in pool.log("worker_0.log")


def test_starved_acts_on_without_a_frame_for_its_classifier(demo: MakePool) -> None:
    pool = demo("starved", workers=2, speed=3000)
    pool.launch()
    wait_for(lambda: (s := pool.status(0)) and s["gameplay_started"], "the other one plays")
    status = pool.status(1)
    assert status["dynamic_ui_state_type"] == "uncertain"
    assert "dynamic_ui_text_density" not in status
    assert status["gameplay_started"] is False
    assert status["dynamic_ui_exploration_actions"] > 0
    assert status["intrinsic_reward_total"] > 0
    before = status["step"]
    wait_for(lambda: pool.status(1)["step"] > before, "its steps advance")


def test_override_lays_the_profile_over_the_env_file(demo: MakePool) -> None:
    pool = demo("override", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    assert "METABONK_SYSTEM2_ENABLED=1" in Path(pool.facts["env_file"]).read_text()
    assert environ_of(pool.pid(0))["METABONK_SYSTEM2_ENABLED"] == "0"
    status = pool.status(0)
    assert status["system2_enabled"] is False
    assert "system2_trigger_mode" not in status


def test_swallowed_lacks_one_key_and_stays_at_zero(demo: MakePool) -> None:
    pool = demo("swallowed", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    environment = environ_of(pool.pid(0))
    assert environment["METABONK_PURE_VISION_MODE"] == environment["METABONK_INTRINSIC_REWARD"] == "1"
    assert "METABONK_INTRINSIC_APPLY_IN_PURE_VISION" not in environment
    status = wait_for(lambda: s if (s := pool.status(0))["step"] > 20 else None, "a while has gone by")
    assert status["intrinsic_reward_total"] == 0.0
    assert "intrinsic_ui_context" not in status


def test_mute_asks_and_nobody_answers(demo: MakePool) -> None:
    pool = demo("mute", workers=1, speed=600)
    pool.launch()
    pool.wait_up(1)
    status = wait_for(
        lambda: s if (s := pool.status(0))["system2_trigger_engaged_count"] > 1 else None, "it asked twice"
    )
    assert status["vlm_hints_used"] == 0
    assert status["system2_reasoning"] is None
    assert not pool.is_listening(pool.base_port + 65)
    assert "omega-0: System2 request failed: nothing answers" in pool.log("worker_0.log")


def test_with_an_ollama_the_first_question_is_answered(demo: MakePool) -> None:
    pool = demo("healthy", workers=1, speed=60)
    pool.launch()
    pool.wait_up(1)
    wait_for(lambda: pool.status(0)["system2_trigger_engaged_count"], "it asked")
    assert pool.status(0)["vlm_hints_used"] >= 1
    assert "failed" not in pool.log("worker_0.log")


def test_slow_answers_take_their_time(demo: MakePool) -> None:
    pool = demo("slow", workers=1)
    pool.launch()
    pool.wait_up(1)
    began = time.monotonic()
    assert pool.status(0)
    assert time.monotonic() - began >= 0.7


def test_a_crash_kills_worker_after_worker_and_the_launcher_gives_up(demo: MakePool) -> None:
    pool = demo("crash", workers=2, speed=3000)
    launcher = pool.launch()
    pool.wait_up(2)
    assert "METABONK_INTRINSIC_REWARD" not in environ_of(pool.pid(0))
    assert launcher.wait(40) == 0
    output = pool.output()
    assert output.count("restart limit reached (0/0) (exit -9)") == 2
    assert "no worker left" in output
    assert carrying(pool.name) == []
    pool.assert_gone()
