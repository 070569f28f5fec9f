"""Log views made of texts, as the reader makes them of files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from msgspec.structs import replace

from metabonk_tui.core.logs.lines import Origin, parse_lines
from metabonk_tui.core.logs.merge import merge
from metabonk_tui.core.logs.model import MERGED, LogPlace, LogWindow
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.ui.log_job import make_view
from metabonk_tui.ui.log_view import LogChoice, LogView
from tests.support.refs import w

NOTHING_CHOSEN = LogChoice()


def window(name: str, text: str, newest_t: float, slot: int | None = None, begin_byte: int = 0) -> LogWindow:
    """Make the window of a log that contains a text."""
    content = text.encode()
    lines, _ = parse_lines(content, begin_byte, Origin(name, 0, UTC, newest_t))
    place = LogPlace(name, None if slot is None else w(slot), paths=(f"/srv/metabonk/run/logs/{name}.log",))
    end = begin_byte + len(content)
    return LogWindow(place, place.paths[0], "", end, begin_byte, end, newest_t, tuple(lines))


def view_of(windows: list[LogWindow], choice: LogChoice = NOTHING_CHOSEN, source: str = MERGED) -> LogView:
    """Make the view of these windows."""
    made = make_view(windows, merge(windows), choice, source=source)
    names = (MERGED, *(each.place.name for each in windows))
    return replace(made, names=names)


W3 = """\
14:30:58 dynamic UI exploration eps_ui=0.80 action=click
14:31:06 intrinsic bonus ui_change +0.01 total=0.17
14:31:20 WARN system2 request timed out (ollama 30 s), retry 1 of 3
14:31:32 dynamic UI exploration eps_ui=0.80 action=key_down
14:31:44 ERROR system2 reasoner failed
Traceback (most recent call last):
  File "src/worker/system2.py", line 412, in ask
    answer = self._client.chat(request, timeout=self._timeout_s, images=images)
TimeoutError: request timed out after 30.0 s
14:31:44 system2 paused for 60 s, exploration goes on without it
14:31:50 INFO:     127.0.0.1:50906 - "GET /status HTTP/1.1" 200 OK
14:31:58 dynamic UI exploration eps_ui=0.80 action=key_enter
14:32:01 menu_ui: 3 candidates, best "START" conf=0.74
"""
OTHERS = {
    "w0": "14:31:02 system2 engage reason=menu_ui scene=060eec9c\n14:31:36 meta sequence stored len=4 score=0.62\n",
    "w1": "14:31:14 intrinsic bonus ui_to_gameplay +1.0 total=1.84\n14:32:00 intrinsic bonus ui_change +0.01\n",
    "w2": "14:31:28 WARN system2 request timed out (ollama 30 s), retry 1 of 3\n14:31:56 dynamic UI exploration\n",
    "launch": "[launch] ready: 5/5 workers answer\n",
    "ollama": (
        'time=2026-01-02T14:31:41.000Z level=WARN msg="llama runner: cannot allocate 512 MiB, swapping to disk"\n'
        '[GIN] 2026/01/02 - 14:31:42 | 200 | 1.8s | 127.0.0.1 | POST "/api/chat"\n'
    ),
}


def pool_windows(newest_t: float) -> list[LogWindow]:
    """Make the windows of a pool of which w3 fails at 14:31:44, a second before `newest_t` at 14:32:07."""
    texts = (
        {name: OTHERS[name] for name in ("w0", "w1", "w2")} | {"w3": W3} | {n: OTHERS[n] for n in ("launch", "ollama")}
    )
    slots = {f"w{slot}": slot for slot in range(4)}
    return [window(name, text, newest_t, slots.get(name), 4096 if name == "w3" else 0) for name, text in texts.items()]


def searched(newest_t: float, source: str) -> tuple[LogView, LogChoice]:
    """Make the view of all logs, followed, or of one, held; in both, "timed out" is searched."""
    choice = LogChoice(wanted="timed out")
    windows = pool_windows(newest_t)
    if source == MERGED:
        return view_of(windows, choice), choice
    view = view_of([each for each in windows if each.place.name == source], choice, source)
    return view, replace(choice, cursor=view.anchor(view.hits[-1]), follow=False)


class ScriptedLogs:
    """A reader that returns the texts of a test, and notes what it was asked."""

    def __init__(self, texts: dict[str, str], newest_t: float) -> None:
        self.texts = texts
        self.newest_t = newest_t
        self.asked: list[tuple[tuple[str, ...], LogMove]] = []
        self.error: Exception | None = None
        self._windows: dict[tuple[str, str], LogWindow] = {}

    def read(self, places: Sequence[LogPlace], move: LogMove) -> tuple[LogWindow, ...]:
        self.asked.append((tuple(place.name for place in places), move))
        if self.error is not None:
            raise self.error
        return tuple(self._window(place) for place in places)

    def _window(self, place: LogPlace) -> LogWindow:
        text = self.texts.get(place.name)
        if text is None:
            return LogWindow(place, problem="no file")
        key = (place.name, text)
        if key not in self._windows:
            self._windows[key] = window(place.name, text, self.newest_t, place.ref.slot if place.ref else None)
        return self._windows[key]
