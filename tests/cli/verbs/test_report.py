"""`report` over recordings: the public JSON, several runs, several files, and the failed run that no monitor saw."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Metabonk
from tests.support.paths import SHARED_DATA

FAILED_RUN = SHARED_DATA / "failed-run"
CRASH = FAILED_RUN.parent / "memory" / "oom-reenacted.jsonl"
OLD = "{elapsed},{slot},0,{step},false,uncertain,0,0,0,0,0,0,0"


def recording(path: Path, *runs: tuple[str, float, list[dict[str, Any]]]) -> Path:
    """Write runs of (name, start, documents a minute apart), one worker."""
    lines: list[dict[str, Any]] = []
    for name, started_at, documents in runs:
        lines.append(
            {"schema": 1, "kind": "run", "name": name, "started_at": started_at, "desired": 1, "interval_s": 60}
        )
        for n, status in enumerate(documents):
            lines.append({"t": started_at + 60 * n, "workers": {"0": {"status": status}}})
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def silence(minutes: int) -> list[dict[str, Any]]:
    """Make a worker that counts steps and nothing else."""
    return [{"step": 10.0 * (n + 1)} for n in range(minutes + 1)]


def learning(minutes: int) -> list[dict[str, Any]]:
    """Make a worker of which everything due moves."""
    return [
        {
            "step": 10.0 * (n + 1),
            "dynamic_ui_exploration_actions": n,
            "dynamic_ui_text_density": 0.2,
            "intrinsic_reward_total": 0.01 * n,
            "system2_trigger_engaged_count": float(n),
            "meta_success_sequences": 0.0,
            "gameplay_started": False,
        }
        for n in range(minutes + 1)
    ]


def run_report(metabonk: Metabonk, *argv: str) -> tuple[int, dict[str, Any]]:
    done = metabonk("report", "--json", *argv)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_silent_run_is_a_stop_at_the_end_of_the_gate(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(40)))
    code, report = run_report(metabonk, str(path))
    assert code == 2
    assert report["verdict"]["word"] == "STOP"
    assert 1800.0 <= report["verdict"]["since_s"] <= 1920.0
    assert report["run"] == {
        "name": "quiet",
        "started_at": 1000.0,
        "ended_at": 3400.0,
        "duration_s": 2400.0,
        "desired": 1,
        "source": "live",
    }
    assert [check["result"] for check in report["checks"]] == ["FAIL"] * 6
    assert [check["at_s"] for check in report["checks"]] == [300.0 * n for n in range(1, 7)]
    assert report["workers"][0]["observed"] == 1.0
    assert report["verdicts"][0]["at_s"] == 0.0
    assert report["verdicts"][-1]["word"] == "STOP"
    assert {event["severity"] for event in report["events"]} <= {"info", "warn", "crit"}
    assert "runs" not in report


def test_a_learning_run_goes_on(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("good", 1000.0, learning(40)))
    code, report = run_report(metabonk, str(path))
    assert (code, report["verdict"]["word"]) == (0, "CONTINUE")
    assert report["nodes"] == {"components": "no", "memory": "unknown", "gameplay": "not yet"}
    assert [check["result"] for check in report["checks"]] == ["PASS"] * 6


def test_the_headline_is_the_last_run_and_runs_holds_all(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "r.jsonl", ("one", 1000.0, silence(40)), ("two", 9000.0, learning(40)))
    code, report = run_report(metabonk, str(path))
    assert (code, report["run"]["name"]) == (0, "two")
    assert [run["run"]["name"] for run in report["runs"]] == ["one", "two"]
    assert [run["verdict"]["word"] for run in report["runs"]] == ["STOP", "CONTINUE"]
    assert report["runs"][0]["gaps"] == [{"from_s": 2400.0, "to_s": 8000.0}]
    assert report["runs"][1] == {key: value for key, value in report.items() if key != "runs"}


def test_several_files_are_put_in_the_order_of_their_starts(metabonk: Metabonk, tmp_path: Path) -> None:
    late = recording(tmp_path / "a.jsonl", ("late", 9000.0, silence(40)))
    early = recording(tmp_path / "b.jsonl", ("early", 1000.0, learning(40)))
    code, report = run_report(metabonk, str(late), str(early))
    assert code == 2
    assert [run["run"]["name"] for run in report["runs"]] == ["early", "late"]


def test_files_of_one_folder_are_one_recording(metabonk: Metabonk, tmp_path: Path) -> None:
    for slot in (0, 1):
        rows = (OLD.format(elapsed=300 * n, slot=slot, step=float(10 + n)) for n in range(10))
        (tmp_path / f"worker_{slot}_metrics.csv").write_text("\n".join(rows))
    by_folder = run_report(metabonk, str(tmp_path))
    by_name = run_report(metabonk, *(str(tmp_path / f"worker_{slot}_metrics.csv") for slot in (1, 0)))
    assert by_folder == by_name
    assert by_folder[0] == 2
    assert [worker["slot"] for worker in by_folder[1]["workers"]] == [0, 1]


def test_text_is_for_people_and_what_could_not_be_read_is_on_stderr(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(40)))
    path.write_text(path.read_text() + '\n{"t": 5000, "work')
    done = metabonk("report", str(path))
    assert done.returncode == 2
    assert done.stdout.startswith("STOP since 00:30:00: ")
    assert "checks 1-6  FAIL" in done.stdout
    assert done.stderr == "run.jsonl:43: not json, or only half a line; left out\n"


@pytest.mark.parametrize("content", ["", "no json\n", "[]\n{}\n"])
def test_a_file_of_which_nothing_can_be_read_is_wrong_usage(metabonk: Metabonk, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.jsonl").write_text(content)
    done = metabonk("report", "run.jsonl")
    assert (done.returncode, done.stdout) == (64, "")
    assert "nothing could be read: run.jsonl" in done.stderr


def test_a_folder_without_recordings_says_so(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("report", str(tmp_path))
    assert done.returncode == 64
    assert "worker_N_metrics.csv" in done.stderr


def test_a_flood_of_broken_lines_is_reported_in_short(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("r", 1000.0, silence(1)))
    path.write_text(path.read_text() + "\nbroken" * 5000)
    done = metabonk("report", str(path))
    assert len(done.stderr.splitlines()) == 11
    assert "4990 more" in done.stderr


@pytest.mark.skipif(not FAILED_RUN.is_dir(), reason="the recording of the failed run is not beside this checkout")
def test_the_failed_run_that_nobody_saw(metabonk: Metabonk) -> None:
    code, report = run_report(metabonk, str(FAILED_RUN))
    first, second = report["runs"]

    # STOP at the end of the gate, 45 minutes before the machine ran out of memory.
    assert first["verdict"]["word"] == "STOP"
    assert 1800.0 <= first["verdict"]["since_s"] <= 2100.0
    assert first["run"]["duration_s"] == 4500.0
    assert [check["result"] for check in first["checks"]] == ["FAIL"] * 6
    assert first["nodes"]["components"] == "yes"

    # Absent is not zero, and what was polled under a name that never existed is neither.
    for worker in first["workers"]:
        assert worker["components"]["intrinsic_reward"] == "ABSENT"
        assert worker["components"]["meta"] == "ABSENT"
        assert worker["components"]["system2"] == "UNOBSERVED"
        assert worker["components"]["ui_exploration"] == "ABSENT"

    # Every counter reset.
    resets = [worker["resets_at_s"] for worker in first["workers"]]
    assert [len(each) for each in resets] == [3, 2, 2, 1, 2]
    assert resets[0] == [1800.0, 3900.0, 4500.0]
    assert [worker["generations"] for worker in first["workers"]] == [4, 3, 3, 2, 3]

    # Worker 2's rate, two hundred times its own past.
    jumps = [event for event in first["events"] if event["kind"] == "worker.rate" and event["worker"] == 2]
    assert jumps
    assert any("×2" in event["text"] for event in jumps)

    # The hole of over six hours, and the relaunch after it.
    assert first["gaps"] == [{"from_s": 4500.0, "to_s": 27300.0}]
    assert second["run"]["started_at"] == 27300.0
    assert {worker["components"]["intrinsic_reward"] for worker in second["workers"]} == {"ZERO"}
    assert {worker["components"]["system2"] for worker in second["workers"]} == {"UNOBSERVED"}
    assert (second["verdict"]["word"], code) == ("PARTIAL", 1)


@pytest.mark.skipif(not FAILED_RUN.is_dir(), reason="the recording of the failed run is not beside this checkout")
@pytest.mark.parametrize("imported", [False, True], ids=["the folder", "imported"])
def test_the_failed_run_in_one_page(metabonk: Metabonk, imported: bool) -> None:
    name = metabonk("import", str(FAILED_RUN)).stdout.split()[0] if imported else str(FAILED_RUN)
    text = " ".join(metabonk("report", name).stdout.split("run 2 of 2:")[0].split())
    for phrase in (
        "STOP was known after 30m; the run went on for 45m more, then no monitor watched for 6h20m.",
        "It could be seen 30m sooner, at 00:00:00: UI exploration, intrinsic reward, meta-sequences ABSENT on 5/5",
        "verdict STOP, at the end of the gate",
        "checks 1-6 FAIL every component silent on 5/5 workers",
        "Workers began anew 10 times, their counters at zero again: w0 3",
        "w1 gen 2: step fell 286 → 28",
        "up to ×220 on w2 at 00:50:00",
        "no monitor watched for 6h20m, until 07:35:00",
        "no forecast was made: memory was not recorded",
    ):
        assert phrase in text, phrase
    whole = run_report(metabonk, name)[1]
    report = whole if imported else whole["runs"][0]
    assert report["gaps"] == [{"from_s": 4500.0, "to_s": 27300.0}]
    absent = next(one for one in report["first_seen"] if one["id"] == "component-absent")
    assert (absent["at_s"], absent["before_end_s"], absent["workers"]) == (0.0, 4500.0, [0, 1, 2, 3, 4])
    assert absent["components"] == ["ui_exploration", "intrinsic_reward", "meta"]


@pytest.mark.skipif(not CRASH.is_file(), reason="the re-enacted crash is not beside this checkout")
def test_the_forecasts_of_the_reenacted_crash_are_held_against_the_kill(metabonk: Metabonk) -> None:
    record = run_report(metabonk, str(CRASH))[1]["memory"]["forecasts"]
    assert record["missed_kills_s"] == []
    warned, critical, after = record["raised"]
    assert [one["state"] for one in record["raised"]] == ["WARNING", "CRITICAL", "WARNING"]
    assert [one["outcome"] for one in record["raised"]] == ["came true", "came true", "open"]
    assert warned["ended_s"] == critical["ended_s"] == 4010.0
    assert warned["lead_s"] > 1200
    assert abs(warned["error_s"]) < 300
    assert warned["within_band"]
    assert after["lead_s"] is None
    page = metabonk("report", "--html", "-", str(CRASH)).stdout
    assert "OOM kill" in page


def test_a_run_of_the_store_is_found_by_name_by_its_beginning_as_the_last_and_without_a_word(
    metabonk: Metabonk, tmp_path: Path
) -> None:
    recording(tmp_path / "one.jsonl", ("quiet-one", 1000.0, silence(40)))
    recording(tmp_path / "two.jsonl", ("good-two", 9000.0, learning(40)))
    assert metabonk("import", "one.jsonl").returncode == 0
    assert metabonk("import", "two.jsonl").returncode == 0
    by_file = run_report(metabonk, "one.jsonl")
    for name in ("quiet-one", "quiet"):
        assert run_report(metabonk, name) == by_file
    for name in ("last", "good"):
        assert run_report(metabonk, name)[1]["run"]["name"] == "good-two"
    assert run_report(metabonk)[1]["run"]["name"] == "good-two"
    both = run_report(metabonk, "good", "one.jsonl")[1]
    assert [run["run"]["name"] for run in both["runs"]] == ["quiet-one", "good-two"]
    done = metabonk("report", "quiet-oen")
    assert done.returncode == 64
    assert "no such file or run: quiet-oen; did you mean quiet-one?" in done.stderr


def test_what_exists_as_a_path_is_that_and_never_a_run(metabonk: Metabonk, tmp_path: Path) -> None:
    recording(tmp_path / "one.jsonl", ("good-two", 1000.0, learning(40)))
    metabonk("import", "one.jsonl")
    recording(tmp_path / "good-two", ("quiet", 1000.0, silence(40)))
    assert run_report(metabonk, "good-two")[1]["run"]["name"] == "quiet"


def test_every_form_leaves_with_the_same_code_and_the_page_goes_where_it_is_sent(
    metabonk: Metabonk, tmp_path: Path
) -> None:
    recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(40)))
    markdown = metabonk("report", "--markdown", "run.jsonl")
    page = metabonk("report", "run.jsonl", "--html")
    filed = metabonk("report", "run.jsonl", "--html", "page.html")
    assert [done.returncode for done in (markdown, page, filed)] == [2, 2, 2]
    assert markdown.stdout.startswith("# STOP since 00:30:00: ")
    assert filed.stdout == "page.html\n"
    assert (tmp_path / "page.html").read_text() == page.stdout
    assert page.stdout.startswith("<!DOCTYPE html>")


def test_a_page_is_never_written_over_a_recording(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(40)))
    before = path.read_text()
    done = metabonk("report", "--html", "run.jsonl")
    assert done.returncode == 64
    assert path.read_text() == before
    assert metabonk("report", "run.jsonl", "--html", "no/where.html").returncode == 64


def test_a_file_of_the_store_is_named_by_its_run(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "run-7.db").write_bytes(b"SQLite format 3\0")
    done = metabonk("report", str(tmp_path / "run-7.db"))
    assert done.returncode == 64
    assert "name its run instead: run-7" in done.stderr
