"""Keeps what the operator saw last, so that the next monitor can say what changed since. Private, replaced whole.

Does not: keep a history. A file that cannot be read is as if there were none.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
from msgspec.structs import replace

from metabonk_tui.adapters.files.private import read_private, write_private_json
from metabonk_tui.adapters.host.local import canonical_host
from metabonk_tui.adapters.state.paths import pool_stem
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.model.absence import Look
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
MAX_BYTES = 1 << 20


class LookFile:
    """The last look at one pool."""

    def __init__(self, state: Path, pool: PoolConfig) -> None:
        """Set the path; reads nothing yet."""
        self.path = state / f"{pool_stem(canonical_host(pool.host), pool.base_port)}.look.json"

    def read(self) -> Look | None:
        """Return the last look; None: there was none, or the file is not usable."""
        try:
            look = msgspec.json.decode(read_private(self.path, MAX_BYTES), type=Look)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            LOG.warning("the last look cannot be read: %s", error)
            return None
        return replace(look, run=clean_text(look.run))

    def write(self, look: Look) -> None:
        """Replace the last look. An error goes to the log: no look is worth a message."""
        try:
            write_private_json(self.path, msgspec.to_builtins(look))
        except (OSError, ValueError) as error:
            LOG.warning("the last look cannot be kept: %s", error)
