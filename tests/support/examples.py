"""Says how many examples a property test tries: a third in `make test`, all of them in `make thorough`."""

import os

THOROUGH = "METABONK_TUI_THOROUGH"
SHARE = 3
FEWEST = 5


def examples(count: int) -> int:
    """Return the number of examples to try of `count`."""
    return count if os.environ.get(THOROUGH) else max(min(count, FEWEST), count // SHARE)
