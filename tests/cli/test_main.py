"""The frame of the command line: verbs, options before and after them, exit codes, stdout and stderr."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.cli import main as cli
from metabonk_tui.cli import registry
from metabonk_tui.cli.options import duration_s, factor
from tests.cli.conftest import Metabonk


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["chekc"], "did you mean check?"),
        (["frobnicate"], "verbs: watch, check"),
        (["--jsno"], "unrecognized"),
        (["check", "--jsom"], "did you mean --json?"),
        (["check", "--for", "soon"], "90s, 10m or 1h"),
        (["check", "--for", "0s"], "above zero"),
        (["check", "--for", "10s", "--wait"], "not allowed with"),
        (["check", "--workers", "0"], "from 1 to 1000"),
        (["check", "--base-port", "70000"], "from 1 to 65535"),
        (["check", "--speed", "nan"], "above 0"),
        (["report"], "no run was recorded yet"),
        (["report", "nowhere.jsonl"], "no such file or run"),
        (["report", "--html", "last"], "must end in .html"),
        (["--speed", "3", "runs"], "--speed is not an option of runs"),
        (["launch"], "N"),
        (["launch", "many"], "number of workers"),
        (["launch", "-1"], ""),
        (["config", "chek"], "invalid choice"),
        (["demo", "--scenario", "sunshine"], "sunshine"),
    ],
)
def test_wrong_usage_is_64_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, argv: list[str], expected: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    assert cli.guarded(argv) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("metabonk-tui: ")
    assert expected in err


@pytest.mark.parametrize("argv", [["--help"], ["check", "--help"], ["--workers", "3", "check", "-h"], ["--version"]])
def test_help_is_data_on_stdout(metabonk: Metabonk, argv: list[str]) -> None:
    done = metabonk(*argv)
    assert (done.returncode, done.stderr) == (0, "")
    assert "metabonk-tui" in done.stdout


def test_the_exit_codes_are_listed_by_the_verbs_that_have_them() -> None:
    verbs = {
        "look": registry.Verb("look", "", "0 good · 1 bad"),
        "none": registry.Verb("none", ""),
        "glance": registry.Verb("glance", "", "the same; 3 late", codes_of="look"),
        "act": registry.Verb("act", "", "0 done"),
        "view": registry.Verb("view", "", codes_of="look"),
    }
    assert [line.split(maxsplit=1)[0] for line in registry.exit_codes_text(verbs).splitlines()[1:]] == [
        "look,",
        "glance",
        "act",
        "all",
    ]
    assert f"  {'look, view':<24} 0 good · 1 bad\n  {'glance':<24} the same; 3 late\n" in registry.exit_codes_text(
        verbs
    )
    for name, entry in cli.VERBS.items():
        assert not entry.codes_of or cli.VERBS[entry.codes_of].exit_codes, f"{name} refers to a verb without codes"


def test_every_verb_has_help_and_the_top_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.guarded(["--help"])
    top = capsys.readouterr().out
    assert left.value.code == 0
    for verb in cli.VERBS:
        assert f"\n  {verb} " in top
        with pytest.raises(SystemExit) as left:
            cli.guarded([verb, "--help"])
        assert (left.value.code, capsys.readouterr().err) == (0, ""), verb


def test_help_loads_nothing_that_is_slow_to_load(home: dict[str, str]) -> None:
    code = (
        "import sys\nfrom metabonk_tui.cli.entry import run\nsys.argv[1:] = ['--help']\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True)
    assert "usage: metabonk-tui" in done.stdout
    assert {"asyncio", "httpx", "msgspec", "rich", "sqlite3", "textual"} & set(done.stderr.split()) == set()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1.5m", 90)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "m", "-5s", "10x", "1m1h", "nan", "inf", "0"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Exception, match="duration"):
        duration_s(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", "10001"])
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(Exception, match="above 0"):
        factor(text)


def test_a_bug_is_70_one_line_and_a_traceback_in_the_log(home: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys, metabonk_tui.cli.verbs.config as config; from metabonk_tui.cli.main import guarded\n"
        "def broken(*_): raise RuntimeError('a bug')\n"
        "config.main = broken; sys.exit(guarded(['config']))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=home, capture_output=True, text=True, timeout=60)
    log = tmp_path / "state" / "metabonk-tui.log"
    assert (done.returncode, done.stdout) == (70, "")
    said = f"metabonk-tui: internal error: RuntimeError: a bug; the traceback is in {log}"
    assert done.stderr == f"{said}; for a bug report: metabonk-tui doctor --json\n"
    assert "RuntimeError: a bug" in log.read_text()


def test_a_bug_with_no_place_for_a_log_is_still_one_line(home: dict[str, str]) -> None:
    program = (
        "import sys, metabonk_tui.cli.verbs.config as config; from metabonk_tui.cli.main import guarded\n"
        "def broken(*_): raise RuntimeError('a bug')\n"
        "config.main = broken; sys.exit(guarded(['config']))"
    )
    env = home | {"METABONK_TUI_STATE_DIR": "/dev/null/state"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1
    assert "no log" in done.stderr


@pytest.mark.parametrize("words", ["config show", "export sample --jsonl -", "demo --story"])
def test_a_reader_that_goes_away_is_no_error(home: dict[str, str], words: str) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "metabonk_tui", *words.split()]
    try:
        done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, env=home, text=True, timeout=60)
    finally:
        os.close(write_end)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


@pytest.mark.parametrize(("words", "code"), [("setup --yes", 141), ("report nope", 64)])
def test_a_reader_of_both_outputs_that_goes_away_is_no_error(home: dict[str, str], words: str, code: int) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "metabonk_tui", *words.split()]
    try:
        done = subprocess.run(
            command, stdout=write_end, stderr=write_end, env=home, stdin=subprocess.DEVNULL, timeout=60
        )
    finally:
        os.close(write_end)
    assert done.returncode == code  # 120 would be the interpreter's own


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", ["schema config", "export sample --jsonl -"])
def test_a_full_disk_under_the_output_is_no_bug(home: dict[str, str], words: str) -> None:
    command = [sys.executable, "-m", "metabonk_tui", *words.split()]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, env=home, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 70
    assert done.stderr == "metabonk-tui: the output cannot be written: No space left on device\n"
