"""Reads the configured env file when it changes, and finds its keys that nothing in the checkout reads.

Does not: judge the values. Bash runs the file only after it changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.env_file.launcher_environment import launcher_environment
from metabonk_tui.adapters.env_file.source import TIMEOUT_S, read_env_file
from metabonk_tui.adapters.env_file.source_keys import SourceKeys, SourceNames, unread
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.text.clean import clean_text

SOURCE_EVERY_S = 60.0
"""Seconds between two readings of the source, unless the env file changed."""

Stamp = tuple[int, int, int] | None


class EnvFileWatch:
    """Watches one pool's env file. For one thread at a time."""

    def __init__(self, config: Config, environ: Mapping[str, str] = os.environ, timeout_s: float = TIMEOUT_S) -> None:
        directory = Path(config.pool.launcher.directory).expanduser().absolute()
        named = config.pool.launcher.env_file
        self._path = directory / Path(named).expanduser() if named else None
        source = config.environment.source
        self._source = SourceKeys(directory / Path(source).expanduser() if source else directory)
        self._masking = Masking(config)
        self._directory, self._launch = directory, tuple(config.pool.launcher.launch)
        self._required = frozenset(config.required_environment)
        self._environ = environ
        self._timeout_s = timeout_s
        self._stamp: Stamp = None
        self._reading: EnvFileReading | None = None
        self._source_read_s: float | None = None

    def read(self) -> EnvFileReading | None:
        """Return what the file sets now; None: no env file is configured. Blocks while bash reads a changed file."""
        if self._path is None:
            return None
        stamp = _stamp(self._path)
        now_s = time.monotonic()
        if self._reading is None or stamp != self._stamp:
            self._reading = read_env_file(self._path, self._masking, self._environ, self._timeout_s)
            self._stamp, self._source_read_s = stamp, None
        if self._source_read_s is None or now_s - self._source_read_s >= SOURCE_EVERY_S:
            self._source_read_s = now_s
            self._reading = self._with_source(self._reading)
        return self._reading

    def _with_source(self, reading: EnvFileReading) -> EnvFileReading:
        """Add what the launcher sets, the keys that the source never reads, and what was read or why not."""
        if reading.error is not None:
            return reading
        sets = launcher_environment(self._directory, self._launch).values
        shown = {
            key: value and self._masking.shown(key, value) for key, value in sets.items() if key in self._required
        }
        reading = replace(reading, launcher_sets=shown)
        found = self._source.read()
        if isinstance(found, SourceNames):
            return replace(reading, unread=unread(reading.values, found.names), source=clean_text(found.read))
        return replace(reading, unread=None, source=clean_text(found.why))


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
