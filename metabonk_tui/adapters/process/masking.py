"""Knows which variables of an environment may be looked at, and how their values are shown: secrets end here.

Refuses to know where they come from.
"""

from __future__ import annotations

import re

from metabonk_tui.core.config.schema import Config
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
