"""Knows the environment that a process was started with, where it may be read; secrets never leave this module.

Refuses to know which values are right.
"""

from __future__ import annotations

import re
from pathlib import Path

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.text.clean import clean_text

MASK = "••••"
_VALUE_LIMIT = 500
USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class Masking:
    """What the configuration asks for of any environment."""

    def __init__(self, config: Config) -> None:
        self._prefixes = tuple(config.environment.prefixes)
        self._secret_words = tuple(word.upper() for word in config.environment.secret_words)
        # The configuration already says openly what these must be, and a masked value could never be right.
        self._open = frozenset(config.required_environment)

    def wants(self, name: str) -> bool:
        """Tell whether a variable is to be looked at at all."""
        return name.startswith(self._prefixes) or name in self._open

    def shown(self, name: str, value: str) -> str:
        """Return a value as it may be shown: cleaned, cut, masked where its name sounds secret."""
        if name not in self._open and any(word in name.upper() for word in self._secret_words):
            return MASK
        return clean_text(USER_IN_URL.sub(MASK, value), limit=_VALUE_LIMIT)


class Environments:
    """Read what the configuration asks for from the environment of processes."""

    def __init__(self, config: Config, root: Path = Path("/")) -> None:
        self._proc = Proc(root)
        self._masking = Masking(config)

    def read(self, pid: int, started_at: float) -> EnvReading:
        """Read the environment of the process (pid, start in Unix seconds) as it was when it was executed.

        What the process changed later cannot be seen. Errors: "not permitted", "gone", "not readable here".
        """
        if not self._proc.is_same(pid, started_at):
            return EnvReading(None, "gone")
        try:
            text = self._proc.environment(pid)
        except PermissionError:
            return EnvReading(None, "not permitted")
        except (FileNotFoundError, ProcessLookupError):
            return EnvReading(None, "gone")
        except OSError:
            return EnvReading(None, "not readable here")
        if not self._proc.is_same(pid, started_at):
            return EnvReading(None, "gone")
        return EnvReading(self._wanted(text))

    def _wanted(self, text: bytes) -> dict[str, str]:
        values: dict[str, str] = {}
        for item in text.split(b"\0"):
            name, equals, value = item.decode(errors="replace").partition("=")
            if not equals or not self._masking.wants(name):
                continue
            # Of a name that stands there twice the first one counts, as in getenv(3).
            values.setdefault(clean_text(name), self._masking.shown(name, value))
        return values
