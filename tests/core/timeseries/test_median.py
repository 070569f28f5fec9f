"""The median is that of the standard library."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.timeseries.median import median


@given(st.lists(st.integers(-100, 100) | st.floats(-1e9, 1e9), min_size=1, max_size=9))
def test_it_is_the_median_of_the_standard_library(numbers: list[float]) -> None:
    assert median(iter(numbers)) == statistics.median(numbers)


def test_no_numbers_have_no_median() -> None:
    with pytest.raises(ValueError, match="no median"):
        median([])
