"""Whether a pool is configured, and where one is looked for while none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.live.no_worker import pool_search


@pytest.mark.parametrize(
    ("text", "is_searched"),
    [
        ("", True),
        ('[ui]\ntheme = "light"\n', True),
        ("[pool]\n", True),
        ("[pool]\nbase_port = 6000\n", False),
        ('[pool]\nhost = "gpu-box"\n', False),
        ('[pool.launcher]\ndirectory = "."\n', False),
    ],
)
def test_a_pool_is_looked_for_while_no_file_describes_one(tmp_path: Path, text: str, is_searched: bool) -> None:
    (tmp_path / "own.toml").write_text(text)
    search = pool_search(load_config(str(tmp_path / "own.toml"), {"pool": {"base_port": 7000}}, {}))
    assert (search is not None) == is_searched, "options alone describe no pool"
    if search is not None:
        assert search.has_file
        assert search.is_local


def test_without_a_file_its_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    search = pool_search(load_config(None, {"pool": {"host": "gpu-box"}}, {}))
    assert search is not None
    assert (search.config_path, search.has_file) == ("~/own/metabonk-tui/config.toml", False)
    assert not search.is_local
