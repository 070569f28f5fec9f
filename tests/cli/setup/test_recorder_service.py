"""The unit that record --install writes: right for this installation, quoted for systemd, never over another one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metabonk_tui.cli.setup import recorder_service
from metabonk_tui.cli.setup.recorder_service import (
    UnitError,
    UnitPlan,
    install,
    linger_lines,
    own_command,
    plan_unit,
    recorder_arguments,
    unit_word,
    user_name,
)
from tests.test_systemd_units import UNITS, read_unit


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/a b/metabonk-tui"])
    monkeypatch.setattr(recorder_service, "_is_installed", lambda: True)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def unit_of(tmp_path: Path) -> Path:
    return tmp_path / ".config/systemd/user/metabonk-tui-record.service"


def test_the_unit_is_that_of_the_documentation_with_the_path_of_this_installation(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(["--memory-watch"], environ) == 0
    written, documented = read_unit(unit_of(tmp_path)), dict(read_unit(UNITS[0]))
    assert dict(written) == documented | {"ExecStart": '"/opt/a b/metabonk-tui" record --memory-watch'}
    out = capsys.readouterr().out
    assert f"{unit_of(tmp_path)} is written" in out
    assert "systemctl --user enable --now metabonk-tui-record" in out
    assert install(["--memory-watch"], environ) == 0
    assert "is there already" in capsys.readouterr().out


def test_another_unit_stays_without_a_terminal_and_is_renamed_when_the_person_agrees(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unit_of(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/mine\n")
    assert install([], environ) == 2
    assert path.read_text() == "[Service]\nExecStart=/mine\n"
    assert "-ExecStart=/mine" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: "y\n", raising=False)
    assert install([], environ) == 0
    assert read_unit(path)["ExecStart"] == '"/opt/a b/metabonk-tui" record'
    (old,) = path.parent.glob("*.old-*")
    assert old.read_text() == "[Service]\nExecStart=/mine\n"


def test_what_the_shell_sets_is_written_because_systemd_does_not_read_it(environ: dict[str, str]) -> None:
    text = plan_unit([], environ | {"METABONK_TUI_STATE_DIR": "/data/100% mine"}).text
    assert '\nEnvironment="METABONK_TUI_STATE_DIR=/data/100%% mine"\n' in text
    text = plan_unit([], environ | {"XDG_STATE_HOME": "/data"}).text
    assert "\nEnvironment=METABONK_TUI_STATE_DIR=/data/metabonk-tui\n" in text
    assert "Environment=" not in plan_unit([], environ).text


def test_the_configuration_is_named_where_it_is_not_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert recorder_arguments(tmp_path / ".config/metabonk-tui/config.toml", {}) == []
    assert recorder_arguments(None, {"base_port": 6000, "memory_watch": True, "speed": 2.0}) == [
        "--base-port", "6000", "--memory-watch", "--speed", "2",
    ]  # fmt: skip
    assert recorder_arguments(Path("/etc/x.toml"), {}) == ["--config", "/etc/x.toml"]


def test_a_program_that_is_not_installed_runs_in_the_folder_of_its_source(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/__main__.py"])
    monkeypatch.setattr(recorder_service, "_is_installed", lambda: False)
    assert own_command() == [sys.executable, "-m", "metabonk_tui"]
    text = plan_unit([], environ).text
    assert f"\nWorkingDirectory={Path(recorder_service.__file__).parents[3]}\n" in text


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("/a/b-c.d", "/a/b-c.d"),
        ("100%", "100%%"),
        ("a b", '"a b"'),
        ("$X", '"$$X"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("", '""'),
        (";", '";"'),
        ("ä", '"ä"'),
    ],
)
def test_a_word_is_quoted_for_systemd(word: str, quoted: str) -> None:
    assert unit_word(word) == quoted


def test_what_no_unit_can_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnitError, match="cannot be written into a unit"):
        unit_word("a\nExecStartPre=/x")
    assert install([], {}) == 1
    assert "HOME is not set" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["/opt/$x/metabonk-tui"])
    assert install([], {"HOME": str(tmp_path)}) == 1
    assert "which systemd cannot run" in capsys.readouterr().err
    (tmp_path / "file").touch()
    plan = UnitPlan(tmp_path / "file" / "x.service", "", None)
    with pytest.raises(UnitError, match="cannot be"):
        recorder_service.write_unit(plan)


def test_linger_is_read_from_the_file_of_systemd(tmp_path: Path) -> None:
    assert [line.partition(",")[0] for line in linger_lines(tmp_path)] == ["systemd does not run on this machine"]
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    user = user_name()
    off = "\n".join(linger_lines(tmp_path))
    assert f"linger is off for {user}" in off
    assert "loginctl enable-linger" in off
    linger = tmp_path / "var/lib/systemd/linger"
    linger.mkdir(parents=True)
    (linger / user).touch()
    assert "\n".join(linger_lines(tmp_path)).startswith(f"linger is on for {user}")
    (linger / user).unlink()
    linger.rmdir()
    linger.touch()
    assert "is not known" in next(linger_lines(tmp_path))
