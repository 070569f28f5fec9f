"""Gives each scenario its own real MetaBonk, or skips it with the reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.real.stack import RealStack, open_stack, prepare_python, why_impossible

CHECKOUT = "METABONK_CHECKOUT"
PYTHON_HOME = "METABONK_PYTHON_HOME"
"""Where the virtual environment of MetaBonk's processes lies; 1.5 GB."""


def python_home() -> Path:
    return Path(os.environ.get(PYTHON_HOME) or Path.home() / ".cache" / "metabonk-tui-real").absolute()


@cache
def reason() -> str:
    """Return why no scenario can run here; "" when all can."""
    return why_impossible(os.environ.get(CHECKOUT, "")) or prepare_python(python_home())


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RealStack]:
    """Namespaces with a copy of the checkout; the scenario launches it."""
    if reason():
        pytest.skip(reason())
    with open_stack(Path(os.environ[CHECKOUT]).absolute(), python_home(), tmp_path) as stack:
        yield stack
