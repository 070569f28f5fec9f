"""Reads windows of the logs of the pool's processes: from the end, around a time, further on request.

A log may be appended to, truncated or replaced at any time. Memory is bounded, whatever the size of the files. Does
not: keep a file open, or read terminals and pipes, because reading takes the data from their reader.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.files.blocks import (
    BLOCK_BYTES,
    LONGEST_BYTES,
    find_after,
    find_before,
    find_time,
    read_after,
    read_before,
)
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.logs.lines import LINE_CHARACTERS, Origin, continue_traceback, note, parse_lines
from metabonk_tui.core.logs.model import LogLine, LogPlace, LogWindow
from metabonk_tui.core.logs.times import line_time
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import WORDS

FOLLOWED_BYTES = 131_072
"""What is read of all logs together while they are followed."""
MOST_BYTES = 2_097_152
"""What is kept of all logs together, however far one scrolls."""
LEAST_BYTES = 16_384
"""What is read of each log at least."""
SEARCHED_BYTES = 536_870_912
"""What one key of the search looks at of each log outside the part in memory: 0.3 s of CPU."""
SEARCHES = ("hit before", "hit after")
NOT_SEEN = (-1, -1)
CHECKED_BYTES = 64
"""The last bytes that were read: if others stand there, the file was written anew."""


class _FollowedLog(Struct):
    """One followed log."""

    place: LogPlace
    path: str
    key: tuple[int, int]
    """Device and inode."""
    epoch: int = 0
    begin: int = 0
    end: int = 0
    """After the last whole line that was read."""
    read_to: int = 0
    """After the last byte that was read: `end`, or the end of the partial line."""
    lines: list[LogLine] = []
    partial: list[LogLine] = []
    """The line whose end is not written yet."""
    inside: bool = False
    """A traceback is open after the last line."""
    tail: bytes = b""
    searched: str = ""
    """What the last search looked for that found nothing."""
    searched_to: int | None = None
    """Where the next search of the same goes on."""
    seen: tuple[int, int] = NOT_SEEN
    """Size and time of the last change at the last reading."""
    window: LogWindow | None = None


class LogFiles:
    """Follows the logs of some places. For one thread at a time."""

    def __init__(
        self, clock: Clock, words: tuple[str, ...] = WORDS, root: Path = Path("/"), zone: tzinfo | None = None
    ) -> None:
        """Prepare. `words` make a name secret; `zone` is that of times without one; None: this machine's."""
        self._clock = clock
        self._words = words
        self._process = Proc(root)
        self._proc = root / "proc"
        self._zone = zone or datetime.now(UTC).astimezone().tzinfo or UTC
        self._files: dict[str, _FollowedLog] = {}
        self._share = FOLLOWED_BYTES
        self._most = MOST_BYTES

    def read(self, places: Sequence[LogPlace], move: LogMove) -> tuple[LogWindow, ...]:
        """Return the wanted part of each log."""
        self._share = max(LEAST_BYTES, FOLLOWED_BYTES // max(1, len(places)))
        self._most = max(2 * self._share, MOST_BYTES // max(1, len(places)))
        wanted = {place.name for place in places}
        self._files = {name: file for name, file in self._files.items() if name in wanted}
        if move.kind in SEARCHES and len(places) > 1:
            move = self._nearest_hit(places, move)
        names: dict[tuple[int, int], str] = {}
        windows: list[LogWindow] = []
        for place in places:
            window = self._read(place, move)
            file = self._files.get(place.name)
            if file is not None and (other := names.setdefault(file.key, place.name)) != place.name:
                del self._files[place.name]
                window = LogWindow(place, window.path, f"the same file as {other}")
            windows.append(window)
        return tuple(windows)

    def _read(self, place: LogPlace, move: LogMove) -> LogWindow:
        try:
            opened = self._open(place)
            if isinstance(opened, str):
                self._files.pop(place.name, None)
                return LogWindow(place, problem=opened)
            descriptor, path = opened
            try:
                return self._update(place, descriptor, path, move)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._files.pop(place.name, None)
            return LogWindow(place, problem=f"cannot be read: {error.strerror or error}")

    def _paths(self, place: LogPlace) -> Iterator[str]:
        """Yield what the process writes to, then the files of the run."""
        started_at = None if place.started_at is None else self._clock.real(place.started_at)
        if place.pid is not None and started_at is not None and self._process.is_same(place.pid, started_at):
            for descriptor in ("1", "2"):
                yield str(self._proc / str(place.pid) / "fd" / descriptor)
        yield from (path for path in place.paths if os.path.isabs(path))

    def _open(self, place: LogPlace) -> tuple[int, str] | str:
        """Open the first regular file; else return why there is none. Raises OSError."""
        refused = ""
        for path in self._paths(place):
            try:
                # Checked before it is opened, because opening a pipe wakes its writer.
                if not stat.S_ISREG(os.stat(path).st_mode):
                    continue
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            except PermissionError:
                refused = refused or path
                continue
            except (OSError, ValueError):
                continue
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                continue
            is_link = path.startswith(str(self._proc))
            return descriptor, clean_text(os.readlink(path) if is_link else path, LINE_CHARACTERS)
        if refused:
            return f"not permitted: {refused}"
        tried = ", ".join(place.paths)
        return f"no file {tried}" if tried else "neither its process nor the folder of its logs is known"

    def _update(self, place: LogPlace, descriptor: int, path: str, move: LogMove) -> LogWindow:
        found = os.fstat(descriptor)
        key, size = (found.st_dev, found.st_ino), found.st_size
        file = self._files.get(place.name)
        if file is None:
            file = self._files[place.name] = _FollowedLog(place, path, key, lines=[], partial=[])
            self._load_end(file, descriptor, size, found.st_mtime)
        else:
            file.place, file.path = place, path
            self._check(file, descriptor, key, size)
        now = (size, found.st_mtime_ns)
        if move.kind == "older":
            self._load_older(file, descriptor, found.st_mtime)
        elif move.kind == "newer":
            self._append(file, descriptor, size, found.st_mtime)
            self._cut_top(file, self._most)
        elif move.kind == "start":
            self._restart(file, 0)
            self._append(file, descriptor, size, found.st_mtime)
        elif move.kind in SEARCHES and move.text:
            self._load_hit(file, descriptor, size, found.st_mtime, move)
        elif move.kind == "time" and move.t is not None:
            self._load_time(file, descriptor, size, found.st_mtime, self._clock.real(move.t))
        elif now != file.seen or (move.kind == "follow" and file.read_to < size):
            self._follow(file, descriptor, size, found.st_mtime, move.kind == "follow")
        if move.kind == "follow" and file.end - file.begin > 2 * self._share:
            self._cut_top(file, self._share)
        if file.window is None or now != file.seen:
            lines = (*file.lines, *file.partial)
            changed_t = self._clock.at(found.st_mtime)
            file.window = LogWindow(
                place, path, "", size, file.begin, file.read_to, changed_t, lines, file.searched_to
            )
        file.seen = now
        return file.window

    def _check(self, file: _FollowedLog, descriptor: int, key: tuple[int, int], size: int) -> None:
        """Begin anew where the file was replaced, truncated or written anew; what was read of it before stays."""
        at = file.end - len(file.tail)
        if key != file.key:
            text = "here the log was replaced by a new file"
        elif size < file.end or os.pread(descriptor, len(file.tail), at) != file.tail:
            text = "here the log was truncated"
        else:
            return
        file.key, file.epoch = key, file.epoch + 1
        file.lines = [*file.lines, *file.partial, note(file.place.name, file.epoch, text, self._clock.now())]
        file.begin = file.end = file.read_to = 0
        file.partial, file.tail, file.inside, file.window = [], b"", False, None

    def _restart(self, file: _FollowedLog, at: int) -> None:
        """Forget what was read, and begin at an offset."""
        file.begin = file.end = file.read_to = at
        file.lines, file.partial, file.tail, file.inside, file.window = [], [], b"", False, None
        file.searched_to = None

    def _load_end(self, file: _FollowedLog, descriptor: int, size: int, changed_s: float) -> None:
        begin, content = read_before(descriptor, size, self._share)
        whole = content.rfind(b"\n") + 1
        self._restart(file, begin)
        file.lines, file.inside = parse_lines(content[:whole], begin, self._origin(file, changed_s))
        file.end = file.read_to = begin + whole
        file.tail = content[:whole][-CHECKED_BYTES:]
        self._load_partial(file, content[whole:], changed_s)

    def _load_older(self, file: _FollowedLog, descriptor: int, changed_s: float) -> None:
        if file.begin == 0:
            return
        file.lines = [line for line in file.lines if line.id.epoch == file.epoch and line.level != "note"]
        first_t = next((line.t for line in file.lines if line.t is not None), None)
        newest_s = changed_s if first_t is None else self._clock.real(first_t)
        begin, content = read_before(descriptor, file.begin, min(self._share, BLOCK_BYTES))
        older, inside = parse_lines(content, begin, self._origin(file, newest_s))
        if inside:
            continue_traceback(file.lines)
        file.begin, file.lines, file.window = begin, older + file.lines, None
        while file.end - file.begin > self._most and len(file.lines) > 1:
            last = file.lines.pop()
            file.end = file.read_to = last.id.offset
            file.tail, file.partial, file.inside = b"", [], False

    def _load_time(self, file: _FollowedLog, descriptor: int, size: int, changed_s: float, t: float) -> None:
        def time_of(line: bytes) -> float | None:
            found = line_time(line[:200].decode(errors="replace"), self._zone, changed_s)
            return None if found is None else found.t

        self._restart(file, find_time(descriptor, size, t, time_of))
        self._append(file, descriptor, size, changed_s)
        self._load_older(file, descriptor, changed_s)

    def _load_hit(self, file: _FollowedLog, descriptor: int, size: int, changed_s: float, move: LogMove) -> None:
        """Read around the nearest line outside the window that contains a text; without one the window stays."""
        found = self._find_hit(file, descriptor, size, move)
        if found is not None:
            self._restart(file, found)
            self._append(file, descriptor, size, changed_s)
            self._load_older(file, descriptor, changed_s)
        file.window = None

    def _find_hit(self, file: _FollowedLog, descriptor: int, size: int, move: LogMove) -> int | None:
        """Return where the nearest line begins; of several logs, outside the part that is shown of them all."""
        is_before = move.kind == "hit before"
        at = file.begin if is_before else file.end
        if move.t is not None:
            shown = [line.id.offset for line in file.lines if line.t is not None and line.id.epoch == file.epoch
                     and (line.t >= move.t if is_before else line.t > move.t)]  # fmt: skip
            at = shown[0] if shown else file.end
        searched = f"{move.kind} {move.text}"
        if file.searched == searched and file.searched_to is not None:
            at = min(at, file.searched_to) if is_before else max(at, file.searched_to)
        text = move.text.lower().encode()
        if is_before:
            found, to = find_before(descriptor, at, text, SEARCHED_BYTES)
        else:
            found, to = find_after(descriptor, at, size, text, SEARCHED_BYTES)
        file.searched, file.searched_to = searched, None if found is not None else to
        return found

    def _nearest_hit(self, places: Sequence[LogPlace], move: LogMove) -> LogMove:
        """Return the move to the time of the nearest line of several logs that contains a text."""
        times: list[float] = []
        for place in places:
            file = self._files.get(place.name)
            with contextlib.suppress(OSError):
                opened = self._open(place) if file is not None else ""
                if file is None or isinstance(opened, str):
                    continue
                try:
                    found = self._find_hit(file, opened[0], os.fstat(opened[0]).st_size, move)
                    file.window = None
                    if found is not None and (t := self._time_at(opened[0], found)) is not None:
                        times.append(t)
                finally:
                    os.close(opened[0])
        if not times:
            return LogMove("hold", move.number)
        return LogMove("time", move.number, max(times) if move.kind == "hit before" else min(times))

    def _time_at(self, descriptor: int, offset: int) -> float | None:
        """Return the time of the line at an offset, else that of the last line before it, on the run's clock."""
        status = os.fstat(descriptor)
        _, own = read_after(descriptor, offset, status.st_size)
        _, before = read_before(descriptor, offset)
        for line in (own.partition(b"\n")[0], *reversed(before.splitlines())):
            found = line_time(line[:200].decode(errors="replace"), self._zone, status.st_mtime)
            if found is not None:
                return self._clock.at(found.t)
        return None

    def _follow(self, file: _FollowedLog, descriptor: int, size: int, changed_s: float, to_end: bool) -> None:
        """Read what was added, to the end of the file or as far as memory is left."""
        if to_end and size - file.end > self._most:
            notes = [line for line in file.lines if line.level == "note"]
            self._load_end(file, descriptor, size, changed_s)
            file.lines = notes + file.lines
            return
        seen_t = self._clock.now() if file.seen != NOT_SEEN else None
        while file.read_to < size and (to_end or file.end - file.begin < self._most):
            before = file.read_to
            self._append(file, descriptor, size, changed_s, seen_t)
            if file.read_to == before:
                break

    def _append(
        self, file: _FollowedLog, descriptor: int, size: int, changed_s: float, seen_t: float | None = None
    ) -> None:
        """Read the lines of a share of bytes after the last one, or the line that is not ended yet."""
        end, content = read_after(descriptor, file.end, size, self._share)
        lines, file.inside = parse_lines(content, file.end, self._origin(file, changed_s), file.inside, seen_t)
        file.lines += lines
        file.tail = (file.tail + content)[-CHECKED_BYTES:]
        file.end = file.read_to = end
        file.partial, file.window = [], None
        if 0 < size - end <= LONGEST_BYTES and b"\n" not in (rest := os.pread(descriptor, size - end, end)):
            self._load_partial(file, rest, changed_s, seen_t)

    def _load_partial(self, file: _FollowedLog, rest: bytes, changed_s: float, seen_t: float | None = None) -> None:
        file.read_to = file.end + len(rest)
        file.partial, _ = parse_lines(rest, file.end, self._origin(file, changed_s), file.inside, seen_t)

    def _cut_top(self, file: _FollowedLog, most_bytes: int) -> None:
        first = next(
            (i for i, line in enumerate(file.lines) if line.id.epoch == file.epoch and line.id.offset >= 0
             and file.end - line.id.offset <= most_bytes),
            len(file.lines),
        )  # fmt: skip
        if first and first < len(file.lines):
            file.lines = file.lines[first:]
            file.begin, file.window = file.lines[0].id.offset, None

    def _origin(self, file: _FollowedLog, newest_s: float) -> Origin:
        newest_s = min(newest_s, time.time())
        return Origin(file.place.name, file.epoch, self._zone, newest_s, self._words, self._clock.at)
