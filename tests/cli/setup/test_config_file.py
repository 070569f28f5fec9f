"""The configuration and its schema are written once, beside each other, and never over what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_check import check_config
from metabonk_tui.cli.setup.config_file import WriteError, target_path, write_config


def test_the_file_is_valid_and_names_the_schema_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    lines = list(write_config(path, {"pool.workers": 2}, "{}"))
    assert lines[0] == f"{path} is written"
    schema = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("#:schema ")
    assert (path.parent / schema).read_text() == "{}"
    assert check_config(str(path)).mistakes == ()


def test_what_is_there_stays_or_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    (tmp_path / "metabonk-tui.schema.json").write_text("old")
    with pytest.raises(WriteError, match="exists: nothing was written"):
        list(write_config(path, {}, "{}"))
    lines = list(write_config(path, {}, "{}", replaces=True))
    assert "exists and stays" in lines[-1]
    (old,) = tmp_path.glob("config.toml.old-*")
    assert old.read_text() == "# mine\n"
    assert (tmp_path / "metabonk-tui.schema.json").read_text() == "old"


def test_what_cannot_be_written_leaves_the_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    with pytest.raises(WriteError, match="no valid UTF-8"):
        list(write_config(path, {"pool.launcher.directory": "/\udce4"}, "{}", replaces=True))
    assert path.read_text() == "# mine\n"
    with pytest.raises(WriteError, match="cannot be written"):
        list(write_config(path / "config.toml", {}, "{}"))


def test_the_target_is_the_file_that_would_be_in_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    assert target_path(None) == tmp_path / "metabonk-tui" / "config.toml"
    assert target_path("x.toml") == Path.cwd() / "x.toml"
    monkeypatch.setenv("METABONK_TUI_CONFIG", "/etc/m.toml")
    assert target_path(None) == Path("/etc/m.toml")
