"""Each word on a real worker process that does it, and on that worker only; the names that a real pool says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.live.follow import follow
from metabonk_tui.cli.suggest import with_options
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.json_report import report
from tests.demo.conftest import demo as demo
from tests.support import forks
from tests.support.demo_pools import DemoPool, MakePool, clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SPEED = 100.0
SPEEDS = {"looping": 20.0}
"""Four starts within ten minutes of the run: at 100 times speed a busy machine needs longer for each."""
LIMIT_S = 60.0
WORDS = {
    "idle": "idle",
    "racing": "racing",
    "looping": "looping",
    "zombie": "zombie",
    "frozen": "stale frames",
    "hung": "hung",
    "broken": "broken",
}

EVENT_KINDS = {
    "racing": ("worker.rate", "w1 steps "),
    "hung": ("worker.down", "w1 hung: "),
    "broken": ("worker.down", "w1 broken: "),
}
"""What is told by another event than `worker.conduct`, and how it begins."""


def watched(pool: DemoPool, word: str, state: Path, speed: float) -> Snapshot:
    """Watch as `check` does until the last worker is called so, and go on for a few polls."""
    config = load_config(pool.facts["config"]).config
    how = with_options(config=Path(pool.facts["config"]), speed=speed)
    last, after = None, 0
    with watching(config, call=how, speed=speed, read_only=True, state=state) as monitor:
        for last in follow(monitor, LIMIT_S):
            health = last.workers[-1].health if last.workers else None
            after += health is not None and health.state == word
            if after > 3:
                break
    assert last is not None
    return last


@pytest.mark.parametrize(("scenario", "word"), WORDS.items(), ids=list(WORDS))
def test_the_word_is_reported_of_the_last_worker_only(
    demo: MakePool, tmp_path: Path, scenario: str, word: str
) -> None:
    speed = SPEEDS.get(scenario, SPEED)
    pool = demo(scenario, workers=2, speed=speed)
    pool.launch()
    pool.wait_up(2)
    result = report(watched(pool, word, tmp_path / "state", speed))
    well, sick = result["workers"]
    assert sick["conduct"]["word"] == word, result["events"]
    assert well["conduct"] is None
    kind, begins = EVENT_KINDS.get(word, ("worker.conduct", f"w1 {word}: "))
    begun = [event for event in result["events"] if event["kind"] == kind]
    assert begun[-1]["text"].startswith(begins)
    assert {event["worker"] for event in begun} == {1}


def run(pool: DemoPool, state: Path, *argv: str) -> forks.Done:
    """Run the program on a pool."""
    words = [*argv, "--config", pool.facts["config"], "--speed", "60"]
    return forks.run(words, env=clean_environment(METABONK_TUI_STATE_DIR=str(state)), timeout=LIMIT_S)


def contract(pool: DemoPool, state: Path) -> tuple[int, dict[str, Any]]:
    """Run `contract --json` on a pool."""
    done = run(pool, state, "contract", "--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_a_healthy_pool_says_every_expected_name(demo: MakePool, tmp_path: Path) -> None:
    pool = demo("healthy", workers=2, speed=60)
    pool.launch()
    pool.wait_up(2)
    code, result = contract(pool, tmp_path)
    assert (code, result["never_seen"], result["workers"]) == (0, [], [0, 1])
    assert "act_hz" in result["unexpected"]
    text = run(pool, tmp_path, "contract").stdout
    assert text.startswith("every expected name was seen on w0 w1\n")


def test_a_pool_without_its_flags_lacks_the_names_of_its_components(demo: MakePool, tmp_path: Path) -> None:
    pool = demo("silent", workers=2, speed=60)
    pool.launch()
    pool.wait_up(2)
    code, result = contract(pool, tmp_path)
    assert code == 1
    assert "intrinsic_reward_total" in result["never_seen"]
    assert "meta_success_sequences" in result["never_seen"]
    assert "step" not in result["never_seen"]
    text = run(pool, tmp_path, "contract").stdout
    assert "  NEVER SEEN  intrinsic_reward_total " in text


def test_nobody_is_3_and_no_name_is_missed(tmp_path: Path) -> None:
    words = ["contract", "--json", "--base-port", "1", "--workers", "2"]
    done = forks.run(words, env=clean_environment(METABONK_TUI_STATE_DIR=str(tmp_path)), timeout=LIMIT_S)
    result = json.loads(done.stdout)
    assert (done.returncode, result["workers"], result["never_seen"]) == (3, [], [])


@pytest.mark.parametrize(("names", "code"), [({}, 0), ({"intrinsic_reward_total": "intrinsic_total_reward"}, 1)])
def test_a_recording_is_read_as_the_pool_is(tmp_path: Path, names: dict[str, str], code: int) -> None:
    from tests.core.worker.test_contract import WHOLE

    lines = [{"schema": 1, "kind": "run", "name": "r", "started_at": 0.0, "desired": 1, "interval_s": 10.0}]
    for t in range(0, 300, 10):
        answer = WHOLE(0, float(t))
        assert isinstance(answer, dict)
        status = {names.get(name, name): value for name, value in answer.items()}
        lines.append({"t": float(t), "workers": {"0": {"status": status}}})
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    environment = clean_environment(METABONK_TUI_STATE_DIR=str(tmp_path))
    done = forks.run(["contract", str(path)], env=environment, timeout=LIMIT_S)
    assert done.returncode == code, done.stdout
    for old, new in names.items():
        assert f"  NEVER SEEN  {old} " in done.stdout
        assert f"nearest seen: {new}" in done.stdout
