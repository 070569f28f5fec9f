"""MetaBonk's own CSV recordings: a bare 0 where a float is due was an absent key, and a broken row costs itself."""

import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.core.model.sample import BadValue, Presence, Sample
from metabonk_tui.core.status.decode import number, text
from tests.support.refs import w

HEADER = (
    "elapsed,worker,episode,step,gameplay,dynamic_state,dynamic_eps,dynamic_actions,dynamic_text_density,"
    "dynamic_motion,intrinsic_reward,intrinsic_reward_total,system2_engage,system2_reason,meta_success_sequences,"
    "meta_suggestions_applied,vlm_hints_used,vlm_hints_applied,gpu_memory_gb"
)
EMPTY = "300,0,0,139.0,false,uncertain,0,0,0,0,0,0,0"


def read(folder: Path, **files: str) -> tuple[list[Sample], list[Problem]]:
    """Write worker files and read the folder: w0="row\\nrow", w1=..."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name, content in files.items():
        paths.append(folder / f"worker_{name[1:]}_metrics.csv")
        paths[-1].write_text(content, "utf-8")
    problems: list[Problem] = []
    return list(read_folder(paths, problems)), problems


def test_a_bare_zero_where_a_float_is_due_was_an_absent_key(tmp_path: Path) -> None:
    (sample,), problems = read(tmp_path / "run", w0=EMPTY)
    status = sample.workers[w(0)].status
    assert problems == []
    assert status is not None
    absent = (
        "dynamic_ui_epsilon",
        "dynamic_ui_exploration_actions",
        "intrinsic_reward_total",
        "meta_success_sequences",
    )
    assert {name: number(status, name).presence for name in absent} == dict.fromkeys(absent, Presence.ABSENT)
    assert number(status, "step").value == 139.0
    assert status.fields["gameplay_started"] is False
    assert text(status, "dynamic_ui_state_type") == "uncertain"


def test_a_float_zero_was_a_zero_and_a_count_beside_a_present_neighbour_is_real(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path / "run", w0="0,0,0,16.0,true,menu_ui,0.8,0,0,0.0,0.0,0,0")
    status = sample.workers[w(0)].status
    for name in ("dynamic_ui_exploration_actions", "intrinsic_reward_total", "meta_success_sequences"):
        assert number(status, name).value == 0.0
    assert status is not None
    assert status.fields["gameplay_started"] is True


def test_names_that_never_existed_stay_unknown_and_what_was_not_asked_for_is_unobserved(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path / "run", w0="0,0,7,16.0,false,menu_ui,0.8,5,3.0,0.0,0.0,2.0,9.0")
    status = sample.workers[w(0)].status
    assert status is not None
    for name in ("intrinsic_transitions", "meta_followed", "system2_engagements", "episode"):
        assert name not in status.fields
    for name in ("system2_trigger_engaged_count", "vlm_hints_used", "dynamic_ui_text_density"):
        assert number(status, name).presence is Presence.UNOBSERVED
    assert sample.workers[w(0)].episode is None


def test_with_a_header_row_the_proof_could_be_seen(tmp_path: Path) -> None:
    rows = (
        f"{HEADER}\n"
        "0,0,0,16.0,false,menu_ui,0.8,13,0.25,0.01,0,0.5,1.0,menu_ui,1.0,0.0,4,0,0.12\n"
        "300,0,0,20.0,false,uncertain,0.9,14,0,0,0,0,0,,0,0,0,0,0\n"
    )
    (first, second), problems = read(tmp_path / "run", w0=rows)
    assert problems == []
    status, later = first.workers[w(0)].status, second.workers[w(0)].status
    assert number(status, "dynamic_ui_text_density").value == 0.25
    assert number(status, "system2_trigger_engage").value == 1.0
    assert text(status, "system2_trigger_reason") == "menu_ui"
    assert number(status, "vlm_hints_used").value == 4
    assert number(later, "dynamic_ui_text_density").presence is Presence.ABSENT
    assert number(later, "vlm_hints_used").value == 0
    assert number(later, "system2_trigger_engaged_count").presence is Presence.UNOBSERVED


def test_workers_are_joined_by_time_and_a_missing_row_is_nothing_seen(tmp_path: Path) -> None:
    samples, _ = read(
        tmp_path / "run",
        w0="0,0,0,1.0,false,menu_ui,0,0,0,0,0,0,0\n300,0,0,2.0,false,menu_ui,0,0,0,0,0,0,0\n",
        w1="300,1,0,2.0,false,menu_ui,0,0,0,0,0,0,0\n600,1,0,3.0,false,menu_ui,0,0,0,0,0,0,0\n",
    )
    assert [(sample.t, sorted(sample.workers)) for sample in samples] == [
        (0.0, [w(0)]),
        (300.0, [w(0), w(1)]),
        (600.0, [w(1)]),
    ]
    run = samples[0].run
    assert run is not None
    assert (run.desired, run.interval_s, run.source, run.name) == (2, 300.0, "metabonk-csv", "run")
    assert [sample.run for sample in samples[1:]] == [None, None]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("300,0,0,139.0,fal", "columns"),
        ("soon,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("-5,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("300,4,0,139.0,false,uncertain,0,0,0,0,0,0,0", "worker"),
        ("0,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "two rows"),
        ('300,0,"0,139.0,false,uncertain,0,0', "columns"),
        ("inf,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("nan,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("1e999,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("1e300,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("253402300800,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("٣,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "elapsed"),
        ("300,0,0,139.0,false,uncertain,0,0,0,0,0,0,0300,0,0,139.0,false,uncertain,0,0,0,0,0,0,0", "columns"),
        ('300,0,0,139.0,false,"' + "q" * 200_000 + '",0,0,0,0,0,0,0', "field larger"),
        ("q" * 1_500_000, "field larger"),
    ],
)
def test_a_broken_row_is_named_and_costs_only_itself(tmp_path: Path, row: str, what: str) -> None:
    good = "0,0,0,1.0,false,menu_ui,0,0,0,0,0,0,0\n"
    last = "\n600,0,0,2.0,false,menu_ui,0,0,0,0,0,0,0\n"
    samples, (problem, *_) = read(tmp_path / "run", w0=good + row + last)
    assert [sample.t for sample in samples] == [0.0, 600.0]
    assert what in problem.what
    assert problem.file == "worker_0_metrics.csv"


TABLE = f"{HEADER}\n0,0,0,10.0,false,menu_ui,0.8,5,0.12,0.001,0.01,0.15,1.0,menu_ui,0.0,0.0,4,0,0.1\n"
NEXT = "300,0,0,90.0,false,menu_ui,0.8,65,0.121,0.001,0.01,0.15,1.0,menu_ui,0.0,0.0,4,0,0.1\n"


@pytest.mark.parametrize(
    "encoded",
    [
        (TABLE + NEXT).encode("utf-8-sig"),
        (TABLE + NEXT).encode("utf-16"),
        b"\xfe\xff" + (TABLE + NEXT).encode("utf-16-be"),
        (TABLE + "\ufeff" + TABLE.splitlines()[0] + "\n" + NEXT).encode(),
        (TABLE + NEXT).replace("\n", "\r\n").encode("utf-8-sig"),
    ],
    ids=["UTF-8", "UTF-16", "UTF-16 big-endian", "in the middle", "of Windows"],
)
def test_a_byte_order_mark_changes_nothing(encoded: bytes, tmp_path: Path) -> None:
    path = tmp_path / "worker_0_metrics.csv"
    path.write_bytes(encoded)
    problems: list[Problem] = []
    samples = list(read_folder([path], problems))
    plain, _ = read(tmp_path, w0=TABLE + NEXT)
    assert problems == []
    assert samples == plain
    assert len(samples) == 2


@pytest.mark.parametrize(
    ("glued", "column"),
    [
        (TABLE.replace("gpu_memory_gb\n", "gpu_memory_gb"), "gpu_memory_gb"),
        (TABLE.replace("gpu_memory_gb\n0,", "loss0,"), "loss"),
        (TABLE.replace("gpu_memory_gb\n0,", "col2x12.5,"), "col2x"),
    ],
)
def test_a_header_glued_to_the_first_row_is_recognised(glued: str, column: str, tmp_path: Path) -> None:
    samples, (problem,) = read(tmp_path / "run", w0=glued + NEXT)
    assert [sample.t for sample in samples] == [12.5 if "12.5" in glued else 0.0, 300.0]
    assert number(samples[0].workers[w(0)].status, "step").value == 10.0
    assert f"no end of line between the column '{column}'" in problem.what


@pytest.mark.parametrize(
    ("cell", "why"),
    [("nan", "nan"), ("-inf", "infinite"), ("1e999", "too large"), ("many", "wrong type"), ("1_0", "wrong type")],
)
def test_a_number_that_is_none_is_bad_and_not_zero(tmp_path: Path, cell: str, why: str) -> None:
    (sample,), problems = read(tmp_path / "run", w0=f"0,0,0,1.0,false,menu_ui,0,0,0,{cell},0,0,0")
    status = sample.workers[w(0)].status
    assert problems == []
    assert status is not None
    value = status.fields["intrinsic_reward_total"]
    assert isinstance(value, BadValue)
    assert value.why == why


def test_the_folder_names_the_run_and_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        (sample,), _ = read(tmp_path / "metrics_24h_20260103_024457", w0="60,0,0,1.0,false,menu_ui,0,0,0,0,0,0,0")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert sample.run is not None
    assert sample.run.started_at == 1767426297.0  # 07:44:57 UTC
    assert sample.t == 1767426357.0


def test_an_impossible_date_is_no_start(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path / "metrics_20269903_024457", w0="0,0,0,1.0,false,menu_ui,0,0,0,0,0,0,0")
    assert sample.t == 0.0


def test_an_empty_folder_has_nothing_to_say(tmp_path: Path) -> None:
    assert read(tmp_path / "run", w0="") == ([], [])


def test_control_characters_and_nul_do_no_harm(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path / "run", w0="0,0,0,1.0,false,\x1b[2Jmenu\0,0,0,0,0,0,0,0")
    assert text(sample.workers[w(0)].status, "dynamic_ui_state_type") == "\ufffd[2Jmenu\ufffd"
