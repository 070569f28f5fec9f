"""Says which examples a property test tries: a fourth and always the same in `make test`, all of them and new ones in
`make thorough`.
"""

import os

import pytest
from hypothesis import settings

THOROUGH = "METABONK_TUI_THOROUGH"
ONLY_THOROUGH = pytest.mark.skipif(not os.environ.get(THOROUGH), reason="only in `make thorough`")
"""The mark of what cheaper tests guard too; a comment beside it names them."""
SHARE = 4
FEWEST = 5


def examples(count: int) -> int:
    """Return the number of examples to try of `count`."""
    return count if os.environ.get(THOROUGH) else max(min(count, FEWEST), count // SHARE)


def load_profile() -> None:
    """Make `make test` try the same examples each time: what fails then was changed, and is no matter of luck."""
    settings.register_profile("same", max_examples=examples(100), derandomize=True, database=None, deadline=None)
    settings.register_profile("new", deadline=None)
    settings.load_profile("new" if os.environ.get(THOROUGH) else "same")
