"""Every cause of silence against what proves it and the case beside it that does not; real statuses; combinations."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import EnvFileReading, EnvReading, Sample
from metabonk_tui.core.model.snapshot import Cause
from tests.support.paths import SHARED_DATA
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    Fields,
    Life,
    by_slot,
    configured,
    down,
    healthy,
    last,
    phases,
    playing,
    script,
    silent,
    with_fields,
    without,
)

RIGHT = CONFIG.required_environment | {"METABONK_PURE_VISION_MODE": "1"}
OFF = RIGHT | {key: "0" for key, wanted in CONFIG.required_environment.items() if wanted == "1"}
FILE = EnvFileReading("/srv/run.env", dict(RIGHT), frozenset())
Env = dict[str, str] | None
BEGIN = "Traceback (most recent call last):"
THREAD = "Exception in thread Thread-3 (_rollout_loop):"
IN_LOOP = 'File "/srv/src/worker/main.py", line 6075, in _rollout_loop'


def causes_of(
    life: Life,
    env: Env | Callable[[int], Env] = None,
    file: EnvFileReading | None = None,
    logs: dict[int, tuple[str, ...]] | None = None,
    toml: str = "",
    **how: Any,
) -> tuple[Cause, ...]:
    """What is named at the end of three minutes."""

    def reading(slot: int, _t: float) -> EnvReading | None:
        values = env(slot) if callable(env) else env
        return None if values is None else EnvReading(values)

    samples: list[Sample] = script(life, env=reading, **{"for_s": 180.0, "every_s": 20.0} | how)
    samples[0] = replace(samples[0], env_file=file, log_tails={w(slot): lines for slot, lines in (logs or {}).items()})
    return last(samples, configured(toml) if toml else CONFIG).causes


def first(found: tuple[Cause, ...]) -> str | None:
    return found[0].id if found else None


def ids(found: tuple[Cause, ...]) -> set[str]:
    return {cause.id for cause in found}


def failed(slot: int, t: float) -> Fields:
    """Switched on, but nothing could be imported: also System2's reasoner."""
    status = silent(slot, t)
    return {k: v for k, v in status.items() if not k.startswith("system2_trigger")} | {"system2_enabled": True}


