"""Copy, hand over and save: what is sent, what is written, and what the notice says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from metabonk_tui.cli.recordings.moments import StoreMomentFiles
from metabonk_tui.core.ports.moments import ClipboardProblem
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import Effect
from tests.support import snapshots as scenes
from tests.support.refs import w
from tests.support.samples import script, silent
from tests.support.stored_runs import stored
from tests.support.waiting import wait_for
from tests.ui.conftest import ScriptedMonitor, plain_screens, read_config


class Files(StoreMomentFiles):
    """Real files; a test says whether a clipboard is there."""

    problem: ClipboardProblem | None = None

    def clipboard_problem(self) -> ClipboardProblem | None:
        return self.problem


class Sharer:
    """A person who shares what is on screen."""

    def __init__(self, files: Files) -> None:
        scene = scenes.stop()
        self.controller = Controller(ScriptedMonitor(scene), read_config(), plain_screens(), moment_files=files)
        self.controller.update(scene)

    def press(self, key: str) -> Effect:
        assert self.controller.press(key, key, 1.0, 120, 40).copy == ""
        return wait_for(self.controller.take_shared)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "handover", None, stored(tmp_path, script(silent, for_s=60.0)))


def test_a_hand_over_is_eight_lines_and_the_command_that_opens_the_moment(files: Files, tmp_path: Path) -> None:
    sharer = Sharer(files)
    sharer.controller.open_at("memory", w(2))
    text = sharer.press("Y").copy
    lines = text.splitlines()
    slice_path = tmp_path / "handover" / "metabonk-005504.jsonl.gz"
    begins = ["STOP since", "because:", "cause:", "memory:", "gate:", "workers: 5 of 5 up", "selected: w2", "next:"]
    assert [line.startswith(begin) for line, begin in zip(lines, begins, strict=False)] == [True] * 8
    assert lines[8].endswith(f"replay {slice_path} --at 00:55:04 --screen memory --worker w2")
    assert len(lines) == 10
    assert slice_path.stat().st_mode & 0o777 == 0o600
    written = tmp_path / "handover" / "metabonk-005504.txt"
    assert written.read_text() == text + "\n"
    assert sharer.controller.notice == f"copied and in {written}"


@pytest.mark.parametrize("key", ["y", "Y"])
def test_without_a_clipboard_the_notice_names_the_file(key: str, files: Files, tmp_path: Path) -> None:
    files.problem = ClipboardProblem("tmux", "its set-clipboard is external")
    sharer = Sharer(files)
    assert sharer.press(key).copy == ""
    path = tmp_path / "handover" / "metabonk-005504.txt"
    assert path.read_text().startswith("STOP since ")
    assert sharer.controller.notice == f"not copied (tmux): {path}; its set-clipboard is external"


def test_a_run_that_is_not_recorded_is_handed_over_without_a_command(tmp_path: Path) -> None:
    text = Sharer(Files(tmp_path, tmp_path)).press("Y").copy
    assert text.splitlines()[8:] == ["no recording: run-1767309258 is not recorded"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sharer = Sharer(Files(tmp_path / "file", None))
    assert sharer.press("Y").copy == ""
    assert sharer.controller.notice.startswith("not written: ")


async def test_the_screen_is_saved_as_a_picture(
    make_app: Callable[..., MonitorApp], files: Files, tmp_path: Path
) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()), moment_files=files)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("S")
        path = tmp_path / "handover" / "metabonk-005504-dashboard.svg"
        wait_for(lambda: path.exists() and path.read_text().endswith("</svg>\n"))
        picture = path.read_text()
    assert ">VERDICT</text>" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
