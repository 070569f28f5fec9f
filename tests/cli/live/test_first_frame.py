"""The first frame: shown only where the monitor opens, and gone before anything else is written."""

from __future__ import annotations

import argparse
import gc
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from metabonk_tui.cli.live import first_frame
from metabonk_tui.cli.options import Parser, add_pool_options, add_screen_options
from metabonk_tui.ui.terminal import background
from tests.support.paths import ROOT

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
LIMIT_S = 60.0
WAIT = "while True: __import__('time').sleep(0.01)"
"""Not `input()`: a signal just before the system call that waits would be handled after it."""


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        ("", True),
        ("watch", True),
        ("--base-port 5000 --read-only", True),
        ("watch --base-port=5000 --workers 3", True),
        ("--read-only watch", True),
        ("check", False),
        ("--read-only check", False),
        ("--base-port", False),
        ("--base-port --read-only", False),
        ("--base-port=", False),
        ("--help", False),
        ("watch --help", False),
        ("--version", False),
        ("--bas-port 5000", False),
        ("demo", True),
        ("demo --scenario leak --workers=3", True),
        ("demo --no-ui", False),
        ("demo --story", True),
        ("watch --story", False),
        ("--scenario leak demo", False),
        ("replay last", True),
        ("--base-port 5000 replay last --at 5m", True),
        ("replay", False),
        ("replay last first", False),
        ("watch last", False),
    ],
)
def test_only_a_command_line_that_opens_the_monitor_shows_it(line: str, opens: bool) -> None:
    assert first_frame.opens_monitor(line.split()) is opens


def test_every_option_of_the_pool_is_known() -> None:
    parser = Parser(prog="", description="")
    add_pool_options(parser, can_act=True)
    add_screen_options(parser)
    options = {
        name: action.nargs == 0
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction)
        for name in action.option_strings
    }
    assert options == dict.fromkeys(first_frame.VALUED, False) | dict.fromkeys(first_frame.BARE, True)


