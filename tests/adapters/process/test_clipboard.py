"""Which terminals pass a text to a clipboard."""

from pathlib import Path

import pytest

from metabonk_tui.adapters.process.clipboard import clipboard_problem


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "screen-256color", "TMUX": "", "STY": ""}, None),
        ({"TERM": "linux"}, "linux"),
        ({"TERM": "vt100"}, "vt100"),
        ({}, "no TERM"),
        ({"TERM": "screen"}, "GNU screen"),
        ({"TERM": "xterm-256color", "STY": "1.pts"}, "GNU screen"),
    ],
)
def test_the_kind_of_terminal(environ: dict[str, str], what: str | None) -> None:
    problem = clipboard_problem(environ)
    assert (problem and problem.what) == what


@pytest.mark.parametrize(("answer", "refuses"), [("echo on", False), ("echo external", True), ("exit 1", True)])
def test_tmux_is_asked(answer: str, refuses: bool, tmp_path: Path) -> None:
    tmux = tmp_path / "tmux"
    tmux.write_text(f"#!/bin/sh\n{answer}\n")
    tmux.chmod(0o755)
    problem = clipboard_problem({"TMUX": "/tmp/tmux,1,0", "TERM": "screen", "PATH": f"{tmp_path}:/bin:/usr/bin"})
    assert (problem is not None and problem.what == "tmux") == refuses
