"""The sentences at the head of a report."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.report.text import report_text
from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.report.run_history import RunHistory, histories_so_far
from metabonk_tui.core.report.summary import run_sentences
from tests.support.refs import w
from tests.support.samples import PLAYING, Fields, healthy, kinds, last, phases, room, script, state, with_fields
from tests.support.several_hosts import one_lost, some_wait

SEEN_T = 1900.0


def reached_gameplay(slot: int, t: float) -> Fields:
    """One transition, which cannot come again: the flag never goes back."""
    return healthy(slot, t) | (PLAYING if SEEN_T <= t < SEEN_T + 60 else {"gameplay_started": t >= SEEN_T})


def test_a_transition_counter_stands_and_is_not_stalled() -> None:
    seen = last(script(reached_gameplay, workers=2, for_s=SEEN_T + 1800))
    assert state(seen, "ui_to_gameplay") is ComponentState.STALLED
    text = report_text(histories_so_far(seen))
    assert "UI→gameplay stands on 2/2" in text
    assert "STANDS 1*" in text
    assert "stalled" not in text.lower()
    assert kinds(seen, "component.silent") == []


def test_a_counter_that_must_move_is_stalled() -> None:
    life = phases((0, healthy), (300, with_fields(healthy, system2_trigger_engaged_count=15.0, vlm_hints_used=12)))
    text = report_text(histories_so_far(last(script(life, workers=2, for_s=1800))))
    assert "System2 stalled on 2/2" in text
    assert "STALLED 15" in text


@pytest.mark.parametrize(
    ("because", "kept"),
    [
        ("a unset, on 3/3 workers", "a unset, on 3/3 workers"),
        ("a unset, on w0; b unset, on w1 w2; alike on w3", "a unset, on w0"),
        # The quoted line of the log has a semicolon of its own.
        (
            'absent: "WARN: x unavailable; disabling", on w0; b, on w1',
            'absent: "WARN: x unavailable; disabling", on w0',
        ),
        ("answers, step 60 for 2m", "answers, step 60 for 2m"),
    ],
)
def test_the_first_proof_of_the_likeliest_cause_is_whole(because: str, kept: str) -> None:
    cause = Cause("init-failed", "import or init failed", 0.97, because, "", "")
    sentences = run_sentences(RunHistory(replace(last(script(for_s=60.0)), causes=(cause,)), ()))
    assert f"The likeliest cause (0.97) is import or init failed: {kept}." in sentences


@pytest.mark.parametrize(
    ("memory", "sentence"),
    [
        (lambda _t: room(), ", and the kernel killed no process of the pool."),
        (lambda _t: room(8.0, None, None), ", and no source could have seen an OOM kill."),
        (
            lambda t: room(8.0, int(t >= 300)),
            "; the kernel killed 1 in the workers' memory, and none known of this pool.",
        ),
        (lambda _t: None, "Memory was not recorded: nothing can be said of it."),
    ],
)
def test_what_the_kernel_killed_is_said_as_far_as_it_could_be_seen(
    memory: Callable[[float], MemoryReading | None], sentence: str
) -> None:
    table = (ProcessReading("worker", 10, w(0), pid=40), ProcessReading("ollama", 10, pid=30))
    seen = last(script(healthy, workers=1, for_s=600, memory=memory, processes=lambda _t: table))
    (history,) = histories_so_far(seen)
    assert any(each.endswith(sentence) for each in run_sentences(history)), run_sentences(history)


@pytest.mark.parametrize(("kills", "written"), [(0, "OOM kills 0"), (None, "OOM kills not observed")])
def test_a_count_of_kills_that_no_source_could_have_seen_is_not_zero(kills: int | None, written: str) -> None:
    scope = None if kills is None else "cgroup"
    seen = last(script(healthy, workers=1, for_s=60, memory=lambda _t: room(8.0, kills, scope)))
    assert written in report_text(histories_so_far(seen))


def test_workers_that_wait_for_a_place_have_a_sentence_and_a_row() -> None:
    seen = some_wait()
    text = report_text(histories_so_far(seen))
    assert "At the end, 1 worker waits for a place: Resources." in text
    assert re.search(r"w2 +PENDING +for 14m +Resources", text) is not None
    lost = replace(seen, pool=replace(seen.pool, engine_error="squeue: down"))
    text = report_text(histories_so_far(lost))
    assert "Resources, as the cluster said before it stopped answering." in " ".join(text.split())
    assert "the cluster does not answer: squeue: down" in text
    assert "queue" not in report_text(histories_so_far(one_lost()))
