"""Makes the pictures of the documentation: real screens on the sample recordings, dark and light.

    python -m tools.pictures [NAME ...]

The monitor replays a sample in a terminal of its own, and `S` saves the screen as SVG. A headless Chromium, where one
is installed ($CHROMIUM names another one), draws the PNGs of the README and the HTML report. Does not: edit a picture.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte
from msgspec import Struct

from bench.terminal import COLUMNS, LINES, Terminal
from tests.support.chromium import find_chromium

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
THEMES = {"dark": 0, "light": 1}
"""Each theme, and Chromium's number of that colour scheme."""
LOADING = ("going to", "read to", "listing the runs", "reading")
"""What the screen says while the recording is not loaded."""
LOOK_S = 0.5
LIMIT_S = 60.0
REPORT_SIZE = (1000, 900)
MOST_BYTES = 150_000
SMALLER = ROOT / ".venv-docs" / "bin" / "python"
"""The Python of `make docs`, which has Pillow."""
SMALLER_CODE = """
import sys
from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(128).save(sys.argv[1], optimize=True)
"""


class Shot(Struct, frozen=True):
    """One picture: a recording, a place in it, and the keys that lead to the screen."""

    recording: str
    at: str
    screen: str = "dashboard"
    worker: str = ""
    keys: bytes = b""
    beside: str = ""
    """Another recording. Both are then recorded runs, so that the monitor knows each from its start."""
    png: bool = False


SHOTS = {
    "stop": Shot("sample:failed", "55m", png=True),
    "healthy": Shot("sample:rescued", "1h20m"),
    "verdict": Shot("sample:failed", "55m", "verdict"),
    "memory": Shot("sample:failed", "1h10m", "memory"),
    "worker": Shot("sample:rescued", "1h20m", "worker", "w1"),
    "environment": Shot("sample:failed", "55m", "environment"),
    "learning": Shot("sample:rescued", "1h20m", "learning"),
    "obituary": Shot("sample:failed", "end", "obituary"),
    "compare": Shot("sample:failed", "1h10m", keys=b"c\r", beside="sample:rescued"),
}
REPORT = "sample:failed"


def main(names: Sequence[str]) -> int:
    """Make the named pictures, or all; return 1 if some could not be made."""
    unknown = set(names) - {*SHOTS, "report"}
    if unknown:
        print(f"no such picture: {', '.join(sorted(unknown))}; there are: {', '.join([*SHOTS, 'report'])}")
        return 64
    FOLDER.mkdir(exist_ok=True)
    browser = find_chromium()
    for theme in THEMES:
        for name, shot in SHOTS.items():
            if names and name not in names:
                continue
            target = FOLDER / f"{name}-{theme}.svg"
            target.write_text(screen_of(shot, theme), encoding="utf-8")
            print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")
            if shot.png and browser:
                photograph(browser, target.as_uri(), target.with_suffix(".png"), theme, size_of(target))
        if browser and (not names or "report" in names):
            with _folder() as folder:
                page = folder / "report.html"
                run(["report", REPORT, "--html", str(page)], folder)
                photograph(browser, page.as_uri(), FOLDER / f"report-{theme}.png", theme, REPORT_SIZE)
    if not browser:
        print("no Chromium: the PNGs stay as they are", file=sys.stderr)
    large = [path.name for path in FOLDER.iterdir() if path.stat().st_size > MOST_BYTES]
    if large:
        print(f"larger than {MOST_BYTES} bytes: {', '.join(sorted(large))}", file=sys.stderr)
    return int(bool(large or not browser))


def screen_of(shot: Shot, theme: str) -> str:
    """Open the monitor at the place of the picture, and return what `S` saves."""
    with _folder() as folder:
        config = folder / "config.toml"
        config.write_text(f'[ui]\ntheme = "{theme}"\n', encoding="utf-8")
        for sample in (shot.recording, shot.beside) if shot.beside else ():
            copy = str(folder / "copy.jsonl")
            run(["export", sample, "--jsonl", copy], folder)
            run(["import", copy], folder)
        recording = shot.recording.replace(":", "-") if shot.beside else shot.recording
        argv = [*PROGRAM, "--config", str(config), "replay", recording, "--at", shot.at, "--screen", shot.screen]
        argv += ["--worker", shot.worker] if shot.worker else []
        with Terminal(argv, environment(folder), str(ROOT)) as terminal:
            view = View(terminal)
            view.wait_loaded()
            for key in shot.keys:
                terminal.write(bytes([key]))
                view.look()
                view.wait_loaded()
            terminal.write(b"S")
            view.wait(lambda: any(folder.rglob("*.svg")), "the picture")
            terminal.quit(b"q")
        (saved,) = folder.rglob("*.svg")
        return saved.read_text(encoding="utf-8")


class View:
    """What the terminal shows, as an emulator draws it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    def look(self) -> str:
        """Read what arrives for a moment, and return the whole screen."""
        for chunk in self._terminal.start(time.monotonic() - self._terminal.began_s + LOOK_S):
            self._stream.feed(chunk.output)
        return "\n".join(self._screen.display)

    def wait_loaded(self) -> None:
        """Wait until the recording is loaded and the place is shown."""
        self.wait(lambda: "REPLAY" in (text := self.look()) and not any(word in text for word in LOADING), "the place")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition. Raises TimeoutError with the screen."""
        ends_s = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > ends_s:
                raise TimeoutError(f"{what} did not come within {LIMIT_S:g} s:\n{self.look()}")
            self.look()


PROGRAM = (sys.executable, "-m", "metabonk_tui")


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of the monitor: a state of its own, and a terminal of many colours."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    own = {"METABONK_TUI_STATE_DIR": str(folder / "state"), "LANG": "C.UTF-8", "TZ": "UTC"}
    return {**kept, **own, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def run(arguments: Sequence[str], folder: Path) -> None:
    """Run a verb; its exit code is that of a verdict."""
    argv = [*PROGRAM, *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=environment(folder), timeout=LIMIT_S, stdout=subprocess.DEVNULL)
    if done.returncode > 3:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}")


def size_of(svg: Path) -> tuple[int, int]:
    """Return the size of a picture in pixels."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{svg} has no size")
    return round(float(found[1])), round(float(found[2]))


def photograph(browser: str, address: str, target: Path, theme: str, size: tuple[int, int]) -> None:
    """Draw a page as a PNG of this size."""
    argv = [browser, "--no-sandbox", "--hide-scrollbars", f"--window-size={size[0]},{size[1]}"]
    argv += [f"--blink-settings=preferredColorScheme={THEMES[theme]}", f"--screenshot={target}", address]
    subprocess.run(argv, timeout=LIMIT_S, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if SMALLER.exists():
        subprocess.run([str(SMALLER), "-c", SMALLER_CODE, str(target)], timeout=LIMIT_S, check=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="metabonk-pictures-") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
