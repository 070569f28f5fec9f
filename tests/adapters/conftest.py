"""Provides real child processes for the tests of the adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.children import Children


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()
