"""What is said beyond the screen: once, of what is new, and with bytes that a terminal cannot misunderstand."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.alert import Acknowledged, Alert, AlertState, AlertTransition
from metabonk_tui.core.model.level_names import AlertSeverity
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.notifier import RING_ONCE_S, Notifier, notification_text
from metabonk_tui.ui.terminal.diff import ScreenDiff
from metabonk_tui.ui.terminal.driver import Notify, notification
from tests.support import snapshots as scenes
from tests.support.paths import ROOT
from tests.support.refs import w
from tests.ui.terminal.test_driver import Terminal

BARE = {"TERM": "xterm-256color"}
TMUX = {"TERM": "screen-256color", "TMUX": "/tmp/tmux-1000/default,1,0"}


def alert(
    name: str = "MemCritical",
    severity: AlertSeverity = "crit",
    state: AlertState = "firing",
    workers: tuple[int, ...] = (),
    seen: bool = False,
) -> Alert:
    return Alert(
        name, "", severity, state, "0.4 GB available", scenes.START, workers=tuple(map(w, workers)),
        acknowledged=Acknowledged(scenes.START, "key") if seen else None,
    )  # fmt: skip


class RecordedNotifier:
    """A herald on a terminal that writes down what it hears."""

    def __init__(self, how: Notify = "osc9") -> None:
        self.written: list[str] = []
        self.rung = 0
        self._notifier = Notifier(self.written.append, self._ring, partial(notification, how, environ=BARE))
        self._t = scenes.START

    def _ring(self) -> None:
        self.rung += 1

    def notify(self, scene: Snapshot, *alerts: Alert, after_s: float = 1.0) -> None:
        self._t += after_s
        self._notifier.notify(replace(scene, t=self._t, alerts=alerts))

    @property
    def notified(self) -> list[str]:
        return [text for text in self.written if text.startswith("\x1b]9;")]


HEALTHY, STOP = scenes.healthy(), scenes.stop()


def test_what_fires_when_the_monitor_is_opened_is_not_reported() -> None:
    recorded = RecordedNotifier()
    recorded.notify(STOP, alert())
    recorded.notify(STOP, alert())
    assert (recorded.rung, recorded.notified) == (0, [])


def test_a_critical_alert_rings_once_and_is_reported_once() -> None:
    recorded = RecordedNotifier()
    recorded.notify(HEALTHY)
    recorded.notify(HEALTHY, alert(state="pending"))
    assert recorded.rung == 0
    for _ in range(5):
        recorded.notify(HEALTHY, alert())
    assert recorded.rung == 1
    assert recorded.notified == ["\x1b]9;MetaBonk CRIT: MemCritical: 0.4 GB available\x07"]


@pytest.mark.parametrize(
    "quiet", [alert(severity="warn"), alert(severity="info"), alert(seen=True)], ids=["warn", "info", "seen"]
)
def test_the_bell_is_for_critical_ones_that_nobody_has_seen(quiet: Alert) -> None:
    recorded = RecordedNotifier()
    recorded.notify(HEALTHY)
    recorded.notify(HEALTHY, quiet)
    assert recorded.rung == 0
    assert len(recorded.notified) == (quiet.severity == "warn")


def test_a_warning_that_becomes_critical_rings_and_one_that_spreads_does_not() -> None:
    recorded = RecordedNotifier()
    recorded.notify(HEALTHY)
    recorded.notify(HEALTHY, alert(severity="warn"))
    recorded.notify(HEALTHY, alert(severity="crit"))
    assert recorded.rung == 1
    recorded.notify(HEALTHY, alert(severity="crit", workers=(1,)), after_s=2 * RING_ONCE_S)
    assert recorded.rung == 1
    assert len(recorded.notified) == 3


def test_one_happening_rings_once_whichever_source_reports_it_first() -> None:
    recorded = RecordedNotifier()
    recorded.notify(HEALTHY)
    recorded.notify(STOP)
    recorded.notify(STOP, alert(), after_s=10)
    assert recorded.rung == 1
    recorded.notify(STOP, alert(), alert("OomKill"), after_s=RING_ONCE_S + 1)
    assert recorded.rung == 2
    recorded = RecordedNotifier()
    recorded.notify(HEALTHY)
    recorded.notify(HEALTHY, alert())
    recorded.notify(STOP, alert(), after_s=10)
    assert recorded.rung == 1


def test_the_verdict_rings_each_time_it_turns_as_ever() -> None:
    recorded = RecordedNotifier()
    for scene, rung in ((HEALTHY, 0), (STOP, 1), (HEALTHY, 1), (STOP, 2)):
        recorded.notify(scene)
        assert recorded.rung == rung


def test_several_at_once_are_one_notification_with_the_loudest() -> None:
    changes = [
        AlertTransition("resolved", alert("Gone", state="resolved")),
        AlertTransition("firing", alert("MemLow", "warn")),
        AlertTransition("louder", alert("AllDown")),
        AlertTransition("firing", alert("Note", "info")),
    ]
    assert notification_text(changes) == ("MetaBonk CRIT", "AllDown: 0.4 GB available (and 2 more)")
    assert notification_text(changes[:1]) == ("MetaBonk resolved", "Gone: 0.4 GB available")
    assert notification_text([AlertTransition("resolved", alert("Gone", "warn", "resolved"))]) is None
    assert notification_text([]) is None


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("off", ""),
        ("osc9", "\x1b]9;Title: text\x07"),
        ("osc777", "\x1b]777;notify;Title;text\x07"),
        ("both", "\x1b]9;Title: text\x07\x1b]777;notify;Title;text\x07"),
    ],
)
def test_the_sequences(how: Notify, wanted: str) -> None:
    assert notification(how, "Title", "text", BARE) == wanted


@pytest.mark.parametrize("environ", [TMUX, {"TERM": "tmux-256color"}], ids=["TMUX", "TERM"])
def test_tmux_is_asked_to_hand_it_on(environ: dict[str, str]) -> None:
    assert notification("osc9", "Title", "text", environ) == "\x1bPtmux;\x1b\x1b]9;Title: text\x07\x1b\\"
    assert notification("off", "Title", "text", environ) == ""


@pytest.mark.parametrize("environ", [BARE, TMUX], ids=["bare", "tmux"])
def test_no_text_ends_its_sequence_or_divides_it(environ: dict[str, str]) -> None:
    made = notification("osc777", "a;b\x07", "c;d\x1b\\\x9c\n" + "x" * 5000, environ)
    inner = made if environ is BARE else made.removeprefix("\x1bPtmux;").removesuffix("\x1b\\")[1:]
    assert re.fullmatch(r"\x1b\]777;notify;[^;\x00-\x1f\x7f-\x9f]+;[^;\x00-\x1f\x7f-\x9f]{1,200}\x07", inner)


@pytest.mark.parametrize("environ", [BARE, TMUX], ids=["bare", "tmux"])
def test_the_picture_is_still_believed_after_a_notification(environ: dict[str, str]) -> None:
    picture = ScreenDiff()
    picture.difference("\x1b[1;1Hhello world")
    made = notification("both", "Title", "text", environ)
    assert picture.difference(made) == made
    assert "hello" not in picture.difference("\x1b[1;1Hhello earth")


def test_the_bytes_arrive_at_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "words", TMUX="")
    try:
        sequence = b"\x1b]9;MetaBonk CRIT: MemCritical: 0.4 GB available\x07"
        terminal.until(lambda: sequence in terminal.output)
        terminal.type("q")
        assert terminal.ended() == 0
        assert terminal.output.count(sequence) == 1
    finally:
        terminal.close()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], capture_output=True, timeout=20)


@pytest.mark.parametrize("passes", ["on", "off"])
def test_tmux_hands_it_on_where_it_may(tmux: list[str], passes: str, tmp_path: Path) -> None:
    """A real tmux with a terminal around it: what that terminal hears is what `script` writes down."""
    code = (
        "import time; from metabonk_tui.ui.terminal.driver import notification\n"
        "print(notification('osc9', 'MetaBonk CRIT', 'memory') + 'said', flush=True); time.sleep(60)"
    )
    inner = shlex.join([sys.executable, "-c", code])
    words = [*tmux, "new-session", "-x", "80", "-y", "24", "sleep 60", ";", "set", "-g", "allow-passthrough", passes]
    words += [";", "new-window", inner]
    outer = Around(words)
    try:
        outer.until(b"said")
        # What tmux hands on goes out before the picture of the pane that said it.
        assert (b"\x1b]9;MetaBonk CRIT: memory\x07" in outer.output) == (passes == "on")
    finally:
        outer.close()


class Around:
    """A pseudo-terminal that keeps all that is written to it."""

    def __init__(self, words: list[str]) -> None:
        self.output = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            environ = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            environ.pop("TMUX", None)
            os.chdir(ROOT)
            os.execvpe(words[0], words, environ)

    def until(self, wanted: bytes, limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while wanted not in self.output:
            assert time.monotonic() < end, self.output[-2000:]
            if select.select([self._master], [], [], 0.1)[0]:
                self.output += os.read(self._master, 65536)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)
