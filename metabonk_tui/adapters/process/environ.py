"""Reads the environment that a process was started with; secrets are masked before they leave this module.

Does not: judge the values.
"""

from __future__ import annotations

from pathlib import Path

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.text.clean import clean_masked, clean_text, show_cr
from metabonk_tui.core.text.mask import mask_value, secret_words

_VALUE_LIMIT = 500
_LOOKED_AT = 65_536
"""The most characters of a value that are searched for secrets; the rest is never shown."""


class Masking:
    """Selects the configured variables of an environment, and masks secret values."""

    def __init__(self, config: Config) -> None:
        self._prefixes = tuple(config.environment.prefixes)
        self._words = secret_words(config.environment.secret_words)
        # The configuration contains the required values in clear, and a masked value could never match them.
        self._open = frozenset(config.required_environment)

    def wants(self, name: str) -> bool:
        """Return whether the configuration selects this variable."""
        return name.startswith(self._prefixes) or name in self._open

    def shown(self, name: str, value: str) -> str:
        r"""Return a value for display: cleaned, at most 500 characters, a CR as \r, masked if its name is secret."""
        value = show_cr(value[:_LOOKED_AT])
        if name in self._open:
            return clean_text(value, limit=_VALUE_LIMIT)
        return clean_masked(mask_value(name, value, self._words), limit=_VALUE_LIMIT)


class Environments:
    """Reads the configured variables from the environment of processes."""

    def __init__(self, config: Config, root: Path = Path("/")) -> None:
        self._proc = Proc(root)
        self._masking = Masking(config)

    def read(self, pid: int, started_at: float) -> EnvReading:
        """Read the environment of the process (pid, start in Unix seconds) as it was at its exec.

        Later changes by the process are not visible. Errors: "not permitted", "gone", "not readable here".
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
            # The first value of a repeated name counts, as in getenv(3).
            values.setdefault(clean_text(name), self._masking.shown(name, value))
        return values
