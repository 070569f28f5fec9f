"""The last look is written whole and read back; a file that is not usable is no look."""

from pathlib import Path

import pytest

from metabonk_tui.adapters.state.looks import LookFile
from metabonk_tui.core.run.looks import look_at
from tests.support.snapshots import stop
from tests.ui.conftest import read_config

POOL = read_config().pool


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    file = LookFile(tmp_path / "state", POOL)
    assert file.read() is None
    look = look_at(stop())
    file.write(look)
    assert LookFile(tmp_path / "state", POOL).read() == look
    assert file.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"t": NaN}', b'{"t": 1, "run": "x", "kind": "MAYBE"}', b"\xff"]
)
def test_a_broken_file_is_no_look(tmp_path: Path, content: bytes) -> None:
    file = LookFile(tmp_path, POOL)
    file.path.write_bytes(content)
    file.path.chmod(0o600)
    assert file.read() is None


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, no folder", encoding="utf-8")
    LookFile(tmp_path / "state", POOL).write(look_at(stop()))
