"""The axis of a chart: it holds its values, its labels stand on rows, and it shows the change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.ui.views.layout.line_plot import axis_from_zero, axis_of_data


@given(st.floats(0.0, 5000.0), st.floats(0.0, 500.0), st.integers(4, 20))
def test_an_axis_of_data_holds_the_data_with_at_least_three_labels_on_rows(
    lowest: float, spread: float, rows: int
) -> None:
    found = axis_of_data(lowest, lowest + spread, rows, 0.1)
    if found is None:
        return
    assert found.bottom - 1e-6 <= lowest
    assert lowest + spread <= found.top + 1e-6
    assert found.rows <= rows
    labels = [found.value(row) for row in range(found.rows) if found.value(row) is not None]
    assert len(labels) >= 3
    assert found.value(0) == pytest.approx(found.top)
    assert found.value(found.rows - 1) == pytest.approx(found.bottom)


@pytest.mark.parametrize(
    ("lowest", "highest", "bottom", "top"),
    [(4.1, 6.0, 4.0, 6.0), (23.21, 23.24, 23.2, 23.4), (36.2, 38.0, 36.0, 38.0), (0.0, 3.0, 0.0, 3.0)],
)
def test_a_small_change_fills_the_axis(lowest: float, highest: float, bottom: float, top: float) -> None:
    found = axis_of_data(lowest, highest, 9, 0.1)
    assert found is not None
    assert (found.bottom, found.top) == (pytest.approx(bottom), pytest.approx(top))


@given(st.floats(1e-4, 1e9), st.integers(3, 20))
def test_an_axis_from_zero_holds_any_size(highest: float, rows: int) -> None:
    found = axis_from_zero(highest, rows)
    assert found is not None
    assert found.bottom == 0
    assert highest <= found.top * (1 + 1e-9)
    assert found.dot(highest) <= found.dot(0.0)
