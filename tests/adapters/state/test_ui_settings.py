"""Kept settings: written and read again; a broken, foreign or missing file is ignored, and the reason is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.state.ui_settings import NAME, UiSettingsFile
from metabonk_tui.core.config.schema import NO_SETTINGS, UiSettings


def test_what_was_changed_is_kept(tmp_path: Path) -> None:
    settings = UiSettings("light", "grid", "rss", True, 5.0)
    file = UiSettingsFile(tmp_path / "state")
    assert file.read() == (NO_SETTINGS, "")
    assert file.write(settings) == ""
    assert file.read() == (settings, "")
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"theme": 1}', '{"interval_s": 1e9}', '{"interval_s": -1}', '{"theme": "\\u001b[31m'],
)
def test_a_broken_file_is_ignored_and_named(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    settings, why = UiSettingsFile(tmp_path).read()
    assert settings == NO_SETTINGS
    assert why.startswith("kept settings ignored: ")
    assert NAME in why
    assert why.isprintable()


def test_a_file_that_others_may_write_is_ignored(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"theme": "light"}')
    (tmp_path / NAME).chmod(0o666)
    settings, why = UiSettingsFile(tmp_path).read()
    assert settings == NO_SETTINGS
    assert "chmod go-w" in why


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert UiSettingsFile(tmp_path).write(UiSettings("light")) != ""