@contextmanager
def in_terminal(*argv: str, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a program in a terminal of its own; yields it and the terminal's other end."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    env = {**os.environ, "TERM": "xterm", **environ}
    child = subprocess.Popen([sys.executable, *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    try:
        yield child, ours
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def read_until(ours: int, word: bytes | None) -> bytes:
    """Read what the program writes until a word; None: until it ends."""
    found = b""
    while word is None or not found or word not in found:
        assert select.select([ours], [], [], LIMIT_S)[0], found
        try:
            found += os.read(ours, 4096)
        except OSError:
            assert word is None, found
            break
    return found


def test_a_mistake_is_read_on_the_screen_of_the_shell(tmp_path: Path) -> None:
    with in_terminal(
        "-m", "metabonk_tui", "--config", str(tmp_path / "nowhere.toml"), METABONK_TUI_STATE_DIR=str(tmp_path)
    ) as (
        child,
        ours,
    ):
        shown = read_until(ours, None)
        assert child.wait(LIMIT_S) == 78
    assert shown.startswith(ENTER)
    assert b"connecting" in shown[: shown.index(LEAVE)]
    assert b"nowhere.toml" in shown[shown.index(LEAVE) :]
    assert shown.count(LEAVE) == 1


def test_another_verb_never_leaves_the_screen_of_the_shell() -> None:
    with in_terminal("-m", "metabonk_tui", "--version") as (child, ours):
        assert ENTER not in read_until(ours, None)
        assert child.wait(LIMIT_S) == 0


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor_has_none(term: str) -> None:
    with in_terminal("-c", "from metabonk_tui.cli.live import first_frame; first_frame.show([])", TERM=term) as (
        _,
        ours,
    ):
        assert read_until(ours, None) == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_screens_are_there_restores_the_terminal(number: signal.Signals) -> None:
    program = f"from metabonk_tui.cli.live import first_frame; first_frame.show([])\n{WAIT}"
    with in_terminal("-c", program) as (child, ours):
        read_until(ours, b"connecting")
        child.send_signal(number)
        assert LEAVE in read_until(ours, None)
        assert child.wait(LIMIT_S) == -number


def test_a_signal_stops_what_runs_already() -> None:
    program = (
        "from metabonk_tui.cli.live import first_frame; first_frame.show([]); first_frame.unwind_on_signals()\n"
        f"try:\n    print('runs', flush=True)\n    {WAIT}\nfinally:\n    print('stopped')"
    )
    with in_terminal("-c", program) as (child, ours):
        read_until(ours, b"runs")
        child.send_signal(signal.SIGTERM)
        shown = read_until(ours, None)
        assert child.wait(LIMIT_S) == 128 + signal.SIGTERM
    assert b"stopped" in shown[shown.index(LEAVE) :]


def test_keys_are_kept_for_the_screens_and_not_shown() -> None:
    program = (
        "import os; from metabonk_tui.cli.live import first_frame; first_frame.show([])\n"
        "typed = b''\nwhile len(typed) < 3:\n    typed += os.read(0, 9)\n"
        "first_frame.leave(); print(typed.hex(), flush=True); input()"
    )
    with in_terminal("-c", program) as (_, ours):
        before = termios.tcgetattr(ours)
        read_until(ours, b"connecting")
        os.write(ours, b"?\r\x7f")
        shown = read_until(ours, b"3f0d7f")
        assert shown.count(b"?") == (LEAVE + b"\x1b[?25h").count(b"?")
        assert termios.tcgetattr(ours) == before


def test_a_key_typed_while_the_screens_take_over_is_neither_shown_nor_changed() -> None:
    """Between `hand_over` and Textual's own modes, a tenth of a second, the terminal had the modes of the shell."""
    program = (
        "import os; from metabonk_tui.cli.live import first_frame; first_frame.show([]); first_frame.hand_over()\n"
        "print('handed over', flush=True); typed = b''\nwhile len(typed) < 4:\n    typed += os.read(0, 9)\n"
        "modes = first_frame.take_modes(); import termios; termios.tcsetattr(0, termios.TCSANOW, modes)\n"
        "print(typed.hex(), flush=True); input()"
    )
    with in_terminal("-c", program) as (_, ours):
        read_until(ours, b"handed over")
        os.write(ours, b";\r\x15;")
        assert b";" not in read_until(ours, b"3b0d153b")
        assert termios.tcgetattr(ours)[3] & termios.ICANON


def test_the_modes_of_the_shell_come_back_where_the_screens_never_open(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    try:
        modes = termios.tcgetattr(theirs)
        monkeypatch.setattr(first_frame, "_modes", modes)
        first_frame.hand_over()
        taken: list[object] = []
        monkeypatch.setattr(termios, "tcsetattr", lambda descriptor, when, given: taken.append(given))
        first_frame.leave()
        assert taken == [modes]
        assert first_frame.take_modes() is None
    finally:
        os.close(ours)
        os.close(theirs)
        gc.unfreeze()


def test_textual_takes_the_first_picture_over_without_a_blank_screen(tmp_path: Path) -> None:
    wide, high = 100, 30
    screen = pyte.Screen(wide, high)
    stream = pyte.ByteStream(screen)
    config = tmp_path / "config.toml"
    # No second Snapshot: its picture may be another.
    config.write_text("[pool]\nbase_port = 1\nworkers = 1\n[observe]\ninterval_s = 60\n")
    program = (
        f"from metabonk_tui.cli.live import open_app; open_app.FIRST_WAIT_S = {LIMIT_S}\n"
        f"import sys; sys.argv[1:] = ['--config', {str(config)!r}]\n"
        "from metabonk_tui.cli.entry import run; run()"
    )
    home = {"METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    # Some runners of tests set a size, and Textual follows it.
    home |= {"COLUMNS": str(wide), "LINES": str(high)}
    with in_terminal("-c", program, **home) as (_, ours):
        stream.feed(read_until(ours, b"connecting"))
        # Up to the modes that Textual sets, the monitor alone has drawn.
        stream.feed(read_until(ours, b"\x1b[?1004h"))
        first = list(screen.display)
        assert "w0" in "".join(first), "there was no first picture"
        drawn = b""
        while b"\x1b[%d;1H" % high not in drawn:
            drawn += (piece := read_until(ours, b""))
            stream.feed(piece)
            # Times and ages may have changed.
            same = sum(before == now for before, now in zip(first, screen.display, strict=True))
            assert same >= high - 6, screen.display
        os.write(ours, b"q")
        read_until(ours, None)


@pytest.mark.parametrize("is_light", [True, False])
def test_the_theme_is_that_of_the_background_and_no_key_is_lost(tmp_path: Path, is_light: bool) -> None:
    home = {"METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "COLORTERM": "truecolor"}
    home |= {"COLUMNS": "100", "LINES": "30"}
    color = "ffff/ffff/eeee" if is_light else "1111/2222/3333"
    program = (
        f"from metabonk_tui.ui.terminal import background; background.ANSWER_S = {LIMIT_S}\n"
        "import sys; sys.argv[1:] = ['--base-port', '1', '--workers', '1']\n"
        "from metabonk_tui.cli.entry import run; run()"
    )
    with in_terminal("-c", program, LC_ALL="C.UTF-8", NO_COLOR="", **home) as (child, ours):
        read_until(ours, background.QUERY.encode())
        os.write(ours, f"?\x1b]11;rgb:{color}\x1b\\".encode())
        screen = pyte.Screen(100, 30)
        stream = pyte.ByteStream(screen)
        shown = b""
        while "STATES" not in "\n".join(screen.display):
            shown += (piece := read_until(ours, b""))
            stream.feed(piece)
        os.write(ours, b"\x03")
        read_until(ours, None)
        assert child.wait(LIMIT_S) == 0
    ground = tomllib.loads((ROOT / "themes" / f"{'light' if is_light else 'dark'}.toml").read_text())["tokens"]["bg"]
    red, green, blue = (int(ground[i : i + 2], 16) for i in (1, 3, 5))
    assert f"48;2;{red};{green};{blue}".encode() in shown
    assert b"11;rgb" not in shown


def test_what_the_screens_own_is_left_to_them(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_frame, "_showing", True)
    first_frame.hand_over()
    first_frame.leave()
    assert capfd.readouterr().out == ""


def test_garbage_is_collected_as_soon_as_the_screens_run() -> None:
    before = gc.get_threshold()
    try:
        gc.disable()
        first_frame.hand_over()
        assert gc.isenabled()
        first_frame.settle()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        gc.enable()