unapplied = with_fields(healthy, intrinsic_reward_total=0.0)
starved = with_fields(without(healthy, "dynamic_ui_text_density"), dynamic_ui_state_type="uncertain")
frozen = with_fields(healthy, dynamic_ui_state_type="uncertain")
ambiguous = with_fields(
    healthy, dynamic_ui_state_type="uncertain", dynamic_ui_text_density=lambda t: 0.1 + t / 1e6, dynamic_ui_motion=0.1
)
unanswered = with_fields(healthy, system2_trigger_engaged_count=lambda t: min(t // 20, 1.0), vlm_hints_used=0)
untriggered = with_fields(
    healthy, system2_trigger_engaged_count=0.0, vlm_hints_used=0, system2_trigger_reason="no_trigger"
)
zombie = with_fields(healthy, step=lambda t: min(t, 60.0))
mute_always = with_fields(healthy, system2_trigger_mode="always", system2_trigger_engaged_count=0.0, vlm_hints_used=0)
renamed = with_fields(without(healthy, "intrinsic_reward_total"), intrinsic_rewards_total=1.0)
NO_SYSTEM2 = without(healthy, "system2_trigger_engaged_count", "system2_trigger_mode", "vlm_hints_used")
backend_broken = with_fields(NO_SYSTEM2, system2_enabled=False, vlm_hints_used=0)
LOG_LINES = ("[worker:omega-0] WARN: intrinsic reward shaper unavailable (no module); disabling",)
ALWAYS = RIGHT | {"METABONK_SYSTEM2_TRIGGER_MODE": "always"}
SYSTEM2_OFF = RIGHT | {"METABONK_SYSTEM2_ENABLED": "0"}
UNAPPLIED_ENV = {k: v for k, v in RIGHT.items() if not k.endswith("APPLY_IN_PURE_VISION")}


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("config-not-loaded", {"life": silent, "env": {}, "file": FILE}),
        ("config-not-loaded", {"life": silent, "env": {}}),
        ("config-not-loaded", {"life": silent}),
        ("config-not-loaded", {"life": silent, "file": FILE}),
        ("config-not-loaded", {"life": silent, "env": {"METABONK_SYSTEM2_ENABLED": "1"}, "file": FILE}),
        ("launcher-override", {"life": backend_broken, "env": SYSTEM2_OFF, "file": FILE}),
        ("component-disabled", {"life": silent, "env": OFF}),
        ("component-disabled", {"life": silent, "env": OFF, "file": replace(FILE, values=OFF)}),
        ("component-disabled", {"life": silent, "file": replace(FILE, values=OFF)}),
        ("component-disabled", {"life": silent, "env": {}, "file": replace(FILE, values={})}),
        ("init-failed", {"life": with_fields(silent, system2_trigger_mode="smart"), "env": RIGHT, "file": FILE}),
        ("init-failed", {"life": failed, "env": RIGHT}),
        ("init-failed", {"life": failed}),
        (
            "init-failed",
            {"life": without(healthy, "intrinsic_reward_total"), "logs": {0: LOG_LINES, 1: LOG_LINES, 2: LOG_LINES}},
        ),
        ("init-failed", {"life": backend_broken, "env": RIGHT}),
        ("init-failed", {"life": backend_broken}),
        ("intrinsic-not-applied", {"life": unapplied, "env": UNAPPLIED_ENV}),
        ("intrinsic-not-applied", {"life": unapplied, "env": UNAPPLIED_ENV, "file": FILE}),
        ("intrinsic-not-applied", {"life": unapplied}),
        ("classifier-no-frames", {"life": starved, "env": RIGHT}),
        ("classifier-no-frames", {"life": starved}),
        ("classifier-no-frames", {"life": frozen, "env": RIGHT}),
        ("classifier-ambiguous", {"life": ambiguous, "env": RIGHT, "for_s": 400.0}),
        ("system2-no-answer", {"life": unanswered, "env": RIGHT}),
        ("system2-never-triggers", {"life": mute_always, "env": ALWAYS}),
        ("system2-never-triggers", {"life": untriggered, "env": RIGHT}),
        ("zombie-worker", {"life": zombie, "env": RIGHT}),
        ("wrong-names", {"life": renamed, "env": RIGHT}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_the_first_cause(expected: str, given: dict[str, Any]) -> None:
    found = causes_of(**given)
    assert first(found) == expected, [(c.id, c.confidence, c.because) for c in found]
    assert found[0].workers == (w(0), w(1), w(2))
    assert all((found[0].because, found[0].confirm, found[0].fix))
    assert all(0 < cause.confidence < 1 for cause in found)
    assert [c.confidence for c in found] == sorted((c.confidence for c in found), reverse=True)


@pytest.mark.parametrize(
    ("never", "given"),
    [
        ("config-not-loaded", {"life": silent, "env": RIGHT, "file": FILE}),
        ("config-not-loaded", {"life": failed, "logs": {n: LOG_LINES for n in range(3)}}),
        ("launcher-override", {"life": silent, "env": OFF, "file": replace(FILE, values=OFF)}),
        ("component-disabled", {"life": backend_broken, "env": SYSTEM2_OFF, "file": FILE}),
        ("component-disabled", {"life": silent, "env": {}}),
        ("init-failed", {"life": silent, "env": OFF}),
        ("init-failed", {"life": healthy, "env": RIGHT, "logs": {n: LOG_LINES for n in range(3)}}),
        ("intrinsic-not-applied", {"life": unapplied, "env": RIGHT}),
        ("intrinsic-not-applied", {"life": unapplied, "env": UNAPPLIED_ENV | {"METABONK_PURE_VISION_MODE": "0"}}),
        ("intrinsic-not-applied", {"life": with_fields(unapplied, intrinsic_ui_context=0.0)}),
        ("classifier-no-frames", {"life": ambiguous, "env": RIGHT, "for_s": 400.0}),
        ("classifier-no-frames", {"life": with_fields(starved, step=5.0), "env": RIGHT}),
        ("classifier-no-frames", {"life": starved, "env": OFF}),
        ("classifier-ambiguous", {"life": frozen, "for_s": 400.0}),
        ("system2-no-answer", {"life": untriggered, "env": RIGHT}),
        ("system2-never-triggers", {"life": unanswered, "env": RIGHT}),
        ("zombie-worker", {"life": zombie, "for_s": 110.0}),
        ("zombie-worker", {"life": phases((0.0, zombie), (100.0, down)), "for_s": 400.0}),
        ("wrong-names", {"life": silent, "env": {}}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_the_case_beside_it_is_not_that_cause(never: str, given: dict[str, Any]) -> None:
    assert never not in ids(causes_of(**given))


@pytest.mark.parametrize("life", [healthy, playing])
@pytest.mark.parametrize("env", [None, RIGHT])
@pytest.mark.parametrize("for_s", [0.0, 30.0, 120.0, 600.0])
def test_healthy_names_nothing(life: Life, env: Env, for_s: float) -> None:
    unread = replace(FILE, values=RIGHT | {"METABONK_UI_BASE_EPS": "0.3"}, unread=("METABONK_UI_BASE_EPS",))
    assert causes_of(life, env, unread, for_s=for_s) == ()


def test_two_causes_are_distinguished_by_their_workers() -> None:
    lives = by_slot(silent, zombie, unapplied)
    found = causes_of(lives, lambda slot: ({}, RIGHT, UNAPPLIED_ENV)[slot], FILE)
    assert {cause.id: cause.workers for cause in found if cause.confidence > 0.7} == {
        "config-not-loaded": (w(0),),
        "zombie-worker": (w(1),),
        "intrinsic-not-applied": (w(2),),
    }


def test_a_fix_names_the_workers_that_it_mends() -> None:
    found = causes_of(by_slot(healthy, zombie, starved), RIGHT)
    fixes = {cause.id: cause.fix for cause in found}
    assert fixes["zombie-worker"] == "read the log of w1, restart w1"
    assert fixes["classifier-no-frames"].startswith("repair the capture of w2 (")
    log = {1: ("Exception in thread rollout",)}
    assert causes_of(by_slot(healthy, zombie, healthy), RIGHT, logs=log)[0].fix == (
        "repair what the traceback says, restart w1"
    )


@pytest.mark.parametrize(
    ("log", "quoted"),
    [
        # The line of a file says less than the exception.
        ((THREAD, BEGIN, IN_LOOP, "RuntimeError: no device"), "RuntimeError: no device"),
        ((BEGIN, "KeyError: 'x'", THREAD, BEGIN, IN_LOOP, "queue.Empty"), "queue.Empty"),
        ((THREAD, BEGIN, IN_LOOP, "RuntimeError: no device", BEGIN, "KeyError: 'x'"), "RuntimeError: no device"),
        # Another thread's exception did not end the loop.
        ((THREAD, BEGIN, IN_LOOP, "Exception in thread Thread-9 (save):", BEGIN, "OSError: full"), IN_LOOP),
        ((BEGIN, IN_LOOP, "INFO:     127.0.0.1 connected, error"), IN_LOOP),
        ((THREAD,), THREAD),
    ],
)
def test_a_zombie_is_explained_by_the_exception_that_ended_its_loop(log: tuple[str, ...], quoted: str) -> None:
    found = causes_of(zombie, RIGHT, logs={n: log for n in range(3)})
    assert first(found) == "zombie-worker"
    assert f', "{quoted}"' in found[0].because, found[0].because


@pytest.mark.parametrize(
    ("in_file", "fix"),
    [
        ({}, "set METABONK_INTRINSIC_APPLY_IN_PURE_VISION=1 in /srv/run.env (exported), relaunch"),
        # The file is right already: to set the flag there again repairs nothing.
        (RIGHT, "relaunch with the file exported: set -a; source /srv/run.env; set +a"),
    ],
)
def test_a_flag_that_the_file_sets_is_no_flag_to_set_there(in_file: dict[str, str], fix: str) -> None:
    found = causes_of(unapplied, UNAPPLIED_ENV, replace(FILE, values=in_file))
    assert (found[0].id, found[0].fix) == ("intrinsic-not-applied", fix)


def test_unread_keys_are_named_last_with_what_is_read_instead() -> None:
    found = causes_of(silent, RIGHT | {"METABONK_UI_BASE_EPS": "0.3"})
    assert found[-1].id == "unread-keys"
    assert "METABONK_DYNAMIC_EPS_BASE" in found[-1].fix


def test_the_proof_has_numbers_and_the_command_names_the_process() -> None:
    found = causes_of(silent, {}, FILE, pid=lambda slot, _t: 4000 + slot)
    assert "3/3 workers" in found[0].because
    assert "without export" in found[0].because
    assert "/proc/4000/environ" in found[0].confirm
    assert "set -a; source /srv/run.env" in found[0].fix


@pytest.mark.parametrize(
    ("environ", "confirm", "fix"),
    [
        ({}, "http://127.0.0.1:11434/api/tags", "start Ollama (ollama serve) and pull its model"),
        ({"OLLAMA_HOST": "http://127.0.0.1:1"}, "http://127.0.0.1:1/api/tags", "correct OLLAMA_HOST and relaunch"),
    ],
)
def test_an_ollama_that_does_not_answer_is_looked_for_where_the_workers_look(
    environ: dict[str, str], confirm: str, fix: str
) -> None:
    found = causes_of(unanswered, RIGHT | environ)
    assert found[0].id == "system2-no-answer"
    assert confirm in found[0].confirm
    assert fix in found[0].fix
    assert all(value in found[0].fix for value in environ.values())


def test_a_word_in_the_log_is_remembered_after_it_has_scrolled_away() -> None:
    samples = script(without(healthy, "intrinsic_reward_total"), for_s=180.0)
    samples[1] = replace(samples[1], log_tails={w(0): LOG_LINES})
    for n in range(2, len(samples)):
        samples[n] = replace(samples[n], log_tails={w(0): (f"[REWARD_HIT] {n}",)})
    found = last(samples).causes
    assert found[0].id == "init-failed"
    assert "shaper unavailable" in found[0].because


# The real ones

REAL = SHARED_DATA / "real"
with_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real statuses are not beside this checkout")
CODE_DEFAULTS = {"METABONK_SYSTEM2_ENABLED": "1", "METABONK_PURE_VISION_MODE": "1"}
BAD_BACKEND = RIGHT | {"METABONK_SYSTEM2_BACKEND": "vllm"}


def real(name: str) -> Life:
    """A real status whose counters advance a little."""
    document: Fields = json.loads((REAL / f"status-{name}.json").read_text())

    def lived(_slot: int, t: float) -> Fields:
        given = document | {"step": document["step"] + t, "steps": document["step"] + t}
        given["timestamp"] = document["timestamp"] + t
        given["dynamic_ui_exploration_actions"] += t // 10
        for key in ("system2_trigger_engaged_count", "vlm_hints_used", "intrinsic_reward_total"):
            if given.get(key):
                given[key] += t // 10
        reasoning = given.get("system2_reasoning")
        if isinstance(reasoning, dict):
            given["system2_reasoning"] = reasoning | {
                key: reasoning[key] + t for key in ("last_request_ts", "last_response_ts")
            }
        if "dynamic_ui_motion" in given:
            given["dynamic_ui_motion"] += t / 1e5
        return given

    return lived


def log_of(name: str) -> dict[int, tuple[str, ...]]:
    return {0: tuple((REAL / f"worker-{name}.log").read_text().splitlines())}


@with_real
@pytest.mark.parametrize("known", ["nothing", "environment", "log", "both"])
@pytest.mark.parametrize(
    ("name", "env", "expected"),
    [
        ("code-defaults", CODE_DEFAULTS, "config-not-loaded"),
        ("imports-broken", RIGHT, "init-failed"),
        ("bad-system2-backend", BAD_BACKEND, "init-failed"),
        ("intrinsic-not-applied-in-pure-vision", UNAPPLIED_ENV, "intrinsic-not-applied"),
        ("full", RIGHT, None),
    ],
)
def test_the_real_statuses(name: str, env: Env, expected: str | None, known: str) -> None:
    logs = log_of(name) if known in ("log", "both") else {}
    found = causes_of(
        real(name), env if known in ("environment", "both") else None, None, logs, workers=1, for_s=120.0
    )
    assert first(found) == expected, [(c.id, c.confidence, c.because) for c in found]
    if name == "bad-system2-backend":
        assert "System2" in found[0].because
