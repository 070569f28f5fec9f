"""Keys in a real terminal under a shell with job control: Ctrl+Z and back, pasted text, a key that does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plain_workers import plain_workers
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def arguments() -> Iterator[list[str]]:
    """Answer as two workers for both tests: without a pool the dashboard has no worker to filter."""
    with plain_workers(2) as base:
        yield ["--base-port", str(base), "--workers", "2"]


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it(tmp_path: Path, arguments: list[str]) -> None:
    screen = Screen(arguments, tmp_path, module="tests.support.job_shell")
    try:
        screen.wait_for(r"(?s)VERDICT.*filter", 60.0)
        screen.keys(";")
        screen.wait_for(r"; does nothing here; \? lists keys")
        screen.keys("/\x1b[200~w0\nrss>\x1b[201~")
        screen.wait_for(r"/ w0 rss> +. rss> needs a size; try rss>1g")
        screen.keys("\x17w1\x1b[D\x17x\r")
        screen.wait_for(r"no worker matches w0 x1")
        screen.keys("\x1b")
        screen.wait_until(lambda: "no worker matches" not in screen.text, "a cleared filter", 20.0)
        screen.keys("\x1a")
        screen.wait_for("job stopped, Enter resumes it")
        screen.keys("\r")
        screen.wait_for(r"(?s)VERDICT.*quit")
        screen.wait_until(lambda: "job stopped" not in screen.text, "a whole picture", 20.0)
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        screen.close()


def test_where_nothing_could_resume_it_ctrl_z_says_so(tmp_path: Path, arguments: list[str]) -> None:
    screen = Screen([*arguments, "--ascii", "--slow"], tmp_path, environment={"COLORTERM": "truecolor"})
    try:
        screen.wait_for(r"(?s)VERDICT.*filter", 60.0)
        screen.keys(";")
        screen.wait_for("; does nothing here")
        screen.keys("\x1a")
        screen.wait_for("no shell with job control started the monitor")
        assert screen.text.isascii()
        assert not any(re.fullmatch("[0-9a-f]{6}", color) for color in screen.colors), "--slow draws with 16 colours"
        screen.keys("T")
        theme = screen.wait_for(r"theme [\w-]+").removeprefix("theme ")
        screen.keys("q")
        assert screen.wait_end() == 0
        assert f'"theme": "{theme}"' in (tmp_path / "ui.json").read_text()
    finally:
        screen.close()
