"""`replay` says what it cannot open before it takes the terminal."""

from pathlib import Path

import pytest

from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.verbs.replay import open_recording, place
from metabonk_tui.core.recordings.seek import Elapsed
from tests.cli.conftest import Metabonk
from tests.cli.verbs.test_report import recording, silence
from tests.support.samples import CONFIG


def test_without_a_terminal_it_names_what_needs_none(metabonk: Metabonk, tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(3)))
    done = metabonk("replay", str(path))
    assert done.returncode == 64
    assert "metabonk-tui report" in done.stderr


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["replay"], "RUN|FILE"),
        (["replay", "last", "--at", "ten past"], "expected one of 55m"),
        (["replay", "last", "--speed", "0"], "expected a number above 0"),
        (["replay", "last", "--workers", "3"], "--workers is not an option of replay"),
        (["--workers", "3", "replay", "last"], "is not an option of replay"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(metabonk: Metabonk, argv: list[str], message: str) -> None:
    done = metabonk(*argv)
    assert done.returncode == 64
    assert message in done.stderr


def test_a_path_that_exists_is_a_file_and_anything_else_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no such run: quiet"), open_recording("quiet", CONFIG):
        pass
    recording(tmp_path / "quiet", ("quiet", 1000.0, silence(3)))
    with open_recording("quiet", CONFIG) as opened:
        assert [sample.t for _, sample in opened.samples()] == [1000.0, 1060.0, 1120.0, 1180.0]


def test_what_holds_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with (
        pytest.raises(UsageError, match="nothing could be read"),
        open_recording(str(tmp_path / "empty.jsonl"), CONFIG),
    ):
        pass
    with pytest.raises(UsageError, match=r"no worker_N_metrics\.csv"), open_recording(str(tmp_path), CONFIG):
        pass


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ("quiet", 1000.0, silence(3)))
    path.write_text(path.read_text() + "\n{oops\n")
    with open_recording(str(path), CONFIG) as opened:
        assert len(list(opened.samples())) == 4
        assert opened.unread == 1


def test_a_place_of_the_command_line_is_one_of_the_screen() -> None:
    assert place("55m") == Elapsed(3300)
