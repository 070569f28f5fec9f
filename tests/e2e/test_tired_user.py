"""The questions of `tests/ui/test_tired_user.py` in a real tmux: on recorded runs, and on a pool of real processes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.support.examples import ONLY_THOROUGH
from tests.support.ports import free_ports
from tests.support.recorded_night import DEAD, FOUND, LAST_LINE, MANY, store_many, store_night
from tests.support.tmux import Tmux
from tests.support.waiting import wait_for
from tests.ui.test_tired_user import MOST_KEYS, TASKS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
NAMED = {"⏎": "Enter", "↑": "Up", "↓": "Down", "⎋": "Escape"}
"""The names in tmux of the keys that have no letter."""
SIZES = [
    pytest.param((80, 24), id="80x24"),
    pytest.param((120, 40), id="120x40", marks=ONLY_THOROUGH),
    pytest.param((200, 60), id="200x60", marks=ONLY_THOROUGH),
]


class Asked(Struct, frozen=True):
    """One question, the keys that answer it, and the patterns that are on the screen then."""

    asks: str
    keys: str
    sees: tuple[str, ...]


LEAKING = (
    Asked("when does memory end", "", (r"OOM (in )?~\d+m",)),
    Asked("how many workers fit", "m", (r" \d .*◌ fits so far ◂",)),
    Asked("what the processes lack of the env file", "e", (r"1/6 required keys", r"not exported")),
    Asked("is System2 set right", "e", (r"TABONK_SYSTEM2_ENABLED +1 ",)),
    Asked("the verdict into the chat", "y", (r"copied \d+ lines",)),
    Asked("hand this moment over", "Y", (r"copied and in",)),
    Asked("one field of a worker", "⏎/hud", (r"fields with “hud”", r"hud_present")),
    Asked("am I better than yesterday", "c⏎⎋", (r"GHOST +yesterday", r"ahead in \d|behind in \d")),
    Asked("keep the light theme", "T", (r"theme \w+",)),
)
"""At minute 55 of tonight."""
COPIED = {"y": "STOP", "Y": "replay"}
"""What the clipboard of tmux holds then."""
DIED = (
    Asked("which worker is worst, and why", "a⏎", (r"OBITUARY w1", r"w1 was killed by the kernel: out of memory")),
    Asked("memory against an hour ago", "m-", (r"AVAILABLE .*\d\.\d at \d\d:\d\d, now \d\.\d",)),
    Asked("log lines around the crash", "d", (r"was killed by the kernel", r"LOG w1", re.escape(LAST_LINE[:40]))),
    Asked("the death that I see in the events", "4⏎", (r"OBITUARY w1",)),
    Asked("hide the healthy ones", "/↑⏎", (r"5 match “ill”",)),
    Asked("only the dead ones", "/↑↑⏎", (r"2 match “down”", r"w1 .*DOWN", r"w3 .*DOWN")),
    Asked("the moment of an event", "4↓⏎", (r"01:1[56]:\d\d of ",)),
    Asked("the screen an hour ago", "t-1h⏎", (r"00:17:00 of ",)),
)
"""At 1h17m of tonight, after two deaths."""
CROWDED = (
    Asked("which of 256 is worst", "a⏎", (rf"OBITUARY w{DEAD}", "stopped answering")),
    Asked("w137 of 256", f"/{FOUND}⏎", (r"1 of 1|1 match", rf"\bw?{FOUND} ")),
)
LIVE = (
    Asked("what happened while I slept", "~", (r"SINCE YOU LOOKED", r"in short")),
    Asked("see the alerts and silence them", "!u", (r"FIRING", r"all seen|seen \d\d:\d\d")),
    Asked("refresh less often", ",", (r"polls every \d+ s",)),
    Asked("resize 5 to 2", "---2⏎", (r"resize 5 (→|to) 2|\b2/2 up",)),
    Asked("hold the picture", "p", (r"◌ PAUSED",)),
)
"""With real workers of which one hangs."""


AT_HOME = "already on this screen"


def is_dialog(text: str) -> bool:
    """Return whether a dialog or an input in the last row is open."""
    return "╭" in text or "Esc cancel" in text


class TiredUser:
    """A person before a tmux in which the program runs."""

    def __init__(self, folder: Path, size: tuple[int, int], *words: str) -> None:
        self.folder = folder
        environment = {name: str(folder) for name in ("METABONK_TUI_STATE_DIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
        command = shlex.join([sys.executable, "-m", "metabonk_tui", *words])
        self.tmux = Tmux(
            folder, f"{command}; echo $? > ended", columns=size[0], lines=size[1], environment=environment
        )
        self.tmux.run("set", "-g", "status", "off")
        self.tmux.run("set", "-s", "set-clipboard", "on")
        self.tmux.run("set", "-g", "remain-on-exit", "on")

    def goes_home(self) -> None:
        """Leave what is open, until the monitor says that there is nothing more to take back.

        Backspace goes back as Esc does. A key right after Esc would be read as Alt and that key, so Esc is pressed
        only where Backspace edits, and it is read when that is gone.
        """
        for _ in range(6):
            before = self.tmux.text
            if is_dialog(before):
                self.tmux.keys("Escape")
                self.tmux.wait_for(lambda now: not is_dialog(now))
                continue
            self.tmux.keys("BSpace")
            if AT_HOME in self.tmux.wait_for(lambda now, before=before: now != before):
                return
        pytest.fail(f"it never says {AT_HOME!r}: {self.tmux.text}")

    def asks(self, task: Asked) -> None:
        """Type the keys of a task, and wait for its answer."""
        assert len(task.keys) <= MOST_KEYS
        for key in task.keys:
            if key == "⎋":
                self.tmux.wait_for(lambda text: re.search("first divergence|here and there", text))
            self.tmux.keys(NAMED.get(key, key))

        def is_answered(text: str) -> bool:
            if "press Enter again" in text:
                # The question asks for a second Enter after one that came faster than a person types.
                self.tmux.keys("Enter")
            return all(re.search(pattern, text) for pattern in task.sees)

        try:
            self.tmux.wait_for(is_answered)
        except AssertionError as error:
            pytest.fail(f"{task.asks} ({task.keys}): {error}")

    def closes(self) -> None:
        self.tmux.keys("q")
        # tmux itself does not always learn the exit code.
        ended = self.folder / "ended"
        wait_for(lambda: ended.exists() and ended.read_text().strip(), f"the program ended: {self.tmux.text}", 60.0)
        assert ended.read_text().strip() == "0", self.tmux.text
        ended.unlink()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("night")
    store_night(folder)
    return folder


@pytest.fixture
def users() -> Iterator[list[TiredUser]]:
    """Collects who sits before a tmux; each is closed, also after a failure."""
    opened: list[TiredUser] = []
    yield opened
    for user in opened:
        user.tmux.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_recorded_night_answers(night: Path, size: tuple[int, int], users: list[TiredUser]) -> None:
    # What another size kept is not the start of this one.
    (night / "ui.json").unlink(missing_ok=True)
    user = TiredUser(night, size, "replay", "tonight", "--at", "55m")
    users.append(user)
    user.tmux.wait_for(lambda text: "00:55:00 of" in text)
    for task in LEAKING:
        user.asks(task)
        user.goes_home()
        if "copied" in task.sees[0]:
            wait_for(lambda task=task: COPIED[task.keys] in user.tmux.run("show-buffer"), task.asks)
    for task in DIED:
        user.tmux.keys("t")
        user.tmux.keys("-l", "1h17m")
        user.tmux.keys("Enter")
        user.tmux.wait_for(lambda text: "01:17:00 of" in text)
        user.asks(task)
        user.goes_home()
    user.closes()
    assert json.loads((night / "ui.json").read_text())["theme"] != "dark"


@ONLY_THOROUGH
@pytest.mark.parametrize("size", SIZES)
def test_a_crowd_answers(tmp_path: Path, size: tuple[int, int], users: list[TiredUser]) -> None:
    store_many(tmp_path)
    user = TiredUser(tmp_path, size, "replay", "many", "--at", "10m")
    users.append(user)
    user.tmux.wait_for(lambda text: f"{MANY - 1}/{MANY} up" in text)
    for task in CROWDED:
        user.asks(task)
        user.goes_home()
    user.closes()


@ONLY_THOROUGH
@pytest.mark.parametrize("size", SIZES)
def test_a_live_pool_answers(tmp_path: Path, size: tuple[int, int], users: list[TiredUser]) -> None:
    pool = ("--scenario", "mixed", "--workers", "5", "--speed", "60", "--base-port", str(free_ports(8)))
    user = TiredUser(tmp_path, size, "demo", *pool)
    users.append(user)
    user.tmux.wait_for(lambda text: re.search(r"\b[3-5]/5 up", text) and "alert" in text)
    for task in LIVE:
        user.asks(task)
        if task is LIVE[-1]:
            break
        user.goes_home()
        if task.asks.startswith("resize"):
            user.tmux.wait_for(lambda text: "2/2 up" in text)
    user.closes()


def test_every_question_is_asked_in_a_real_terminal() -> None:
    asked = [task.asks for task in (*LEAKING, *DIED, *CROWDED, *LIVE)]
    assert sorted(asked) == sorted(task.asks for task in TASKS)
