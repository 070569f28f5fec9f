"""Damaged recordings: read right, or left out with the line. No damage gives a better word than the whole file."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.recordings import side_by_side
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.lenient import MAX_LISTED, Problem
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.samples import play

START = 1_767_309_258.0
EVERY_S = 60.0
WORKERS = 2
GO = [VerdictKind.CONTINUE, VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS]
"""From the least to the best."""
Tick = dict[str, Any]
Lines = list[str]


def status(n: int, *, silent: bool = False) -> dict[str, Any]:
    grown = 0 if silent else n
    return {
        "step": 10.0 * n,
        "gameplay_started": False,
        "dynamic_ui_state_type": "menu_ui",
        "dynamic_ui_epsilon": 0.8,
        "dynamic_ui_exploration_actions": 5 * grown,
        "dynamic_ui_text_density": 0.12,
        "intrinsic_reward_total": 0.01 * grown,
        "system2_trigger_engaged_count": float(grown),
        "system2_trigger_mode": "smart",
        "vlm_hints_used": grown,
        "meta_success_sequences": 0.0,
    }


def ticks(count: int = 42, *, silent: bool = False, memory: bool = True, killed_at: int | None = None) -> list[Tick]:
    found: list[Tick] = []
    for n in range(count):
        tick: Tick = {
            "t": START + n * EVERY_S,
            "workers": {str(slot): {"status": status(n, silent=silent)} for slot in range(WORKERS)},
        }
        if memory:
            kills = int(killed_at is not None and n >= killed_at)
            tick["memory"] = {"total_bytes": 16 * 10**9, "available_bytes": 9 * 10**9, "oom_kills": kills}
            tick["kernel_log"] = {"kills": []}
        found.append(tick)
    return found


BASES: dict[str, list[Tick]] = {
    "a go": ticks(),
    "memory not observed": ticks(memory=False),
    "silent": ticks(silent=True),
    "silent at the end": [*ticks(5), *ticks(silent=True)[5:]],
    "killed": ticks(killed_at=15),
    "not yet ended": ticks(20),
}
RUN = {"schema": 1, "kind": "run", "name": "r", "started_at": START, "desired": WORKERS, "source": "live"}


def lines_of(found: list[Tick], **header: Any) -> Lines:
    return [json.dumps(RUN | header), *(json.dumps(tick) for tick in found)]


def shifted(tick: Tick, by_s: float) -> Tick:
    return {**tick, "t": tick["t"] + by_s}


def one_worker_a_line(found: list[Tick]) -> list[Tick]:
    """Worker 1 answers 0.3 s later, or earlier, in a line of its own."""
    return [
        {**shifted(tick, slot * 0.3 * (-1) ** n), "workers": {str(slot): tick["workers"][str(slot)]}}
        for n, tick in enumerate(found)
        for slot in range(WORKERS)
    ]


def of_worker(found: list[Tick], slot: str) -> list[Tick]:
    return [{**tick, "workers": {slot: tick["workers"][slot]}} for tick in found]


def one_after_the_other(found: list[Tick]) -> list[Tick]:
    return [*of_worker(found, "0"), *of_worker(found, "1")]


def shuffled(found: list[Tick], seed: int) -> list[Tick]:
    return random.Random(seed).sample(found, len(found))


def floats(value: Any) -> Any:
    """Write each integer as a float."""
    if isinstance(value, dict):
        return {key: floats(each) for key, each in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class Damage:
    """A kind of damage, and what becomes of the recording of a go."""

    damaged: Callable[[list[Tick]], Lines]
    stays: bool
    """True: the file is read as without it. False: the rest is no go, or as good a one."""
    what: str = ""
    """A part of the problem that is named; "": none."""


DAMAGES = {
    "one worker a line": Damage(lambda x: lines_of(one_worker_a_line(x)), stays=True),
    "byte order mark": Damage(lambda x: ["\ufeff" + lines_of(x)[0], *lines_of(x)[1:]], stays=True),
    "ends of lines of Windows": Damage(lambda x: [line + "\r" for line in lines_of(x)], stays=True),
    "floats for integers": Damage(lambda x: lines_of([floats(one) for one in x], desired=2.0), stays=True),
    "header torn": Damage(lambda x: [lines_of(x)[0][:40], *lines_of(x)[1:]], stays=False, what="half a line"),
    "header without a start": Damage(lambda x: lines_of(x, started_at="x"), stays=True, what="started_at"),
    "header glued to the first line": Damage(
        lambda x: ["".join(lines_of(x)[:2]), *lines_of(x)[2:]], stays=False, what="half a line"
    ),
    "last line torn": Damage(lambda x: [*lines_of(x)[:-1], lines_of(x)[-1][:50]], stays=True, what="half a line"),
    "two lines in one": Damage(
        lambda x: [*lines_of(x)[:10], "".join(lines_of(x)[10:12]), *lines_of(x)[12:]], stays=True, what="half a line"
    ),
    "one line earlier": Damage(
        lambda x: lines_of([*x[:10], shifted(x[10], -900), *x[11:]]), stays=True, what="runs backwards"
    ),
    "some lines earlier": Damage(
        lambda x: lines_of([*x[:10], *(shifted(one, -900) for one in x[10:13]), *x[13:]]),
        stays=True,
        what="runs backwards",
    ),
    "one line far ahead": Damage(
        lambda x: lines_of([*x[:10], shifted(x[10], 1e8), *x[11:]]), stays=True, what="next rows are earlier"
    ),
    "first line far ahead": Damage(lambda x: lines_of([shifted(x[0], 1e8), *x[1:]]), stays=True, what="next rows"),
    "clock set back": Damage(
        lambda x: lines_of([*x[:14], *(shifted(one, -3600) for one in x[14:])]), stays=True, what="clock was set back"
    ),
    "clock set back twice": Damage(
        lambda x: lines_of([*x[:10], *(shifted(one, -610) for one in x[10:16]), *(shifted(y, -1730) for y in x[16:])]),
        stays=True,
        what="clock was set back",
    ),
    "all times before the start": Damage(lambda x: lines_of([shifted(one, -9000) for one in x]), stays=False),
    "start in the middle": Damage(
        lambda x: lines_of(x, started_at=START + 1200), stays=False, what="before the start of its run"
    ),
    "times fall": Damage(
        lambda x: lines_of([{**one, "t": START - n * EVERY_S} for n, one in enumerate(x)]),
        stays=False,
        what="left out",
    ),
    "lines in reverse": Damage(lambda x: lines_of(x[::-1]), stays=False, what="left out"),
    "lines shuffled": Damage(lambda x: lines_of(shuffled(x, 4)), stays=False, what="left out"),
    "lines shuffled in another way": Damage(lambda x: lines_of(shuffled(x, 5)), stays=False, what="left out"),
    "each line twice": Damage(
        lambda x: lines_of([one for one in x for _ in range(2)]), stays=True, what="repeats an earlier line"
    ),
    "a block twice": Damage(lambda x: lines_of([*x[:16], *x[5:16], *x[16:]]), stays=True, what="repeats an earlier"),
    "all twice": Damage(lambda x: lines_of([*x, *x]), stays=True, what="repeats an earlier line"),
    "one worker after the other": Damage(lambda x: lines_of(one_after_the_other(x)), stays=True),
    "a file of each worker, joined": Damage(
        lambda x: [line for slot in ("0", "1") for line in lines_of(of_worker(x, slot))], stays=True
    ),
    "a file of each worker, each with a run of its own": Damage(
        lambda x: [
            *lines_of(of_worker(x, "0"), name="w0", desired=1),
            *lines_of([shifted(one, 2) for one in of_worker(x, "1")], name="w1", desired=1, started_at=START + 2),
        ],
        stays=True,
    ),
    "a file of each worker, of which one ends early": Damage(
        lambda x: lines_of([*of_worker(x, "0"), *of_worker(x, "1")[:20]]), stays=False
    ),
    "an interval that hides gaps": Damage(
        lambda x: lines_of([*x[:10], *x[-10:]], interval_s=1e6), stays=False, what="not believed"
    ),
    "appended to an older recording": Damage(
        lambda x: lines_of([*(shifted(one, 100_000) for one in ticks()), *x]), stays=False, what="another recording"
    ),
}


def last_of(samples: list[Sample]) -> Snapshot | None:
    return play(samples)[-1] if samples else None


def read(path: Path, lines: Lines) -> tuple[Snapshot | None, list[Problem]]:
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="")
    problems: list[Problem] = []
    return last_of(list(read_jsonl(str(path), problems))), problems


@cache
def undamaged(base: str) -> VerdictKind:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        snapshot, problems = read(Path(folder) / "run.jsonl", lines_of(BASES[base]))
    assert problems == []
    assert snapshot is not None
    return snapshot.verdict.kind


def is_better(found: VerdictKind, than: VerdictKind) -> bool:
    return found in GO and (than not in GO or GO.index(found) > GO.index(than))


def test_the_bases_are_what_they_are_called() -> None:
    assert {base: undamaged(base) for base in BASES} == {
        "a go": VerdictKind.LAUNCH_24H,
        "memory not observed": VerdictKind.CONTINUE,
        "silent": VerdictKind.STOP,
        "silent at the end": VerdictKind.STOP,
        "killed": VerdictKind.ADD_MEMORY_WATCH,
        "not yet ended": VerdictKind.VALIDATING,
    }


@pytest.mark.parametrize("kind", DAMAGES)
def test_no_damage_gives_a_better_word(kind: str, tmp_path: Path) -> None:
    damage = DAMAGES[kind]
    for base, found in BASES.items():
        snapshot, problems = read(tmp_path / "run.jsonl", damage.damaged(found))
        if snapshot is not None:
            assert not is_better(snapshot.verdict.kind, undamaged(base)), base
        if damage.stays:
            assert snapshot is not None
            assert snapshot.verdict.kind is undamaged(base), base
        assert any(damage.what in problem.what for problem in problems) if damage.what else True, base


def test_one_worker_after_the_other_in_a_file_that_is_not_read_twice_is_no_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "MAX_BYTES", 100)
    snapshot, problems = read(tmp_path / "run.jsonl", lines_of(one_after_the_other(BASES["a go"])))
    assert snapshot is not None
    assert snapshot.verdict.kind is VerdictKind.UNDECIDED
    assert [problem.line for problem in problems] == [2 + len(BASES["a go"])]
    assert "other workers begin here" in problems[0].what


def test_workers_that_a_file_has_one_after_the_other_share_their_run(tmp_path: Path) -> None:
    ticks_of = [of_worker(BASES["a go"], slot) for slot in ("0", "1")]
    alone = [lines_of(each, name=f"w{slot}", desired=1) for slot, each in enumerate(ticks_of)]
    event = {"t": START + 121.0, "event": {"kind": "run.note", "severity": "info", "text": "of w1"}}
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([*alone[0], *alone[1][:3], json.dumps(event), *alone[1][3:]]))
    samples = list(read_jsonl(str(path), problems := []))
    assert problems == []
    assert [(s.run.name, s.run.desired) for s in samples if s.run is not None] == [("w0", 2)]
    assert [s.t for s in samples] == [START + n * EVERY_S for n in range(42)]
    assert {len(s.workers) for s in samples} == {2}
    assert [(s.t, [event.text for event in s.events]) for s in samples if s.events] == [(START + 120.0, ["of w1"])]


def test_recordings_of_the_same_workers_stay_runs_of_their_own(tmp_path: Path) -> None:
    later = [shifted(tick, 600) for tick in BASES["a go"]]
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([*lines_of(BASES["a go"]), *lines_of(later, name="s", started_at=START + 600)]))
    samples = list(read_jsonl(str(path), []))
    assert [s.run.name for s in samples if s.run is not None] == ["r", "s"]
    last = last_of(samples)
    assert last is not None
    assert last.ended_runs[-1].last.verdict.ended is None, "a run that began before did not replace it"


# -- tables -----------------------------------------------------------------------------------------------------------

COLUMNS = (
    "elapsed,worker,step,gameplay,dynamic_state,dynamic_eps,dynamic_actions,dynamic_text_density,"
    "intrinsic_reward_total,system2_engage,vlm_hints_used,gpu_memory_gb"
)
TABLE_EVERY_S = 300


def table(slot: int, rows: int = 8, silent_from: int = 99) -> Lines:
    found = [COLUMNS]
    for n in range(rows):
        grown = min(n, silent_from)
        found.append(
            f"{n * TABLE_EVERY_S},{slot},{10.0 * (n + 1)},false,menu_ui,0.8,{5 * (grown + 1)},0.12,"
            f"{0.1 * (grown + 1):.2f},1.0,{grown + 1},0.1"
        )
    return found


def timed(lines: Lines, at: Callable[[int], float]) -> Lines:
    """Replace the elapsed time of each row by that of its number."""
    return [lines[0], *(f"{at(n):g},{line.split(',', 1)[1]}" for n, line in enumerate(lines[1:]))]


def semi_sorted(lines: Lines) -> Lines:
    return [lines[0], *lines[:0:-1]]


TABLE_DAMAGES: dict[str, tuple[Callable[[Lines, int], Lines], bool, str]] = {
    "skew of 40 s": (lambda x, slot: timed(x, lambda n: n * 300 + 40 * slot), True, ""),
    "jitter": (lambda x, slot: timed(x, lambda n: n * 300 + (7 * n * (slot + 3)) % 41), True, ""),
    "floats": (
        lambda x, slot: [x[0], *(f"{n * 300}.0,{slot}.0,{y.split(',', 2)[2]}" for n, y in enumerate(x[1:]))],
        True,
        "",
    ),
    "True and False": (lambda x, _: [line.replace("false", "False") for line in x], True, ""),
    "columns in another order": (
        lambda x, _: [",".join([*line.split(",")[1:], line.split(",")[0]]) for line in x],
        True,
        "",
    ),
    "header glued": (lambda x, _: [x[0] + x[1], *x[2:]], True, "both read"),
    "last row torn": (lambda x, _: [*x[:-1], x[-1][:25]], True, "columns"),
    "two rows in one": (lambda x, _: [*x[:3], x[3] + x[4], *x[5:]], True, "columns"),
    "rows twice": (lambda x, _: [x[0], *(row for row in x[1:] for _ in range(2))], True, "repeats an earlier row"),
    "times fall": (lambda x, _: timed(x, lambda n: 300 * (8 - n)), False, "left out"),
    "rows in reverse": (lambda x, _: semi_sorted(x), False, "left out"),
    "times before the start": (lambda x, _: timed(x, lambda n: 300 * (n - 9)), False, "elapsed is no time"),
    "a time far ahead": (lambda x, _: timed(x, lambda n: 9e9 if n == 2 else 300 * n), True, "next rows are earlier"),
    "a column twice": (
        lambda x, _: [x[0].replace("vlm_hints_used", "dynamic_actions"), *x[1:]],
        False,
        "there twice",
    ),
    "no end of the last line": (lambda x, _: [*x[:-1], x[-1][:-1]], True, ""),
}


def read_tables(folder: Path, damaged: Callable[[Lines, int], Lines], **shape: int) -> tuple[Snapshot, list[Problem]]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"worker_{slot}_metrics.csv" for slot in range(WORKERS)]
    for slot, path in enumerate(paths):
        path.write_text("\n".join(damaged(table(slot, **shape), slot)) + "\n", "utf-8", newline="")
    problems: list[Problem] = []
    snapshot = last_of(list(read_folder(paths, problems)))
    assert snapshot is not None or problems
    return snapshot or last_of([Sample(t=0.0)]), problems  # type: ignore[return-value]


@pytest.mark.parametrize("kind", TABLE_DAMAGES)
@pytest.mark.parametrize("shape", [{}, {"silent_from": 0}, {"rows": 5}], ids=["a go", "silent", "not yet ended"])
def test_no_damage_of_a_table_gives_a_better_word(kind: str, shape: dict[str, int], tmp_path: Path) -> None:
    damaged, stays, what = TABLE_DAMAGES[kind]
    whole, _ = read_tables(tmp_path / "whole_20260103_100000", lambda lines, _: lines, **shape)
    found, problems = read_tables(tmp_path / "damaged_20260103_100000", damaged, **shape)
    assert not is_better(found.verdict.kind, whole.verdict.kind)
    if stays:
        assert (found.verdict.kind, found.run.gaps) == (whole.verdict.kind, whole.run.gaps)
    assert any(what in problem.what for problem in problems) if what else True


def test_many_problems_of_one_file_are_counted(tmp_path: Path) -> None:
    _, problems = read(tmp_path / "run.jsonl", [*lines_of(ticks(3)), *["{"] * 1000])
    assert len(problems) == MAX_LISTED + 1
    assert sum(problem.count for problem in problems) == 1000
    assert str(problems[-1]) == f"run.jsonl: {1000 - MAX_LISTED} more problems"


def test_a_run_line_without_a_start_begins_a_run_that_wants_as_many_workers(tmp_path: Path) -> None:
    lines = [*lines_of(ticks(3)), *lines_of([shifted(tick, 9000) for tick in ticks(3)], started_at=None, desired=5)]
    snapshot, problems = read(tmp_path / "run.jsonl", lines)
    assert snapshot is not None
    assert (snapshot.run.desired, snapshot.run.started_at) == (5, START + 9000)
    assert [(problem.line, problem.what) for problem in problems] == [(5, "RunHeader without started_at; left out")]
