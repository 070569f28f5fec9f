"""The rules of the memory chart: where the axis begins, and which forecast is named."""

from datetime import UTC

import pytest
from msgspec.structs import replace

from metabonk_tui.core.memory.capacity import falls_soon
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import GB
from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.memory.chart import chart, in_gigabytes, memory_axis
from tests.support import snapshots as scenes
from tests.support.draw import text_of

T = scenes.healthy().t


def seen(available: float, forecast: Forecast | None = None) -> Snapshot:
    """Return a Snapshot whose memory was this many GB for half an hour; the floor is 1.0 GB."""
    scene = scenes.healthy()
    history = tuple((scene.t - 60.0 * n, round((available + 0.01 * n) * GB)) for n in range(30, -1, -1))
    memory = replace(scene.memory, history=history, forecast=forecast)
    return replace(scene, hosts={name: replace(host, memory=memory) for name, host in scene.hosts.items()})


def falls(lead_s: float, doubt_s: float, state: str = "FALLING") -> Forecast:
    return Forecast(T + lead_s, doubt_s, -1e8, "OOM soon", state=state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("available", "forecast", "note"),
    [
        (1.5, None, "from 0: the floor is near"),
        (1.99, None, "from 0: the floor is near"),
        (2.5, None, "axis 2.5 to 2.8: far from the floor"),
        (30.0, None, "axis 30 to 30.3: far from the floor"),
        (30.0, falls(1800, 300), "from 0"),
        (30.0, falls(1800, 9000), "axis 30 to 30.3: far from the floor"),
    ],
)
def test_the_axis_begins_at_zero_only_when_the_floor_matters(
    available: float, forecast: Forecast | None, note: str
) -> None:
    snapshot = seen(available, forecast)
    points = in_gigabytes(snapshot.memory.history, snapshot.t, 1800.0)
    assert memory_axis(snapshot, points, 10)[1] == note


@pytest.mark.parametrize(
    ("forecast", "named"),
    [
        (falls(1800, 300), True),
        (falls(1800, 1801), False),
        (falls(5 * 3600, 60), False),
        # Seconds before the end a doubt of minutes hides nothing.
        (falls(30, 120, "CRITICAL"), True),
    ],
)
def test_a_forecast_more_uncertain_than_far_is_not_named(forecast: Forecast, named: bool) -> None:
    assert falls_soon(seen(2.0, forecast).memory, T) == named


def test_a_time_beyond_the_axis_has_no_label() -> None:
    within = chart(seen(3.0, falls(1200, 60)), 100, 12, UNICODE, UTC)
    beyond = chart(seen(3.0, falls(2 * 3600, 60)), 100, 12, UNICODE, UTC)
    assert "OOM" in plain(within[-1])
    assert "OOM" not in plain(beyond[-1])


def test_an_uncertain_fall_is_said_in_words() -> None:
    assert "falls, no crossing seen yet" in text_of(seen(3.0, falls(1800, 3600)), 120, 40, "memory")
