import json
from pathlib import Path

import pytest

from bench import tables
from bench.targets import ROWS, Values
from tests.bench.test_targets import BY_NAME, result
from tests.support.paths import ROOT

VALUES: Values = {
    "ours": {"cpu_s_per_min": [0.5, 0.4, 0.6], "peak_rss_mib": [40.0]},
    "ours-64": {"cpu_s_per_min": [1.5, 1.5, 1.5]},
    "btop": {"cpu_s_per_min": [0.5, 0.5, 0.5]},
    "report": {"samples_per_cpu_s": [943.0, 900.0, 1000.0]},
}
ROWS_SHOWN = tuple(BY_NAME[name] for name in ("idle-btop", "idle-64", "report", "idle-glances"))


def line_with(text: str, beginning: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {beginning}")]
    return line


def test_a_row_shows_median_range_limit_and_judgement() -> None:
    text = tables.markdown(result(VALUES, ROWS_SHOWN))
    assert line_with(text, "idle CPU, 5 workers, of btop").split(" | ")[1:] == [
        "1.00 (0.80–1.20)",
        "at most 1.30",
        "MET |",
    ]
    assert line_with(text, "idle CPU, 64 workers").endswith("| 3.00 (2.50–3.75) | at most 2.50 | MISSED |")
    assert line_with(text, "`report`").endswith("| 943 (900–1 000) | at least 10 000 | MISSED |")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"glances": "glances is not installed: apt"}, "SKIPPED: glances is not installed: apt"),
        ({}, "SKIPPED: glances gave no cpu_s_per_min"),
    ],
)
def test_a_row_that_was_not_measured_says_why(missing: dict[str, str], said: str) -> None:
    text = tables.markdown(result(VALUES, ROWS_SHOWN, missing))
    assert said in line_with(text, "idle CPU, 5 workers, of glances")


def test_a_doubt_stands_above_the_numbers() -> None:
    text = tables.markdown(result(VALUES, ROWS_SHOWN, doubt="the machine was too busy"))
    assert text.index("No judgement: the machine was too busy") < text.index("| what |")
    assert "No judgement" not in tables.markdown(result(VALUES, ROWS_SHOWN))


def test_the_reader_knows_the_machine_and_the_other_programs() -> None:
    text = tables.markdown(result(VALUES, ROWS_SHOWN))
    assert text.startswith("d, 2 cores of p, m, Linux k, Python v. 3 rounds. Medians")
    assert "Beside btop version: 1." in text


def test_growth_has_a_column_for_each_number_of_workers() -> None:
    text = tables.markdown(result(VALUES, ()))
    assert "| workers | 5 | 64 |" in text
    assert "| idle CPU s/min | 0.50 | 1.50 |" in text
    assert "| peak RSS MiB | 40.0 | – |" in text
    assert "| what |" not in text


def test_json_has_every_round_and_every_judgement() -> None:
    document = json.loads(tables.as_json(result(VALUES, ROWS_SHOWN, {"glances": "not installed"})))
    assert document["values"]["ours"]["cpu_s_per_min"] == [0.5, 0.4, 0.6]
    assert [(row["row"], row["result"]) for row in document["rows"]] == [
        ("idle-btop", "MET"),
        ("idle-64", "MISSED"),
        ("report", "MISSED"),
        ("idle-glances", "SKIPPED"),
    ]
    assert document["rows"][3]["measured"] is None
    assert document["missing"] == {"glances": "not installed"}
    assert document["no_judgement"] is None


def test_every_limit_can_be_read_in_its_row() -> None:
    """A limit of 1/150 must not be shown as 0.01."""
    for row in ROWS:
        shown = float(row.number(row.limit.value).removesuffix(f" {row.unit}").replace(" ", ""))
        assert shown == pytest.approx(row.limit.value, rel=0.006), row.name


def test_only_the_part_between_the_marks_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    for _ in range(2):
        tables.write_between_marks(path, "new\n")
        assert path.read_text() == f"before\n{tables.BEGIN}\n\nnew\n\n{tables.END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", tables.BEGIN, tables.END])
def test_a_file_without_both_marks_stays_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="lacks"):
        tables.write_between_marks(path, "new")
    assert path.read_text() == text


def test_the_page_of_the_cost_has_the_marks() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.count(tables.BEGIN) == text.count(tables.END) == 1
