"""`status`: what it prints, what it loads, and what becomes of its file when the writer lives, ends or is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.files.private import write_private_json
from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.cli.entry import plain_status
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live.status_print import glyphs_for
from metabonk_tui.cli.live.status_writer import StatusFileWriter
from metabonk_tui.cli.options import Parser
from metabonk_tui.cli.verbs import status
from metabonk_tui.core.export.status_line import ASCII, UNICODE
from metabonk_tui.core.export.status_summary import summarize
from metabonk_tui.core.model.snapshot import Snapshot
from tests.cli.conftest import Metabonk, demo
from tests.support import snapshots as scenes
from tests.support.forks import PROGRAM, Forked
from tests.support.paths import ROOT
from tests.support.samples import CONFIG
from tests.support.waiting import wait_for


def put(state: Path, snapshot: Snapshot, host: str = "127.0.0.1", port: int = 5000, **over: Any) -> Path:
    """Write the file of a pool."""
    path = Path(state_file.folder_of(str(state))) / state_file.file_name(host, port)
    document = summarize(snapshot, speed=1.0, pool=(host, port), written_at=time.time(), pid=1) | over
    write_private_json(str(path), document)
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_it_prints_one_line_and_leaves_with_the_code_of_check(metabonk: Metabonk, state: Path) -> None:
    put(state, scenes.stop())
    done = metabonk("status")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout == "■ STOP 25m · 5/5 up · 0.9 GB free ▼ below floor · gate 6/6 failed\n"
    put(state, scenes.healthy())
    assert metabonk("status").returncode == 0


@pytest.mark.parametrize(
    "argv", [["--format", "line"], ["--format=tmux", "--host", "127.0.0.1"], ["--base-port=5000"]]
)
def test_both_ways_say_the_same(metabonk: Metabonk, state: Path, argv: list[str]) -> None:
    put(state, scenes.stop(), written_at=time.time() - 7200)
    short, long = metabonk("status", *argv), metabonk("--base-port", "5000", "status", *argv)
    assert (short.returncode, short.stdout, short.stderr) == (long.returncode, long.stdout, long.stderr)
    assert "STALE" in short.stdout
    assert short.returncode == 3


def test_nobody_watches_where_there_is_no_file(metabonk: Metabonk) -> None:
    done = metabonk("status")
    assert (done.returncode, done.stdout, done.stderr) == (3, "◌ no monitor\n", "")
    assert metabonk("status", "--base-port", "5000").stdout == "◌ no monitor of port 5000\n"
    summary = json.loads(metabonk("status", "--format", "json").stdout)
    assert (summary["problem"], summary["stale"], summary["age_s"]) == ("no monitor", True, None)


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"schema": 1}', '{"schema": 99}', "\x1b[31m", "\0" * 80_000], ids=range(7)
)
@pytest.mark.parametrize("how", ["line", "tmux", "json"])
def test_a_file_that_is_broken_is_one_clear_line(
    metabonk: Metabonk, state: Path, content: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(state, scenes.stop()).write_text(content)
    done = metabonk("status", "--format", how)
    assert (done.returncode, done.stderr) == (3, "")
    if how == "json":
        assert json.loads(done.stdout)["problem"]
    else:
        assert done.stdout.count("\n") == 1
        assert done.stdout[:-1].isprintable()


def test_a_broken_file_hides_no_good_one(metabonk: Metabonk, state: Path) -> None:
    put(state, scenes.stop())
    put(state, scenes.healthy(), port=6000).write_text("{")
    assert metabonk("status").returncode == 2
    assert metabonk("status", "--base-port", "6000").returncode == 3


def test_of_two_pools_the_one_that_is_named(metabonk: Metabonk, state: Path, tmp_path: Path) -> None:
    put(state, scenes.healthy(), port=5000)
    put(state, scenes.stop(), host="gpu-box", port=6000)
    assert metabonk("status").stdout.startswith("■ STOP 25m")
    assert metabonk("status").stdout.endswith(" · :6000 of 2 pools\n")
    assert metabonk("status", "--base-port", "5000").stdout.startswith("● LAUNCH 24H")
    assert metabonk("status", "--host", "gpu-box").returncode == 2
    assert metabonk("status", "--host", "gpu-box", "--base-port", "5000").returncode == 3
    (tmp_path / "mine.toml").write_text("[pool]\nbase_port = 5000\n")
    assert metabonk("status", "--config", "mine.toml").returncode == 0
    assert json.loads(metabonk("status", "--format", "json").stdout)["pools"] == 2


def test_json_is_the_file_and_how_old_it_is(metabonk: Metabonk, state: Path) -> None:
    path = put(state, scenes.stop(), something="new")
    summary = json.loads(metabonk("status", "--format", "json").stdout)
    assert summary.items() >= json.loads(path.read_text()).items()
    assert summary["stale"] is False
    assert 0 <= summary["age_s"] < 60


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": "de_DE"}]
)
def test_where_no_glyph_can_be_shown_there_is_ascii(metabonk: Metabonk, state: Path, env: dict[str, str]) -> None:
    put(state, scenes.stop())
    assert metabonk("status", env=env).stdout.startswith("# STOP 25m | 5/5 up")
    assert metabonk("status", "--format", "tmux", env=env).stdout.startswith("#[fg=white,bg=red,bold]## STOP")


@pytest.mark.parametrize(
    ("encoding", "environ", "glyphs"),
    [
        ("utf-8", {}, UNICODE),
        ("utf-8", {"LANG": "en_US.UTF-8"}, UNICODE),
        ("utf-8", {"LANG": "C.utf8"}, UNICODE),
        ("utf-8", {"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, ASCII),
        ("utf-8", {"LC_CTYPE": "C.UTF-8", "LANG": "C"}, ASCII),
        ("utf-8", {"LC_CTYPE": "C.UTF-8"}, UNICODE),
        ("utf-8", {"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, UNICODE),
        ("latin-1", {"LANG": "en_US.UTF-8"}, ASCII),
        ("utf-8", {"LANG": "ja_JP.UTF-8"}, ASCII),
    ],
)
def test_which_glyphs(encoding: str, environ: dict[str, str], glyphs: object) -> None:
    assert glyphs_for(encoding, environ) is glyphs


def test_who_stops_reading_is_no_traceback(home: dict[str, str], state: Path) -> None:
    put(state, scenes.stop())
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "metabonk_tui", "status"],
        env=home,
        stdout=write_end,
        stderr=subprocess.PIPE,
        timeout=30,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, b"")


# What it costs

HEAVY = (
    *("argparse", "asyncio", "dataclasses", "difflib", "httpx", "importlib.metadata", "inspect", "logging", "msgspec"),
    *("pathlib", "platformdirs", "psutil", "socket", "sqlite3", "subprocess", "textual", "threading", "typing"),
    *(
        "metabonk_tui.core.model.snapshot",
        "metabonk_tui.core.config.schema",
        "metabonk_tui.cli.main",
        "metabonk_tui.cli.options",
    ),
)


@pytest.mark.parametrize("argv", [[], ["--format", "tmux"], ["--format", "json"], ["--base-port", "5000"]])
def test_it_loads_next_to_nothing(home: dict[str, str], state: Path, argv: list[str]) -> None:
    put(state, scenes.stop())
    program = (
        "import sys; sys.argv[1:] = sys.argv[2:]; before = set(sys.modules)\n"
        "from metabonk_tui.cli.entry import run\n"
        "try:\n    run()\n"
        "finally:\n    print(*sorted(set(sys.modules) - before), file=sys.stderr)\n"
    )
    # -S: what the site-packages of this environment load at start is not ours.
    command = [sys.executable, "-S", "-c", program, "x", "status", *argv]
    where = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=home | where, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2, done.stderr
    loaded = set(done.stderr.split())
    assert "metabonk_tui.core.export.status_line" in loaded
    assert not loaded & set(HEAVY)
    # Python 3.14 itself has three modules more behind the same imports.
    assert len(loaded) < (63 if sys.version_info >= (3, 14) else 60), sorted(loaded)


def by_parser(words: list[str]) -> tuple[str, str | None, int | None] | None:
    parser = Parser(prog="x", description="")
    status.add_options(parser, "status")
    try:
        got = parser.parse_args(words)
    except UsageError:
        return None
    return got.format, getattr(got, "host", None), getattr(got, "base_port", None)


WORDS = st.sampled_from(
    (
        *(
            "--format",
            "--format=tmux",
            "--format=",
            "line",
            "json",
            "xml",
            "--host",
            "--host=",
            "--host=h",
            "box",
            "-h=",
        ),
        *(
            "--base-port",
            "--base-port=5000",
            "5000",
            "0",
            "70000",
            "+5",
            "٣",
            "1_0",
            "--base-po",
            "-5",
            "",
            "x=y",
            "--",
        ),
    )
)


@given(st.lists(WORDS, max_size=5))
@example(["--base-port", "line", "--base-port", "5000"])
@example(["--host", "x=y"])
def test_the_short_way_understands_nothing_that_the_parser_does_not(words: list[str]) -> None:
    short = plain_status(["status", *words])
    assert short is None or short == by_parser(words)


def test_the_short_way_is_taken_for_what_is_documented() -> None:
    assert plain_status(["status"]) == ("line", None, None)
    assert plain_status(["status", "--format", "tmux"]) == ("tmux", None, None)
    assert plain_status(["status", "--format=json", "--base-port", "5010", "--host=box"]) == ("json", "box", 5010)
    assert plain_status(["check"]) is None
    assert plain_status(["status", "--help"]) is None
    assert plain_status([]) is None


@pytest.mark.parametrize("argv", [["--formt"], ["--format", "xml"], ["--base-port", "0"], ["now"], ["--workers", "3"]])
def test_a_mistake_is_answered_as_everywhere(metabonk: Metabonk, argv: list[str]) -> None:
    done = metabonk("status", *argv)
    assert (done.returncode, done.stdout) == (64, "")
    assert "Traceback" not in done.stderr


# Who writes it

POOL = CONFIG.pool


def written(state: Path) -> dict[str, Any]:
    (path,) = (state / "status").glob("*.json")
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_only_who_is_to_write_writes_and_each_snapshot_once(state: Path) -> None:
    is_ours = [False]
    one, writer = scenes.stop(), StatusFileWriter(state, POOL, 1.0, lambda: is_ours[0])
    writer.publish(one)
    writer.close()
    assert not (state / "status").exists()
    is_ours[0] = True
    writer.publish(one)
    first = written(state)
    assert (first["pid"], first["ended"]) == (os.getpid(), False)
    writer.publish(one)
    assert written(state) == first
    writer.publish(scenes.healthy())
    assert written(state)["verdict"]["word"] == "LAUNCH 24H"


def at(snapshot: Snapshot, t: float, available_bytes: int | None) -> Snapshot:
    """The same state at another time, with other memory."""
    reading = snapshot.memory.reading
    assert reading is not None
    memory = replace(snapshot.memory, reading=replace(reading, available_bytes=available_bytes))
    (host,) = snapshot.hosts
    hosts = {host: replace(snapshot.hosts[host], memory=memory)}
    return replace(snapshot, t=t, hosts=hosts, run=replace(snapshot.run, elapsed_s=t))


def test_it_is_written_when_it_changes_or_is_about_to_be_stale(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("metabonk_tui.cli.live.status_writer.time.time", lambda: now[0])
    one, writer = scenes.healthy(), StatusFileWriter(state, POOL, 1.0, lambda: True)
    for later_s, available_bytes, written_at in (
        (0.0, 8_000_000_000, 1000.0),
        (1.0, 8_110_000_000, 1000.0),  # an amount moves
        (2.0, None, 1002.0),  # it is not known any more
        (3.0, 8_110_000_000, 1003.0),
        (7.9, 8_110_000_000, 1003.0),
        (8.0, 8_110_000_000, 1008.0),  # 5 s old
        (6.0, 8_110_000_000, 1006.0),  # the clock was set back
    ):
        now[0] = 1000.0 + later_s
        writer.publish(at(one, later_s, available_bytes))
        assert written(state)["written_at"] == written_at
    now[0] += 1.0
    writer.publish(at(one, 7.0, 8_120_000_000))
    writer.close()
    assert written(state)["ended"] is True
    assert written(state)["memory"]["available_bytes"] == 8_120_000_000, "the end has the newest numbers"


def test_at_its_end_it_says_so_unless_another_one_goes_on(state: Path) -> None:
    one, writer = scenes.stop(), StatusFileWriter(state, POOL, 1.0, lambda: True)
    writer.publish(one)
    writer.close()
    assert written(state)["ended"] is True
    writer.publish(scenes.stop())
    other = written(state) | {"pid": os.getpid() + 1}
    (path,) = (state / "status").glob("*.json")
    path.write_text(json.dumps(other))
    writer.close()
    assert written(state) == other


def test_a_disk_in_trouble_costs_this_file_and_is_reported_once(metabonk: Metabonk, state: Path) -> None:
    state.mkdir()
    (state / "status").write_text("in the way")
    done = metabonk("check", "--json", "--for", "3s", "--base-port", "1", "--workers", "1")
    assert done.returncode == 3, done.stderr
    summary = [event["text"] for event in json.loads(done.stdout)["events"] if event["kind"] == "monitor.error"]
    assert summary == ["the status file failed: NotADirectoryError; the log says where"]
    assert metabonk("status").stdout.startswith("◌ ")


def test_without_a_store_who_looks_writes(metabonk: Metabonk, state: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        "[pool]\nbackend = 'none'\nbase_port = 1\nworkers = 1\n[store]\nenabled = false\n"
    )
    metabonk("check", "--config", "mine.toml")
    assert written(state)["verdict"]["word"] == "WAITING"
    done = metabonk("status", "--config", "mine.toml")
    assert done.stdout.startswith("◌ unwatched for ")


def test_killed_it_is_stale_and_ended_it_is_unwatched(home: dict[str, str], state: Path, metabonk: Metabonk) -> None:
    with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
        command = [*PROGRAM, "record", *pool.options]
        recorder = Forked(command, env=home)
        try:
            wait_for(lambda: "2/2 up" in metabonk("status").stdout, every_s=0.5)
            # Who reads along leaves the file to the one who records.
            assert metabonk("check", *pool.options).returncode in (2, 3)
            summary = json.loads(metabonk("status", "--format", "json", "--base-port", str(pool.base_port)).stdout)
            assert (summary["pid"], summary["stale"], summary["recording"]) == (recorder.pid, False, True)
            recorder.send_signal(signal.SIGKILL)
            recorder.wait(20)
            wait_for(lambda: metabonk("status").stdout.startswith("~ STALE for 1"), every_s=0.5)
            assert metabonk("status").returncode == 3
        finally:
            recorder.kill()
        recorder = Forked(command, env=home)
        try:
            wait_for(lambda: written(state)["pid"] == recorder.pid)
            recorder.send_signal(signal.SIGTERM)
            assert recorder.wait(30) == 0
        finally:
            recorder.kill()
        done = metabonk("status")
        assert done.stdout.startswith("◌ unwatched for ")
        assert done.returncode == 3
