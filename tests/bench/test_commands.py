import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import commands, farm, recordings
from bench.commands import Settings
from bench.documents import Change


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Recordings of six minutes, the shortest with a rate, one sample every 20 s."""
    return Settings(hours=0.1, interval_s=20.0, seconds=1.0, folder=tmp_path)


@pytest.mark.parametrize("measure", [commands.report, commands.check, commands.replay, commands.plot])
def test_every_reader_reads_the_recording(
    measure: Callable[[Settings], dict[str, float | None]], settings: Settings
) -> None:
    found = measure(settings)
    assert found
    assert all(value is not None and value > 0 for value in found.values()), found


def test_the_run_is_healthy(settings: Settings) -> None:
    done = commands._report(commands.state_with_recording(settings), settings)
    report = json.loads(done.stdout)
    assert report["run"]["name"] == recordings.RUN
    assert report["verdict"]["word"] not in ("STOP", "WAITING", "PARTIAL")


def test_the_store_is_measured_by_worker_sample(settings: Settings) -> None:
    found = commands.store(settings)
    count = settings.worker_samples
    path = settings.folder / "store" / "run.db"
    assert found["bytes_each"] == path.stat().st_size / count
    assert found["cpu_us_each"]
    assert recordings.plot_cpu_s(path) > 0


def test_the_status_line_reads_the_file_that_was_written(settings: Settings) -> None:
    environ = commands.environment(settings.folder)
    commands.write_status_file(environ["METABONK_TUI_STATE_DIR"])
    done = commands.run([commands.PYTHON, "-m", "metabonk_tui", "status"], environ)
    assert b"STOP" in done.stdout
    assert done.code == 2


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_curl_loop_prints_every_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SEED_WORKERS", 2)
    found = commands.seed(settings)
    assert found["sample_cpu_us"]


def test_a_poller_is_measured_by_what_the_workers_saw(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLLED_WORKERS", 3)
    found = commands.own_poller(settings)
    assert found["poll_cpu_us"]
    assert "polls_done" in found


@pytest.mark.parametrize("client", ["ours", "decoded", "samples"])
def test_every_client_of_the_monitor_polls_all_workers(settings: Settings, client: str) -> None:
    with farm.running(3, Change.USUAL) as running:
        found = commands.poll(commands.PYTHON, client, running, settings)
        assert found["poll_cpu_us"]
        assert [polls > 0 for polls, _, _ in running.counts()] == [False] * 3, "the measurement took the counts"


def test_a_poller_that_cannot_run_gives_no_numbers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLLED_WORKERS", 1)
    assert commands._poll(commands.PYTHON, "no such client", settings) == {}


def test_a_program_that_fails_gives_its_code(settings: Settings) -> None:
    done = commands.run([commands.PYTHON, "-c", "print('x' * 100000); raise SystemExit(5)"], {})
    assert (done.code, len(done.stdout)) == (5, 100_001)
    assert done.cpu_s > 0
    assert done.peak_rss_bytes > 1 << 20
