"""The sample recordings of the package: found by name, small, whole, readable where nothing can be written."""

import json
import re
import shutil
from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.sample_runs import STORIES, samples
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.schema import SIDE_FILES
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.recordings.archive import StoreRunArchive
from metabonk_tui.cli.recordings.samples import SAMPLES, is_sample, sample_path
from metabonk_tui.core.ports.recordings import RecordedRun
from metabonk_tui.core.recordings.story import CHAPTERS
from metabonk_tui.core.recordings.story import SAMPLES as SAMPLES_OF_STORY
from tests.cli.conftest import Metabonk
from tests.support.children import config

MOST_BYTES = 300_000


@pytest.mark.parametrize("name", ["sample", *SAMPLES])
def test_a_sample_is_one_small_file_that_needs_no_other(name: str) -> None:
    path = sample_path(name)
    assert is_sample(name)
    assert path.stat().st_size <= MOST_BYTES
    assert not [tail for tail in SIDE_FILES if path.with_name(path.name + tail).exists()]


@pytest.mark.parametrize(("name", "verdict", "ended"), [("failed", "STOP", True), ("rescued", "SUCCESS", False)])
def test_it_is_what_its_maker_makes(name: str, verdict: str, ended: bool) -> None:
    with Recording(sample_path(f"sample:{name}")) as recording:
        summary = recording.summary()
        assert list(islice(recording.samples(), 8)) == list(islice(samples(STORIES[name]), 8))
    assert (summary.verdict, bool(summary.ended), summary.run) == (verdict, ended, f"sample-{name}")
    assert summary.last_t - summary.started_at > 75 * 60


def test_it_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    path = Path(shutil.copy(sample_path("sample"), folder))
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        with Recording(path) as recording:
            assert next(recording.samples()).run is not None
        assert [each.name for each in folder.iterdir()] == [path.name]
    finally:
        folder.chmod(0o755)


def test_an_unknown_sample_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match="sample:failed and sample:rescued"):
        sample_path("sample:nope")


def test_it_cannot_be_removed(metabonk: Metabonk) -> None:
    done = metabonk("runs", "rm", "sample:rescued")
    assert done.returncode == 64
    assert "cannot be removed" in done.stderr
    assert sample_path("sample:rescued").exists()


def test_an_imported_sample_is_marked_and_no_run_is_measured_by_it(metabonk: Metabonk, tmp_path: Path) -> None:
    file = tmp_path / "rescued.jsonl"
    assert metabonk("export", "sample:rescued", "--jsonl", str(file)).returncode == 0
    assert metabonk("import", str(file)).returncode == 0
    (listed,) = json.loads(metabonk("runs", "--json").stdout)["runs"]
    assert (listed["name"], listed["verdict"], listed["source"]) == ("sample-rescued", "SUCCESS", "sample")
    (run,) = StoreRunArchive((tmp_path / "state" / "runs",), config()).runs()
    assert not run.is_success


def test_a_demo_is_no_success_that_others_are_measured_by() -> None:
    run = RecordedRun("a", "a", 0.0, 60.0, "SUCCESS", 3, "live")
    assert run.is_success
    assert not replace(run, is_demo=True).is_success


def test_the_report_finds_it_and_each_number_of_the_story_is_one_of_the_recordings(metabonk: Metabonk) -> None:
    assert sample_path("sample") == sample_path(SAMPLES_OF_STORY[0])
    reports = [metabonk("report", name, "--json") for name in SAMPLES_OF_STORY]
    failed, rescued = (json.loads(done.stdout) for done in reports)
    assert reports[0].returncode == 2, reports[0].stderr
    assert (failed["run"]["name"], failed["run"]["source"]) == ("sample-failed", "sample")
    story = " ".join(line for chapter in CHAPTERS for line in chapter.lines)

    def said(pattern: str) -> tuple[str, ...]:
        found = re.search(pattern, story)
        assert found is not None, pattern
        return found.groups()

    stop, launch, success = (
        next(each["at_s"] for each in run["verdicts"] if each["word"] == word)
        for run, word in ((failed, "STOP"), (rescued, "LAUNCH 24H"), (rescued, "SUCCESS"))
    )
    assert story.count("Two minutes in, the monitor says STOP") == int(stop // 60 == 2)
    assert said(r"After (\d+) minutes: LAUNCH 24H") == (str(int(launch // 60)),)
    assert said(r"After (\d+) minutes the first worker plays: SUCCESS") == (str(int(success // 60)),)
    forecast = failed["memory"]["forecasts"]["raised"][0]
    minute, ahead = said(r"At 00:(\d+) the monitor forecasts the kill, (\d+) minutes ahead")
    assert (int(minute), int(ahead)) == (forecast["at_s"] // 60, round(forecast["lead_s"] / 60))
    assert abs(forecast["error_s"]) < 60, "right to the minute"
    gone = [each for each in failed["events"] if each["kind"] == "process.gone" and "OOM-killed" in each["text"]]
    killed = [(each["at_s"], each["worker"]) for each in gone]
    hour, at, first, second = said(r"At 0(\d):(\d+):00 the kernel kills w(\d), then w(\d)")
    assert (killed[0], killed[1][1]) == ((int(hour) * 3600 + int(at) * 60, int(first)), int(second))
    assert rescued["memory"]["oom_kills"] == 0
    with Recording(sample_path("sample:failed")) as recording:
        free = {
            sample.t - failed["run"]["started_at"]: sample.only_host.memory.available_bytes
            for sample in recording.samples()
            if sample.only_host.memory is not None
        }
    falls = next(chapter for chapter in CHAPTERS if "MB a minute" in chapter.lines[0])
    from_s, to_s = (min(free, key=lambda t: abs(t - edge)) for edge in (falls.from_s, falls.to_s))
    (rate,) = said(r"Memory falls by (\d+) MB a minute")
    assert (free[from_s] - free[to_s]) / (to_s - from_s) * 60 / 1e6 == pytest.approx(int(rate), rel=0.05)  # type: ignore[operator]
