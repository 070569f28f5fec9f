import pytest

from bench import tables
from bench.subjects import SUBJECTS, plan
from bench.tables import Result
from bench.targets import ROWS, Row, Values

BY_NAME = {row.name: row for row in ROWS}


def result(values: Values, rows: tuple[Row, ...], missing: dict[str, str] | None = None, doubt: str = "") -> Result:
    machine = {"date": "d", "processor": "p", "cores": "2", "memory": "m", "kernel": "k", "python": "v"}
    return Result(values, rows, machine, 3, "3 rounds", missing or {}, ("btop version: 1",), doubt)


@pytest.mark.parametrize(
    ("name", "values", "measured", "judged"),
    [
        (
            "idle-glances",
            {"ours": {"cpu_s_per_min": [0.6, 0.5, 0.7]}, "glances": {"cpu_s_per_min": [2.0, 2.0, 2.0]}},
            0.3,
            "MET",
        ),
        ("idle-glances", {"ours": {"cpu_s_per_min": [0.7]}, "glances": {"cpu_s_per_min": [2.0]}}, 0.35, "MISSED"),
        ("idle-glances", {"ours": {"cpu_s_per_min": [0.7]}}, None, "SKIPPED"),
        ("idle-1000", {"ours-1000": {"cpu_s_per_min": [6.0]}}, 10.0, "MET"),
        ("idle-1000", {"ours-1000": {"cpu_s_per_min": [9.0]}}, 15.0, "MISSED"),
        ("sample-5", {"ours": {"sample_cpu_us": [2000.0]}, "seed": {"sample_cpu_us": [400_000.0]}}, 0.005, "MET"),
        (
            "sample-64",
            {"ours-64": {"sample_cpu_us": [2000.0]}, "seed": {"sample_cpu_us": [400_000.0]}},
            0.005,
            "MISSED",
        ),
        ("first-frame", {"ours": {"first_frame_ms": [30.0]}, "pass": {"wall_ms": [15.0]}}, 2.0, "MET"),
        ("report", {"report": {"samples_per_cpu_s": [900.0, 950.0, 800.0]}}, 900.0, "MISSED"),
        ("report", {"report": {"samples_per_cpu_s": [12_000.0]}}, 12_000.0, "MET"),
        ("polls-1000", {"ours-1000": {"polls_done": [0.9]}}, 0.9, "MISSED"),
    ],
)
def test_a_row_is_judged_by_its_own_readings(name: str, values: Values, measured: float | None, judged: str) -> None:
    row = BY_NAME[name]
    seen = row.measured(values)
    assert (None if seen is None else seen.median) == (None if measured is None else pytest.approx(measured))
    assert tables.judgement(row, result(values, (row,))) == judged


def test_every_row_reads_what_a_subject_measures() -> None:
    assert len(BY_NAME) == len(ROWS)
    for row in ROWS:
        for reading in row.readings:
            assert reading.metric in SUBJECTS[reading.subject].metrics, row.name


def test_one_row_measures_only_what_it_needs() -> None:
    chosen = plan(["idle-glances"])
    assert [row.name for row in chosen.rows] == ["idle-glances"]
    assert chosen.metrics == {"ours": {"cpu_s_per_min"}, "glances": {"cpu_s_per_min"}}


def test_a_subject_is_measured_whole_and_without_a_row() -> None:
    chosen = plan(["htop"])
    assert chosen.rows == ()
    assert chosen.metrics == {"htop": SUBJECTS["htop"].metrics}


def test_everything_is_measured_without_a_name() -> None:
    chosen = plan([])
    assert chosen.rows == ROWS
    assert list(chosen.metrics) == list(SUBJECTS)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError, match="idle-nothing"):
        plan(["idle-btop", "idle-nothing"])
