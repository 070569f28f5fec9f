"""Every death gets a page in the step that sees it; evidence completes it, and then it never changes."""

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ExitReading, KernelKill, KernelLogReading, ProcessReading
from metabonk_tui.core.model.obituary import MAX_OBITUARIES, Obituary
from metabonk_tui.core.model.refs import label_of
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report import obituary_text as texts
from metabonk_tui.core.text.numbers import elapsed
from tests.support.refs import w
from tests.support.samples import GB, by_slot, changed, down, healthy, phases, play, room, script, silent

GONE_T = 500.0
STATUS = healthy


def dying(slot: int = 1, at_t: float = GONE_T) -> Any:
    return by_slot(*(phases((0.0, STATUS), (at_t, down)) if s == slot else STATUS for s in range(3)))


def table(*gone: str, at_t: float = GONE_T) -> Any:
    """Three workers of which w1 grows, and their launcher; some are gone from a time on."""

    def read(t: float) -> tuple[ProcessReading, ...]:
        sizes = (GB, GB + int(t * 1e6), GB)
        every = [ProcessReading("worker", sizes[s], worker=w(s), pid=41 + s, started_at=0.0) for s in range(3)]
        every.append(ProcessReading("launcher", GB // 30, pid=7, started_at=0.0))
        return tuple(p for p in every if t < at_t or label_of(p.who) not in gone)

    return read


def lived(
    *gone: str, add: dict[float, dict[str, Any]] | None = None, for_s: float = 900, **fields: Any
) -> list[Snapshot]:
    fields = {"fields": dying(), "processes": table(*gone)} | fields
    samples = script(for_s=for_s, **fields)
    return play([with_fields_of(sample, (add or {}).get(sample.t, {})) for sample in samples])


def with_fields_of(sample: Sample, fields: dict[str, Any]) -> Sample:
    ends = fields.pop("log_ends", None)
    sample = changed(sample, **fields)
    return sample if ends is None else replace(sample, log_ends=ends)


def exit_of(code: int) -> dict[str, Any]:
    return {"exits": (ExitReading("worker", str(code), worker=w(1)),)}


def pages(snapshots: list[Snapshot]) -> tuple[Obituary, ...]:
    return snapshots[-1].obituaries


KERNEL = {"kernel_log": KernelLogReading(kills=(KernelKill(42, "python3", GB, "/pool", "/pool/w1"),))}
STOPPED = {"events": (Event(510.0, "pool.stop", "info", "worker 1 has ended", w(1), {"pid": 42}),)}


@pytest.mark.parametrize(
    ("add", "says", "sure"),
    [
        ({520.0: KERNEL}, "w1 was killed by the kernel: out of memory", "proved"),
        ({510.0: exit_of(-9)}, "w1 was killed by signal 9 (SIGKILL)", "proved"),
        ({510.0: exit_of(-9), 520.0: KERNEL}, "w1 was killed by the kernel: out of memory", "proved"),
        ({510.0: exit_of(-11)}, "w1 crashed by signal 11 (SIGSEGV)", "proved"),
        ({510.0: exit_of(3)}, "w1 exited with code 3", "proved"),
        ({}, "w1 is gone: exit not seen, nothing says why", "unknown"),
    ],
    ids=["kernel", "signal", "kernel after signal", "crash", "exit", "nothing"],
)
def test_a_page_says_how_it_ended_and_how_sure_that_is(add: dict[float, Any], says: str, sure: str) -> None:
    (page,) = pages(lived("w1", add=add))
    assert (texts.headline(page), texts.certainty(page)) == (says, sure)
    assert (page.t, page.seen_t, page.pid, page.generation, page.lived_s) == (500.0, 490.0, 42, 1, 500.0)


def by_ray(reason: Any) -> dict[str, Any]:
    engine = "Ray: actor w1.1 on n1: its word"
    return {"exits": (ExitReading("worker", "", worker=w(1), reason=reason, engine=engine),)}


@pytest.mark.parametrize(
    ("reason", "says", "first"),
    [
        (
            "killed by Ray",
            "w1 was killed by Ray's memory monitor, not by the kernel",
            "switch Ray's memory monitor off",
        ),
        ("preempted", "w1 lost its place: its node was preempted or stopped", "wait for another node"),
        ("cancelled", "w1 was cancelled, not by this monitor", "find who called ray.kill"),
    ],
)
def test_a_page_of_a_worker_on_ray_has_the_words_of_ray(reason: str, says: str, first: str) -> None:
    (page,) = pages(lived("w1", add={510.0: by_ray(reason)}))
    assert (texts.headline(page), texts.certainty(page)) == (says, "proved")
    assert page.remedies[0].text.startswith(first)
    assert page.ended is not None
    assert page.ended.exit_code is None, "which was not seen"


def test_the_counter_of_the_host_makes_a_kill_likely_and_not_proved() -> None:
    memory = lambda t: room(0.5 if t < GONE_T else 8.0, 1 if t >= GONE_T else 0, "host")  # noqa: E731
    (page,) = pages(lived("w1", memory=memory))
    assert (texts.headline(page), texts.certainty(page)) == (
        "w1 was probably killed by the kernel: out of memory",
        "likely",
    )


def test_what_was_known_is_frozen_at_that_moment() -> None:
    seen = lived("w1", add={510.0: exit_of(1)}, for_s=1500)
    (page,) = pages(seen)
    answer = page.answer
    assert answer is not None
    assert (answer.t, answer.step, answer.ui_state) == (490.0, 490.0, "menu_ui")
    assert page.signs[0].startswith("it was the largest of 3 workers, 1.49 GB, +60 M/m")
    before = [point for point in page.memory if point.t < page.t]
    assert before[0].t <= 210.0
    assert before[-1].held_bytes == GB + 490_000_000
    assert page.memory[-1].t > page.t, "what became free is seen"
    around = {event.kind for event in page.around}
    assert "process.gone" in around
    assert all(abs(event.t - page.t) <= 40.0 for event in page.around)
    closed = next(each for each in seen if each.t == 700.0)
    assert closed.obituaries[0] is page, "after two minutes it never changes, and no step copies it"


def test_the_last_lines_of_its_log_come_a_tick_later_and_only_its_own_count() -> None:
    lines = ("[worker:omega-0] not mine", "Traceback (most recent call last):", "EOFError: reader closed")
    named = lambda slot, t: healthy(slot, t) | {"instance_id": f"omega-{slot}"}  # noqa: E731
    fields = by_slot(named, phases((0.0, named), (GONE_T, down)), named)
    (page,) = pages(lived("w1", fields=fields, add={510.0: {"log_ends": {w(1): lines}}, 520.0: exit_of(1)}))
    assert page.log == lines[1:]
    assert page.log_ends
    assert [remedy.text for remedy in page.remedies] == ["fix what it raised: EOFError: reader closed"]


def test_an_end_by_us_is_no_death() -> None:
    seen = lived("w1", add={510.0: STOPPED})
    assert pages(seen) == ()
    assert any(each.obituaries for each in seen), "until that is known it is one"


def test_a_worker_of_another_machine_dies_when_it_refuses_and_not_when_it_is_late() -> None:
    (page,) = pages(lived(processes=None))
    assert texts.headline(page) == "w1 stopped answering: exit not seen"
    assert page.ended is None
    late = by_slot(STATUS, phases((0.0, STATUS), (GONE_T, lambda _slot, _t: "timeout")), STATUS)
    assert pages(lived(processes=None, fields=late)) == ()


def test_a_restart_between_two_polls_is_one_death() -> None:
    again = phases((0.0, STATUS), (GONE_T, lambda slot, t: healthy(slot, t, GONE_T)))
    (page,) = pages(lived(processes=None, fields=by_slot(STATUS, again, STATUS)))
    assert (texts.headline(page), page.restarted) == ("w1 restarted: exit not seen", "step fell 490 → 0")
    refused = phases((0.0, STATUS), (GONE_T, down), (GONE_T + 60, lambda slot, t: healthy(slot, t, GONE_T + 60)))
    seen = lived(processes=None, fields=by_slot(STATUS, refused, STATUS))
    (page,) = pages(seen)
    assert texts.restart(page, seen[-1]) == "gen 2 began 1m later"


def test_of_many_deaths_the_newest_are_kept_and_the_others_counted() -> None:
    def processes(t: float) -> tuple[ProcessReading, ...]:
        return (ProcessReading("worker", GB, worker=w(0), pid=100 + int(t // 20), started_at=t // 20 * 20.0),)

    last = play(script(silent, workers=1, processes=processes, for_s=1000))[-1]
    assert len(last.obituaries) == MAX_OBITUARIES
    assert last.earlier_obituaries == 50 - MAX_OBITUARIES
    assert len(last.obituaries[-1].memory) <= 48


def test_without_a_death_no_step_makes_anything() -> None:
    seen = lived(fields=STATUS, for_s=300)
    assert {id(each.obituaries) for each in seen} == {id(())}


def test_the_text_of_a_page_has_every_part() -> None:
    seen = lived("w1", add={510.0: exit_of(1), 520.0: {"log_ends": {w(1): ("last words",)}}})
    said = texts.lines(pages(seen)[0], seen[-1], elapsed)
    assert said[0] == "w1 exited with code 1 at 00:08:20"
    heads = {line.split(":")[0] for line in said}
    assert {"cause", "also", "memory", "last answer", "do", "log", "around it"} <= heads
    assert "  last words" in said
