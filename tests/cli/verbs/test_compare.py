"""`compare`: the failed run beside another one; exit codes, the public JSON, and names of every kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Metabonk
from tests.cli.verbs.test_report import learning, recording, silence
from tests.support.paths import SHARED_DATA

FAILED_RUN = SHARED_DATA / "failed-run"


@pytest.fixture
def both(tmp_path: Path) -> tuple[str, str]:
    quiet = recording(tmp_path / "quiet.jsonl", ("quiet", 1000.0, silence(40)))
    good = recording(tmp_path / "good.jsonl", ("good", 50_000.0, learning(60)))
    return str(quiet), str(good)


def run_compare(metabonk: Metabonk, *argv: str) -> tuple[int, dict[str, Any]]:
    done = metabonk("compare", "--json", *argv)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_first_divergence_is_named_with_its_minute_and_the_code_says_that_there_is_one(
    metabonk: Metabonk, both: tuple[str, str]
) -> None:
    code, found = run_compare(metabonk, *both)
    assert code == 1
    first = found["first_divergence"]
    assert first == found["divergences"][0]
    assert (first["metric"], first["at_s"] // 60) == ("ui_exploration.keys", 1)
    assert (first["a"], first["b"]) == ({"count": 0, "of": 1}, {"count": 1, "of": 1})
    assert found["common_s"] == 2400.0
    assert found["marks_s"] == [300.0, 600.0, 900.0, 1200.0, 1500.0, 1800.0, 2400.0, 3600.0]
    assert (found["a"]["run"]["name"], found["a"]["verdict"]["word"]) == ("quiet", "STOP")
    assert (found["b"]["run"]["name"], found["b"]["verdict"]["word"]) == ("good", "CONTINUE")
    lines = {line["metric"]: line for line in found["metrics"]}
    assert lines["verdict"]["a"][:5] == ["VALIDATING"] * 5
    assert lines["verdict"]["a"][-2:] == ["STOP", None]
    assert lines["intrinsic_reward.value"]["a"][0] == "absent"
    assert lines["intrinsic_reward.value"]["b"][0] == pytest.approx(0.05)
    assert lines["available_memory"] == {
        "metric": "available_memory",
        "title": "available memory",
        "compared": False,
        "diverges_at_s": None,
        "a": [None] * 8,
        "b": [None] * 8,
    }


def test_the_summaries_are_those_of_the_report(metabonk: Metabonk, both: tuple[str, str]) -> None:
    _, found = run_compare(metabonk, *both)
    report = json.loads(metabonk("report", "--json", both[0]).stdout)
    assert found["a"] == {"run": report["run"], "verdict": report["verdict"]}


def test_a_run_beside_itself_is_no_divergence(metabonk: Metabonk, both: tuple[str, str]) -> None:
    code, found = run_compare(metabonk, both[1], both[1])
    assert (code, found["first_divergence"], found["divergences"], found["comparable"]) == (0, None, [], True)
    done = metabonk("compare", both[1], both[1])
    assert "A and B are the same run: nothing can diverge." in done.stdout


def test_where_nothing_is_comparable_it_says_so_and_leaves_with_3(metabonk: Metabonk, tmp_path: Path) -> None:
    """One was looked at every 5 minutes, the other only in between."""
    rare = recording(tmp_path / "rare.jsonl", ("rare", 0.0, learning(1)))
    rare.write_text(
        rare.read_text().replace('"interval_s": 60', '"interval_s": 300').replace('"t": 60.0', '"t": 300.0')
    )
    header = {"schema": 1, "kind": "run", "name": "short", "started_at": 0.0, "desired": 1, "interval_s": 10}
    samples = [{"t": 10.0 * n, "workers": {"0": {"status": {"step": n}}}} for n in range(1, 20)]
    short = tmp_path / "short.jsonl"
    short.write_text("\n".join(map(json.dumps, [header, *samples])))
    done = metabonk("compare", str(rare), str(short))
    assert done.returncode == 3, done.stdout
    assert "Nothing is comparable: in the 00:03:10 that both have, never were both looked at." in done.stdout


def test_text_and_markdown_fit_and_say_the_same(metabonk: Metabonk, both: tuple[str, str]) -> None:
    text = metabonk("compare", *both)
    assert text.returncode == 1
    assert "First divergence at 00:01:00: UI exploration keys, 0/1 in A, 1/1 in B." in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 100
    assert "not recorded in either: state uncertain, available memory" in text.stdout
    assert text.stderr == ""
    marked = metabonk("compare", "--markdown", *both)
    assert marked.returncode == 1
    assert "**First divergence at 00:01:00: UI exploration keys, 0/1 in A, 1/1 in B.**" in marked.stdout
    assert "| UI exploration keys | 0/1 | 1/1 | 00:01:00 |" in marked.stdout
    assert metabonk("compare", "--markdown", "--json", *both).returncode == 64


def test_names_are_files_their_runs_or_runs_of_the_store(
    metabonk: Metabonk, tmp_path: Path, both: tuple[str, str]
) -> None:
    two = recording(tmp_path / "two.jsonl", ("one", 1000.0, silence(40)), ("two", 9000.0, learning(40)))
    assert run_compare(metabonk, f"{two}#1", str(two))[1]["b"]["run"]["name"] == "two"
    assert run_compare(metabonk, f"{two}#1", f"{two}#1")[0] == 0
    assert "the recording has 2 runs" in metabonk("compare", f"{two}#3", str(two)).stderr
    assert metabonk("import", both[0]).stdout == "quiet\n"
    assert run_compare(metabonk, "qui", both[0])[0] == 0
    assert run_compare(metabonk, "last", both[1])[1]["a"]["run"]["name"] == "quiet"
    for wrong in ("nowhere.jsonl", "no-such-run", "quiet#7"):
        done = metabonk("compare", wrong, both[0])
        assert (done.returncode, done.stdout) == (64, ""), wrong


@pytest.mark.skipif(not FAILED_RUN.is_dir(), reason="the recording of the failed run is not beside this checkout")
def test_the_failed_run_beside_its_relaunch(metabonk: Metabonk) -> None:
    code, found = run_compare(metabonk, f"{FAILED_RUN}#1", str(FAILED_RUN))
    assert code == 1
    assert found["first_divergence"] == {
        "metric": "ui_exploration.keys",
        "at_s": 300.0,
        "a": {"count": 0, "of": 5},
        "b": {"count": 5, "of": 5},
    }
    resets = next(line for line in found["metrics"] if line["metric"] == "resets")
    assert resets["diverges_at_s"] == 1800.0
    assert resets["a"][-1] == 10
