"""The monitor in real terminal multiplexers, and in terminals and locales that can do less."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.examples import ONLY_THOROUGH
from tests.support.paths import ROOT
from tests.support.terminal import Screen
from tests.support.tmux import Tmux
from tests.support.waiting import wait_for

SHELL = ("env", "PS1=PROMPT> ", "bash", "--norc", "--noprofile")
MOSH = """
set -- $(mosh-server new -i 127.0.0.1 -- "$@" 2>/dev/null | grep "^MOSH CONNECT")
MOSH_KEY=$4 exec mosh-client 127.0.0.1 "$3"
"""
"""Server and client of mosh on the loopback, as `mosh` starts them over ssh."""
HAS_TMUX = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
MARKS = ("VERDICT", "MEMORY", "GATE", "q quit")


def monitor(folder: Path) -> str:
    """Return the command of the monitor on one standing scene, which it writes whole only when it must."""
    return shlex.join([sys.executable, "-m", "tests.support.pty_child", str(folder / "words"), "3600"])


def is_whole(text: str) -> bool:
    return all(mark in text for mark in MARKS)


def fills(text: str, columns: int) -> bool:
    """Return whether the clock stands at the right end of the first row."""
    return columns - 2 <= len(text.splitlines()[0].rstrip()) <= columns


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[[str], Tmux]]:
    servers: list[Tmux] = []

    def start(command: str) -> Tmux:
        servers.append(Tmux(tmp_path, command))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@HAS_TMUX
def test_tmux_shows_it_whole_at_every_size_also_attached_again_and_nested(
    tmux: Callable[[str], Tmux], tmp_path: Path
) -> None:
    server = tmux(monitor(tmp_path))
    server.wait_for(is_whole)
    server.run("set", "-g", "status", "off")
    for columns, lines in ((80, 24), (200, 60), (120, 40)):
        server.run("resize-window", "-x", str(columns), "-y", str(lines))
        server.wait_for(lambda text, columns=columns: is_whole(text) and fills(text, columns))
        drawn = server.text
        server.keys("C-l")
        assert server.text == drawn
    # A client in a tmux of its own, as over SSH from a tmux.
    outer = tmp_path / "outer"
    outer.mkdir()
    server.run("set", "-g", "window-size", "latest")
    nested = Tmux(outer, shlex.join(["env", "-u", "TMUX", *server.words, "attach"]))
    try:
        nested.run("set", "-g", "status", "off")
        seen = nested.wait_for(lambda text: is_whole(text) and text == server.text)
        server.run("detach-client", "-s", "main")
    finally:
        nested.close()
    client = Screen([], tmp_path, command=[*server.words, "attach"], environment={"TMUX": ""})
    try:
        client.wait_until(lambda: is_whole(client.text), "the whole picture", 60.0)
        assert [line.rstrip() for line in client.text.splitlines()] == [line.rstrip() for line in seen.splitlines()]
        server.keys("q")
        client.wait_end()
    finally:
        client.close()


@HAS_TMUX
def test_after_a_kill_the_next_start_repairs_the_terminal_and_the_prompt_is_below_the_picture(
    tmux: Callable[[str], Tmux], tmp_path: Path
) -> None:
    # A shell that edits no lines, and so sets no modes of its own.
    server = tmux("dash" if shutil.which("dash") else shlex.join([*SHELL, "--noediting"]))
    server.keys("PS1='PROMPT''> '\r")
    server.wait_for("PROMPT>")
    server.keys("stty -a >before; : >ready\r")
    wait_for((tmp_path / "ready").exists)
    server.keys(f"{monitor(tmp_path)} & echo $! >pid; fg\r")
    server.wait_for(is_whole)
    # What a killed monitor with a mouse leaves behind.
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    server.wait_for("PROMPT>")
    server.run("set", "-g", "alternate-screen", "off")
    server.keys("-l", "printf '\\033[?1000h\\033[?1006h'; clear")
    server.keys("C-j")
    server.wait_for(lambda text: not is_whole(text))
    assert server.state("mouse_any_flag") == "1"
    server.keys("-l", monitor(tmp_path))
    server.keys("C-j")
    server.wait_for(is_whole)
    assert server.state("mouse_any_flag") == "0"
    server.keys("C-s", "C-q")
    server.wait_for("does not close the monitor")
    server.keys("q")
    last = server.wait_for(lambda text: text.rstrip().splitlines()[-1].startswith("PROMPT>")).rstrip().splitlines()
    assert "VERDICT" in "\n".join(last[:-1]), "the picture stands above the prompt"
    assert server.state("cursor_flag") == "1"
    server.keys("stty -a >after; : >done\r")
    wait_for((tmp_path / "done").exists)
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("screen", ["screen", "-c", "/dev/null", *SHELL]),
        ("dtach", ["dtach", "-c", "socket", *SHELL]),
        ("script", ["script", "-q", "-c", shlex.join(SHELL), "/dev/null"]),
        ("mosh", ["bash", "-c", MOSH, "mosh", *SHELL]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_in_other_multiplexers_it_is_whole_and_leaves_the_prompt_below(
    tmp_path: Path, name: str, words: list[str]
) -> None:
    program = "mosh-server" if name == "mosh" else name
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)
    environment = {"PS1": "PROMPT> ", "HISTFILE": "", "SCREENDIR": str(folder), "SHELL": "/bin/bash"}
    # A server whose client was killed ends by itself.
    environment |= {"MOSH_SERVER_NETWORK_TMOUT": "60"}
    screen = Screen([], tmp_path, columns=100, lines=30, command=words, environment=environment)
    try:
        screen.settle(0.5)
        screen.keys("\r")
        screen.wait_for("PROMPT>")
        screen.keys(monitor(tmp_path) + "\r")
        screen.wait_until(lambda: is_whole(screen.text), "the whole picture", 60.0)
        if name == "dtach":
            assert_attached_again(screen, tmp_path)
        screen.keys("q")
        # pyte knows no second screen, as GNU screen by default.
        screen.wait_until(lambda: "PROMPT>" in screen.text.splitlines()[-1], "the prompt in the last row", 60.0)
        assert "VERDICT" in screen.text
        screen.keys("exit\r")
        screen.wait_end()
    finally:
        screen.close()


def assert_attached_again(screen: Screen, folder: Path) -> None:
    """dtach keeps no picture: what a new client sees, the monitor has written since."""
    client = Screen([], folder, columns=100, lines=30, command=["dtach", "-a", "socket"])
    try:
        client.wait_until(lambda: client.text == screen.text, "the same picture", 60.0)
        client.keys("\x1c")
        client.wait_end()
    finally:
        client.close()


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make a locale whose characters are ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    words = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")]
    try:
        subprocess.run(words, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("localedef is not installed")
    if not (folder / "en_US.ISO-8859-1" / "LC_CTYPE").exists():
        pytest.skip("localedef has no sources of locales here")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_in_a_locale_of_iso_8859_1_the_picture_goes_on(tmp_path: Path, latin_1: dict[str, str]) -> None:
    screen = Screen(["--base-port", "6", "--workers", "1"], tmp_path, environment=latin_1)
    try:
        screen.wait_for("VERDICT +. WAITING")
        screen.keys("?")
        screen.wait_for("STATES")
        screen.keys("\x03")
        assert screen.wait_end() == 0
    finally:
        screen.close()


@ONLY_THOROUGH
@pytest.mark.parametrize(
    ("term", "most_colors"),
    [("xterm", 16), ("screen", 16), ("screen-256color", 256), ("tmux-256color", 256), ("linux", 16), ("vt100", 0)],
)
def test_each_terminal_gets_the_colours_that_it_has(tmp_path: Path, term: str, most_colors: int) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    environ |= {"TERM": term, "METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environ |= {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    # script(1) keeps the bytes of the terminal.
    if shutil.which("script") is None:
        pytest.skip("script is not installed")
    command = shlex.join([sys.executable, "-m", "metabonk_tui", "--base-port", "6", "--workers", "1"])
    screen = Screen([], tmp_path, command=["script", "-q", "-c", command, "bytes"], environment=environ)
    try:
        screen.wait_for("VERDICT")
        screen.keys("q")
        screen.wait_end()
    finally:
        screen.close()
    written = (tmp_path / "bytes").read_text(errors="replace")
    assert ("38;2;" in written) is False
    assert ("38;5;" in written) is (most_colors == 256)
    assert any(f"\x1b[{code}m" in written or f";{code}m" in written for code in (*range(30, 38), *range(90, 98))) is (
        most_colors == 16
    )
